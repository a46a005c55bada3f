//! The listener of the HTTP interface, and the runtime that serves it: one of its own, so that no request can hold up a job,
//! and a blocked worker still shows its health.

use std::collections::VecDeque;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use axum::body::Body;
use futures_util::future::BoxFuture;
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::{oneshot, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;

use super::patient_stream::PatientStream;

/// Threads that serve requests.
const THREADS: usize = 2;
/// The largest head of a request, bytes, and its headers.
const HEAD_BYTES: usize = 64 * 1024;
const HEADERS: usize = 128;
/// How long a peer may read nothing of its answer.
const UNREAD: Duration = Duration::from_mins(1);
/// Before connections are accepted again.
const AFTER_ERROR: Duration = Duration::from_millis(100);

/// What answers requests; the address is the peer's.
pub(super) type Answer = Arc<dyn Fn(Request<Incoming>, SocketAddr) -> BoxFuture<'static, Response<Body>> + Send + Sync>;

/// How much a listener takes.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at once.
    pub connections: usize,
    /// How long the head of a request may take, and how long a connection may be idle.
    pub head: Duration,
    /// How long requests in progress may take once the process is told to stop.
    pub drain: Duration,
}

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

    /// Serves requests until `stop` turns true; requests that have begun are answered. `start` runs in the server's runtime
    /// and makes what answers; its end is told through the receiver.
    ///
    /// # Errors
    /// When there can be no more threads.
    pub(super) fn serve<E: Send + 'static>(
        self,
        limits: Limits,
        start: impl Future<Output = Result<Answer, E>> + Send + 'static,
        stop: watch::Receiver<bool>,
    ) -> std::io::Result<(Server, oneshot::Receiver<Result<(), E>>)> {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(THREADS).thread_name("http").enable_all().build()?;
        let (tell, started) = oneshot::channel();
        let serve = move || {
            runtime.block_on(async {
                match start.await {
                    Ok(answer) => {
                        // Whoever started the server may have gone away: it serves until it is told to stop.
                        tell.send(Ok(())).unwrap_or_default();
                        serve(self.listener, limits, answer, stop).await
                    }
                    Err(error) => {
                        tell.send(Err(error)).unwrap_or_default();
                        Ok(())
                    }
                }
            })
        };
        Ok((Server(thread::Builder::new().name("http-server".to_owned()).spawn(serve)?), started))
    }
}

/// Done once the server is to stop; what the watch lends out is given back at once, for its sender waits for that.
async fn stopped(mut stop: watch::Receiver<bool>) {
    drop(stop.wait_for(|stop| *stop).await);
}

/// A connection, and how many requests it has in progress.
struct Connection {
    handle: AbortHandle,
    in_progress: Arc<AtomicUsize>,
}

async fn serve(
    listener: TcpListener,
    limits: Limits,
    answer: Answer,
    stop: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let (mut tasks, mut connections) = (JoinSet::new(), VecDeque::<Connection>::new());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stopped(stop.clone()) => break,
        };
        let Ok((stream, peer)) = accepted else {
            // No file descriptor is free, or the peer has gone away: neither ends the listener.
            tokio::time::sleep(AFTER_ERROR).await;
            continue;
        };
        while tasks.try_join_next().is_some() {}
        connections.retain(|connection| !connection.handle.is_finished());
        if connections.len() >= limits.connections && !close_oldest_idle(&mut connections) {
            // All of them are being answered: the new one is turned away instead.
            continue;
        }
        let in_progress = Arc::<AtomicUsize>::default();
        let task = connection(stream, peer, limits, Arc::clone(&answer), Arc::clone(&in_progress), stop.clone());
        connections.push_back(Connection { handle: tasks.spawn(task), in_progress });
    }
    let all = async { while tasks.join_next().await.is_some() {} };
    drop(timeout(limits.drain, all).await);
    Ok(())
}

/// Closes the connection that has waited the longest for its peer; whether there was one.
fn close_oldest_idle(connections: &mut VecDeque<Connection>) -> bool {
    let idle = connections.iter().position(|connection| connection.in_progress.load(Ordering::Relaxed) == 0);
    let Some(connection) = idle.and_then(|idle| connections.remove(idle)) else { return false };
    connection.handle.abort();
    true
}

