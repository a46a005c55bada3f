//! A multi-instance loop that has nothing to loop over (sheet 1.7, 2.4).

use super::{Found, Lint, Rule};
use crate::diagnostic::{Severity, quote};
use crate::model::Loop;

pub(super) const RULE: Rule = Rule {
    number: 15,
    name: "loop-without-array",
    severity: Severity::Error,
    summary: "A multi-instance loop has a source array or a number of instances.",
    page: include_str!("../../rules/15-loop-without-array.md"),
    check,
};

fn check(lint: &Lint<'_, '_>, found: &mut Found<'_, '_>) {
    for subject in &lint.subjects {
        let Some(Loop::MultiInstance { cardinality: None, input_collection, .. }) = &subject.task.loop_characteristics
        else {
            continue;
        };
        let element = subject.element.child("multiInstanceLoopCharacteristics").unwrap_or(subject.element);
        let inputs = &subject.task.inputs;
        let reference = element.child_text("loopDataInputRef");
        let meant = reference.and_then(|id| inputs.iter().find(|input| input.id.as_deref() == Some(id)));
        let message = match (input_collection, reference) {
            (None, _) => "the loop has neither a source array nor a number of instances".to_owned(),
            // A reference that is itself the name of a variable is what some modelers write.
            (Some(_), Some(reference)) if meant.is_none() && !inputs.is_empty() => {
                format!("the loop's source array {} is no data input of the element", quote(reference))
            }
            (Some(_), Some(reference)) if meant.is_some_and(|m| m.name.as_deref().is_none_or(str::is_empty)) => {
                format!("the loop's source array {} names no variable", quote(reference))
            }
            _ => continue,
        };
        let message = format!("{}: {message}", subject.label);
        found.add(element.span.clone(), message, "choose the variable that holds the array");
    }
}
