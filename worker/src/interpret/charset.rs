//! The character set of an answer: a byte order mark, else the header's, else XML's own declaration, else UTF-8, else
//! windows-1252.

mod code_pages;

use std::borrow::Cow;

use encoding_rs::{BIG5, EUC_KR, Encoding, GBK, REPLACEMENT, SHIFT_JIS, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use self::code_pages::CodePage;

/// A body as text, without its byte order mark.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Decoded<'a> {
    pub(super) text: Cow<'a, str>,
    /// What people should know: the character set was guessed, or some bytes are no characters of it.
    pub(super) warning: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Charset {
    Of(&'static Encoding),
    Page(&'static CodePage),
    Utf32 { big_endian: bool },
}

/// Decodes a body whose content type names `label`; `is_xml` where its declaration counts.
pub(super) fn decode<'a>(body: &'a [u8], label: Option<&str>, is_xml: bool) -> Decoded<'a> {
    if let Some((charset, mark)) = marked(body) {
        return decoded(body.get(mark..).unwrap_or_default(), charset);
    }
    let named = label.map(|label| (label, Charset::named(label)));
    match named {
        // Text of one-byte units is no UTF-16, whatever a server's configuration says.
        Some((_, Some(charset))) if charset.fits(body) => return decoded(body, charset.in_order_of(label, body)),
        _ => {}
    }
    let unknown = named
        .map(|(label, _)| format!("the answer names the character set `{label}`, which is unknown or not its own"));
    if let Some(charset) = wide(body) {
        return Decoded { warning: unknown, ..decoded(body, charset) };
    }
    let declared = if is_xml { declared(body) } else { None };
    if let Some(charset) = declared.filter(|charset| charset.fits(body)) {
        return decoded(body, charset);
    }
    if let Ok(text) = std::str::from_utf8(body) {
        return Decoded { text: Cow::Borrowed(text), warning: unknown };
    }
    let guessed =
        "the answer is not UTF-8 and names no character set that is known; it was read as windows-1252".to_owned();
    Decoded { warning: Some(guessed), ..decoded(body, Charset::Of(WINDOWS_1252)) }
}

impl Charset {
    /// The labels of the WHATWG's Encoding Standard, and some that servers write all the same.
    fn named(label: &str) -> Option<Self> {
        let label = label.trim().trim_matches(['"', '\'']).trim().to_ascii_lowercase();
        Some(match label.as_str() {
            "utf-32" | "utf32" | "utf-32be" => Self::Utf32 { big_endian: true },
            "utf-32le" => Self::Utf32 { big_endian: false },
            "utf-8-sig" | "utf_8" => Self::Of(UTF_8),
            "latin-1" | "latin_1" => Self::Of(WINDOWS_1252),
            "cp936" | "ms936" | "windows-936" => Self::Of(GBK),
            "cp932" | "windows-932" => Self::Of(SHIFT_JIS),
            "cp949" | "ms949" => Self::Of(EUC_KR),
            "cp950" | "ms950" | "windows-950" => Self::Of(BIG5),
            other => match code_pages::named(other) {
                Some(page) => Self::Page(page),
                None => Self::Of(Encoding::for_label(other.as_bytes()).filter(|encoding| *encoding != REPLACEMENT)?),
            },
        })
    }

    fn unit(self) -> usize {
        match self {
            Self::Utf32 { .. } => 4,
            Self::Of(encoding) if encoding == UTF_16LE || encoding == UTF_16BE => 2,
            Self::Of(_) | Self::Page(_) => 1,
        }
    }

    /// Whether a body may be in this character set: markup and digits in wide units hold NUL.
    fn fits(self, body: &[u8]) -> bool {
        self.unit() == 1
            || (body.len().is_multiple_of(self.unit()) && std::str::from_utf8(body).is_err())
            || body.contains(&0)
    }

    /// `UTF-16` and `UTF-32` name no order: that of the first characters, else big endian (RFC 2781, 4.3).
    fn in_order_of(self, label: Option<&str>, body: &[u8]) -> Self {
        let names_order = label.is_none_or(|label| label.trim_end_matches(['"', '\'', ' ']).ends_with(['e', 'E']));
        match self {
            _ if names_order || self.unit() == 1 => self,
            _ => wide(body).unwrap_or(match self {
                Self::Utf32 { .. } => self,
                Self::Of(_) | Self::Page(_) => Self::Of(UTF_16BE),
            }),
        }
    }
}

/// A byte order mark, and its length.
fn marked(body: &[u8]) -> Option<(Charset, usize)> {
    match body {
        [0xff, 0xfe, 0, 0, ..] => Some((Charset::Utf32 { big_endian: false }, 4)),
        [0, 0, 0xfe, 0xff, ..] => Some((Charset::Utf32 { big_endian: true }, 4)),
        _ => Encoding::for_bom(body).map(|(encoding, length)| (Charset::Of(encoding), length)),
    }
}

/// Wide units without a mark: JSON and XML begin with ASCII (RFC 4627, 3; XML 1.0, F.1).
fn wide(body: &[u8]) -> Option<Charset> {
    match body {
        [0, 0, 0, 1..=0xff, ..] => Some(Charset::Utf32 { big_endian: true }),
        [1..=0xff, 0, 0, 0, ..] => Some(Charset::Utf32 { big_endian: false }),
        [0, 1..=0x7f, ..] => Some(Charset::Of(UTF_16BE)),
        [1..=0x7f, 0, ..] => Some(Charset::Of(UTF_16LE)),
        _ => None,
    }
}

/// The encoding of an XML declaration.
fn declared(body: &[u8]) -> Option<Charset> {
    let head = body.get(..200).unwrap_or(body).trim_ascii_start().strip_prefix(b"<?xml")?;
    let head: String = head.iter().map(|byte| char::from(*byte)).collect();
    let (declaration, _) = head.split_once("?>")?;
    let (_, value) = declaration.split_once("encoding")?;
    let value = value.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    Charset::named(value.trim_start_matches(quote).split(quote).next()?)
}

fn decoded(body: &[u8], charset: Charset) -> Decoded<'_> {
    let (text, name, is_broken) = match charset {
        Charset::Of(encoding) => {
            let (text, is_broken) = encoding.decode_without_bom_handling(body);
            (text, encoding.name(), is_broken)
        }
        Charset::Page(page) => (Cow::Owned(page.decode(body)), page.name, false),
        Charset::Utf32 { big_endian } => {
            let (text, is_broken) = utf32(body, big_endian);
            (Cow::Owned(text), "UTF-32", is_broken)
        }
    };
    let warning =
        is_broken.then(|| format!("some bytes of the answer are no characters of {name}; they became U+FFFD"));
    Decoded { text, warning }
}

