//! Rule 12: retries are configured for a call that is not repeated when its outcome is unknown (CONTRACT 6). Knows
//! methods and retry policies; must not know how a retry is decided.

use super::{Rule, RuleInput, RuleSink};
use crate::diagnostic::{Severity, quote};
use crate::spanned_text::SpannedText;

pub(super) const RULE: Rule = Rule {
    number: 12,
    name: "unrepeatable-retry",
    severity: Severity::Warning,
    summary: "A POST or PATCH with retries declares that it may be repeated.",
    page: include_str!("../../rules/12-unrepeatable-retry.md"),
    check,
};

fn check(input: &RuleInput<'_, '_>, sink: &mut RuleSink<'_, '_>) {
    for subject in &input.subjects {
        let Some(resource) = subject.resource() else { continue };
        let is_safe =
            resource.is_repeat_safe || subject.rows.repeat.as_ref().is_some_and(|r| r.text().trim() == "safe");
        let attempts = subject.rows.attempts_total.unwrap_or(resource.attempts);
        if is_safe || attempts < 2 || !matches!(resource.method.as_str(), "POST" | "PATCH") {
            continue;
        }
        let message = format!(
            "{}: {} {} is tried {attempts} times after an error status, but not after a lost response",
            subject.label,
            resource.method,
            quote(&resource.name)
        );
        let help = "write repeat: safe if the third party honours the Idempotency-Key header, or may be called twice";
        let span = subject.rows.attempts.as_ref().map_or_else(|| subject.span(), SpannedText::span);
        let finding = sink.finding(message, help).path("retry.attempts".to_owned());
        sink.add(subject, span, finding);
    }
}
