//! Numbers as records hold them: integers of 64 bits are exact, all others are doubles. They compare mathematically.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

/// 2^63, the first double above every `i64`.
const ABOVE_INTEGERS: f64 = 9_223_372_036_854_775_808.0;

/// A number of a record or of a query.
#[derive(Debug, Clone, Copy)]
pub enum Number {
    /// Written without fraction and exponent, from -2^63 to 2^63-1.
    Integer(i64),
    /// Any other one; never NaN.
    Double(f64),
}

impl Number {
    /// A number of JSON; one beyond a double is infinite, which only unchecked data can hold.
    pub fn of(number: &serde_json::Number) -> Self {
        let text = number.as_str();
        text.parse().map_or_else(|_| Self::Double(text.parse().unwrap_or(f64::INFINITY)), Self::Integer)
    }

    /// The number that a text is in JSON's grammar; `None` for any other text and for one beyond a double.
    pub fn parse(text: &str) -> Option<Self> {
        is_json_number(text.as_bytes()).then_some(())?;
        if let Ok(integer) = text.parse() {
            return Some(Self::Integer(integer));
        }
        text.parse().ok().filter(|double: &f64| double.is_finite()).map(Self::Double)
    }

    /// The number that a numeric text is: `-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,15})?`.
    pub fn parse_numeric_text(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('-').unwrap_or(text).as_bytes();
        let whole = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (integer, fraction) = digits.split_at(whole);
        if !matches!(integer, [b'0'] | [b'1'..=b'9', ..]) || whole > 15 {
            return None;
        }
        match fraction {
            [] => text.parse().ok().map(Self::Integer),
            [b'.', decimals @ ..] if (1..=15).contains(&decimals.len()) && decimals.iter().all(u8::is_ascii_digit) => {
                text.parse().ok().map(Self::Double)
            }
            _ => None,
        }
    }

    /// As JSON writes it, without a final `.0`.
    pub fn text(self) -> String {
        let mut text = self.to_json().map_or_else(String::new, |number| number.to_string());
        if text.ends_with(".0") {
            text.truncate(text.len() - 2);
        }
        text
    }

    /// The JSON that is stored for it; `None` when it is infinite.
    pub fn to_json(self) -> Option<serde_json::Number> {
        match self {
            Self::Integer(integer) => Some(integer.into()),
            Self::Double(double) => serde_json::Number::from_f64(double),
        }
    }

    /// The nearest double, which does not change the order of two numbers, though it may make them equal.
    #[expect(clippy::cast_precision_loss, reason = "the nearest double is what is asked for")]
    pub fn to_f64(self) -> f64 {
        match self {
            Self::Integer(integer) => integer as f64,
            Self::Double(double) => double,
        }
    }

    /// The integer that it equals.
    pub fn as_integer(self) -> Option<i64> {
        match self {
            Self::Integer(integer) => Some(integer),
            Self::Double(double) if double.fract() == 0.0 => whole(double),
            Self::Double(_) => None,
        }
    }
}

/// The integer part, where 64 bits hold it.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked and the fraction is cut on purpose")]
pub(super) fn whole(double: f64) -> Option<i64> {
    (-ABOVE_INTEGERS..ABOVE_INTEGERS).contains(&double).then(|| double.trunc() as i64)
}

/// `-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?`
fn is_json_number(text: &[u8]) -> bool {
    json_number_length(text) == Some(text.len())
}

/// How many bytes at the beginning are a number of JSON.
pub(super) fn json_number_length(text: &[u8]) -> Option<usize> {
    let digits_at = |at: usize| text.iter().skip(at).take_while(|byte| byte.is_ascii_digit()).count();
    let mut length = usize::from(text.first() == Some(&b'-'));
    length += match text.get(length)? {
        b'0' => 1,
        b'1'..=b'9' => digits_at(length),
        _ => return None,
    };
    if text.get(length) == Some(&b'.') && digits_at(length + 1) > 0 {
        length += 1 + digits_at(length + 1);
    }
    if let Some(b'e' | b'E') = text.get(length) {
        let sign = usize::from(matches!(text.get(length + 1), Some(b'+' | b'-')));
        if digits_at(length + 1 + sign) > 0 {
            length += 1 + sign + digits_at(length + 1 + sign);
        }
    }
    Some(length)
}

