//! The ledger as one worker uses it: questions go to its one writer, or straight to the database where nothing is hot.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::retention::retain;
use super::writer::{Operation, write};
use super::{ANSWER_GRACE_MS, Claim, ClaimRequest, Record, Recorded, StoredResult, postgres, sqlite};
use crate::job::is_id;
use crate::store::database::{Database, held, on};
use crate::store::{Error, dead_letters::shown};

/// How long a caller waits for its turn and its answer.
const PATIENCE: Duration = Duration::from_secs(15);
/// Waits of a result that nobody takes: from the first, doubling, to the last.
const RETURNED_MS: (i64, i64) = (5_000, 600_000);

const RETURN: &str = "UPDATE jobs SET returns = returns + 1, updated_at = $2,
    send_at = $2 + CASE WHEN returns < 7 THEN $3 * (1 << CAST(returns AS INTEGER)) ELSE $4 END
    WHERE id = $1 AND state = 'answered'";
const NOT_TAKEN: &str = "UPDATE jobs SET state = 'answered', returns = returns + 1, updated_at = $2, send_at = $2
    WHERE id = $1 AND state IN ('answered', 'published')";
const HURRY: &str = "UPDATE jobs SET send_at = $2
    WHERE send_at > $2 + $3 AND state = 'answered' AND returns > 0 AND engine = $1";
const CANCEL: &str = "INSERT INTO jobs (id, state, attempt, fence, created_at, updated_at)
    VALUES ($1, 'cancelled', 0, 0, $2, $2) ON CONFLICT (id) DO UPDATE
    SET state = 'cancelled', due_at = NULL, updated_at = excluded.updated_at
    WHERE jobs.state IN ('sending', 'waiting', 'cancelled')";

/// The ledger as one worker uses it; cheap to clone.
#[derive(Debug, Clone)]
pub struct LedgerHandle {
    queue: mpsc::UnboundedSender<Operation>,
    database: Database,
}

impl LedgerHandle {
    pub(in crate::store) fn start(database: Database, worker: String) -> Self {
        let (queue, waiting) = mpsc::unbounded_channel();
        tokio::spawn(write(database.clone(), Arc::from(worker), waiting));
        Self { queue, database }
    }

    /// Claims a job before anything of it is sent; returns once the claim is durable. A claim that is given up, or whose
    /// answer got lost, is undone.
    ///
    /// # Errors
    /// When the database cannot be asked: nothing may be sent.
    pub async fn claim(&self, request: impl Into<Arc<ClaimRequest>>) -> Result<Claim, Error> {
        let request = displayable(request.into());
        if !is_id(&request.id) {
            return Err(Error::Refused("a job cannot have this id".to_owned()));
        }
        let (answer, answered) = oneshot::channel();
        let mut unread = Unread { id: request.id.clone(), answered, queue: self.queue.clone() };
        self.queue.send(Operation::Claim(request, answer)).map_err(|_| closed())?;
        in_time(timeout(PATIENCE, &mut unread.answered).await)
    }

    /// Records what an attempt ended with; returns once it is durable. The same record may be written again.
    ///
    /// # Errors
    /// When the database cannot be asked: nothing may be answered or acked.
    pub async fn record(&self, record: impl Into<Arc<Record>>) -> Result<Recorded, Error> {
        let (answer, answered) = oneshot::channel();
        self.queue.send(Operation::Record(record.into(), answer)).map_err(|_| closed())?;
        in_time(timeout(PATIENCE, answered).await)
    }

    /// Notes that the engine has its result; rides in the next batch, since the sweeper mends what is lost.
    pub fn published(&self, id: &str) {
        drop(self.queue.send(Operation::Published(id.to_owned())));
    }

    /// Waits until everything asked for so far is written.
    pub async fn flush(&self) {
        let (done, flushed) = oneshot::channel();
        if self.queue.send(Operation::Flush(done)).is_ok() {
            drop(timeout(PATIENCE, flushed).await);
        }
    }

