//! Masks the secrets of one call in whatever a person or an engine may read.
//!
//! Knows values and the forms in which they appear: in any case, reversed, as hexadecimal, as base64 at any offset and twice,
//! and all of these behind the escapes of URLs, forms, HTML and JSON; must not know where the texts come from.

use std::ops::Range;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};
use percent_encoding::{AsciiSet, percent_decode_str, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use url::Url;

use super::escapes::Escapes;
use super::template::UNRESERVED;
use crate::job::hex;

/// Replaces a secret.
pub const MASK: &str = "********";
/// The shortest secret that is masked in answers and messages, bytes: masking shorter ones would destroy ordinary text.
pub const SHORTEST: usize = 6;
/// The shortest beginning of a secret that is masked at the end of a truncated text, bytes.
const REMNANT: usize = 4;
/// How many layers of escapes are looked behind.
const LAYERS: usize = 2;
/// Escapes are decoded in pieces of this size, bytes, and each piece is looked at together with the beginning of the next
/// one, in which a secret that begins in this one ends.
const PIECE: usize = 256 * 1024;
const OVERLAP: usize = 32 * 1024;
/// What Python's `quote` leaves as it is.
const WITH_SLASH: &AsciiSet = &UNRESERVED.remove(b'/');
/// What JavaScript's `encodeURIComponent` leaves as it is.
const WITH_MARKS: &AsciiSet = &UNRESERVED.remove(b'!').remove(b'\'').remove(b'(').remove(b')').remove(b'*');

/// The secrets of one call; shared by everything that handles the call, so that a token fetched meanwhile is masked too.
#[derive(Default)]
pub struct Redactor {
    values: Vec<SecretString>,
    /// What is looked for, made when something is first looked at.
    needles: OnceLock<Needles>,
    /// Encodings of secrets that are too short to be masked in ordinary text.
    short: Vec<String>,
    /// Further secrets, whose needles are shared with other calls.
    more: RwLock<Vec<Arc<Redactor>>>,
}

/// Every form of some secrets.
struct Needles {
    texts: Vec<String>,
    /// `None` where there are more of them than can be searched for.
    search: Option<AhoCorasick>,
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Redactor")
    }
}

