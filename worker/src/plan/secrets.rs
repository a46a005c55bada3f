//! `{{secret:NAME}}`: values that operators store and that records and elements only name (CONTRACT 7).
//!
//! A value is inserted where its reference stands and is never rendered itself, so that `{{secret:X}}` in a value or in
//! request data has no effect.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use super::redactor::Redactor;
use crate::connector::{Invalid, is_bound_to};
use crate::job::is_name;

/// What a reference begins with inside its tag.
pub(super) const REFERENCE: &str = "secret:";

/// A value and where it may be sent.
pub struct Secret {
    value: Value,
    /// Hosts, with or without scheme and port; empty means anywhere.
    hosts: Vec<String>,
    /// Masks the value.
    redactor: Arc<Redactor>,
}

impl Secret {
    /// A value that may be sent to `hosts`.
    pub fn new(value: &SecretString, hosts: Vec<String>) -> Self {
        let redactor = Arc::new(Redactor::of([value]));
        Self { value: Value::from(value.expose_secret()), hosts, redactor }
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
    known: BTreeMap<String, Arc<Secret>>,
    used: RefCell<BTreeSet<String>>,
}

impl Secrets {
    /// Secrets by name.
    pub fn new(known: BTreeMap<String, Arc<Secret>>) -> Self {
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

    /// The value of a name, noted as used; `None` where there is none, which [`Self::bounds`] reports.
    pub(super) fn take(&self, name: &str) -> Option<&Value> {
        self.used.borrow_mut().insert(name.to_owned());
        self.known.get(name).map(|secret| &secret.value)
    }

    /// Where a request may go that holds what was used.
    ///
    /// # Errors
    /// A name that stands for nothing.
    pub(super) fn bounds(&self) -> Result<Bounds, Invalid> {
        let mut bound = Vec::new();
        for name in self.used.borrow().iter() {
            let Some(secret) = self.known.get(name) else {
                let problem =
                    format!("there is no such secret; the operator sets it with `data-connector secrets set {name}`");
                return Err(Invalid::new(format!("secret:{name}"), problem));
            };
            if !secret.hosts.is_empty() {
                bound.push((name.clone(), Arc::clone(secret)));
            }
        }
        Ok(Bounds(bound.into()))
    }

    /// Masks all values, whether they were used or not.
    pub fn redactor(&self) -> Redactor {
        self.known.values().fold(Redactor::default(), |redactor, secret| redactor.with_base(&secret.redactor))
    }
}

/// The bound secrets in a request: neither it nor anything that it leads to goes to a host that is not theirs.
#[derive(Debug, Clone, Default)]
pub(super) struct Bounds(Arc<[(String, Arc<Secret>)]>);

impl Bounds {
    /// Whether a request may go to this URL.
    pub(super) fn check(&self, url: &Url) -> Result<(), Invalid> {
        match self.0.iter().find(|(_, secret)| !secret.hosts.iter().any(|host| is_bound_to(host, url))) {
            None => Ok(()),
            Some((name, _)) => {
                let host = url.origin().ascii_serialization();
                let problem = format!(
                    "the secret may not be sent to `{host}`; change the URL, or set the secret again with --host {host}"
                );
                Err(Invalid::new(format!("secret:{name}"), problem))
            }
        }
    }
}
