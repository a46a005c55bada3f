//! Rule 11: a boundary event catches an error that no failure is mapped onto. Knows boundary events and error mappings;
//! must not know how a failure gets its code.

use std::collections::HashSet;

use super::{Rule, RuleInput, RuleSink};
use crate::diagnostic::{Severity, quote};

pub(super) const RULE: Rule = Rule {
    number: 11,
    name: "unthrown-error",
    severity: Severity::Warning,
    summary: "A failure is mapped onto every error that a boundary event of the element catches by its code.",
    page: include_str!("../../rules/11-unthrown-error.md"),
    check,
};

/// Codes that failures have without a mapping, in addition to `HTTP_<status>` (CONTRACT 3). A test of the worker compares them
/// with its own.
pub const WORKER_CODES: [&str; 14] = [
    "BAD_JOB",
    "JOB_TOO_LARGE",
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

fn check(input: &RuleInput<'_, '_>, sink: &mut RuleSink<'_, '_>) {
    for subject in &input.subjects {
        let own: HashSet<&str> = subject.rows.error_codes().map(|(_, code)| code.text()).collect();
        let is_any = own.iter().any(|code| code.contains("{{"));
        for event in &subject.task.boundary_errors {
            let Some(code) = &event.error_code else { continue };
            let by_resource = subject.resource().is_some_and(|resource| resource.error_codes.contains(code));
            let by_element = is_any || own.contains(code.as_str());
            if by_resource || by_element || code.starts_with("HTTP_") || WORKER_CODES.contains(&code.as_str()) {
                continue;
            }
            let name = quote(code);
            let message = format!(
                "{}: boundary event {} catches {name}, but no failure is mapped onto it",
                subject.label,
                quote(&event.id)
            );
            let help = format!("add an error mapping with code {name}, or catch any error");
            sink.add(subject, sink.range(event.position), sink.finding(message, help));
        }
    }
}
