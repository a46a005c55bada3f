//! Rule 3: an input has no effect, since the resource does not use its key (COMPATIBILITY 4.4, 4.5). Knows the keys that a
//! resource uses; must not know their values.

use super::subject::suggestion;
use super::{KnownResource, Rule, RuleInput, RuleSink};
use crate::diagnostic::{Severity, quote};
use crate::rows::InputKind;

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
            sink.add(row.key.span(), message, suggestion(key, &known));
        }
    }
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
