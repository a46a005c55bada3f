//! One call: every hop judged, one deadline over all of it, the answer capped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, LOCATION};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::body::Watched;
use super::client::{Client, chain};
use super::guard::{Denied, Refused};
use super::{auth, classify};
use crate::interpret::Response;
use crate::job::{Code, Failure};
use crate::plan::RequestSpec;

/// How many redirects a GET or HEAD follows (CONTRACT 6).
const HOPS: usize = 5;
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

impl Client {
    /// Makes the call; a status of any kind is an answer.
    ///
    /// # Errors
    /// What ended it without a usable answer, in its class of the retry table.
    pub async fn send(&self, request: &RequestSpec) -> Result<Response, Failure> {
        self.admit(request)?;
        let call = Call { client: self, request, deadline: Instant::now() + request.timeout, asked: Arc::default() };
        let answer = call.follow().await?;
        call.read(answer).await
    }
}

struct Call<'a> {
    client: &'a Client,
    request: &'a RequestSpec,
    deadline: Instant,
    asked: Arc<AtomicBool>,
}

impl Call<'_> {
    /// The first answer that is not followed.
    async fn follow(&self) -> Result<reqwest::Response, Failure> {
        let mut url = self.request.url.clone();
        for hop in 0.. {
            let answer = self.hop(&url).await?;
            let next = if hop < HOPS { self.next(&url, &answer) } else { None };
            let Some(next) = next else { return Ok(answer) };
            match self.client.inner().guard.url(&next) {
                Ok(()) => url = next,
                Err(Refused::Denied(denied)) => return Err(classify::denied_after_dialling(&denied)),
                // Not a place that can be called: the redirect is the answer.
                Err(Refused::Malformed(_)) => return Ok(answer),
            }
        }
        Err(Failure::before_any_attempt(Code::Internal, "redirects did not end"))
    }

    async fn hop(&self, url: &Url) -> Result<reqwest::Response, Failure> {
        let Some(client) = self.client.inner().client(self.request.verify_certificate) else {
            return Err(Failure::before_any_attempt(Code::Configuration, "certificates must be verified"));
        };
        let executed = timeout_at(self.deadline, client.execute(self.build(url)?)).await;
        let asked = self.asked.load(Ordering::Relaxed);
        let answer = match executed {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(classify::before_status(error, self.request, asked)),
            Err(_) => return Err(classify::out_of_time(self.request, asked)),
        };
        // The resolver judged what was dialled; this catches whatever came between.
        match answer.remote_addr() {
            Some(peer) if !self.client.inner().guard.address(peer.ip()) => {
                let host = url.host_str().unwrap_or_default().to_owned();
                Err(classify::denied_after_dialling(&Denied { host }))
            }
            _ => Ok(answer),
        }
    }

    fn build(&self, url: &Url) -> Result<reqwest::Request, Failure> {
        let request = self.request;
        let mut built = reqwest::Request::new(request.method.clone(), url.clone());
        let at_home = url.origin() == request.url.origin();
        let headers = built.headers_mut();
        for (name, value) in request.headers.iter().filter(|(name, _)| at_home || name == ACCEPT) {
            headers.append(name, value.clone());
        }
        if at_home {
            let authorization = auth::header(&request.authorization)
                .map_err(|problem| Failure::before_any_attempt(Code::Configuration, problem))?;
            set(headers, AUTHORIZATION, authorization);
            set(headers, IDEMPOTENCY_KEY, request.idempotency_key.clone());
            set(headers, TRACEPARENT, request.traceparent.clone());
        }
        if classify::has_watched_body(request) {
            let body = Watched { bytes: Some(request.body.clone()), asked: Arc::clone(&self.asked) };
            *built.body_mut() = Some(reqwest::Body::wrap(body));
        }
        Ok(built)
    }

    /// Where a GET or HEAD is sent on to; never from https to http.
    fn next(&self, url: &Url, answer: &reqwest::Response) -> Option<Url> {
        let follows = matches!(self.request.method, Method::GET | Method::HEAD);
        if !follows || !matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
            return None;
        }
        let mut next = url.join(answer.headers().get(LOCATION)?.to_str().ok()?).ok()?;
        next.set_fragment(None);
        (url.scheme() != "https" || next.scheme() == "https").then_some(next)
    }

    /// Reads the body within its limit. A bad status stays what it is, however its body ends.
    async fn read(&self, mut answer: reqwest::Response) -> Result<Response, Failure> {
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let response = |body: Bytes| Response { status, headers: headers.clone(), body, warnings: Vec::new() };
        match self.body(&mut answer).await {
            Ok(body) => Ok(response(body)),
            Err(problem) if (200..300).contains(&status) => Err(classify::broken_body(self.request, status, &problem)),
            Err(problem) => Ok(Response {
                warnings: vec![format!("the answer's body was cut: {problem}")],
                ..response(Bytes::new())
            }),
        }
    }

    async fn body(&self, answer: &mut reqwest::Response) -> Result<Bytes, String> {
        let limit = self.client.inner().settings.response_bytes;
        let too_large = || format!("its body is larger than limits.response_bytes ({limit} bytes)");
        if declared_length(answer.headers()).is_some_and(|length| length > limit as u64)
            && self.request.method != Method::HEAD
        {
            return Err(too_large());
        }
        let mut body = BytesMut::new();
        loop {
            match timeout_at(self.deadline, answer.chunk()).await {
                Ok(Ok(Some(chunk))) if body.len() + chunk.len() > limit => return Err(too_large()),
                Ok(Ok(Some(chunk))) => body.extend_from_slice(&chunk),
                Ok(Ok(None)) => return Ok(body.freeze()),
                Ok(Err(error)) => return Err(format!("its body broke off: {}", chain(&error.without_url()))),
                Err(_) => return Err(format!("its body had not come within {:?}", self.request.timeout)),
            }
        }
    }
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: Option<HeaderValue>) {
    if let Some(value) = value {
        headers.insert(name, value);
    }
}

fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests;
