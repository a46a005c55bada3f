//! Rule 1: an element names a connector that is not known. Knows the names of connectors; must not know where these are
//! stored.

use super::suggestion::{suggestion, use_near};
use super::{Rule, RuleInput, RuleSink};
use crate::diagnostic::{Severity, quote};

pub(super) const RULE: Rule = Rule {
    number: 1,
    name: "unknown-connector",
    severity: Severity::Error,
    summary: "The connector that an element names exists.",
    page: include_str!("../../rules/01-unknown-connector.md"),
    check,
};

fn check(input: &RuleInput<'_, '_>, sink: &mut RuleSink<'_, '_>) {
    let Some(connectors) = input.context.connectors else { return };
    for subject in input.subjects.iter().filter(|subject| subject.connector.is_none()) {
        let Some(name) = &subject.rows.connector else { continue };
        if sink.is_full() {
            return;
        }
        let message = format!("{}: there is no connector {}", subject.label, quote(name.text()));
        let names = connectors.names();
        let fix = use_near(name.text(), &names, "connector");
        let finding = sink.finding(message, suggestion(name.text(), &names)).path("connector".to_owned());
        sink.add(subject, name.span(), finding.fix(fix));
    }
}
