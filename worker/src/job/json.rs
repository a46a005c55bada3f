//! JSON values as members of a job, and how a message names them.

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::value_in;

/// `text` as a JSON string.
pub(crate) fn raw_text(text: &str) -> Box<RawValue> {
    // A string is always JSON; the default is `null`, which no caller can meet.
    serde_json::value::to_raw_value(text).unwrap_or_default()
}

/// A string, or a number as text.
pub(super) fn id_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// An object, for which PHP may have written `[]`; the error calls it `name`.
pub(super) fn object_of(value: Value, name: &str) -> Result<Map<String, Value>, String> {
    match value {
        Value::Object(map) => Ok(map),
        Value::Array(list) if list.is_empty() => Ok(Map::new()),
        other => Err(format!("`{name}` must be an object, not {}", kind_of(&other))),
    }
}

/// The member `name` of the object that is called `of`: a string that is not empty, or a number as text.
pub(super) fn text_member(object: &Map<String, Value>, of: &str, name: &str) -> Result<Option<String>, String> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match id_text(value) {
            Some(text) if text.is_empty() => Err(format!("`{of}.{name}` is empty")),
            Some(text) => Ok(Some(text)),
            None => Err(format!("`{of}.{name}` must be a string or a number, not {}", kind_of(value))),
        },
    }
}

/// The member `name` of the object that is called `of`, a string.
pub(super) fn string_member(object: &Map<String, Value>, of: &str, name: &str) -> Result<Option<String>, String> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(other) => Err(format!("`{of}.{name}` must be a string, not {}", kind_of(other))),
    }
}

/// The object that a string holds as JSON; the error does not name the string.
pub(super) fn object_in(text: &str) -> Result<Map<String, Value>, String> {
    match value_in(text) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(Value::Array(list)) if list.is_empty() => Ok(Map::new()),
        Ok(other) => Err(format!("it holds {}, not an object", kind_of(&other))),
        Err(error) => Err(format!("it is not JSON: {error}")),
    }
}

/// What a JSON value is, in words for people.
pub(crate) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
