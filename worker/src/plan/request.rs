//! The request as planned: everything that `http` needs in order to send it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method};
use sha2::{Digest, Sha256};
use url::Url;

use super::authorization::{Authorization, CredentialId};
use super::multipart::Multipart;
use super::redactor::Redactor;
use super::secrets::Bounds;
use crate::connector::ClientIdentity;

/// Whether sending the same request twice does no harm (CONTRACT 6, "never twice").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// By its method, or because the resource says `repeat: safe`.
    Safe,
    /// POST and PATCH: only when it is certain that nothing was sent, or that there was an answer.
    Unsafe,
}

/// Which request a follow-up is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FollowUp {
    /// A GET without a body.
    Get,
    /// The same request to another URL; to another origin a GET without a body.
    SameRequest,
    /// What [`RequestSpec::away_from_home`] leaves of it.
    GetAway,
}

/// A planned request. Plain data; nothing of it has been sent or resolved.
///
/// URL and body may hold secrets: [`RequestSpec::redacted`] is what people and logs get to see, `Debug` shows the same.
#[derive(Clone)]
pub struct RequestSpec {
    /// Any token the resource names.
    pub method: Method,
    /// Absolute, http or https, without user info or fragment.
    pub(super) url: Url,
    /// Configured headers, in order; `Authorization` and `Idempotency-Key` are not among them unless a designer wrote them.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Names of headers as they were written, for HTTP/1.
    pub(super) written: Arc<[String]>,
    /// Empty means no body.
    pub(super) body: Bytes,
    /// The body's parts where some of them have to be fetched before it can be sent; `body` is empty until then.
    pub(super) multipart: Option<Multipart>,
    /// Whether it may be repeated while its outcome is unknown.
    pub repeat: Repeat,
    /// From DNS to the last byte, redirects included.
    pub timeout: Duration,
    /// The credential; dropped when a redirect leaves the origin.
    pub authorization: Authorization,
    /// Which credential that is.
    pub credential: Arc<CredentialId>,
    /// The client certificate; it is not sent to another origin either.
    pub identity: Option<Arc<ClientIdentity>>,
    /// The hosts that its secrets may go to.
    pub(super) bounds: Bounds,
    /// Masks the secrets of this call in everything that people and engines read.
    pub redactor: Arc<Redactor>,
    /// `Idempotency-Key`, sent with every method but GET, HEAD and OPTIONS.
    pub idempotency_key: Option<HeaderValue>,
    /// W3C trace context.
    pub traceparent: Option<HeaderValue>,
    /// `false` needs `http.allow_insecure_tls`, else the call is `CONFIGURATION`.
    pub verify_certificate: bool,
    /// The job's id, where this process answers the request itself (CONTRACT 6): it has then no host, no network and no token.
    pub in_process: Option<Arc<str>>,
}

impl RequestSpec {
    /// A request with no header, body or credential; a method that is idempotent may be repeated.
    pub fn new(method: Method, url: Url, timeout: Duration) -> Self {
        Self {
            repeat: if method.is_idempotent() { Repeat::Safe } else { Repeat::Unsafe },
            method,
            url,
            headers: Vec::new(),
            written: Arc::default(),
            body: Bytes::new(),
            multipart: None,
            timeout,
            authorization: Authorization::None,
            credential: Arc::default(),
            identity: None,
            bounds: Bounds::default(),
            redactor: Arc::default(),
            idempotency_key: None,
            traceparent: None,
            verify_certificate: true,
            in_process: None,
        }
    }

