//! The rules that find elements which do not work as their designer intended, one file each. Knows the model; must not know
//! where connectors are stored or how templates and expressions are parsed, which the caller hands in as a [`LintContext`].

mod context;
mod duplicate_mapping;
mod flow;
mod loop_without_array;
mod missing_flow;
mod missing_required;
mod reserved_name;
mod secret_in_model;
mod subject;
mod suggestion;
mod uncaught_error;
mod undeclared_key;
mod unknown_connector;
mod unknown_queue;
mod unknown_resource;
mod unparsable_text;
mod unrepeatable_retry;
mod unset_variable;
mod unthrown_error;

use crate::diagnostic::{About, Diagnostic, Finding, Report, Severity};
use crate::encoding::FileText;
use crate::position::Source;
use crate::{task, tree};

use flow::Flow;
use subject::Subject;

pub use context::{Connectors, Key, KnownConnector, KnownResource, Language, LintContext, TextError};
pub use unthrown_error::WORKER_CODES;

/// One rule. Its page in `bpmn-ext/rules/` says why it exists, with an example that breaks it and one that does not.
#[derive(Debug)]
pub struct Rule {
    /// Stable.
    pub number: u16,
    /// The code of its diagnostics, and the name of its page.
    pub name: &'static str,
    /// The severity of its diagnostics.
    pub severity: Severity,
    /// What holds when the rule is satisfied, in one sentence.
    pub summary: &'static str,
    /// The page, in Markdown.
    pub page: &'static str,
    check: fn(&RuleInput<'_, '_>, &mut RuleSink<'_, '_>),
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

/// What rules check.
struct RuleInput<'e, 'a> {
    subjects: Vec<Subject<'e, 'a>>,
    flow: Flow,
    context: &'e LintContext<'e>,
}

/// Where a rule puts its findings.
struct RuleSink<'r, 'a> {
    rule: &'static Rule,
    report: &'r mut Report<'a>,
}

impl RuleSink<'_, '_> {
    /// A finding of the rule.
    fn finding(&self, message: String, help: impl Into<String>) -> Finding {
        let Rule { name, severity, .. } = self.rule;
        let finding = match severity {
            Severity::Error => Finding::error(name, message),
            Severity::Warning => Finding::warning(name, message),
        };
        finding.help(help)
    }

    /// Adds a finding about an element, at a range of bytes of the text.
    fn add(&mut self, subject: &Subject<'_, '_>, span: std::ops::Range<usize>, finding: Finding) {
        let about = About { element: Some(subject.task.element.clone()), name: subject.task.name.clone() };
        self.report.add(span, finding.about(about));
    }

    /// Whether further findings are dropped, so that a rule can stop.
    fn is_full(&self) -> bool {
        self.report.is_full()
    }

    /// The range of bytes of the text at a position of the model.
    fn range(&self, position: crate::Position) -> std::ops::Range<usize> {
        self.report.range(position)
    }
}

/// The diagnostics of reading a file and those of all rules, in the order of the file.
///
/// Never fails on content, like [`read`](crate::read); a rule that needs a part of the context that is `None` finds nothing.
pub fn lint(file: &(impl AsRef<[u8]> + ?Sized), context: &LintContext<'_>) -> Vec<Diagnostic> {
    let file = FileText::of(file.as_ref());
    let mut report = Report::new(Source::new(&file));
    if let Some(root) = crate::tree(&file, &mut report) {
        check(&root, context, &mut report);
    }
    report.finish()
}

fn check<'a>(root: &tree::Element<'a>, context: &LintContext<'_>, report: &mut Report<'a>) {
    let (model, elements) = task::model(root, report);
    let subjects = elements.iter().zip(&model.tasks).map(|(element, task)| Subject::new(element, task, context));
    let input = RuleInput { subjects: subjects.collect(), flow: Flow::of(root), context };
    for rule in RULES {
        if report.is_full() {
            return;
        }
        (rule.check)(&input, &mut RuleSink { rule, report });
    }
}
