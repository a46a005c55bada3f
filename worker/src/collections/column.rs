//! The types of columns, and what each stores of a value.

use serde_json::Value;

use super::date;
use super::number::Number;
use super::value::boolean_text;

/// The type of a column; a value that is not null is stored in the type's form only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// Anything, as it came.
    Json,
    /// Texts.
    String,
    /// Numbers.
    Number,
    /// Booleans.
    Boolean,
    /// Texts `YYYY-MM-DD`.
    Date,
    /// Texts `YYYY-MM-DDTHH:MM:SS.mmmZ`.
    Datetime,
}

/// A value that a column does not take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found} is not what this column takes: it takes {takes}")]
pub struct CoercionError {
    /// The value, cut when it is long.
    pub found: String,
    /// What the column takes, in words for people.
    pub takes: &'static str,
}

impl ColumnKind {
    const ALL: [(Self, &'static str); 6] = [
        (Self::Json, "json"),
        (Self::String, "string"),
        (Self::Number, "number"),
        (Self::Boolean, "boolean"),
        (Self::Date, "date"),
        (Self::Datetime, "datetime"),
    ];

    /// As a column's `type` names it.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).map_or("json", |(_, name)| name)
    }

    /// The kind that a column's `type` names.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(kind, _)| *kind)
    }

    /// What a column of this kind stores of a value.
    ///
    /// # Errors
    /// When it does not take the value.
    pub fn coerce(self, value: Value) -> Result<Value, CoercionError> {
        if value.is_null() {
            return Ok(value);
        }
        let stored = match (self, &value) {
            (Self::Json, _) | (Self::String, Value::String(_)) | (Self::Boolean, Value::Bool(_)) => return Ok(value),
            (Self::String, Value::Number(number)) => Some(Value::from(Number::of(number).text())),
            (Self::String, Value::Bool(boolean)) => Some(Value::from(boolean_text(*boolean))),
            (Self::String, _) => None,
            (_, Value::String(text)) if text.is_empty() => Some(Value::Null),
            (Self::Number, Value::Number(number)) => Number::of(number).to_json().map(Value::Number),
            (Self::Number, Value::String(text)) => Number::parse(text).and_then(Number::to_json).map(Value::Number),
            (Self::Boolean, Value::String(text)) => match text.as_str() {
                "true" => Some(Value::Bool(true)),
                "false" => Some(Value::Bool(false)),
                _ => None,
            },
            (Self::Date, Value::String(text)) => date::parse(text)
                .filter(|instant| date::midnight(*instant) == *instant)
                .map(date::day_text)
                .map(Value::from),
            (Self::Datetime, Value::String(text)) => date::parse(text).map(date::millisecond_text).map(Value::from),
            (Self::Number | Self::Boolean | Self::Date | Self::Datetime, _) => None,
        };
        stored.ok_or_else(|| CoercionError { found: shortened(&value), takes: self.takes() })
    }

    fn takes(self) -> &'static str {
        match self {
            Self::Json => "anything",
            Self::String => "text, numbers, true and false",
            Self::Number => "numbers that a double can hold",
            Self::Boolean => "true and false",
            Self::Date => "dates like 2024-12-31, without a time or with midnight (UTC)",
            Self::Datetime => "times like 2024-12-31T23:59:59Z",
        }
    }
}

/// A value as JSON, of a list or an object only what it is.
fn shortened(value: &Value) -> String {
    const LENGTH: usize = 60;
    match value {
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        scalar => {
            let text = scalar.to_string();
            let cut: String = text.chars().take(LENGTH).collect();
            if cut.len() < text.len() { format!("{cut}…") } else { text }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_each_type_stores() {
        use ColumnKind::{Boolean, Date, Datetime, Json, Number, String};
        for (kind, value, stored) in [
            (Json, json!([1, {"a": null}]), json!([1, {"a": null}])),
            (Json, json!(""), json!("")),
            (String, json!("x"), json!("x")),
            (String, json!(""), json!("")),
            (String, json!(5.0), json!("5")),
            (String, json!(true), json!("true")),
            (Number, json!(5), json!(5)),
            (Number, json!("1e15"), json!(1e15)),
            (Number, json!("9007199254740993"), json!(9_007_199_254_740_993_i64)),
            (Number, json!("-0.5"), json!(-0.5)),
            (Number, json!(""), json!(null)),
            (Boolean, json!(false), json!(false)),
            (Boolean, json!("true"), json!(true)),
            (Boolean, json!("false"), json!(false)),
            (Boolean, json!(""), json!(null)),
            (Date, json!("2024-02-29"), json!("2024-02-29")),
            (Date, json!("2024-02-29 00:00:00.0001Z"), json!("2024-02-29")),
            (Date, json!("2024-02-29T02:00+02:00"), json!("2024-02-29")),
            (Date, json!(""), json!(null)),
            (Datetime, json!("2024-02-29"), json!("2024-02-29T00:00:00.000Z")),
            (Datetime, json!("2024-02-29 23:30:01.98765-01:00"), json!("2024-03-01T00:30:01.987Z")),
            (Datetime, json!(""), json!(null)),
        ] {
            assert_eq!(kind.coerce(value.clone()), Ok(stored), "{kind:?} {value}");
            assert_eq!(kind.coerce(json!(null)), Ok(json!(null)));
        }
    }

    #[test]
    fn what_each_type_refuses() {
        use ColumnKind::{Boolean, Date, Datetime, Number, String};
        for (kind, value) in [
            (String, json!([])),
            (String, json!({})),
            (Number, json!("5 ")),
            (Number, json!("007")),
            (Number, json!("1e999")),
            (Number, json!(true)),
            (Number, json!([1])),
            (Boolean, json!("True")),
            (Boolean, json!(1)),
            (Date, json!("2024-02-30")),
            (Date, json!("2024-02-29T12:00")),
            (Date, json!("2024-02-29T00:00+02:00")),
            (Date, json!(20_240_229)),
            (Datetime, json!("yesterday")),
            (Datetime, json!(0)),
        ] {
            assert!(kind.coerce(value.clone()).is_err(), "{kind:?} {value}");
        }
        let error = Number.coerce(json!("x".repeat(100))).unwrap_err();
        assert_eq!(error.found.chars().count(), 61);
        assert!(error.to_string().ends_with("it takes numbers that a double can hold"));
    }

    #[test]
    fn kinds_have_names() {
        for name in ["json", "string", "number", "boolean", "date", "datetime"] {
            assert_eq!(ColumnKind::named(name).unwrap().name(), name);
        }
        assert_eq!(ColumnKind::named("text"), None);
    }
}
