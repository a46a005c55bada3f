//! Masks the secrets of one call in whatever a person or an engine may read.
//!
//! Knows values and the encodings in which they appear: raw, JSON, URL, form, XML, hexadecimal, base64 at any offset, each as
//! the usual libraries write it; must not know where the texts come from.

use std::fmt::Write as _;
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};
use memchr::memmem::Finder;
use percent_encoding::{AsciiSet, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use url::Url;

use super::template::UNRESERVED;

/// Replaces a secret.
pub const MASK: &str = "********";
/// The shortest secret that is masked in answers and messages, bytes: masking shorter ones would destroy ordinary text.
const SHORTEST: usize = 6;
/// The shortest beginning of a secret that is masked at the end of a truncated text, bytes.
const REMNANT: usize = 4;
/// What Python's `quote` leaves as it is.
const WITH_SLASH: &AsciiSet = &UNRESERVED.remove(b'/');
/// What JavaScript's `encodeURIComponent` leaves as it is.
const WITH_MARKS: &AsciiSet = &UNRESERVED.remove(b'!').remove(b'\'').remove(b'(').remove(b')').remove(b'*');

/// The secrets of one call; shared by everything that handles the call, so that a token fetched meanwhile is masked too.
#[derive(Default)]
pub struct Redactor {
    /// The secrets of the credential, encoded once for all of its calls.
    base: Option<Arc<Redactor>>,
    own: RwLock<Vec<Finder<'static>>>,
    /// Encodings of secrets that are too short to be masked in ordinary text.
    short: RwLock<Vec<String>>,
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Redactor")
    }
}

