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
    /// The id of the element that it is about; `None` for what is wrong with the file itself.
    pub element: Option<String>,
    /// That element's name on the canvas.
    pub name: Option<String>,
    /// The part of the element's configuration that is wrong, the same in all dialects: `connector`, `resource`, `queue`,
    /// `timeout`, `inputs.<key>`, `outputs.<n>.variable` or `source`, `errors.<n>.when` or `code`, `retry.<member>`,
    /// `loop.list`; n counts from 0. `None` when none of these is.
    pub path: Option<String>,
    /// Edits that make it go away, where the right ones are known.
    pub fix: Option<Fix>,
}

/// Edits that make a diagnostic go away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fix {
    /// What they do, for a button.
    pub title: String,
    /// In the order in which they are to be made.
    pub edits: Vec<Edit>,
}

impl Fix {
    /// A fix of one edit.
    pub(crate) fn new(title: impl Into<String>, path: impl Into<String>, value: Option<String>) -> Self {
        Self { title: title.into(), edits: vec![Edit { path: path.into(), value }] }
    }

    /// Adds an edit.
    pub(crate) fn and(mut self, path: impl Into<String>, value: Option<String>) -> Self {
        self.edits.push(Edit { path: path.into(), value });
        self
    }
}

/// One change of an element's configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Edit {
    /// What is changed, as [`Diagnostic::path`].
    pub path: String,
    /// Its new text; `None` removes it, and of an output or an error mapping the whole row.
    pub value: Option<String>,
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
    /// In a box, since findings are also the errors of functions.
    place: Box<Place>,
}

/// What programs are told of a finding.
#[derive(Debug, Clone, Default)]
struct Place {
    /// `None` for the one that the report is about at the time.
    about: Option<About>,
    path: Option<String>,
    fix: Option<Fix>,
}

/// The element that a finding is about: its id and its name.
#[derive(Debug, Clone, Default)]
pub(crate) struct About {
    pub(crate) element: Option<String>,
    pub(crate) name: Option<String>,
}

impl Finding {
    /// A finding of severity error.
    pub(crate) fn error(code: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { code, severity: Severity::Error, message, help: None, place: Box::default() }
    }

    /// A finding of severity warning.
    pub(crate) fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// Adds what to change.
    pub(crate) fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    /// Says which element it is about.
    pub(crate) fn about(mut self, about: About) -> Self {
        self.place.about = Some(about);
        self
    }

    /// Says which part of the element's configuration is wrong.
    pub(crate) fn path(mut self, path: impl Into<Option<String>>) -> Self {
        self.place.path = path.into();
        self
    }

    /// Adds the edits that make it go away, if they are known.
    pub(crate) fn fix(mut self, fix: Option<Fix>) -> Self {
        self.place.fix = fix;
        self
    }

    /// The diagnostic at a position.
    pub(crate) fn at(self, position: Position) -> Diagnostic {
        let Self { code, severity, message, help, place } = self;
        let Place { about, path, fix } = *place;
        let About { element, name } = about.unwrap_or_default();
        // A thousand findings must not hold a thousand copies of a text that is as long as a file.
        let is_short = |text: &String| text.len() <= limits::QUOTED_BYTES;
        let fix = fix.filter(|fix| {
            let texts = fix.edits.iter().flat_map(|edit| edit.value.iter().chain([&edit.path]));
            texts.chain([&fix.title]).all(is_short)
        });
        let (element, name, path) = (element.filter(is_short), name.filter(is_short), path.filter(is_short));
        Diagnostic { code, severity, position, message, help, element, name, path, fix }
    }
}

/// The diagnostics of one file: at most [`limits::DIAGNOSTICS`], and one that says that there are more.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    source: Source<'a>,
    diagnostics: Vec<Diagnostic>,
    /// The byte of the text at which each error begins.
    errors: Vec<usize>,
    /// The element that findings are about unless they say otherwise.
    pub(crate) about: Option<About>,
    /// Estimated bytes of parsed JSON, against [`limits::JSON_MEMORY`].
    pub(crate) json_memory: usize,
}

impl<'a> Report<'a> {
    /// An empty report on a file.
    pub(crate) fn new(source: Source<'a>) -> Self {
        Self { source, diagnostics: Vec::new(), errors: Vec::new(), about: None, json_memory: 0 }
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
        let mut finding = finding;
        finding.place.about = finding.place.about.or_else(|| self.about.clone());
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
