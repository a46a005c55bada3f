//! One connection that comes back by itself: a new one with a new generation, never a recovered one.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use lapin::tcp::{OwnedIdentity, OwnedTLSConfig};
use lapin::{Connection, ConnectionProperties, DefaultConnectionBuilder, Event};
use tokio::sync::{Mutex, watch};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout};

use super::nodes::{Node, nodes};
use super::{Error, Settings, Topology, declare};

/// From dialling to an open connection.
const CONNECT: Duration = Duration::from_secs(10);
/// Some thirty queues, which a broker under load makes slowly.
const DECLARE: Duration = Duration::from_mins(1);
/// A frame that breaks the rules, for one by its size (AMQP 0-9-1, section 1.2, `frame-error`).
const FRAME_ERROR: u16 = 501;
/// How often a connection is looked at whose listener says nothing.
const LOOK: Duration = Duration::from_secs(5);

/// A connection as it is now.
#[derive(Clone)]
pub(super) struct Live {
    pub(super) connection: Arc<Connection>,
    pub(super) generation: u64,
}

impl Live {
    /// Gives a connection up that does not answer; the supervisor sees it closed and connects anew.
    pub(super) fn give_up(&self) {
        let connection = Arc::clone(&self.connection);
        // The goodbye of a connection that does not answer is waited for by nobody.
        tokio::spawn(async move { drop(timeout(CONNECT, connection.close(541, "no answer".into())).await) });
    }
}

/// A connection that comes back.
#[derive(Clone)]
pub(super) struct Link {
    current: watch::Receiver<Option<Live>>,
    line: Arc<Line>,
    supervisor: AbortHandle,
}

/// What a connection is for, and what is known of it beside whether it is there.
struct Line {
    settings: Arc<Settings>,
    topology: Arc<Topology>,
    role: &'static str,
    blocked: AtomicBool,
    drifted: Arc<AtomicBool>,
    rebuilt: AtomicU64,
    large_frames: AtomicBool,
    /// When everything was last declared, and what was wrong with it.
    declared: Mutex<Option<(Instant, Option<String>)>>,
}

impl Link {
    /// Connects once; from then on the connection comes back for ever.
    pub(super) async fn open(
        settings: Arc<Settings>,
        topology: Arc<Topology>,
        role: &'static str,
        drifted: Arc<AtomicBool>,
    ) -> Result<Self, Error> {
        let connection = Arc::new(connect(&settings, role, false).await?);
        let (tell, current) = watch::channel(Some(Live { connection, generation: 0 }));
        let line = Arc::new(Line {
            settings,
            topology,
            role,
            blocked: AtomicBool::new(false),
            drifted,
            rebuilt: AtomicU64::new(0),
            large_frames: AtomicBool::new(false),
            declared: Mutex::new(None),
        });
        let task = tokio::spawn(supervise(Arc::clone(&line), tell));
        Ok(Self { current, line, supervisor: task.abort_handle() })
    }

    /// The connection, as soon as there is one.
    pub(super) async fn live(&self) -> Option<Live> {
        let mut current = self.current.clone();
        let found = current.wait_for(Option::is_some).await.ok()?;
        found.clone()
    }

    /// Whether there is a connection now.
    pub(super) fn is_connected(&self) -> bool {
        self.current.borrow().is_some()
    }

    /// Whether the broker has blocked it for want of memory or disk.
    pub(super) fn is_blocked(&self) -> bool {
        self.line.blocked.load(Ordering::Relaxed)
    }

    /// Declares everything under the prefix. Whoever asks while it is done for another one hears what that one hears: a
    /// thousand messages that no queue took are no reason to declare a thousand times.
    pub(super) async fn declare(&self, live: &Live) -> Result<(), Error> {
        let asked = Instant::now();
        let mut last = self.line.declared.lock().await;
        if let Some((_, problem)) = last.as_ref().filter(|(begun, _)| *begun > asked) {
            return problem.clone().map_or(Ok(()), |problem| Err(not_declared(problem)));
        }
        let begun = Instant::now();
        let declared = self.line.declare(&live.connection).await;
        *last = Some((begun, declared.as_ref().err().map(ToString::to_string)));
        declared
    }

    /// How many channels were opened again.
    pub(super) fn rebuilt(&self) -> u64 {
        self.line.rebuilt.load(Ordering::Relaxed)
    }

    /// Notes a channel that has to be opened again.
    pub(super) fn count_rebuilt(&self) {
        self.line.rebuilt.fetch_add(1, Ordering::Relaxed);
    }

    /// Ends it for good.
    pub(super) async fn close(&self) {
        self.supervisor.abort();
        let live = self.current.borrow().clone();
        if let Some(live) = live {
            let closed = timeout(Duration::from_secs(2), live.connection.close(200, "bye".into())).await;
            if !matches!(closed, Ok(Ok(()))) {
                tracing::debug!("the broker did not hear the goodbye");
            }
        }
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").field("connected", &self.is_connected()).finish_non_exhaustive()
    }
}

/// Watches the connection; when it is lost, declares and connects anew.
async fn supervise(line: Arc<Line>, tell: watch::Sender<Option<Live>>) {
    loop {
        let live = tell.borrow().clone();
        let generation = live.as_ref().map_or(0, |live| live.generation);
        if let Some(live) = live {
            let why = line.lost(&live.connection).await;
            tracing::warn!(connection = line.role, "the connection to RabbitMQ was lost ({why}); connecting again");
        }
        line.blocked.store(false, Ordering::Relaxed);
        tell.send_replace(None);
        let connection = Arc::new(line.connect_again().await);
        tracing::info!(connection = line.role, "connected to RabbitMQ again");
        tell.send_replace(Some(Live { connection, generation: generation + 1 }));
    }
}

