//! One call: every redirect checked, one deadline for all of it, a response of limited size.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONTENT_LENGTH, LOCATION};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version};
use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::auth::{self, AuthState, Challenged};
use super::body::ObservedBody;
use super::classify::{self, SendError};
use super::client::{Client, ClientKey, HEADER_BYTES, chain};
use super::connections;
use super::cookies::Session;
use super::decode::{ACCEPTED, BodyError, BodyReader};
use super::guard::UrlError;
use super::origins::{Origin, Use};
use super::spelling::Spelling;
use super::{peer, timing};
use crate::fault;
use crate::interpret::{Response, address};
use crate::job::{Code, Failure};
use crate::plan::{Authorization, Repeat, RequestSpec};

/// How many redirects a GET or HEAD follows (CONTRACT 6).
const REDIRECTS: usize = 5;
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

impl Client {
    /// Makes the call; any status is a response. A token that is refused is fetched anew, or a challenge answered, once within
    /// this attempt.
    ///
    /// # Errors
    /// Why there is no usable response, in its class of the retry table.
    pub async fn send(&self, request: &RequestSpec) -> Result<Response, Failure> {
        self.send_until(request, Instant::now() + request.timeout, &self.session()).await
    }

    /// The same with what is left of an attempt's time, and with the cookies of its earlier requests.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn send_until(
        &self,
        request: &RequestSpec,
        deadline: Instant,
        session: &Session,
    ) -> Result<Response, Failure> {
        self.judge(request)?;
        let auth = match self.token(request, deadline).await? {
            Some(token) => AuthState::Token(token),
            None => AuthState::Planned,
        };
        Call::new(self, request, deadline, session).answer(auth, self.inner().settings.response_bytes).await
    }

    fn session(&self) -> Session {
        Session::new(self.inner().settings.bodies.account())
    }

    /// Makes a call without authentication of its own, whose response has at most `limit` bytes.
    pub(super) async fn exchange(&self, request: &RequestSpec, limit: usize) -> Result<Response, Failure> {
        self.judge(request)?;
        let (deadline, session) = (Instant::now() + request.timeout, self.session());
        Call::new(self, request, deadline, &session).answer(AuthState::Planned, limit).await
    }
}

/// What became of a request, within the time or not.
type Executed = Result<Result<reqwest::Response, SendError>, Elapsed>;

struct Call<'a> {
    client: &'a Client,
    request: &'a RequestSpec,
    deadline: Instant,
    body_polled: Arc<AtomicBool>,
    session: &'a Session,
    /// Until the answer was read.
    in_pool: Option<Use>,
}

impl<'a> Call<'a> {
    fn new(client: &'a Client, request: &'a RequestSpec, deadline: Instant, session: &'a Session) -> Self {
        Self { client, request, deadline, body_polled: Arc::default(), session, in_pool: None }
    }

    fn deadline(&self) -> Instant {
        self.session.extended(self.deadline)
    }

    async fn answer(mut self, auth: AuthState, limit: usize) -> Result<Response, Failure> {
        let response = self.follow(auth).await?;
        self.read(response, limit).await
    }

    /// Sends the request, renews an authentication that is refused and follows redirects; returns the first response that
    /// leads to neither.
    async fn follow(&mut self, mut auth: AuthState) -> Result<reqwest::Response, Failure> {
        // In a box, since few calls are redirected.
        let mut redirected: Option<Box<RequestSpec>> = None;
        let (mut hops, mut is_away, mut is_renewed) = (0, false, false);
        loop {
            let hop = redirected.as_deref().unwrap_or(self.request);
            let response = self.send_once(hop, &auth).await?;
            let now_ms = (self.client.inner().settings.now_ms)();
            self.session.cookies().store(hop.raw_url(), response.headers(), now_ms);
            if !is_renewed && let Some(renewed) = self.renewed(hop, &auth, &response).await? {
                (auth, is_renewed) = (renewed, true);
                continue;
            }
            if hops == REDIRECTS {
                return Ok(response);
            }
            let Some(target) = self.redirect_target(hop.raw_url(), &response) else { return Ok(response) };
            match self.client.inner().guard.url(&target) {
                Ok(()) => {}
                Err(UrlError::Denied(denied)) => return Err(classify::denied_redirect(&denied)),
                // Not a URL that can be called: the redirect itself is the response.
                Err(UrlError::Malformed(_)) => return Ok(response),
            }
            hops += 1;
            // Whoever it was away at chose all that follows: it comes home without credentials.
            is_away |= target.origin() != self.request.raw_url().origin();
            let request = self.request;
            let next = if is_away { request.away_from_home(target) } else { request.redirected_to(target) };
            redirected = Some(Box::new(next));
            // Another address may have another challenge; a token is fetched anew once.
            is_renewed &= matches!(auth, AuthState::Token(_));
        }
    }

    /// What a request whose authentication was refused may be sent with once more, if anything.
    async fn renewed(
        &self,
        hop: &RequestSpec,
        auth: &AuthState,
        response: &reqwest::Response,
    ) -> Result<Option<AuthState>, Failure> {
        let status = response.status();
        match (&hop.authorization, auth) {
            (Authorization::OAuth2(oauth), AuthState::Token(token))
                if status == StatusCode::UNAUTHORIZED
                    || oauth.expired.as_ref().is_some_and(|list| list.contains(status.as_u16())) =>
            {
                let tokens = &self.client.inner().tokens;
                let may_refetch = tokens.invalidate(&hop.credential, oauth, token).await;
                let token = if may_refetch { self.client.fresh_token(hop, self.deadline()).await? } else { None };
                Ok(token.map(AuthState::Token))
            }
            (Authorization::Digest { .. }, _) if status == StatusCode::UNAUTHORIZED => {
                let client_nonce = uuid::Uuid::new_v4().simple().to_string();
                Ok(Challenged::by(response.headers(), client_nonce).map(AuthState::Challenged))
            }
            _ => Ok(None),
        }
    }

