//! A connector that nobody has imported.

use super::subject::suggestion;
use super::{Found, Lint, Rule};
use crate::diagnostic::{Severity, quote};

pub(super) const RULE: Rule = Rule {
    number: 1,
    name: "unknown-connector",
    severity: Severity::Error,
    summary: "The connector that an element names exists.",
    page: include_str!("../../rules/01-unknown-connector.md"),
    check,
};

fn check(lint: &Lint<'_, '_>, found: &mut Found<'_, '_>) {
    let Some(connectors) = lint.surroundings.connectors else { return };
    for subject in lint.subjects.iter().filter(|subject| subject.connector.is_none()) {
        let Some(name) = &subject.rows.connector else { continue };
        if found.is_full() {
            return;
        }
        let message = format!("{}: there is no connector {}", subject.label, quote(name.text()));
        found.add(name.place(), message, suggestion(name.text(), &connectors.names()));
    }
}
