//! Transport errors as failures, in the classes of the retry table (CONTRACT 6).

use std::error::Error as StdError;

use crate::job::{Code, Failure, Retriable};
use crate::plan::{Repeat, RequestSpec};

use super::client::chain;
use super::guard::DeniedDestination;

/// A head that breaks the rules of its protocol (RFC 9112 2.2, 5 and 6; RFC 9113 8.1.1).
const MALFORMED: &str =
    "header fields that HTTP does not allow: a NUL, a carriage return, or lengths that contradict each other";
const RETRY: Retriable = Retriable::Retry { after: None };

/// Why there is no status line.
#[derive(Debug, thiserror::Error)]
pub(super) enum SendError {
    /// The client's own account; without the URL.
    #[error(transparent)]
    Client(reqwest::Error),
    /// A connection that was used without the client.
    #[error(transparent)]
    Connection(#[from] hyper::Error),
}

impl From<reqwest::Error> for SendError {
    fn from(error: reqwest::Error) -> Self {
        Self::Client(error.without_url())
    }
}

impl SendError {
    fn is(&self, what: impl Fn(&reqwest::Error) -> bool) -> bool {
        matches!(self, Self::Client(error) if what(error))
    }

    /// The first cause of a type.
    fn cause<T: StdError + 'static>(&self) -> Option<&T> {
        match self {
            Self::Client(error) => cause(error),
            Self::Connection(error) => cause(error),
        }
    }
}

/// The failure of a call that ended without a status line.
pub(super) fn before_status(error: &SendError, request: &RequestSpec, body_polled: bool) -> Failure {
    if let Some(denied) = error.cause::<DeniedDestination>() {
        return Failure::before_any_attempt(Code::Denied, denied.to_string());
    }
    if error.is(reqwest::Error::is_builder) {
        return Failure::before_any_attempt(Code::Configuration, chain(error));
    }
    let is_connect = error.is(reqwest::Error::is_connect);
    if let Some(tls) = error.cause::<rustls::Error>()
        && (is_connect || rejects_client_certificate(tls))
    {
        return tls_failure(tls, request);
    }
    if let Some(problem) = broken_head(error) {
        return unreadable_head(request, problem);
    }
    let timed_out = error.is(reqwest::Error::is_timeout);
    // A body that was not polled means that there was no connection, or that nothing was written to it.
    let nothing_sent = is_connect || (has_observed_body(request) && !body_polled) || was_not_worked_on(error);
    without_status(request, timed_out, nothing_sent, &chain(error))
}

/// Whether it is certain that the peer did not work on the request: a stream that it refused, or that came after its
/// GOAWAY (RFC 9113, 6.8 and 8.7), or a request that was taken back before its connection began to write it.
fn was_not_worked_on(error: &SendError) -> bool {
    let refused = |h2: &h2::Error| {
        h2.is_remote() && (h2.is_go_away() || h2.is_reset() && h2.reason() == Some(h2::Reason::REFUSED_STREAM))
    };
    error.cause::<h2::Error>().is_some_and(refused)
        || error.cause::<hyper::Error>().is_some_and(hyper::Error::is_canceled)
}

/// Whether the connection ended before a status line came, and nothing else went wrong.
pub(super) fn ended_without_a_word(error: &SendError) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    let ended = |error: &hyper::Error| error.is_incomplete_message() || error.is_canceled() || error.is_closed();
    let broke = |error: &std::io::Error| {
        matches!(error.kind(), ConnectionReset | ConnectionAborted | BrokenPipe | UnexpectedEof)
    };
    !error.is(reqwest::Error::is_connect)
        && !error.is(reqwest::Error::is_timeout)
        && (error.cause::<hyper::Error>().is_some_and(ended) || error.cause::<std::io::Error>().is_some_and(broke))
}

/// The failure of a call whose deadline passed before a status line.
pub(super) fn out_of_time(request: &RequestSpec, body_polled: bool) -> Failure {
    let nothing_sent = has_observed_body(request) && !body_polled;
    without_status(request, true, nothing_sent, &format!("no answer within {:?}", request.timeout))
}

/// The failure of a call whose deadline passed before it was sent.
pub(super) fn no_time_left(request: &RequestSpec) -> Failure {
    without_status(request, true, true, &format!("nothing was left of its {:?}", request.timeout))
}

