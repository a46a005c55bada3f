//! Findings as SARIF 2.1.0 (OASIS), which code review tools show next to the lines they are about.

use std::path::Path;

use bpmn_ext::lint::{RULES, Rule};
use bpmn_ext::{Diagnostic, FileText};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Value, json};

use super::Checked;

/// What a path cannot hold in a URI reference (RFC 3986, 3.3).
const OUTSIDE_OF_PATHS: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}')
    .add(b':');

/// One run over all files.
pub(super) fn log(checked: &[Checked<'_>]) -> Value {
    let results = checked.iter().flat_map(|file| {
        let text = FileText::of(&file.bytes);
        file.found.iter().map(move |found| result(file, &text, found))
    });
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "data-connector",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": RULES.map(rule),
            }},
            "columnKind": "unicodeCodePoints",
            "results": results.collect::<Vec<_>>(),
        }],
    })
}

fn rule(rule: &Rule) -> Value {
    json!({
        "id": rule.name,
        "shortDescription": {"text": rule.summary},
        "help": {"text": rule.page, "markdown": rule.page},
        "defaultConfiguration": {"level": rule.severity},
    })
}

fn result(file: &Checked<'_>, source: &FileText<'_>, found: &Diagnostic) -> Value {
    let text = match &found.help {
        Some(help) => format!("{} ({help})", found.message),
        None => found.message.clone(),
    };
    let (end_line, end_column) = end(source, found);
    let mut result = json!({
        "ruleId": found.code,
        "level": found.severity,
        "message": {"text": text},
        "locations": [{"physicalLocation": {
            "artifactLocation": {"uri": uri(file.file)},
            "region": {
                "startLine": found.position.line, "startColumn": found.position.column,
                "endLine": end_line, "endColumn": end_column,
            },
        }}],
    });
    if let Some(index) = RULES.iter().position(|rule| rule.name == found.code) {
        result["ruleIndex"] = json!(index);
    }
    result
}

/// Line and column behind the last character.
fn end(source: &FileText<'_>, found: &Diagnostic) -> (usize, usize) {
    let spanned = source.text().get(source.range(found.position)).unwrap_or_default();
    match spanned.rsplit_once('\n') {
        None => (found.position.line, found.position.column + spanned.chars().count()),
        Some((before, last)) => (found.position.line + before.matches('\n').count() + 1, last.chars().count() + 1),
    }
}

/// A relative path stays one: tools resolve it against the repository.
fn uri(path: &Path) -> String {
    let path = path.display().to_string();
    let encoded = utf8_percent_encode(&path, OUTSIDE_OF_PATHS).to_string();
    if path.starts_with('/') { format!("file://{encoded}") } else { encoded }
}
