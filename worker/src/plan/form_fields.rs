//! Values as form fields, as PHP's `http_build_query` writes them: `a[0]=1&a[1][b]=2`, true as 1, null left out.

use serde_json::Value;

use crate::connector::Invalid;

/// The longest names and texts of one value's fields together, bytes.
const LIMIT: usize = 16 * 1024 * 1024;

/// Checks how long the fields of a value would be: a long name is repeated for every item of its list.
///
/// # Errors
/// More than 16 MiB, under `path`.
pub(super) fn check(path: &str, name: &str, value: &Value) -> Result<(), Invalid> {
    let size = size(name.len(), value);
    if size <= LIMIT {
        return Ok(());
    }
    Err(Invalid::new(path, format!("its fields would take {size} bytes; at most {LIMIT} are sent")))
}

fn size(name: usize, value: &Value) -> usize {
    match value {
        Value::Array(list) => {
            list.iter().fold(0, |sum: usize, item| sum.saturating_add(size(name.saturating_add(8), item)))
        }
        Value::Object(map) => map
            .iter()
            .fold(0, |sum: usize, (key, item)| sum.saturating_add(size(name.saturating_add(key.len() + 2), item))),
        Value::String(text) => name.saturating_add(text.len()),
        Value::Null => 0,
        Value::Bool(_) | Value::Number(_) => name.saturating_add(8),
    }
}

/// Calls `field` with the name and text of every scalar inside.
pub(super) fn push(name: &str, value: &Value, field: &mut impl FnMut(String, String)) {
    match value {
        Value::Null => {}
        Value::Bool(flag) => field(name.to_owned(), (if *flag { "1" } else { "0" }).to_owned()),
        Value::String(text) => field(name.to_owned(), text.clone()),
        Value::Number(number) => field(name.to_owned(), number.to_string()),
        Value::Array(list) => {
            for (index, item) in list.iter().enumerate() {
                push(&format!("{name}[{index}]"), item, field);
            }
        }
        Value::Object(map) => {
            for (key, item) in map {
                push(&format!("{name}[{key}]"), item, field);
            }
        }
    }
}
