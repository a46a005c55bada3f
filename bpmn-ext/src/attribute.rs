//! One attribute and its value. Knows how XML escapes a value and which bytes of the file each character comes from; must
//! not know what any attribute means.

use std::borrow::Cow;
use std::cell::Cell;
use std::ops::Range;

use quick_xml::XmlVersion;
use quick_xml::errors::Error;
use quick_xml::escape::{EscapeError, unescape};
use quick_xml::events::attributes::Attribute as Parsed;
use quick_xml::name::QName;

use crate::diagnostic::Finding;
use crate::tree::Namespace;

/// An attribute as written in the file.
#[derive(Debug, Clone)]
pub(crate) struct Attribute<'a> {
    /// [`Namespace::None`] without a prefix.
    pub(crate) namespace: Namespace,
    /// Without the prefix.
    pub(crate) name: &'a str,
    /// The escaped value, between the quotes.
    pub(crate) raw: &'a str,
    /// The first byte of the name, with its prefix.
    key: usize,
    /// The first byte between the quotes.
    start: usize,
    /// Offsets into the escaped and into the decoded value at which [`Self::char_span`] ended last. Spans are mostly looked up
    /// in ascending order, and a value can be as long as a file.
    last: Cell<(usize, usize)>,
}

impl<'a> Attribute<'a> {
    /// `raw` is the escaped value and begins at byte `start`; the name with its prefix begins at byte `key`.
    ///
    /// # Errors
    /// The span of a reference that cannot be resolved.
    pub(crate) fn new(
        namespace: Namespace,
        name: &'a str,
        raw: &'a str,
        key: usize,
        start: usize,
    ) -> Result<Self, (Range<usize>, Finding)> {
        let attribute = Self { namespace, name, raw, key, start, last: Cell::default() };
        match attribute.normalized() {
            Ok(_) => Ok(attribute),
            Err(error) => Err(attribute.bad_reference(&error)),
        }
    }

    /// The decoded value: references resolved, white space normalized (XML 1.0, 3.3.3).
    pub(crate) fn text(&self) -> Cow<'a, str> {
        // `new` has checked that this cannot fail.
        self.normalized().unwrap_or(Cow::Borrowed(self.raw))
    }

    /// Bytes of the escaped value.
    pub(crate) fn size(&self) -> usize {
        self.raw.len()
    }

    /// The bytes between the quotes.
    pub(crate) fn span(&self) -> Range<usize> {
        self.start..self.start + self.raw.len()
    }

    /// The attribute from the first byte of its name to the closing quote.
    pub(crate) fn full_span(&self) -> Range<usize> {
        self.key..self.span().end + 1
    }

    /// The span of the character at byte `at` of [`Self::text`]; after the last one, that of the closing quote.
    pub(crate) fn char_span(&self, at: usize) -> Range<usize> {
        let (from, mut decoded) = Some(self.last.get()).filter(|(_, decoded)| *decoded <= at).unwrap_or_default();
        let mut rest = self.raw.get(from..).unwrap_or_default();
        while !rest.is_empty() {
            let (encoded_len, decoded_len) = first_character(rest);
            if decoded + decoded_len > at {
                self.last.set((self.raw.len() - rest.len(), decoded));
                let start = self.span().end - rest.len();
                return start..start + encoded_len;
            }
            decoded += decoded_len;
            rest = rest.get(encoded_len..).unwrap_or_default();
        }
        let end = self.span().end;
        end..end + 1
    }

    fn normalized(&self) -> Result<Cow<'a, str>, Error> {
        Parsed { key: QName(""), value: Cow::Borrowed(self.raw) }.normalized_value(XmlVersion::Implicit1_0)
    }

    fn bad_reference(&self, error: &Error) -> (Range<usize>, Finding) {
        let within = match error {
            // The range of the name does not include the `&`.
            Error::Escape(EscapeError::UnrecognizedEntity(name, _)) => name.start.saturating_sub(1)..name.end,
            Error::Escape(EscapeError::UnterminatedEntity(rest)) => rest.start..rest.start + 1,
            _ => 0..self.raw.len(),
        };
        let within = self.start + within.start..self.start + within.end;
        (within, unknown_reference())
    }
}

/// A reference that is neither a character reference nor one of XML's five predefined entities.
pub(crate) fn unknown_reference() -> Finding {
    Finding::error("not-well-formed", "`&` begins a reference that XML does not know; the rest of the file is not read")
        .help("write `&amp;` for the character itself")
}

/// Encoded and decoded length in bytes of the first character of a value.
fn first_character(text: &str) -> (usize, usize) {
    if text.starts_with("\r\n") {
        return (2, 1);
    }
    if text.starts_with('&') {
        let reference = text.split_inclusive(';').next().unwrap_or_default();
        return (reference.len(), unescape(reference).map_or(reference.len(), |decoded| decoded.len()));
    }
    let len = text.chars().next().map_or(1, char::len_utf8);
    (len, len)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(raw: &str) -> Attribute<'_> {
        Attribute::new(Namespace::None, "a", raw, 97, 100).unwrap()
    }

    #[test]
    fn every_character_has_its_span() {
        let raw = "{&#34;ä&quot;\r\n&#x20AC;\t&lt;}";
        let written = ["{", "&#34;", "ä", "&quot;", "\r\n", "&#x20AC;", "\t", "&lt;", "}"];
        let attribute = attribute(raw);
        let text = attribute.text();
        assert_eq!(text, "{\"ä\" € <}");
        for ((at, character), written) in text.char_indices().zip(written) {
            let span = attribute.char_span(at);
            assert_eq!(raw.get(span.start - 100..span.end - 100), Some(written), "{character} at {at}");
        }
        assert_eq!(attribute.char_span(text.len()), 100 + raw.len()..101 + raw.len());
    }

    #[test]
    fn a_thousand_references_are_resolved() {
        assert_eq!(attribute(&"&#34;&quot;".repeat(1_000)).text(), "\"".repeat(2_000));
    }

    #[test]
    fn an_unknown_reference_is_an_error_with_its_span() {
        for (raw, span) in [("ab&nbsp;c", 102..107), ("A & B", 102..103), ("&#xFFFFFF;", 100..110)] {
            let (found, _) = Attribute::new(Namespace::None, "a", raw, 97, 100).unwrap_err();
            assert_eq!(found, span, "{raw}");
        }
    }
}
