//! Findings for people: the line of the file, what is wrong in it, and what to change.

use std::io::IsTerminal;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use bpmn_ext::{Diagnostic, FileText, Severity};

use super::Checked;
use crate::cli::output;
use crate::telemetry::printable::{Lines, in_place, printable};

/// Columns where nobody says how many there are.
const WIDTH: usize = 120;

/// Prints all findings, in colour where a person sees them.
pub(super) fn print(checked: &[Checked<'_>]) {
    let is_coloured = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|no| no.is_empty());
    let renderer = if is_coloured { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.term_width(terminal_size::terminal_size().map_or(WIDTH, |(width, _)| width.0.into()));
    for file in checked {
        let text = FileText::of(&file.bytes);
        for diagnostic in &file.found {
            output::colored(&format!("{}\n", rendered(&renderer, file, &text, diagnostic)));
        }
    }
}

fn rendered(renderer: &Renderer, file: &Checked<'_>, text: &FileText<'_>, diagnostic: &Diagnostic) -> String {
    let path = printable(&file.file.display().to_string(), Lines::Escaped).into_owned();
    let span = text.range(diagnostic.position);
    let (line, from) = line_of(text.text(), span.start);
    let start = span.start.saturating_sub(from).min(line.len());
    // What goes over the end of its line is shown to there: the first line of a tag says which one it is.
    let end = span.end.saturating_sub(from).clamp(start, line.len());
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let line = in_place(line);
    let snippet = Snippet::source(line.as_ref())
        .line_start(diagnostic.position.line)
        .path(&path)
        .annotation(AnnotationKind::Primary.span(start..end));
    let message = printable(&diagnostic.message, Lines::Kept);
    let group = level.primary_title(message).id(diagnostic.code).element(snippet);
    let group = match &diagnostic.help {
        Some(help) => group.element(Level::HELP.message(printable(help, Lines::Kept))),
        None => group,
    };
    renderer.render(&[group])
}

/// The line that holds a byte of a text, and its first byte.
fn line_of(text: &str, at: usize) -> (&str, usize) {
    let (before, after) = text.split_at_checked(at).unwrap_or((text, ""));
    let from = before.rfind('\n').map_or(0, |newline| newline + 1);
    let end = before.len() + after.find(['\n', '\r']).unwrap_or(after.len());
    (text.get(from..end).unwrap_or_default(), from)
}
