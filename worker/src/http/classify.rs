//! What went wrong, in the classes of the retry table (CONTRACT 6).

use std::error::Error as StdError;

use crate::job::{Code, Failure, Retriable};
use crate::plan::{Repeat, RequestSpec};

use super::client::chain;
use super::guard::Denied;

const RETRY: Retriable = Retriable::Retry { after: None };

/// No status line came.
pub(super) fn before_status(error: reqwest::Error, request: &RequestSpec, asked_for_body: bool) -> Failure {
    let error = error.without_url();
    if let Some(denied) = cause::<Denied>(&error) {
        return Failure::before_any_attempt(Code::Denied, denied.to_string());
    }
    if error.is_builder() {
        return Failure::before_any_attempt(Code::Configuration, chain(&error));
    }
    if let Some(tls) = cause::<rustls::Error>(&error)
        && (error.is_connect() || refuses_us(tls))
    {
        return tls_failure(tls, request);
    }
    if cause::<hyper::Error>(&error).is_some_and(hyper::Error::is_parse_too_large) {
        return too_large_head(request);
    }
    let time_ran_out = error.is_timeout();
    // A body that nobody asked for means a connection that was never there, or was not written to.
    let nothing_sent = error.is_connect() || (has_watched_body(request) && !asked_for_body);
    without_status(request, time_ran_out, nothing_sent, &chain(&error))
}

/// The deadline struck before a status line.
pub(super) fn out_of_time(request: &RequestSpec, asked_for_body: bool) -> Failure {
    let nothing_sent = has_watched_body(request) && !asked_for_body;
    without_status(request, true, nothing_sent, &format!("no answer within {:?}", request.timeout))
}

fn without_status(request: &RequestSpec, time_ran_out: bool, nothing_sent: bool, problem: &str) -> Failure {
    let code = if time_ran_out { Code::Timeout } else { Code::Connect };
    let place = place(request);
    if nothing_sent {
        return Failure::of_attempt(code, format!("{place} could not be reached: {problem}"), RETRY);
    }
    match request.repeat {
        Repeat::Safe => Failure::of_attempt(code, format!("{place} did not answer: {problem}"), RETRY),
        Repeat::Unsafe => {
            let message = format!(
                "{place} was sent the {} and did not answer ({problem}); whether it took effect is unknown. Look there, \
                 then run the job again or go on by hand; `repeat: safe` on the resource lets it be repeated",
                request.method
            );
            Failure::of_attempt(Code::OutcomeUnknown, message, Retriable::Final)
        }
    }
}

/// Whether the peer did not like who we said we are. With TLS 1.3 it says so when we think the handshake done, and have written
/// what it will never read; every other alert may come after it has acted.
fn refuses_us(error: &rustls::Error) -> bool {
    use rustls::AlertDescription::{
        AccessDenied, BadCertificate, CertificateExpired, CertificateRequired, CertificateRevoked, CertificateUnknown,
        DecryptError, UnknownCA, UnsupportedCertificate,
    };
    let rustls::Error::AlertReceived(alert) = error else { return false };
    matches!(
        alert,
        AccessDenied
            | BadCertificate
            | CertificateExpired
            | CertificateRequired
            | CertificateRevoked
            | CertificateUnknown
            | DecryptError
            | UnknownCA
            | UnsupportedCertificate
    )
}

fn tls_failure(error: &rustls::Error, request: &RequestSpec) -> Failure {
    let place = place(request);
    if refuses_us(error) {
        let hint = "it asks who we are: see `client_certificate` and `client_key` of the connector's credentials";
        return Failure::of_attempt(Code::Tls, format!("{place}: {error}; {hint}"), Retriable::Final);
    }
    if matches!(error, rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented) {
        let hint = "for an own certificate authority the operator sets http.ca_file";
        return Failure::of_attempt(Code::Tls, format!("{place}: {error}; {hint}"), Retriable::Final);
    }
    Failure::of_attempt(Code::Tls, format!("{place}: no secure connection: {error}"), RETRY)
}

/// An answer that began, and whose head goes beyond what any has.
fn too_large_head(request: &RequestSpec) -> Failure {
    let retriable = if matches!(request.method.as_str(), "GET" | "HEAD") { RETRY } else { Retriable::Final };
    let message = format!("{} answered with more than 100 header fields or too large ones", place(request));
    Failure::of_attempt(Code::BadResponse, message, retriable)
}

/// A good status whose body broke, is too large or does not come.
pub(super) fn broken_body(request: &RequestSpec, status: u16, problem: &str) -> Failure {
    let repeatable = matches!(request.method.as_str(), "GET" | "HEAD");
    let retriable = if repeatable { RETRY } else { Retriable::Final };
    let message = format!("{} answered {status}, and {problem}", place(request));
    Failure { status: Some(status), ..Failure::of_attempt(Code::BadResponse, message, retriable) }
}

/// A redirect, or the peer itself, turned out to be a place that may not be called.
pub(super) fn denied_after_dialling(denied: &Denied) -> Failure {
    Failure::of_attempt(Code::Denied, denied.to_string(), Retriable::Final)
}

/// Whether the body of this request tells when it is asked for; an empty one never is.
pub(super) fn has_watched_body(request: &RequestSpec) -> bool {
    !request.raw_body().is_empty()
}

/// Host and port: enough to know the place, nothing that could be a secret.
fn place(request: &RequestSpec) -> String {
    let url = request.raw_url();
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// The first cause of a type; I/O errors hide theirs.
fn cause<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        let inside = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if let Some(found) = inside.and_then(|inside| inside.downcast_ref::<T>()) {
            return Some(found);
        }
        next = match inside {
            Some(inside) => Some(inside),
            None => error.source(),
        };
    }
    None
}
