//! The ledger as one worker uses it: claims and records go to its one writer, what is rare straight to the database.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::retention::{RetentionAges, retain};
use super::rollback::PendingClaim;
use super::writer::{Operation, write};
use super::{
    ANSWER_GRACE_MS, Claim, ClaimRequest, Held, HoldRequest, Record, Recorded, StoredResult, copies, hold, postgres,
    sqlite,
};
use crate::job::is_id;
use crate::longest_poll;
use crate::store::activity::JobActivity;
use crate::store::database::{Database, on};
use crate::store::{Error, dead_letters::without_nul};

/// How long a caller waits for its turn and its answer.
const PATIENCE: Duration = Duration::from_secs(15);
/// Waits of a result that is returned: from the first, doubling, to the last.
const RETURNED_MS: (i64, i64) = (5_000, 600_000);

const RETURNED: &str = "UPDATE jobs SET returns = returns + 1, updated_at = $2,
    send_at = $2 + CASE WHEN returns < 7 THEN $3 * (1 << CAST(returns AS INTEGER)) ELSE $4 END
    WHERE id = $1 AND state = 'answered'";
const UNROUTABLE: &str = "UPDATE jobs SET state = 'answered', returns = returns + 1, updated_at = $2, send_at = $2
    WHERE id = $1 AND state IN ('answered', 'published')";
const EXPEDITE: &str = "UPDATE jobs SET send_at = $2
    WHERE send_at > $2 + $3 AND state = 'answered' AND returns > 0 AND engine = $1";
const CANCEL: &str = "INSERT INTO jobs (id, state, attempt, fence, created_at, updated_at)
    VALUES ($1, 'cancelled', 0, 0, $2, $2) ON CONFLICT (id) DO UPDATE
    SET state = 'cancelled', due_at = NULL, waits_for = NULL, updated_at = excluded.updated_at
    WHERE jobs.state IN ('sending', 'waiting', 'cancelled')";

/// The ledger as one worker uses it; cheap to clone.
#[derive(Debug, Clone)]
pub struct LedgerHandle {
    queue: mpsc::UnboundedSender<Operation>,
    database: Database,
}

impl LedgerHandle {
    pub(in crate::store) fn start(database: Database, activity: Arc<JobActivity>, worker: String) -> Self {
        let (queue, waiting) = mpsc::unbounded_channel();
        let writer = write((database.clone(), activity), Arc::from(worker), waiting);
        tokio::spawn(longest_poll::measured("ledger", Box::pin(writer)));
        Self { queue, database }
    }

    /// Claims a job before anything of it is sent; returns once the claim is durable. A claim that is given up, or whose
    /// answer got lost, is rolled back.
    ///
    /// # Errors
    /// When the database cannot be reached: nothing may be sent.
    pub async fn claim(&self, request: impl Into<Arc<ClaimRequest>>) -> Result<Claim, Error> {
        let request = displayable(request.into());
        if !is_id(&request.id) {
            return Err(Error::JobId);
        }
        let (answer, answered) = oneshot::channel();
        let mut pending = PendingClaim { id: request.id.clone(), reply: answered, queue: self.queue.clone() };
        self.queue.send(Operation::Claim(request, answer)).map_err(|_| CLOSED)?;
        in_time(timeout(PATIENCE, &mut pending.reply).await)
    }

    /// Records what an attempt ended with; returns once it is durable. The same record may be written again.
    ///
    /// # Errors
    /// When the database cannot be reached: nothing may be answered or acked.
    pub async fn record(&self, record: impl Into<Arc<Record>>) -> Result<Recorded, Error> {
        let (answer, answered) = oneshot::channel();
        self.queue.send(Operation::Record(record.into(), answer)).map_err(|_| CLOSED)?;
        in_time(timeout(PATIENCE, answered).await)
    }

    /// Notes that the engine has its result; part of the next batch, not waited for: a result whose mark is lost is sent again.
    pub fn published(&self, id: &str) {
        drop(self.queue.send(Operation::Published(id.to_owned())));
    }

    /// Waits until every operation so far is written: a mark that is written later would undo what the caller is about to note.
    pub async fn flush(&self) {
        let (done, flushed) = oneshot::channel();
        if self.queue.send(Operation::Flush(done)).is_ok() {
            drop(timeout(PATIENCE, flushed).await);
        }
    }

