//! Rule 10: a failure is mapped onto an error that nothing catches. Knows error mappings; must not know how a catching
//! event is found.

use super::{Rule, RuleInput, RuleSink};
use crate::diagnostic::{Severity, quote};

pub(super) const RULE: Rule = Rule {
    number: 10,
    name: "uncaught-error",
    severity: Severity::Warning,
    summary: "Every error that a failure is mapped onto is caught by a boundary event, or around the element.",
    page: include_str!("../../rules/10-uncaught-error.md"),
    check,
};

fn check(input: &RuleInput<'_, '_>, sink: &mut RuleSink<'_, '_>) {
    for subject in &input.subjects {
        for (at, code) in subject.rows.error_codes() {
            if input.flow.catches(&subject.task.element, code.text()) {
                continue;
            }
            let name = quote(code.text());
            let message = format!("{}: nothing catches the error {name}, so the request fails with it", subject.label);
            let help = format!("attach an error boundary event that catches {name}, or any error");
            let finding = sink.finding(message, help).path(format!("errors.{at}.code"));
            sink.add(subject, code.span(), finding);
        }
    }
}
