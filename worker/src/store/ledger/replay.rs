//! Replays: a job that runs again is a job of its own, `<job id>#n`, linked to the first (CONTRACT 3).

use super::StoredJob;
use crate::store::Error;
use crate::store::audit::{self, Entry};
use crate::store::database::on;
use crate::store::jobs::Jobs;

/// A job that runs again, before its message is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayedJob {
    /// Its id.
    pub id: String,
    /// The first job's id.
    pub of: String,
    /// Replay number, starting at 1.
    pub number: i64,
    /// What identifies its content.
    pub job_hash: [u8; 32],
    /// Sent with every attempt.
    pub idempotency_key: String,
    /// Whether the engine gets the result.
    pub send: bool,
}

/// A job that has ended, as far as it takes to run it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayable {
    /// Its message.
    pub message: StoredJob,
    /// The first job's id.
    pub first: String,
    /// How often that was run again so far.
    pub replays: i64,
}

/// Why there is no job to run again.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The job cannot.
    #[error(transparent)]
    NotReplayable(#[from] NotReplayable),
    /// The database cannot be reached.
    #[error(transparent)]
    Store(#[from] Error),
}

/// Why a job cannot be run again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotReplayable {
    /// It has no row.
    #[error("the ledger knows no such job")]
    Unknown,
    /// It has no result yet.
    #[error("it has not ended yet; `jobs show` says what it waits for")]
    NotEnded,
    /// It was in the hands of three workers that died.
    #[error("it is parked; `dead list` has its message, and `dead replay` gives it another chance")]
    Parked,
    /// Payloads are dropped a while after the answer was published.
    #[error("its message is gone: it is stored for `database.keep_payloads` after the engine got the result")]
    Gone,
}

const FIND: &str = "SELECT j.state, j.replay_of, p.job, p.queue FROM jobs j LEFT JOIN payloads p ON p.job_id = j.id
    WHERE j.id = $1";
const NUMBER: &str = "SELECT COALESCE(MAX(replay), 0) FROM jobs WHERE replay_of = $1";
const ADD: &str = "INSERT INTO jobs (id, job_hash, state, attempt, fence, due_at, idempotency_key, replay_of, replay,
        replay_send, created_at, updated_at, engine, process, version, request, element, connector, resource, made_by)
    SELECT $1, $2, 'waiting', 0, 0, $7, $3, $4, $5, $6, $7, $7, engine, process, version, request, element, connector,
        resource, made_by FROM jobs WHERE id = $4 ON CONFLICT (id) DO NOTHING";
const REMOVE: &str = "DELETE FROM jobs WHERE id = $1 AND state = 'waiting' AND attempt = 0";
const UNPARK: &str = "UPDATE jobs SET state = 'waiting', crashes = 0, due_at = $2, updated_at = $2
    WHERE id = $1 AND state = 'parked'";

type Found = (String, Option<String>, Option<Vec<u8>>, Option<String>);

impl Jobs<'_> {
    /// A job to run again.
    ///
    /// # Errors
    /// When it cannot be run again, or the database cannot be reached.
    pub async fn replayable(self, id: &str) -> Result<Replayable, ReplayError> {
        let found: Option<(Found, i64)> = on!(&self.0.database, read db => {
            let found: Option<Found> = sqlx::query_as(FIND).bind(id).fetch_optional(&mut *db).await?;
            match found {
                Some(found) => {
                    let first = found.1.as_deref().unwrap_or(id).to_owned();
                    Some((found, sqlx::query_scalar(NUMBER).bind(first).fetch_one(db).await?))
                }
                None => None,
            }
        })?;
        match found {
            None => Err(NotReplayable::Unknown.into()),
            Some(((state, ..), _)) if state == "parked" => Err(NotReplayable::Parked.into()),
            Some(((state, ..), _)) if matches!(state.as_str(), "sending" | "waiting") => {
                Err(NotReplayable::NotEnded.into())
            }
            Some(((_, first, Some(body), queue), replays)) => {
                let message = StoredJob { body, queue: queue.unwrap_or_else(|| "default".to_owned()) };
                Ok(Replayable { message, first: first.unwrap_or_else(|| id.to_owned()), replays })
            }
            Some(_) => Err(NotReplayable::Gone.into()),
        }
    }

    /// Writes down that a job runs again; whether its id was free.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn add_replay(self, again: &ReplayedJob, entry: &Entry) -> Result<bool, Error> {
        let (begin, clock) = (self.0.database.begin(), self.0.database.clock());
        on!(&self.0.database, write db => {
            let mut transaction = sqlx::Connection::begin_with(db, begin).await?;
            let now: i64 = sqlx::query_scalar(clock).fetch_one(&mut *transaction).await?;
            let added = sqlx::query(ADD).bind(&again.id).bind(again.job_hash.as_slice()).bind(&again.idempotency_key)
                .bind(&again.of).bind(again.number).bind(i64::from(again.send)).bind(now)
                .execute(&mut *transaction).await?.rows_affected() > 0;
            if added {
                audit::append!(transaction, entry, now);
            }
            transaction.commit().await?;
            added
        })
    }

    /// Removes it again, since its message could not be published.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn remove_replay(self, id: &str) -> Result<(), Error> {
        on!(&self.0.database, write db => {
            sqlx::query(REMOVE).bind(id).execute(db).await?;
        })
    }

    /// Gives a parked job another chance; whether it was parked.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn unpark(self, id: &str) -> Result<bool, Error> {
        let clock = self.0.database.clock();
        on!(&self.0.database, write db => {
            let now: i64 = sqlx::query_scalar(clock).fetch_one(&mut *db).await?;
            sqlx::query(UNPARK).bind(id).bind(now).execute(db).await?.rows_affected() > 0
        })
    }
}
