//! Rule 6: two outputs are mapped onto one variable, of which the last one wins. Knows the outputs of one element; must
//! not know other elements.

use std::collections::HashMap;

use super::{Rule, RuleInput, RuleSink};
use crate::diagnostic::{Fix, Severity, quote};

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
        let mut seen = HashMap::new();
        for row in &subject.rows.outputs {
            let Some(earlier) = seen.insert(row.variable.text(), row) else { continue };
            let name = quote(row.variable.text());
            let message = format!("{}: {name} is mapped twice; the last one wins", subject.label);
            let fix = Fix::new(format!("Remove the earlier {}", row.variable.text()), earlier.path("variable"), None);
            let finding = sink.finding(message, "remove one of them, or choose another variable");
            sink.add(subject, row.variable.span(), finding.path(row.path("variable")).fix(Some(fix)));
        }
    }
}
