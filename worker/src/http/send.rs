//! One call: every hop judged, one deadline over all of it, the answer capped.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONTENT_LENGTH, LOCATION};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::auth::{self, Proof};
use super::body::Watched;
use super::classify;
use super::client::{Client, HEADER_BYTES, chain};
use super::decode::Incoming;
use super::guard::{Denied, Refused};
use crate::fault;
use crate::interpret::Response;
use crate::job::{Code, Failure};
use crate::plan::{Authorization, RequestSpec};

/// How many redirects a GET or HEAD follows (CONTRACT 6).
const HOPS: usize = 5;
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

impl Client {
    /// Makes the call; a status of any kind is an answer. A token that is refused is fetched anew once, and so is a challenge
    /// answered, within this attempt.
    ///
    /// # Errors
    /// What ended it without a usable answer, in its class of the retry table.
    pub async fn send(&self, request: &RequestSpec) -> Result<Response, Failure> {
        self.judge(request)?;
        let call = Call::new(self, request);
        let mut proof = match self.token(request).await? {
            Some(token) => Proof::Token(token),
            None => Proof::Planned,
        };
        let mut answer = call.follow(&proof).await?;
        if answer.status() == StatusCode::UNAUTHORIZED
            && answer.url().origin() == request.raw_url().origin()
            && let Some(better) = self.better(request, &proof, &answer).await?
        {
            proof = better;
            drop(answer);
            answer = call.follow(&proof).await?;
        }
        call.read(answer, self.inner().settings.response_bytes).await
    }

    /// Makes a call that proves nothing by itself and whose answer has at most `limit` bytes.
    pub(super) async fn exchange(&self, request: &RequestSpec, limit: usize) -> Result<Response, Failure> {
        self.judge(request)?;
        let call = Call::new(self, request);
        let answer = call.follow(&Proof::Planned).await?;
        call.read(answer, limit).await
    }

    /// What may be let in after a 401, if anything.
    async fn better(
        &self,
        request: &RequestSpec,
        proof: &Proof,
        answer: &reqwest::Response,
    ) -> Result<Option<Proof>, Failure> {
        match (&request.authorization, proof) {
            (Authorization::OAuth2(oauth), Proof::Token(token)) => {
                let again = self.inner().tokens.refuse(&request.credential, oauth, token).await;
                Ok(if again { self.token(request).await?.map(Proof::Token) } else { None })
            }
            (Authorization::Digest { username, password }, Proof::Planned) => {
                let client_nonce = uuid::Uuid::new_v4().simple().to_string();
                let sent = (&request.method, answer.url(), &request.raw_body()[..]);
                let answered = auth::answer_to_challenge(answer.headers(), (username, password), sent, &client_nonce);
                Ok(answered.map(Proof::Challenge))
            }
            _ => Ok(None),
        }
    }
}

struct Call<'a> {
    client: &'a Client,
    request: &'a RequestSpec,
    deadline: Instant,
    asked: Arc<AtomicBool>,
}

impl<'a> Call<'a> {
    fn new(client: &'a Client, request: &'a RequestSpec) -> Self {
        Self { client, request, deadline: Instant::now() + request.timeout, asked: Arc::default() }
    }

    /// The first answer that is not followed.
    async fn follow(&self, proof: &Proof) -> Result<reqwest::Response, Failure> {
        let mut url = self.request.raw_url().clone();
        for hop in 0.. {
            let answer = self.hop(&url, proof).await?;
            let next = if hop < HOPS { self.next(&url, &answer) } else { None };
            let Some(next) = next else { return Ok(answer) };
            match self.client.inner().guard.url(&next) {
                Ok(()) => url = next,
                Err(_) if fault::without("redirect") => url = next,
                Err(Refused::Denied(denied)) => return Err(classify::denied_after_dialling(&denied)),
                // Not a place that can be called: the redirect is the answer.
                Err(Refused::Malformed(_)) => return Ok(answer),
            }
        }
        Err(Failure::before_any_attempt(Code::Internal, "redirects did not end"))
    }

