//! Changes connectors in a file: sets, removes or converts a configuration, and leaves every other byte as it is. Knows where
//! in a file a configuration belongs; must not know how a dialect is read.

mod activity;
mod edits;
mod part;
mod reconcile;

use std::ops::Range;

use serde_json::{Map, Value};

use crate::diagnostic::{Diagnostic, Finding, Report, quote};
use crate::encoding::FileText;
use crate::model::{ConnectorTask, Dialect};
use crate::position::Source;
use crate::task;

use activity::Activity;
use edits::{Edits, Piece};

/// A dialect that can be written; templates are written by their modelers only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// `pm:config` and `pm:errorHandling` (COMPATIBILITY 1.2-1.5).
    ProcessMaker,
    /// `dataConnector` of `urn:data-connector:bpmn:1` (CONTRACT 5).
    Extension,
}

/// The changed file, and the diagnostics of reading and changing it.
#[derive(Debug, Clone, PartialEq)]
pub struct WriteResult {
    /// All bytes of it; unchanged if the file could not be read to its end.
    pub file: Vec<u8>,
    /// What reading found and what could not be changed, in the order of the file.
    pub diagnostics: Vec<Diagnostic>,
}

/// Configures an element: a connector in the dialect that it has, any other service or send task in `target`.
///
/// Only what differs is changed: in our extension single attributes and rows, in ProcessMaker's dialect the two attributes.
/// A configuration that the dialect cannot represent is an error of code `not-written`, and nothing is changed.
pub fn set(
    file: &(impl AsRef<[u8]> + ?Sized),
    element: &str,
    target: Target,
    config: &Map<String, Value>,
    error_handling: Option<&Map<String, Value>>,
) -> WriteResult {
    change(file.as_ref(), "not-written", |editor, activities| {
        let named = || activities.iter().filter(|activity| activity.id() == element);
        // Of elements with the same id, one that is a connector already comes first.
        let Some(activity) = named().find(|activity| activity.task.is_some()).or_else(|| named().next()) else {
            return editor.refuse(0..0, format!("the file has no element {} that can be a connector", quote(element)));
        };
        let target = match activity.task.map(|task| task.dialect) {
            None => target,
            Some(Dialect::Extension) => Target::Extension,
            Some(Dialect::ProcessMakerServiceTask | Dialect::ProcessMakerCallActivity) => Target::ProcessMaker,
            Some(Dialect::Template) => {
                return editor.refuse_at(activity, "an element template wrote it, and its modeler has to change it");
            }
        };
        match activity.write(&mut editor.edits, target, config, error_handling) {
            Ok(()) => editor.warn_of_losses(activity, target, config),
            Err(why) => editor.refuse_at(activity, &why),
        }
    })
}

/// Removes the configuration of a connector; the element itself stays.
pub fn remove(file: &(impl AsRef<[u8]> + ?Sized), element: &str) -> WriteResult {
    change(file.as_ref(), "not-written", |editor, activities| {
        let Some(activity) = activities.iter().find(|activity| activity.id() == element && activity.task.is_some())
        else {
            return editor.refuse(0..0, format!("the file has no connector {}", quote(element)));
        };
        if let Err(why) = activity.erase(&mut editor.edits) {
            editor.refuse_at(activity, &why);
        }
    })
}

/// Converts every connector of a file to another dialect. One that this dialect cannot represent is left unchanged, and an
/// error of code `not-converted` says why.
pub fn convert(file: &(impl AsRef<[u8]> + ?Sized), to: Target) -> WriteResult {
    change(file.as_ref(), "not-converted", |editor, activities| {
        for activity in activities {
            let Some(task) = activity.task else { continue };
            let is_converted = match task.dialect {
                Dialect::Extension => to == Target::Extension,
                Dialect::Template => false,
                Dialect::ProcessMakerServiceTask | Dialect::ProcessMakerCallActivity => to == Target::ProcessMaker,
            };
            if !is_converted && let Err(why) = editor.convert(activity, task, to) {
                editor.refuse_at(activity, &format!("left unchanged: {why}"));
            }
        }
    })
}

/// Reads a file, collects the edits of `with`, and applies them.
fn change(file: &[u8], code: &'static str, with: impl FnOnce(&mut Editor<'_, '_>, &[Activity<'_, '_>])) -> WriteResult {
    let source = FileText::of(file);
    let mut report = Report::new(Source::new(&source));
    let root = crate::tree(&source, &mut report);
    let text = source.text();
    // A file that could not be read to its end is not changed.
    let Some(root) = root.filter(|_| !report.has_errors(0..text.len() + 1)) else {
        return WriteResult { file: file.to_vec(), diagnostics: report.finish() };
    };
    let (model, elements) = task::model(&root, &mut report);
    let activities = Activity::all(&root, &elements, &model.tasks);
    let mut editor = Editor { code, report: &mut report, edits: Edits::of(text) };
    with(&mut editor, &activities);
    let mut changed = source.byte_order_mark().to_vec();
    for piece in editor.edits.apply() {
        match piece {
            Piece::Old(span) => changed.extend_from_slice(source.bytes(span)),
            Piece::New(text) => source.encode(&text, &mut changed),
        }
    }
    WriteResult { file: changed, diagnostics: report.finish() }
}

/// The edits of one file, and the report of what could not be changed.
struct Editor<'r, 'a> {
    /// The code of diagnostics about what could not be changed.
    code: &'static str,
    report: &'r mut Report<'a>,
    edits: Edits<'a>,
}

impl Editor<'_, '_> {
    fn convert(&mut self, activity: &Activity<'_, '_>, task: &ConnectorTask, to: Target) -> Result<(), String> {
        let element = activity.element();
        if self.report.has_errors(element.full_span()) {
            return Err("correct its errors first".to_owned());
        }
        let object = |value: &Value| value.as_object().cloned().ok_or("its configuration is not JSON");
        let config = object(&task.config)?;
        let handling = task.error_handling.as_ref().map(object).transpose()?;
        activity.convert(&mut self.edits, to, &config, handling.as_ref())?;
        self.warn_of_losses(activity, to, &config);
        Ok(())
    }

    /// Warns of what is lost although the element works.
    fn warn_of_losses(&mut self, activity: &Activity<'_, '_>, to: Target, config: &Map<String, Value>) {
        let element = activity.element();
        let is_empty = |list: &Value| list.as_array().is_some_and(Vec::is_empty);
        if to == Target::Extension && config.get("outboundConfig").is_some_and(is_empty) {
            let message = "dataConnector cannot represent an empty list of inputs: all headers of the resource are \
                sent, not only its required ones";
            self.warn(activity, message, "name the headers that must not be sent, or correct the resource");
        }
        let old = self.edits.text().get(element.full_span()).unwrap_or_default();
        if to == Target::ProcessMaker && activity.is_extension() && old.contains("<!--") {
            self.warn(activity, "comments inside dataConnector are lost", "move them out of the element first");
        }
    }

    fn warn(&mut self, activity: &Activity<'_, '_>, message: &str, help: &str) {
        let message = format!("{}: {message}", task::describe(activity.element()));
        self.report.add(activity.element().start_tag.clone(), Finding::warning("lost-in-writing", message).help(help));
    }

    fn refuse_at(&mut self, activity: &Activity<'_, '_>, why: &str) {
        self.refuse(activity.element().start_tag.clone(), format!("{}: {why}", task::describe(activity.element())));
    }

    fn refuse(&mut self, at: Range<usize>, message: String) {
        self.report.add(at, Finding::error(self.code, message));
    }
}
