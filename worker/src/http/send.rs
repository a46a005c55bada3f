//! One call: every redirect checked, one deadline for all of it, a response of limited size.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONTENT_LENGTH, LOCATION};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::auth::{self, AuthState};
use super::body::ObservedBody;
use super::classify;
use super::client::{Client, HEADER_BYTES, chain};
use super::decode::{ACCEPTED, BodyError, BodyReader};
use super::guard::UrlError;
use crate::fault;
use crate::interpret::Response;
use crate::job::Failure;
use crate::plan::{Authorization, RequestSpec};

/// How many redirects a GET or HEAD follows (CONTRACT 6).
const REDIRECTS: usize = 5;
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

impl Client {
    /// Makes the call; any status is a response. After a 401 a new token is fetched, or a challenge answered, once within this
    /// attempt.
    ///
    /// # Errors
    /// Why there is no usable response, in its class of the retry table.
    pub async fn send(&self, request: &RequestSpec) -> Result<Response, Failure> {
        self.judge(request)?;
        let call = Call::new(self, request);
        let auth = match self.token(request).await? {
            Some(token) => AuthState::Token(token),
            None => AuthState::Planned,
        };
        let mut response = call.follow_redirects(&auth).await?;
        if response.status() == StatusCode::UNAUTHORIZED
            && response.url().origin() == request.raw_url().origin()
            && let Some(auth) = self.reauthenticate(request, &auth, &response).await?
        {
            drop(response);
            response = call.follow_redirects(&auth).await?;
        }
        call.read(response, self.inner().settings.response_bytes).await
    }

    /// Makes a call without authentication of its own, whose response has at most `limit` bytes.
    pub(super) async fn exchange(&self, request: &RequestSpec, limit: usize) -> Result<Response, Failure> {
        self.judge(request)?;
        let call = Call::new(self, request);
        let response = call.follow_redirects(&AuthState::Planned).await?;
        call.read(response, limit).await
    }

    /// What a request that was answered with 401 may be sent with once more, if anything.
    async fn reauthenticate(
        &self,
        request: &RequestSpec,
        auth: &AuthState,
        response: &reqwest::Response,
    ) -> Result<Option<AuthState>, Failure> {
        match (&request.authorization, auth) {
            (Authorization::OAuth2(oauth), AuthState::Token(token)) => {
                let may_refetch = self.inner().tokens.invalidate(&request.credential, oauth, token).await;
                Ok(if may_refetch { self.token(request).await?.map(AuthState::Token) } else { None })
            }
            (Authorization::Digest { username, password }, AuthState::Planned) => {
                let client_nonce = uuid::Uuid::new_v4().simple().to_string();
                let sent = (&request.method, response.url(), &request.raw_body()[..]);
                let answer = auth::answer_challenge(response.headers(), (username, password), sent, &client_nonce);
                Ok(answer.map(AuthState::ChallengeAnswer))
            }
            _ => Ok(None),
        }
    }
}

struct Call<'a> {
    client: &'a Client,
    request: &'a RequestSpec,
    deadline: Instant,
    body_polled: Arc<AtomicBool>,
}

impl<'a> Call<'a> {
    fn new(client: &'a Client, request: &'a RequestSpec) -> Self {
        Self { client, request, deadline: Instant::now() + request.timeout, body_polled: Arc::default() }
    }

    /// Sends the request and follows redirects; returns the first response that is not one to follow.
    async fn follow_redirects(&self, auth: &AuthState) -> Result<reqwest::Response, Failure> {
        let mut url = self.request.raw_url().clone();
        for _ in 0..REDIRECTS {
            let response = self.send_once(&url, auth).await?;
            let Some(target) = self.redirect_target(&url, &response) else { return Ok(response) };
            match self.client.inner().guard.url(&target) {
                Ok(()) => url = target,
                Err(UrlError::Denied(denied)) => return Err(classify::denied_redirect(&denied)),
                // Not a URL that can be called: the redirect itself is the response.
                Err(UrlError::Malformed(_)) => return Ok(response),
            }
        }
        self.send_once(&url, auth).await
    }