    async fn hop(&self, url: &Url, proof: &Proof) -> Result<reqwest::Response, Failure> {
        // Away from home there is no credential, no certificate of ours, and no configured header.
        let request = if url == self.request.raw_url() {
            Cow::Borrowed(self.request)
        } else {
            let mut moved = self.request.redirected_to(url.clone());
            if fault::without("credentials") {
                moved.headers.clone_from(&self.request.headers);
                moved.authorization = self.request.authorization.clone();
            }
            Cow::Owned(moved)
        };
        let inner = self.client.inner();
        let client = inner.client(&request)?;
        self.asked.store(false, Ordering::Relaxed);
        let executed = timeout_at(self.deadline, client.execute(self.build(&request, proof)?)).await;
        let asked = self.asked.load(Ordering::Relaxed);
        fault::at("answered").await;
        let answer = match executed {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(classify::before_status(error, self.request, asked)),
            Err(_) => return Err(classify::out_of_time(self.request, asked)),
        };
        let size: usize = answer.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
        if size > HEADER_BYTES {
            let problem = format!("its headers are larger than {HEADER_BYTES} bytes");
            return Err(classify::broken_body(self.request, answer.status().as_u16(), &problem));
        }
        // The connector judged the peer before it was written to; this catches a connection that was kept.
        match answer.remote_addr() {
            Some(peer) if inner.settings.proxy.is_none() && !inner.guard.address(peer.ip()) => {
                let host = url.host_str().unwrap_or_default().to_owned();
                Err(classify::denied_after_dialling(&Denied { host }))
            }
            _ => Ok(answer),
        }
    }

    fn build(&self, request: &RequestSpec, proof: &Proof) -> Result<reqwest::Request, Failure> {
        let mut built = reqwest::Request::new(request.method.clone(), request.raw_url().clone());
        let headers = built.headers_mut();
        for (name, value) in &request.headers {
            headers.append(name, value.clone());
        }
        if !headers.contains_key(ACCEPT_ENCODING) {
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        }
        set(headers, IDEMPOTENCY_KEY, request.idempotency_key.clone());
        set(headers, TRACEPARENT, request.traceparent.clone());
        auth::apply(&mut built, request, proof, (self.client.inner().settings.now_ms)())?;
        if classify::has_watched_body(request) {
            let body = Watched { bytes: Some(request.raw_body().clone()), asked: Arc::clone(&self.asked) };
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
        // A server that repeats our key in the address of another one does not get us to carry it there.
        let leaks = next.origin() != self.request.raw_url().origin() && self.request.redactor.finds(next.as_str());
        (!leaks && (url.scheme() != "https" || next.scheme() == "https")).then_some(next)
    }

    /// Reads the body within its limit. A bad status stays what it is, however its body ends.
    async fn read(&self, mut answer: reqwest::Response, limit: usize) -> Result<Response, Failure> {
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let response = |body: Bytes| Response { status, headers: headers.clone(), body, warnings: Vec::new() };
        match self.body(&mut answer, limit).await {
            Ok(body) => Ok(response(body)),
            Err(problem) if (200..300).contains(&status) => Err(classify::broken_body(self.request, status, &problem)),
            Err(problem) => Ok(Response {
                warnings: vec![format!("the answer's body was cut: {problem}")],
                ..response(Bytes::new())
            }),
        }
    }

    async fn body(&self, answer: &mut reqwest::Response, limit: usize) -> Result<Bytes, String> {
        let its_body = |problem: String| format!("its body {problem}");
        if declared_length(answer.headers()).is_some_and(|length| length > limit as u64)
            && self.request.method != Method::HEAD
        {
            return Err(its_body(format!("is larger than limits.response_bytes ({limit} bytes)")));
        }
        let mut body = Incoming::new(answer.headers(), limit).map_err(its_body)?;
        loop {
            match timeout_at(self.deadline, answer.chunk()).await {
                Ok(Ok(Some(chunk))) => body.push(&chunk).map_err(its_body)?,
                Ok(Ok(None)) => return body.finish().map_err(its_body),
                Ok(Err(error)) => return Err(its_body(format!("broke off: {}", chain(&error.without_url())))),
                Err(_) => return Err(its_body(format!("had not come within {:?}", self.request.timeout))),
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