impl Redactor {
    /// A redactor of these values.
    pub fn of<'a>(secrets: impl IntoIterator<Item = &'a SecretString>) -> Self {
        let (mut values, mut short): (Vec<SecretString>, Vec<String>) = <_>::default();
        for secret in secrets {
            if secret.expose_secret().is_empty() {
                // Nothing is in every text.
                continue;
            }
            if secret.expose_secret().len() < SHORTEST {
                short.extend(short_forms(secret.expose_secret()));
            } else {
                values.push(secret.clone());
            }
        }
        short.sort_by_key(|form| std::cmp::Reverse(form.len()));
        Self { values, short, ..Self::default() }
    }

    /// The same with the values of `base`.
    #[must_use]
    pub fn with_base(self, base: &Arc<Self>) -> Self {
        self.include(base);
        self
    }

    /// Adds the values of another one.
    pub fn include(&self, other: &Arc<Self>) {
        let mut more = self.more.write().unwrap_or_else(PoisonError::into_inner);
        if !more.iter().any(|known| Arc::ptr_eq(known, other)) {
            more.push(Arc::clone(other));
        }
    }

    /// Adds a value.
    pub fn add(&self, secret: &SecretString) {
        self.include(&Arc::new(Self::of([secret])));
    }

    /// Whether the text holds a secret in any form.
    pub fn finds(&self, text: &str) -> bool {
        !self.spans(text).is_empty()
    }

    /// The text with every secret masked.
    pub fn redacted_text(&self, text: &str) -> String {
        replaced(text, &self.spans(text))
    }

    /// A part of a request with every secret masked, however short it is.
    pub(super) fn redacted_part(&self, text: &str) -> String {
        let text = self.redacted_text(text);
        let text = self.short.iter().fold(text, |text, form| text.replace(form.as_str(), MASK));
        let more = self.more.read().unwrap_or_else(PoisonError::into_inner);
        more.iter().fold(text, |text, base| base.redacted_part(&text))
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
        let spans = self.spans(text);
        if !spans.is_empty() {
            *text = replaced(text, &spans);
        }
    }

    /// A text that was truncated, perhaps in the middle of a secret, masked: a beginning of one at its end is masked too.
    pub fn redacted_truncated(&self, mut text: String) -> String {
        self.redact_text(&mut text);
        if let Some(begin) = self.remnant(&text) {
            text.truncate(text.floor_char_boundary(begin));
            text.push_str(MASK);
        }
        text
    }

    /// Where secrets stand in a text, in order, none of them overlapping.
    fn spans(&self, text: &str) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        if self.is_empty() {
            return found;
        }
        self.search(text.as_bytes(), &mut found);
        for piece in pieces(text) {
            let offset = piece.start;
            let inside = text.as_bytes().get(piece).unwrap_or_default();
            let spans = &mut found;
            behind_escapes(inside, LAYERS, &mut |decoded, offsets| {
                let mut here = Vec::new();
                self.search(decoded, &mut here);
                let original = |at: usize| offset + offsets.get(at).copied().unwrap_or(inside.len());
                spans.extend(here.into_iter().map(|span| original(span.start)..original(span.end)));
            });
        }
        for span in &mut found {
            *span = text.floor_char_boundary(span.start)..text.ceil_char_boundary(span.end);
        }
        merged(found)
    }

    fn is_empty(&self) -> bool {
        let more = self.more.read().unwrap_or_else(PoisonError::into_inner);
        self.values.is_empty() && more.iter().all(|redactor| redactor.is_empty())
    }

    fn search(&self, text: &[u8], found: &mut Vec<Range<usize>>) {
        if !self.values.is_empty() {
            match &self.needles().search {
                Some(search) => found.extend(search.find_overlapping_iter(text).map(|hit| hit.range())),
                None => found.push(0..text.len()),
            }
        }
        let more = self.more.read().unwrap_or_else(PoisonError::into_inner);
        more.iter().for_each(|redactor| redactor.search(text, found));
    }

    fn needles(&self) -> &Needles {
        self.needles.get_or_init(|| {
            let mut texts: Vec<String> = self.values.iter().flat_map(|value| forms(value.expose_secret())).collect();
            texts.sort_unstable();
            texts.dedup();
            let search = AhoCorasick::builder()
                .ascii_case_insensitive(true)
                .kind(Some(AhoCorasickKind::ContiguousNFA))
                .build(&texts)
                .ok();
            Needles { texts, search }
        })
    }

    /// The byte at which the beginning of a secret starts that ends the text.
    fn remnant(&self, text: &str) -> Option<usize> {
        let tail = text.len().saturating_sub(OVERLAP);
        let tail = text.get(text.ceil_char_boundary(tail)..).unwrap_or_default().as_bytes();
        let before = text.len() - tail.len();
        let mut first = self.beginning(tail);
        behind_escapes(tail, LAYERS, &mut |decoded, offsets| {
            let here = self.beginning(decoded).and_then(|at| offsets.get(at).copied());
            first = first.into_iter().chain(here).min();
        });
        first.map(|at| before + at)
    }

    /// Where the longest beginning of a needle starts that ends these bytes.
    fn beginning(&self, text: &[u8]) -> Option<usize> {
        let left_of = |needle: &[u8]| {
            let longest = needle.len().saturating_sub(1).min(text.len());
            (REMNANT..=longest).rev().find(|length| {
                let (end, begin) = (text.get(text.len() - length..), needle.get(..*length));
                end.zip(begin).is_some_and(|(end, begin)| end.eq_ignore_ascii_case(begin))
            })
        };
        let own = if self.values.is_empty() {
            None
        } else {
            self.needles().texts.iter().filter_map(|needle| left_of(needle.as_bytes())).max()
        };
        let more = self.more.read().unwrap_or_else(PoisonError::into_inner);
        let more = more.iter().filter_map(|redactor| redactor.beginning(text));
        own.map(|length| text.len() - length).into_iter().chain(more).min()
    }
}

