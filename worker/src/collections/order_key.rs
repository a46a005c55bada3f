//! Sort keys as bytes that compare as the keys do: what is kept of a million records has no pointers and no spare room.

use super::number::Number;
use super::value::SortKey;

/// Behind the bytes of a text; a byte 0 inside of it is followed by [`INSIDE`].
const END: [u8; 2] = [0, 0];
const INSIDE: u8 = 1;

/// Appends the bytes of the keys by which a record is ordered. No such bytes are the beginning of others, so that inverted ones
/// compare the other way round.
pub fn append(keys: &[SortKey], is_descending: bool, out: &mut Vec<u8>) {
    let begin = out.len();
    for key in keys {
        append_one(key, out);
    }
    if is_descending {
        out.iter_mut().skip(begin).for_each(|byte| *byte = !*byte);
    }
}

fn append_one(key: &SortKey, out: &mut Vec<u8>) {
    match key {
        SortKey::Null => out.push(0),
        SortKey::Boolean(boolean) => out.push(1 + u8::from(*boolean)),
        SortKey::Number(number) => {
            out.push(3);
            append_number(*number, out);
        }
        SortKey::Text(text) => {
            out.push(4);
            for byte in text.bytes() {
                out.push(byte);
                if byte == 0 {
                    out.push(INSIDE);
                }
            }
            out.extend_from_slice(&END);
        }
        SortKey::List => out.push(5),
        SortKey::Object => out.push(6),
    }
}

/// The nearest double, then by how much an integer is more: two integers from 2^53 on may share a double.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a double that is nearest to a 64-bit integer is an integer of 128 bits"
)]
fn append_number(number: Number, out: &mut Vec<u8>) {
    // -0 equals 0.
    let double = number.to_f64() + 0.0;
    let bits = double.to_bits();
    let ordered = if bits >> 63 == 1 { !bits } else { bits | 1 << 63 };
    out.extend_from_slice(&ordered.to_be_bytes());
    let more = number.as_integer().map_or(0, |integer| i128::from(integer) - double as i128);
    // Doubles below 2^63 are at most 1,024 away from each other.
    let more = i16::try_from(more).unwrap_or_default();
    out.extend_from_slice(&(more.cast_unsigned() ^ 0x8000).to_be_bytes());
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn bytes(values: &[&Value], is_descending: bool) -> Vec<u8> {
        let keys: Vec<SortKey> = values.iter().map(|value| SortKey::of(Some(value))).collect();
        let mut bytes = Vec::new();
        append(&keys, is_descending, &mut bytes);
        bytes
    }

    #[test]
    fn bytes_compare_as_keys_do() {
        let integers = [i64::MIN, i64::MIN + 1, -9_007_199_254_740_993, -9_007_199_254_740_992, -1, 0, 1, 255, 256];
        let large = [9_007_199_254_740_992, 9_007_199_254_740_993, 9_007_199_254_740_995, i64::MAX - 1, i64::MAX];
        let doubles = [-1e300, -1.5, -0.0, 0.0, 1e-300, 0.5, 1.0, 9_007_199_254_740_992.0, 9.3e18, 1e300];
        let texts = ["", "\0", "\0\u{1}", "\u{1}", "a", "a\0", "aa", "ab", "ä", "\u{ffff}", "\u{10000}"];
        let mut values: Vec<Value> = vec![Value::Null, json!(false), json!(true), json!([1]), json!([]), json!({})];
        values.extend(integers.into_iter().chain(large).map(Value::from));
        values.extend(doubles.into_iter().map(Value::from));
        values.extend(texts.into_iter().map(Value::from));
        for left in &values {
            for right in &values {
                let expected = SortKey::of(Some(left)).cmp(&SortKey::of(Some(right)));
                assert_eq!(bytes(&[left], false).cmp(&bytes(&[right], false)), expected, "{left} {right}");
                assert_eq!(bytes(&[left], true).cmp(&bytes(&[right], true)), expected.reverse(), "{left} {right}");
                let (more, less) = (bytes(&[left, right], false), bytes(&[left, &Value::Null], false));
                assert!(!more.cmp(&less).is_lt(), "the second key counts after the first: {left} {right}");
            }
        }
    }
}
