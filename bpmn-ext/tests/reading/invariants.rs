//! What holds for any bytes that are taken for a model.

use bpmn_ext::lint::{Language, Mistake, Surroundings, lint};
use bpmn_ext::write::{Dialect, convert, remove, set};
use bpmn_ext::{Diagnostic, Format};

/// A language in which nothing can be read, so that every text is asked for its place.
struct Nothing;

impl Language for Nothing {
    fn variables(&self, _: Format, text: &str) -> Result<Vec<String>, Mistake> {
        Err(Mistake { at: text.len() / 2..text.len(), problem: "is not read".to_owned() })
    }
}

/// Nothing panics, every place is in the file, and what is not asked to change does not.
pub(crate) fn for_any(bytes: &[u8]) {
    let (model, diagnostics) = bpmn_ext::read(bytes);
    places_are_inside(&diagnostics, bytes);
    let surroundings = Surroundings { language: Some(&Nothing), ..Surroundings::default() };
    places_are_inside(&lint(bytes, &surroundings), bytes);
    for dialect in [Dialect::Extension, Dialect::ProcessMaker] {
        let written = convert(bytes, dialect);
        places_are_inside(&written.diagnostics, bytes);
        let (after, _) = bpmn_ext::read(&written.file);
        assert_eq!(after.tasks.len(), model.tasks.len(), "{}", String::from_utf8_lossy(&written.file));
    }
    if let Some(task) = model.tasks.first() {
        if let Some(config) = task.config.as_object() {
            let handling = task.error_handling.as_ref().and_then(|handling| handling.as_object());
            let same = set(bytes, &task.element, Dialect::Extension, config, handling);
            let is_told = same.diagnostics.iter().any(|diagnostic| diagnostic.code == "not-written");
            let before = bpmn_ext::read(bytes).0;
            assert!(is_told || bpmn_ext::read(&same.file).0.tasks.len() == before.tasks.len());
        }
        drop(remove(bytes, &task.element));
    }
}

fn places_are_inside(diagnostics: &[Diagnostic], bytes: &[u8]) {
    for diagnostic in diagnostics {
        let position = diagnostic.position;
        assert!(position.start <= position.end && position.end <= bytes.len(), "{diagnostic}");
        let before = String::from_utf8_lossy(&bytes[..position.start]);
        assert_eq!(position.line, before.matches('\n').count() + 1, "{diagnostic}");
    }
}
