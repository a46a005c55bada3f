//! Edits of a text, collected and applied together. Knows bytes and XML syntax; must not know what an element means.

use std::ops::Range;

use crate::attribute::Attribute;
use crate::tree::{Element, Namespace};

/// A part of a changed text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Bytes of the old text.
    Old(Range<usize>),
    /// Text that was not there.
    New(String),
}

/// Edits of one text; bytes outside of their spans stay as they are.
#[derive(Debug)]
pub(super) struct Edits<'a> {
    text: &'a str,
    changes: Vec<(Range<usize>, String)>,
}

impl<'a> Edits<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self { text, changes: Vec::new() }
    }

    /// The text with all edits applied; those at the same byte in the order in which they were added.
    pub(super) fn apply(mut self) -> Vec<Piece> {
        self.changes.sort_by_key(|(span, _)| span.start);
        let mut pieces = Vec::with_capacity(2 * self.changes.len() + 1);
        let mut from = 0;
        for (span, replacement) in self.changes {
            pieces.push(Piece::Old(from..span.start.max(from)));
            pieces.push(Piece::New(replacement));
            from = span.end.max(from);
        }
        pieces.push(Piece::Old(from..self.text.len()));
        pieces
    }

    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    pub(super) fn insert(&mut self, at: usize, text: String) {
        self.changes.push((at..at, text));
    }

    /// Removes an element, and its line if nothing else is on it.
    pub(super) fn remove(&mut self, element: Range<usize>) {
        let before = self.text.get(..element.start).unwrap_or_default();
        let trimmed = before.trim_end_matches([' ', '\t', '\r', '\n']);
        let own_line = before.get(trimmed.len()..).is_some_and(|blank| blank.contains('\n'));
        // The line break before it is removed; the one after it then ends the line before.
        let start = match before.rfind('\n') {
            Some(newline) if own_line => {
                newline - usize::from(before.get(..newline).is_some_and(|line| line.ends_with('\r')))
            }
            _ => element.start,
        };
        self.changes.push((start..element.end, String::new()));
    }

    /// Sets the value of `found` and keeps its quotes, or adds an attribute with the qualified name `key`.
    pub(super) fn set_attribute(
        &mut self,
        element: &Element<'_>,
        found: Option<&Attribute<'_>>,
        key: &str,
        value: &str,
    ) {
        let Some(attribute) = found else {
            return self.insert(end_of_attributes(element), format!(" {key}=\"{}\"", escaped(value, '"', "&#34;")));
        };
        if attribute.text() != value {
            let span = attribute.span();
            let quote = self.text.get(span.end..).and_then(|rest| rest.chars().next()).unwrap_or('"');
            let reference = match quote {
                '\'' => "&#39;",
                _ if attribute.raw.contains("&quot;") => "&quot;",
                _ => "&#34;",
            };
            self.changes.push((span, escaped(value, quote, reference)));
        }
    }

    /// Removes an attribute and the white space before it.
    pub(super) fn remove_attribute(&mut self, attribute: &Attribute<'_>) {
        let span = attribute.full_span();
        let before = self.text.get(..span.start).unwrap_or_default();
        self.changes.push((before.trim_end().len()..span.end, String::new()));
    }

    /// Inserts children into an element, after the child `after` or as the first ones; each on a line of its own if the file
    /// is formatted so.
    pub(super) fn insert_children(&mut self, parent: &Element<'_>, after: Option<&Element<'_>>, children: &[String]) {
        let indent = Indent::inside(self.text, parent, after);
        let content: String = children.iter().flat_map(|child| [indent.before_child.as_str(), child]).collect();
        if let Some(after) = after {
            return self.insert(after.end, content);
        }
        let Some(close) = self.text.get(parent.start_tag.clone()).filter(|tag| tag.ends_with("/>")) else {
            return self.insert(parent.start_tag.end, content);
        };
        let open = close.strip_suffix("/>").unwrap_or_default().trim_end().len();
        let (qualified, end) = (parent.qualified, &indent.before_end);
        self.changes
            .push((parent.start_tag.start + open..parent.start_tag.end, format!(">{content}{end}</{qualified}>")));
    }
}

