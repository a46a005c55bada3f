//! Invariants that hold for any bytes read as a model.

use bpmn_ext::lint::{Language, LintContext, TextError, lint};
use bpmn_ext::write::{Target, convert, remove, set};
use bpmn_ext::{Diagnostic, FileText, Format};

/// A language in which every text is an error, so that every span is computed.
struct AlwaysWrong;

impl Language for AlwaysWrong {
    fn variables(&self, _: Format, text: &str) -> Result<Vec<String>, TextError> {
        Err(TextError { span: text.len() / 2..text.len(), problem: "is wrong".to_owned() })
    }
}

/// Nothing panics, every position is inside the file, and no connector is lost by writing.
pub(crate) fn check(bytes: &[u8]) {
    let (model, diagnostics) = bpmn_ext::read(bytes);
    positions_are_inside(&diagnostics, bytes);
    let context = LintContext { language: Some(&AlwaysWrong), ..LintContext::default() };
    positions_are_inside(&lint(bytes, &context), bytes);
    for target in [Target::Extension, Target::ProcessMaker] {
        let written = convert(bytes, target);
        positions_are_inside(&written.diagnostics, bytes);
        let (after, _) = bpmn_ext::read(&written.file);
        assert_eq!(after.tasks.len(), model.tasks.len(), "{}", String::from_utf8_lossy(&written.file));
    }
    if let Some(task) = model.tasks.first() {
        if let Some(config) = task.config.as_object() {
            let handling = task.error_handling.as_ref().and_then(|handling| handling.as_object());
            let same = set(bytes, &task.element, Target::Extension, config, handling);
            let is_refused = same.diagnostics.iter().any(|diagnostic| diagnostic.code == "not-written");
            let before = bpmn_ext::read(bytes).0;
            assert!(is_refused || bpmn_ext::read(&same.file).0.tasks.len() == before.tasks.len());
        }
        drop(remove(bytes, &task.element));
    }
}

fn positions_are_inside(diagnostics: &[Diagnostic], bytes: &[u8]) {
    let file = FileText::of(bytes);
    for diagnostic in diagnostics {
        let position = diagnostic.position;
        assert!(position.start <= position.end && position.end <= bytes.len(), "{diagnostic}");
        let before = file.text().get(..file.range(position).start).unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        let expected = (before.matches('\n').count() + 1, line.chars().count() + 1);
        assert_eq!((position.line, position.column), expected, "{diagnostic}");
    }
}
