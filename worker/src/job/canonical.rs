//! Canonical JSON (RFC 8785): one spelling for all texts that mean the same.
//!
//! Our own because it is a tenth of the work of a job; a test compares it with a library.

use std::cmp::Ordering;

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

fn number(value: &Number, text: &mut Vec<u8>) {
    match (value.as_i64().filter(|whole| whole.unsigned_abs() <= EXACT), value.as_f64()) {
        // Not as it was written: `-0` is `0`.
        (Some(whole), _) => text.extend_from_slice(whole.to_string().as_bytes()),
        (None, Some(double)) => text.extend_from_slice(ryu_js::Buffer::new().format_finite(double).as_bytes()),
        // Beyond all doubles, for which the RFC has no spelling.
        (None, None) => text.extend_from_slice(value.to_string().as_bytes()),
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
            2 => Value::from(random.i64(..) >> random.u32(0..64)),
            3 => Value::from(random.u64(..)),
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
        let value = json!({"numbers": [333_333_333.333_333_3, 1E30, 4.50, 2e-3, 1e-27, -0.0, 9_007_199_254_740_993_u64],
            "string": "\u{20ac}$\u{f}\nA'B\"\\\\\"/", "\u{1f600}": 1, "\u{fb33}": 2, "\r": 3, "1": 4});
        assert_eq!(
            canonical(&value),
            "{\"\\r\":3,\"1\":4,\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27,0,9007199254740992],\
             \"string\":\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\",\"\u{1f600}\":1,\"\u{fb33}\":2}"
        );
    }

    #[test]
    fn a_number_is_hashed_by_its_value_however_it_is_written() {
        for (written, expected) in [
            ("-0", "0"),
            ("1.0", "1"),
            ("1.50", "1.5"),
            ("1E2", "100"),
            ("98765432109876543210", "98765432109876540000"),
            ("1e400", "1e+400"),
        ] {
            assert_eq!(canonical(&serde_json::from_str(written).unwrap()), expected);
        }
    }
}
