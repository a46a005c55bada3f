//! Rule 7: a template, an expression or a path has a syntax error. Knows the language of each text; must not know how a
//! language is parsed.

use std::iter;

use super::subject::Subject;
use super::{Language, Rule, RuleInput, RuleSink};
use crate::diagnostic::Severity;
use crate::rows::{Format, InputKind};
use crate::spanned_text::SpannedText;

pub(super) const RULE: Rule = Rule {
    number: 7,
    name: "unparsable-text",
    severity: Severity::Error,
    summary: "Every template, expression and path can be parsed.",
    page: include_str!("../../rules/07-unparsable-text.md"),
    check,
};

fn check(input: &RuleInput<'_, '_>, sink: &mut RuleSink<'_, '_>) {
    let Some(language) = input.context.language else { return };
    for subject in &input.subjects {
        for (path, format, text) in texts(subject) {
            check_text(language, subject, (path, format, text), sink);
        }
    }
}

/// Where a text stands, how it is parsed, and the text.
type Text<'s, 'e, 'a> = (Option<String>, Format, &'s SpannedText<'e, 'a>);

/// All texts of an element that are parsed.
fn texts<'s, 'e, 'a>(subject: &'s Subject<'e, 'a>) -> impl Iterator<Item = Text<'s, 'e, 'a>> {
    let inputs = subject.rows.inputs.iter().flat_map(|row| {
        // The format of headers is always mustache (COMPATIBILITY 4.5).
        let format = if row.kind == InputKind::Header { Format::Mustache } else { row.format };
        [(Some(row.path()), Format::Mustache, &row.key), (Some(row.path()), format, &row.value)]
    });
    let outputs = subject.rows.outputs.iter().flat_map(|row| {
        let variable = (Some(row.path("variable")), Format::Mustache, &row.variable);
        iter::once(variable).chain(row.source.as_ref().map(|source| (Some(row.path("source")), row.format, source)))
    });
    let errors = subject.rows.errors.iter().flat_map(|row| {
        let when = row.when.as_ref().map(|when| (Some(row.path("when")), Format::Condition, when));
        when.into_iter().chain(row.message.as_ref().map(|message| (None, Format::Mustache, message)))
    });
    let success = subject.rows.success.iter().map(|success| (None, Format::Condition, success));
    inputs.chain(outputs).chain(errors).chain(success)
}

fn check_text(
    language: &dyn Language,
    subject: &Subject<'_, '_>,
    (path, format, text): Text<'_, '_, '_>,
    sink: &mut RuleSink<'_, '_>,
) {
    if sink.is_full() {
        return;
    }
    if let Err(error) = language.variables(format, text.text()) {
        let what = match format {
            Format::Mustache => "template",
            Format::Path => "path",
            Format::Feel | Format::Jmespath => "expression",
            Format::Condition => "condition",
        };
        let label = &subject.label;
        let message = format!("{label}: this {what} cannot be parsed: {}", error.problem);
        let help = "correct it; until then every job of this element fails with CONFIGURATION";
        let finding = sink.finding(message, help).path(path);
        sink.add(subject, text.span_of(error.span), finding);
    }
}
