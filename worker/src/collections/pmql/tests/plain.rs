//! The language once more, as its page tells it and without any care for speed: texts are read by regular expressions, times are
//! the calendar's, numbers are an integer and a fraction.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use jiff::civil::{DateTime, date};
use jiff::{SignedDuration, ToSpan};
use regex::Regex;
use serde_json::{Value, json};

use super::generator::OwnedRecord;

#[derive(Debug)]
pub(crate) enum Plain {
    And(Box<Plain>, Box<Plain>),
    Or(Box<Plain>, Box<Plain>),
    Not(Box<Plain>),
    Test(PlainField, PlainCheck),
}

#[derive(Debug)]
pub(crate) struct PlainField {
    pub(crate) base: Base,
    /// From the inside to the outside; casts by `AS` and the type.
    pub(crate) functions: Vec<&'static str>,
}

#[derive(Debug)]
pub(crate) enum Base {
    /// As a JSON pointer.
    Data(&'static str),
    Own(&'static str),
}

#[derive(Debug)]
pub(crate) enum PlainCheck {
    Compare(&'static str, Value),
    CompareNow(&'static str, Vec<(char, i64, &'static str)>),
    Like(&'static str, String),
    In(&'static str, Vec<Value>),
    Is(&'static str),
}

/// What stands on the left.
enum Left {
    Json(Value),
    Time(DateTime),
}

impl Plain {
    pub(crate) fn holds(&self, record: &OwnedRecord, now: DateTime) -> bool {
        match self {
            Self::And(left, right) => left.holds(record, now) & right.holds(record, now),
            Self::Or(left, right) => left.holds(record, now) | right.holds(record, now),
            Self::Not(inside) => !inside.holds(record, now),
            Self::Test(field, check) => {
                let left = field.of(record);
                match check {
                    PlainCheck::Compare("!=" | "<>", right) => !compared(&left, "=", right),
                    PlainCheck::Compare(operator, right) => compared(&left, operator, right),
                    PlainCheck::CompareNow(operator, steps) => {
                        let mut time = steps.iter().fold(now, stepped);
                        if matches!(field.functions.last(), Some(&("date" | "AS date"))) {
                            time = time.date().at(0, 0, 0, 0);
                        }
                        match *operator {
                            "!=" | "<>" => !compared_to_time(&left, "=", time),
                            operator => compared_to_time(&left, operator, time),
                        }
                    }
                    PlainCheck::Like("NOT LIKE", pattern) => !like(&left, pattern),
                    PlainCheck::Like(_, pattern) => like(&left, pattern),
                    PlainCheck::In("NOT IN", list) => !list.iter().any(|right| compared(&left, "=", right)),
                    PlainCheck::In(_, list) => list.iter().any(|right| compared(&left, "=", right)),
                    PlainCheck::Is("IS NOT NULL") => !compared(&left, "=", &Value::Null),
                    PlainCheck::Is(_) => compared(&left, "=", &Value::Null),
                }
            }
        }
    }
}

fn stepped(time: DateTime, (sign, amount, unit): &(char, i64, &'static str)) -> DateTime {
    let amount = if *sign == '-' { -amount } else { *amount };
    let span = match *unit {
        "second" | "seconds" => amount.seconds(),
        "minute" | "minutes" => amount.minutes(),
        "hour" | "hours" => amount.hours(),
        "day" | "days" => amount.days(),
        "week" | "weeks" => amount.weeks(),
        "month" | "months" => amount.months(),
        _ => amount.years(),
    };
    time.checked_add(span).unwrap()
}

impl PlainField {
    fn of(&self, record: &OwnedRecord) -> Left {
        let base = match &self.base {
            Base::Data(pointer) => Left::Json(found(&record.data, pointer)),
            Base::Own("id") => Left::Json(json!(record.id)),
            Base::Own("created" | "created_at") => Left::Time(time_of(record.created)),
            Base::Own("modified" | "updated" | "updated_at") => Left::Time(time_of(record.updated)),
            Base::Own("created_by" | "created_by_id") => Left::Json(json!(record.created_by)),
            Base::Own(_) => Left::Json(json!(record.updated_by)),
        };
        self.functions.iter().fold(base, |left, function| Left::Json(applied(function, &left)))
    }
}

/// A pointer whose numbers are elements of lists only.
fn found(data: &Value, pointer: &str) -> Value {
    pointer.split('/').skip(1).fold(data.clone(), |value, name| match (&value, name.strip_prefix('#')) {
        (Value::Array(list), Some(index)) => list.get(index.parse::<usize>().unwrap()).cloned().unwrap_or_default(),
        (Value::Object(object), None) => object.get(name).cloned().unwrap_or_default(),
        _ => Value::Null,
    })
}

pub(crate) fn time_of(epoch_ms: i64) -> DateTime {
    date(1970, 1, 1).at(0, 0, 0, 0).checked_add(SignedDuration::from_millis(epoch_ms)).unwrap()
}

fn applied(function: &str, left: &Left) -> Value {
    if let Left::Json(Value::Array(list)) = left {
        return list.iter().map(|element| applied(function, &Left::Json(element.clone()))).collect();
    }
    let Some(text) = text_of(left) else { return Value::Null };
    let time = match left {
        Left::Time(time) => Some(*time),
        Left::Json(Value::String(text)) => time_in(text),
        Left::Json(_) => None,
    };
    let trimmed = text.trim_matches(|c| " \t\r\n".contains(c)).to_owned();
    match function {
        "lower" => json!(text.to_lowercase()),
        "upper" => json!(text.to_uppercase()),
        "trim" => json!(trimmed),
        "length" => json!(text.chars().count()),
        "AS text" => json!(text),
        "AS number" => match left {
            Left::Json(Value::Number(number)) => json!(number),
            Left::Json(Value::String(_)) if numeric(&trimmed).is_some() => serde_json::from_str(&trimmed).unwrap(),
            _ => Value::Null,
        },
        "date" | "AS date" => time.map_or(Value::Null, |time| json!(time.date().to_string())),
        "year" => time.map_or(Value::Null, |time| json!(time.year())),
        "month" => time.map_or(Value::Null, |time| json!(time.month())),
        _ => time.map_or(Value::Null, |time| json!(time.day())),
    }
}

fn text_of(left: &Left) -> Option<String> {
    match left {
        Left::Time(time) => Some(time.strftime("%Y-%m-%d %H:%M:%S").to_string()),
        Left::Json(Value::String(text)) => Some(text.clone()),
        Left::Json(Value::Bool(boolean)) => Some(boolean.to_string()),
        Left::Json(Value::Number(number)) => Some(number_text(number)),
        Left::Json(_) => None,
    }
}

fn number_text(number: &serde_json::Number) -> String {
    if let Some(integer) = number.as_i64() {
        return integer.to_string();
    }
    let text = format!("{:?}", number.as_f64().unwrap());
    let text = if text.contains("e-") { text } else { text.replace('e', "e+") };
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// An integer and a fraction from 0 to 1.
fn split(number: &serde_json::Number) -> (i128, f64) {
    if let Some(integer) = number.as_i64() {
        return (integer.into(), 0.0);
    }
    let double = number.as_f64().unwrap();
    #[expect(clippy::cast_possible_truncation, reason = "nothing here differs beyond the range")]
    let whole = double.floor() as i128;
    (whole, double - double.floor())
}

fn numeric(text: &str) -> Option<(i128, f64)> {
    static NUMERIC: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"^-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,15})?$").unwrap());
    NUMERIC.is_match(text).then(|| split(&serde_json::from_str(text).unwrap()))
}

fn time_in(text: &str) -> Option<DateTime> {
    static TIME: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?(?:Z|([+-])([0-9]{2}):([0-9]{2}))?)?$").unwrap()
    });
    let parts = TIME.captures(text)?;
    let number = |group: usize| parts.get(group).map_or(0, |part| part.as_str().parse::<i32>().unwrap());
    let small = |group: usize| i8::try_from(number(group)).unwrap();
    let fraction = format!("{:0<9}", parts.get(7).map_or("", |part| part.as_str()));
    let milliseconds: i32 = fraction.get(..3).unwrap().parse().unwrap();
    let written = DateTime::new(
        i16::try_from(number(1)).unwrap(),
        small(2),
        small(3),
        small(4),
        small(5),
        small(6),
        milliseconds * 1_000_000,
    )
    .ok()?;
    if number(9) > 23 || number(10) > 59 || written.year() < 1 {
        return None;
    }
    let offset = i64::from(number(9) * 60 + number(10)).minutes();
    let offset = if parts.get(8).is_some_and(|sign| sign.as_str() == "+") { -offset } else { offset };
    written.checked_add(offset).ok().filter(|time| time.year() >= 1)
}

fn holds(operator: &str, order: Option<Ordering>) -> bool {
    match operator {
        "=" | "==" => order == Some(Ordering::Equal),
        "<" => order == Some(Ordering::Less),
        "<=" => order.is_some_and(|order| order != Ordering::Greater),
        ">" => order == Some(Ordering::Greater),
        _ => order.is_some_and(|order| order != Ordering::Less),
    }
}

fn is_equality(operator: &str) -> bool {
    matches!(operator, "=" | "==")
}

fn compared(left: &Left, operator: &str, right: &Value) -> bool {
    let left = match left {
        Left::Time(time) => {
            let order = right.as_str().and_then(time_in).map(|right| time.cmp(&right));
            return holds(operator, order);
        }
        Left::Json(left) => left,
    };
    match (left, right) {
        (Value::Array(_), Value::Null) => false,
        (Value::Array(list), right) => {
            is_equality(operator)
                && list.iter().any(|element| {
                    !matches!(element, Value::Array(_) | Value::Object(_))
                        && compared(&Left::Json(element.clone()), operator, right)
                })
        }
        (Value::Null, Value::Null) => is_equality(operator),
        (Value::Bool(left), Value::Bool(right)) => is_equality(operator) && left == right,
        (Value::Bool(word), Value::String(text)) | (Value::String(text), Value::Bool(word)) => {
            is_equality(operator) && *text == word.to_string()
        }
        (Value::Number(left), Value::Number(right)) => holds(operator, split(left).partial_cmp(&split(right))),
        (Value::Number(left), Value::String(right)) => {
            holds(operator, numeric(right).and_then(|right| split(left).partial_cmp(&right)))
        }
        (Value::String(left), Value::Number(right)) => {
            holds(operator, numeric(left).and_then(|left| left.partial_cmp(&split(right))))
        }
        (Value::String(left), Value::String(right)) => holds(
            operator,
            Some(match (time_in(left), time_in(right)) {
                (Some(left), Some(right)) => left.cmp(&right),
                _ => left.chars().cmp(right.chars()),
            }),
        ),
        _ => false,
    }
}

fn compared_to_time(left: &Left, operator: &str, right: DateTime) -> bool {
    match left {
        Left::Time(left) => holds(operator, Some(left.cmp(&right))),
        Left::Json(Value::String(text)) => holds(operator, time_in(text).map(|left| left.cmp(&right))),
        Left::Json(Value::Array(list)) => {
            is_equality(operator) && list.iter().any(|one| one.as_str().and_then(time_in) == Some(right))
        }
        Left::Json(_) => false,
    }
}

fn like(left: &Left, pattern: &str) -> bool {
    // The patterns are few, and compiling them is slow.
    static COMPILED: LazyLock<Mutex<HashMap<String, Regex>>> = LazyLock::new(Mutex::default);
    if let Left::Json(Value::Array(list)) = left {
        return list.iter().any(|one| !one.is_array() && like(&Left::Json(one.clone()), pattern));
    }
    let mut expression = "(?s)^".to_owned();
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        match character {
            '%' => expression.push_str(".*"),
            '_' => expression.push('.'),
            '\\' => expression.push_str(&regex::escape(&characters.next().unwrap_or('\\').to_string())),
            other => expression.push_str(&regex::escape(&other.to_string())),
        }
    }
    expression.push('$');
    let mut compiled = COMPILED.lock().unwrap();
    let regex = compiled.entry(expression).or_insert_with_key(|expression| Regex::new(expression).unwrap());
    text_of(left).is_some_and(|text| regex.is_match(&text))
}
