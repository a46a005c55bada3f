//! An element's error handling: timeout, retries and waits (COMPATIBILITY 1.5).

use serde_json::{Map, Value};

use super::json::{object_in, object_of};

/// The element's error handling as it arrived.
#[derive(Debug, Clone, PartialEq)]
pub enum ErrorHandling {
    /// An object, possibly empty.
    Members(Map<String, Value>),
    /// A string that is not a JSON object, and why.
    Malformed(String),
}

impl Default for ErrorHandling {
    fn default() -> Self {
        Self::Members(Map::new())
    }
}

impl ErrorHandling {
    /// `errorHandling` as jobs and models hold it: an object, a string that holds one, or nothing.
    ///
    /// # Errors
    /// A sentence for people, where it is of another type.
    pub fn from_value(value: Value) -> Result<Self, String> {
        match value {
            Value::Null => Ok(Self::default()),
            Value::String(text) if text.trim().is_empty() => Ok(Self::default()),
            Value::String(text) => Ok(object_in(&text).map_or_else(Self::Malformed, Self::Members)),
            other => object_of(other, "errorHandling").map(Self::Members),
        }
    }
}
