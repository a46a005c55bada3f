//! One request, from its head to its answer: the order in which it may be refused (API 2), and what every answer has.

use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use axum::response::Response;
use futures_util::FutureExt as _;
use serde_json::json;
use tracing::Instrument as _;

use super::access::{self, Caller, Identity, Scope};
use super::error::Error;
use super::request;
use super::routes::Needs;
use super::{Api, Probes, cors, health, oidc, rate};
use crate::admin::By;
use crate::{clock, console, store};

/// What all paths of the API begin with.
pub(super) const BASE: &str = "/api/1.0";
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Answers of third parties pass through this origin: a browser must run nothing of them.
const POLICY: &str = "default-src 'none'; sandbox";

/// The answer to a request.
pub(super) async fn answer(api: &Arc<Api>, probes: &Probes, request: Request<Body>, peer: SocketAddr) -> Response {
    let path = request.uri().path();
    if let Some(found) = health::answer(probes, request.method(), path) {
        return found;
    }
    if path == "/api" || path.starts_with("/api/") {
        return api_answer(api, request, peer).await;
    }
    console::answer(request.method(), request.uri(), request.headers()).map(Body::from)
}

/// The answer of the API, with the headers that all of them have.
async fn api_answer(api: &Arc<Api>, request: Request<Body>, peer: SocketAddr) -> Response {
    let id = request_id(request.headers());
    let origin = request.headers().get(header::ORIGIN).cloned();
    let is_preflight = cors::is_preflight(request.method(), request.headers());
    let span = tracing::info_span!("request", request_id = id, method = %request.method(), path = request.uri().path());
    let mut response = if is_preflight {
        cors::preflight()
    } else {
        let answered = checked(api, request, &id, peer).instrument(span).await;
        answered.unwrap_or_else(|error| error.response(&id))
    };
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    cors::permit(&api.config.api.cors_origins, (is_preflight, origin.as_ref()), headers);
    response
}

/// The caller's id where it can be one, else a new one.
fn request_id(headers: &HeaderMap) -> String {
    let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok());
    let is_usable = |id: &&str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        (1..=128).contains(&id.len()) && id.bytes().all(allowed)
    };
    given.filter(is_usable).map_or_else(|| uuid::Uuid::now_v7().to_string(), ToOwned::to_owned)
}

/// The order of refusals: head, rate of the address, token, its rate, route, method, scope; then the route's own.
async fn checked(api: &Arc<Api>, request: Request<Body>, id: &str, peer: SocketAddr) -> Result<Response, Error> {
    let (head, body) = request.into_parts();
    let whole = head.uri.path();
    for segment in whole.split('/') {
        request::decoded(segment)?;
    }
    let path = whole.strip_prefix(BASE).unwrap_or_default();
    let found = if path.starts_with('/') { api.router.find(path) } else { None };
    let public = found.as_ref().and_then(|found| found.route(&head.method));
    let is_public = public.is_some_and(|route| matches!(route.needs, Needs::Public));
    let caller = if is_public { None } else { Some(authenticated(api, &head.headers, peer).await?) };
    let Some(found) = found else { return Err(Error::not_found(format!("there is no {whole} here"))) };
    let Some(route) = found.route(&head.method) else { return Err(Error::method_not_allowed(&found.allowed())) };
    if let Some(caller) = &caller
        && let Err(refused) = route.admit(caller)
    {
        note_denied(api, caller.actor(), route.operation, (&head.method, whole, id)).await?;
        return Err(refused);
    }
    let (handler, operation, actor) = (route.handler, route.operation, caller.as_ref().map(Caller::actor));
    let method = head.method.clone();
    let query = head.uri.query().unwrap_or_default();
    let request = request::Request::new(
        Arc::clone(api),
        caller,
        id.to_owned(),
        (head.method, path, query),
        found.into_parameters(),
        (head.headers, body),
    );
    let answered = or_internal(handler(request)).await;
    // What a token may do with one thing is known only once the thing is.
    let is_denied = answered.as_ref().is_err_and(|error| error.status() == StatusCode::FORBIDDEN);
    if let Some(actor) = actor.filter(|_| is_denied) {
        note_denied(api, actor, operation, (&method, whole, id)).await?;
    }
    answered
}

/// What a handler answers; a panic in it is a defect that ends this request only.
async fn or_internal(handled: impl Future<Output = Result<Response, Error>>) -> Result<Response, Error> {
    AssertUnwindSafe(handled).catch_unwind().await.unwrap_or_else(|_| {
        tracing::error!("a request could not be answered: its handler panicked");
        Err(Error::internal())
    })
}

