//! Sealing credentials: XChaCha20-Poly1305 with the row's identity as associated data, so that rows cannot be swapped.
//!
//! A sealed value is: one byte of version, eight of the key's id, 24 of nonce, then ciphertext and tag.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use secrecy::{ExposeSecret, SecretBox, SecretString};
use sha2::{Digest, Sha256};

use super::Error;

const VERSION: u8 = 1;
const KEY_ID: usize = 8;
const NONCE: usize = 24;
/// What the check value holds, and where it says it stands.
const CHECK: (&[u8], &str) = (b"data-connector", "meta/vault_check");

/// 32 bytes that open what they sealed.
pub(super) struct Key(SecretBox<[u8; 32]>);

impl Key {
    /// The key given as text, in a file, or made beside the SQLite file.
    pub(super) fn find(
        text: Option<SecretString>,
        file: Option<PathBuf>,
        default: Option<PathBuf>,
    ) -> Result<Self, Error> {
        if let Some(text) = text {
            return Self::parse(text.expose_secret(), "vault.key");
        }
        if let Some(file) = file {
            return Self::read(&file);
        }
        match default {
            Some(default) if default.exists() => Self::read(&default),
            Some(default) => Self::make(&default),
            None => Err(Error::Key(
                "there is no key for credentials: set DATA_CONNECTOR__VAULT__KEY (base64 of 32 bytes, such as `openssl rand -base64 32` prints) or vault.key_file".to_owned(),
            )),
        }
    }

    fn parse(text: &str, place: &str) -> Result<Self, Error> {
        let bytes = STANDARD.decode(text.trim()).ok();
        match bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok()) {
            Some(bytes) => Ok(Self(SecretBox::new(Box::new(bytes)))),
            None => Err(Error::Key(format!("{place} does not hold the base64 of 32 bytes"))),
        }
    }

    fn read(file: &Path) -> Result<Self, Error> {
        let problem = |source| Error::File { path: file.display().to_string(), source };
        Self::parse(&std::fs::read_to_string(file).map_err(problem)?, &file.display().to_string())
    }

    /// Made beside its name and renamed, so that a process that dies here leaves no half a key; the caller holds the lock.
    fn make(file: &Path) -> Result<Self, Error> {
        let problem = |source| Error::File { path: file.display().to_string(), source };
        let text = STANDARD.encode(random::<32>()?);
        let mut beside = file.as_os_str().to_owned();
        beside.push(".new");
        let mut made = std::fs::OpenOptions::new();
        let mut made = made.write(true).create(true).truncate(true).mode(0o600).open(&beside).map_err(problem)?;
        made.write_all(text.as_bytes()).and_then(|()| made.sync_all()).map_err(problem)?;
        std::fs::rename(&beside, file).map_err(problem)?;
        Self::parse(&text, "the new key")
    }

    fn id(&self) -> [u8; KEY_ID] {
        let hash: [u8; 32] = Sha256::digest(self.0.expose_secret()).into();
        let mut id = [0; KEY_ID];
        id.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
        id
    }
}

/// Seals with its first key, opens with whichever of them sealed.
pub(super) struct Vault(Vec<Cipher>);

struct Cipher {
    id: [u8; KEY_ID],
    cipher: XChaCha20Poly1305,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault")
    }
}

impl Vault {
    /// The first key is today's; further ones open what was sealed before a rotation.
    pub(super) fn new(keys: Vec<Key>) -> Self {
        let cipher = |key: Key| Cipher { id: key.id(), cipher: XChaCha20Poly1305::new(key.0.expose_secret().into()) };
        Self(keys.into_iter().map(cipher).collect())
    }

    /// Seals `plain` for the row that `place` names.
    pub(super) fn seal(&self, plain: &[u8], place: &str) -> Result<Vec<u8>, Error> {
        let problem = || Error::Sealed(place.to_owned());
        let today = self.0.first().ok_or_else(problem)?;
        let nonce = random::<NONCE>()?;
        let payload = Payload { msg: plain, aad: place.as_bytes() };
        let sealed = today.cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| problem())?;
        Ok([&[VERSION], today.id.as_slice(), nonce.as_slice(), sealed.as_slice()].concat())
    }

    /// Opens what was sealed for the row that `place` names.
    pub(super) fn open(&self, sealed: &[u8], place: &str) -> Result<Vec<u8>, Error> {
        let problem = || Error::Sealed(place.to_owned());
        let rest = sealed.strip_prefix(&[VERSION]).ok_or_else(problem)?;
        let (id, rest) = rest.split_first_chunk::<KEY_ID>().ok_or_else(problem)?;
        let (nonce, text) = rest.split_first_chunk::<NONCE>().ok_or_else(problem)?;
        let key = self.0.iter().find(|key| key.id == *id).ok_or_else(problem)?;
        let payload = Payload { msg: text, aad: place.as_bytes() };
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
    fn nothing_prints_a_key() {
        assert_eq!(format!("{:?}", vault(1)), "Vault");
    }

    #[test]
    fn a_key_is_32_bytes_of_base64_or_none() {
        let find =
            |text: &str| Key::find(Some(SecretString::from(text)), None, None).map(drop).map_err(|e| e.to_string());
        assert_eq!(find("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"), Ok(()));
        assert!(find("AAAA").unwrap_err().contains("vault.key does not hold"));
        assert!(Key::find(None, None, None).map(drop).unwrap_err().to_string().contains("DATA_CONNECTOR__VAULT__KEY"));
    }
}
