//! HTTP/1 connections that are used without the client, which has no way to say how the names of headers are written.
//!
//! The client makes them, so that its guard, its certificates and its proxy are theirs.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::header::{HOST, USER_AGENT};
use http::{HeaderValue, Request, Uri};
use hyper::client::conn::http1::{self, SendRequest};
use reqwest::Body;
use tokio::time::Instant;
use url::Url;

use super::classify::SendError;
use super::client::{self, ClientKey, HEADERS};
use super::peer::{self, Io};
use super::spelling::spelled;
use crate::job::{Code, Failure};
use crate::plan::RequestSpec;

/// How many idle ones there are at most.
const IDLE: usize = 256;

/// What is idle, the latest one last. What its server closed, and what was idle for too long, goes when the next one is
/// looked for.
pub(super) struct Connections {
    idle: Mutex<Vec<Idle>>,
    /// How long one may be idle.
    limit: Duration,
}

struct Idle {
    key: ClientKey,
    origin: String,
    /// Not ready until the last answer's body was read.
    sender: SendRequest<Body>,
    until: Instant,
}

impl Connections {
    pub(super) fn new(limit: Duration) -> Self {
        Self { idle: Mutex::default(), limit }
    }

    fn take(&self, key: &ClientKey, origin: &str) -> Option<SendRequest<Body>> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        idle.retain(|one| one.until > now && !one.sender.is_closed());
        let found = idle.iter().rposition(|one| one.key == *key && one.origin == origin && one.sender.is_ready())?;
        Some(idle.remove(found).sender)
    }

    fn put(&self, connection: Idle) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() >= IDLE {
            idle.remove(0);
        }
        idle.push(connection);
    }
}

/// Sends a request with the names of its headers as they were written, over HTTP/1; says whether a connection was made for
/// it. Over HTTP/2, and through a proxy that reads it, the client sends it.
pub(super) async fn send(
    connections: &Connections,
    key: &ClientKey,
    request: &RequestSpec,
    client: &reqwest::Client,
    build: impl Fn() -> Result<reqwest::Request, Failure>,
) -> Result<(Result<reqwest::Response, SendError>, bool), Failure> {
    let origin = request.raw_url().origin().ascii_serialization();
    let idle = if key.reuses() { connections.take(key, &origin) } else { None };
    let is_dialled = idle.is_none();
    let mut sender = match idle {
        Some(sender) => sender,
        None => match peer::dialling_for(client.execute(build()?)).await {
            (_, Some(io)) => match opened(io).await {
                Ok(sender) => sender,
                Err(error) => return Ok((Err(error.into()), true)),
            },
            (sent, None) => return Ok((sent.map_err(SendError::from), true)),
        },
    };
    let message = message(build()?, request).await?;
    let sent = sender.send_request(message).await;
    if key.reuses() && sent.is_ok() {
        let until = Instant::now() + key.idle(connections.limit);
        connections.put(Idle { key: key.clone(), origin, sender, until });
    }
    Ok((sent.map(|response| response.map(Body::wrap).into()).map_err(SendError::from), is_dialled))
}

/// Over a connection as the client would use it.
async fn opened(io: Box<dyn Io>) -> hyper::Result<SendRequest<Body>> {
    let mut builder = http1::Builder::new();
    builder
        .max_headers(HEADERS)
        .title_case_headers(true)
        .allow_obsolete_multiline_headers_in_responses(true)
        .allow_spaces_after_header_name_in_responses(true)
        .ignore_invalid_headers_in_responses(true)
        .http09_responses(true);
    let (sender, connection) = builder.handshake(io).await?;
    // It ends with its last request, whose sender is told what went wrong.
    tokio::spawn(async move { connection.await.ok() });
    Ok(sender)
}

/// The request as it is written to a connection.
async fn message(built: reqwest::Request, request: &RequestSpec) -> Result<Request<Body>, Failure> {
    let unusable = |problem: String| Failure::before_any_attempt(Code::Configuration, problem);
    let mut message = Request::<Body>::try_from(built).map_err(|e| unusable(client::chain(&e.without_url())))?;
    let target = message.uri().path_and_query().map_or("/", |target| target.as_str());
    *message.uri_mut() = target.parse::<Uri>().map_err(|e| unusable(e.to_string()))?;
    let host = HeaderValue::from_str(&host(request.raw_url())).map_err(|e| unusable(e.to_string()))?;
    message.headers_mut().insert(HOST, host);
    message.headers_mut().entry(USER_AGENT).or_insert(HeaderValue::from_static(client::USER_AGENT));
    if let Some(names) = spelled(request.written_names()).await {
        message.extensions_mut().extend(names);
    }
    Ok(message)
}

fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}
