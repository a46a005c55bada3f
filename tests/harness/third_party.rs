//! An HTTP server on loopback that records every request and replies as the test says.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use axum::serve::{IncomingStream, Listener};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::server::TlsStream;

/// One request as it arrived.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    pub path: String,
    pub headers: HeaderMap,
    pub body: String,
    pub at: Instant,
    pub from: Peer,
}

/// The client of a connection.
#[derive(Debug, Clone)]
pub struct Peer {
    /// Its port, which differs for each connection.
    pub port: u16,
    /// The certificate that it presented, DER.
    pub certificate: Option<Vec<u8>>,
}

impl Seen {
    /// A header as text; empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// What the server does with a request.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Sends this response after `after`.
    Answer { status: u16, headers: Vec<(&'static str, String)>, body: String, after: Duration },
    /// Closes the connection without a response.
    Break,
    /// Sends nothing and keeps the connection open.
    Silence,
}

impl Reply {
    /// 200 with JSON.
    pub fn json(body: &Value) -> Self {
        Self::status(200, body)
    }

    /// A status with JSON.
    pub fn status(status: u16, body: &Value) -> Self {
        let headers = vec![("content-type", "application/json".to_owned())];
        Self::Answer { status, headers, body: body.to_string(), after: Duration::ZERO }
    }

    /// The same response, delayed.
    #[must_use]
    pub fn after(self, wait: Duration) -> Self {
        match self {
            Self::Answer { status, headers, body, .. } => Self::Answer { status, headers, body, after: wait },
            other => other,
        }
    }

    /// The same response with one more header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        if let Self::Answer { headers, .. } = &mut self {
            headers.push((name, value.to_owned()));
        }
        self
    }
}

type Script = dyn Fn(&Seen, usize) -> Reply + Send + Sync;

#[derive(Clone)]
struct Shared {
    seen: Arc<Mutex<Vec<Seen>>>,
    script: Arc<Script>,
}

/// A running third party.
pub struct ThirdParty {
    shared: Shared,
    scheme: &'static str,
    port: u16,
    task: tokio::task::JoinHandle<()>,
}

impl ThirdParty {
    /// Starts one that replies by `script`, from the request and the number of requests before it.
    pub async fn start(script: impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static) -> Self {
        let (listener, port) = loopback().await;
        Self::behind(listener, ("http", port), script)
    }

    /// The same behind TLS.
    pub async fn secure(config: ServerConfig, script: impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static) -> Self {
        let (listener, port) = loopback().await;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Self::behind(Secure { listener, acceptor }, ("https", port), script)
    }

    fn behind<L>(
        listener: L,
        (scheme, port): (&'static str, u16),
        script: impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static,
    ) -> Self
    where
        L: Listener<Addr = SocketAddr>,
        Peer: for<'a> Connected<IncomingStream<'a, L>>,
    {
        let shared = Shared { seen: Arc::default(), script: Arc::new(script) };
        let router = Router::new().fallback(answer).with_state(shared.clone());
        let service = router.into_make_service_with_connect_info::<Peer>();
        let task = tokio::spawn(async move { axum::serve(listener, service).await.expect("a listener that lasts") });
        Self { shared, scheme, port, task }
    }

    /// One that replies to everything with 200 and an empty object.
    pub async fn friendly() -> Self {
        Self::start(|_, _| Reply::json(&json!({}))).await
    }

    /// The URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("{}://127.0.0.1:{}{path}", self.scheme, self.port)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Every request so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for ThirdParty {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn loopback() -> (TcpListener, u16) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port on loopback");
    let port = listener.local_addr().expect("its address").port();
    (listener, port)
}

/// Accepts connections whose TLS handshake completed.
struct Secure {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for Secure {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        loop {
            if let Ok((socket, peer)) = self.listener.accept().await
                && let Ok(secure) = self.acceptor.accept(socket).await
            {
                return (secure, peer);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl Connected<IncomingStream<'_, TcpListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, TcpListener>) -> Self {
        Self { port: stream.remote_addr().port(), certificate: None }
    }
}

impl Connected<IncomingStream<'_, Secure>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Secure>) -> Self {
        let presented = stream.io().get_ref().1.peer_certificates().and_then(|chain| chain.first());
        Self { port: stream.remote_addr().port(), certificate: presented.map(|certificate| certificate.to_vec()) }
    }
}

async fn answer(State(shared): State<Shared>, ConnectInfo(from): ConnectInfo<Peer>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, 64 * 1024 * 1024).await.unwrap_or_default();
    let seen = Seen {
        method: head.method.to_string(),
        path: head.uri.to_string(),
        headers: head.headers,
        body: String::from_utf8_lossy(&body).into_owned(),
        at: Instant::now(),
        from,
    };
    let before = {
        let mut all = shared.seen.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(seen.clone());
        all.len() - 1
    };
    match (shared.script)(&seen, before) {
        Reply::Silence => std::future::pending().await,
        // The server closes a connection whose handler panics.
        Reply::Break => std::panic::resume_unwind(Box::new("the connection breaks here")),
        Reply::Answer { status, headers, body, after } => {
            tokio::time::sleep(after).await;
            let mut response = Response::new(Body::from(body));
            *response.status_mut() = StatusCode::from_u16(status).expect("a status");
            for (name, value) in headers {
                let value = HeaderValue::from_str(&value).expect("a header value");
                response.headers_mut().append(HeaderName::from_static(name), value);
            }
            response
        }
    }
}
