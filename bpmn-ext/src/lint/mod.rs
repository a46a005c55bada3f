//! What works otherwise than a designer meant: the rules, one file each, in one list.
//!
//! Knows the model; what lies outside of it, such as connectors and the languages of rows, is handed in.

mod duplicate_mapping;
mod flow;
mod loop_without_array;
mod missing_flow;
mod missing_required;
mod reserved_name;
mod secret_in_model;
mod subject;
mod surroundings;
mod uncaught_error;
mod undeclared_key;
mod unknown_connector;
mod unknown_queue;
mod unknown_resource;
mod unparsable_text;
mod unrepeatable_retry;
mod unset_variable;
mod unthrown_error;

use crate::diagnostic::{Diagnostic, Finding, Report, Severity};
use crate::position::Source;
use crate::{task, tree};

use flow::Flow;
use subject::Subject;

pub use surroundings::{Connectors, Key, KnownConnector, KnownResource, Language, Mistake, Surroundings};

/// One rule. Its page in `bpmn-ext/rules/` says why it is there, and shows it broken and kept.
#[derive(Debug)]
pub struct Rule {
    /// Stable, also in modelers.
    pub number: u16,
    /// The code of its diagnostics, and the name of its page.
    pub name: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// One sentence.
    pub summary: &'static str,
    /// The page, in Markdown.
    pub page: &'static str,
    check: fn(&Lint<'_, '_>, &mut Found<'_, '_>),
}

/// All rules, by number.
pub const RULES: [&Rule; 15] = [
    &unknown_connector::RULE,
    &unknown_resource::RULE,
    &undeclared_key::RULE,
    &missing_required::RULE,
    &reserved_name::RULE,
    &duplicate_mapping::RULE,
    &unparsable_text::RULE,
    &unset_variable::RULE,
    &missing_flow::RULE,
    &uncaught_error::RULE,
    &unthrown_error::RULE,
    &unrepeatable_retry::RULE,
    &secret_in_model::RULE,
    &unknown_queue::RULE,
    &loop_without_array::RULE,
];

/// What rules look at.
struct Lint<'e, 'a> {
    subjects: Vec<Subject<'e, 'a>>,
    flow: Flow,
    surroundings: &'e Surroundings<'e>,
}

/// What one rule has found.
struct Found<'r, 'a> {
    rule: &'static Rule,
    report: &'r mut Report<'a>,
}

impl Found<'_, '_> {
    fn add(&mut self, place: std::ops::Range<usize>, message: String, help: impl Into<String>) {
        let Rule { name, severity, .. } = self.rule;
        let finding = match severity {
            Severity::Error => Finding::error(name, message),
            Severity::Warning => Finding::warning(name, message),
        };
        self.report.add(place, finding.help(help));
    }

    /// Whether nothing more is taken, so that looking for more is in vain.
    fn is_full(&self) -> bool {
        self.report.is_full()
    }

    /// The same about something whose place is already told.
    fn add_at(&mut self, position: crate::Position, message: String, help: impl Into<String>) {
        self.add(self.report.range(position), message, help);
    }
}

/// Everything that there is to say about a file: what reading it found, and what the rules say, in the order of the file.
///
/// Never fails on content, as [`read`](crate::read); rules that need something of the surroundings that is not at hand
/// say nothing.
pub fn lint(file: &(impl AsRef<[u8]> + ?Sized), surroundings: &Surroundings<'_>) -> Vec<Diagnostic> {
    let mut report = Report::new(Source::new("", 0));
    if let Some(root) = crate::tree(file.as_ref(), &mut report) {
        check(&root, surroundings, &mut report);
    }
    report.finish()
}

fn check<'a>(root: &tree::Element<'a>, surroundings: &Surroundings<'_>, report: &mut Report<'a>) {
    let (model, elements) = task::model(root, report);
    let subjects = elements.iter().zip(&model.tasks).map(|(element, task)| Subject::new(element, task, surroundings));
    let lint = Lint { subjects: subjects.collect(), flow: Flow::of(root), surroundings };
    for rule in RULES {
        if report.is_full() {
            return;
        }
        (rule.check)(&lint, &mut Found { rule, report });
    }
}
