//! What stands behind the escapes of URLs, forms, HTML and JSON, and where it stood in the text that was escaped.
//!
//! Knows how bytes are escaped; must not know what is looked for.

/// A way to escape text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Escapes {
    /// `%2F`.
    Percent,
    /// The same, and `+` for a blank.
    Form,
    /// `&amp;`, `&#39;`, `&#x27;`.
    Html,
    /// `\"`, `\u00fc`, `\x27`.
    Json,
}

impl Escapes {
    /// All of them.
    pub(super) const ALL: [Self; 4] = [Self::Percent, Self::Form, Self::Html, Self::Json];

    /// The bytes behind the escapes, and where each of them, and their end, was before; `None` where nothing is escaped.
    pub(super) fn decoded(self, text: &[u8]) -> Option<(Vec<u8>, Vec<usize>)> {
        let sign = match self {
            Self::Percent => b'%',
            Self::Form => b'+',
            Self::Html => b'&',
            Self::Json => b'\\',
        };
        if !text.contains(&sign) {
            return None;
        }
        let (mut bytes, mut offsets) = (Vec::with_capacity(text.len()), Vec::with_capacity(text.len() + 1));
        let mut at = 0;
        while let Some((first, rest)) = text.get(at..).and_then(<[u8]>::split_first) {
            let before = bytes.len();
            let length = match self {
                Self::Form if *first == b'+' => {
                    bytes.push(b' ');
                    Some(1)
                }
                Self::Percent | Self::Form => percent(*first, rest, &mut bytes),
                Self::Html => html(*first, rest, &mut bytes),
                Self::Json => json(*first, rest, &mut bytes),
            };
            if length.is_none() {
                bytes.push(*first);
            }
            offsets.extend(std::iter::repeat_n(at, bytes.len() - before));
            at += length.unwrap_or(1);
        }
        offsets.push(text.len());
        Some((bytes, offsets))
    }
}

/// Each returns how long the escape is, where there is one, and pushes what it stands for.
fn percent(first: u8, rest: &[u8], bytes: &mut Vec<u8>) -> Option<usize> {
    let digits = rest.get(..2).filter(|_| first == b'%')?;
    bytes.push(u8::try_from(number(digits, 16)?).ok()?);
    Some(3)
}

fn html(first: u8, rest: &[u8], bytes: &mut Vec<u8>) -> Option<usize> {
    let rest = rest.get(..rest.len().min(12)).filter(|_| first == b'&')?;
    let end = rest.iter().position(|byte| *byte == b';')?;
    let name = rest.get(..end)?;
    let named = [("amp", '&'), ("lt", '<'), ("gt", '>'), ("quot", '"'), ("apos", '\''), ("nbsp", ' '), ("plus", '+')];
    let character = match name {
        [b'#', b'x' | b'X', digits @ ..] => char::from_u32(number(digits, 16)?)?,
        [b'#', digits @ ..] => char::from_u32(number(digits, 10)?)?,
        _ => named.iter().find(|(known, _)| known.as_bytes().eq_ignore_ascii_case(name))?.1,
    };
    push(character, bytes);
    Some(end + 2)
}

fn json(first: u8, rest: &[u8], bytes: &mut Vec<u8>) -> Option<usize> {
    let sign = rest.first().filter(|_| first == b'\\')?;
    match sign {
        b'n' => bytes.push(b'\n'),
        b'r' => bytes.push(b'\r'),
        b't' => bytes.push(b'\t'),
        b'b' => bytes.push(8),
        b'f' => bytes.push(12),
        b'"' | b'\\' | b'/' | b'\'' => bytes.push(*sign),
        b'x' => {
            bytes.push(u8::try_from(number(rest.get(1..3)?, 16)?).ok()?);
            return Some(4);
        }
        b'u' => return unicode(rest, bytes),
        _ => return None,
    }
    Some(2)
}

/// `\u00fc`, or a surrogate pair.
fn unicode(rest: &[u8], bytes: &mut Vec<u8>) -> Option<usize> {
    let high = number(rest.get(1..5)?, 16)?;
    if let Some(character) = char::from_u32(high) {
        push(character, bytes);
        return Some(6);
    }
    let low = rest.get(5..11).filter(|low| low.starts_with(b"\\u")).and_then(|low| number(low.get(2..)?, 16))?;
    let units = [u16::try_from(high).ok()?, u16::try_from(low).ok()?];
    push(char::decode_utf16(units).next()?.ok()?, bytes);
    Some(12)
}

fn number(digits: &[u8], base: u32) -> Option<u32> {
    let digits = std::str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'))?;
    u32::from_str_radix(digits, base).ok()
}

fn push(character: char, bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_knows_where_it_was() {
        for (escapes, text, decoded, offsets) in [
            (Escapes::Percent, "a%2Fb%zz", "a/b%zz", vec![0, 1, 4, 5, 6, 7, 8]),
            (Escapes::Form, "a+%2B", "a +", vec![0, 1, 2, 5]),
            (Escapes::Html, "&amp;&#39;&#x27;&#039;&x", "&'''&x", vec![0, 5, 10, 16, 22, 23, 24]),
            (Escapes::Json, r#"\"\u00fc\q\x41"#, "\"ü\\qA", vec![0, 2, 2, 8, 9, 10, 14]),
            (Escapes::Json, r"\ud83d\udd11\ud83d.", "🔑\\ud83d.", vec![0, 0, 0, 0, 12, 13, 14, 15, 16, 17, 18, 19]),
        ] {
            let (bytes, places) = escapes.decoded(text.as_bytes()).unwrap();
            assert_eq!((String::from_utf8(bytes).unwrap().as_str(), places), (decoded, offsets), "{text}");
        }
        assert_eq!(Escapes::Json.decoded(b"plain"), None);
    }
}
