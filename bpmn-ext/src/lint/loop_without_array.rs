//! Rule 15: a multi-instance loop has neither a source array nor a cardinality (COMPATIBILITY 1.7, 2.4). Knows the loops of
//! BPMN; must not know connectors.

use super::{Rule, RuleInput, RuleSink};
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

fn check(input: &RuleInput<'_, '_>, sink: &mut RuleSink<'_, '_>) {
    for subject in &input.subjects {
        let Some(Loop::MultiInstance { cardinality: None, input_collection, .. }) = &subject.task.loop_characteristics
        else {
            continue;
        };
        let element = subject.element.child("multiInstanceLoopCharacteristics").unwrap_or(subject.element);
        let inputs = &subject.task.inputs;
        let reference = element.child_text("loopDataInputRef");
        let referenced = reference.and_then(|id| inputs.iter().find(|input| input.id.as_deref() == Some(id)));
        let message = match (input_collection, reference) {
            (None, _) => "the loop has neither a source array nor a number of instances".to_owned(),
            // Some modelers write the name of a variable as the reference.
            (Some(_), Some(reference)) if referenced.is_none() && !inputs.is_empty() => {
                format!("the loop's source array {} is not a data input of the element", quote(reference))
            }
            (Some(_), Some(reference)) if referenced.is_some_and(|m| m.name.as_deref().is_none_or(str::is_empty)) => {
                format!("the loop's source array {} names no variable", quote(reference))
            }
            _ => continue,
        };
        let message = format!("{}: {message}", subject.label);
        let finding = sink.finding(message, "choose the variable that holds the array");
        sink.add(subject, element.start_tag.clone(), finding.path("loop.list".to_owned()));
    }
}
