//! Rule 5: an output is mapped onto a variable that belongs to the engine (CONTRACT 3). Knows the outputs of one
//! element; must not know which names are reserved.

use super::{Rule, RuleInput, RuleSink};
use crate::diagnostic::{Fix, Severity, quote};
use crate::names::is_reserved_variable;

pub(super) const RULE: Rule = Rule {
    number: 5,
    name: "reserved-name",
    severity: Severity::Warning,
    summary: "No output is mapped onto a name that belongs to the engine.",
    page: include_str!("../../rules/05-reserved-name.md"),
    check,
};

fn check(input: &RuleInput<'_, '_>, sink: &mut RuleSink<'_, '_>) {
    for subject in &input.subjects {
        for row in subject.rows.outputs.iter().filter(|row| is_reserved_variable(row.variable.text())) {
            let message = format!(
                "{}: the output onto {} is dropped, since that name belongs to the engine",
                subject.label,
                quote(row.variable.text())
            );
            let fix = Fix::new(format!("Remove {}", row.variable.text()), row.path("variable"), None);
            let finding = sink.finding(message, "choose another variable").path(row.path("variable"));
            sink.add(subject, row.variable.span(), finding.fix(Some(fix)));
        }
    }
}
