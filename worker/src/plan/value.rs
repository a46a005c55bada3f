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

/// A number with all its digits; `1.0` is `1` and `1E2` is `100`, as PHP and browsers write them.
pub(super) fn number_text(number: &Number) -> String {
    /// Decimal digits that a double always holds.
    const EXACT: usize = 15;
    let mut text = number.to_string();
    if let Some((mantissa, _)) = text.split_once(['e', 'E'])
        && mantissa.bytes().filter(u8::is_ascii_digit).count() <= EXACT
        && let Some(double) = number.as_f64().and_then(Number::from_f64)
    {
        text = double.to_string();
    }
    match text.split_once('.') {
        Some((whole, fraction)) if fraction.bytes().all(|digit| digit == b'0') => whole.to_owned(),
        _ => text,
    }
}