impl Redactor {
    /// A redactor of these values.
    pub fn of<'a>(secrets: impl IntoIterator<Item = &'a SecretString>) -> Self {
        let redactor = Self::default();
        secrets.into_iter().for_each(|secret| redactor.add(secret));
        redactor
    }

    /// The same with the values of `base`.
    #[must_use]
    pub fn with_base(self, base: &Arc<Self>) -> Self {
        Self { base: Some(Arc::clone(base)), ..self }
    }

    /// Adds a value.
    pub fn add(&self, secret: &SecretString) {
        let secret = secret.expose_secret();
        if secret.len() < SHORTEST {
            let mut short = self.short.write().unwrap_or_else(PoisonError::into_inner);
            short.extend(short_forms(secret));
            short.sort_by_key(|form| std::cmp::Reverse(form.len()));
            return;
        }
        let forms = forms(secret);
        let mut known = self.own.write().unwrap_or_else(PoisonError::into_inner);
        for form in forms {
            if !known.iter().any(|finder| finder.needle() == form) {
                known.push(Finder::new(&form).into_owned());
            }
        }
        // A form inside a longer one must not hide it.
        known.sort_by_key(|finder| std::cmp::Reverse(finder.needle().len()));
    }

    /// Whether the text holds a secret in any encoding.
    pub fn finds(&self, text: &str) -> bool {
        let known = self.own.read().unwrap_or_else(PoisonError::into_inner);
        known.iter().any(|finder| finder.find(text.as_bytes()).is_some())
            || self.base.as_ref().is_some_and(|base| base.finds(text))
    }

    /// The text with every secret masked.
    pub fn redacted_text(&self, text: &str) -> String {
        let known = self.own.read().unwrap_or_else(PoisonError::into_inner);
        let text = known.iter().fold(text.to_owned(), |text, finder| replaced(text, finder));
        self.base.as_ref().map_or_else(|| text.clone(), |base| base.redacted_text(&text))
    }

    /// A part of a request with every secret masked, however short it is.
    pub(super) fn redacted_part(&self, text: &str) -> String {
        let text = self.redacted_text(text);
        let short = self.short.read().unwrap_or_else(PoisonError::into_inner);
        let text = short.iter().fold(text, |text, form| text.replace(form.as_str(), MASK));
        self.base.as_ref().map_or_else(|| text.clone(), |base| base.redacted_part(&text))
    }

    /// Masks every text, name and number of a value.
    pub fn redact_value(&self, value: &mut Value) {
        match value {
            Value::String(text) => self.redact_text(text),
            Value::Number(number) => {
                let text = number.to_string();
                if self.finds(&text) {
                    *value = Value::from(self.redacted_text(&text));
                }
            }
            Value::Array(list) => list.iter_mut().for_each(|item| self.redact_value(item)),
            Value::Object(map) => self.redact_members(map),
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// Masks every member of an object.
    pub fn redact_members(&self, map: &mut Map<String, Value>) {
        map.values_mut().for_each(|value| self.redact_value(value));
        if map.keys().any(|name| self.finds(name)) {
            *map = std::mem::take(map).into_iter().map(|(name, value)| (self.redacted_text(&name), value)).collect();
        }
    }

    /// Masks a text in place.
    pub fn redact_text(&self, text: &mut String) {
        if self.finds(text) {
            *text = self.redacted_text(text);
        }
    }

    /// Masks a text that was truncated, perhaps in the middle of a secret: a beginning of one at its end is masked too.
    pub fn redact_truncated(&self, text: &mut String) {
        self.redact_text(text);
        if let Some(begin) = self.remnant(text.as_bytes()) {
            text.truncate(begin);
            text.push_str(MASK);
        }
    }

    /// The byte at which the beginning of a secret starts that ends the text.
    fn remnant(&self, text: &[u8]) -> Option<usize> {
        let known = self.own.read().unwrap_or_else(PoisonError::into_inner);
        let left_of = |needle: &[u8]| {
            let longest = needle.len().saturating_sub(1).min(text.len());
            (REMNANT..=longest).rev().find(|length| text.ends_with(needle.get(..*length).unwrap_or_default()))
        };
        let own = known.iter().filter_map(|finder| left_of(finder.needle())).max().map(|length| text.len() - length);
        let base = self.base.as_ref().and_then(|base| base.remnant(text));
        own.into_iter().chain(base).min()
    }
}

fn replaced(text: String, finder: &Finder<'_>) -> String {
    if finder.find(text.as_bytes()).is_none() {
        return text;
    }
    // A needle is whole UTF-8, so that it is found between characters only.
    let needle = String::from_utf8_lossy(finder.needle());
    text.replace(needle.as_ref(), MASK)
}

/// Every encoding in which a secret may appear.
fn forms(secret: &str) -> Vec<Vec<u8>> {
    let json = in_json(secret);
    let mut forms = [json_forms(&json), json_forms(&in_json(&json))].concat();
    // A JSON body that holds it may be echoed inside JSON, or encoded.
    for text in [secret, &json] {
        forms.push(text.to_owned());
        forms.extend(xml_forms(text));
        forms.extend(url_forms(text).into_iter().flat_map(|form| [lower_escapes(&form), form]));
        forms.extend(hex_forms(text));
        forms.extend(base64_forms(text.as_bytes()));
    }
    forms.sort_unstable();
    forms.dedup();
    forms.into_iter().map(String::into_bytes).collect()
}

/// The encodings in which a request carries a secret.
fn short_forms(secret: &str) -> impl Iterator<Item = String> {
    let url = url_forms(secret).into_iter().chain(xml_forms(secret));
    url.chain([secret.to_owned(), in_json(secret)]).filter(|form| !form.is_empty())
}

/// The inside of a JSON string.
fn in_json(text: &str) -> String {
    let json = Value::from(text).to_string();
    json.get(1..json.len() - 1).unwrap_or_default().to_owned()
}

/// The inside of a JSON string, as one library or another spells it.
fn json_forms(json: &str) -> Vec<String> {
    let is_markup = |c: char| matches!(c, '<' | '>' | '&');
    let careful = json.replace("\\\"", "\\u0022");
    let by_number = [
        json.to_owned(),
        escaped(json, is_markup),
        escaped(json, |c| !c.is_ascii()),
        escaped(json, |c| !c.is_ascii() || is_markup(c)),
        escaped(&careful, |c| !c.is_ascii() || is_markup(c) || matches!(c, '\'' | '+' | '`')),
    ];
    let mut forms = Vec::new();
    for form in by_number {
        forms.extend([form.replace('/', "\\/"), upper_numbers(&form), form]);
    }
    forms
}

/// The characters that `wanted` names by their number.
fn escaped(text: &str, wanted: impl Fn(char) -> bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if wanted(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(escaped, "\\u{unit:04x}").ok();
            }
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// `\u00fc` as `\u00FC`.
fn upper_numbers(text: &str) -> String {
    let mut parts = text.split("\\u");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| match part.split_at_checked(4) {
        Some((number, rest)) => format!("{text}\\u{}{rest}", number.to_uppercase()),
        None => format!("{text}\\u{part}"),
    })
}

fn xml_forms(text: &str) -> [String; 3] {
    let entities = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    [entities.replace('\'', "&apos;"), entities.replace('\'', "&#39;"), entities]
}

fn hex_forms(text: &str) -> [String; 2] {
    let hex = text.bytes().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").ok();
        hex
    });
    [hex.to_uppercase(), hex]
}

