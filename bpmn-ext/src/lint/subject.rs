//! One connector element with everything that rules ask about it.

use std::ops::Range;

use super::surroundings::{KnownConnector, KnownResource, Surroundings};
use crate::diagnostic::quote;
use crate::model::{ConnectorTask, Spelling};
use crate::names::bare_resource;
use crate::rows::{Kind, Rows};
use crate::tree::Element;
use crate::written::Written;
use crate::{extension, processmaker, task, template};

pub(super) struct Subject<'e, 'a> {
    pub(super) element: &'e Element<'a>,
    pub(super) task: &'e ConnectorTask,
    pub(super) rows: Rows<'e, 'a>,
    /// The element as people know it, in backquotes.
    pub(super) label: String,
    /// The connector that it names, where connectors can be looked up and it is there.
    pub(super) connector: Option<KnownConnector>,
}

impl<'e, 'a> Subject<'e, 'a> {
    pub(super) fn new(element: &'e Element<'a>, task: &'e ConnectorTask, surroundings: &Surroundings<'_>) -> Self {
        let rows = match task.spelling {
            Spelling::ProcessMakerServiceTask | Spelling::ProcessMakerCallActivity => processmaker::rows(element),
            Spelling::Extension => extension::connectors(element).next().map(extension::rows).unwrap_or_default(),
            Spelling::Template => template::rows(element),
        };
        let connector = surroundings.connectors.zip(rows.connector.as_ref());
        let connector = connector.and_then(|(connectors, name)| connectors.find(name.text().trim()));
        Self { element, task, rows, label: task::describe(element), connector }
    }

    /// The resource that it names, where that is known.
    pub(super) fn resource(&self) -> Option<&KnownResource> {
        let name = bare_resource(self.rows.resource.as_ref()?.text());
        self.connector.as_ref()?.resources.iter().find(|resource| resource.name == name)
    }

    /// Whether an input of this kind and key has a value.
    pub(super) fn gives(&self, kind: Kind, key: &str) -> bool {
        let mut rows = self.rows.inputs.iter().filter(|row| row.kind == kind);
        rows.any(|row| row.key.text() == key && !row.value.text().is_empty())
    }

    /// Where to show what is missing: the resource, else the start tag.
    pub(super) fn place(&self) -> Range<usize> {
        self.rows.resource.as_ref().map_or_else(|| self.element.span.clone(), Written::place)
    }
}

/// `; did you mean X?`, or what there is.
pub(super) fn suggestion(wrong: &str, known: &[String]) -> String {
    let alike = |name: &&String| name.eq_ignore_ascii_case(wrong) || distance(name, wrong) <= 2;
    match known.iter().find(alike) {
        Some(name) => format!("did you mean {}?", quote(name)),
        None if known.is_empty() => "there is none".to_owned(),
        None => format!("there are {}", known.iter().take(12).map(|name| quote(name)).collect::<Vec<_>>().join(", ")),
    }
}

/// Characters of a name that are compared: the distance takes time in proportion to the product of both lengths.
const COMPARED_CHARS: usize = 64;

/// The Levenshtein distance between the beginnings of two names.
fn distance(a: &str, b: &str) -> usize {
    let beginning = |text: &str| text.chars().take(COMPARED_CHARS).collect::<String>();
    strsim::levenshtein(&beginning(a), &beginning(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_nearly_right_is_suggested() {
        let known = ["Rates".to_owned(), "Customers".to_owned()];
        assert_eq!(suggestion("rates", &known), "did you mean `Rates`?");
        assert_eq!(suggestion("Raets", &known), "did you mean `Rates`?");
        assert_eq!(suggestion("Mail", &known), "there are `Rates`, `Customers`");
        assert_eq!(suggestion("Mail", &[]), "there is none");
    }
}
