//! The ledger's jobs as people query them.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{AssertSqlSafe, SqlSafeStr};

use super::StoredResult;
use super::rows::{Payload, RESULT, history_of};
use crate::job::{Attempt, readable};
use crate::store::Error;
use crate::store::database::on;
use crate::store::jobs::Jobs;

/// Which jobs are listed; `None` filters nothing.
#[derive(Debug, Clone, Default)]
pub struct JobFilter {
    /// sending, waiting, answered, published, cancelled or parked.
    pub state: Option<String>,
    /// The code it failed with.
    pub code: Option<String>,
    /// The request's id.
    pub request: Option<String>,
    /// How many at most.
    pub limit: u32,
}

/// One job.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
pub struct JobRow {
    /// The job id.
    pub id: String,
    /// Its state.
    pub state: String,
    /// The last attempt that was begun.
    pub attempt: i64,
    /// Why it failed.
    pub code: Option<String>,
    /// The last status line's number.
    pub http_status: Option<i64>,
    /// The last attempt, milliseconds.
    pub duration_ms: Option<i64>,
    /// The engine it came from.
    pub engine: Option<String>,
    /// The BPMN process id.
    pub process: Option<String>,
    /// The version that the job named, else the deployed one that it ran as.
    pub version: Option<String>,
    /// The request's id.
    pub request: Option<String>,
    /// The element's id.
    pub element: Option<String>,
    /// The connector as the model names it.
    pub connector: Option<String>,
    /// The resource.
    pub resource: Option<String>,
    /// Sent with every attempt.
    pub idempotency_key: Option<String>,
    /// The worker that claimed it last.
    pub worker_id: Option<String>,
    /// Workers that died with it in hand.
    pub crashes: i64,
    /// How often its result was returned.
    pub returns: i64,
    /// When the next attempt is due, at the latest for a job that waits for its host, epoch milliseconds.
    pub due_at: Option<i64>,
    /// What it waits for before its call: a host, a place, a rate or its engine; null where it waits for its next attempt.
    pub waits_for: Option<String>,
    /// When a result that was returned is sent again, epoch milliseconds.
    pub send_at: Option<i64>,
    /// First seen, epoch milliseconds.
    pub created_at: i64,
    /// Last changed, epoch milliseconds.
    pub updated_at: i64,
    /// The job that it runs again.
    pub replay_of: Option<String>,
    /// Who made it over REST.
    pub made_by: Option<String>,
    #[serde(skip)]
    history: Option<Vec<u8>>,
}

/// One job with its attempts and its result.
#[derive(Debug, Clone, Serialize)]
pub struct JobDetail {
    /// The row.
    #[serde(flatten)]
    pub row: JobRow,
    /// Failed attempts.
    pub attempts: Vec<Attempt>,
    /// What the engine got or will get; gone a while after it was published.
    pub result: Option<Value>,
    /// Where that goes.
    pub stored: Option<StoredMeta>,
    /// What is kept for people, masked.
    #[serde(skip)]
    pub exchange: Option<KeptExchange>,
}

/// The last request of a job and its answer, both masked, and the job's message.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct KeptExchange {
    /// The request: method, url, headers, body.
    pub sent: Value,
    /// Its answer: status, headers, body, bytes, truncated, kind.
    pub answer: Value,
    /// The message, where something in it had to be masked; else as it is stored.
    pub message: Option<Value>,
}

/// Where a stored result goes.
#[derive(Debug, Clone, Serialize)]
pub struct StoredMeta {
    /// What its engine is answered by: JSON, or text where it is none.
    pub reply_address: Value,
    /// The body's size, bytes.
    pub bytes: usize,
}

/// How many jobs are in a state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct StateCount {
    /// sending, waiting, answered, published, cancelled or parked.
    pub state: String,
    /// How many.
    pub jobs: i64,
}

/// What is kept of a job for people.
const KEPT: &str = "SELECT exchange, job FROM payloads WHERE job_id = $1 AND exchange IS NOT NULL";
/// Jobs whose result may not have been published: in the outbox, or with a date of their own.
pub(super) const UNPUBLISHED: &str =
    "(SELECT job_id FROM outbox_jobs UNION SELECT id FROM jobs WHERE send_at IS NOT NULL)";

