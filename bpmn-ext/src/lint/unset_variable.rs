//! A variable that is read before anything sets it.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::flow::After;
use super::subject::Subject;
use super::{Found, Lint, Rule};
use crate::diagnostic::{Severity, quote};
use crate::model::Loop;
use crate::names::is_reserved_variable;
use crate::written::Written;

pub(super) const RULE: Rule = Rule {
    number: 8,
    name: "unset-variable",
    severity: Severity::Warning,
    summary: "Every variable that an element reads can have been set before.",
    page: include_str!("../../rules/08-unset-variable.md"),
    check,
};

/// Elements that call no connector and can set any variable.
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

fn check(lint: &Lint<'_, '_>, found: &mut Found<'_, '_>) {
    let Some(language) = lint.surroundings.language else { return };
    let setters = setters(&lint.subjects);
    let connectors: HashSet<&str> = lint.subjects.iter().map(|subject| subject.task.element.as_str()).collect();
    let others = lint.flow.ids(|id, name| OTHER_SETTERS.contains(&name) && !connectors.contains(id));
    let after_others = lint.flow.after(others);
    // What comes after the elements that set a variable, by the variable's name: looked for when somebody reads it.
    let mut after: HashMap<String, After<'_>> = HashMap::new();
    let begins = lint.surroundings.variables;
    for subject in lint.subjects.iter().filter(|subject| !after_others.comes_to(&subject.task.element)) {
        for row in &subject.rows.inputs {
            for name in language.variables(row.format, row.value.text()).unwrap_or_default() {
                let by = setters.get(name.as_str()).map(Vec::as_slice).unwrap_or_default();
                // Whether the request brings it along is not known where its data is not at hand.
                let is_unknown = by.is_empty() && begins.is_none();
                if is_unknown || is_given(subject, &name) || begins.is_some_and(|known| known.contains(&name)) {
                    continue;
                }
                let ids = by.iter().map(|setter| setter.task.element.as_str());
                let after = after.entry(name.clone()).or_insert_with(|| lint.flow.after(ids));
                if !after.comes_to(&subject.task.element) {
                    add(found, subject, &row.value, &name, by);
                }
                if found.is_full() {
                    return;
                }
            }
        }
    }
}

fn add(
    found: &mut Found<'_, '_>,
    subject: &Subject<'_, '_>,
    text: &Written<'_, '_>,
    name: &str,
    by: &[&Subject<'_, '_>],
) {
    let place = word(text.text(), name).map_or_else(|| text.place(), |word| text.place_of(word));
    let (message, help) = match by.first() {
        Some(setter) => (
            format!("{}: {} is read here, but set only later, by {}", subject.label, quote(name), setter.label),
            "change the order, or name the data that a request begins with by --data",
        ),
        None => (
            format!("{}: {} is read here, and nothing sets it", subject.label, quote(name)),
            "map an output onto it before, or add it to the request data",
        ),
    };
    found.add(place, message, help);
}

/// Where a name stands as a word of its own.
fn word(text: &str, name: &str) -> Option<Range<usize>> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(name).map(|(at, _)| at..at + name.len()).find(|found| {
        let before = text.get(..found.start).and_then(|before| before.chars().next_back());
        let after = text.get(found.end..).and_then(|after| after.chars().next());
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

/// Which elements set a variable, by its name.
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

/// Whether the engine hands it to the element.
fn is_given(subject: &Subject<'_, '_>, name: &str) -> bool {
    let item = match &subject.task.loop_characteristics {
        // Without a name, the members of an item are variables of their own (sheet 2.4).
        Some(Loop::MultiInstance { input_item, .. }) => input_item.as_deref().is_none_or(|item| item == name),
        _ => false,
    };
    item || is_reserved_variable(name) || name.starts_with('_')
}
