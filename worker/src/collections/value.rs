//! Values of records: their order in lists, when two are the same, their texts.

use std::cmp::Ordering;

use serde_json::Value;

use super::number::Number;

/// What `order_by` compares: null or missing, false, true, numbers, texts by code points, lists, objects. All lists are equal, and
/// so are all objects.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SortKey {
    /// Null, or a path to nowhere.
    Null,
    /// A boolean, false first.
    Boolean(bool),
    /// A number.
    Number(Number),
    /// A text.
    Text(Box<str>),
    /// A list.
    List,
    /// An object.
    Object,
}

impl SortKey {
    /// The key of a value; `None` is a path to nowhere.
    pub fn of(value: Option<&Value>) -> Self {
        match value {
            None | Some(Value::Null) => Self::Null,
            Some(Value::Bool(boolean)) => Self::Boolean(*boolean),
            Some(Value::Number(number)) => Self::Number(Number::of(number)),
            Some(Value::String(text)) => Self::Text(text.as_str().into()),
            Some(Value::Array(_)) => Self::List,
            Some(Value::Object(_)) => Self::Object,
        }
    }
}

/// The order of `SortKey` without making keys.
pub fn compare(left: Option<&Value>, right: Option<&Value>) -> Ordering {
    match (left, right) {
        (Some(Value::String(left)), Some(Value::String(right))) => left.cmp(right),
        (left @ (None | Some(Value::Null | Value::Bool(_) | Value::Number(_))), right) => {
            SortKey::of(left).cmp(&SortKey::of(right))
        }
        (left, right) => rank(left).cmp(&rank(right)),
    }
}

fn rank(value: Option<&Value>) -> u8 {
    match value {
        None | Some(Value::Null) => 0,
        Some(Value::Bool(_)) => 1,
        Some(Value::Number(_)) => 2,
        Some(Value::String(_)) => 3,
        Some(Value::Array(_)) => 4,
        Some(Value::Object(_)) => 5,
    }
}

/// The same for two values of the same kind and value, and for no others: what `groupBy` groups by and `unique` refuses twice.
///
/// Null and missing are the same; numbers are the same when they are mathematically; the order of an object's members does not
/// count.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum GroupKey {
    /// Null, or a path to nowhere.
    Null,
    /// A boolean.
    Boolean(bool),
    /// A number.
    Number(Number),
    /// A text.
    Text(Box<str>),
    /// A list.
    List(Vec<GroupKey>),
    /// An object, its members sorted by name.
    Object(Vec<(Box<str>, GroupKey)>),
}

impl GroupKey {
    /// The key of a value; `None` is a path to nowhere.
    pub fn of(value: Option<&Value>) -> Self {
        match value {
            None | Some(Value::Null) => Self::Null,
            Some(Value::Bool(boolean)) => Self::Boolean(*boolean),
            Some(Value::Number(number)) => Self::Number(Number::of(number)),
            Some(Value::String(text)) => Self::Text(text.as_str().into()),
            Some(Value::Array(values)) => Self::List(values.iter().map(|value| Self::of(Some(value))).collect()),
            Some(Value::Object(members)) => {
                let mut sorted: Vec<_> =
                    members.iter().map(|(name, value)| (name.as_str().into(), Self::of(Some(value)))).collect();
                sorted.sort_unstable_by(|(left, _), (right, _): &(Box<str>, _)| left.cmp(right));
                Self::Object(sorted)
            }
        }
    }
}

/// A number of a record that no double holds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{number} is beyond what a number may be: write at most 1.7976931348623157e308, or a text")]
pub struct NumberTooLarge {
    /// As it was written.
    pub number: String,
}

/// Brings all numbers into the form that is stored: 64-bit integers exactly, others as doubles.
///
/// # Errors
/// The first number that is beyond a double.
pub fn normalize_numbers(value: &mut Value) -> Result<(), NumberTooLarge> {
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => Ok(()),
        Value::Array(values) => values.iter_mut().try_for_each(normalize_numbers),
        Value::Object(members) => members.values_mut().try_for_each(normalize_numbers),
        Value::Number(number) => {
            let stored = Number::of(number).to_json();
            *number = stored.ok_or_else(|| NumberTooLarge { number: number.to_string() })?;
            Ok(())
        }
    }
}

