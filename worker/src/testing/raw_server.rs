//! An HTTP server on loopback that replies with the bytes a test gives it and records every request.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

/// What a connection does after a request.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// Writes these bytes and stays open for the next request.
    KeepOpen(String),
    /// The same with bytes that may be no UTF-8.
    Bytes(Vec<u8>),
    /// Writes these bytes and closes.
    Close(String),
    /// Writes these bytes, then one more every 100 ms until the client closes.
    Drip(String),
    /// Writes nothing and stays open.
    Silence,
}

/// A running server; it ends with the runtime of its test.
pub(crate) struct RawServer {
    port: u16,
    connections: Arc<AtomicUsize>,
    requests: Requests,
}

/// Each request up to the end of its body, lossy where it is not UTF-8.
type Requests = Arc<Mutex<Vec<String>>>;

impl RawServer {
    /// Replies by the request and the number of requests before it.
    pub(crate) async fn start(reply: impl Fn(&str, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = Self { port, connections: Arc::default(), requests: Arc::default() };
        let (connections, requests, reply) =
            (Arc::clone(&server.connections), Arc::clone(&server.requests), Arc::new(reply));
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(socket, Arc::clone(&requests), Arc::clone(&reply)));
            }
        });
        server
    }

    /// Gives every request the same reply.
    pub(crate) async fn replying(reply: Reply) -> Self {
        Self::start(move |_, _| reply.clone()).await
    }

    /// Its port on 127.0.0.1.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The URL of a path.
    pub(crate) fn url(&self, path: &str) -> Url {
        Url::parse(&format!("http://127.0.0.1:{}{path}", self.port)).unwrap()
    }

    /// How many connections were accepted so far.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// How many requests arrived so far.
    pub(crate) fn request_count(&self) -> usize {
        self.requests.lock().unwrap().len()
    }

    /// All requests so far, each recorded before its reply.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn serve(mut socket: TcpStream, requests: Requests, reply: Arc<impl Fn(&str, usize) -> Reply>) {
    let mut unread = Vec::new();
    while let Some(request) = next_request(&mut socket, &mut unread).await {
        let number = {
            let mut requests = requests.lock().unwrap();
            requests.push(request.clone());
            requests.len() - 1
        };
        match reply(&request, number) {
            Reply::KeepOpen(text) => {
                if socket.write_all(text.as_bytes()).await.is_err() {
                    return;
                }
            }
            Reply::Bytes(bytes) => {
                if socket.write_all(&bytes).await.is_err() {
                    return;
                }
            }
            Reply::Close(text) => return socket.write_all(text.as_bytes()).await.unwrap_or_default(),
            Reply::Drip(text) => return drip(socket, &text).await,
            Reply::Silence => return std::future::pending().await,
        }
    }
}

async fn drip(mut socket: TcpStream, text: &str) {
    let mut written = socket.write_all(text.as_bytes()).await;
    while written.is_ok() {
        tokio::time::sleep(Duration::from_millis(100)).await;
        written = socket.write_all(b"x").await;
    }
}

/// The next request, byte for byte; what arrived after it stays in `unread`. `None` when the connection ended before.
async fn next_request(socket: &mut TcpStream, unread: &mut Vec<u8>) -> Option<String> {
    loop {
        if let Some(length) = request_length(unread) {
            let request = unread.drain(..length).collect::<Vec<u8>>();
            return Some(String::from_utf8_lossy(&request).into_owned());
        }
        if socket.read_buf(unread).await.unwrap_or(0) == 0 {
            return None;
        }
    }
}

/// The length of the first request with its body, once all of it is there.
fn request_length(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
    let body = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok()).unwrap_or(0);
    (bytes.len() >= head + body).then_some(head + body)
}
