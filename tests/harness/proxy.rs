//! A TCP proxy on loopback with the faults of a network, for the broker, the database and third parties.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// A fault that applies to all connections until another one is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Toxic {
    /// No fault.
    None,
    /// No connection is accepted, and open ones are reset.
    Refuse,
    /// All connections are reset after this many more bytes, later ones too.
    ResetAfter(u64),
    /// Nothing passes in either direction, and no connection is closed; what arrived passes when the fault ends.
    Blackhole,
    /// Nothing passes towards the server.
    DropUp,
    /// Nothing passes towards the client.
    DropDown,
    /// Every chunk is delayed by a random time between these.
    Latency(Duration, Duration),
    /// This many bytes a second.
    Bandwidth(u64),
    /// One byte at a time.
    Slice,
    /// A close is passed on after this time only.
    SlowClose(Duration),
}

/// A proxy in front of one server.
pub struct Proxy {
    port: u16,
    toxic: watch::Sender<Toxic>,
    passed: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Proxy {
    /// Listens on loopback in front of `server`, which is host and port.
    pub async fn before(server: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port on loopback");
        let port = listener.local_addr().expect("its address").port();
        let (toxic, seen) = watch::channel(Toxic::None);
        let passed = Arc::<AtomicU64>::default();
        let task = tokio::spawn(accept(listener, port, server.to_owned(), seen, Arc::clone(&passed)));
        Self { port, toxic, passed, task }
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The same URL with this proxy as its host and port.
    pub fn url_through(&self, url: &str) -> String {
        let (front, rest) = url.split_once("://").expect("a URL");
        let (authority, path) = rest.split_once('/').map_or((rest, String::new()), |(a, p)| (a, format!("/{p}")));
        let user = authority.rsplit_once('@').map_or(String::new(), |(user, _)| format!("{user}@"));
        format!("{front}://{user}127.0.0.1:{}{path}", self.port)
    }

    /// Replaces the fault.
    pub fn set(&self, toxic: Toxic) {
        self.passed.store(0, Ordering::SeqCst);
        self.toxic.send_replace(toxic);
    }
}

async fn accept(
    listener: TcpListener,
    port: u16,
    server: String,
    mut toxic: watch::Receiver<Toxic>,
    passed: Arc<AtomicU64>,
) {
    let (mut listener, mut connections) = (Some(listener), JoinSet::new());
    loop {
        if *toxic.borrow_and_update() == Toxic::Refuse {
            listener = None;
            connections.shutdown().await;
        } else if listener.is_none() {
            listener = Some(TcpListener::bind(("127.0.0.1", port)).await.expect("its port again"));
        }
        let Some(open) = &listener else {
            if toxic.changed().await.is_err() {
                return;
            }
            continue;
        };
        tokio::select! {
            changed = toxic.changed() => if changed.is_err() { return },
            accepted = open.accept() => {
                let (client, _) = accepted.expect("a connection");
                connections.spawn(connect(client, server.clone(), toxic.clone(), Arc::clone(&passed)));
            }
        }
    }
}

async fn connect(client: TcpStream, server: String, toxic: watch::Receiver<Toxic>, passed: Arc<AtomicU64>) {
    reset_when_dropped(&client);
    let Ok(server) = TcpStream::connect(&server).await else { return };
    reset_when_dropped(&server);
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    let up = Direction {
        from: from_client,
        to: to_server,
        stopped_by: Toxic::DropUp,
        toxic: toxic.clone(),
        passed: Arc::clone(&passed),
    };
    let down = Direction { from: from_server, to: to_client, stopped_by: Toxic::DropDown, toxic, passed };
    let (up, down) = (up.run(), down.run());
    tokio::pin!(up, down);
    // A broken direction ends the other one too; an orderly close waits for it.
    tokio::select! {
        orderly = &mut up => if orderly { (&mut down).await; },
        orderly = &mut down => if orderly { (&mut up).await; },
    }
}

/// A connection that this proxy drops is reset, not closed.
fn reset_when_dropped(stream: &TcpStream) {
    stream.set_nodelay(true).ok();
    linger(stream, Some(Duration::ZERO));
}

#[expect(deprecated, reason = "only a linger that waits blocks; none of these does")]
fn linger(stream: &TcpStream, time: Option<Duration>) {
    stream.set_linger(time).ok();
}

/// One direction of a connection.
struct Direction {
    from: OwnedReadHalf,
    to: OwnedWriteHalf,
    stopped_by: Toxic,
    toxic: watch::Receiver<Toxic>,
    passed: Arc<AtomicU64>,
}

impl Direction {
    /// Copies until the end; whether that was an orderly close.
    async fn run(mut self) -> bool {
        let mut chunk = vec![0; 16 * 1024];
        loop {
            let Ok(length) = self.from.read(&mut chunk).await else { return false };
            if length == 0 {
                let toxic = *self.toxic.borrow();
                if let Toxic::SlowClose(wait) = toxic {
                    tokio::time::sleep(wait).await;
                }
                linger(self.to.as_ref(), None);
                return self.to.shutdown().await.is_ok();
            }
            if !self.pass(&chunk[..length]).await {
                return false;
            }
        }
    }

    async fn pass(&mut self, bytes: &[u8]) -> bool {
        let stopped_by = self.stopped_by;
        let free = |toxic: &Toxic| *toxic != Toxic::Blackhole && *toxic != stopped_by;
        let toxic = match self.toxic.wait_for(free).await {
            Ok(toxic) => *toxic,
            Err(_) => return false,
        };
        let passed = self.passed.fetch_add(bytes.len() as u64, Ordering::SeqCst);
        match toxic {
            Toxic::ResetAfter(most) if passed >= most => return false,
            Toxic::Latency(from, to) => {
                let random = u32::from(uuid::Uuid::new_v4().as_bytes()[0]);
                tokio::time::sleep(from + to.saturating_sub(from) * random / 255).await;
            }
            Toxic::Bandwidth(rate) => {
                tokio::time::sleep(Duration::from_millis(bytes.len() as u64 * 1_000 / rate.max(1))).await;
            }
            Toxic::Slice => {
                for byte in bytes {
                    if self.to.write_all(std::slice::from_ref(byte)).await.is_err() {
                        return false;
                    }
                    tokio::task::yield_now().await;
                }
                return true;
            }
            _ => {}
        }
        self.to.write_all(bytes).await.is_ok()
    }
}
