//! Findings for people: the line of the file, what is wrong in it, and what to change.

use std::io::IsTerminal;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use bpmn_ext::{Diagnostic, Severity};

use super::Checked;
use crate::cli::output;
use crate::telemetry::printable::{Lines, printable};

/// Columns where nobody says how many there are.
const WIDTH: usize = 120;

/// Prints all findings, in colour where a person sees them.
pub(super) fn print(checked: &[Checked<'_>]) {
    let is_coloured = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|no| no.is_empty());
    let renderer = if is_coloured { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.term_width(terminal_size::terminal_size().map_or(WIDTH, |(width, _)| width.0.into()));
    for file in checked {
        for diagnostic in &file.found {
            output::colored(&format!("{}\n", rendered(&renderer, file, diagnostic)));
        }
    }
}

fn rendered(renderer: &Renderer, file: &Checked<'_>, diagnostic: &Diagnostic) -> String {
    let path = file.file.display().to_string();
    let (line, from) = line_of(&file.bytes, diagnostic.position.start);
    let start = diagnostic.position.start.saturating_sub(from).min(line.len());
    // What goes over the end of its line is shown to there: the first line of a tag says which one it is.
    let end = diagnostic.position.end.saturating_sub(from).clamp(start, line.len());
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let snippet = Snippet::source(line.as_str())
        .line_start(diagnostic.position.line)
        .path(&path)
        .annotation(AnnotationKind::Primary.span(start..end));
    let message = printable(&diagnostic.message, Lines::Kept);
    let group = level.primary_title(message).id(diagnostic.code).element(snippet);
    let group = match &diagnostic.help {
        Some(help) => group.element(Level::HELP.message(help)),
        None => group,
    };
    renderer.render(&[group])
}

/// The line that holds a byte, and its first byte; bytes that are no text are shown as such, at the same width.
fn line_of(bytes: &[u8], at: usize) -> (String, usize) {
    let at = at.min(bytes.len());
    let (before, after) = bytes.split_at(at);
    let from = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    let end = at + after.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(after.len());
    let line = bytes.get(from..end).unwrap_or_default();
    let text = std::str::from_utf8(line).map_or_else(
        |_| line.iter().map(|byte| if byte.is_ascii() { char::from(*byte) } else { '?' }).collect(),
        ToOwned::to_owned,
    );
    (text, from)
}