impl Line {
    /// Waits until the connection is of no more use; says why.
    async fn lost(&self, connection: &Connection) -> String {
        let mut events = connection.events_listener();
        let mut is_connected = connection.status().connected();
        while is_connected {
            let event = timeout(LOOK, events.next()).await;
            is_connected = connection.status().connected();
            match event {
                Ok(Some(Event::ConnectionBlocked(reason))) => {
                    self.blocked.store(true, Ordering::Relaxed);
                    tracing::warn!(reason, "RabbitMQ takes no messages for now");
                }
                Ok(Some(Event::ConnectionUnblocked)) => self.blocked.store(false, Ordering::Relaxed),
                // A channel's error is its owner's business; the loop's condition judges the connection.
                Ok(Some(Event::Error(error))) if !is_connected => {
                    self.heard(&error);
                    return error.to_string();
                }
                Ok(None) => return "the connection ended".to_owned(),
                Ok(Some(_)) | Err(_) => {}
            }
        }
        "the connection is closed".to_owned()
    }

    /// Notes that a frame was larger than agreed on: with small frames, the message that it belongs to would end every
    /// connection anew.
    fn heard(&self, error: &lapin::Error) {
        let lapin::ErrorKind::ProtocolError(problem) = error.kind() else { return };
        if problem.get_id() == FRAME_ERROR && self.large_frames.swap(true, Ordering::Relaxed) {
            tracing::error!(
                connection = self.role,
                "a message's headers are larger than RabbitMQ's frame_max allows: it ends every connection that it is \
                 handed to. Remove it from its queue, or raise frame_max in RabbitMQ's configuration"
            );
        }
    }

    /// Full jitter between 0.2 and 8 s: a restarted broker must not meet all workers at once, and jobs go on within ten
    /// seconds of its return.
    async fn connect_again(&self) -> Connection {
        let mut longest = 0.4;
        loop {
            let wait = 0.2 + fastrand::f64() * longest;
            tokio::time::sleep(Duration::from_secs_f64(wait)).await;
            let connected = async {
                let connection = connect(&self.settings, self.role, self.large_frames.load(Ordering::Relaxed)).await?;
                self.declare(&connection).await?;
                Ok::<_, Error>(connection)
            };
            match connected.await {
                Ok(connection) => return connection,
                Err(error @ Error::Drift { .. }) => {
                    tracing::error!(%error, connection = self.role, "still no connection");
                }
                Err(error) => tracing::debug!(%error, connection = self.role, "still no connection"),
            }
            longest = f64::min(longest * 2.0, 7.8);
        }
    }

    /// Declares everything under the prefix, and notes whether something has other arguments.
    async fn declare(&self, connection: &Connection) -> Result<(), Error> {
        let declaring = declare::declare(connection, &self.topology, &self.settings.queues);
        let late = || not_declared(format!("no answer within {DECLARE:?}"));
        let declared = timeout(DECLARE, declaring).await.unwrap_or_else(|_| Err(late()));
        match &declared {
            Ok(()) => self.drifted.store(false, Ordering::Relaxed),
            Err(Error::Drift { .. }) => self.drifted.store(true, Ordering::Relaxed),
            Err(_) => {}
        }
        declared
    }
}

fn not_declared(problem: String) -> Error {
    Error::Refused { operation: "declare the queues".to_owned(), problem }
}

/// One try at each node.
pub(super) async fn connect(settings: &Settings, role: &str, large_frames: bool) -> Result<Connection, Error> {
    let mut problems = Vec::new();
    for node in nodes(&settings.url, settings.heartbeat, large_frames)? {
        match connect_to(&node, settings, role).await {
            Err(Error::Unreachable { place, problem }) => problems.push((place, problem)),
            ended => return ended,
        }
    }
    let (places, problems): (Vec<String>, Vec<String>) = problems.into_iter().unzip();
    Err(Error::Unreachable { place: places.join(" and "), problem: problems.join("; ") })
}

async fn connect_to(node: &Node, settings: &Settings, role: &str) -> Result<Connection, Error> {
    node.check().await?;
    let name = format!("data-connector {} ({role})", settings.name);
    let properties = ConnectionProperties::default().with_connection_name(name.into());
    let tls = tls(settings)?;
    let unreachable = |problem: String| Error::Unreachable { place: node.place(), problem };
    let builder = DefaultConnectionBuilder::new().map_err(|e| unreachable(e.to_string()))?;
    let builder = builder.with_uri(node.0.clone()).with_properties(properties).with_tls_config(tls);
    match timeout(CONNECT, builder.connect()).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) => Err(unreachable(error.to_string())),
        Err(_) => Err(unreachable(format!("no answer within {CONNECT:?}"))),
    }
}

fn tls(settings: &Settings) -> Result<OwnedTLSConfig, Error> {
    let read = |path: &PathBuf| {
        std::fs::read(path).map_err(|source| Error::CaFile { path: path.display().to_string(), source })
    };
    let cert_chain = settings.ca_file.as_ref().map(read).transpose()?;
    let identity = match (&settings.client_certificate, &settings.client_key) {
        (Some(certificate), Some(key)) => Some(OwnedIdentity::PKCS8 { pem: read(certificate)?, key: read(key)? }),
        _ => None,
    };
    Ok(OwnedTLSConfig { identity, cert_chain: cert_chain.map(|pem| String::from_utf8_lossy(&pem).into_owned()) })
}
