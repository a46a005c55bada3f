//! A third party that uses little processor time, so that the machine is left to the contenders: it reads a request and replies
//! at once with what belongs to its number.
//!
//! `/quick/N`, `/late/N`, `/slow/N` (after [`SLOW`]), `/after200/N` (after so many milliseconds), `/large/N` (50 KB).

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// How long a slow call takes.
pub(crate) const SLOW: Duration = Duration::from_secs(20);

/// The counts so far.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    connections: AtomicUsize,
    requests: AtomicUsize,
    waiting: AtomicUsize,
}

impl Counts {
    /// Connections that were opened to it.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Requests that arrived.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    /// Requests that wait for their answers now.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

/// Listens on a port of its own for as long as the program runs.
pub(crate) fn start() -> std::io::Result<(String, Arc<Counts>)> {
    let address = reserve()?;
    Ok((format!("http://{address}"), listen(address)?))
}

/// An address on loopback at which nothing listens yet.
pub(crate) fn reserve() -> std::io::Result<SocketAddr> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
    listener.local_addr()
}

/// Listens there for as long as the program runs.
pub(crate) fn listen(address: SocketAddr) -> std::io::Result<Arc<Counts>> {
    let listener = tokio::net::TcpSocket::new_v4()?;
    listener.set_reuseaddr(true)?;
    listener.bind(address)?;
    let listener: TcpListener = listener.listen(4_096)?;
    let counts = Arc::<Counts>::default();
    let counted = Arc::clone(&counts);
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            counted.connections.fetch_add(1, Ordering::Relaxed);
            let counts = Arc::clone(&counted);
            // The connections of a killed process are reset.
            tokio::spawn(async move { drop(serve(socket, &counts).await) });
        }
    });
    Ok(counts)
}

async fn serve(mut socket: TcpStream, counts: &Counts) -> std::io::Result<()> {
    socket.set_nodelay(true)?;
    let mut read = Vec::with_capacity(2_048);
    loop {
        let Some((length, kind, number)) = request(&read) else {
            if socket.read_buf(&mut read).await? == 0 {
                return Ok(());
            }
            continue;
        };
        counts.requests.fetch_add(1, Ordering::Relaxed);
        let large = kind == "large";
        let wait = if kind == "slow" { SLOW } else { after(kind) };
        if !wait.is_zero() {
            counts.waiting.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(wait).await;
            counts.waiting.fetch_sub(1, Ordering::Relaxed);
        }
        read.drain(..length);
        socket.write_all(&answer(number, large)).await?;
    }
}

/// The wait that a kind names, such as `after200`.
fn after(kind: &str) -> Duration {
    let millis = kind.strip_prefix("after").and_then(|millis| millis.parse().ok());
    Duration::from_millis(millis.unwrap_or(0))
}

/// The length, kind and number of the first request, once it is complete.
fn request(read: &[u8]) -> Option<(usize, &str, u64)> {
    let head = read.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&read[..head]).ok()?;
    let mut lines = text.split("\r\n");
    let mut path = lines.next()?.split(' ').nth(1)?.trim_start_matches('/').split('/');
    let kind = path.next()?;
    let number = path.next()?.split('?').next()?.parse().ok()?;
    let length = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let whole = head + length.unwrap_or(0);
    (read.len() >= whole).then_some((whole, kind, number))
}

fn answer(number: u64, large: bool) -> Vec<u8> {
    let price = price(number);
    let filler = "x".repeat(300);
    let items = if large { ITEM.repeat(490) } else { String::new() };
    let body = format!(
        r#"{{"order":{{"id":{number},"state":"held","warehouse":"north","until":"2026-12-01T12:00:00Z"}},"items":[{items}null],"price":{price},"currency":"EUR","terms":"{filler}"}}"#
    );
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length:";
    format!("{head} {}\r\n\r\n{body}", body.len()).into_bytes()
}

const ITEM: &str =
    r#"{"id":17,"name":"a thing that is kept in stock","tags":["blue","round"],"price":12.5,"left":null},"#;

/// The price of an order; what its job's result has to carry.
#[expect(clippy::cast_precision_loss, reason = "numbers of jobs are small")]
pub(crate) fn price(number: u64) -> f64 {
    number as f64 + 0.25
}