/// A text in pieces that overlap.
fn pieces(text: &str) -> impl Iterator<Item = Range<usize>> {
    let length = text.len();
    (0..length).step_by(PIECE).map(move |begin| begin..(begin + PIECE + OVERLAP).min(length))
}

/// Calls `look` with what stands behind each sequence of escapes, and with where each of its bytes, and its end, was before.
fn behind_escapes(text: &[u8], layers: usize, look: &mut dyn FnMut(&[u8], &[usize])) {
    for escapes in Escapes::ALL {
        let Some((decoded, offsets)) = escapes.decoded(text) else { continue };
        look(&decoded, &offsets);
        if layers > 1 {
            behind_escapes(&decoded, layers - 1, &mut |inner, places| {
                let end = offsets.last().copied().unwrap_or_default();
                let places: Vec<usize> = places.iter().map(|at| offsets.get(*at).copied().unwrap_or(end)).collect();
                look(inner, &places);
            });
        }
    }
}

/// The same spans in order, those that overlap as one.
fn merged(mut spans: Vec<Range<usize>>) -> Vec<Range<usize>> {
    spans.sort_unstable_by_key(|span| (span.start, span.end));
    let mut merged: Vec<Range<usize>> = Vec::new();
    for span in spans {
        match merged.last_mut().filter(|last| span.start < last.end) {
            Some(last) => last.end = last.end.max(span.end),
            None => merged.push(span),
        }
    }
    merged
}

fn replaced(text: &str, spans: &[Range<usize>]) -> String {
    let (mut masked, mut from) = (String::with_capacity(text.len()), 0);
    for span in spans {
        masked.push_str(text.get(from..span.start).unwrap_or_default());
        masked.push_str(MASK);
        from = span.end;
    }
    masked.push_str(text.get(from..).unwrap_or_default());
    masked
}

