//! The listener of the HTTP interface, and the runtime that serves it: one of its own, so that no request can hold up a job,
//! and a blocked worker still shows its health.

use std::collections::VecDeque;
use std::net::{SocketAddr, TcpListener};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;

/// Threads that serve requests.
const THREADS: usize = 2;
/// Connections at once: calls need file descriptors too.
const CONNECTIONS: usize = 128;
/// How long the head of a request may take, and how long a connection may be idle.
const HEAD: Duration = Duration::from_secs(5);
/// The largest head of a request, bytes, and its headers.
const HEAD_BYTES: usize = 16 * 1024;
const HEADERS: usize = 64;
/// How long a connection may last.
const CONNECTION: Duration = Duration::from_mins(5);
/// Before connections are accepted again.
const AFTER_ERROR: Duration = Duration::from_millis(100);

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("{address} cannot be listened on; choose another one with --listen")]
pub struct ListenError {
    address: SocketAddr,
    source: std::io::Error,
}

/// A bound address; requests wait until they are served.
#[derive(Debug)]
pub struct Listener {
    listener: TcpListener,
    address: SocketAddr,
}

/// A server that is running.
#[derive(Debug)]
pub struct Server(JoinHandle<std::io::Result<()>>);

impl Listener {
    /// Binds the address; port 0 lets the system choose.
    ///
    /// # Errors
    /// When it is in use or not an address of this machine.
    pub fn bind(address: SocketAddr) -> Result<Self, ListenError> {
        let bound = || {
            let listener = TcpListener::bind(address)?;
            listener.set_nonblocking(true)?;
            Ok(Self { address: listener.local_addr()?, listener })
        };
        bound().map_err(|source| ListenError { address, source })
    }

    /// The address, with the port that the system chose.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves requests until `stop` turns true; requests that have begun are answered.
    ///
    /// # Errors
    /// When there can be no more threads.
    pub(super) fn serve(self, router: Router, stop: watch::Receiver<bool>) -> std::io::Result<Server> {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(THREADS).thread_name("http").enable_all().build()?;
        let serve = move || runtime.block_on(serve(self.listener, router, stop));
        Ok(Server(thread::Builder::new().name("http-server".to_owned()).spawn(serve)?))
    }
}

/// Done once the server is to stop; what the watch lends out is given back at once, for its sender waits for that.
async fn stopped(mut stop: watch::Receiver<bool>) {
    drop(stop.wait_for(|stop| *stop).await);
}

async fn serve(listener: TcpListener, router: Router, stop: watch::Receiver<bool>) -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let (mut connections, mut oldest) = (JoinSet::new(), VecDeque::<AbortHandle>::new());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stopped(stop.clone()) => break,
        };
        let Ok((stream, _)) = accepted else {
            // No file descriptor is free, or the peer has gone away: neither ends the listener.
            tokio::time::sleep(AFTER_ERROR).await;
            continue;
        };
        while connections.try_join_next().is_some() {}
        oldest.retain(|connection| !connection.is_finished());
        // A request is answered within milliseconds: the oldest connection is one that waits for its peer.
        if oldest.len() >= CONNECTIONS
            && let Some(connection) = oldest.pop_front()
        {
            connection.abort();
        }
        oldest.push_back(connections.spawn(connection(stream, router.clone(), stop.clone())));
    }
    let all = async { while connections.join_next().await.is_some() {} };
    drop(timeout(HEAD, all).await);
    Ok(())
}

/// The requests of one connection; those that have begun are answered when the server stops.
async fn connection(stream: TcpStream, router: Router, stop: watch::Receiver<bool>) {
    let requests = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(HEAD_BYTES)
        .max_headers(HEADERS)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut requests = std::pin::pin!(requests);
    let all = async {
        tokio::select! {
            _ = requests.as_mut() => {}
            () = stopped(stop) => {
                requests.as_mut().graceful_shutdown();
                drop(requests.as_mut().await);
            }
        }
    };
    // A peer that reads nothing would otherwise stay for ever.
    drop(timeout(CONNECTION, all).await);
}

impl Server {
    /// Waits until the server has stopped.
    ///
    /// # Errors
    /// When the listener failed.
    pub async fn stopped(self) -> std::io::Result<()> {
        let joined = tokio::task::spawn_blocking(move || self.0.join()).await.map_err(std::io::Error::other)?;
        joined.unwrap_or_else(|_| Err(std::io::Error::other("the HTTP server panicked")))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn answer(address: SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // A connection may be reset once it was answered.
        drop(timeout(Duration::from_secs(10), stream.read_to_end(&mut answer)).await);
        String::from_utf8_lossy(&answer).into_owned()
    }

    #[tokio::test]
    async fn half_open_requests_and_large_heads_stop_nobody() {
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.address();
        let (stop, stopped) = watch::channel(false);
        let router = Router::new().route("/", axum::routing::get(|| async { "here" }));
        let server = listener.serve(router, stopped).unwrap();
        let get = "GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n";
        let mut half_open = Vec::new();
        for _ in 0..300 {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(b"GET / HTTP/1.1\r\nhost:").await.unwrap();
            half_open.push(stream);
        }
        assert!(answer(address, get).await.ends_with("here"));
        let mut closed = 0;
        for stream in &mut half_open {
            let mut buffer = [0; 64];
            let end = timeout(Duration::from_millis(20), stream.read(&mut buffer)).await;
            closed += usize::from(matches!(end, Ok(Ok(0) | Err(_))));
        }
        assert!(closed >= 300 - CONNECTIONS, "{closed} of them were closed for those after them");
        let begun = std::time::Instant::now();
        let slow = answer(address, "GET / HTTP/1.1\r\nhost: h\r\n").await;
        assert!(!slow.contains("here") && begun.elapsed() < Duration::from_secs(9), "{slow}, {:?}", begun.elapsed());
        for large in [format!("a: {}\r\n", "x".repeat(20_000)), "a: x\r\n".repeat(100)] {
            let refused = answer(address, &get.replace("host", &format!("{large}host"))).await;
            assert!(!refused.contains("here"), "{refused}");
        }
        stop.send_replace(true);
        server.stopped().await.unwrap();
    }
}