/// The requests of one connection; those that have begun are answered when the server stops.
async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    limits: Limits,
    answer: Answer,
    in_progress: Arc<AtomicUsize>,
    stop: watch::Receiver<bool>,
) {
    // Answers are written at once; without it the last packet of one may wait for the peer's acknowledgement.
    drop(stream.set_nodelay(true));
    let refused = Arc::<AtomicBool>::default();
    let is_refused = Arc::clone(&refused);
    let service = service_fn(move |request: Request<Incoming>| {
        let counted = InProgress::new(&in_progress);
        let (has_body, is_refused) = (!request.body().is_end_stream(), Arc::clone(&is_refused));
        let answer = if head_bytes(&request) > HEAD_BYTES { None } else { Some(answer(request, peer)) };
        async move {
            let response = match answer {
                Some(answer) => answer.await,
                None => head_too_large(),
            };
            is_refused.store(has_body && response.status().as_u16() >= 400, Ordering::Relaxed);
            drop(counted);
            Ok::<_, std::convert::Infallible>(response)
        }
    });
    let requests = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_buf_size(HEAD_BYTES)
        .max_headers(HEADERS)
        .serve_connection(TokioIo::new(PatientStream::new(stream, UNREAD, refused)), service);
    let mut requests = std::pin::pin!(requests);
    tokio::select! {
        _ = requests.as_mut() => {}
        () = stopped(stop) => {
            requests.as_mut().graceful_shutdown();
            drop(requests.as_mut().await);
        }
    }
}

/// The bytes of a head, as its sender wrote them; what is read at once may hold a little more than a head may have.
fn head_bytes(request: &Request<Incoming>) -> usize {
    let headers = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
    let target = request.uri().path_and_query().map_or(1, |target| target.as_str().len());
    request.method().as_str().len() + target + 12 + headers.sum::<usize>()
}

/// 431: no body is promised.
fn head_too_large() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = hyper::StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
    response.headers_mut().insert(hyper::header::CONNECTION, hyper::header::HeaderValue::from_static("close"));
    response
}

/// Counts a request for as long as it is in progress.
struct InProgress(Arc<AtomicUsize>);

impl InProgress {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for InProgress {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
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

    const SMALL: Limits = Limits { connections: 128, head: Duration::from_secs(5), drain: Duration::from_secs(5) };

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
        let here: Answer = Arc::new(|_, _| Box::pin(async { Response::new(Body::from("here")) }));
        let (server, started) = listener.serve(SMALL, async { Ok::<_, ()>(here) }, stopped).unwrap();
        started.await.unwrap().unwrap();
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
        assert!(closed >= 300 - SMALL.connections, "{closed} of them were closed for those after them");
        let begun = std::time::Instant::now();
        let slow = answer(address, "GET / HTTP/1.1\r\nhost: h\r\n").await;
        assert!(!slow.contains("here") && begun.elapsed() < Duration::from_secs(9), "{slow}, {:?}", begun.elapsed());
        for large in [format!("a: {}\r\n", "x".repeat(70_000)), "a: x\r\n".repeat(200)] {
            let refused = answer(address, &get.replace("host", &format!("{large}host"))).await;
            assert!(!refused.contains("here"), "{refused}");
        }
        stop.send_replace(true);
        server.stopped().await.unwrap();
    }

    #[tokio::test]
    async fn whoever_is_refused_while_it_sends_reads_why() {
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.address();
        let (stop, stopped) = watch::channel(false);
        let refuse: Answer = Arc::new(|_, _| {
            let mut response = Response::new(Body::from("too large"));
            *response.status_mut() = hyper::StatusCode::PAYLOAD_TOO_LARGE;
            Box::pin(std::future::ready(response))
        });
        let (server, started) = listener.serve(SMALL, async { Ok::<_, ()>(refuse) }, stopped).unwrap();
        started.await.unwrap().unwrap();
        let body = vec![b'x'; 20_000_000];
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!("POST / HTTP/1.1\r\nhost: h\r\ncontent-length: {}\r\n\r\n", body.len());
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&body).await.expect("nobody resets the connection");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("the answer");
        assert!(answer.starts_with("HTTP/1.1 413 ") && answer.ends_with("too large"), "{answer}");
        stop.send_replace(true);
        server.stopped().await.unwrap();
    }
}
