//! Rule 14: an element names a queue that no worker consumes, so that its jobs go to `default` (CONTRACT 1). Knows the
//! names of queues; must not know the broker.

use super::suggestion::{suggestion, use_near};
use super::{Rule, RuleInput, RuleSink};
use crate::diagnostic::{Severity, quote};
use crate::names::{MAX_NAME_BYTES, is_name};

pub(super) const RULE: Rule = Rule {
    number: 14,
    name: "unknown-queue",
    severity: Severity::Warning,
    summary: "The queue that an element names is one that workers consume.",
    page: include_str!("../../rules/14-unknown-queue.md"),
    check,
};

fn check(input: &RuleInput<'_, '_>, sink: &mut RuleSink<'_, '_>) {
    for subject in &input.subjects {
        let Some(queue) = subject.rows.queue.as_ref().filter(|queue| !queue.text().is_empty()) else { continue };
        let name = queue.text();
        let (why, help) = match input.context.queues {
            _ if !is_name(name) => (
                "is not a valid name of a queue",
                format!("use letters, digits, `_` and `-`, {MAX_NAME_BYTES} at most"),
            ),
            Some(known) if !known.iter().any(|queue| queue == name) => {
                ("is not a queue that workers consume", suggestion(name, known))
            }
            _ => continue,
        };
        let message = format!("{}: {} {why}; its jobs go to `default`", subject.label, quote(name));
        let fix = use_near(name, input.context.queues.unwrap_or_default(), "queue");
        let finding = sink.finding(message, help).path("queue".to_owned());
        sink.add(subject, queue.span(), finding.fix(fix));
    }
}
