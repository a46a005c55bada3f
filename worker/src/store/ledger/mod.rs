//! The ledger: one row a job, from "I am about to send this" to "the result is the engine's" (DESIGN, ledger).
//!
//! Knows states, fences and leases; must not know what a job asks for or what its result says.

mod batch;
mod columns;
mod decide;
mod handle;
#[cfg(test)]
mod histories;
mod link;
mod postgres;
mod queries;
mod replay;
mod retention;
mod sqlite;
mod stats;
mod writer;

use crate::job::Attempt;

pub use handle::LedgerHandle;
pub use queries::{JobDetail, JobFilter, JobRow, StateCount, StoredMeta};
pub use replay::{Again, NotAgain};
#[cfg(test)]
pub(super) use retention::ROWS as OLD_ROWS;
pub use stats::LedgerStats;

/// "I am about to send this: may I?"
#[derive(Debug, Clone)]
pub struct ClaimRequest {
    /// The job id, as text.
    pub id: String,
    /// What "the same job" is measured by.
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
    /// The request's id.
    pub request: String,
    /// The element's id.
    pub element: String,
    /// The connector as the model names it.
    pub connector: Option<String>,
    /// The resource.
    pub resource: Option<String>,
}

impl ClaimRequest {
    fn texts(&self) -> impl Iterator<Item = &String> {
        let optional = [&self.process, &self.connector, &self.resource];
        let texts = [&self.id, &self.idempotency_key, &self.engine, &self.request, &self.element];
        texts.into_iter().chain(optional.into_iter().flatten())
    }

    /// What it takes in a statement, bytes, roughly.
    fn bytes(&self) -> usize {
        ROW + self.texts().map(String::len).sum::<usize>()
    }
}

/// The right to act on a job, and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    /// The attempt that may be made.
    pub attempt: u32,
    /// Every later write has to name it.
    pub fence: i64,
    /// Attempts so far.
    pub history: Vec<Attempt>,
    /// The key of the first attempt, to be sent with this one too.
    pub idempotency_key: String,
    /// When the ledger first saw the job, epoch milliseconds.
    pub first_seen_ms: i64,
    /// Now, by the same clock.
    pub now_ms: i64,
    /// An earlier attempt sent something else under the same key.
    pub request_changed: bool,
    /// Workers that died with this job in hand.
    pub crashes: u32,
    /// What it runs again, where it does.
    pub replay: Option<Replay>,
}

/// A job that somebody runs again (CONTRACT 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replay {
    /// The how manieth time.
    pub number: u32,
    /// Whether the engine gets the result.
    pub send: bool,
}

/// A job's message, kept as long as its result so that it can be run again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredJob {
    /// Its body.
    pub body: Vec<u8>,
    /// The short name of the queue it came from.
    pub queue: String,
}

impl Granted {
    /// The first attempt of a job that nobody has seen before.
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

/// What the ledger says to a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// Send.
    Granted(Granted),
    /// The request was on its way when its worker died, and may not be repeated: record `OUTCOME_UNKNOWN`.
    Orphaned(Granted),
    /// There is a result: send it.
    Answered(StoredResult),
    /// The engine took the result long ago; its payload is gone.
    Published,
    /// Taken back.
    Cancelled,
    /// Three workers died with it; a person decides.
    Parked,
    /// Another live worker has it: come back later.
    Held {
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
    /// The message's body.
    pub body: Vec<u8>,
}

/// What an attempt ended with.
#[derive(Debug, Clone)]
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
        /// What it was asked with.
        job: StoredJob,
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
            Self::Answered { id, history, result, job, .. } => {
                id.len() + HISTORY * history.len() + result.body.len() + job.body.len()
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// It is durable.
    Done,
    /// The job was taken back first; an outcome was kept, and nothing is to be sent.
    Cancelled,
    /// Another worker has the job now.
    Lost,
}

/// What the short columns of a row take, bytes, and what a failed attempt does, roughly.
const ROW: usize = 256;
const HISTORY: usize = 256;
/// The fence of a job that nobody has seen before.
const FIRST_FENCE: i64 = 1;
/// How long a result may take from the ledger to the broker before the sweeper sends it.
const ANSWER_GRACE_MS: i64 = 60_000;
/// Deaths of workers after which a job is parked.
const CRASHES: i64 = 3;

/// What a claim is told, and how to undo it if the claimant never hears it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Said {
    claim: Claim,
    undo: Option<Undo>,
}

/// A grant that nobody may have heard of: while its worker lives, nobody else would get the job.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Undo {
    id: String,
    fence: i64,
    /// It was a dead worker's, who may have sent its request; otherwise nothing of this attempt was.
    taken_over: bool,
    /// Workers that died with the job.
    crashes: i64,
}

impl Said {
    /// The answer to the claim of a job that nobody has seen before.
    fn first(request: &ClaimRequest, now_ms: i64) -> Self {
        let undo = Undo { id: request.id.clone(), fence: FIRST_FENCE, taken_over: false, crashes: 0 };
        Self { claim: Claim::Granted(Granted::first(request, now_ms)), undo: Some(undo) }
    }
}

/// A row as the rules see it.
#[derive(Debug, Clone, sqlx::FromRow)]
struct Row {
    id: String,
    job_hash: Option<Vec<u8>>,
    state: String,
    attempt: i64,
    fence: i64,
    due_at: Option<i64>,
    crashes: i64,
    repeat_safe: i64,
    idempotency_key: Option<String>,
    request_hash: Option<Vec<u8>>,
    history: Option<Vec<u8>>,
    created_at: i64,
    replay: Option<i64>,
    replay_send: i64,
    /// When the lease of the row's worker ends; null when that worker is gone.
    seen_until: Option<i64>,
}

/// A stored result as a row.
#[derive(Debug, Clone, sqlx::FromRow)]
struct Payload {
    job_id: String,
    engine: Option<String>,
    reply_address: Vec<u8>,
    result: Vec<u8>,
}

/// Reads a job's payload.
const RESULT: &str =
    "SELECT p.job_id, j.engine, p.reply_address, p.result FROM payloads p JOIN jobs j ON j.id = p.job_id
    WHERE p.job_id = $1";

impl From<Payload> for StoredResult {
    fn from(payload: Payload) -> Self {
        Self {
            job_id: payload.job_id,
            engine: payload.engine.unwrap_or_default(),
            reply_address: payload.reply_address,
            body: payload.result,
        }
    }
}

fn history_bytes(history: &[Attempt]) -> Option<Vec<u8>> {
    if history.is_empty() { None } else { serde_json::to_vec(history).ok() }
}

fn history_of(bytes: Option<&[u8]>) -> Vec<Attempt> {
    bytes.and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or_default()
}