/// The byte after the last attribute in the tree, or after the name.
fn end_of_attributes(element: &Element<'_>) -> usize {
    let last = element.attributes.iter().map(|attribute| attribute.full_span().end).max();
    last.unwrap_or(element.start_tag.start + 1 + element.qualified.len())
}

/// A value escaped for an attribute (XML 1.0, 2.3 and 3.3.3).
pub(super) fn escaped(value: &str, quote: char, reference: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for character in value.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '\n' => escaped.push_str("&#10;"),
            '\r' => escaped.push_str("&#13;"),
            '\t' => escaped.push_str("&#9;"),
            other if other == quote => escaped.push_str(reference),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Line breaks and indentation inside an element.
pub(super) struct Indent {
    /// The line break and indentation before a child.
    pub(super) before_child: String,
    /// The line break and indentation before the end tag.
    before_end: String,
    /// The indentation of one level.
    pub(super) step: String,
}

impl Indent {
    /// The indentation of the children that the element has or would have; empty if the element does not start a line.
    pub(super) fn inside(text: &str, parent: &Element<'_>, sibling: Option<&Element<'_>>) -> Self {
        let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let Some(own) = indentation(text, parent.start_tag.start) else {
            return Self { before_child: String::new(), before_end: String::new(), step: String::new() };
        };
        let child = sibling.or(parent.children.first()).and_then(|child| indentation(text, child.start_tag.start));
        let step = match child.and_then(|child| child.strip_prefix(own)) {
            Some(step) if !step.is_empty() => step,
            _ if own.contains('\t') => "\t",
            _ => "  ",
        };
        let before_child = match child {
            Some(child) => format!("{newline}{child}"),
            // The other children do not start a line, so a new one does not either.
            None if sibling.is_some() || !parent.children.is_empty() => String::new(),
            None => format!("{newline}{own}{step}"),
        };
        Self { before_child, before_end: format!("{newline}{own}"), step: step.to_owned() }
    }
}

/// The white space between the start of the line and a byte, if there is nothing else.
fn indentation(text: &str, at: usize) -> Option<&str> {
    let before = text.get(..at)?;
    let line = before.rsplit_once('\n')?.1;
    line.bytes().all(|byte| byte == b' ' || byte == b'\t').then_some(line)
}

/// The prefix that is bound to a namespace in the scope of these elements, innermost first; the default namespace does not
/// count.
pub(super) fn bound_prefix<'e, 'a: 'e>(ancestors: impl Iterator<Item = &'e Element<'a>>, uri: &str) -> Option<&'e str> {
    let declarations =
        ancestors.flat_map(|element| &element.attributes).filter(|a| a.namespace == Namespace::Declaration);
    let mut hidden = Vec::new();
    for declaration in declarations {
        if hidden.contains(&declaration.name) {
            continue;
        }
        hidden.push(declaration.name);
        if declaration.name != "xmlns" && declaration.text() == uri {
            return Some(declaration.name);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_removed_line_leaves_no_blank_one() {
        for (text, element, expected) in [
            ("<a>\n  <b/>\n  <c/>\n</a>", "<b/>", "<a>\n  <c/>\n</a>"),
            ("<a>\r\n\t<b/>\r\n</a>", "<b/>", "<a>\r\n</a>"),
            ("<a><b/><c/></a>", "<b/>", "<a><c/></a>"),
            ("<a>\n\n  <!-- x -->\n  <b/></a>", "<b/>", "<a>\n\n  <!-- x --></a>"),
        ] {
            let start = text.find(element).unwrap();
            let mut edits = Edits::of(text);
            edits.remove(start..start + element.len());
            let changed: String = edits
                .apply()
                .iter()
                .map(|piece| match piece {
                    Piece::Old(span) => text.get(span.clone()).unwrap(),
                    Piece::New(text) => text,
                })
                .collect();
            assert_eq!(changed, expected);
        }
    }

    #[test]
    fn values_are_escaped_for_their_quotes() {
        assert_eq!(escaped("a<b>&\"'\n\t", '"', "&#34;"), "a&lt;b>&amp;&#34;'&#10;&#9;");
        assert_eq!(escaped("\"'", '\'', "&#39;"), "\"&#39;");
    }
}
