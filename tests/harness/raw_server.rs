//! A TCP server whose bytes a test writes itself, for what no HTTP library sends.

use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A running server on loopback that handles connections as the test says.
pub struct RawServer {
    port: u16,
    task: JoinHandle<()>,
}

impl RawServer {
    /// Starts one; `handle` serves each connection.
    pub async fn start<Handled>(handle: impl Fn(TcpStream) -> Handled + Send + 'static) -> Self
    where
        Handled: Future<Output = std::io::Result<()>> + Send + 'static,
    {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port on loopback");
        let port = listener.local_addr().expect("its address").port();
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(handle(socket));
            }
        });
        Self { port, task }
    }

    /// The URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for RawServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The next request, head and body, lossy where it is not UTF-8; `None` when the connection ended before.
pub async fn next_request(socket: &mut TcpStream) -> Option<String> {
    let mut seen = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&seen).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return Some(text);
            }
        }
        if socket.read_buf(&mut seen).await.unwrap_or(0) == 0 {
            return None;
        }
    }
}
