//! Texts in quotes, as queries and paths write them.

/// Reads the text that begins at the quote `"` or `'` which `source` begins with, and how many bytes it takes with both quotes;
/// `None` when no quote ends it.
///
/// The escapes are JSON's (`\uXXXX`, pairs too) and `\'`; before anything else the backslash stays.
pub(super) fn read(source: &str) -> Option<(String, usize)> {
    let mut text = String::new();
    let quote = source.chars().next()?;
    let mut at = quote.len_utf8();
    loop {
        let rest = source.get(at..)?;
        let character = rest.chars().next()?;
        if character == quote {
            return Some((text, at + 1));
        }
        let (decoded, length) = unescape(rest).unwrap_or((character, character.len_utf8()));
        text.push(decoded);
        at += length;
    }
}

/// The character of the escape that `rest` begins with, and its length in bytes.
fn unescape(rest: &str) -> Option<(char, usize)> {
    let escape = rest.strip_prefix('\\')?;
    let character = match escape.chars().next()? {
        plain @ ('"' | '\'' | '\\' | '/') => plain,
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'u' => return unescape_utf16(rest),
        _ => return None,
    };
    Some((character, 2))
}

fn unescape_utf16(rest: &str) -> Option<(char, usize)> {
    let first = code_unit(rest)?;
    if let Some(character) = char::from_u32(u32::from(first)) {
        return Some((character, 6));
    }
    let second = code_unit(rest.get(6..)?)?;
    let character = char::decode_utf16([first, second]).next()?.ok()?;
    Some((character, 12))
}

/// `\uXXXX`
fn code_unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    let are_hexadecimal = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    are_hexadecimal.then(|| u16::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_decoded_and_other_backslashes_stay() {
        for (source, text) in [
            (r#""a b" rest"#, "a b"),
            (r#"'a"b'"#, "a\"b"),
            (r#""a'b""#, "a'b"),
            (r#""\"\'\\\/\b\f\n\r\t""#, "\"'\\/\u{8}\u{c}\n\r\t"),
            (r#""\%\_\d""#, r"\%\_\d"),
            (r#""\\%""#, r"\%"),
            (r#""\u00e9\uD83D\ude00""#, "é😀"),
            (r#""\ud83d""#, r"\ud83d"),
            (r#""\ud83d\u0041""#, r"\ud83dA"),
            (r#""\ude00\u12g4""#, r"\ude00\u12g4"),
            (r#""\u+123""#, r"\u+123"),
            ("\"line\nend\"", "line\nend"),
            (r#""""#, ""),
        ] {
            let (read, length) = read(source).unwrap();
            assert_eq!(read, text, "{source}");
            let ends_at = source.find(" rest").unwrap_or(source.len());
            assert_eq!(length, ends_at, "{source}");
        }
        for unclosed in [r#"""#, r#""a"#, r#""a'"#, r#""a\""#, r#""\u00"#, r#""\"#] {
            assert_eq!(read(unclosed), None, "{unclosed}");
        }
    }
}
