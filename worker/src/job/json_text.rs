//! JSON as other people write it: behind a byte order mark, or with half of a character that was cut in two.

use std::borrow::Cow;

use serde_json::Value;

/// The text without a byte order mark (RFC 8259, 8.1).
pub(crate) fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// The same JSON with U+FFFD for each escape of a lone surrogate (`\ud83d`), which no text can hold; `None` where there is
/// none.
pub(crate) fn without_lone_surrogates(json: &str) -> Option<String> {
    let (bytes, mut at, mut lone) = (json.as_bytes(), 0, Vec::new());
    while let Some(offset) = memchr::memchr(b'\\', bytes.get(at..).unwrap_or_default()) {
        let escape = at + offset;
        let unit = code_unit(bytes, escape);
        at = escape + if unit.is_some() { 6 } else { 2 };
        match unit {
            Some(0xd800..=0xdbff) if matches!(code_unit(bytes, at), Some(0xdc00..=0xdfff)) => at += 6,
            Some(0xd800..=0xdfff) => lone.push(escape),
            _ => {}
        }
    }
    if lone.is_empty() {
        return None;
    }
    let mut repaired = json.to_owned();
    for escape in lone {
        repaired.replace_range(escape..escape + 6, "\\ufffd");
    }
    Some(repaired)
}

/// The UTF-16 code unit of the escape `\uXXXX` that begins at `at`.
fn code_unit(bytes: &[u8], at: usize) -> Option<u32> {
    let digits = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
    let digits = std::str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
    u32::from_str_radix(digits, 16).ok()
}

/// A message's JSON as it is read: without a byte order mark and lone surrogates.
pub(crate) fn readable(json: &[u8]) -> Cow<'_, [u8]> {
    let json = json.strip_prefix("\u{feff}".as_bytes()).unwrap_or(json);
    match std::str::from_utf8(json).ok().and_then(without_lone_surrogates) {
        Some(repaired) => Cow::Owned(repaired.into_bytes()),
        None => Cow::Borrowed(json),
    }
}

/// A text as JSON.
///
/// # Errors
/// What is no JSON.
pub(crate) fn value_in(text: &str) -> serde_json::Result<Value> {
    let text = without_mark(text);
    serde_json::from_str(text).or_else(|error| match without_lone_surrogates(text) {
        Some(repaired) => serde_json::from_str(&repaired),
        None => Err(error),
    })
}

/// The object or list that a text holds as JSON.
pub(crate) fn object_or_list_in(text: &str) -> Option<Value> {
    let begins = without_mark(text).trim_start().starts_with(['{', '[']);
    let value = if begins { value_in(text).ok() } else { None };
    value.filter(|value| value.is_object() || value.is_array())
}

/// The member or item of a value; inside of a text, that of the object or list that it holds.
pub(crate) fn member_through_text<'a>(
    value: Cow<'a, Value>,
    member: impl for<'b> Fn(&'b Value) -> Option<&'b Value>,
) -> Option<Cow<'a, Value>> {
    match value {
        Cow::Borrowed(Value::String(text)) => member(&object_or_list_in(text)?).cloned().map(Cow::Owned),
        Cow::Owned(Value::String(text)) => member(&object_or_list_in(&text)?).cloned().map(Cow::Owned),
        Cow::Borrowed(value) => member(value).map(Cow::Borrowed),
        Cow::Owned(value) => member(&value).cloned().map(Cow::Owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lone_surrogates_are_replaced() {
        for (json, expected) in [
            (r#"{"a": "cut \ud83d"}"#, Some(r#"{"a": "cut \ufffd"}"#)),
            (r#"["\uDE00 \ud83d\ude00"]"#, Some(r#"["\ufffd \ud83d\ude00"]"#)),
            (r#"["\ud83d\ud83d\ude00"]"#, Some(r#"["\ufffd\ud83d\ude00"]"#)),
            (r#"["\ud83dx", "\ud83d"]"#, Some(r#"["\ufffdx", "\ufffd"]"#)),
            (r#"["\ud83d\n"]"#, Some(r#"["\ufffd\n"]"#)),
            (r#"["\\ud83d"]"#, None),
            (r#"["\u00e9 \ud83d\ude00 \\"]"#, None),
            (r#"["\ud8"#, None),
            (r#"["\u+d80"]"#, None),
            ("\\", None),
        ] {
            assert_eq!(without_lone_surrogates(json).as_deref(), expected, "{json}");
        }
        assert_eq!(value_in("\u{feff}[\"\\ud800\"]").unwrap(), serde_json::json!(["\u{fffd}"]));
    }
}