    /// The same with this body.
    #[must_use]
    pub fn with_body(self, body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), ..self }
    }

    /// The same with names of headers as somebody wrote them.
    #[must_use]
    pub fn with_written_names(self, names: impl IntoIterator<Item = String>) -> Self {
        Self { written: names.into_iter().collect(), ..self }
    }

    /// The same with the files of [`Self::raw_file_urls`], in that order.
    #[must_use]
    pub(crate) fn with_files(&self, files: Vec<Bytes>) -> Self {
        let body = self.multipart.as_ref().map_or_else(|| self.body.clone(), |multipart| multipart.assemble(files));
        Self { body, multipart: None, ..self.clone() }
    }

    /// The URL with its secrets: to be sent to, never to be shown. Only `http/` and `call/` use it.
    pub(crate) const fn raw_url(&self) -> &Url {
        &self.url
    }

    /// The names of its headers as they were written; others have no spelling of their own.
    pub(crate) fn written_names(&self) -> &[String] {
        &self.written
    }

    /// The body with its secrets: to be sent, never to be shown. Only `http/` and `call/` use it.
    pub(crate) const fn raw_body(&self) -> &Bytes {
        &self.body
    }

    /// What has to be fetched before the body is whole, with its secrets. Only `http/` and `call/` use it.
    pub(crate) fn raw_file_urls(&self) -> impl Iterator<Item = &Url> {
        self.multipart.iter().flat_map(Multipart::urls)
    }

    /// Host and port, by which the limits of a host are counted.
    pub fn authority(&self) -> String {
        let (host, port) = (self.url.host_str(), self.url.port_or_known_default());
        format!("{}:{}", host.unwrap_or_default(), port.unwrap_or_default())
    }

    /// The length of the body, bytes; files that have yet to be fetched are not in it.
    pub fn body_length(&self) -> usize {
        self.body.len()
    }

    /// A request for something that this one leads to: another page, an operation's state, a file. Credentials and
    /// configured headers are sent only to the same origin.
    #[must_use]
    pub fn follow_up(&self, url: Url, timeout: Duration, kind: FollowUp) -> Self {
        let moved = match kind {
            FollowUp::GetAway => self.away_from_home(url),
            FollowUp::Get | FollowUp::SameRequest => self.redirected_to(url),
        };
        let repeated = matches!(kind, FollowUp::SameRequest);
        let describes_body = |name: &HeaderName| !repeated && name.as_str().starts_with("content-");
        Self {
            method: if repeated { moved.method } else { Method::GET },
            headers: moved.headers.into_iter().filter(|(name, _)| !describes_body(name)).collect(),
            body: if repeated { moved.body } else { Bytes::new() },
            multipart: None,
            repeat: Repeat::Safe,
            timeout,
            idempotency_key: moved.idempotency_key.filter(|_| repeated),
            ..moved
        }
    }

    /// A GET without credential, certificate and configured headers, for what is not the connector's own.
    #[must_use]
    pub fn anonymous_get(&self, url: Url, timeout: Duration) -> Self {
        let get = self.follow_up(url, timeout, FollowUp::Get);
        Self { headers: Vec::new(), written: Arc::default(), authorization: Authorization::None, identity: None, ..get }
    }

    /// The same request to another URL, such as a redirect's or the next page's; to another origin, see
    /// [`Self::away_from_home`].
    #[must_use]
    pub fn redirected_to(&self, url: Url) -> Self {
        if url.origin() == self.url.origin() { Self { url, ..self.clone() } } else { self.away_from_home(url) }
    }

    /// The request as it goes on once it has left its origin, back home included, since whoever it was away at chose this URL:
    /// a GET (or HEAD) without body, credential, client certificate, configured header, idempotency key and trace context
    /// (CONTRACT 6).
    #[must_use]
    pub fn away_from_home(&self, url: Url) -> Self {
        Self {
            method: if self.method == Method::HEAD { Method::HEAD } else { Method::GET },
            url,
            headers: Vec::new(),
            written: Arc::default(),
            body: Bytes::new(),
            multipart: None,
            repeat: Repeat::Safe,
            authorization: Authorization::None,
            identity: None,
            idempotency_key: None,
            traceparent: None,
            in_process: None,
            ..self.clone()
        }
    }

    /// Whether it may lead to this URL, as a redirect, a page or a poll does: not out of the hosts of a secret that it holds,
    /// and not to another origin with a secret in the URL, where whoever answered would have us send it.
    ///
    /// # Errors
    /// Why not.
    pub fn may_lead_to(&self, url: &Url) -> Result<(), String> {
        self.bounds.check(url).map_err(|invalid| invalid.to_string())?;
        if url.origin() != self.url.origin() && self.redactor.finds(url.as_str()) {
            return Err("a secret is part of the address, which is at another origin".to_owned());
        }
        Ok(())
    }

    /// Replaces its `Idempotency-Key`, where it carries one.
    pub fn set_idempotency_key(&mut self, key: &str) {
        if let (Some(own), Ok(key)) = (&mut self.idempotency_key, HeaderValue::from_str(key)) {
            *own = key;
        }
    }

    /// SHA-256 of what is sent, credentials left out: the ledger notes attempts that differ (CONTRACT 6).
    pub fn hash(&self) -> [u8; 32] {
        let mut sha = Sha256::new();
        let mut part = |bytes: &[u8]| {
            sha.update(bytes.len().to_be_bytes());
            sha.update(bytes);
        };
        part(self.method.as_str().as_bytes());
        part(self.url.as_str().as_bytes());
        for (name, value) in &self.headers {
            part(name.as_str().as_bytes());
            part(value.as_bytes());
        }
        part(&self.body);
        self.raw_file_urls().for_each(|url| part(url.as_str().as_bytes()));
        sha.finalize().into()
    }
}
