//! JSON values as templates, expressions and paths all read them.

use serde_json::{Number, Value};

/// A member by name, or an item by its number.
pub(crate) fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    match value {
        Value::Object(map) => map.get(name),
        Value::Array(list) => list.get(name.parse::<usize>().ok()?),
        _ => None,
    }
}

/// `1.0` is `1`, as PHP and browsers write it.
pub(super) fn number_text(number: &Number) -> String {
    let text = number.to_string();
    text.strip_suffix(".0").map(ToOwned::to_owned).unwrap_or(text)
}
