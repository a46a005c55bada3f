//! Arithmetic: whole numbers stay whole as long as they fit; texts that are numbers count as such (PHP 8).

use serde_json::{Number, Value};

use crate::job::kind_of;

/// The number that a value is or spells.
pub(super) fn numeric(value: &Value) -> Option<Number> {
    match value {
        Value::Number(number) => Some(number.clone()),
        Value::String(text) => spelled(text.trim()),
        _ => None,
    }
}

fn spelled(text: &str) -> Option<Number> {
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.')) {
        return None;
    }
    match text.parse::<i128>() {
        Ok(whole) => Number::from_i128(whole),
        Err(_) => Number::from_f64(text.parse().ok()?),
    }
}

/// A number to calculate with.
fn operand(value: &Value) -> Result<Number, String> {
    match value {
        Value::Null => Ok(0.into()),
        Value::Bool(flag) => Ok(i64::from(*flag).into()),
        other => numeric(other).ok_or_else(|| match other {
            // A text is quoted whole or not at all: a truncated secret could not be masked any more.
            Value::String(text) if text.len() <= 40 => format!("`{text}` is not a number"),
            Value::String(text) => format!("a text of {} characters is not a number", text.chars().count()),
            other => format!("{} is not a number", kind_of(other)),
        }),
    }
}

fn calculated(
    a: &Value,
    b: &Value,
    whole: impl Fn(i128, i128) -> Option<i128>,
    real: impl Fn(f64, f64) -> f64,
) -> Result<Value, String> {
    let (a, b) = (operand(a)?, operand(b)?);
    let result = a.as_i128().zip(b.as_i128()).and_then(|(a, b)| whole(a, b)).and_then(Number::from_i128);
    if let Some(result) = result {
        return Ok(Value::Number(result));
    }
    let result = a.as_f64().zip(b.as_f64()).map(|(a, b)| real(a, b));
    result.and_then(Number::from_f64).map(Value::Number).ok_or_else(|| "the result is not a number".to_owned())
}

pub(super) fn add(a: &Value, b: &Value) -> Result<Value, String> {
    calculated(a, b, i128::checked_add, |a, b| a + b)
}

pub(super) fn subtract(a: &Value, b: &Value) -> Result<Value, String> {
    calculated(a, b, i128::checked_sub, |a, b| a - b)
}

pub(super) fn multiply(a: &Value, b: &Value) -> Result<Value, String> {
    calculated(a, b, i128::checked_mul, |a, b| a * b)
}

/// Whole where it comes out even.
pub(super) fn divide(a: &Value, b: &Value) -> Result<Value, String> {
    if operand(b)?.as_f64() == Some(0.0) {
        return Err("is divided by zero".to_owned());
    }
    calculated(a, b, |a, b| (a.checked_rem(b)? == 0).then(|| a.checked_div(b))?, |a, b| a / b)
}

pub(super) fn remainder(a: &Value, b: &Value) -> Result<Value, String> {
    if operand(b)?.as_f64() == Some(0.0) {
        return Err("is divided by zero".to_owned());
    }
    calculated(a, b, i128::checked_rem, |a, b| a % b)
}

pub(super) fn power(a: &Value, b: &Value) -> Result<Value, String> {
    calculated(a, b, |a, b| a.checked_pow(u32::try_from(b).ok()?), f64::powf)
}

pub(super) fn negate(value: &Value) -> Result<Value, String> {
    subtract(&Value::from(0), value)
}
