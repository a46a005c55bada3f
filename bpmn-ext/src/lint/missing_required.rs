//! Rule 4: a required parameter or header would be sent empty (COMPATIBILITY 4.4, 4.5). Knows the declared keys of a resource;
//! must not know the values at run time.

use super::{Key, Rule, RuleInput, RuleSink};
use crate::diagnostic::{Severity, quote};
use crate::rows::InputKind;

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
            sink.add(
                subject.span(),
                message,
                format!("add an input of type {word} with key {} and a value", quote(name)),
            );
        }
    }
}
