//! The ledger: one row a job, from "I am about to send this" to "the result is the engine's" (ARCHITECTURE).
//!
//! Knows states, fences and leases; must not know what a job asks for or what its result says.

mod batch;
mod columns;
mod copies;
pub(super) mod connection;
mod decide;
mod handle;
mod hold;
mod known;
#[cfg(test)]
mod model_test;
mod postgres;
mod queries;
mod replay;
mod retention;
mod rollback;
mod rows;
mod search;
mod sqlite;
mod sqlite_batch;
mod stats;
mod writer;

use crate::job::Attempt;

pub use handle::LedgerHandle;
pub use hold::{Held, HoldRequest};
pub use queries::{JobDetail, JobFilter, JobRow, KeptExchange, StateCount, StoredMeta};
pub use replay::{NotReplayable, ReplayError, Replayable, ReplayedJob};
#[cfg(test)]
pub(super) use retention::ROWS as OLD_ROWS;
pub use retention::RetentionAges;
pub use search::JobSearch;
pub use stats::LedgerStats;

/// Asks for the right to send a job's request.
#[derive(Debug, Clone)]
pub struct ClaimRequest {
    /// The job id, as text.
    pub id: String,
    /// What identifies the job's content.
    pub job_hash: [u8; 32],
    /// From the delivery's header; 1 for a message straight from an engine.
    pub attempt: u32,
    /// Whether this request may be sent again without knowing the outcome.
    pub repeat_safe: bool,
    /// Sent with every attempt.
    pub idempotency_key: String,
    /// What is about to be sent; `None` when nothing can be.
    pub request_hash: Option<[u8; 32]>,
    /// For people, as the following ones.
    pub engine: String,
    /// The BPMN process id.
    pub process: Option<String>,
    /// Its version: the one that the job names, else the deployed one that it runs as.
    pub version: Option<String>,
    /// The request's id.
    pub request: String,
    /// The element's id.
    pub element: String,
    /// The connector as the model names it.
    pub connector: Option<String>,
    /// The resource.
    pub resource: Option<String>,
    /// Where this copy of the job wants the result; only `engine/` reads it.
    pub reply_address: Vec<u8>,
    /// An earlier claim of this very copy has left its address with the job.
    pub is_registered: bool,
}

impl ClaimRequest {
    fn texts(&self) -> impl Iterator<Item = &String> {
        let optional = [&self.process, &self.version, &self.connector, &self.resource];
        let texts = [&self.id, &self.idempotency_key, &self.engine, &self.request, &self.element];
        texts.into_iter().chain(optional.into_iter().flatten())
    }

    /// Whether a text in it is none that PostgreSQL could store.
    fn has_nul(&self) -> bool {
        self.texts().any(|text| text.contains('\0'))
    }

    /// What it takes in a statement, bytes, roughly.
    fn bytes(&self) -> usize {
        ROW + self.texts().map(String::len).sum::<usize>()
    }
}

/// The right to act on a job, and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The attempt that may be made.
    pub attempt: u32,
    /// Every later write has to name it.
    pub fence: i64,
    /// Attempts so far.
    pub history: Vec<Attempt>,
    /// The key of the first attempt, to be sent with this one too.
    pub idempotency_key: String,
    /// When the job was first claimed, epoch milliseconds.
    pub first_seen_ms: i64,
    /// Now, by the same clock.
    pub now_ms: i64,
    /// An earlier attempt sent something else under the same key.
    pub request_changed: bool,
    /// Workers that died with this job in hand.
    pub crashes: u32,
    /// That it is a replay, where it is one.
    pub replay: Option<Replay>,
}

/// That a job runs again (CONTRACT 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replay {
    /// Replay number, starting at 1.
    pub number: u32,
    /// Whether the engine gets the result.
    pub send: bool,
}

/// A job's message, stored as long as its result so that it can be replayed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredJob {
    /// Its body.
    pub body: Vec<u8>,
    /// The short name of the queue it came from.
    pub queue: String,
}

impl Grant {
    /// The first attempt of a job that nobody has claimed before.
    fn first(request: &ClaimRequest, now_ms: i64) -> Self {
        Self {
            attempt: request.attempt.max(1),
            fence: FIRST_FENCE,
            history: Vec::new(),
            idempotency_key: request.idempotency_key.clone(),
            first_seen_ms: now_ms,
            now_ms,
            request_changed: false,
            crashes: 0,
            replay: None,
        }
    }
}

