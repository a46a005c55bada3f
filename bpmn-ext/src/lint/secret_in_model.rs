//! A secret that everybody who sees the model can read.

use super::{Found, Lint, Rule};
use crate::diagnostic::{Severity, quote};
use crate::rows::Kind;
use crate::written::Written;

pub(super) const RULE: Rule = Rule {
    number: 13,
    name: "secret-in-model",
    severity: Severity::Warning,
    summary: "No secret is written into the model.",
    page: include_str!("../../rules/13-secret-in-model.md"),
    check,
};

/// Parts of names that are given to secrets.
const NAMES: [&str; 10] = [
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
/// What secrets of well-known services begin with, and how many characters follow at least.
const BEGINNINGS: [(&str, usize); 11] = [
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

fn check(lint: &Lint<'_, '_>, found: &mut Found<'_, '_>) {
    for subject in &lint.subjects {
        let inputs = subject.rows.inputs.iter().map(|row| (row.key.text(), row.kind == Kind::Header, &row.value));
        let others = subject.rows.others.iter().map(|(name, text)| (name.as_str(), false, text));
        for (name, is_header, text) in inputs.chain(others) {
            if is_secret(name, is_header, text) {
                let message =
                    format!("{}: {} looks like a secret that stands in the model", subject.label, quote(name));
                let help = "put it into the connector's credentials, and change it: whoever saw this file knows it";
                found.add(text.place(), message, help);
            }
        }
    }
}

fn is_secret(name: &str, is_header: bool, text: &Written<'_, '_>) -> bool {
    let value = text.text().trim();
    if value.is_empty() || value.contains("{{") {
        return false;
    }
    let name = name.to_ascii_lowercase();
    let is_named = NAMES.iter().any(|word| name.contains(word)) || (is_header && name.ends_with("token"));
    let begins = BEGINNINGS
        .iter()
        .any(|(start, more)| value.strip_prefix(start).is_some_and(|rest| rest.chars().count() >= *more));
    let has_user = value.split_once("://").and_then(|(_, rest)| rest.split('/').next());
    is_named
        || begins
        || has_user.is_some_and(|place| place.split_once('@').is_some_and(|(user, _)| user.contains(':')))
}
