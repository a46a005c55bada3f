//! Encrypts secrets: XChaCha20-Poly1305 with the row's identity as associated data, so that rows cannot be swapped.
//!
//! A sealed value is: one byte of version, eight of the key's id, 24 of nonce, then ciphertext and tag.

use std::io::Write as _;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use secrecy::{ExposeSecret, SecretBox, SecretString};
use sha2::{Digest, Sha256};

use super::Error;
use crate::job::hex;

const VERSION: u8 = 1;
const KEY_ID: usize = 8;
const NONCE: usize = 24;
/// The check value's content and its associated data.
pub(super) const CHECK: (&[u8], &str) = (b"data-connector", "meta/vault_check");

/// 32 bytes that open what they sealed.
pub(super) struct Key(SecretBox<[u8; 32]>);

/// Where the keys of a database come from.
#[derive(Debug, Clone, Default)]
pub struct KeySource {
    /// `vault.key`: the primary key, as base64.
    pub key: Option<SecretString>,
    /// `vault.old_keys`: those that were primary before it.
    pub old_keys: Vec<SecretString>,
    /// `vault.key_file`: a key a line, the primary one first.
    pub file: Option<PathBuf>,
}

/// The bits of a file's mode by which others than its owner and its group read or write it.
const OTHERS: u32 = 0o006;

impl KeySource {
    /// The file with the keys, where there is one; the one of a SQLite file is created when it is missing.
    pub(super) fn file(&self, default: Option<PathBuf>) -> Result<Option<PathBuf>, Error> {
        match (&self.key, &self.file, default) {
            (Some(_), ..) => Ok(None),
            (None, Some(file), _) => Ok(Some(file.clone())),
            (None, None, Some(default)) => {
                if !default.exists() {
                    write(&default, &[Key::new()?.text()])?;
                }
                Ok(Some(default))
            }
            (None, None, None) => Err(Error::Key(
                "there is no key for credentials: set DATA_CONNECTOR__VAULT__KEY (base64 of 32 bytes, such as `data-connector keys new` prints) or vault.key_file".to_owned(),
            )),
        }
    }

    /// Whether there are settings that name a key.
    pub(super) fn is_given(&self) -> bool {
        self.key.is_some() || self.file.is_some()
    }

    /// The vault of these keys; `default` is the file that is created where none is named.
    pub(super) fn open(&self, default: Option<PathBuf>) -> Result<Vault, Error> {
        Vault::open_with(self, self.file(default)?)
    }

    fn given(&self) -> Result<Vec<Key>, Error> {
        let first = self.key.iter().map(|text| Key::parse(text.expose_secret(), "vault.key"));
        let old = self.old_keys.iter().map(|text| Key::parse(text.expose_secret(), "vault.old_keys"));
        first.chain(old).collect()
    }
}

impl Key {
    /// Another key.
    pub(super) fn new() -> Result<Self, Error> {
        Ok(Self(SecretBox::new(Box::new(random::<32>()?))))
    }

    pub(super) fn text(&self) -> String {
        STANDARD.encode(self.0.expose_secret())
    }

    fn parse(text: &str, source: &str) -> Result<Self, Error> {
        let bytes = STANDARD.decode(text.trim()).ok();
        match bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok()) {
            Some(bytes) => Ok(Self(SecretBox::new(Box::new(bytes)))),
            None => Err(Error::Key(format!("{source} does not hold the base64 of 32 bytes"))),
        }
    }

    /// Its id as hexadecimal digits.
    pub(super) fn hex_id(&self) -> String {
        hex(&self.id())
    }

    fn id(&self) -> [u8; KEY_ID] {
        let hash: [u8; 32] = Sha256::digest(self.0.expose_secret()).into();
        let mut id = [0; KEY_ID];
        id.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
        id
    }
}

/// The keys of a file, the primary one first; empty lines and those that begin with # are not keys.
pub(super) fn read(file: &Path) -> Result<Vec<Key>, Error> {
    let problem = |source| Error::file(file, source);
    let mode = std::fs::metadata(file).map_err(problem)?.permissions().mode();
    if mode & OTHERS != 0 {
        return Err(Error::Key(format!(
            "{} can be read or written by everybody on this machine (mode {:o}); run chmod 600, or 640 for a group",
            file.display(),
            mode & 0o777
        )));
    }
    let text = std::fs::read_to_string(file).map_err(problem)?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let keys = lines.map(|line| Key::parse(line, &file.display().to_string())).collect::<Result<Vec<_>, _>>()?;
    if keys.is_empty() { Key::parse("", &file.display().to_string()).map(|_| Vec::new()) } else { Ok(keys) }
}

