//! Values of headers as plain data: every type that AMQP's tables and lists have, on the wire and as JSON.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lapin::types::{AMQPValue, ByteArray, DecimalValue, FieldArray, FieldTable};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::message::{NameTooLong, short};

/// A header's value. As JSON, a table is an object, a list an array, and what JSON has no type for an object whose only member
/// begins with `$`.
#[derive(Debug, Clone, PartialEq)]
pub enum HeaderValue {
    /// No value.
    Void,
    /// A boolean.
    Bool(bool),
    /// Any integer.
    Integer(i64),
    /// A floating-point number.
    Double(f64),
    /// `value` divided by ten to the `scale`.
    Decimal {
        /// Digits after the point.
        scale: u8,
        /// All digits.
        value: u32,
    },
    /// Seconds since the epoch.
    Timestamp(u64),
    /// A text.
    Text(String),
    /// Bytes, or a text that is no UTF-8.
    Bytes(Vec<u8>),
    /// A list.
    List(Vec<Self>),
    /// A table.
    Table(BTreeMap<String, Self>),
}

impl HeaderValue {
    /// Its size in a frame, bytes (AMQP 0-9-1, section 4.2.5.5).
    pub(super) fn size(&self) -> usize {
        1 + match self {
            Self::Void => 0,
            Self::Bool(_) => 1,
            Self::Integer(_) | Self::Double(_) | Self::Timestamp(_) => 8,
            Self::Decimal { .. } => 5,
            Self::Text(text) => 4 + text.len(),
            Self::Bytes(bytes) => 4 + bytes.len(),
            Self::List(items) => 4 + items.iter().map(Self::size).sum::<usize>(),
            Self::Table(members) => {
                4 + members.iter().map(|(name, value)| 1 + name.len() + value.size()).sum::<usize>()
            }
        }
    }

    /// Whether its size does not depend on what it holds.
    pub(super) fn is_small(&self) -> bool {
        !matches!(self, Self::Text(_) | Self::Bytes(_) | Self::List(_) | Self::Table(_))
    }

    /// The value to publish.
    pub(super) fn to_amqp(&self) -> Result<AMQPValue, NameTooLong> {
        Ok(match self {
            Self::Void => AMQPValue::Void,
            Self::Bool(flag) => AMQPValue::Boolean(*flag),
            Self::Integer(number) => AMQPValue::LongLongInt(*number),
            Self::Double(number) => AMQPValue::Double(*number),
            Self::Decimal { scale, value } => AMQPValue::DecimalValue(DecimalValue { scale: *scale, value: *value }),
            Self::Timestamp(seconds) => AMQPValue::Timestamp(*seconds),
            Self::Text(text) => AMQPValue::LongString(text.as_str().into()),
            Self::Bytes(bytes) => AMQPValue::ByteArray(ByteArray::from(bytes.as_slice())),
            Self::List(items) => {
                let items: Result<Vec<AMQPValue>, NameTooLong> = items.iter().map(Self::to_amqp).collect();
                AMQPValue::FieldArray(FieldArray::from(items?))
            }
            Self::Table(members) => {
                let mut table = FieldTable::default();
                for (name, value) in members {
                    table.insert(short(name)?, value.to_amqp()?);
                }
                AMQPValue::FieldTable(table)
            }
        })
    }

    fn to_json(&self) -> Value {
        match self {
            Self::Void => Value::Null,
            Self::Bool(flag) => Value::Bool(*flag),
            Self::Integer(number) => Value::from(*number),
            Self::Double(number) if number.is_finite() => Value::from(*number),
            Self::Double(number) => json!({"$double": number.to_string()}),
            Self::Decimal { scale, value } => json!({"$decimal": [scale, value]}),
            Self::Timestamp(seconds) => json!({"$timestamp": seconds}),
            Self::Text(text) => Value::from(text.as_str()),
            Self::Bytes(bytes) => json!({"$bytes": STANDARD.encode(bytes)}),
            Self::List(items) => items.iter().map(Self::to_json).collect(),
            Self::Table(members) => {
                let object: Map<String, Value> =
                    members.iter().map(|(name, value)| (name.clone(), value.to_json())).collect();
                if tag(&object).is_some() { json!({"$table": object}) } else { Value::Object(object) }
            }
        }
    }

    fn of_json(value: Value) -> Self {
        match value {
            Value::Null => Self::Void,
            Value::Bool(flag) => Self::Bool(flag),
            Value::Number(number) => {
                number.as_i64().map_or_else(|| Self::Double(number.as_f64().unwrap_or_default()), Self::Integer)
            }
            Value::String(text) => Self::Text(text),
            Value::Array(items) => Self::List(items.into_iter().map(Self::of_json).collect()),
            Value::Object(object) => {
                tag(&object).and_then(|(name, value)| Self::tagged(name, value)).unwrap_or_else(|| Self::table(object))
            }
        }
    }

