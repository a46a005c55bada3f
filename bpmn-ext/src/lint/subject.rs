//! One connector element with its rows and its connector. Knows how to look these up; must not know any rule.

use std::ops::Range;

use super::context::{KnownConnector, KnownResource, LintContext};
use crate::model::{ConnectorTask, Dialect};
use crate::names::bare_resource;
use crate::rows::{InputKind, Rows};
use crate::spanned_text::SpannedText;
use crate::tree::Element;
use crate::{extension, processmaker, task, template};

pub(super) struct Subject<'e, 'a> {
    pub(super) element: &'e Element<'a>,
    pub(super) task: &'e ConnectorTask,
    pub(super) rows: Rows<'e, 'a>,
    /// The element in messages, in backquotes.
    pub(super) label: String,
    /// The connector that it names, if that is known.
    pub(super) connector: Option<KnownConnector>,
}

impl<'e, 'a> Subject<'e, 'a> {
    pub(super) fn new(element: &'e Element<'a>, task: &'e ConnectorTask, context: &LintContext<'_>) -> Self {
        let rows = match task.dialect {
            Dialect::ProcessMakerServiceTask | Dialect::ProcessMakerCallActivity => processmaker::rows(element),
            Dialect::Extension => extension::connectors(element).next().map(extension::rows).unwrap_or_default(),
            Dialect::Template => template::rows(element),
        };
        let connector = context.connectors.zip(rows.connector.as_ref());
        let connector = connector.and_then(|(connectors, name)| connectors.find(name.text().trim()));
        Self { element, task, rows, label: task::describe(element), connector }
    }

    /// The resource that it names, if that is known.
    pub(super) fn resource(&self) -> Option<&KnownResource> {
        let name = bare_resource(self.rows.resource.as_ref()?.text());
        self.connector.as_ref()?.resources.iter().find(|resource| resource.name == name)
    }

    /// Whether there is an input of this kind and key with a value.
    pub(super) fn has_input(&self, kind: InputKind, key: &str) -> bool {
        let mut rows = self.rows.inputs.iter().filter(|row| row.kind == kind);
        rows.any(|row| row.key.text() == key && !row.value.text().is_empty())
    }

    /// Where to report what is missing: at the name of the resource, else at the start tag.
    pub(super) fn span(&self) -> Range<usize> {
        self.rows.resource.as_ref().map_or_else(|| self.element.start_tag.clone(), SpannedText::span)
    }
}