    async fn send_once(&self, url: &Url, auth: &AuthState) -> Result<reqwest::Response, Failure> {
        // A redirect target gets no credential, no client certificate, and no configured header.
        let request = if url == self.request.raw_url() {
            Cow::Borrowed(self.request)
        } else {
            Cow::Owned(self.request.redirected_to(url.clone()))
        };
        let client = self.client.inner().client(&request)?;
        self.body_polled.store(false, Ordering::Relaxed);
        let executed = timeout_at(self.deadline, client.execute(self.build(&request, auth)?)).await;
        let body_polled = self.body_polled.load(Ordering::Relaxed);
        fault::at("answered").await;
        let response = match executed {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(classify::before_status(error, self.request, body_polled)),
            Err(_) => return Err(classify::out_of_time(self.request, body_polled)),
        };
        let size: usize = response.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
        if size > HEADER_BYTES {
            let problem = format!("its headers are larger than {HEADER_BYTES} bytes");
            return Err(classify::broken_body(self.request, response.status().as_u16(), &problem));
        }
        Ok(response)
    }

    fn build(&self, request: &RequestSpec, auth: &AuthState) -> Result<reqwest::Request, Failure> {
        let mut built = reqwest::Request::new(request.method.clone(), request.raw_url().clone());
        let headers = built.headers_mut();
        for (name, value) in &request.headers {
            headers.append(name, value.clone());
        }
        if !headers.contains_key(ACCEPT_ENCODING) {
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(ACCEPTED));
        }
        set(headers, IDEMPOTENCY_KEY, request.idempotency_key.clone());
        set(headers, TRACEPARENT, request.traceparent.clone());
        auth::apply(&mut built, request, auth, (self.client.inner().settings.now_ms)())?;
        if classify::has_observed_body(request) {
            let body = ObservedBody { bytes: Some(request.raw_body().clone()), polled: Arc::clone(&self.body_polled) };
            *built.body_mut() = Some(reqwest::Body::wrap(body));
        }
        Ok(built)
    }

    /// Where a GET or HEAD is redirected to; never from https to http.
    fn redirect_target(&self, url: &Url, response: &reqwest::Response) -> Option<Url> {
        let follows = matches!(self.request.method, Method::GET | Method::HEAD);
        if !follows || !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
            return None;
        }
        let mut target = url.join(response.headers().get(LOCATION)?.to_str().ok()?).ok()?;
        target.set_fragment(None);
        let leaks = self.request.may_lead_to(&target).is_err();
        (!leaks && (url.scheme() != "https" || target.scheme() == "https")).then_some(target)
    }

    /// Reads the body within its limit. A bad status is a response even if its body cannot be read.
    async fn read(&self, mut received: reqwest::Response, limit: usize) -> Result<Response, Failure> {
        let (status, headers) = (received.status().as_u16(), received.headers().clone());
        let response = |body: Bytes| Response { status, headers: headers.clone(), body, warnings: Vec::new() };
        match self.body(&mut received, limit).await {
            Ok((body, warning)) => Ok(Response { warnings: warning.into_iter().collect(), ..response(body) }),
            Err(error) if (200..300).contains(&status) => {
                Err(classify::broken_body(self.request, status, &format!("its body {error}")))
            }
            Err(error) => Ok(Response {
                warnings: vec![format!("the response's body was cut: its body {error}")],
                ..response(Bytes::new())
            }),
        }
    }

    /// The body, and a warning about its encoding.
    async fn body(&self, response: &mut reqwest::Response, limit: usize) -> Result<(Bytes, Option<String>), BodyError> {
        if declared_length(response.headers()).is_some_and(|length| length > limit as u64)
            && self.request.method != Method::HEAD
        {
            return Err(BodyError::TooLarge(limit));
        }
        let mut body = BodyReader::new(response.headers(), limit)?;
        let warning = body.warning.take();
        loop {
            match timeout_at(self.deadline, response.chunk()).await {
                Ok(Ok(Some(chunk))) => body.push(&chunk)?,
                Ok(Ok(None)) => return body.finish().map(|bytes| (bytes, warning)),
                Ok(Err(error)) => return Err(BodyError::BrokeOff(chain(&error.without_url()))),
                Err(_) => return Err(BodyError::Late(self.request.timeout)),
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
