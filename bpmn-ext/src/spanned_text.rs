//! A text of a configuration and where each of its characters stands in the file. Knows attributes, and strings of JSON
//! inside them; not what any text means.

use std::borrow::Cow;
use std::ops::Range;

use crate::attribute::Attribute;

/// A text and its place.
#[derive(Debug, Clone)]
pub(crate) struct Written<'e, 'a> {
    text: String,
    origin: Origin<'e, 'a>,
}

#[derive(Debug, Clone)]
enum Origin<'e, 'a> {
    /// A stretch of an attribute's value, which begins at this byte of it.
    Attribute(&'e Attribute<'a>, usize),
    /// A string of JSON; the literal with its quotes begins at this byte of the attribute's value.
    Json(&'e Attribute<'a>, usize, Cow<'e, str>),
    /// Somewhere in here.
    Within(Range<usize>),
}

impl<'e, 'a> Written<'e, 'a> {
    /// The value of an attribute.
    pub(crate) fn value(attribute: &'e Attribute<'a>) -> Self {
        Self { text: attribute.text().into_owned(), origin: Origin::Attribute(attribute, 0) }
    }

    /// What a literal inside an attribute's JSON means; it begins at byte `from` of the attribute's value.
    pub(crate) fn json(text: String, attribute: &'e Attribute<'a>, from: usize, literal: Cow<'e, str>) -> Self {
        Self { text, origin: Origin::Json(attribute, from, literal) }
    }

    /// A text whose characters have no places of their own.
    pub(crate) fn within(text: String, place: Range<usize>) -> Self {
        Self { text, origin: Origin::Within(place) }
    }

    /// What is meant.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// A part of the text, by bytes, with the place that it has.
    pub(crate) fn part(&self, range: Range<usize>) -> Self {
        let text = self.text.get(range.clone()).unwrap_or_default().to_owned();
        match &self.origin {
            Origin::Attribute(attribute, from) => {
                Self { text, origin: Origin::Attribute(attribute, from + range.start) }
            }
            _ => Self { text, origin: Origin::Within(self.place_of(range)) },
        }
    }

    /// Where all of it stands.
    pub(crate) fn place(&self) -> Range<usize> {
        match &self.origin {
            Origin::Json(attribute, from, literal) => {
                attribute.place(*from).start..attribute.place(from + literal.len()).start
            }
            _ => self.place_of(0..self.text.len()),
        }
    }

    /// Where a range of its bytes stands.
    pub(crate) fn place_of(&self, range: Range<usize>) -> Range<usize> {
        let (attribute, start, end) = match &self.origin {
            Origin::Attribute(attribute, from) => (attribute, from + range.start, from + range.end),
            Origin::Json(attribute, from, literal) => {
                (attribute, from + offset(literal, range.start), from + offset(literal, range.end))
            }
            Origin::Within(place) => return place.clone(),
        };
        let first = attribute.place(start);
        first.start..attribute.place(end).start.max(first.end)
    }
}

/// The byte of a JSON literal at which the character at byte `at` of its meaning is written.
fn offset(literal: &str, at: usize) -> usize {
    let Some(inside) = literal.strip_prefix('"') else { return at.min(literal.len()) };
    let mut meant = 0;
    let mut rest = inside;
    while meant < at && !rest.is_empty() {
        let (written, means) = first_character(rest);
        meant += means;
        rest = rest.get(written..).unwrap_or_default();
    }
    literal.len() - rest.len()
}

/// Bytes of the first character of a JSON string as written, and as meant (RFC 8259, section 7).
fn first_character(text: &str) -> (usize, usize) {
    let Some(escape) = text.strip_prefix('\\') else {
        let len = text.chars().next().map_or(1, char::len_utf8);
        return (len, len);
    };
    let Some(hex) = escape.strip_prefix('u').and_then(|hex| hex.get(..4)) else { return (2, 1) };
    let code = u32::from_str_radix(hex, 16).unwrap_or_default();
    match char::from_u32(code) {
        Some(character) => (6, character.len_utf8()),
        // Half of a pair: the other half follows, and together they are beyond the basic plane.
        None => (12, 4),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Space;

    #[test]
    fn every_character_of_a_json_string_is_found_where_it_is_written() {
        let raw = r"{&#34;k&#34;: &#34;a\n\u00e4\ud83e\udd80ö&amp;&#34;}";
        let attribute = Attribute::new(Space::None, "a", raw, 7, 10).unwrap();
        let text = attribute.text();
        let from = text.find("\"a").unwrap();
        let literal = text.get(from..text.len() - 1).unwrap();
        let written = Written::json("a\nä🦀ö&".to_owned(), &attribute, from, Cow::Borrowed(literal));
        let shown = |place: Range<usize>| raw.get(place.start - 10..place.end - 10).unwrap();
        let places = ["a", r"\n", r"\u00e4", r"\ud83e\udd80", "ö", "&amp;"];
        for ((at, character), expected) in written.text().char_indices().zip(places) {
            assert_eq!(shown(written.place_of(at..at + character.len_utf8())), expected);
        }
        assert_eq!(shown(written.place()), r"&#34;a\n\u00e4\ud83e\udd80ö&amp;&#34;");
        assert_eq!(shown(written.part(0..2).place()), r"a\n");
    }

    #[test]
    fn a_part_of_an_attribute_keeps_its_places() {
        let attribute = Attribute::new(Space::None, "a", "one&#10;two", 7, 10).unwrap();
        let written = Written::value(&attribute);
        let part = written.part(4..7);
        assert_eq!((part.text(), part.place(), part.place_of(1..2)), ("two", 18..21, 19..20));
    }
}