    /// Notes that a result was returned, since no queue is bound for it: it is sent again, each time after a longer wait.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn mark_returned(&self, id: &str) -> Result<(), Error> {
        self.flush().await;
        self.change(RETURNED, id, &[RETURNED_MS.0, RETURNED_MS.1]).await.map(drop)
    }

    /// Notes that the result of a job that has ended was returned for the copy that wants it at this address.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn mark_copy_returned(&self, id: &str, address: &[u8]) -> Result<(), Error> {
        self.flush().await;
        copies::returned(&self.database, id, address, RETURNED_MS).await
    }

    /// Notes that a job waits, for its host or its engine is not ready, or says what is known of it instead; returns once that
    /// is durable.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn hold(&self, request: impl Into<Arc<HoldRequest>>) -> Result<Held, Error> {
        let mut request = request.into();
        if !is_id(&request.claim.id) {
            return Err(Error::JobId);
        }
        if let Some(held) = hold::noted(&self.database, &request).await? {
            return Ok(held);
        }
        if request.claim.has_nul() {
            let claim = displayable(Arc::new(request.claim.clone())).as_ref().clone();
            request = Arc::new(HoldRequest { claim, ..request.as_ref().clone() });
        }
        let (answer, answered) = oneshot::channel();
        self.queue.send(Operation::Hold(request, answer)).map_err(|_| CLOSED)?;
        in_time(timeout(PATIENCE, answered).await)
    }

    /// Notes that a result which was marked as published is on no queue: it is sent again.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn mark_unroutable(&self, id: &str) -> Result<(), Error> {
        self.change(UNROUTABLE, id, &[]).await.map(drop)
    }

    /// Notes that an engine consumes results again: those that were returned wait no longer than a minute from now on, since
    /// some of them may be on their way for that long.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn expedite(&self, engine: &str) -> Result<(), Error> {
        self.change(EXPEDITE, engine, &[ANSWER_GRACE_MS]).await.map(drop)
    }

    /// Cancels a job; whether it was in time. A job that has no row yet is refused when it comes (CONTRACT 4).
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn cancel(&self, id: &str) -> Result<bool, Error> {
        if !is_id(id) {
            return Ok(false);
        }
        Ok(self.change(CANCEL, id, &[]).await? > 0)
    }

    /// Runs a statement of `$1`, an id or engine, `$2`, the database's time, and numbers; returns how many rows it changed.
    async fn change(&self, statement: &'static str, name: &str, numbers: &[i64]) -> Result<u64, Error> {
        let clock = self.database.clock();
        on!(&self.database, write db => {
            let now: i64 = sqlx::query_scalar(clock).fetch_one(&mut *db).await?;
            let query = sqlx::query(statement).bind(name).bind(now);
            numbers.iter().fold(query, |query, number| query.bind(*number)).execute(db).await?.rows_affected()
        })
    }

    /// Whether there is a row for this id.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn contains(&self, id: &str) -> Result<bool, Error> {
        if !is_id(id) {
            return Ok(false);
        }
        let statement = "SELECT COUNT(*) FROM jobs WHERE id = $1";
        let rows: i64 = on!(&self.database, read db => sqlx::query_scalar(statement).bind(id).fetch_one(db).await?)?;
        Ok(rows > 0)
    }

    /// How many workers died with a job in hand, claimed or planned; 0 for one that has no row.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn crashes(&self, id: &str) -> Result<i64, Error> {
        if !is_id(id) {
            return Ok(0);
        }
        let statement = "SELECT crashes FROM jobs WHERE id = $1
            UNION ALL SELECT deaths FROM suspects WHERE message = $1 ORDER BY 1 DESC LIMIT 1";
        let crashes: Option<i64> =
            on!(&self.database, read db => sqlx::query_scalar(statement).bind(id).fetch_optional(db).await?)?;
        Ok(crashes.unwrap_or(0))
    }

    /// Results that are due to be sent again, each to one caller only.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn sweep(&self, limit: u32) -> Result<Vec<StoredResult>, Error> {
        match &self.database {
            Database::Sqlite { writer, .. } => on!(over writer, db => sqlite::sweep(db, limit).await?),
            Database::Postgres(pool) => on!(over pool, db => postgres::sweep(db, limit).await?),
        }
    }

    /// Drops what is older than this, and leases of workers long dead, a thousand at a time. Unpublished answers and parked jobs
    /// stay.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn retain(&self, ages: RetentionAges) -> Result<(), Error> {
        retain(&self.database, ages).await
    }
}

fn in_time<T>(
    answered: Result<Result<Result<T, Error>, oneshot::error::RecvError>, tokio::time::error::Elapsed>,
) -> Result<T, Error> {
    match answered {
        Ok(answer) => answer.map_err(|_| CLOSED)?,
        Err(_) => Err(Error::Ledger("it has too much to write")),
    }
}

const CLOSED: Error = Error::Ledger("it is closed");

/// Replaces NUL in columns that people read, which a text of PostgreSQL cannot have.
fn displayable(request: Arc<ClaimRequest>) -> Arc<ClaimRequest> {
    if !request.has_nul() {
        return request;
    }
    let optional = |text: &Option<String>| text.as_deref().map(without_nul);
    Arc::new(ClaimRequest {
        engine: without_nul(&request.engine),
        process: optional(&request.process),
        version: optional(&request.version),
        request: without_nul(&request.request),
        element: without_nul(&request.element),
        connector: optional(&request.connector),
        resource: optional(&request.resource),
        ..ClaimRequest::clone(&request)
    })
}