/// A row, its result, and what is kept of it: the exchange and its message.
type Found = (JobRow, Option<Payload>, Option<(Vec<u8>, Option<Vec<u8>>)>);

fn kept_exchange(exchange: &[u8], job: Option<&[u8]>) -> KeptExchange {
    let kept: KeptExchange = serde_json::from_slice(exchange).unwrap_or_default();
    let message = || serde_json::from_slice(&readable(job?)).ok();
    KeptExchange { message: kept.message.or_else(message), ..kept }
}

impl Jobs<'_> {
    /// Jobs, the newest first.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn list(self, filter: &JobFilter) -> Result<Vec<JobRow>, Error> {
        self.page(filter, None, None).await
    }

    /// Jobs of one engine or all, the newest first, those that follow `after`: the last job of the page before.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn page(
        self,
        filter: &JobFilter,
        engine: Option<&str>,
        after: Option<&JobRow>,
    ) -> Result<Vec<JobRow>, Error> {
        // Few of all jobs wait or are not published yet: an index tells which, and the others are not read.
        let unpublished = format!("(SELECT * FROM jobs WHERE id IN {UNPUBLISHED}) AS jobs");
        let jobs = if filter.state.as_deref() == Some("answered") { unpublished.as_str() } else { "jobs" };
        let statement = format!(
            "SELECT jobs.* FROM {jobs} WHERE ($1 IS NULL OR state = $1) AND ($2 IS NULL OR code = $2)
            AND ($1 IS DISTINCT FROM 'waiting' OR due_at IS NOT NULL)
            AND ($3 IS NULL OR request = $3) AND ($5 IS NULL OR engine = $5)
            AND ($6 IS NULL OR created_at < $6 OR (created_at = $6 AND id > $7)) ORDER BY created_at DESC, id LIMIT $4"
        );
        let statement = AssertSqlSafe(statement).into_sql_str();
        on!(&self.0.database, read db => sqlx::query_as(statement.clone())
            .bind(&filter.state).bind(&filter.code).bind(&filter.request).bind(i64::from(filter.limit)).bind(engine)
            .bind(after.map(|job| job.created_at)).bind(after.map(|job| job.id.as_str()))
            .fetch_all(db).await?)
    }

    /// One job.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn find(self, id: &str) -> Result<Option<JobDetail>, Error> {
        let found: Option<Found> = on!(&self.0.database, read db => {
            let row: Option<JobRow> =
                sqlx::query_as("SELECT * FROM jobs WHERE id = $1").bind(id).fetch_optional(&mut *db).await?;
            match row {
                Some(row) => {
                    let payload = sqlx::query_as(RESULT).bind(id).fetch_optional(&mut *db).await?;
                    Some((row, payload, sqlx::query_as(KEPT).bind(id).fetch_optional(db).await?))
                }
                None => None,
            }
        })?;
        Ok(found.map(|(row, payload, kept)| {
            let stored = payload.map(StoredResult::from);
            JobDetail {
                attempts: history_of(row.history.as_deref()),
                row,
                result: stored.as_ref().and_then(|stored| serde_json::from_slice(&stored.body).ok()),
                stored: stored.map(|stored| StoredMeta {
                    reply_address: serde_json::from_slice(&stored.reply_address)
                        .unwrap_or_else(|_| String::from_utf8_lossy(&stored.reply_address).into()),
                    bytes: stored.body.len(),
                }),
                exchange: kept.map(|(exchange, job)| kept_exchange(&exchange, job.as_deref())),
            }
        }))
    }

    /// How many jobs are in each state that any job is in; reads every row of the ledger.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn count_by_state(self) -> Result<Vec<StateCount>, Error> {
        let statement = "SELECT state, COUNT(*) AS jobs FROM jobs GROUP BY state ORDER BY state";
        on!(&self.0.database, read db => sqlx::query_as(statement).fetch_all(db).await?)
    }
}