fn compare_exactly(integer: i64, double: f64) -> Ordering {
    match whole(double) {
        None if double > 0.0 => Ordering::Less,
        None => Ordering::Greater,
        Some(part) => integer.cmp(&part).then_with(|| 0.0_f64.partial_cmp(&double.fract()).unwrap_or(Ordering::Equal)),
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        match (*self, *other) {
            (Self::Integer(left), Self::Integer(right)) => left.cmp(&right),
            (Self::Integer(left), Self::Double(right)) => compare_exactly(left, right),
            (Self::Double(left), Self::Integer(right)) => compare_exactly(right, left).reverse(),
            (Self::Double(left), Self::Double(right)) => left.partial_cmp(&right).unwrap_or(Ordering::Equal),
        }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Number {}

impl Hash for Number {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self.as_integer() {
            Some(integer) => integer.hash(state),
            None => self.to_f64().to_bits().hash(state),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numeric_texts() {
        for (text, expected) in [
            ("0", Some(Number::Integer(0))),
            ("-0", Some(Number::Integer(0))),
            ("10", Some(Number::Integer(10))),
            ("-10.50", Some(Number::Double(-10.5))),
            ("999999999999999", Some(Number::Integer(999_999_999_999_999))),
            ("0.123456789012345", Some(Number::Double(0.123_456_789_012_345))),
        ] {
            assert_eq!(Number::parse_numeric_text(text), expected, "{text}");
        }
        for text in [
            "",
            "-",
            "007",
            "00",
            "01.5",
            "1.",
            ".5",
            "+1",
            "1e3",
            " 1",
            "1 ",
            "1000000000000000",
            "1.1234567890123456",
            "--1",
            "1,5",
            "0x1",
            "١",
            "1.5.",
            "NaN",
            "inf",
            "-a",
            "1a",
        ] {
            assert_eq!(Number::parse_numeric_text(text), None, "{text}");
        }
    }

    #[test]
    fn texts_that_are_numbers_in_json() {
        for (text, expected) in [
            ("9007199254740993", Some(Number::Integer(9_007_199_254_740_993))),
            ("1e15", Some(Number::Double(1e15))),
            ("-1.5E-2", Some(Number::Double(-0.015))),
            ("9223372036854775808", Some(Number::Double(9_223_372_036_854_775_808.0))),
        ] {
            assert_eq!(Number::parse(text), expected, "{text}");
        }
        for text in ["", "-", "01", "1.", ".5", "+1", "1e", "1e+", " 1", "1e999", "-1e999", "Infinity", "NaN", "1_000"]
        {
            assert_eq!(Number::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_text_of_a_number() {
        for (json, text) in [
            ("5", "5"),
            ("5.0", "5"),
            ("-0", "0"),
            ("1.50", "1.5"),
            ("1e3", "1000"),
            ("9007199254740993", "9007199254740993"),
            ("0.1", "0.1"),
            ("1e300", "1e+300"),
            ("-9223372036854775808", "-9223372036854775808"),
        ] {
            let number: serde_json::Number = serde_json::from_str(json).unwrap();
            assert_eq!(Number::of(&number).text(), text, "{json}");
        }
    }

    #[test]
    fn integers_and_doubles_compare_exactly() {
        let integer = Number::Integer;
        let double = Number::Double;
        for (left, expected, right) in [
            (integer(9_007_199_254_740_993), Ordering::Greater, double(9_007_199_254_740_992.0)),
            (integer(9_007_199_254_740_992), Ordering::Equal, double(9_007_199_254_740_992.0)),
            (integer(i64::MAX), Ordering::Less, double(9_223_372_036_854_775_808.0)),
            (integer(i64::MIN), Ordering::Equal, double(-9_223_372_036_854_775_808.0)),
            (integer(i64::MIN), Ordering::Greater, double(-1e19)),
            (integer(1), Ordering::Less, double(1.5)),
            (integer(-1), Ordering::Greater, double(-1.5)),
            (integer(-1), Ordering::Less, double(-0.5)),
            (integer(0), Ordering::Equal, double(-0.0)),
            (double(0.1), Ordering::Less, double(0.2)),
        ] {
            assert_eq!(left.cmp(&right), expected, "{left:?} {right:?}");
            assert_eq!(right.cmp(&left), expected.reverse(), "{right:?} {left:?}");
        }
    }

    #[test]
    fn equal_numbers_have_equal_hashes() {
        let set: std::collections::HashSet<Number> =
            [Number::Integer(5), Number::Double(5.0), Number::Double(-0.0), Number::Integer(0), Number::Double(0.0)]
                .into();
        assert_eq!(set.len(), 2);
    }
}
