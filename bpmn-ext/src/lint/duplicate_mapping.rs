//! Rule 6: two outputs are mapped onto one variable, of which the last one wins. Knows the outputs of one element; must
//! not know other elements.

use std::collections::HashSet;

use super::{Rule, RuleInput, RuleSink};
use crate::diagnostic::{Severity, quote};

pub(super) const RULE: Rule = Rule {
    number: 6,
    name: "duplicate-mapping",
    severity: Severity::Warning,
    summary: "No two outputs of an element are mapped onto the same variable.",
    page: include_str!("../../rules/06-duplicate-mapping.md"),
    check,
};

fn check(input: &RuleInput<'_, '_>, sink: &mut RuleSink<'_, '_>) {
    for subject in &input.subjects {
        let mut seen = HashSet::new();
        for row in &subject.rows.outputs {
            if seen.insert(row.variable.text()) {
                continue;
            }
            let name = quote(row.variable.text());
            let message = format!("{}: {name} is mapped twice; the last one wins", subject.label);
            sink.add(row.variable.span(), message, "remove one of them, or choose another variable");
        }
    }
}