/// The ledger's answer to a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// Send.
    Granted(Grant),
    /// The request was on its way when its worker died, and may not be repeated: record `OUTCOME_UNKNOWN`.
    Orphaned(Grant),
    /// Nothing may be sent.
    Refused(Verdict),
}

/// Why a claim is refused, and what is to be done instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// There is a result: send it, after which the engine has it.
    Answered(StoredResult),
    /// There is a result, and somebody else is about to send it: send it where this copy wants it, too.
    AnsweredElsewhere(StoredResult),
    /// The engine got the result: this copy's one, or long ago, and its payload is gone.
    Published,
    /// The job was cancelled.
    Cancelled,
    /// Three workers died with it; a person decides.
    Parked,
    /// Another live worker has it: come back later. What it ends with is sent where this copy wants it, too, as after the
    /// following two.
    Busy {
        /// When, milliseconds from now.
        for_ms: u64,
    },
    /// It waits for another attempt whose copy may never have reached the ladder: publish that copy.
    Requeue {
        /// The attempt the copy is for.
        attempt: u32,
        /// The rest of its wait, milliseconds.
        in_ms: u64,
    },
    /// A newer copy is on its way: nothing to do.
    Stale,
    /// Another job under the same id.
    Mismatch,
}

/// A result with everything that is needed to send it, now or after a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredResult {
    /// The job id, which is the result's message id.
    pub job_id: String,
    /// The engine that gets it.
    pub engine: String,
    /// Where that engine wants it; only `engine/` reads it.
    pub reply_address: Vec<u8>,
    /// Where further copies of the job want it.
    pub copies: Vec<Vec<u8>>,
    /// The message's body.
    pub body: Vec<u8>,
}

/// What an attempt ended with.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "a record is handed on behind an Arc")]
pub enum Record {
    /// Another attempt after a wait.
    Waiting {
        /// The job.
        id: String,
        /// From the grant.
        fence: i64,
        /// From now, milliseconds.
        wait_ms: u64,
        /// All attempts so far.
        history: Vec<Attempt>,
        /// Whether the host did not answer this one: a wait for it goes on.
        is_silence: bool,
    },
    /// The end.
    Answered {
        /// The job.
        id: String,
        /// From the grant.
        fence: i64,
        /// Why it failed; `None` when it did not.
        code: Option<String>,
        /// The last status line's number.
        http_status: Option<u16>,
        /// The last attempt, milliseconds.
        duration_ms: u64,
        /// All failed attempts.
        history: Vec<Attempt>,
        /// What the engine gets.
        result: StoredResult,
        /// The job's message.
        job: StoredJob,
        /// The last request and its answer, masked, as JSON text, where they are kept for people.
        exchange: Option<Vec<u8>>,
        /// Whether the engine gets the result; that of a replay is often for people only.
        send: bool,
    },
}

impl Record {
    /// What the engine gets, where the job has ended.
    pub fn result(&self) -> Option<&StoredResult> {
        match self {
            Self::Waiting { .. } => None,
            Self::Answered { result, .. } => Some(result),
        }
    }

    /// What it takes in a statement, bytes, roughly.
    fn bytes(&self) -> usize {
        let carried = match self {
            Self::Waiting { id, history, .. } => id.len() + HISTORY * history.len(),
            Self::Answered { id, history, result, job, exchange, .. } => {
                let exchange = exchange.as_ref().map_or(0, Vec::len);
                id.len() + HISTORY * history.len() + result.body.len() + job.body.len() + exchange
            }
        };
        carried + ROW
    }

    fn id(&self) -> &str {
        match self {
            Self::Waiting { id, .. } | Self::Answered { id, .. } => id,
        }
    }

    fn fence(&self) -> i64 {
        match self {
            Self::Waiting { fence, .. } | Self::Answered { fence, .. } => *fence,
        }
    }
}

/// What became of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recorded {
    /// It is durable.
    Done,
    /// It is durable, and copies of the job wait for the result at these addresses.
    Copied(Vec<Vec<u8>>),
    /// The job was cancelled first; its outcome is stored, and nothing is to be sent.
    Cancelled,
    /// Another worker has the job now.
    Lost,
}

/// What the short columns of a row take, bytes, and what a failed attempt does, roughly.
const ROW: usize = 256;
const HISTORY: usize = 256;
/// The fence of a job that nobody has claimed before.
const FIRST_FENCE: i64 = 1;
/// How long a result may take from the ledger to the broker before the sweeper sends it.
const ANSWER_GRACE_MS: i64 = 60_000;
/// Deaths of workers after which a job is parked.
const CRASHES: i64 = 3;
