//! Models as designers and tools write them, through the public interface.

#![expect(clippy::unwrap_used, reason = "a test fails where a value is missing")]

mod cost;
mod diagnostics;
mod dialects;
mod encodings;
mod fixes;
mod forms;
mod hostile;
mod invariants;
mod large;
mod rules;
mod writing;

use std::path::Path;

use bpmn_ext::{Diagnostic, Model};
use serde_json::Value;

/// The text of a file in `tests/models`.
fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A model of `tests/models` without diagnostics.
fn clean(name: &str) -> Model {
    let (model, diagnostics) = bpmn_ext::read(&fixture(name));
    assert_eq!(lines(&diagnostics), Vec::<String>::new(), "{name}");
    model
}

/// A connector task as `inspect` prints it, without positions.
fn task(model: &Model, element: &str) -> Value {
    let task = model.tasks.iter().find(|task| task.element == element).unwrap_or_else(|| panic!("no {element}"));
    let mut value = serde_json::to_value(task).unwrap();
    value.as_object_mut().unwrap().remove("position");
    for event in value["boundaryErrors"].as_array_mut().unwrap() {
        event.as_object_mut().unwrap().remove("position");
    }
    value
}

/// Process and element of every connector task.
fn element_ids(model: &Model) -> Vec<(&str, &str)> {
    model.tasks.iter().map(|task| (task.process.as_str(), task.element.as_str())).collect()
}

/// Diagnostics as text.
fn lines(diagnostics: &[Diagnostic]) -> Vec<String> {
    diagnostics.iter().map(Diagnostic::to_string).collect()
}

/// The codes of diagnostics.
fn codes(diagnostics: &[Diagnostic]) -> Vec<&'static str> {
    diagnostics.iter().map(|diagnostic| diagnostic.code).collect()
}
