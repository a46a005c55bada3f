//! A decoded text and the bytes of the file that each of its characters comes from. Knows attribute values, and JSON
//! strings inside them; must not know what a text means.

use std::borrow::Cow;
use std::ops::Range;

use crate::attribute::Attribute;

/// A decoded text with the span of each of its characters.
#[derive(Debug, Clone)]
pub(crate) struct SpannedText<'e, 'a> {
    text: String,
    origin: Origin<'e, 'a>,
}

#[derive(Debug, Clone)]
enum Origin<'e, 'a> {
    /// A part of an attribute's value, from this byte of the value.
    Attribute(&'e Attribute<'a>, usize),
    /// A JSON literal in an attribute's value, from this byte of the value; a string with its quotes.
    Json(&'e Attribute<'a>, usize, Cow<'e, str>),
    /// All characters have this span.
    Within(Range<usize>),
}

impl<'e, 'a> SpannedText<'e, 'a> {
    /// The value of an attribute.
    pub(crate) fn of_attribute(attribute: &'e Attribute<'a>) -> Self {
        Self { text: attribute.text().into_owned(), origin: Origin::Attribute(attribute, 0) }
    }

    /// The decoded `text` of a JSON literal that begins at byte `from` of an attribute's value.
    pub(crate) fn of_json(text: String, attribute: &'e Attribute<'a>, from: usize, literal: Cow<'e, str>) -> Self {
        Self { text, origin: Origin::Json(attribute, from, literal) }
    }

    /// A text whose characters cannot be located one by one, only together.
    pub(crate) fn within(text: String, span: Range<usize>) -> Self {
        Self { text, origin: Origin::Within(span) }
    }

    /// The decoded text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// A part of the decoded text, by bytes.
    pub(crate) fn part(&self, range: Range<usize>) -> Self {
        let text = self.text.get(range.clone()).unwrap_or_default().to_owned();
        match &self.origin {
            Origin::Attribute(attribute, from) => {
                Self { text, origin: Origin::Attribute(attribute, from + range.start) }
            }
            _ => Self { text, origin: Origin::Within(self.span_of(range)) },
        }
    }

    /// The span of all of it; that of a JSON string with its quotes.
    pub(crate) fn span(&self) -> Range<usize> {
        match &self.origin {
            Origin::Json(attribute, from, literal) => {
                attribute.char_span(*from).start..attribute.char_span(from + literal.len()).start
            }
            _ => self.span_of(0..self.text.len()),
        }
    }

    /// The span of a range of bytes of the decoded text.
    pub(crate) fn span_of(&self, range: Range<usize>) -> Range<usize> {
        let (attribute, start, end) = match &self.origin {
            Origin::Attribute(attribute, from) => (attribute, from + range.start, from + range.end),
            Origin::Json(attribute, from, literal) => {
                (attribute, from + offset(literal, range.start), from + offset(literal, range.end))
            }
            Origin::Within(span) => return span.clone(),
        };
        let first = attribute.char_span(start);
        first.start..attribute.char_span(end).start.max(first.end)
    }
}

/// The byte of a JSON literal that encodes byte `at` of the decoded text.
fn offset(literal: &str, at: usize) -> usize {
    let Some(inside) = literal.strip_prefix('"') else { return at.min(literal.len()) };
    let mut decoded = 0;
    let mut rest = inside;
    while decoded < at && !rest.is_empty() {
        let (encoded_len, decoded_len) = first_character(rest);
        decoded += decoded_len;
        rest = rest.get(encoded_len..).unwrap_or_default();
    }
    literal.len() - rest.len()
}

/// Encoded and decoded length in bytes of the first character of a JSON string (RFC 8259, section 7).
fn first_character(text: &str) -> (usize, usize) {
    let Some(escape) = text.strip_prefix('\\') else {
        let len = text.chars().next().map_or(1, char::len_utf8);
        return (len, len);
    };
    let Some(hex) = escape.strip_prefix('u').and_then(|hex| hex.get(..4)) else { return (2, 1) };
    let code = u32::from_str_radix(hex, 16).unwrap_or_default();
    match char::from_u32(code) {
        Some(character) => (6, character.len_utf8()),
        // A surrogate: the second one of the pair follows, and together they encode a character of four bytes.
        None => (12, 4),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Namespace;

    #[test]
    fn every_character_of_a_json_string_has_its_span() {
        let raw = r"{&#34;k&#34;: &#34;a\n\u00e4\ud83e\udd80ö&amp;&#34;}";
        let attribute = Attribute::new(Namespace::None, "a", raw, 7, 10).unwrap();
        let text = attribute.text();
        let from = text.find("\"a").unwrap();
        let literal = text.get(from..text.len() - 1).unwrap();
        let spanned = SpannedText::of_json("a\nä🦀ö&".to_owned(), &attribute, from, Cow::Borrowed(literal));
        let raw_at = |span: Range<usize>| raw.get(span.start - 10..span.end - 10).unwrap();
        let encoded = ["a", r"\n", r"\u00e4", r"\ud83e\udd80", "ö", "&amp;"];
        for ((at, character), expected) in spanned.text().char_indices().zip(encoded) {
            assert_eq!(raw_at(spanned.span_of(at..at + character.len_utf8())), expected);
        }
        assert_eq!(raw_at(spanned.span()), r"&#34;a\n\u00e4\ud83e\udd80ö&amp;&#34;");
        assert_eq!(raw_at(spanned.part(0..2).span()), r"a\n");
    }

    #[test]
    fn a_part_of_an_attribute_keeps_its_spans() {
        let attribute = Attribute::new(Namespace::None, "a", "one&#10;two", 7, 10).unwrap();
        let spanned = SpannedText::of_attribute(&attribute);
        let part = spanned.part(4..7);
        assert_eq!((part.text(), part.span(), part.span_of(1..2)), ("two", 18..21, 19..20));
    }
}
