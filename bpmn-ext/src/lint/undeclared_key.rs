//! An input that goes nowhere (sheet 4.4, 4.5).

use super::subject::suggestion;
use super::{Found, KnownResource, Lint, Rule};
use crate::diagnostic::{Severity, quote};
use crate::rows::Kind;

pub(super) const RULE: Rule = Rule {
    number: 3,
    name: "undeclared-key",
    severity: Severity::Warning,
    summary: "An input's key is declared by the resource, or read by its URL or body.",
    page: include_str!("../../rules/03-undeclared-key.md"),
    check,
};

fn check(lint: &Lint<'_, '_>, found: &mut Found<'_, '_>) {
    for subject in &lint.subjects {
        let Some(resource) = subject.resource() else { continue };
        for row in &subject.rows.inputs {
            let Some(known) = destinations(resource, row.kind) else { continue };
            let key = row.key.text();
            if found.is_full() {
                return;
            }
            // A key may itself be a template.
            if known.iter().any(|name| name == key) || key.contains("{{") {
                continue;
            }
            let (what, have) = match row.kind {
                Kind::Body => ("the body", "has"),
                _ => ("the URL and the declared parameters", "have"),
            };
            let (label, key_shown, name) = (&subject.label, quote(key), quote(&resource.name));
            let message = format!("{label}: {key_shown} goes nowhere: {what} of resource {name} {have} no use for it");
            found.add(row.key.place(), message, suggestion(key, &known));
        }
    }
}

/// Keys that have an effect; `None` where any has.
fn destinations(resource: &KnownResource, kind: Kind) -> Option<Vec<String>> {
    match kind {
        Kind::Header => None,
        Kind::Body => Some(resource.body_variables.clone().unwrap_or_default()),
        Kind::Param => {
            let declared = resource.params.as_ref()?.iter().map(|key| key.name.clone());
            Some(declared.chain(resource.url_variables.iter().cloned()).collect())
        }
    }
}
