//! Changes to a text, collected and made at once. Knows bytes and how XML is written; not what any of it means.

use std::ops::Range;

use crate::attribute::Attribute;
use crate::tree::{Element, Space};

/// Changes to one text; what no change names stays as it is, byte for byte.
#[derive(Debug)]
pub(super) struct Edits<'a> {
    text: &'a str,
    changes: Vec<(Range<usize>, String)>,
}

impl<'a> Edits<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self { text, changes: Vec::new() }
    }

    /// The text with all changes made; those at one place in the order in which they came.
    pub(super) fn apply(mut self) -> String {
        self.changes.sort_by_key(|(place, _)| place.start);
        let mut changed = String::with_capacity(self.text.len());
        let mut from = 0;
        for (place, by) in &self.changes {
            changed.push_str(self.text.get(from..place.start).unwrap_or_default());
            changed.push_str(by);
            from = place.end.max(from);
        }
        changed.push_str(self.text.get(from..).unwrap_or_default());
        changed
    }

    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    pub(super) fn insert(&mut self, at: usize, text: String) {
        self.changes.push((at..at, text));
    }

    /// Takes an element away, and its line with it where nothing else is on it.
    pub(super) fn remove(&mut self, element: Range<usize>) {
        let before = self.text.get(..element.start).unwrap_or_default();
        let kept = before.trim_end_matches([' ', '\t', '\r', '\n']);
        let own_line = before.get(kept.len()..).is_some_and(|blank| blank.contains('\n'));
        // The line break before it goes; the one behind it is that of the line before.
        let start = match before.rfind('\n') {
            Some(newline) if own_line => {
                newline - usize::from(before.get(..newline).is_some_and(|line| line.ends_with('\r')))
            }
            _ => element.start,
        };
        self.changes.push((start..element.end, String::new()));
    }

    /// Gives an attribute without a prefix, or with `key`'s, a value; it keeps its place and its quotes.
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
            let place = attribute.span();
            let quote = self.text.get(place.end..).and_then(|rest| rest.chars().next()).unwrap_or('"');
            let reference = match quote {
                '\'' => "&#39;",
                _ if attribute.raw.contains("&quot;") => "&quot;",
                _ => "&#34;",
            };
            self.changes.push((place, escaped(value, quote, reference)));
        }
    }

    /// Takes an attribute away with the blank before it.
    pub(super) fn remove_attribute(&mut self, attribute: &Attribute<'_>) {
        let place = attribute.whole();
        let before = self.text.get(..place.start).unwrap_or_default();
        self.changes.push((before.trim_end().len()..place.end, String::new()));
    }

    /// Puts elements into another one, behind `after` if that is one of its children, else as the first; each in a line of its own
    /// where the file is written so.
    pub(super) fn insert_children(&mut self, parent: &Element<'_>, after: Option<&Element<'_>>, children: &[String]) {
        let lines = Lines::around(self.text, parent, after);
        let content: String = children.iter().flat_map(|child| [lines.before_child.as_str(), child]).collect();
        if let Some(after) = after {
            return self.insert(after.end, content);
        }
        let Some(close) = self.text.get(parent.span.clone()).filter(|tag| tag.ends_with("/>")) else {
            return self.insert(parent.span.end, content);
        };
        let open = close.strip_suffix("/>").unwrap_or_default().trim_end().len();
        let (qualified, end) = (parent.qualified, &lines.before_end);
        self.changes.push((parent.span.start + open..parent.span.end, format!(">{content}{end}</{qualified}>")));
    }
}

/// Behind the last attribute that is known, else behind the name.
fn end_of_attributes(element: &Element<'_>) -> usize {
    let last = element.attributes.iter().map(|attribute| attribute.whole().end).max();
    last.unwrap_or(element.span.start + 1 + element.qualified.len())
}

/// A value between quotes (XML 1.0, 2.3 and 3.3.3).
pub(super) fn escaped(value: &str, quote: char, reference: &str) -> String {
    let mut written = String::with_capacity(value.len());
    for character in value.chars() {
        match character {
            '&' => written.push_str("&amp;"),
            '<' => written.push_str("&lt;"),
            '\n' => written.push_str("&#10;"),
            '\r' => written.push_str("&#13;"),
            '\t' => written.push_str("&#9;"),
            other if other == quote => written.push_str(reference),
            other => written.push(other),
        }
    }
    written
}

/// How lines begin inside an element.
pub(super) struct Lines {
    /// The line break and the indentation of a child.
    pub(super) before_child: String,
    /// The same of the end tag.
    before_end: String,
    /// What one level is indented by.
    pub(super) step: String,
}

impl Lines {
    /// As the children of an element are written, or would be; empty where the element does not begin a line.
    pub(super) fn around(text: &str, parent: &Element<'_>, sibling: Option<&Element<'_>>) -> Self {
        let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let Some(own) = indentation(text, parent.span.start) else {
            return Self { before_child: String::new(), before_end: String::new(), step: String::new() };
        };
        let child = sibling.or(parent.children.first()).and_then(|child| indentation(text, child.span.start));
        let step = match child.and_then(|child| child.strip_prefix(own)) {
            Some(step) if !step.is_empty() => step,
            _ if own.contains('\t') => "\t",
            _ => "  ",
        };
        let before_child = match child {
            Some(child) => format!("{newline}{child}"),
            // Where the children stand in one line, another one does too.
            None if sibling.is_some() || !parent.children.is_empty() => String::new(),
            None => format!("{newline}{own}{step}"),
        };
        Self { before_child, before_end: format!("{newline}{own}"), step: step.to_owned() }
    }
}

/// The blanks between the beginning of the line and a byte, if there is nothing else.
fn indentation(text: &str, at: usize) -> Option<&str> {
    let before = text.get(..at)?;
    let line = before.rsplit_once('\n')?.1;
    line.bytes().all(|byte| byte == b' ' || byte == b'\t').then_some(line)
}

/// The prefix that is bound to a namespace at an element; the default namespace is none.
pub(super) fn prefix<'e, 'a: 'e>(outwards: impl Iterator<Item = &'e Element<'a>>, uri: &str) -> Option<&'e str> {
    let bindings = outwards.flat_map(|element| &element.attributes).filter(|a| a.space == Space::Binding);
    let mut seen = Vec::new();
    for binding in bindings {
        if seen.contains(&binding.name) {
            continue;
        }
        seen.push(binding.name);
        if binding.name != "xmlns" && binding.text() == uri {
            return Some(binding.name);
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
            assert_eq!(edits.apply(), expected);
        }
    }

    #[test]
    fn values_are_escaped_for_their_quotes() {
        assert_eq!(escaped("a<b>&\"'\n\t", '"', "&#34;"), "a&lt;b>&amp;&#34;'&#10;&#9;");
        assert_eq!(escaped("\"'", '\'', "&#39;"), "\"&#39;");
    }
}
