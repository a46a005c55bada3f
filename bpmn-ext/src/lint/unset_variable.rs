//! Rule 8: an element reads a variable that nothing can have set before. Knows which elements set and read variables;
//! must not know how control flow is searched.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::flow::Reachable;
use super::subject::Subject;
use super::suggestion::near;
use super::{Language, Rule, RuleInput, RuleSink};
use crate::diagnostic::{Finding, Fix, Severity, quote};
use crate::model::Loop;
use crate::names::is_reserved_variable;
use crate::rows::Input;

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
    let mut search = Search { input, setters: setters(&input.subjects), reachable: HashMap::new() };
    let connectors: HashSet<&str> = input.subjects.iter().map(|subject| subject.task.element.as_str()).collect();
    let others = input.flow.ids(|id, name| OTHER_SETTERS.contains(&name) && !connectors.contains(id));
    let reachable_from_others = input.flow.reachable_from(others);
    for subject in input.subjects.iter().filter(|subject| !reachable_from_others.contains(&subject.task.element)) {
        for row in &subject.rows.inputs {
            for name in language.variables(row.format, row.value.text()).unwrap_or_default() {
                // Without the data of a request, it may have the variable from its start.
                let is_unknown = search.setters_of(&name).is_empty() && input.context.variables.is_none();
                if is_unknown || is_set_by_engine(subject, &name) || search.is_set(subject, &name) {
                    continue;
                }
                let word = word_span(row.value.text(), &name).map(|word| row.value.span_of(word));
                let finding = finding(sink, subject, &name, search.setters_of(&name)).path(row.path());
                let finding = finding.fix(search.fix(language, subject, row, &name));
                sink.add(subject, word.unwrap_or_else(|| row.value.span()), finding);
                if sink.is_full() {
                    return;
                }
            }
        }
    }
}

/// Looks for the elements that set variables.
struct Search<'s, 'e, 'a> {
    input: &'s RuleInput<'e, 'a>,
    /// The elements that set a variable, by its name.
    setters: HashMap<&'s str, Vec<&'s Subject<'e, 'a>>>,
    /// What is reachable from the elements that set a variable, by its name: computed when an element reads it.
    reachable: HashMap<String, Reachable<'s>>,
}

impl<'s, 'e, 'a> Search<'s, 'e, 'a> {
    fn setters_of(&self, name: &str) -> &[&'s Subject<'e, 'a>] {
        self.setters.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether a variable can have been set before an element.
    fn is_set(&mut self, subject: &Subject<'_, '_>, name: &str) -> bool {
        if self.input.context.variables.is_some_and(|initial| initial.contains(name)) {
            return true;
        }
        if !self.reachable.contains_key(name) {
            let ids = self.setters_of(name).iter().map(|setter| setter.task.element.as_str());
            let reachable = self.input.flow.reachable_from(ids);
            self.reachable.insert(name.to_owned(), reachable);
        }
        self.reachable.get(name).is_some_and(|reachable| reachable.contains(&subject.task.element))
    }

    /// The text with the variable that was probably meant, if that one can have been set before; none for a variable that is
    /// set, but later.
    fn fix(
        &mut self,
        language: &dyn Language,
        subject: &Subject<'_, '_>,
        row: &Input<'_, '_>,
        name: &str,
    ) -> Option<Fix> {
        let initial = self.input.context.variables.iter().copied().flatten().map(String::as_str);
        let known: HashSet<&str> = self.setters.keys().copied().chain(initial).take(COMPARED_NAMES + 1).collect();
        if known.len() > COMPARED_NAMES || !self.setters_of(name).is_empty() {
            return None;
        }
        let meant = near(name, &known.iter().copied())?;
        let value = renamed(row.value.text(), name, meant)?;
        let reads = language.variables(row.format, &value).ok()?;
        let is_right = !reads.iter().any(|read| read == name) && reads.iter().any(|read| read == meant);
        (is_right && self.is_set(subject, meant)).then(|| Fix::new(format!("Use {meant}"), row.path(), Some(value)))
    }
}

/// Variables of a model that a name is compared with: a file can have many of both.
const COMPARED_NAMES: usize = 100;

fn finding(sink: &RuleSink<'_, '_>, subject: &Subject<'_, '_>, name: &str, setters: &[&Subject<'_, '_>]) -> Finding {
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
    sink.finding(message, help)
}

/// A text in which a variable has another name, wherever it is no member of something else.
fn renamed(text: &str, name: &str, meant: &str) -> Option<String> {
    let mut renamed = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(word) = word_span(rest, name) {
        let (before, after) = (rest.get(..word.start)?, rest.get(word.end..)?);
        renamed.push_str(before);
        renamed.push_str(if before.trim_end().ends_with('.') { name } else { meant });
        rest = after;
    }
    renamed.push_str(rest);
    Some(renamed)
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