/// Written under another name and renamed, so that a process that dies here leaves no partial file.
pub(super) fn write(file: &Path, lines: &[String]) -> Result<(), Error> {
    let problem = |source| Error::file(file, source);
    let mut temporary = file.as_os_str().to_owned();
    temporary.push(".new");
    let mut made = std::fs::OpenOptions::new();
    let mut made = made.write(true).create(true).truncate(true).mode(0o600).open(&temporary).map_err(problem)?;
    let text = format!("{}\n", lines.join("\n"));
    made.write_all(text.as_bytes()).and_then(|()| made.sync_all()).map_err(problem)?;
    std::fs::rename(&temporary, file).map_err(problem)
}

/// Seals with its first key, opens with whichever of them sealed. Keys in a file are read again when the file has changed,
/// so that a rotation needs no restart.
pub(super) struct Vault {
    ring: RwLock<Ring>,
    file: Option<PathBuf>,
}

struct Ring {
    ciphers: Vec<Cipher>,
    changed: Option<Stamp>,
}

struct Cipher {
    id: [u8; KEY_ID],
    cipher: XChaCha20Poly1305,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault")
    }
}

/// The id of the key that sealed a value, as hexadecimal digits.
pub(super) fn key_of(sealed: &[u8]) -> String {
    hex(sealed.get(1..=KEY_ID).unwrap_or_default())
}

impl Vault {
    /// The keys that are given, or those of the file.
    pub(super) fn open_with(keys: &KeySource, file: Option<PathBuf>) -> Result<Self, Error> {
        let changed = file.as_deref().and_then(changed_at);
        let mut vault = match &file {
            Some(path) => Self::new(read(path)?),
            None => Self::new(keys.given()?),
        };
        vault.ring.get_mut().unwrap_or_else(PoisonError::into_inner).changed = changed;
        vault.file = file;
        Ok(vault)
    }

    /// The first key is the primary one; further ones open what was sealed before a rotation.
    pub(super) fn new(keys: Vec<Key>) -> Self {
        Self { ring: RwLock::new(Ring { ciphers: ciphers(keys), changed: None }), file: None }
    }

    /// The file that the keys are in.
    pub(super) fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// The ids of all keys, the primary one first.
    pub(super) fn ids(&self) -> Vec<String> {
        self.ring().ciphers.iter().map(|cipher| hex(&cipher.id)).collect()
    }

    /// The id of the primary key.
    pub(super) fn primary(&self) -> String {
        self.ids().into_iter().next().unwrap_or_default()
    }

    /// The keys as they are now.
    fn ring(&self) -> RwLockReadGuard<'_, Ring> {
        if let Some(file) = &self.file {
            let changed = changed_at(file);
            let known = self.ring.read().unwrap_or_else(PoisonError::into_inner).changed;
            // A file that cannot be read just now leaves the keys as they were.
            if changed.is_some()
                && changed != known
                && let Ok(keys) = read(file)
            {
                let mut ring = self.ring.write().unwrap_or_else(PoisonError::into_inner);
                *ring = Ring { ciphers: ciphers(keys), changed };
            }
        }
        self.ring.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Seals `plain` for the row that `associated_data` names.
    pub(super) fn seal(&self, plain: &[u8], associated_data: &str) -> Result<Vec<u8>, Error> {
        let problem = || Error::Decrypt(associated_data.to_owned());
        let ring = self.ring();
        let primary = ring.ciphers.first().ok_or_else(problem)?;
        let nonce = random::<NONCE>()?;
        let payload = Payload { msg: plain, aad: associated_data.as_bytes() };
        let sealed = primary.cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| problem())?;
        Ok([&[VERSION], primary.id.as_slice(), nonce.as_slice(), sealed.as_slice()].concat())
    }

    /// Opens what was sealed for the row that `associated_data` names.
    pub(super) fn open(&self, sealed: &[u8], associated_data: &str) -> Result<Vec<u8>, Error> {
        let problem = || Error::Decrypt(associated_data.to_owned());
        let rest = sealed.strip_prefix(&[VERSION]).ok_or_else(problem)?;
        let (id, rest) = rest.split_first_chunk::<KEY_ID>().ok_or_else(problem)?;
        let (nonce, text) = rest.split_first_chunk::<NONCE>().ok_or_else(problem)?;
        let ring = self.ring();
        let key = ring.ciphers.iter().find(|key| key.id == *id).ok_or_else(problem)?;
        let payload = Payload { msg: text, aad: associated_data.as_bytes() };
        key.cipher.decrypt(&XNonce::from(*nonce), payload).map_err(|_| problem())
    }

    /// A value that only these keys recognise.
    pub(super) fn check(&self) -> Result<Vec<u8>, Error> {
        self.seal(CHECK.0, CHECK.1)
    }

    /// Whether a stored check value was sealed by one of these keys.
    pub(super) fn recognises(&self, check: &[u8]) -> bool {
        self.open(check, CHECK.1).is_ok_and(|plain| plain == CHECK.0)
    }
}

