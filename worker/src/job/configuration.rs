//! An element's configuration: the same text in all its jobs, and so read once for all of them.

use std::sync::Arc;

use moka::sync::Cache;
use serde_json::{Map, Value};

use super::canonical;
use super::decode::{object_in, object_of};

/// What all kept configurations may take, bytes.
const KEPT: u64 = 32 * 1024 * 1024;
/// How many times its text a configuration takes as long as it is kept: the text three times, and its members, each with a
/// map's place and a text of its own.
const WEIGHT: usize = 16;
/// The longest text that is kept, bytes; what a designer configures has a few KB.
const LONGEST: usize = 256 * 1024;

/// The element's configuration as it arrived.
#[derive(Debug, Clone, PartialEq)]
pub enum Configuration {
    /// Absent or null: look it up among the deployed models.
    Deployed,
    /// An object, or a string that holds one.
    Given(Arc<Given>),
    /// A string that is not a JSON object; carried on as `CONFIGURATION`, since a designer can mend it.
    Broken(String),
}

impl Configuration {
    /// The configuration that a model or a request holds: an object, a string that holds one, or null.
    ///
    /// # Errors
    /// What is wrong with its type.
    pub fn from_value(value: Value) -> Result<Self, String> {
        Self::read(value, Given::new)
    }

    fn read(value: Value, given: impl Fn(Map<String, Value>) -> Given) -> Result<Self, String> {
        let given = |members| Self::Given(Arc::new(given(members)));
        match value {
            Value::Null => Ok(Self::Deployed),
            Value::String(held) => Ok(object_in(&held).map_or_else(Self::Broken, given)),
            other => object_of(other, "config").map(given),
        }
    }
}

/// A configuration, from a job or as deployed.
#[derive(Debug, PartialEq)]
pub struct Given {
    /// Its members.
    pub members: Map<String, Value>,
    /// What it was read from: another of the same text is the same.
    pub text: String,
}

impl Given {
    /// One that came from elsewhere than a job.
    pub fn new(members: Map<String, Value>) -> Self {
        Self { text: serde_json::to_string(&members).unwrap_or_default(), members }
    }
}

/// What became of a text.
#[derive(Debug)]
pub(super) struct Read {
    /// The inner error says what is wrong with its type.
    pub(super) configuration: Result<Configuration, String>,
    /// Its part of the job's canonical JSON.
    pub(super) canonical: Vec<u8>,
}

impl Read {
    fn new(text: &str) -> serde_json::Result<Self> {
        let value: Value = serde_json::from_str(text)?;
        let mut canonical = Vec::new();
        canonical::write(&value, &mut canonical);
        let configuration = Configuration::read(value, |members| Given { members, text: text.to_owned() });
        Ok(Self { configuration, canonical })
    }
}

/// Configurations by their texts.
#[derive(Debug, Clone)]
pub(super) struct Configurations(Cache<String, Arc<Read>>);

impl Default for Configurations {
    fn default() -> Self {
        let weight = |text: &String, _: &Arc<Read>| u32::try_from(text.len() * WEIGHT).unwrap_or(u32::MAX);
        Self(Cache::builder().weigher(weight).max_capacity(KEPT).build())
    }
}

impl Configurations {
    /// The configuration, read now or before.
    pub(super) fn read(&self, text: &str) -> serde_json::Result<Arc<Read>> {
        if let Some(read) = self.0.get(text) {
            return Ok(read);
        }
        let read = Arc::new(Read::new(text)?);
        if text.len() <= LONGEST {
            self.0.insert(text.to_owned(), Arc::clone(&read));
        }
        Ok(read)
    }
}