    /// Notes that nobody took a result: it is sent again, each time after a longer wait.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn returned(&self, id: &str) -> Result<(), Error> {
        let clock = self.database.clock();
        on!(&self.database, write db => {
            let now: i64 = sqlx::query_scalar(clock).fetch_one(&mut *db).await?;
            sqlx::query(RETURN).bind(id).bind(now).bind(RETURNED_MS.0).bind(RETURNED_MS.1).execute(db).await?;
        })
    }

    /// Notes that nobody took a result which was marked as taken: it is sent again.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn not_taken(&self, id: &str) -> Result<(), Error> {
        let clock = self.database.clock();
        on!(&self.database, write db => {
            let now: i64 = sqlx::query_scalar(clock).fetch_one(&mut *db).await?;
            sqlx::query(NOT_TAKEN).bind(id).bind(now).execute(db).await?;
        })
    }

    /// Notes that an engine takes results again: those that it left lying wait for no more than a minute from now on, since
    /// some of them may be on their way for so long.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn hurry(&self, engine: &str) -> Result<(), Error> {
        let clock = self.database.clock();
        on!(&self.database, write db => {
            let now: i64 = sqlx::query_scalar(clock).fetch_one(&mut *db).await?;
            sqlx::query(HURRY).bind(engine).bind(now).bind(ANSWER_GRACE_MS).execute(db).await?;
        })
    }

    /// Takes a job back; whether it was in time. A job that was never seen is refused when it comes (CONTRACT 4).
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn cancel(&self, id: &str) -> Result<bool, Error> {
        if !is_id(id) {
            return Ok(false);
        }
        let clock = self.database.clock();
        on!(&self.database, write db => {
            let now: i64 = sqlx::query_scalar(clock).fetch_one(&mut *db).await?;
            sqlx::query(CANCEL).bind(id).bind(now).execute(db).await?.rows_affected() > 0
        })
    }

    /// Whether there is a row for this id.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn knows(&self, id: &str) -> Result<bool, Error> {
        if !is_id(id) {
            return Ok(false);
        }
        let statement = "SELECT COUNT(*) FROM jobs WHERE id = $1";
        let rows: i64 = on!(&self.database, read db => sqlx::query_scalar(statement).bind(id).fetch_one(db).await?)?;
        Ok(rows > 0)
    }

    /// How many workers died with a job in hand; 0 for one that nobody has seen.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn crashes(&self, id: &str) -> Result<i64, Error> {
        if !is_id(id) {
            return Ok(0);
        }
        let statement = "SELECT crashes FROM jobs WHERE id = $1";
        let crashes: Option<i64> =
            on!(&self.database, read db => sqlx::query_scalar(statement).bind(id).fetch_optional(db).await?)?;
        Ok(crashes.unwrap_or(0))
    }

    /// Results whose time has come and that no engine has, each handed to one caller only.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn sweep(&self, limit: u32) -> Result<Vec<StoredResult>, Error> {
        match &self.database {
            Database::Sqlite { writer, .. } => held!(writer, db => sqlite::sweep(db, limit).await?),
            Database::Postgres(pool) => held!(pool, db => postgres::sweep(db, limit).await?),
        }
    }

    /// Drops rows and payloads that are older than this, and leases of workers long dead, a thousand at a time. Answers
    /// that no engine has taken and parked jobs are kept.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn retain(&self, rows: Duration, payloads: Duration) -> Result<(), Error> {
        retain(&self.database, rows, payloads).await
    }
}

/// Waits for the answer to a claim. If nobody reads it, the writer is told, so that the job does not wait for this worker's end.
struct Unread {
    id: String,
    answered: oneshot::Receiver<Result<Claim, Error>>,
    queue: mpsc::UnboundedSender<Operation>,
}

impl Drop for Unread {
    fn drop(&mut self) {
        // Whoever sends from now on learns of it; what had been sent is looked at here.
        self.answered.close();
        if let Ok(Ok(Claim::Granted(grant) | Claim::Orphaned(grant))) = self.answered.try_recv() {
            drop(self.queue.send(Operation::Unheard(std::mem::take(&mut self.id), grant.fence)));
        }
    }
}

fn in_time<T>(
    answered: Result<Result<Result<T, Error>, oneshot::error::RecvError>, tokio::time::error::Elapsed>,
) -> Result<T, Error> {
    match answered {
        Ok(answer) => answer.map_err(|_| closed())?,
        Err(_) => Err(Error::Unreachable(format!("no answer within {} s", PATIENCE.as_secs()))),
    }
}

fn closed() -> Error {
    Error::Unreachable("the ledger is closed".to_owned())
}

/// Columns that people read; what a database's text cannot hold is replaced.
fn displayable(request: Arc<ClaimRequest>) -> Arc<ClaimRequest> {
    if !request.texts().any(|text| text.contains('\0')) {
        return request;
    }
    let optional = |text: &Option<String>| text.as_deref().map(shown);
    Arc::new(ClaimRequest {
        engine: shown(&request.engine),
        process: optional(&request.process),
        request: shown(&request.request),
        element: shown(&request.element),
        connector: optional(&request.connector),
        resource: optional(&request.resource),
        ..ClaimRequest::clone(&request)
    })
}
