//! A connection that is replaced whenever it fails: by a new one with a new generation, never by lapin's recovery.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use lapin::Event;
use tokio::sync::{Mutex, watch};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout};

use super::connect::connect;
use super::{Error, Settings, Topology, declare};

/// How long an orderly close may take.
const CLOSE: Duration = Duration::from_secs(2);
/// How long closing an unresponsive connection may take.
const ABANDON: Duration = Duration::from_secs(10);
/// Some thirty queues, which a broker under load declares slowly.
const DECLARE: Duration = Duration::from_mins(1);
/// A malformed frame, or one that is too large (AMQP 0-9-1, section 1.2, `frame-error`).
const FRAME_ERROR: u16 = 501;
/// How often the status of a connection without events is checked.
const STATUS_CHECK: Duration = Duration::from_secs(5);

/// One open connection; its generation tells it from those before and after it.
#[derive(Clone)]
pub(super) struct Connection {
    pub(super) inner: Arc<lapin::Connection>,
    pub(super) generation: u64,
}

impl Connection {
    /// Closes a connection that does not respond; its supervisor then opens another one.
    pub(super) fn abandon(&self) {
        let inner = Arc::clone(&self.inner);
        // Close in the background: an unresponsive broker may never reply.
        tokio::spawn(async move { drop(timeout(ABANDON, inner.close(541, "no response".into())).await) });
    }
}

/// A connection that is opened again whenever it is lost.
#[derive(Clone)]
pub(super) struct Reconnecting {
    current: watch::Receiver<Option<Connection>>,
    state: Arc<ConnectionState>,
    supervisor: AbortHandle,
}

/// What outlives the single connections of one role.
struct ConnectionState {
    settings: Arc<Settings>,
    topology: Arc<Topology>,
    role: &'static str,
    blocked: AtomicBool,
    drifted: Arc<AtomicBool>,
    channels_reopened: AtomicU64,
    large_frames: AtomicBool,
    last_declared: Mutex<Option<Declared>>,
}

/// One declaration of the whole topology.
struct Declared {
    started: Instant,
    result: Result<(), Error>,
}

impl Reconnecting {
    /// Connects once; from then on a lost connection is replaced until [`Self::close`].
    pub(super) async fn open(
        settings: Arc<Settings>,
        topology: Arc<Topology>,
        role: &'static str,
        drifted: Arc<AtomicBool>,
    ) -> Result<Self, Error> {
        let inner = Arc::new(connect(&settings, role, false).await?);
        let (sender, current) = watch::channel(Some(Connection { inner, generation: 0 }));
        let state = Arc::new(ConnectionState {
            settings,
            topology,
            role,
            blocked: AtomicBool::new(false),
            drifted,
            channels_reopened: AtomicU64::new(0),
            large_frames: AtomicBool::new(false),
            last_declared: Mutex::new(None),
        });
        let task = tokio::spawn(supervise(Arc::clone(&state), sender));
        Ok(Self { current, state, supervisor: task.abort_handle() })
    }

    /// The current connection, or the next one if there is none; `None` once it was closed for good.
    pub(super) async fn connection(&self) -> Option<Connection> {
        let mut current = self.current.clone();
        let connected = current.wait_for(Option::is_some).await.ok()?;
        connected.clone()
    }

    /// Whether there is a connection now.
    pub(super) fn is_connected(&self) -> bool {
        self.current.borrow().is_some()
    }

    /// Whether the broker has blocked the connection for lack of memory or disk (`connection.blocked`).
    pub(super) fn is_blocked(&self) -> bool {
        self.state.blocked.load(Ordering::Relaxed)
    }

    /// Declares everything under the prefix. Callers that arrive while another one declares share its result: a thousand
    /// unroutable messages are no reason to declare a thousand times.
    pub(super) async fn declare(&self, connection: &Connection) -> Result<(), Error> {
        let called = Instant::now();
        let mut last = self.state.last_declared.lock().await;
        if let Some(shared) = last.as_ref().filter(|declared| declared.started > called) {
            return shared.result.clone();
        }
        let started = Instant::now();
        let result = self.state.declare(&connection.inner).await;
        *last = Some(Declared { started, result: result.clone() });
        result
    }

    /// How many channels were opened again.
    pub(super) fn channels_reopened(&self) -> u64 {
        self.state.channels_reopened.load(Ordering::Relaxed)
    }

    /// Counts a channel that has to be opened again.
    pub(super) fn count_reopened(&self) {
        self.state.channels_reopened.fetch_add(1, Ordering::Relaxed);
    }

