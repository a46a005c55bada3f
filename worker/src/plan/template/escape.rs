//! Escaping that fits the slot a value is inserted into (CONTRACT 6).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::form_urlencoded::byte_serialize;

/// Everything but the unreserved characters of RFC 3986, section 2.3.
pub(crate) const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// How `{{x}}` is inserted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escape {
    /// As it is.
    None,
    /// One path segment or query value.
    Percent,
    /// A name or a value of a form (WHATWG URL, `application/x-www-form-urlencoded`).
    Form,
    /// The inside of a JSON string.
    Json,
    /// XML text or a quoted attribute.
    Xml,
    /// ProcessMaker's way: `&`, `<`, `>` and `"`.
    Html,
}

impl Escape {
    /// Appends `text` to `out`, escaped.
    pub(super) fn push(self, out: &mut String, text: &str) {
        match self {
            Self::None => out.push_str(text),
            Self::Percent => out.extend(utf8_percent_encode(text, UNRESERVED)),
            Self::Form => out.extend(byte_serialize(text.as_bytes())),
            Self::Json => push_json(out, text),
            Self::Xml => push_entities(out, text, "&apos;"),
            Self::Html => push_entities(out, text, "'"),
        }
    }
}

fn push_json(out: &mut String, text: &str) {
    // A JSON text of a string is the string's inside between two quotes.
    let quoted = serde_json::Value::from(text).to_string();
    out.push_str(quoted.strip_prefix('"').and_then(|q| q.strip_suffix('"')).unwrap_or_default());
}

fn push_entities(out: &mut String, text: &str, apostrophe: &str) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str(apostrophe),
            other => out.push(other),
        }
    }
}
