//! Canonical JSON (RFC 8785): one spelling for all texts that mean the same.
//!
//! Our own because it is a tenth of the work of a job; a test compares it with a library.

use std::cmp::Ordering;
use std::fmt;

use serde_json::{Number, Value};

/// Whole numbers up to here are doubles that are written as they are (RFC 8785, 3.2.2.3).
const EXACT: u64 = 1 << 53;

/// Appends a value's canonical text.
pub(super) fn write(value: &Value, text: &mut Vec<u8>) {
    match value {
        Value::Null => text.extend_from_slice(b"null"),
        Value::Bool(true) => text.extend_from_slice(b"true"),
        Value::Bool(false) => text.extend_from_slice(b"false"),
        Value::Number(value) => number(value, text),
        Value::String(value) => string(value, text),
        Value::Array(items) => {
            text.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(b',');
                }
                write(item, text);
            }
            text.push(b']');
        }
        Value::Object(map) => {
            object(map.iter().map(|(name, value)| (name.as_str(), Fragment::Value(value))).collect(), text);
        }
    }
}

/// A member's part of the canonical JSON.
pub(super) enum Fragment<'a> {
    /// Its value.
    Value(&'a Value),
    /// Its canonical text.
    Canonical(&'a [u8]),
}

/// Appends an object.
pub(super) fn object(mut members: Vec<(&str, Fragment<'_>)>, text: &mut Vec<u8>) {
    members.sort_unstable_by(|(a, _), (b, _)| order(a, b));
    text.push(b'{');
    for (index, (name, part)) in members.into_iter().enumerate() {
        if index > 0 {
            text.push(b',');
        }
        string(name, text);
        text.push(b':');
        match part {
            Fragment::Value(value) => write(value, text),
            Fragment::Canonical(written) => text.extend_from_slice(written),
        }
    }
    text.push(b'}');
}

/// By UTF-16 code units (RFC 8785, 3.2.3), which for ASCII are the bytes.
fn order(a: &str, b: &str) -> Ordering {
    if a.is_ascii() && b.is_ascii() { a.cmp(b) } else { a.encode_utf16().cmp(b.encode_utf16()) }
}

/// JSON's own escapes are those of RFC 8785, 3.2.2.2.
fn string(value: &str, text: &mut Vec<u8>) {
    let written = serde_json::to_writer(text, value);
    debug_assert!(written.is_ok(), "memory can be written to");
}

/// As RFC 8785 writes doubles; a number that no double holds keeps its digits, for another one is another content.
fn number(value: &Number, text: &mut Vec<u8>) {
    if let Some(whole) = value.as_i64().filter(|whole| whole.unsigned_abs() <= EXACT) {
        text.extend_from_slice(whole.to_string().as_bytes());
        return;
    }
    let written = value.to_string();
    let mut buffer = ryu_js::Buffer::new();
    let double = value.as_f64().filter(|double| double.is_finite()).map(|double| buffer.format_finite(double));
    match (double, Decimal::of(&written)) {
        (Some(double), Some(decimal)) if decimal.is_held_by(double) => text.extend_from_slice(double.as_bytes()),
        (_, Some(decimal)) => text.extend_from_slice(decimal.to_string().as_bytes()),
        (_, None) => text.extend_from_slice(written.as_bytes()),
    }
}

/// A number to the last digit: `0.digits` times ten to the `exponent`.
#[derive(Debug, PartialEq, Eq)]
struct Decimal {
    is_negative: bool,
    /// Neither the first nor the last one is 0.
    digits: String,
    exponent: i64,
}

/// With this many digits or fewer, a text with a fraction is what some program wrote for its double.
const DIGITS_OF_A_DOUBLE: usize = 17;

impl Decimal {
    /// The number that a JSON text is, but for one whose exponent is beyond all measure.
    fn of(text: &str) -> Option<Self> {
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let (whole, is_negative) = whole.strip_prefix('-').map_or((whole, false), |whole| (whole, true));
        let all = [whole, fraction].concat();
        let digits = all.trim_start_matches('0');
        let zeros = all.len() - digits.len();
        let exponent: i64 = exponent.parse().ok()?;
        let before = i64::try_from(whole.len()).ok()?.checked_sub(i64::try_from(zeros).ok()?)?;
        let digits = digits.trim_end_matches('0').to_owned();
        if digits.is_empty() {
            return Some(Self { is_negative: false, digits, exponent: 0 });
        }
        Some(Self { is_negative, digits, exponent: exponent.checked_add(before)? })
    }

    /// Whether a double, as it is written, is this number.
    fn is_held_by(&self, double: &str) -> bool {
        let is_whole = usize::try_from(self.exponent).is_ok_and(|exponent| self.digits.len() <= exponent);
        (!is_whole && self.digits.len() <= DIGITS_OF_A_DOUBLE && double != "0")
            || Self::of(double).as_ref() == Some(self)
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.is_negative { "-" } else { "" };
        let zeros = usize::try_from(self.exponent).ok().and_then(|exponent| exponent.checked_sub(self.digits.len()));
        match zeros {
            Some(zeros) if zeros <= DIGITS_OF_A_DOUBLE => write!(f, "{sign}{}{:0<zeros$}", self.digits, ""),
            _ => write!(f, "{sign}0.{}e{}", self.digits, self.exponent),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn canonical(value: &Value) -> String {
        let mut text = Vec::new();
        write(value, &mut text);
        String::from_utf8(text).unwrap()
    }

    /// A value of any shape, with numbers and characters of every kind.
    fn any(random: &mut fastrand::Rng, depth: usize) -> Value {
        let character = |random: &mut fastrand::Rng| match random.u8(0..5) {
            0 => char::from(random.u8(0..0x20)),
            1 => random.char('\u{e000}'..'\u{10ffff}'),
            2 => random.char('\u{7f}'..'\u{7ff}'),
            _ => random.choice(['"', '\\', '/', 'a', 'b', 'A', 'B', '\u{2028}']).unwrap_or('a'),
        };
        let text = |random: &mut fastrand::Rng| (0..random.usize(0..6)).map(|_| character(random)).collect::<String>();
        match random.u8(0..if depth > 3 { 7 } else { 9 }) {
            0 => Value::Null,
            1 => Value::Bool(random.bool()),
            2 => Value::from(random.i64(..) >> random.u32(11..64)),
            3 => Value::from(random.u64(..=EXACT)),
            4 => Value::from(f64::from_bits(random.u64(..))),
            5 => Value::from(f64::from(random.i32(..)) / 8.0),
            6 => Value::from(text(random)),
            7 => (0..random.usize(0..4)).map(|_| any(random, depth + 1)).collect(),
            _ => Value::Object((0..random.usize(0..5)).map(|_| (text(random), any(random, depth + 1))).collect()),
        }
    }

    #[test]
    fn it_is_what_a_library_writes() {
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..20_000 {
            let value = any(&mut random, 0);
            assert_eq!(canonical(&value), serde_json_canonicalizer::to_string(&value).unwrap(), "{value}");
        }
    }

    #[test]
    fn the_rfcs_own_examples() {
        let value = json!({"numbers": [333_333_333.333_333_3, 1E30, 4.50, 2e-3, 1e-27, -0.0],
            "string": "\u{20ac}$\u{f}\nA'B\"\\\\\"/", "\u{1f600}": 1, "\u{fb33}": 2, "\r": 3, "1": 4});
        assert_eq!(
            canonical(&value),
            "{\"\\r\":3,\"1\":4,\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27,0],\
             \"string\":\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\",\"\u{1f600}\":1,\"\u{fb33}\":2}"
        );
    }

    #[test]
    fn a_number_is_written_once_and_to_the_last_digit() {
        let written = |text: &str| canonical(&serde_json::from_str(text).unwrap());
        for (same, expected) in [
            (&["0", "-0", "0.0", "-0e7"][..], "0"),
            (&["1", "1.0", "10e-1", "0.1e1", "1E+0"], "1"),
            (&["0.1", "1e-1", "0.10", "0.10000000000000001"], "0.1"),
            (&["1e21", "1000000000000000000000"], "1e+21"),
            (&["9007199254740993", "9007199254740993.0"], "9007199254740993"),
            (&["12345678901234567890"], "12345678901234567890"),
            (&["-98765432109876543210", "-9876543210987654321e1"], "-98765432109876543210"),
            (&["0.12345678901234567890123"], "0.12345678901234567890123e0"),
            (&["1e400", "10e399"], "0.1e401"),
            (&["1e-400"], "0.1e-399"),
            (&["1e99999999999999999999"], "1e+99999999999999999999"),
        ] {
            for text in same {
                assert_eq!(written(text), expected, "{text}");
            }
        }
    }
}