    fn tagged(name: &str, value: &Value) -> Option<Self> {
        match name {
            "$double" => Some(Self::Double(value.as_str()?.parse().ok()?)),
            "$decimal" => {
                let number = |at: usize| value.get(at).and_then(Value::as_u64);
                Some(Self::Decimal { scale: number(0)?.try_into().ok()?, value: number(1)?.try_into().ok()? })
            }
            "$timestamp" => Some(Self::Timestamp(value.as_u64()?)),
            "$bytes" => Some(Self::Bytes(STANDARD.decode(value.as_str()?).ok()?)),
            "$table" => Some(Self::table(value.as_object()?.clone())),
            _ => None,
        }
    }

    fn table(object: Map<String, Value>) -> Self {
        Self::Table(object.into_iter().map(|(name, value)| (name, Self::of_json(value))).collect())
    }
}

/// The only member of an object whose name begins with `$`.
fn tag(object: &Map<String, Value>) -> Option<(&str, &Value)> {
    let mut members = object.iter();
    match (members.next(), members.next()) {
        (Some((name, value)), None) if name.starts_with('$') => Some((name, value)),
        _ => None,
    }
}

impl From<&AMQPValue> for HeaderValue {
    fn from(value: &AMQPValue) -> Self {
        let bytes = |bytes: &[u8]| Self::Bytes(bytes.to_vec());
        match value {
            AMQPValue::Void => Self::Void,
            AMQPValue::Boolean(flag) => Self::Bool(*flag),
            AMQPValue::ShortShortInt(n) => Self::Integer((*n).into()),
            AMQPValue::ShortShortUInt(n) => Self::Integer((*n).into()),
            AMQPValue::ShortInt(n) => Self::Integer((*n).into()),
            AMQPValue::ShortUInt(n) => Self::Integer((*n).into()),
            AMQPValue::LongInt(n) => Self::Integer((*n).into()),
            AMQPValue::LongUInt(n) => Self::Integer((*n).into()),
            AMQPValue::LongLongInt(n) => Self::Integer(*n),
            AMQPValue::Float(n) => Self::Double((*n).into()),
            AMQPValue::Double(n) => Self::Double(*n),
            AMQPValue::DecimalValue(n) => Self::Decimal { scale: n.scale, value: n.value },
            AMQPValue::Timestamp(seconds) => Self::Timestamp(*seconds),
            AMQPValue::ShortString(text) => Self::Text(text.to_string()),
            AMQPValue::LongString(text) => match std::str::from_utf8(text.as_bytes()) {
                Ok(text) => Self::Text(text.to_owned()),
                Err(_) => bytes(text.as_bytes()),
            },
            AMQPValue::ByteArray(array) => bytes(array.as_slice()),
            AMQPValue::FieldArray(items) => Self::List(items.as_slice().iter().map(Self::from).collect()),
            AMQPValue::FieldTable(table) => {
                Self::Table(table.into_iter().map(|(name, value)| (name.to_string(), value.into())).collect())
            }
        }
    }
}

impl Serialize for HeaderValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for HeaderValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self::of_json)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(members: &[(&str, HeaderValue)]) -> HeaderValue {
        HeaderValue::Table(members.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
    }

    #[test]
    fn every_type_is_the_same_after_the_broker_and_after_the_database() {
        let text = HeaderValue::Text("x".to_owned());
        for (value, expected) in [
            (HeaderValue::Void, json!(null)),
            (HeaderValue::Bool(true), json!(true)),
            (HeaderValue::Integer(i64::MIN), json!(i64::MIN)),
            (HeaderValue::Double(1.0), json!(1.0)),
            (HeaderValue::Double(f64::INFINITY), json!({"$double": "inf"})),
            (HeaderValue::Decimal { scale: 2, value: 314 }, json!({"$decimal": [2, 314]})),
            (HeaderValue::Timestamp(1_700_000_000), json!({"$timestamp": 1_700_000_000})),
            (text.clone(), json!("x")),
            (HeaderValue::Bytes(vec![255, 0]), json!({"$bytes": "/wA="})),
            (HeaderValue::List(vec![text.clone(), HeaderValue::Integer(2)]), json!(["x", 2])),
            (table(&[]), json!({})),
            (
                table(&[("a", table(&[("b", text.clone())])), ("c", HeaderValue::Void)]),
                json!({"a": {"b": "x"}, "c": null}),
            ),
            (table(&[("$bytes", text.clone())]), json!({"$table": {"$bytes": "x"}})),
            (table(&[("$table", text)]), json!({"$table": {"$table": "x"}})),
        ] {
            assert_eq!(HeaderValue::from(&value.to_amqp().unwrap()), value);
            assert_eq!(serde_json::to_value(&value).unwrap(), expected);
            let read: HeaderValue = serde_json::from_str(&expected.to_string()).unwrap();
            assert_eq!(read, value, "{expected}");
        }
        let no_text = AMQPValue::LongString(vec![255].into());
        assert_eq!(HeaderValue::from(&no_text), HeaderValue::Bytes(vec![255]));
        assert_eq!(HeaderValue::of_json(json!({"$bytes": 1})), table(&[("$bytes", HeaderValue::Integer(1))]));
    }
}