fn utf32(body: &[u8], big_endian: bool) -> (String, bool) {
    let (units, rest) = body.as_chunks::<4>();
    let number = if big_endian { u32::from_be_bytes } else { u32::from_le_bytes };
    let mut is_broken = !rest.is_empty();
    let text = units.iter().map(|unit| {
        char::from_u32(number(*unit)).unwrap_or_else(|| {
            is_broken = true;
            char::REPLACEMENT_CHARACTER
        })
    });
    (text.collect(), is_broken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wide_text(text: &str, to: impl Fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(to).collect()
    }

    fn utf32_text(text: &str, to: impl Fn(u32) -> [u8; 4]) -> Vec<u8> {
        text.chars().flat_map(|c| to(u32::from(c))).collect()
    }

    #[test]
    fn character_sets_of_answers() {
        let json = "{\"a\":\"é\u{1f600}\"}";
        let marked = |mark: &[u8], text: Vec<u8>| [mark, &text].concat();
        for (body, label, expected, noted) in [
            (json.as_bytes().to_vec(), None, json, ""),
            (json.as_bytes().to_vec(), Some("utf-8"), json, ""),
            (marked(b"\xef\xbb\xbf", json.as_bytes().to_vec()), Some("iso-8859-1"), json, ""),
            (marked(b"\xff\xfe", wide_text(json, u16::to_le_bytes)), Some("utf-8"), json, ""),
            (marked(b"\xfe\xff", wide_text(json, u16::to_be_bytes)), None, json, ""),
            (marked(b"\xff\xfe\0\0", utf32_text(json, u32::to_le_bytes)), None, json, ""),
            (marked(b"\0\0\xfe\xff", utf32_text(json, u32::to_be_bytes)), None, json, ""),
            (wide_text(json, u16::to_le_bytes), Some("UTF-16"), json, ""),
            (wide_text(json, u16::to_be_bytes), Some("utf-16"), json, ""),
            (wide_text("é", u16::to_be_bytes), Some("utf-16"), "é", ""),
            (wide_text("é", u16::to_le_bytes), Some("utf-16le"), "é", ""),
            (wide_text(json, u16::to_be_bytes), None, json, ""),
            (utf32_text(json, u32::to_le_bytes), Some("utf-32"), json, ""),
            (utf32_text(json, u32::to_be_bytes), None, json, ""),
            (b"{\"a\":\"\xe9\"}".to_vec(), Some("ISO-8859-1"), "{\"a\":\"é\"}", ""),
            (b"caf\xe9 \xa4".to_vec(), Some("\"iso-8859-15\""), "café €", ""),
            (b"caf\xe9".to_vec(), Some("latin-1"), "café", ""),
            (b"\xbb\xc6\xbd\xf0".to_vec(), Some("gbk"), "黄金", ""),
            (b"\xc1\xaa\xcd\xa8".to_vec(), Some("cp936"), "联通", ""),
            (b"\x93\xfa".to_vec(), Some("Shift_JIS"), "日", ""),
            (b"caf\x82".to_vec(), Some("cp850"), "café", ""),
            (b"caf\x82".to_vec(), Some("IBM437"), "café", ""),
            (b"\x1b$BF|\x1b(B".to_vec(), Some("iso-2022-jp"), "日", ""),
            // What the header says is not so, or says nothing.
            (b"{\"a\":1}".to_vec(), Some("utf-16"), "{\"a\":1}", "`utf-16`"),
            (b"{\"a\":1}".to_vec(), Some("x-klingon"), "{\"a\":1}", "`x-klingon`"),
            (b"caf\xe9".to_vec(), None, "café", "read as windows-1252"),
            (b"caf\xe9".to_vec(), Some("utf-8"), "caf\u{fffd}", "no characters of UTF-8"),
        ] {
            let found = decode(&body, label, false);
            assert_eq!(found.text, expected, "{label:?} {body:?}");
            let warning = found.warning.unwrap_or_default();
            assert!(warning.is_empty() == noted.is_empty() && warning.contains(noted), "{label:?}: {warning}");
        }
    }

    #[test]
    fn xml_declares_its_own_character_set() {
        for (body, label, expected) in [
            (&b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>\xe9</a>"[..], None, "é"),
            (b"<?xml version='1.0' encoding = 'windows-1251' ?><a>\xe9</a>", None, "й"),
            // The header counts more (RFC 7303, 3), and a declaration that can be read is not in UTF-16.
            (b"<?xml version=\"1.0\" encoding=\"windows-1251\"?><a>\xe9</a>", Some("iso-8859-1"), "é"),
            (b"<?xml version=\"1.0\" encoding=\"utf-16\"?><a>\xc3\xa9</a>", None, "é"),
        ] {
            let found = decode(body, label, true);
            assert!(found.text.ends_with(&format!("<a>{expected}</a>")), "{found:?}");
        }
        let text = "<?xml version=\"1.0\" encoding=\"UTF-16\"?><a>é</a>";
        assert_eq!(decode(&wide_text(text, u16::to_le_bytes), None, true).text, text);
    }
}
