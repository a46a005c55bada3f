//! JSON values as templates, expressions and paths all read them.

use serde_json::{Number, Value};

/// What a value takes in memory besides its text.
pub(super) const VALUE: usize = 64;

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

/// JSON, with numbers as [`number_text`] writes them.
pub(super) fn json_text(value: &Value) -> String {
    // Not by `Display`, which writes every token through a formatter.
    let written = if has_point_zero(value) {
        serde_json::to_string(&with_plain_numbers(value))
    } else {
        serde_json::to_string(value)
    };
    written.unwrap_or_default()
}

fn has_point_zero(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_f64() && number_text(number) != number.to_string(),
        Value::Array(list) => list.iter().any(has_point_zero),
        Value::Object(map) => map.values().any(has_point_zero),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}

fn with_plain_numbers(value: &Value) -> Value {
    match value {
        Value::Number(number) => {
            Value::Number(serde_json::from_str(&number_text(number)).unwrap_or_else(|_| number.clone()))
        }
        Value::Array(list) => list.iter().map(with_plain_numbers).collect(),
        Value::Object(map) => map.iter().map(|(name, item)| (name.clone(), with_plain_numbers(item))).collect(),
        Value::Null | Value::Bool(_) | Value::String(_) => value.clone(),
    }
}

/// Bytes in memory, roughly; looks no further than `enough`.
pub(crate) fn weight(value: &Value, enough: usize) -> usize {
    let mut sum = VALUE;
    match value {
        Value::String(text) => sum += text.len(),
        Value::Array(list) => {
            for item in list {
                if sum > enough {
                    break;
                }
                sum += weight(item, enough.saturating_sub(sum));
            }
        }
        Value::Object(map) => {
            for (name, item) in map {
                if sum > enough {
                    break;
                }
                sum += name.len() + weight(item, enough.saturating_sub(sum));
            }
        }
        _ => {}
    }
    sum
}