fn without_status(request: &RequestSpec, timed_out: bool, nothing_sent: bool, problem: &str) -> Failure {
    let code = if timed_out { Code::Timeout } else { Code::Connect };
    let authority = authority(request);
    if nothing_sent {
        return Failure::of_attempt(code, format!("{authority} could not be reached: {problem}"), RETRY);
    }
    match request.repeat {
        Repeat::Safe => Failure::of_attempt(code, format!("{authority} did not answer: {problem}"), RETRY),
        Repeat::Unsafe => {
            let message = format!(
                "{authority} was sent the {} and did not answer ({problem}); whether it took effect is unknown. Look there, \
                 then run the job again or go on by hand; `repeat: safe` on the resource lets it be repeated",
                request.method
            );
            Failure::of_attempt(Code::OutcomeUnknown, message, Retriable::Final)
        }
    }
}

/// Whether the peer rejected our client certificate. With TLS 1.3 that alert arrives after our side of the handshake, when the
/// request may have been written but is never read; any other alert may come after the peer has acted.
fn rejects_client_certificate(error: &rustls::Error) -> bool {
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
    let authority = authority(request);
    if rejects_client_certificate(error) {
        let hint = "it requires a client certificate: see `client_certificate` and `client_key` of the connector's credentials";
        return Failure::of_attempt(Code::Tls, format!("{authority}: {error}; {hint}"), Retriable::Final);
    }
    if matches!(error, rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented) {
        let hint = "for a private certificate authority the operator sets http.ca_file";
        return Failure::of_attempt(Code::Tls, format!("{authority}: {error}; {hint}"), Retriable::Final);
    }
    Failure::of_attempt(Code::Tls, format!("{authority}: no secure connection: {error}"), RETRY)
}

/// What is wrong with a head whose status could be read. Over HTTP/1, what does not begin as HTTP comes as an answer of
/// version 0.9 instead, and only after an answer on the same connection as an error of parsing. Over HTTP/2, an error of the
/// whole connection may be about the stream of another call: what became of this one is not known then.
fn broken_head(error: &SendError) -> Option<&'static str> {
    if let Some(error) = error.cause::<hyper::Error>().filter(|error| error.is_parse() && !error.is_parse_status()) {
        let is_large = error.is_parse_too_large();
        return Some(if is_large { "more than 100 header fields or too large ones" } else { MALFORMED });
    }
    error.cause::<h2::Error>().is_some_and(|error| error.is_library() && error.is_reset()).then_some(MALFORMED)
}

/// A response whose head cannot be used.
fn unreadable_head(request: &RequestSpec, problem: &str) -> Failure {
    let retriable = if matches!(request.method.as_str(), "GET" | "HEAD") { RETRY } else { Retriable::Final };
    Failure::of_attempt(Code::BadResponse, format!("{} answered with {problem}", authority(request)), retriable)
}

/// The failure of a call that was answered with something that is not HTTP.
pub(super) fn not_http(request: &RequestSpec) -> Failure {
    without_status(request, false, false, "what came back does not begin as an HTTP answer does")
}

/// The failure of a call with a good status whose body is incomplete, too large or late.
pub(super) fn broken_body(request: &RequestSpec, status: u16, problem: &str) -> Failure {
    let repeatable = matches!(request.method.as_str(), "GET" | "HEAD");
    let retriable = if repeatable { RETRY } else { Retriable::Final };
    let message = format!("{} answered {status}, and {problem}", authority(request));
    Failure { status: Some(status), ..Failure::of_attempt(Code::BadResponse, message, retriable) }
}

/// The failure of a call that was redirected to a destination that is not allowed.
pub(super) fn denied_redirect(denied: &DeniedDestination) -> Failure {
    Failure::of_attempt(Code::Denied, denied.to_string(), Retriable::Final)
}

/// Whether the body of this request records that it was polled; an empty one is never polled.
pub(super) fn has_observed_body(request: &RequestSpec) -> bool {
    !request.raw_body().is_empty()
}

/// Host and port: enough to identify the destination, nothing that could be a secret.
fn authority(request: &RequestSpec) -> String {
    let host = request.raw_url().host_str().unwrap_or_default();
    request.raw_url().port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// The first cause of a type; the source of an I/O error has to be looked for inside it.
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
