//! Rule 4: a required parameter or header would be sent empty (COMPATIBILITY 4.4, 4.5). Knows the declared keys of a resource;
//! must not know the values at run time.

use super::subject::Subject;
use super::{Key, Rule, RuleInput, RuleSink};
use crate::diagnostic::{Fix, Severity, quote};
use crate::rows::{InputKind, input_path};

pub(super) const RULE: Rule = Rule {
    number: 4,
    name: "missing-required",
    severity: Severity::Warning,
    summary: "Every required parameter and header has a value.",
    page: include_str!("../../rules/04-missing-required.md"),
    check,
};

fn check(input: &RuleInput<'_, '_>, sink: &mut RuleSink<'_, '_>) {
    for subject in &input.subjects {
        let Some(resource) = subject.resource() else { continue };
        let params = resource.params.iter().flatten().map(|key| (InputKind::Param, "param", key));
        let headers = resource.headers.iter().map(|key| (InputKind::Header, "header", key));
        for (kind, word, Key { name, .. }) in
            params.chain(headers).filter(|(_, _, key)| key.is_required && !key.has_default)
        {
            if subject.has_input(kind, name) {
                continue;
            }
            let message = format!(
                "{}: resource {} requires the {word} {}, which would be sent empty",
                subject.label,
                quote(&resource.name),
                quote(name)
            );
            let help = format!("add an input of type {word} with key {} and a value", quote(name));
            let fix = fix(input, subject, kind, name);
            let finding = sink.finding(message, help).path(input_path(name)).fix(fix);
            sink.add(subject, subject.span(), finding);
        }
    }
}

/// The variable of the parameter's name, unless it is known that nothing sets it.
///
/// A row that is added is a parameter; a header is left to the designer, and so is a key that a row of another kind has.
fn fix(input: &RuleInput<'_, '_>, subject: &Subject<'_, '_>, kind: InputKind, key: &str) -> Option<Fix> {
    let is_variable =
        key.starts_with(|c: char| c.is_alphabetic()) && key.chars().all(|c| c.is_alphanumeric() || c == '_');
    let is_taken = subject.rows.inputs.iter().any(|row| row.key.text() == key && row.kind != kind);
    if kind != InputKind::Param || !is_variable || is_taken {
        return None;
    }
    let mut outputs = input.subjects.iter().flat_map(|subject| &subject.rows.outputs);
    let may_be_set = input.context.variables.is_none_or(|known| known.contains(key))
        || outputs.any(|output| output.variable.text() == key);
    let value = format!("{{{{{key}}}}}");
    may_be_set.then(|| Fix::new(format!("Use {value}"), input_path(key), Some(value)))
}
