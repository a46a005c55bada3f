//! Rule 2: an element names a resource that its connector does not have. Knows the resources of a connector; must not
//! know what they call.

use super::suggestion::{suggestion, use_near};
use super::{Rule, RuleInput, RuleSink};
use crate::diagnostic::{Severity, quote};
use crate::names::bare_resource;

pub(super) const RULE: Rule = Rule {
    number: 2,
    name: "unknown-resource",
    severity: Severity::Error,
    summary: "The resource that an element names is one of its connector.",
    page: include_str!("../../rules/02-unknown-resource.md"),
    check,
};

fn check(input: &RuleInput<'_, '_>, sink: &mut RuleSink<'_, '_>) {
    for subject in input.subjects.iter().filter(|subject| subject.resource().is_none()) {
        let (Some(connector), Some(name)) = (&subject.connector, &subject.rows.resource) else { continue };
        let wanted = bare_resource(name.text());
        if sink.is_full() {
            return;
        }
        let message =
            format!("{}: connector {} has no resource {}", subject.label, quote(&connector.name), quote(wanted));
        let known: Vec<String> = connector.resources.iter().map(|resource| resource.name.clone()).collect();
        let fix = use_near(wanted, &known, "resource");
        let finding = sink.finding(message, suggestion(wanted, &known)).path("resource".to_owned());
        sink.add(subject, name.span(), finding.fix(fix));
    }
}