/// Every form of a secret that is no escaping.
fn forms(secret: &str) -> Vec<String> {
    let mut forms = vec![
        secret.to_owned(),
        secret.trim().to_owned(),
        secret.to_uppercase(),
        secret.to_lowercase(),
        secret.chars().rev().collect(),
        // UTF-16 that was read as if it were UTF-8.
        secret.chars().flat_map(|character| [character, '\0']).take(secret.chars().count() * 2 - 1).collect(),
        // What is inserted as it is into a URL is decoded there before it is encoded again.
        percent_decode_str(secret).decode_utf8_lossy().into_owned(),
        percent_decode_str(&secret.replace('+', " ")).decode_utf8_lossy().into_owned(),
    ];
    // What is sent as a file whose content is this base64.
    let decoded = GeneralPurpose::new(&STANDARD, NO_PAD).decode(secret.trim_end_matches('='));
    forms.extend(decoded.ok().and_then(|bytes| String::from_utf8(bytes).ok()));
    forms.extend(url_forms(secret));
    let (json, form) = (in_json(secret), url::form_urlencoded::byte_serialize(secret.as_bytes()).collect());
    // A body that holds it may come back encoded as a whole.
    for text in [secret.to_owned(), in_json(&json), json, form] {
        forms.push(hex(text.as_bytes()));
        let once = base64_forms(text.as_bytes());
        forms.extend(once.iter().flat_map(|form| base64_forms(form.as_bytes())));
        forms.extend(once);
    }
    forms.retain(|form| form.len() >= secret.len().min(SHORTEST));
    forms
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

fn xml_forms(text: &str) -> [String; 3] {
    let entities = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    [entities.replace('\'', "&apos;"), entities.replace('\'', "&#39;"), entities]
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
            assert_eq!(redactor.redacted_truncated(cut.to_owned()), expected);
        }
    }

    #[test]
    fn a_secret_is_found_in_every_form_it_may_come_back_in() {
        for secret in SECRETS {
            let redactor = Redactor::of([&SecretString::from(secret)]);
            let standard = base64::engine::general_purpose::STANDARD;
            let hex = forms(secret).into_iter();
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

    /// What a third party, or whoever configures a call, can make of a text.
    fn disguises(text: &str) -> Vec<(&'static str, String)> {
        let standard = base64::engine::general_purpose::STANDARD;
        let percent = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let json = |text: &str| json!({"x": text}).to_string();
        let numbers = |text: &str| text.chars().map(|c| format!("&#{};", u32::from(c))).collect::<Vec<_>>().concat();
        let units = |text: &str| text.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect::<Vec<_>>().concat();
        let php = text.replace('&', "&amp;").replace('"', "&quot;").replace('\'', "&#039;").replace('<', "&lt;");
        vec![
            ("as it is", text.to_owned()),
            ("upper case", text.to_uppercase()),
            ("lower case", text.to_lowercase()),
            ("reversed", text.chars().rev().collect()),
            ("base64", standard.encode(format!("ada:{text}!"))),
            ("base64 twice", standard.encode(standard.encode(format!("a{text}, and more")))),
            ("base64 of JSON", standard.encode(json(text))),
            ("hex", hex(text.as_bytes())),
            ("HEX", hex(text.as_bytes()).to_uppercase()),
            ("percent", percent(text)),
            ("percent twice", percent(&percent(text)).to_lowercase()),
            ("a form", url::form_urlencoded::byte_serialize(text.as_bytes()).collect()),
            ("HTML of PHP", php.clone()),
            ("HTML of Python", php.replace("&#039;", "&#x27;")),
            ("HTML by numbers", numbers(text)),
            ("HTML twice", php.replace('&', "&amp;")),
            ("JSON", json(text)),
            ("JSON by numbers", units(text)),
            ("JSON in JSON", json(&json(text))),
            ("JSON in a URL", percent(&json(text))),
            (
                "UTF-16",
                String::from_utf8_lossy(&text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>()).into(),
            ),
        ]
    }

    #[test]
    fn every_disguise_of_every_secret_is_seen_through() {
        for secret in SECRETS.into_iter().chain(WRITTEN.map(|(secret, _)| secret)) {
            let redactor = Redactor::of([&SecretString::from(secret)]);
            for (name, text) in disguises(secret).into_iter().filter(|(name, _)| *name != "UTF-16" || secret.is_ascii())
            {
                assert!(redactor.finds(&text), "{secret} as {name}: {text}");
                let masked = redactor.redacted_text(&format!("<<{text}>>"));
                assert!(masked.contains(MASK) && !redactor.finds(&masked), "{secret} as {name}: {masked}");
                assert!(masked.starts_with("<<") && masked.ends_with(">>"), "{secret} as {name}: {masked}");
            }
        }
    }

    #[test]
    fn ordinary_text_stays_whole() {
        let redactor = Redactor::of(&SECRETS.map(SecretString::from));
        for text in
            ["a%20b+c&amp;d", r#"{"a": "\u00fc\n"}"#, "canary", "100% sure & \\ more", "0123456 789", "%", "&", "\\"]
        {
            assert_eq!(redactor.redacted_text(text), text);
        }
    }

    #[test]
    fn a_secret_in_a_long_text_is_found_behind_escapes_wherever_it_stands() {
        let redactor = Redactor::of([&SecretString::from("p&ss<w>rd/ +=")]);
        for before in [PIECE - 30, PIECE - 1, PIECE, PIECE + 7, PIECE + OVERLAP + 5] {
            let text = format!("{}{}{}", "ä".repeat(before / 2), "p&amp;ss&lt;w&gt;rd/ +=", ".".repeat(PIECE));
            let masked = redactor.redacted_text(&text);
            assert_eq!(masked.len(), text.len() - "p&amp;ss&lt;w&gt;rd/ +=".len() + MASK.len(), "{before}");
        }
    }

    #[test]
    fn secrets_that_overlap_leave_nothing_between_them() {
        let redactor = Redactor::of([&SecretString::from("abcdefgh"), &SecretString::from("efghijkl")]);
        assert_eq!(redactor.redacted_text("-abcdefghijkl-"), "-********-");
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
