//! A template, an expression or a path that cannot be read, with the place inside of it.

use super::{Found, Language, Lint, Rule};
use crate::diagnostic::Severity;
use crate::rows::{Format, Kind};
use crate::written::Written;

pub(super) const RULE: Rule = Rule {
    number: 7,
    name: "unparsable-text",
    severity: Severity::Error,
    summary: "Every template, expression and path can be read.",
    page: include_str!("../../rules/07-unparsable-text.md"),
    check,
};

fn check(lint: &Lint<'_, '_>, found: &mut Found<'_, '_>) {
    let Some(language) = lint.surroundings.language else { return };
    for subject in &lint.subjects {
        let mut judge = |format, text: &Written<'_, '_>| judge(language, format, text, &subject.label, found);
        for row in &subject.rows.inputs {
            judge(Format::Mustache, &row.key);
            // Headers are mustache, whatever they say (sheet 4.5).
            judge(if row.kind == Kind::Header { Format::Mustache } else { row.format }, &row.value);
        }
        for row in &subject.rows.outputs {
            judge(Format::Mustache, &row.variable);
            if let Some(source) = &row.source {
                judge(row.format, source);
            }
        }
        for row in &subject.rows.errors {
            row.when.iter().for_each(|when| judge(Format::Condition, when));
            row.message.iter().for_each(|message| judge(Format::Mustache, message));
        }
        subject.rows.success.iter().for_each(|success| judge(Format::Condition, success));
    }
}

fn judge(language: &dyn Language, format: Format, text: &Written<'_, '_>, label: &str, found: &mut Found<'_, '_>) {
    if found.is_full() {
        return;
    }
    if let Err(mistake) = language.variables(format, text.text()) {
        let what = match format {
            Format::Mustache => "template",
            Format::Path => "path",
            Format::Feel | Format::Jmespath => "expression",
            Format::Condition => "condition",
        };
        let message = format!("{label}: this {what} cannot be read: {}", mistake.problem);
        let help = "correct it; until then every job of this element fails with CONFIGURATION";
        found.add(text.place_of(mistake.at), message, help);
    }
}