/// Who asks: a valid token, from an address that has not sent too many others, and not too often.
async fn authenticated(api: &Arc<Api>, headers: &HeaderMap, peer: SocketAddr) -> Result<Caller, Error> {
    let (address, now) = (client_address(api, headers, peer), Instant::now());
    api.refused.look(address, now).map_err(|wait| Error::rate_limited(rate::seconds(wait)))?;
    let caller = match access::bearer(headers) {
        Some(token) => match &api.oidc {
            Some(oidc) if token.matches('.').count() == 2 => oidc.caller(token, &api.store).await?,
            _ => caller_of(api, token).await?,
        },
        None => None,
    };
    let Some(caller) = caller else {
        // What has come too often is told so at the next request.
        api.refused.take(address, now).unwrap_or_default();
        return Err(Error::unauthenticated());
    };
    api.rate.take(caller.actor(), now).map_err(|wait| Error::rate_limited(rate::seconds(wait)))?;
    Ok(caller)
}

/// The peer's address, or the last of `X-Forwarded-For` where the peer is a proxy that is trusted.
fn client_address(api: &Api, headers: &HeaderMap, peer: SocketAddr) -> IpAddr {
    let peer = peer.ip().to_canonical();
    if !api.config.api.trusted_proxies.iter().any(|proxies| proxies.contains(&peer)) {
        return peer;
    }
    let forwarded = headers.get_all("x-forwarded-for").iter().next_back();
    let last = forwarded.and_then(|value| value.to_str().ok()?.rsplit(',').next()?.trim().parse().ok());
    last.unwrap_or(peer)
}

/// Whose token it is; `None` where it is not valid.
async fn caller_of(api: &Arc<Api>, token: &str) -> Result<Option<Caller>, Error> {
    let hash = store::token_hash(token);
    let found = match api.tokens.get(&hash) {
        Some(found) => found,
        None => match api.store.tokens().find_by_hash(&hash).await? {
            Some(found) => {
                let found = Arc::new(found);
                api.tokens.insert(hash.clone(), Arc::clone(&found));
                found
            }
            None => return Ok(None),
        },
    };
    let now = clock::now_ms();
    if found.revoked_at.is_some() || found.expires_at.is_some_and(|end| end <= now) {
        return Ok(None);
    }
    note_use(api, &found, hash, now);
    let scopes: Vec<Scope> = found.scopes.split(' ').filter_map(|scope| scope.parse().ok()).collect();
    let connectors = found.connectors.as_deref().map(|list| serde_json::from_str(list).unwrap_or_default());
    Ok(Some(Caller {
        identity: Identity::Token(found.id),
        name: found.name.clone(),
        scopes,
        connectors,
        expires_at: found.expires_at,
    }))
}

/// Notes that a token was used, to the minute; nobody waits for it.
fn note_use(api: &Arc<Api>, token: &Arc<store::Token>, hash: Vec<u8>, now: i64) {
    if token.last_used_at.is_some_and(|at| at > now - 60_000) {
        return;
    }
    let noted = store::Token { last_used_at: Some(now), ..store::Token::clone(token) };
    api.tokens.insert(hash, Arc::new(noted));
    let (api, id) = (Arc::clone(api), token.id);
    tokio::spawn(async move {
        if let Err(error) = api.store.tokens().used(id, now).await {
            tracing::warn!(%error, "the use of a token could not be noted");
        }
    });
}

/// Writes a refusal to the audit log, the same one of a caller once a minute.
async fn note_denied(
    api: &Api,
    actor: String,
    operation: &'static str,
    (method, path, id): (&Method, &str, &str),
) -> Result<(), Error> {
    if api.denied.take((actor.clone(), operation), Instant::now()).is_err() {
        return Ok(());
    }
    let by = By { actor, request_id: Some(id.to_owned()) };
    let entry = by.entry("access.denied", path, json!({"method": method.as_str()}));
    Ok(api.store.audit().add(&entry).await?)
}

impl From<oidc::Error> for Error {
    fn from(error: oidc::Error) -> Self {
        match error {
            oidc::Error::Provider(_) => Self::unavailable("the identity provider cannot be reached; try again"),
            oidc::Error::Store(error) => error.into(),
        }
    }
}

impl request::Request {
    /// Who changes something, for the audit log.
    ///
    /// # Errors
    /// On a public route, which has nobody.
    pub(super) fn by(&self) -> Result<By, Error> {
        Ok(By { actor: self.caller()?.actor(), request_id: Some(self.id.clone()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_answer_of_its_own_request() {
        fn panics() -> Result<Response, Error> {
            std::panic::resume_unwind(Box::new("a defect"))
        }
        let refused = or_internal(async { panics() }).await.expect_err("an error");
        assert_eq!(refused.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
}
