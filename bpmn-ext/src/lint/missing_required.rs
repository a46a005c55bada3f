//! A required parameter or header that is sent empty (sheet 4.4, 4.5).

use super::{Found, Key, Lint, Rule};
use crate::diagnostic::{Severity, quote};
use crate::rows::Kind;

pub(super) const RULE: Rule = Rule {
    number: 4,
    name: "missing-required",
    severity: Severity::Warning,
    summary: "Every required parameter and header has a value.",
    page: include_str!("../../rules/04-missing-required.md"),
    check,
};

fn check(lint: &Lint<'_, '_>, found: &mut Found<'_, '_>) {
    for subject in &lint.subjects {
        let Some(resource) = subject.resource() else { continue };
        let params = resource.params.iter().flatten().map(|key| (Kind::Param, "param", key));
        let headers = resource.headers.iter().map(|key| (Kind::Header, "header", key));
        for (kind, word, Key { name, .. }) in
            params.chain(headers).filter(|(_, _, key)| key.is_required && !key.has_default)
        {
            if subject.gives(kind, name) {
                continue;
            }
            let message = format!(
                "{}: resource {} requires the {word} {}, which would be sent empty",
                subject.label,
                quote(&resource.name),
                quote(name)
            );
            found.add(
                subject.place(),
                message,
                format!("add an input of type {word} with key {} and a value", quote(name)),
            );
        }
    }
}
