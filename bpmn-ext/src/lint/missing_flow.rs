//! Rule 9: an element has no incoming or no outgoing sequence flow. Knows sequence flows; must not know connectors.

use super::{Rule, RuleInput, RuleSink};
use crate::diagnostic::Severity;

pub(super) const RULE: Rule = Rule {
    number: 9,
    name: "missing-flow",
    severity: Severity::Warning,
    summary: "A sequence flow leads to every element, and one leads on.",
    page: include_str!("../../rules/09-missing-flow.md"),
    check,
};

fn check(input: &RuleInput<'_, '_>, sink: &mut RuleSink<'_, '_>) {
    for subject in &input.subjects {
        let id = &subject.task.element;
        for (flows, end, message) in [
            (&subject.task.incoming, "startEvent", "no sequence flow leads here, so it never runs"),
            (&subject.task.outgoing, "endEvent", "no sequence flow leads on, so the process stops here"),
        ] {
            // Without such an event, elements may start and end without flows (BPMN 2.0, 13.2).
            if flows.is_empty() && input.flow.has_sibling(id, end) {
                let message = format!("{}: {message}", subject.label);
                sink.add(subject, subject.element.start_tag.clone(), sink.finding(message, "draw one"));
            }
        }
    }
}
