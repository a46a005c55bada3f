//! A resource that its connector does not have.

use super::subject::suggestion;
use super::{Found, Lint, Rule};
use crate::diagnostic::{Severity, quote};
use crate::names::bare_resource;

pub(super) const RULE: Rule = Rule {
    number: 2,
    name: "unknown-resource",
    severity: Severity::Error,
    summary: "The resource that an element names is one of its connector.",
    page: include_str!("../../rules/02-unknown-resource.md"),
    check,
};

fn check(lint: &Lint<'_, '_>, found: &mut Found<'_, '_>) {
    for subject in lint.subjects.iter().filter(|subject| subject.resource().is_none()) {
        let (Some(connector), Some(name)) = (&subject.connector, &subject.rows.resource) else { continue };
        let wanted = bare_resource(name.text());
        if found.is_full() {
            return;
        }
        let message =
            format!("{}: connector {} has no resource {}", subject.label, quote(&connector.name), quote(wanted));
        let known: Vec<String> = connector.resources.iter().map(|resource| resource.name.clone()).collect();
        found.add(name.place(), message, suggestion(wanted, &known));
    }
}
