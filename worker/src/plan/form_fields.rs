//! Values as form fields, as PHP's `http_build_query` writes them: `a[0]=1&a[1][b]=2`, true as 1, null left out; lists also
//! as repeated fields or as one field with commas.

use serde_json::Value;

use super::value::number_text;
use crate::connector::{Arrays, Invalid};

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

/// Calls `field` with the name and texts of every scalar inside; several texts are one field with commas between them.
pub(super) fn push(name: &str, value: &Value, arrays: Arrays, field: &mut impl FnMut(String, Vec<String>)) {
    match value {
        Value::Null => {}
        Value::Array(list) => match (arrays, scalars(list)) {
            (Arrays::Comma, Some(texts)) if texts.is_empty() => {}
            (Arrays::Comma, Some(texts)) => field(name.to_owned(), texts),
            (Arrays::Repeat, _) => list.iter().for_each(|item| push(name, item, arrays, field)),
            // A list of lists or objects has no text: commas are for what is inside.
            (Arrays::Php, _) | (Arrays::Comma, None) => {
                for (index, item) in list.iter().enumerate() {
                    push(&format!("{name}[{index}]"), item, arrays, field);
                }
            }
        },
        Value::Object(map) => {
            for (key, item) in map {
                push(&format!("{name}[{key}]"), item, arrays, field);
            }
        }
        scalar => field(name.to_owned(), text(scalar).into_iter().collect()),
    }
}

/// The items' texts without nulls, where none of them is a list or an object.
fn scalars(list: &[Value]) -> Option<Vec<String>> {
    let all = list.iter().all(|item| !item.is_array() && !item.is_object());
    all.then(|| list.iter().filter_map(text).collect())
}

fn text(scalar: &Value) -> Option<String> {
    match scalar {
        Value::Bool(flag) => Some((if *flag { "1" } else { "0" }).to_owned()),
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number_text(number)),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
