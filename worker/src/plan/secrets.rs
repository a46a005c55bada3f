//! `{{secret:NAME}}`: values that operators store and that records and elements only name (CONTRACT 7).
//!
//! A value is inserted where its reference stands and is never rendered itself, so that `{{secret:X}}` in a value or in
//! request data has no effect.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use crate::connector::{Invalid, is_among};
use crate::job::is_name;

/// What a reference begins with inside its tag.
pub(super) const REFERENCE: &str = "secret:";

/// A value and where it may be sent.
pub struct Secret {
    value: Value,
    /// Hosts, with or without a port; empty means anywhere.
    pub hosts: Vec<String>,
}

impl Secret {
    /// A value that may be sent to `hosts`.
    pub fn new(value: &SecretString, hosts: Vec<String>) -> Self {
        Self { value: Value::from(value.expose_secret()), hosts }
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

/// The secrets that one job's templates name, and which of them were used.
#[derive(Debug, Default)]
pub struct Secrets {
    known: BTreeMap<String, Secret>,
    used: RefCell<BTreeSet<String>>,
}

impl Secrets {
    /// Secrets by name.
    pub fn new(known: BTreeMap<String, Secret>) -> Self {
        Self { known, used: RefCell::default() }
    }

    /// Whether a tag is a reference and not a variable.
    pub fn is_reference(tag: &str) -> bool {
        tag.starts_with(REFERENCE)
    }

    /// The valid names that a text refers to.
    pub fn named_in(text: &str) -> BTreeSet<String> {
        let after = text.split(REFERENCE).skip(1);
        let names =
            after.filter_map(|rest| rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-').next());
        names.filter(|name| is_name(name)).map(ToOwned::to_owned).collect()
    }

    /// The value of a name, noted as used; `None` where there is none, which [`Self::check`] reports.
    pub(super) fn take(&self, name: &str) -> Option<&Value> {
        self.used.borrow_mut().insert(name.to_owned());
        self.known.get(name).map(|secret| &secret.value)
    }

    /// Whether every secret that was used exists and may be sent to this URL.
    pub(super) fn check(&self, url: &Url) -> Result<(), Invalid> {
        let host = url.host_str().unwrap_or_default();
        for name in self.used.borrow().iter() {
            let path = format!("secret:{name}");
            let Some(secret) = self.known.get(name) else {
                let problem =
                    format!("there is no such secret; the operator sets it with `data-connector secrets set {name}`");
                return Err(Invalid::new(path, problem));
            };
            if !secret.hosts.is_empty() && !is_among(&secret.hosts, host, url.port_or_known_default()) {
                let problem = format!(
                    "the secret may not be sent to `{host}`; change the URL, or set the secret again with that --host"
                );
                return Err(Invalid::new(path, problem));
            }
        }
        Ok(())
    }

    /// All values, for masking.
    pub fn values(&self) -> Vec<SecretString> {
        self.known.values().filter_map(|secret| secret.value.as_str().map(SecretString::from)).collect()
    }
}
