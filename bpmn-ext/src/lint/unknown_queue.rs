//! A queue that no worker knows: its jobs fall back to `default` (CONTRACT 1).

use super::subject::suggestion;
use super::{Found, Lint, Rule};
use crate::diagnostic::{Severity, quote};
use crate::names::{MAX_NAME_BYTES, is_name};

pub(super) const RULE: Rule = Rule {
    number: 14,
    name: "unknown-queue",
    severity: Severity::Warning,
    summary: "The queue that an element names is one that workers take jobs from.",
    page: include_str!("../../rules/14-unknown-queue.md"),
    check,
};

fn check(lint: &Lint<'_, '_>, found: &mut Found<'_, '_>) {
    for subject in &lint.subjects {
        let Some(queue) = subject.rows.queue.as_ref().filter(|queue| !queue.text().is_empty()) else { continue };
        let name = queue.text();
        let (why, help) = match lint.surroundings.queues {
            _ if !is_name(name) => {
                ("cannot be a queue's name", format!("use letters, digits, `_` and `-`, {MAX_NAME_BYTES} at most"))
            }
            Some(known) if !known.iter().any(|queue| queue == name) => {
                ("is no queue that workers take jobs from", suggestion(name, known))
            }
            _ => continue,
        };
        let message = format!("{}: {} {why}; its jobs go to `default`", subject.label, quote(name));
        found.add(queue.place(), message, help);
    }
}
