//! A request as people and logs may read it: masked by the names of what it carries, and by the values of its secrets.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use serde::{Serialize, Serializer};
use url::Url;
use url::form_urlencoded;

use super::{MASK, RequestSpec};

/// A request without its secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Redacted {
    /// The method.
    pub method: String,
    /// The URL with its query.
    pub url: String,
    /// Names and values in the order of sending; those of the credential are named, their values masked.
    pub headers: Vec<(String, String)>,
    /// The body; a file that is fetched when the request is sent stands there as its URL.
    pub body: String,
    /// The time of one attempt, written as `timeout_ms`.
    #[serde(rename = "timeout_ms", serialize_with = "milliseconds")]
    pub timeout: Duration,
}

impl RequestSpec {
    /// The request without its secrets.
    pub fn redacted(&self) -> Redacted {
        Redacted {
            method: self.redactor.redacted_part(self.method.as_str()),
            url: self.redacted_url(),
            headers: self.redacted_headers(),
            body: self.redacted_body(),
            timeout: self.timeout,
        }
    }

    /// The URL of [`Self::redacted`], without the work that a large body is.
    pub fn redacted_url(&self) -> String {
        self.redactor.redacted_part(&url(self.raw_url()))
    }

    fn redacted_headers(&self) -> Vec<(String, String)> {
        let mut redacted: Vec<(String, String)> = Vec::new();
        for (name, value) in &self.headers {
            let value = if is_secret(name.as_str()) || value.is_sensitive() {
                MASK.to_owned()
            } else {
                self.redactor.redacted_part(&String::from_utf8_lossy(value.as_bytes()))
            };
            redacted.push((self.redactor.redacted_part(name.as_str()), value));
        }
        redacted.extend(self.authorization.redacted_headers());
        if let Some(key) = &self.idempotency_key {
            redacted
                .push(("idempotency-key".to_owned(), self.redactor.redacted_part(key.to_str().unwrap_or_default())));
        }
        redacted
    }

    fn redacted_body(&self) -> String {
        let body = match &self.multipart {
            None => self.raw_body().clone(),
            Some(multipart) => {
                let files = multipart.urls().map(|file| Bytes::from(format!("(a file from {})", url(file))));
                multipart.assemble(files)
            }
        };
        self.redactor.redacted_part(&String::from_utf8_lossy(&body))
    }
}

impl fmt::Debug for RequestSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestSpec")
            .field("redacted", &self.redacted())
            .field("repeat", &self.repeat)
            .field("credential", &self.credential)
            .field("verify_certificate", &self.verify_certificate)
            .finish_non_exhaustive()
    }
}

/// A URL, with the values of parameters that are named like secrets masked.
pub fn url(of: &Url) -> String {
    let Some(query) = of.query() else { return of.to_string() };
    let mut redacted = of.clone();
    redacted.set_query(Some(&masked_query(query)));
    redacted.to_string()
}

/// The same for an address that may be relative, as a header holds it.
pub fn reference(of: &str) -> String {
    match of.split_once('?') {
        Some((before, query)) => format!("{before}?{}", masked_query(query)),
        None => of.to_owned(),
    }
}

fn masked_query(query: &str) -> String {
    let masked: Vec<String> = query
        .split('&')
        .map(|pair| {
            let name = pair.split('=').next().unwrap_or_default();
            let decoded: String = form_urlencoded::parse(name.as_bytes()).map(|(name, _)| name.into_owned()).collect();
            if is_secret(&decoded) { format!("{name}={MASK}") } else { pair.to_owned() }
        })
        .collect();
    masked.join("&")
}

/// Whether a name is that of something secret.
pub(super) fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let words = ["authorization", "cookie", "key", "token", "secret", "password", "passwd", "signature", "credential"];
    name == "sig" || name == "code" || words.iter().any(|word| name.contains(word))
}

fn milliseconds<S: Serializer>(timeout: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX))
}
