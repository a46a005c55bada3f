//! An element that nothing leads to, or that leads nowhere.

use super::{Found, Lint, Rule};
use crate::diagnostic::Severity;

pub(super) const RULE: Rule = Rule {
    number: 9,
    name: "missing-flow",
    severity: Severity::Warning,
    summary: "A sequence flow leads to every element, and one leads on.",
    page: include_str!("../../rules/09-missing-flow.md"),
    check,
};

fn check(lint: &Lint<'_, '_>, found: &mut Found<'_, '_>) {
    for subject in &lint.subjects {
        let id = &subject.task.element;
        for (flows, end, message) in [
            (&subject.task.incoming, "startEvent", "no sequence flow leads here, so it never runs"),
            (&subject.task.outgoing, "endEvent", "no sequence flow leads on, so the process stops here"),
        ] {
            // Where there is no such event, elements may begin and end by themselves (BPMN 2.0, 13.2).
            if flows.is_empty() && lint.flow.has_beside(id, end) {
                let message = format!("{}: {message}", subject.label);
                found.add(subject.element.span.clone(), message, "draw it");
            }
        }
    }
}
