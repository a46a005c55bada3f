//! Rule 3: an input has no effect, since the resource does not use its key (COMPATIBILITY 4.4, 4.5). Knows the keys that a
//! resource uses; must not know their values.

use super::subject::Subject;
use super::suggestion::{near, suggestion};
use super::{KnownResource, Rule, RuleInput, RuleSink};
use crate::diagnostic::{Fix, Severity, quote};
use crate::rows::{Format, Input, InputKind, input_path};

pub(super) const RULE: Rule = Rule {
    number: 3,
    name: "undeclared-key",
    severity: Severity::Warning,
    summary: "An input's key is declared by the resource, or read by its URL or body.",
    page: include_str!("../../rules/03-undeclared-key.md"),
    check,
};

fn check(input: &RuleInput<'_, '_>, sink: &mut RuleSink<'_, '_>) {
    for subject in &input.subjects {
        let Some(resource) = subject.resource() else { continue };
        for row in &subject.rows.inputs {
            let Some(known) = used_keys(resource, row.kind) else { continue };
            let key = row.key.text();
            if sink.is_full() {
                return;
            }
            // A key may itself be a template.
            if known.iter().any(|name| name == key) || key.contains("{{") {
                continue;
            }
            let (what, verb) = match row.kind {
                InputKind::Body => ("the body", "does"),
                _ => ("the URL and the declared parameters", "do"),
            };
            let (label, quoted_key, name) = (&subject.label, quote(key), quote(&resource.name));
            let message = format!("{label}: {quoted_key} has no effect: {what} of resource {name} {verb} not use it");
            let finding = sink.finding(message, suggestion(key, &known)).path(row.path());
            sink.add(subject, row.key.span(), finding.fix(fix(subject, row, &known)));
        }
    }
}

/// The value under the key that was probably meant; where that key has a row of its own, this one goes.
///
/// What is written anew is a parameter and a template: a row of another kind or language is left to the designer.
fn fix(subject: &Subject<'_, '_>, row: &Input<'_, '_>, known: &[String]) -> Option<Fix> {
    let key = row.key.text();
    let meant = near(key, &known.iter().map(String::as_str))?;
    let is_taken = subject.rows.inputs.iter().any(|other| other.key.text() == meant);
    if is_taken {
        return Some(Fix::new(format!("Remove {key}"), row.path(), None));
    }
    let is_rewritable = row.kind == InputKind::Param && row.format == Format::Mustache;
    let value = Some(row.value.text().to_owned());
    is_rewritable.then(|| Fix::new(format!("Use {meant}"), row.path(), None).and(input_path(meant), value))
}

/// The keys that have an effect; `None` if every key has.
fn used_keys(resource: &KnownResource, kind: InputKind) -> Option<Vec<String>> {
    match kind {
        InputKind::Header => None,
        InputKind::Body => Some(resource.body_variables.clone().unwrap_or_default()),
        InputKind::Param => {
            let declared = resource.params.as_ref()?.iter().map(|key| key.name.clone());
            Some(declared.chain(resource.url_variables.iter().cloned()).collect())
        }
    }
}