/// Whether the text of any scalar in a value, at any depth, contains a text when it is lower-cased; `lower_cased` already is.
pub fn contains_text(value: &Value, lower_cased: &str) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(boolean) => boolean_text(*boolean).contains(lower_cased),
        Value::Number(number) => Number::of(number).text().to_lowercase().contains(lower_cased),
        Value::String(text) => text.to_lowercase().contains(lower_cased),
        Value::Array(values) => values.iter().any(|value| contains_text(value, lower_cased)),
        Value::Object(members) => members.values().any(|value| contains_text(value, lower_cased)),
    }
}

/// `true` or `false`.
pub fn boolean_text(boolean: bool) -> &'static str {
    if boolean { "true" } else { "false" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_order_of_lists() {
        let ascending = [
            json!(null),
            json!(false),
            json!(true),
            json!(-1e300),
            json!(-1),
            json!(9.5),
            json!(10),
            json!(""),
            json!("10"),
            json!("9"),
            json!("Z"),
            json!("a"),
            json!("é"),
            json!("\u{ffff}"),
            json!("\u{10000}"),
            json!([]),
            json!({}),
        ];
        for (i, left) in ascending.iter().enumerate() {
            for (j, right) in ascending.iter().enumerate() {
                assert_eq!(compare(Some(left), Some(right)), i.cmp(&j), "{left} {right}");
                assert_eq!(SortKey::of(Some(left)).cmp(&SortKey::of(Some(right))), i.cmp(&j), "{left} {right}");
            }
        }
        assert_eq!(compare(None, Some(&json!(null))), Ordering::Equal);
        assert_eq!(compare(None, Some(&json!(false))), Ordering::Less);
        assert_eq!(compare(Some(&json!([2])), Some(&json!([1]))), Ordering::Equal);
        assert_eq!(compare(Some(&json!({"a": 1})), Some(&json!({}))), Ordering::Equal);
    }

    #[test]
    fn groups_are_by_kind_and_value() {
        let key = |text: &str| GroupKey::of(Some(&serde_json::from_str(text).unwrap()));
        for (left, right) in
            [("1", "1.0"), ("10", "1e1"), ("0", "-0.0"), (r#"{"a":1,"b":[2]}"#, r#"{"b":[2.0],"a":1}"#)]
        {
            assert_eq!(key(left), key(right), "{left} {right}");
        }
        for (left, right) in [
            ("1", r#""1""#),
            ("true", r#""true""#),
            ("null", "false"),
            ("0", "false"),
            ("[1]", "1"),
            ("[1,2]", "[2,1]"),
            ("9007199254740993", "9007199254740992.0"),
            (r#""a""#, r#""A""#),
            ("{}", "[]"),
        ] {
            assert_ne!(key(left), key(right), "{left} {right}");
        }
        assert_eq!(GroupKey::of(None), key("null"));
    }

    #[test]
    fn numbers_are_stored_as_integers_or_doubles() {
        let mut value: Value =
            serde_json::from_str(r#"{"a": [1.50, 9007199254740993, 1e2, 18446744073709551615]}"#).unwrap();
        normalize_numbers(&mut value).unwrap();
        assert_eq!(value.to_string(), r#"{"a":[1.5,9007199254740993,100.0,1.8446744073709552e+19]}"#);
        let mut value: Value = serde_json::from_str(r#"[1, {"a": -1e999}]"#).unwrap();
        assert_eq!(normalize_numbers(&mut value).unwrap_err().number, "-1e+999");
    }

    #[test]
    fn texts_of_scalars_are_searched_at_any_depth() {
        let value = json!({"name": "ÄPFEL", "list": [{"n": 12.5, "b": true}], "nothing": null});
        for found in ["äpfel", "fel", "2.5", "tru", ""] {
            assert!(contains_text(&value, found), "{found}");
        }
        for missing in ["name", "null", "12.50", "x"] {
            assert!(!contains_text(&value, missing), "{missing}");
        }
    }
}
