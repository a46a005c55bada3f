//! Rule 13: the model holds a secret in clear text. Knows what secrets usually look like; must not know stored secrets.

use super::{Rule, RuleInput, RuleSink};
use crate::diagnostic::{Severity, quote};
use crate::rows::InputKind;
use crate::spanned_text::SpannedText;

pub(super) const RULE: Rule = Rule {
    number: 13,
    name: "secret-in-model",
    severity: Severity::Warning,
    summary: "No secret is written into the model.",
    page: include_str!("../../rules/13-secret-in-model.md"),
    check,
};

/// Parts of the names that secrets usually have.
const SECRET_NAMES: [&str; 10] = [
    "password",
    "passwd",
    "secret",
    "api_key",
    "api-key",
    "apikey",
    "access_token",
    "auth_token",
    "authorization",
    "private_key",
];
/// Prefixes of the secrets of well-known services, and how many characters follow at least.
const SECRET_PREFIXES: [(&str, usize); 11] = [
    ("Bearer ", 8),
    ("Basic ", 8),
    ("sk_live_", 10),
    ("sk-", 20),
    ("xoxb-", 10),
    ("xoxp-", 10),
    ("ghp_", 20),
    ("github_pat_", 20),
    ("AKIA", 16),
    ("eyJ", 20),
    ("-----BEGIN", 5),
];

fn check(input: &RuleInput<'_, '_>, sink: &mut RuleSink<'_, '_>) {
    for subject in &input.subjects {
        let inputs = subject.rows.inputs.iter();
        let inputs = inputs.map(|row| (row.key.text(), row.kind == InputKind::Header, &row.value, Some(row.path())));
        let others = subject.rows.others.iter().map(|(name, text)| (name.as_str(), false, text, path_of(name)));
        for (name, is_header, text, path) in inputs.chain(others) {
            if is_secret(name, is_header, text) {
                let message = format!("{}: {} looks like a secret in clear text", subject.label, quote(name));
                let help =
                    "move it into the connector's credentials, and change it: everyone who has seen this file knows it";
                let finding = sink.finding(message, help).path(path);
                sink.add(subject, text.span(), finding);
            }
        }
    }
}

/// The path of a member of the configuration that is a text.
fn path_of(member: &str) -> Option<String> {
    let path = match member {
        "dataSource" => "connector",
        "endpoint" => "resource",
        "queue" | "timeout" => member,
        _ => return None,
    };
    Some(path.to_owned())
}

fn is_secret(name: &str, is_header: bool, text: &SpannedText<'_, '_>) -> bool {
    let value = text.text().trim();
    if value.is_empty() || value.contains("{{") {
        return false;
    }
    let name = name.to_ascii_lowercase();
    let is_named = SECRET_NAMES.iter().any(|word| name.contains(word)) || (is_header && name.ends_with("token"));
    let has_prefix = SECRET_PREFIXES
        .iter()
        .any(|(prefix, min)| value.strip_prefix(prefix).is_some_and(|rest| rest.chars().count() >= *min));
    let authority = value.split_once("://").and_then(|(_, rest)| rest.split('/').next());
    is_named
        || has_prefix
        || authority.is_some_and(|authority| authority.split_once('@').is_some_and(|(user, _)| user.contains(':')))
}
