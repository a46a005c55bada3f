//! Rotates the key that everything is encrypted with, without stopping: a new primary key is added to the old ones, everything
//! is re-encrypted, and old keys are removed once nothing needs them.

use std::path::PathBuf;

use futures_util::future::BoxFuture;

use super::audit::{Audit, Entry};
use super::vault::{self, Key};
use super::{Error, Inner};

/// A key and what it has encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyStatus {
    /// Its id: the first eight bytes of its SHA-256, hexadecimal.
    pub id: String,
    /// New values are encrypted with it.
    pub primary: bool,
    /// It is configured; otherwise what it has encrypted cannot be read.
    pub given: bool,
    /// How many values it has encrypted.
    pub sealed: usize,
}

/// What a rotation did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// The id of the key that new values are encrypted with from now on.
    pub primary: String,
    /// The file that it was written into.
    pub file: Option<PathBuf>,
    /// How many values were re-encrypted.
    pub reencrypted: usize,
    /// Nothing is left; otherwise it was stopped.
    pub finished: bool,
}

/// Hears of each batch of a rotation how many values were encrypted again so far, and says whether to go on.
pub type Progress<'a> = &'a (dyn Fn(usize) -> BoxFuture<'a, bool> + Send + Sync);

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
    /// All keys that are given or were used, the primary one first.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn list(self) -> Result<Vec<KeyStatus>, Error> {
        let status = |(index, id): (usize, String)| KeyStatus { id, primary: index == 0, given: true, sealed: 0 };
        let mut keys: Vec<KeyStatus> = self.0.vault.ids().into_iter().enumerate().map(status).collect();
        for sealed in self.sealed_by().await? {
            match keys.iter_mut().find(|key| key.id == sealed.key) {
                Some(key) => key.sealed += sealed.count,
                None => keys.push(KeyStatus { id: sealed.key, primary: false, given: false, sealed: sealed.count }),
            }
        }
        Ok(keys)
    }

    /// Whether a rotation would add a key: there is a file for it, and the primary key has encrypted everything.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn rotation_adds_key(self) -> Result<bool, Error> {
        let done = self.list().await?.iter().all(|key| key.primary || key.sealed == 0);
        Ok(done && self.0.vault.file().is_some())
    }

    /// Encrypts everything with the primary key; where keys are in a file and nothing is left of an unfinished rotation, a new key
    /// is put at its top first. `entry` is written to the audit log once the key is there; `progress` hears of each batch how many
    /// values were re-encrypted so far, and stops the rest by `false`.
    ///
    /// # Errors
    /// When the file cannot be written, the database cannot be reached, or a key is missing.
    pub async fn rotate(self, entry: &Entry, progress: Progress<'_>) -> Result<Rotated, Error> {
        let file = if self.rotation_adds_key().await? { self.0.vault.file().map(ToOwned::to_owned) } else { None };
        if let Some(file) = &file {
            let keys = vault::read(file)?;
            let texts = std::iter::once(Key::new()?.text()).chain(keys.iter().map(Key::text));
            vault::write(file, &texts.collect::<Vec<_>>())?;
        }
        let primary = self.0.vault.primary();
        let entry = Entry { target: primary.clone(), ..entry.clone() };
        Audit(self.0).add(&entry).await?;
        let mut reencrypted = 0;
        loop {
            let before = reencrypted;
            let finished = self.reencrypt(&mut reencrypted, progress).await?;
            if !finished || reencrypted == before {
                return Ok(Rotated { primary, file, reencrypted, finished });
            }
        }
    }

    /// Removes from the file what nothing needs; returns the ids. The primary key stays, and so does every key that something is
    /// encrypted with.
    ///
    /// # Errors
    /// When the file cannot be written or the database cannot be reached.
    pub async fn prune(self, entry: &Entry) -> Result<Vec<String>, Error> {
        let needless = |key: &KeyStatus| key.given && !key.primary && key.sealed == 0;
        let gone: Vec<String> =
            self.list().await?.iter().filter(|key| needless(key)).map(|key| key.id.clone()).collect();
        let Some(file) = self.0.vault.file().filter(|_| !gone.is_empty()) else { return Ok(gone) };
        Audit(self.0).add(&Entry { target: gone.join(" "), ..entry.clone() }).await?;
        let needed = vault::read(file)?.into_iter().filter(|key| !gone.contains(&key.hex_id()));
        vault::write(file, &needed.map(|key| key.text()).collect::<Vec<_>>())?;
        Ok(gone)
    }
}
