//! A failure that is mapped onto an error that nothing catches.

use super::{Found, Lint, Rule};
use crate::diagnostic::{Severity, quote};

pub(super) const RULE: Rule = Rule {
    number: 10,
    name: "uncaught-error",
    severity: Severity::Warning,
    summary: "Every error that a failure is mapped onto is caught by a boundary event, or around the element.",
    page: include_str!("../../rules/10-uncaught-error.md"),
    check,
};

fn check(lint: &Lint<'_, '_>, found: &mut Found<'_, '_>) {
    for subject in &lint.subjects {
        for code in subject.rows.error_codes() {
            if lint.flow.catches(&subject.task.element, code.text()) {
                continue;
            }
            let name = quote(code.text());
            let message = format!("{}: nothing catches the error {name}, so the request fails with it", subject.label);
            found.add(
                code.place(),
                message,
                format!("attach an error boundary event that catches {name}, or any error"),
            );
        }
    }
}
