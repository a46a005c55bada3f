//! Truth, texts and comparisons as in PHP 8: numbers compare loosely with texts that are numbers.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::Value;

use super::number::numeric;
use super::parse::Operator;
use crate::job::kind_of;
use crate::plan::value::number_text;

/// Whether PHP takes the value for true.
pub(super) fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty() && text != "0",
        Value::Array(list) => !list.is_empty(),
        Value::Object(_) => true,
    }
}

/// A value as text; lists and objects have none.
pub(super) fn text(value: &Value) -> Result<Cow<'_, str>, String> {
    match value {
        Value::Null | Value::Bool(false) => Ok(Cow::Borrowed("")),
        Value::Bool(true) => Ok(Cow::Borrowed("1")),
        Value::String(text) => Ok(Cow::Borrowed(text)),
        Value::Number(number) => Ok(Cow::Owned(number_text(number))),
        other => Err(format!("{} is no text; name a member of it", kind_of(other))),
    }
}

/// Compares two values.
pub(super) fn holds(operator: Operator, a: &Value, b: &Value) -> Result<bool, String> {
    match operator {
        Operator::Equal => Ok(equal(a, b)),
        Operator::NotEqual => Ok(!equal(a, b)),
        Operator::Same => Ok(same(a, b)),
        Operator::NotSame => Ok(!same(a, b)),
        Operator::Less => order(a, b).map(|o| o == Some(Ordering::Less)),
        Operator::LessOrEqual => order(a, b).map(|o| matches!(o, Some(Ordering::Less | Ordering::Equal))),
        Operator::Greater => order(a, b).map(|o| o == Some(Ordering::Greater)),
        Operator::GreaterOrEqual => order(a, b).map(|o| matches!(o, Some(Ordering::Greater | Ordering::Equal))),
        Operator::In => is_in(a, b),
        Operator::NotIn => is_in(a, b).map(|found| !found),
        Operator::Contains => Ok(text(a)?.contains(&*text(b)?)),
        Operator::StartsWith => Ok(text(a)?.starts_with(&*text(b)?)),
        Operator::EndsWith => Ok(text(a)?.ends_with(&*text(b)?)),
        _ => Err("is not a comparison".to_owned()),
    }
}

fn is_in(a: &Value, b: &Value) -> Result<bool, String> {
    match b {
        Value::Array(list) => Ok(list.iter().any(|item| same(item, a))),
        Value::Object(map) => Ok(map.values().any(|item| same(item, a))),
        Value::Null => Ok(false),
        other => Err(format!("`in` looks into a list, not into {}; a text `contains` another", kind_of(other))),
    }
}

/// `===`, with numbers by their value.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(_), Value::Number(_)) => compared(a, b) == Some(Ordering::Equal),
        (Value::Array(x), Value::Array(y)) => x.len() == y.len() && x.iter().zip(y).all(|(x, y)| same(x, y)),
        (Value::Object(x), Value::Object(y)) => {
            x.len() == y.len() && x.iter().all(|(name, value)| y.get(name).is_some_and(|other| same(value, other)))
        }
        _ => a == b,
    }
}

/// `==`.
fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Bool(flag), other) | (other, Value::Bool(flag)) => is_truthy(other) == *flag,
        (Value::Null, Value::String(text)) | (Value::String(text), Value::Null) => text.is_empty(),
        (Value::Null, other) | (other, Value::Null) => !is_truthy(other) && !other.is_object(),
        (Value::String(x), Value::String(y)) if x == y => true,
        (Value::Array(x), Value::Array(y)) => x.len() == y.len() && x.iter().zip(y).all(|(x, y)| equal(x, y)),
        (Value::Object(x), Value::Object(y)) => {
            x.len() == y.len() && x.iter().all(|(name, value)| y.get(name).is_some_and(|other| equal(value, other)))
        }
        (Value::Array(_) | Value::Object(_), _) | (_, Value::Array(_) | Value::Object(_)) => false,
        _ => compared(a, b) == Some(Ordering::Equal),
    }
}

/// `None` where neither is before the other, such as something and null.
fn order(a: &Value, b: &Value) -> Result<Option<Ordering>, String> {
    for value in [a, b] {
        if matches!(value, Value::Array(_) | Value::Object(_)) {
            return Err(format!(
                "{} is neither smaller nor greater than anything; name a member of it",
                kind_of(value)
            ));
        }
    }
    if a.is_null() != b.is_null() && !a.is_boolean() && !b.is_boolean() {
        return Ok(None);
    }
    Ok(compared(a, b))
}

/// Two scalars: by number where both are numbers or look like it, else by text.
fn compared(a: &Value, b: &Value) -> Option<Ordering> {
    match (numeric(a), numeric(b)) {
        (Some(x), Some(y)) => match (x.as_i128(), y.as_i128()) {
            (Some(x), Some(y)) => Some(x.cmp(&y)),
            // Numbers that differ beyond what a double holds are two.
            _ if x == y => Some(Ordering::Equal),
            _ => x.as_f64()?.partial_cmp(&y.as_f64()?),
        },
        _ => Some(text(a).ok()?.cmp(&text(b).ok()?)),
    }
}
