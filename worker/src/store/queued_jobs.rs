//! Jobs that are made over REST: stored before they are published, and until it is known that a queue has them (API 5).

use super::Error;
use super::database::on;
use super::jobs::Jobs;

/// A job that is to be published.
#[derive(Debug, Clone)]
pub struct QueuedJob {
    /// Its id.
    pub id: String,
    /// SHA-256 of its canonical JSON.
    pub job_hash: [u8; 32],
    /// Sent with every attempt.
    pub idempotency_key: String,
    /// The engine's name that such jobs have.
    pub engine: &'static str,
    /// The request's id.
    pub request: String,
    /// The element's id.
    pub element: &'static str,
    /// The connector's uuid.
    pub connector: String,
    /// The resource's name.
    pub resource: String,
    /// Who makes it.
    pub made_by: String,
    /// The job queue.
    pub queue: String,
    /// Its message.
    pub body: Vec<u8>,
}

/// What became of a job that was to be queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Queued {
    /// It was stored.
    New,
    /// It was there, with the same content.
    Same,
    /// A job of this id was there, with other content.
    Mismatch,
}

/// The message of a job that is not known to be on a queue.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Unconfirmed {
    /// The job's id.
    pub job_id: String,
    /// The job queue.
    pub queue: String,
    /// The message.
    pub body: Vec<u8>,
}

const KNOWN: &str = "SELECT job_hash FROM jobs WHERE id = $1";
const ADD: &str =
    "INSERT INTO jobs (id, job_hash, state, attempt, fence, due_at, idempotency_key, created_at, updated_at,
        engine, request, element, connector, resource, made_by)
    VALUES ($1, $2, 'waiting', 0, 0, $3, $4, $3, $3, $5, $6, $7, $8, $9, $10) ON CONFLICT (id) DO NOTHING";
const ADD_MESSAGE: &str = "INSERT INTO queued_jobs (job_id, queue, body, queued_at) VALUES ($1, $2, $3, $4)";
const REMOVE: &str = "DELETE FROM jobs WHERE id = $1 AND state = 'waiting' AND attempt = 0";
const CONFIRMED: &str = "DELETE FROM queued_jobs WHERE job_id = $1";
const UNCONFIRMED: &str =
    "SELECT job_id, queue, body FROM queued_jobs WHERE queued_at < $1 ORDER BY queued_at LIMIT $2";

impl Jobs<'_> {
    /// Stores a job and its message.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn queue(self, job: &QueuedJob) -> Result<Queued, Error> {
        let (begin, clock) = (self.0.database.begin(), self.0.database.clock());
        on!(&self.0.database, write db => {
            let mut transaction = sqlx::Connection::begin_with(db, begin).await?;
            let now: i64 = sqlx::query_scalar(clock).fetch_one(&mut *transaction).await?;
            let added = sqlx::query(ADD)
                .bind(&job.id).bind(job.job_hash.as_slice()).bind(now).bind(&job.idempotency_key).bind(job.engine)
                .bind(&job.request).bind(job.element).bind(&job.connector).bind(&job.resource).bind(&job.made_by)
                .execute(&mut *transaction).await?.rows_affected() > 0;
            if !added {
                let known: Option<Vec<u8>> =
                    sqlx::query_scalar(KNOWN).bind(&job.id).fetch_one(&mut *transaction).await?;
                let is_same = known.as_deref() == Some(job.job_hash.as_slice());
                return Ok(if is_same { Queued::Same } else { Queued::Mismatch });
            }
            sqlx::query(ADD_MESSAGE)
                .bind(&job.id).bind(&job.queue).bind(&job.body).bind(now).execute(&mut *transaction).await?;
            transaction.commit().await?;
            Queued::New
        })
    }

    /// Notes that a queue has the job's message.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn confirmed(self, id: &str) -> Result<(), Error> {
        on!(&self.0.database, write db => {
            sqlx::query(CONFIRMED).bind(id).execute(db).await?;
        })
    }

    /// Removes a job whose message no queue has.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn unqueue(self, id: &str) -> Result<(), Error> {
        let begin = self.0.database.begin();
        on!(&self.0.database, write db => {
            let mut transaction = sqlx::Connection::begin_with(db, begin).await?;
            sqlx::query(CONFIRMED).bind(id).execute(&mut *transaction).await?;
            sqlx::query(REMOVE).bind(id).execute(&mut *transaction).await?;
            transaction.commit().await?;
        })
    }

    /// Messages that have not been confirmed for `for_ms` milliseconds, the oldest first, at most `limit`.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn unconfirmed(self, for_ms: i64, limit: u32) -> Result<Vec<Unconfirmed>, Error> {
        let clock = self.0.database.clock();
        on!(&self.0.database, read db => {
            let now: i64 = sqlx::query_scalar(clock).fetch_one(&mut *db).await?;
            sqlx::query_as(UNCONFIRMED).bind(now - for_ms).bind(i64::from(limit)).fetch_all(db).await?
        })
    }

    /// Whether a job was made over REST.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn is_made_over_rest(self, id: &str) -> Result<bool, Error> {
        let statement = "SELECT COUNT(*) FROM jobs WHERE id = $1 AND made_by IS NOT NULL";
        let found: i64 = on!(&self.0.database, read db => sqlx::query_scalar(statement).bind(id).fetch_one(db).await?)?;
        Ok(found > 0)
    }
}
