//! Diagnostics of a file. Knows how they are formatted, ordered and limited; must not know what is right in BPMN.

use std::fmt;
use std::ops::Range;

use serde::Serialize;

use crate::limits;
use crate::position::{Position, Source};

/// How severe a diagnostic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Severity {
    /// An element runs, but probably not as intended.
    Warning,
    /// An element cannot run, or the file could not be read to its end.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// One problem of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Diagnostic {
    /// Stable, in kebab case.
    pub code: &'static str,
    /// How severe it is.
    pub severity: Severity,
    /// Where it is.
    pub position: Position,
    /// What happened, and to which element.
    pub message: String,
    /// What to change.
    pub help: Option<String>,
}

impl fmt::Display for Diagnostic {
    /// One line: `12:8: error[broken-config]: what happened (what to change)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Position { line, column, .. } = self.position;
        write!(f, "{line}:{column}: {}[{}]: {}", self.severity, self.code, self.message)?;
        self.help.as_ref().map_or(Ok(()), |help| write!(f, " ({help})"))
    }
}

/// A diagnostic without its position.
#[derive(Debug, Clone)]
pub(crate) struct Finding {
    code: &'static str,
    severity: Severity,
    pub(crate) message: String,
    help: Option<String>,
}

impl Finding {
    /// A finding of severity error.
    pub(crate) fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, severity: Severity::Error, message: message.into(), help: None }
    }

    /// A finding of severity warning.
    pub(crate) fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// Adds what to change.
    pub(crate) fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    /// The diagnostic at a position.
    pub(crate) fn at(self, position: Position) -> Diagnostic {
        let Self { code, severity, message, help } = self;
        Diagnostic { code, severity, position, message, help }
    }
}

/// The diagnostics of one file: at most [`limits::DIAGNOSTICS`], and one that says that there are more.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    source: Source<'a>,
    diagnostics: Vec<Diagnostic>,
    /// The byte of the text at which each error begins.
    errors: Vec<usize>,
    /// Estimated bytes of parsed JSON, against [`limits::JSON_MEMORY`].
    pub(crate) json_memory: usize,
}

impl<'a> Report<'a> {
    /// An empty report on a file.
    pub(crate) fn new(source: Source<'a>) -> Self {
        Self { source, diagnostics: Vec::new(), errors: Vec::new(), json_memory: 0 }
    }

    /// The text of the file.
    pub(crate) fn text(&self) -> &'a str {
        self.source.text()
    }

    /// The position of a range of bytes of the text.
    pub(crate) fn position(&self, range: Range<usize>) -> Position {
        self.source.position(range)
    }

    /// The range of bytes of the text at a position.
    pub(crate) fn range(&self, position: Position) -> Range<usize> {
        self.source.range(position)
    }

    /// Adds a finding about a range of bytes of the text.
    pub(crate) fn add(&mut self, range: Range<usize>, finding: Finding) {
        let finding = match self.diagnostics.len() {
            ..limits::DIAGNOSTICS => finding,
            limits::DIAGNOSTICS => too_many(),
            _ => return,
        };
        if finding.severity == Severity::Error {
            self.errors.push(range.start.min(self.text().len()));
        }
        self.diagnostics.push(finding.at(self.source.position(range)));
    }

    /// Whether further findings are dropped.
    pub(crate) fn is_full(&self) -> bool {
        self.diagnostics.len() > limits::DIAGNOSTICS
    }

    /// Whether there is an error that begins within a range of bytes of the text.
    pub(crate) fn has_errors(&self, within: Range<usize>) -> bool {
        self.errors.iter().any(|start| within.contains(start))
    }

    /// All diagnostics in the order of the file.
    pub(crate) fn finish(mut self) -> Vec<Diagnostic> {
        self.diagnostics.sort_by_key(|diagnostic| diagnostic.position.start);
        self.diagnostics
    }
}

fn too_many() -> Finding {
    Finding::error(
        "too-many-diagnostics",
        format!("more than {} findings; the others are not reported", limits::DIAGNOSTICS),
    )
    .help("fix these and read the file again")
}

/// The longest quotation in a message, in characters.
const MAX_QUOTED_CHARS: usize = 120;

/// A text of the file for a message: on one line, of limited length, in backquotes.
pub(crate) fn quote(text: &str) -> String {
    let mut quoted: String =
        text.chars().take(MAX_QUOTED_CHARS).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(MAX_QUOTED_CHARS).is_some() {
        quoted.push('…');
    }
    format!("`{quoted}`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::FileText;

    #[test]
    fn a_diagnostic_is_one_line() {
        let position = Position { line: 12, column: 8, start: 0, end: 0 };
        let finding = Finding::error("broken-config", format!("{} is broken", quote("a\nb")));
        assert_eq!(finding.at(position).to_string(), "12:8: error[broken-config]: `a\u{fffd}b` is broken");
        let finding = Finding::warning("x", "why").help("do this");
        assert_eq!(finding.at(position).to_string(), "12:8: warning[x]: why (do this)");
    }

    #[test]
    fn long_text_is_cut_in_quotations() {
        assert_eq!(quote(&"ä".repeat(MAX_QUOTED_CHARS)), format!("`{}`", "ä".repeat(MAX_QUOTED_CHARS)));
        assert_eq!(quote(&"ä".repeat(MAX_QUOTED_CHARS + 1)), format!("`{}…`", "ä".repeat(MAX_QUOTED_CHARS)));
    }

    #[test]
    fn a_report_is_limited_and_in_order() {
        let text = "x".repeat(limits::DIAGNOSTICS + 9);
        let file = FileText::of(text.as_bytes());
        let mut report = Report::new(Source::new(&file));
        for at in (0..text.len()).rev() {
            report.add(at..at, Finding::error("e", ""));
        }
        let all = report.finish();
        assert_eq!(all.len(), limits::DIAGNOSTICS + 1);
        assert_eq!(all.first().map(|d| d.code), Some("too-many-diagnostics"));
        assert!(all.is_sorted_by_key(|d| d.position.start));
    }
}