fn ciphers(keys: Vec<Key>) -> Vec<Cipher> {
    let cipher = |key: Key| Cipher { id: key.id(), cipher: XChaCha20Poly1305::new(key.0.expose_secret().into()) };
    keys.into_iter().map(cipher).collect()
}

/// What tells a file from the one that was there before: it is replaced by a rename, perhaps within one tick of the clock.
type Stamp = (SystemTime, u64, u64);

fn changed_at(file: &Path) -> Option<Stamp> {
    let about = std::fs::metadata(file).ok()?;
    Some((about.modified().ok()?, about.ino(), about.len()))
}

fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|e| Error::Key(format!("the system has no randomness: {e}")))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> Key {
        Key(SecretBox::new(Box::new([byte; 32])))
    }

    fn vault(byte: u8) -> Vault {
        Vault::new(vec![key(byte)])
    }

    #[test]
    fn only_the_same_key_and_the_same_row_open_it() {
        let sealed = vault(1).seal(b"secret", "connector/a").unwrap();
        assert_eq!(vault(1).open(&sealed, "connector/a").unwrap(), b"secret");
        assert!(vault(2).open(&sealed, "connector/a").is_err());
        assert!(vault(1).open(&sealed, "connector/b").is_err());
        let mut damaged = sealed.clone();
        damaged[40] ^= 1;
        assert!(vault(1).open(&damaged, "connector/a").is_err());
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
        assert_ne!(sealed, vault(1).seal(b"secret", "connector/a").unwrap(), "a nonce is used once");
        let check = vault(1).check().unwrap();
        assert!(vault(1).recognises(&check) && !vault(2).recognises(&check));
    }

    #[test]
    fn an_older_key_still_opens_what_it_sealed() {
        let old = vault(1).seal(b"secret", "connector/a").unwrap();
        let rotated = Vault::new(vec![key(2), key(1)]);
        assert_eq!(rotated.open(&old, "connector/a").unwrap(), b"secret");
        let new = rotated.seal(b"secret", "connector/a").unwrap();
        assert!(vault(2).open(&new, "connector/a").is_ok() && vault(1).open(&new, "connector/a").is_err());
    }

    #[test]
    fn a_file_of_keys_is_read_again_when_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys");
        write(&file, &[key(1).text()]).unwrap();
        let one = Vault::open_with(&KeySource::default(), Some(file.clone())).unwrap();
        let old = one.seal(b"secret", "connector/a").unwrap();
        write(&file, &["# two of them".to_owned(), key(2).text(), key(1).text()]).unwrap();
        let new = one.seal(b"secret", "connector/a").unwrap();
        assert_eq!((one.open(&old, "connector/a").unwrap(), one.ids().len()), (b"secret".to_vec(), 2));
        assert_eq!(vault(2).open(&new, "connector/a").unwrap(), b"secret");
        for (mode, expected) in [(0o644, false), (0o602, false), (0o640, true), (0o400, true)] {
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
            let opened = Vault::open_with(&KeySource::default(), Some(file.clone()));
            assert_eq!(opened.is_ok(), expected, "{mode:o}");
        }
        std::fs::write(&file, "no key").unwrap();
        assert!(one.open(&new, "connector/a").is_ok(), "a broken file changes nothing");
    }

    #[test]
    fn nothing_prints_a_key() {
        assert_eq!(format!("{:?}", vault(1)), "Vault");
    }

    #[test]
    fn a_key_is_32_bytes_of_base64_or_none() {
        let given = |text: &str| KeySource { key: Some(SecretString::from(text)), ..KeySource::default() };
        let find = |text: &str| Vault::open_with(&given(text), None).map(drop).map_err(|e| e.to_string());
        assert_eq!(find("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"), Ok(()));
        assert!(find("AAAA").unwrap_err().contains("vault.key does not hold"));
        assert!(
            KeySource::default().file(None).map(drop).unwrap_err().to_string().contains("DATA_CONNECTOR__VAULT__KEY")
        );
    }
}
