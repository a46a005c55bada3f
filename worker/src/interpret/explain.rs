//! A failure as a designer can act on it: what was sent, what came back, what to change.

use std::borrow::Cow;

use crate::job::{Code, Failure, Limit, brief};
use crate::plan::RequestSpec;

/// How much of an answer a message quotes (COMPATIBILITY 4.7).
const EXCERPT: Limit = Limit::Characters(100);

/// The same failure with what was sent, masked, the beginning of the answer, and what to change. Only attempts have these.
pub fn explained(failure: Failure, request: &RequestSpec) -> Failure {
    if !failure.attempted || failure.code == Code::Internal {
        return failure;
    }
    let mut message = failure.message;
    message.push_str("\nsent: ");
    message.push_str(&sent(request));
    if let Some(status) = failure.status {
        let body = failure.body.as_deref().unwrap_or_default();
        let body = if body.is_empty() { Cow::Borrowed("no body") } else { brief(body, EXCERPT) };
        message = format!("{message}\nanswer: {status}, {body}");
    }
    if let Some(hint) = hint(failure.code) {
        message.push_str("\nto change: ");
        message.push_str(hint);
    }
    Failure { message, ..failure }
}

fn sent(request: &RequestSpec) -> String {
    let line = format!("{} {}", request.method, request.redacted_url());
    match request.body_length() {
        0 => line,
        bytes => format!("{line}, {bytes} bytes of body"),
    }
}

fn hint(code: Code) -> Option<&'static str> {
    Some(match code {
        Code::Http(400 | 422) => {
            "the rows and the body's template that fill this request; `run --dry-run` shows it whole"
        }
        Code::Http(401 | 403) => "the connector's credentials, or what they may do at the third party",
        Code::Http(404 | 410) => {
            "the URL and the rows that fill it; where this answer is an expected one, `success: \"2xx,404\"` or a row of `errorMapping`"
        }
        Code::Http(405) => "the resource's method",
        Code::Http(406 | 415) => "the resource's headers Accept and Content-Type",
        Code::Http(408 | 425 | 429 | 500 | 502..=504 | 506..=599) => {
            "nothing here, if the third party is in trouble; `retry` says how often and for how long it is tried again"
        }
        Code::Http(300..=399) => "the resource's URL: only GET and HEAD follow a redirect, at most five",
        Code::Http(_) => "the data, or `success` and `errorMapping`, if this answer is an expected one",
        Code::Mapping => "the row or rule that is named above, or what the third party answers",
        _ => return None,
    })
}
