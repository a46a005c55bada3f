//! Writes into models: what is configured is set, changed, removed or spelled otherwise, and every other byte stays.
//!
//! Knows where in a file a configuration belongs; reading it is the spellings' own affair.

mod edits;
mod part;
mod place;
mod reconcile;

use std::ops::Range;

use serde_json::{Map, Value};

use crate::diagnostic::{Diagnostic, Finding, Report, quote};
use crate::model::{ConnectorTask, Spelling};
use crate::position::Source;
use crate::task;

use edits::Edits;
use place::Place;

/// How a configuration can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `pm:config` and `pm:errorHandling` (sheet 1.2-1.5).
    ProcessMaker,
    /// `dataConnector` of `urn:data-connector:bpmn:1` (CONTRACT 5).
    Extension,
}

/// A file, changed as far as that was possible, and what there is to say about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// All of it; untouched where there is an error about the whole file.
    pub file: Vec<u8>,
    /// What reading found, and what could not be done: in the order of the file.
    pub diagnostics: Vec<Diagnostic>,
}

/// Configures an element: one that is a connector in its own spelling, any other service or send task in `dialect`.
///
/// Only what differs is touched: in our extension single attributes and rows, in ProcessMaker's spelling the two attributes.
/// A configuration that its spelling has no words for is an error of code `not-written`, and nothing is changed.
pub fn set(
    file: &(impl AsRef<[u8]> + ?Sized),
    element: &str,
    dialect: Dialect,
    config: &Map<String, Value>,
    error_handling: Option<&Map<String, Value>>,
) -> Written {
    change(file.as_ref(), "not-written", |sheet, places| {
        let named = || places.iter().filter(|place| place.id() == element);
        // Where an id is given twice, the one that already is a connector is meant.
        let Some(place) = named().find(|place| place.task.is_some()).or_else(|| named().next()) else {
            return sheet.refuse(0..0, format!("the file has no element {} that can be a connector", quote(element)));
        };
        let dialect = match place.task.map(|task| task.spelling) {
            None => dialect,
            Some(Spelling::Extension) => Dialect::Extension,
            Some(Spelling::ProcessMakerServiceTask | Spelling::ProcessMakerCallActivity) => Dialect::ProcessMaker,
            Some(Spelling::Template) => {
                return sheet.refuse_at(place, "an element template wrote it, and its modeler has to change it");
            }
        };
        match place.write(&mut sheet.edits, dialect, config, error_handling) {
            Ok(()) => sheet.tell_changes(place, dialect, config),
            Err(why) => sheet.refuse_at(place, &why),
        }
    })
}

/// Makes a connector an ordinary element again; everything else about it stays.
pub fn remove(file: &(impl AsRef<[u8]> + ?Sized), element: &str) -> Written {
    change(file.as_ref(), "not-written", |sheet, places| {
        let Some(place) = places.iter().find(|place| place.id() == element && place.task.is_some()) else {
            return sheet.refuse(0..0, format!("the file has no connector {}", quote(element)));
        };
        if let Err(why) = place.erase(&mut sheet.edits) {
            sheet.refuse_at(place, &why);
        }
    })
}

/// Spells every connector of a file in another way. One that the other spelling has no words for stays as it is, and an error
/// of code `not-converted` says why.
pub fn convert(file: &(impl AsRef<[u8]> + ?Sized), to: Dialect) -> Written {
    change(file.as_ref(), "not-converted", |sheet, places| {
        for place in places {
            let Some(task) = place.task else { continue };
            let is_there = match task.spelling {
                Spelling::Extension => to == Dialect::Extension,
                Spelling::Template => false,
                Spelling::ProcessMakerServiceTask | Spelling::ProcessMakerCallActivity => to == Dialect::ProcessMaker,
            };
            if !is_there && let Err(why) = sheet.convert(place, task, to) {
                sheet.refuse_at(place, &format!("it stays as it is: {why}"));
            }
        }
    })
}

/// Reads a file, lets it be changed, and writes it.
fn change(file: &[u8], code: &'static str, with: impl FnOnce(&mut Sheet<'_, '_>, &[Place<'_, '_>])) -> Written {
    let mut report = Report::new(Source::new("", 0));
    let root = crate::tree(file, &mut report);
    let text = report.text();
    // What could not be read to its end is not written to.
    let Some(root) = root.filter(|_| !report.has_errors(0..text.len() + 1)) else {
        return Written { file: file.to_vec(), diagnostics: report.finish() };
    };
    let (model, elements) = task::model(&root, &mut report);
    let places = Place::all(&root, &elements, &model.tasks);
    let mut sheet = Sheet { code, report: &mut report, edits: Edits::of(text) };
    with(&mut sheet, &places);
    let changed = sheet.edits.apply();
    let mark = file.get(..file.len() - text.len()).unwrap_or_default();
    Written { file: [mark, changed.as_bytes()].concat(), diagnostics: report.finish() }
}

/// Changes to a file, and what could not be changed.
struct Sheet<'r, 'a> {
    /// Of what could not be done.
    code: &'static str,
    report: &'r mut Report<'a>,
    edits: Edits<'a>,
}

impl Sheet<'_, '_> {
    fn convert(&mut self, place: &Place<'_, '_>, task: &ConnectorTask, to: Dialect) -> Result<(), String> {
        let element = place.element();
        if self.report.has_errors(element.whole()) {
            return Err("correct its errors first".to_owned());
        }
        let object = |value: &Value| value.as_object().cloned().ok_or("its configuration is not JSON");
        let config = object(&task.config)?;
        let handling = task.error_handling.as_ref().map(object).transpose()?;
        place.convert(&mut self.edits, to, &config, handling.as_ref())?;
        self.tell_changes(place, to, &config);
        Ok(())
    }

    /// What is lost although the element works.
    fn tell_changes(&mut self, place: &Place<'_, '_>, to: Dialect, config: &Map<String, Value>) {
        let element = place.element();
        let is_empty = |list: &Value| list.as_array().is_some_and(Vec::is_empty);
        if to == Dialect::Extension && config.get("outboundConfig").is_some_and(is_empty) {
            let message = "an empty list of inputs cannot be said there: all headers of the resource are sent, \
                not only its required ones";
            self.warn(place, message, "name the headers that shall not be sent, or correct the resource");
        }
        let old = self.edits.text().get(element.whole()).unwrap_or_default();
        if to == Dialect::ProcessMaker && place.is_extension() && old.contains("<!--") {
            self.warn(place, "comments inside of dataConnector are lost", "write them elsewhere");
        }
    }

    fn warn(&mut self, place: &Place<'_, '_>, message: &str, help: &str) {
        let message = format!("{}: {message}", task::describe(place.element()));
        self.report.add(place.element().span.clone(), Finding::warning("lost-in-writing", message).help(help));
    }

    fn refuse_at(&mut self, place: &Place<'_, '_>, why: &str) {
        self.refuse(place.element().span.clone(), format!("{}: {why}", task::describe(place.element())));
    }

    fn refuse(&mut self, at: Range<usize>, message: String) {
        self.report.add(at, Finding::error(self.code, message));
    }
}
