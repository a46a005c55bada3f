//! An element's configuration: all jobs of an element carry the same text, so that it is parsed once for all of them.

use std::sync::Arc;

use moka::sync::Cache;
use serde_json::{Map, Value};

use super::canonical;
use super::json::{object_in, object_of};

/// The capacity of the cache, bytes.
const CAPACITY: u64 = 32 * 1024 * 1024;
/// How many times the length of its text a cached configuration takes in memory: the text three times, and its members,
/// each with an entry of a map and a text of its own.
const WEIGHT: usize = 16;
/// The longest text that is cached, bytes; what a designer configures has a few KB.
const LONGEST: usize = 256 * 1024;

/// The element's configuration as it arrived.
#[derive(Debug, Clone, PartialEq)]
pub enum Configuration {
    /// Absent or null: look it up among the deployed models.
    Deployed,
    /// An object, or a string that holds one.
    Inline(Arc<ConfigObject>),
    /// A string that is not a JSON object, and why; the job fails with `CONFIGURATION`, which a designer can fix.
    Malformed(String),
}

impl Configuration {
    /// `config` as jobs and models hold it: an object, a string that holds one, or null.
    ///
    /// # Errors
    /// A sentence for people, where it is of another type.
    pub fn from_value(value: Value) -> Result<Self, String> {
        let text = value.to_string();
        Self::parsed(value, &text)
    }

    fn parsed(value: Value, text: &str) -> Result<Self, String> {
        let inline = |members| Self::Inline(Arc::new(ConfigObject { members, text: text.to_owned() }));
        match value {
            Value::Null => Ok(Self::Deployed),
            Value::String(text) => Ok(object_in(&text).map_or_else(Self::Malformed, inline)),
            other => object_of(other, "config").map(inline),
        }
    }
}

/// A configuration, from a job or as deployed.
#[derive(Debug, PartialEq)]
pub struct ConfigObject {
    /// Its members.
    pub members: Map<String, Value>,
    /// The JSON it was parsed from, by which caches know it.
    pub text: String,
}

impl ConfigObject {
    /// A configuration of these members, such as that of a deployed model.
    pub fn new(members: Map<String, Value>) -> Self {
        Self { text: serde_json::to_string(&members).unwrap_or_default(), members }
    }
}

/// A configuration as it was parsed.
#[derive(Debug)]
pub(super) struct ParsedConfig {
    /// The error says what is wrong with its type.
    pub(super) configuration: Result<Configuration, String>,
    /// Its part of the job's canonical JSON.
    pub(super) canonical: Vec<u8>,
}

impl ParsedConfig {
    fn new(text: &str) -> serde_json::Result<Self> {
        let value: Value = serde_json::from_str(text)?;
        let mut canonical = Vec::new();
        canonical::write(&value, &mut canonical);
        let configuration = Configuration::parsed(value, text);
        Ok(Self { configuration, canonical })
    }
}

/// Parsed configurations by their texts.
#[derive(Debug, Clone)]
pub(super) struct ConfigCache(Cache<String, Arc<ParsedConfig>>);

impl Default for ConfigCache {
    fn default() -> Self {
        let weight = |text: &String, _: &Arc<ParsedConfig>| u32::try_from(text.len() * WEIGHT).unwrap_or(u32::MAX);
        Self(Cache::builder().weigher(weight).max_capacity(CAPACITY).build())
    }
}

impl ConfigCache {
    /// The parsed configuration, from the cache where it is there.
    pub(super) fn read(&self, text: &str) -> serde_json::Result<Arc<ParsedConfig>> {
        if let Some(read) = self.0.get(text) {
            return Ok(read);
        }
        let read = Arc::new(ParsedConfig::new(text)?);
        if text.len() <= LONGEST {
            self.0.insert(text.to_owned(), Arc::clone(&read));
        }
        Ok(read)
    }
}
