//! Rule 7: a template, an expression or a path has a syntax error. Knows the language of each text; must not know how a
//! language is parsed.

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
        let mut check_text =
            |format, text: &SpannedText<'_, '_>| check_text(language, format, text, &subject.label, sink);
        for row in &subject.rows.inputs {
            check_text(Format::Mustache, &row.key);
            // The format of headers is always mustache (COMPATIBILITY 4.5).
            check_text(if row.kind == InputKind::Header { Format::Mustache } else { row.format }, &row.value);
        }
        for row in &subject.rows.outputs {
            check_text(Format::Mustache, &row.variable);
            if let Some(source) = &row.source {
                check_text(row.format, source);
            }
        }
        for row in &subject.rows.errors {
            row.when.iter().for_each(|when| check_text(Format::Condition, when));
            row.message.iter().for_each(|message| check_text(Format::Mustache, message));
        }
        subject.rows.success.iter().for_each(|success| check_text(Format::Condition, success));
    }
}

fn check_text(
    language: &dyn Language,
    format: Format,
    text: &SpannedText<'_, '_>,
    label: &str,
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
        let message = format!("{label}: this {what} cannot be parsed: {}", error.problem);
        let help = "correct it; until then every job of this element fails with CONFIGURATION";
        sink.add(text.span_of(error.span), message, help);
    }
}
