//! One attribute and its value. Knows how text is written inside quotes and where each character of it stands in the
//! file; not what any attribute means.

use std::borrow::Cow;
use std::cell::Cell;
use std::ops::Range;

use quick_xml::XmlVersion;
use quick_xml::errors::Error;
use quick_xml::escape::{EscapeError, unescape};
use quick_xml::events::attributes::Attribute as Parsed;
use quick_xml::name::QName;

use crate::diagnostic::Finding;
use crate::tree::Space;

/// An attribute as it stands in the file.
#[derive(Debug, Clone)]
pub(crate) struct Attribute<'a> {
    /// [`Space::None`] without a prefix.
    pub(crate) space: Space,
    /// Without the prefix.
    pub(crate) name: &'a str,
    /// Between the quotes, as it stands in the file.
    pub(crate) raw: &'a str,
    /// The first byte of the name, with its prefix.
    key: usize,
    /// The first byte between the quotes.
    start: usize,
    /// Where [`Self::place`] was last: bytes as written and as meant. Places are mostly asked for in their order, and a value can
    /// be as long as a file.
    last: Cell<(usize, usize)>,
}

impl<'a> Attribute<'a> {
    /// `raw` is what stands between the quotes and begins at byte `start`; the name with its prefix begins at byte `key`.
    ///
    /// # Errors
    /// A reference that cannot be resolved, with its place.
    pub(crate) fn new(
        space: Space,
        name: &'a str,
        raw: &'a str,
        key: usize,
        start: usize,
    ) -> Result<Self, (Range<usize>, Finding)> {
        let attribute = Self { space, name, raw, key, start, last: Cell::default() };
        match attribute.normalized() {
            Ok(_) => Ok(attribute),
            Err(error) => Err(attribute.bad_reference(&error)),
        }
    }

    /// The value as XML means it: references resolved, white space made blank (XML 1.0, 3.3.3).
    pub(crate) fn text(&self) -> Cow<'a, str> {
        // It went well once, in `new`.
        self.normalized().unwrap_or(Cow::Borrowed(self.raw))
    }

    /// Bytes of the value as it stands in the file.
    pub(crate) fn size(&self) -> usize {
        self.raw.len()
    }

    /// What stands between the quotes.
    pub(crate) fn span(&self) -> Range<usize> {
        self.start..self.start + self.raw.len()
    }

    /// The attribute from the first byte of its name to the quote behind its value.
    pub(crate) fn whole(&self) -> Range<usize> {
        self.key..self.span().end + 1
    }

    /// Where the character at byte `at` of [`Self::text`] stands in the file; behind the last one is the quote.
    pub(crate) fn place(&self, at: usize) -> Range<usize> {
        let (from, mut decoded) = Some(self.last.get()).filter(|(_, meant)| *meant <= at).unwrap_or_default();
        let mut rest = self.raw.get(from..).unwrap_or_default();
        while !rest.is_empty() {
            let (written, meant) = first_character(rest);
            if decoded + meant > at {
                self.last.set((self.raw.len() - rest.len(), decoded));
                let start = self.span().end - rest.len();
                return start..start + written;
            }
            decoded += meant;
            rest = rest.get(written..).unwrap_or_default();
        }
        let end = self.span().end;
        end..end + 1
    }

    fn normalized(&self) -> Result<Cow<'a, str>, Error> {
        Parsed { key: QName(""), value: Cow::Borrowed(self.raw) }.normalized_value(XmlVersion::Implicit1_0)
    }

    fn bad_reference(&self, error: &Error) -> (Range<usize>, Finding) {
        let within = match error {
            // Named without its `&`.
            Error::Escape(EscapeError::UnrecognizedEntity(name, _)) => name.start.saturating_sub(1)..name.end,
            Error::Escape(EscapeError::UnterminatedEntity(rest)) => rest.start..rest.start + 1,
            _ => 0..self.raw.len(),
        };
        let within = self.start + within.start..self.start + within.end;
        (within, unknown_reference())
    }
}

/// A reference that is neither a character nor one of XML's five.
pub(crate) fn unknown_reference() -> Finding {
    Finding::error("not-well-formed", "`&` begins a reference that XML does not know; the rest of the file is not read")
        .help("write `&amp;` for the character itself")
}

/// Bytes of the first character as written, and as meant.
fn first_character(text: &str) -> (usize, usize) {
    if text.starts_with("\r\n") {
        return (2, 1);
    }
    if text.starts_with('&') {
        let reference = text.split_inclusive(';').next().unwrap_or_default();
        return (reference.len(), unescape(reference).map_or(reference.len(), |meant| meant.len()));
    }
    let len = text.chars().next().map_or(1, char::len_utf8);
    (len, len)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(raw: &str) -> Attribute<'_> {
        Attribute::new(Space::None, "a", raw, 97, 100).unwrap()
    }

    #[test]
    fn every_character_is_found_where_it_is_written() {
        let raw = "{&#34;ä&quot;\r\n&#x20AC;\t&lt;}";
        let written = ["{", "&#34;", "ä", "&quot;", "\r\n", "&#x20AC;", "\t", "&lt;", "}"];
        let attribute = attribute(raw);
        let text = attribute.text();
        assert_eq!(text, "{\"ä\" € <}");
        for ((at, character), written) in text.char_indices().zip(written) {
            let place = attribute.place(at);
            assert_eq!(raw.get(place.start - 100..place.end - 100), Some(written), "{character} at {at}");
        }
        assert_eq!(attribute.place(text.len()), 100 + raw.len()..101 + raw.len());
    }

    #[test]
    fn a_thousand_references_are_resolved() {
        assert_eq!(attribute(&"&#34;&quot;".repeat(1_000)).text(), "\"".repeat(2_000));
    }

    #[test]
    fn an_unknown_reference_is_an_error_at_its_place() {
        for (raw, place) in [("ab&nbsp;c", 102..107), ("A & B", 102..103), ("&#xFFFFFF;", 100..110)] {
            let (found, _) = Attribute::new(Space::None, "a", raw, 97, 100).unwrap_err();
            assert_eq!(found, place, "{raw}");
        }
    }
}