    /// Closes the connection for good.
    pub(super) async fn close(&self) {
        self.supervisor.abort();
        let current = self.current.borrow().clone();
        if let Some(connection) = current {
            let closed = timeout(CLOSE, connection.inner.close(200, "stopping".into())).await;
            if !matches!(closed, Ok(Ok(()))) {
                tracing::debug!(
                    connection = self.state.role,
                    "the connection to RabbitMQ could not be closed in order"
                );
            }
        }
    }
}

impl std::fmt::Debug for Reconnecting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reconnecting").field("connected", &self.is_connected()).finish_non_exhaustive()
    }
}

/// Replaces the connection whenever it is lost.
async fn supervise(state: Arc<ConnectionState>, current: watch::Sender<Option<Connection>>) {
    loop {
        let lost = current.borrow().clone();
        let generation = lost.as_ref().map_or(0, |connection| connection.generation);
        if let Some(connection) = lost {
            let reason = state.until_lost(&connection.inner).await;
            tracing::warn!(connection = state.role, "the connection to RabbitMQ was lost ({reason}); connecting again");
        }
        state.blocked.store(false, Ordering::Relaxed);
        current.send_replace(None);
        let inner = Arc::new(state.reconnect().await);
        tracing::info!(connection = state.role, "connected to RabbitMQ again");
        current.send_replace(Some(Connection { inner, generation: generation + 1 }));
    }
}

impl ConnectionState {
    /// Waits until the connection is lost; returns the reason.
    async fn until_lost(&self, connection: &lapin::Connection) -> String {
        let mut events = connection.events_listener();
        let mut is_connected = connection.status().connected();
        while is_connected {
            let event = timeout(STATUS_CHECK, events.next()).await;
            is_connected = connection.status().connected();
            match event {
                Ok(Some(Event::ConnectionBlocked(reason))) => {
                    self.blocked.store(true, Ordering::Relaxed);
                    tracing::warn!(reason, "RabbitMQ has blocked this connection: it accepts no messages for now");
                }
                Ok(Some(Event::ConnectionUnblocked)) => self.blocked.store(false, Ordering::Relaxed),
                // Errors of a channel are reported here too; its owner handles them.
                Ok(Some(Event::Error(error))) if !is_connected => {
                    self.note_frame_error(&error);
                    return error.to_string();
                }
                Ok(None) => return "the connection ended".to_owned(),
                Ok(Some(_)) | Err(_) => {}
            }
        }
        "the connection is closed".to_owned()
    }

    /// After a frame that was larger than negotiated, later connections ask for large frames: with small ones the message
    /// that the frame belongs to would end each of them.
    fn note_frame_error(&self, error: &lapin::Error) {
        let lapin::ErrorKind::ProtocolError(problem) = error.kind() else { return };
        if problem.get_id() == FRAME_ERROR && self.large_frames.swap(true, Ordering::Relaxed) {
            tracing::error!(
                connection = self.role,
                "a message's headers are larger than RabbitMQ's frame_max allows: it ends every connection that it is \
                 delivered to. Remove it from its queue, or raise frame_max in RabbitMQ's configuration"
            );
        }
    }

    /// Full jitter between 0.2 and 8 s: the workers must not reach a restarted broker all at once, and jobs continue within
    /// ten seconds of its return.
    async fn reconnect(&self) -> lapin::Connection {
        let mut jitter = 0.4;
        loop {
            let wait = 0.2 + fastrand::f64() * jitter;
            tokio::time::sleep(Duration::from_secs_f64(wait)).await;
            let connected = async {
                let connection = connect(&self.settings, self.role, self.large_frames.load(Ordering::Relaxed)).await?;
                self.declare(&connection).await?;
                Ok::<_, Error>(connection)
            };
            match connected.await {
                Ok(connection) => return connection,
                Err(error @ Error::Drift { .. }) => {
                    tracing::error!(%error, connection = self.role, "reconnecting to RabbitMQ failed");
                }
                Err(error) => tracing::debug!(%error, connection = self.role, "reconnecting to RabbitMQ failed"),
            }
            jitter = f64::min(jitter * 2.0, 7.8);
        }
    }

    /// Declares everything under the prefix, and records whether something exists with other arguments.
    async fn declare(&self, connection: &lapin::Connection) -> Result<(), Error> {
        let declaring = declare::declare(connection, &self.topology, &self.settings.queues);
        let declared = match timeout(DECLARE, declaring).await {
            Ok(declared) => declared,
            Err(_) => Err(Error::Timeout { operation: "declare the queues", limit: DECLARE }),
        };
        match &declared {
            Ok(()) => self.drifted.store(false, Ordering::Relaxed),
            Err(Error::Drift { .. }) => self.drifted.store(true, Ordering::Relaxed),
            Err(_) => {}
        }
        declared
    }
}
