//! Retries of a call that is not repeated when its answer is lost (CONTRACT 6).

use super::{Found, Lint, Rule};
use crate::diagnostic::{Severity, quote};
use crate::written::Written;

pub(super) const RULE: Rule = Rule {
    number: 12,
    name: "unrepeatable-retry",
    severity: Severity::Warning,
    summary: "A POST or PATCH that is to be retried says that it may be repeated.",
    page: include_str!("../../rules/12-unrepeatable-retry.md"),
    check,
};

fn check(lint: &Lint<'_, '_>, found: &mut Found<'_, '_>) {
    for subject in &lint.subjects {
        let Some(resource) = subject.resource() else { continue };
        let is_safe =
            resource.is_repeat_safe || subject.rows.repeat.as_ref().is_some_and(|r| r.text().trim() == "safe");
        let attempts = subject.rows.attempts_total.unwrap_or(resource.attempts);
        if is_safe || attempts < 2 || !matches!(resource.method.as_str(), "POST" | "PATCH") {
            continue;
        }
        let message = format!(
            "{}: {} {} is tried {attempts} times after an error status, but never when its answer is lost",
            subject.label,
            resource.method,
            quote(&resource.name)
        );
        let help = "write repeat: safe if the third party honours the Idempotency-Key header, or may be called twice";
        let place = subject.rows.attempts.as_ref().map_or_else(|| subject.place(), Written::place);
        found.add(place, message, help);
    }
}
