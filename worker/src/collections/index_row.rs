//! What `collection_index` holds of a value, so that equality and ranges of a typed column are looked up.

use serde_json::Value;

use super::number::Number;

/// `kind` of false.
pub const FALSE: i16 = 1;
/// `kind` of true.
pub const TRUE: i16 = 2;
/// `kind` of numbers.
pub const NUMBER: i16 = 3;
/// `kind` of texts.
pub const TEXT: i16 = 4;

/// The row of one value; null, missing values, lists and objects have none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IndexRow<'a> {
    /// One of the kinds above.
    pub kind: i16,
    /// The nearest double of a number: two integers from 2^53 on may share one.
    pub number: Option<f64>,
    /// A text.
    pub text: Option<&'a str>,
}

impl<'a> IndexRow<'a> {
    /// The row of a value; `None` is a path to nowhere.
    pub fn of(value: Option<&'a Value>) -> Option<Self> {
        let row = |kind| Self { kind, number: None, text: None };
        match value? {
            Value::Null | Value::Array(_) | Value::Object(_) => None,
            Value::Bool(boolean) => Some(row(if *boolean { TRUE } else { FALSE })),
            Value::Number(number) => Some(Self { number: Some(Number::of(number).to_f64()), ..row(NUMBER) }),
            Value::String(text) => Some(Self { text: Some(text), ..row(TEXT) }),
        }
    }
}
