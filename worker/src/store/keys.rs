//! Rotating the key that everything is sealed with, without stopping: a new key beside the old ones, then everything
//! sealed anew, then the old ones removed once nothing needs them.

use std::path::PathBuf;

use super::vault::{self, Key};
use super::{Error, Inner};

/// A key and what it has sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyStatus {
    /// Its id: the first eight bytes of its SHA-256, hexadecimal.
    pub id: String,
    /// New values are sealed with it.
    pub today: bool,
    /// It can open; otherwise it is missing.
    pub given: bool,
    /// How many values it has sealed.
    pub sealed: usize,
}

/// What a rotation did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// The id of the key that seals from now on.
    pub today: String,
    /// The file that it was written into.
    pub file: Option<PathBuf>,
    /// How many values were sealed anew.
    pub resealed: usize,
}

/// Another key, as base64.
///
/// # Errors
/// When the system has no randomness.
pub fn new_key() -> Result<String, Error> {
    Key::new().map(|key| key.text())
}

/// The keys that everything is encrypted with, and what each has encrypted.
#[derive(Debug, Clone, Copy)]
pub struct Keys<'a>(pub(super) &'a Inner);

impl Keys<'_> {
    /// All keys that are given or were used, today's first.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn list(self) -> Result<Vec<KeyStatus>, Error> {
        let status = |(index, id): (usize, String)| KeyStatus { id, today: index == 0, given: true, sealed: 0 };
        let mut keys: Vec<KeyStatus> = self.0.vault.ids().into_iter().enumerate().map(status).collect();
        for sealed in self.sealed_by().await? {
            match keys.iter_mut().find(|key| key.id == sealed.key) {
                Some(key) => key.sealed += sealed.count,
                None => keys.push(KeyStatus { id: sealed.key, today: false, given: false, sealed: sealed.count }),
            }
        }
        Ok(keys)
    }

    /// Whether a rotation would make a key of its own: there is a file for it, and today's key has sealed everything.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn rotation_adds_key(self) -> Result<bool, Error> {
        let done = self.list().await?.iter().all(|key| key.today || key.sealed == 0);
        Ok(done && self.0.vault.file().is_some())
    }

    /// Seals everything with today's key; where keys are in a file and nothing is left of an unfinished rotation, a new key
    /// is put at its top first.
    ///
    /// # Errors
    /// When the file cannot be written, the database cannot be asked, or a key is missing.
    pub async fn rotate(self) -> Result<Rotated, Error> {
        let file = if self.rotation_adds_key().await? { self.0.vault.file().map(ToOwned::to_owned) } else { None };
        if let Some(file) = &file {
            let keys = vault::read(file)?;
            let texts = std::iter::once(Key::new()?.text()).chain(keys.iter().map(Key::text));
            vault::write(file, &texts.collect::<Vec<_>>())?;
        }
        let mut resealed = 0;
        loop {
            match self.reencrypt().await? {
                0 => break,
                some => resealed += some,
            }
        }
        Ok(Rotated { today: self.0.vault.today(), file, resealed })
    }

    /// Removes from the file what nothing needs; returns the ids. Today's key stays, and so does every key that something is
    /// sealed with.
    ///
    /// # Errors
    /// When the file cannot be written or the database cannot be asked.
    pub async fn prune(self) -> Result<Vec<String>, Error> {
        let needless = |key: &KeyStatus| key.given && !key.today && key.sealed == 0;
        let gone: Vec<String> =
            self.list().await?.iter().filter(|key| needless(key)).map(|key| key.id.clone()).collect();
        let Some(file) = self.0.vault.file().filter(|_| !gone.is_empty()) else { return Ok(gone) };
        let kept = vault::read(file)?.into_iter().filter(|key| !gone.contains(&key.shown_id()));
        vault::write(file, &kept.map(|key| key.text()).collect::<Vec<_>>())?;
        Ok(gone)
    }
}