    async fn send_once(&mut self, request: &RequestSpec, auth: &AuthState) -> Result<reqwest::Response, Failure> {
        let begun = timing::begun();
        let origin = self.client.inner().origins.of(request.raw_url());
        let executed = self.execute(request, auth, &origin).await?;
        timing::answered(begun);
        let body_polled = self.body_polled.load(Ordering::Relaxed);
        fault::at("answered").await;
        let response = match executed {
            Ok(Ok(response)) if response.version() == Version::HTTP_09 => return Err(classify::not_http(request)),
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(classify::before_status(&error, request, body_polled)),
            Err(_) => return Err(classify::out_of_time(request, body_polled)),
        };
        origin.learn(response.headers());
        let size: usize = response.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
        if size > HEADER_BYTES {
            let problem = format!("its headers are larger than {HEADER_BYTES} bytes");
            return Err(classify::broken_body(request, response.status().as_u16(), &problem));
        }
        Ok(response)
    }

    /// Sends a request once; a second time only where that is as if the first had not been: a GET whose connection had been
    /// idle, and ended without a word. What may not be sent again goes out on such a connection only where the server was
    /// seen to keep them.
    async fn execute(
        &mut self,
        request: &RequestSpec,
        auth: &AuthState,
        origin: &Arc<Origin>,
    ) -> Result<Executed, Failure> {
        let inner = self.client.inner();
        let may_repeat = request.method.is_safe() && request.repeat == Repeat::Safe;
        self.in_pool = None;
        self.in_pool = if may_repeat { Some(origin.for_repeatable()) } else { origin.where_kept() };
        let key = inner.key(request, origin, self.in_pool.is_some());
        let (executed, is_dialled) = self.execute_with(&key, request, auth).await?;
        if matches!(&executed, Ok(Ok(response)) if response.version() == Version::HTTP_2) {
            origin.multiplexes();
        }
        let Some(in_pool) = &self.in_pool else { return Ok(executed) };
        match &executed {
            _ if is_dialled => in_pool.was_dialled(key.idle(inner.settings.pool_idle_timeout)),
            Ok(Ok(_)) => in_pool.was_kept(),
            Ok(Err(error)) if classify::ended_without_a_word(error) => {
                in_pool.broke();
                if may_repeat {
                    let (again, _) = self.execute_with(&inner.key(request, origin, false), request, auth).await?;
                    return Ok(again);
                }
            }
            Ok(Err(_)) | Err(_) => {}
        }
        Ok(executed)
    }

    /// What became of a request, and whether a connection was made for it.
    async fn execute_with(
        &self,
        key: &ClientKey,
        request: &RequestSpec,
        auth: &AuthState,
    ) -> Result<(Executed, bool), Failure> {
        self.body_polled.store(false, Ordering::Relaxed);
        if self.deadline() <= Instant::now() {
            return Err(classify::no_time_left(request));
        }
        let client = self.client.inner().client(request, key)?;
        if key.spelling == Spelling::Own {
            let build = || self.build(request, auth);
            let sending = connections::send(&self.client.inner().connections, key, request, &client, build);
            return match timeout_at(self.deadline(), Box::pin(sending)).await {
                Ok(sent) => sent.map(|(sent, is_dialled)| (Ok(sent), is_dialled)),
                Err(elapsed) => Ok((Err(elapsed), true)),
            };
        }
        let sending = client.execute(self.build(request, auth)?);
        let (executed, is_dialled) = peer::dialling(timeout_at(self.deadline(), sending)).await;
        Ok((executed.map(|sent| sent.map_err(SendError::from)), is_dialled))
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
        self.session.cookies().add_to(built.headers_mut(), request.raw_url());
        // RFC 9110, 8.6; after what signs the request, for a proxy may leave it out.
        if request.raw_body().is_empty() && matches!(request.method, Method::POST | Method::PUT | Method::PATCH) {
            built.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
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
        let mut target = url.join(&address(response.headers().get(LOCATION)?)).ok()?;
        target.set_fragment(None);
        let leaks = self.request.may_lead_to(&target).is_err();
        (!leaks && (url.scheme() != "https" || target.scheme() == "https")).then_some(target)
    }

    /// Reads the body within its limit. A bad status is a response even if its body cannot be read.
    async fn read(&self, mut received: reqwest::Response, limit: usize) -> Result<Response, Failure> {
        let read = self.body(&mut received, limit).await;
        let (status, headers) = (received.status().as_u16(), std::mem::take(received.headers_mut()));
        let response = |body: Bytes| Response { status, headers, body, warnings: Vec::new() };
        match read {
            Ok((body, warning)) => Ok(Response { warnings: warning.into_iter().collect(), ..response(body) }),
            Err(error) if (200..300).contains(&status) => {
                let failure = classify::broken_body(self.request, status, &format!("its body {error}"));
                let is_late = matches!(error, BodyError::Late(_) | BodyError::NoRoom);
                let code = if is_late { Code::Timeout } else { failure.code };
                Err(Failure { code, ..failure })
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
        let mut share = self.session.share();
        loop {
            // What does not read makes the server wait: nothing is lost while others have the room.
            if !share.grow_to(body.takes()).await {
                return Err(BodyError::NoRoom);
            }
            match timeout_at(self.deadline(), response.chunk()).await {
                Ok(Ok(Some(chunk))) => body.push(&chunk)?,
                Ok(Ok(None)) => return body.finish().map(|bytes| (share.around(bytes), warning)),
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
