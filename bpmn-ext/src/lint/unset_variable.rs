//! Rule 8: an element reads a variable that nothing can have set before. Knows which elements set and read variables;
//! must not know how control flow is searched.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::flow::Reachable;
use super::subject::Subject;
use super::{Rule, RuleInput, RuleSink};
use crate::diagnostic::{Severity, quote};
use crate::model::Loop;
use crate::names::is_reserved_variable;
use crate::spanned_text::SpannedText;

pub(super) const RULE: Rule = Rule {
    number: 8,
    name: "unset-variable",
    severity: Severity::Warning,
    summary: "Every variable that an element reads can have been set before.",
    page: include_str!("../../rules/08-unset-variable.md"),
    check,
};

/// Elements that can set any variable if they are not connectors.
const OTHER_SETTERS: [&str; 12] = [
    "task",
    "userTask",
    "manualTask",
    "scriptTask",
    "serviceTask",
    "sendTask",
    "receiveTask",
    "businessRuleTask",
    "callActivity",
    "intermediateCatchEvent",
    "boundaryEvent",
    "transaction",
];

fn check(input: &RuleInput<'_, '_>, sink: &mut RuleSink<'_, '_>) {
    let Some(language) = input.context.language else { return };
    let setters = setters(&input.subjects);
    let connectors: HashSet<&str> = input.subjects.iter().map(|subject| subject.task.element.as_str()).collect();
    let others = input.flow.ids(|id, name| OTHER_SETTERS.contains(&name) && !connectors.contains(id));
    let reachable_from_others = input.flow.reachable_from(others);
    // What is reachable from the elements that set a variable, by its name: computed when an element reads it.
    let mut reachable: HashMap<String, Reachable<'_>> = HashMap::new();
    let initial = input.context.variables;
    for subject in input.subjects.iter().filter(|subject| !reachable_from_others.contains(&subject.task.element)) {
        for row in &subject.rows.inputs {
            for name in language.variables(row.format, row.value.text()).unwrap_or_default() {
                let setters = setters.get(name.as_str()).map(Vec::as_slice).unwrap_or_default();
                // Without the data of a request, it may have the variable from its start.
                let is_unknown = setters.is_empty() && initial.is_none();
                if is_unknown || is_set_by_engine(subject, &name) || initial.is_some_and(|known| known.contains(&name))
                {
                    continue;
                }
                let ids = setters.iter().map(|setter| setter.task.element.as_str());
                let reachable = reachable.entry(name.clone()).or_insert_with(|| input.flow.reachable_from(ids));
                if !reachable.contains(&subject.task.element) {
                    add(sink, subject, &row.value, &name, setters);
                }
                if sink.is_full() {
                    return;
                }
            }
        }
    }
}

fn add(
    sink: &mut RuleSink<'_, '_>,
    subject: &Subject<'_, '_>,
    text: &SpannedText<'_, '_>,
    name: &str,
    setters: &[&Subject<'_, '_>],
) {
    let span = word_span(text.text(), name).map_or_else(|| text.span(), |word| text.span_of(word));
    let (message, help) = match setters.first() {
        Some(setter) => (
            format!("{}: {} is read here, but set only later, by {}", subject.label, quote(name), setter.label),
            "change the order, or pass the data that a request starts with by --data",
        ),
        None => (
            format!("{}: {} is read here, and nothing sets it", subject.label, quote(name)),
            "map an output onto it before, or add it to the request data",
        ),
    };
    sink.add(span, message, help);
}

/// The span of a name as a whole word of a text.
fn word_span(text: &str, name: &str) -> Option<Range<usize>> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(name).map(|(at, _)| at..at + name.len()).find(|span| {
        let before = text.get(..span.start).and_then(|before| before.chars().next_back());
        let after = text.get(span.end..).and_then(|after| after.chars().next());
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

/// The elements that set a variable, by its name.
fn setters<'s, 'e, 'a>(subjects: &'s [Subject<'e, 'a>]) -> HashMap<&'s str, Vec<&'s Subject<'e, 'a>>> {
    let mut setters: HashMap<&str, Vec<&Subject<'_, '_>>> = HashMap::new();
    for subject in subjects {
        let mut names: Vec<&str> = subject.rows.outputs.iter().map(|row| row.variable.text()).collect();
        if let Some(Loop::MultiInstance { output_collection: Some(name), .. }) = &subject.task.loop_characteristics {
            names.push(name);
        }
        for name in names {
            setters.entry(name).or_default().push(subject);
        }
    }
    setters
}

/// Whether the engine sets the variable for this element.
fn is_set_by_engine(subject: &Subject<'_, '_>, name: &str) -> bool {
    let item = match &subject.task.loop_characteristics {
        // Without a name, the members of an item are variables of their own (COMPATIBILITY 2.4).
        Some(Loop::MultiInstance { input_item, .. }) => input_item.as_deref().is_none_or(|item| item == name),
        _ => false,
    };
    item || is_reserved_variable(name) || name.starts_with('_')
}