/// As a part of a URL, in the spellings of the usual libraries.
fn url_forms(secret: &str) -> Vec<String> {
    let mut forms: Vec<String> =
        [UNRESERVED, WITH_SLASH, WITH_MARKS].map(|set| utf8_percent_encode(secret, set).to_string()).into();
    forms.push(url::form_urlencoded::byte_serialize(secret.as_bytes()).collect());
    // What is inserted as it is, a URL parser still escapes in its own way.
    if let Ok(mut url) = Url::parse("http://h/") {
        url.set_query(Some(secret));
        forms.extend(url.query().map(ToOwned::to_owned));
    }
    if let Ok(url) = Url::parse(&format!("http://h/{secret}")) {
        forms.push(url.path().trim_start_matches('/').to_owned());
    }
    // A parser may have cut it down to something that is everywhere.
    forms.retain(|form| form.len() >= secret.len());
    // What is inserted as it is may become several parameters, which are written again.
    let pair = format!("v={secret}");
    let pairs = url::form_urlencoded::parse(pair.as_bytes());
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    forms.extend(
        query.strip_prefix("v=").filter(|form| form.len() >= secret.len().min(SHORTEST)).map(ToOwned::to_owned),
    );
    // The names of parts and files in a multipart body.
    forms.push(secret.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A"));
    forms
}

/// `%2F` as `%2f`.
fn lower_escapes(text: &str) -> String {
    // The two characters behind a per cent sign.
    let mut behind = 0_u8;
    text.chars()
        .map(|c| {
            let escaped = behind > 0;
            behind = if c == '%' { 2 } else { behind.saturating_sub(1) };
            if escaped { c.to_ascii_lowercase() } else { c }
        })
        .collect()
}

/// The characters of base64 that a secret determines by itself, wherever it stands in the encoded text.
fn base64_forms(secret: &[u8]) -> Vec<String> {
    let mut forms = Vec::new();
    for alphabet in [&STANDARD, &URL_SAFE] {
        let engine = GeneralPurpose::new(alphabet, NO_PAD);
        for (before, begin) in [(0_usize, 0_usize), (1, 2), (2, 3)] {
            let padded = [vec![0; before].as_slice(), secret].concat();
            let end = padded.len() * 8 / 6;
            forms.extend(engine.encode(&padded).get(begin..end).map(ToOwned::to_owned));
        }
    }
    forms
}

#[cfg(test)]
mod tests {
    use percent_encoding::NON_ALPHANUMERIC;
    use serde_json::json;

    use super::*;

    const SECRETS: [&str; 6] =
        ["canary-3f9a\"%7x", "p&ss<w>rd/ +=", "Zm9vYmFyYmF6", "0123456789", "schlüssel-ß", "back\\slash\n'x"];

    /// What one library or another made of a secret.
    const WRITTEN: [(&str, &str); 14] = [
        ("schlüssel-🔑/ß", r"schl\u00fcssel-\ud83d\udd11/\u00df"),
        ("schlüssel-🔑/ß", r"schl\u00FCssel-\uD83D\uDD11/\u00DF"),
        ("schlüssel-🔑/ß", r"schl\u00fcssel-\ud83d\udd11\/\u00df"),
        ("<p&ss>wörd", r"\u003cp\u0026ss\u003ewörd"),
        ("it's \"p+ss\"", r"it\u0027s \u0022p\u002Bss\u0022"),
        ("quoted\"", r#"quoted\""#),
        ("quoted\"é", r#"quoted\\\"é"#),
        ("quoted\"é", r#"quoted\\\"\u00e9"#),
        ("quoted\"", "71756f7465645c22"),
        ("it's (a) p%ss", "it's%20(a)%20p%25ss"),
        ("a/b c%d", "a/b%20c%25d"),
        ("canary-\"%7x", "canary-%22%7x"),
        ("canary<é>", "canary%3C%C3%A9%3E"),
        ("a b|c{d}", "a%20b|c%7Bd%7D"),
    ];

    #[test]
    fn the_spellings_of_the_usual_libraries_are_known() {
        for (secret, written) in WRITTEN {
            let redactor = Redactor::of([&SecretString::from(secret)]);
            assert_eq!(redactor.redacted_text(&format!("a {written} b")), "a ******** b", "{secret}");
        }
    }

    #[test]
    fn what_a_cut_left_of_a_secret_is_masked() {
        let base = Arc::new(Redactor::of([&SecretString::from("first-secret")]));
        let redactor = Redactor::of([&SecretString::from("another\"secret")]).with_base(&base);
        for (cut, expected) in [
            ("all of it: first-secret", "all of it: ********"),
            ("a part: first-sec", "a part: ********"),
            (r#"a part: another\"se"#, "a part: ********"),
            ("in base64: Zmlyc3Qtc2", "in base64: ********"),
            ("next to nothing: fir", "next to nothing: fir"),
            ("first-sec in the middle", "first-sec in the middle"),
        ] {
            let mut text = cut.to_owned();
            redactor.redact_truncated(&mut text);
            assert_eq!(text, expected);
        }
    }

    #[test]
    fn a_secret_is_found_in_every_form_it_may_come_back_in() {
        for secret in SECRETS {
            let redactor = Redactor::of([&SecretString::from(secret)]);
            let standard = base64::engine::general_purpose::STANDARD;
            let hex = forms(secret).into_iter().map(|form| String::from_utf8(form).unwrap());
            let hex: Vec<String> = hex.filter(|form| form.len() == secret.len() * 2).collect();
            let mut texts = vec![
                format!("a {secret} b"),
                json!({"x": secret}).to_string(),
                json!({"x": secret}).to_string().replace('/', "\\/"),
                utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string(),
                utf8_percent_encode(secret, UNRESERVED)
                    .to_string()
                    .to_lowercase()
                    .replace(&secret.to_lowercase(), secret),
                url::form_urlencoded::Serializer::new(String::new()).append_pair("k", secret).finish(),
                secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;"),
            ];
            texts.extend(hex);
            for user in ["", "u", "us", "use", "user:"] {
                texts.push(standard.encode(format!("{user}{secret}tail")));
                texts.push(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(format!("{user}{secret}")));
            }
            for text in texts.iter().filter(|text| !text.contains("%2D") && !text.contains("%2d")) {
                assert!(redactor.finds(text), "{secret}: {text}");
                assert!(redactor.redacted_text(text).contains(MASK), "{secret}: {text}");
                assert!(!redactor.finds(&redactor.redacted_text(text)), "{secret}: {}", redactor.redacted_text(text));
            }
        }
    }

    #[test]
    fn values_keep_their_shape() {
        let redactor = Redactor::of([
            &SecretString::from("0123456789"),
            &SecretString::from("123456789"),
            &SecretString::from("abc"),
        ]);
        let mut value = json!({"a 0123456789": [1, 123_456_789, "x0123456789y"], "abc": "abc", "none": null});
        redactor.redact_value(&mut value);
        assert_eq!(
            value,
            json!({"a ********": [1, MASK, "x********y"], "abc": "abc", "none": null}),
            "short ones stay"
        );
        let mut text = "nothing".to_owned();
        redactor.redact_text(&mut text);
        assert_eq!(text, "nothing");
    }

    #[test]
    fn a_value_added_later_is_masked_everywhere() {
        let redactor = Redactor::default();
        assert_eq!(redactor.redacted_text("token-of-today"), "token-of-today");
        redactor.add(&SecretString::from("token-of-today"));
        assert_eq!(redactor.redacted_text("a token-of-today b"), "a ******** b");
        assert_eq!(format!("{redactor:?}"), "Redactor");
    }
}
