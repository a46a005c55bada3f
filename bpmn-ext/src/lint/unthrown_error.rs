//! A boundary event that waits for an error that no failure is mapped onto.

use std::collections::HashSet;

use super::{Found, Lint, Rule};
use crate::diagnostic::{Severity, quote};
use crate::written::Written;

pub(super) const RULE: Rule = Rule {
    number: 11,
    name: "unthrown-error",
    severity: Severity::Warning,
    summary: "A failure is mapped onto every error that a boundary event of the element catches by its code.",
    page: include_str!("../../rules/11-unthrown-error.md"),
    check,
};

/// Codes that failures have without any mapping (CONTRACT 3); `HTTP_<status>` beside them.
const OWN_CODES: [&str; 13] = [
    "BAD_JOB",
    "CONFIGURATION",
    "DENIED",
    "CONNECT",
    "TLS",
    "TIMEOUT",
    "OUTCOME_UNKNOWN",
    "RESULT_TOO_LARGE",
    "BAD_RESPONSE",
    "MAPPING",
    "AUTH",
    "DEADLINE_PASSED",
    "INTERNAL",
];

fn check(lint: &Lint<'_, '_>, found: &mut Found<'_, '_>) {
    for subject in &lint.subjects {
        let own: HashSet<&str> = subject.rows.error_codes().map(Written::text).collect();
        let is_any = own.iter().any(|code| code.contains("{{"));
        for event in &subject.task.boundary_errors {
            let Some(code) = &event.error_code else { continue };
            let by_resource = subject.resource().is_some_and(|resource| resource.error_codes.contains(code));
            let by_element = is_any || own.contains(code.as_str());
            if by_resource || by_element || code.starts_with("HTTP_") || OWN_CODES.contains(&code.as_str()) {
                continue;
            }
            let name = quote(code);
            let message = format!(
                "{}: boundary event {} waits for {name}, onto which no failure is mapped",
                subject.label,
                quote(&event.id)
            );
            let help = format!("add an error mapping with code {name}, or catch any error");
            found.add_at(event.position, message, help);
        }
    }
}
