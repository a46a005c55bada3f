//! Reading members of records that PHP, people and YAML spell in several ways.

use serde_json::{Map, Value};

use super::Invalid;
use crate::job::kind_of;

/// A text member: absent and null are `None`, numbers are text.
pub(super) fn text(of: &Map<String, Value>, name: &str, place: &str) -> Result<Option<String>, Invalid> {
    match of.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(other) => Err(wrong(place, name, "a text", other)),
    }
}

/// A text member that must be there and not be empty.
pub(super) fn required_text(of: &Map<String, Value>, name: &str, place: &str) -> Result<String, Invalid> {
    text(of, name, place)?
        .filter(|text| !text.trim().is_empty())
        .ok_or_else(|| Invalid::new(member(place, name), "is missing"))
}

/// A yes or no; 0 and 1 and their texts are accepted.
pub(super) fn flag(of: &Map<String, Value>, name: &str, place: &str) -> Result<Option<bool>, Invalid> {
    match of.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(value) => match value.to_string().trim_matches('"') {
            "1" | "true" => Ok(Some(true)),
            "0" | "false" | "" => Ok(Some(false)),
            _ => Err(wrong(place, name, "true or false", value)),
        },
    }
}

/// A list of objects; absent and null are `None`.
pub(super) fn rows<'a>(
    of: &'a Map<String, Value>,
    name: &str,
    place: &str,
) -> Result<Option<Vec<&'a Map<String, Value>>>, Invalid> {
    let list = match of.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Array(list)) => list,
        // PHP writes a list with gaps as an object; its values are the rows.
        Some(Value::Object(map)) => return all_objects(map.values(), name, place).map(Some),
        Some(other) => return Err(wrong(place, name, "a list", other)),
    };
    all_objects(list.iter(), name, place).map(Some)
}

fn all_objects<'a>(
    values: impl Iterator<Item = &'a Value>,
    name: &str,
    place: &str,
) -> Result<Vec<&'a Map<String, Value>>, Invalid> {
    values
        .enumerate()
        .map(|(index, value)| {
            value.as_object().ok_or_else(|| wrong(place, &format!("{name}.{index}"), "an object", value))
        })
        .collect()
}

/// An object member; `[]` is an empty one, absent and null are `None`.
pub(super) fn object<'a>(
    of: &'a Map<String, Value>,
    name: &str,
    place: &str,
) -> Result<Option<&'a Map<String, Value>>, Invalid> {
    match of.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(list)) if list.is_empty() => Ok(None),
        Some(Value::Object(map)) => Ok(Some(map)),
        Some(other) => Err(wrong(place, name, "an object", other)),
    }
}

/// The path of a member.
pub(super) fn member(place: &str, name: &str) -> String {
    if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") }
}

fn wrong(place: &str, name: &str, expected: &str, found: &Value) -> Invalid {
    Invalid::new(member(place, name), format!("must be {expected}, not {}", kind_of(found)))
}
