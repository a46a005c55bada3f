//! Jobs that wait before their call, for a host, a place, a rate or their engine: each has a row that says so.
//!
//! A hold changes nothing that a claim looks at: the row of a job that nobody has claimed yet is one that waits for its first
//! attempt, so that a copy of the job is granted as ever.

use std::sync::Arc;

use sqlx::Connection as _;

use super::connection::LedgerConnection;
use super::copies;
use super::decide::{Decision, decide};
use super::known::{Change, LockRows as _};
use super::rows::{Payload, RESULT, Row};
use super::{ClaimRequest, FIRST_FENCE, Verdict};
use crate::store::Error;
use crate::store::database::{Database, on};

/// Says that a job waits.
#[derive(Debug, Clone)]
pub struct HoldRequest {
    /// The job, as it would be claimed.
    pub claim: ClaimRequest,
    /// What it waits for, for people.
    pub waits_for: String,
    /// How long at the most until it is looked at, milliseconds from now.
    pub wait_ms: u64,
    /// Whether it waits for a host that does not answer; how long it may do so, milliseconds.
    pub silence_ms: Option<u64>,
}

/// What follows for a job that cannot be claimed now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// It waits.
    Waits {
        /// How long it has waited so far for a host that does not answer, milliseconds.
        silent_ms: u64,
    },
    /// It is known already, and does not wait.
    Known(Verdict),
}

impl Held {
    fn since(silent_since: Option<i64>, now: i64) -> Self {
        Self::Waits { silent_ms: silent_since.map_or(0, |since| u64::try_from(now - since).unwrap_or(0)) }
    }
}

impl HoldRequest {
    /// Until when the row says that the job waits, and since when it has waited for a host that does not answer.
    fn times(&self, row: Option<&Row>, now: i64) -> (i64, Option<i64>) {
        let millis = |millis: u64| i64::try_from(millis).unwrap_or(i64::MAX);
        let due_at = now.saturating_add(millis(self.wait_ms));
        match self.silence_ms {
            None => (due_at, None),
            Some(may) => {
                let since = row.and_then(|row| row.silent_since).unwrap_or(now);
                (due_at.max(since.saturating_add(millis(may))), Some(since))
            }
        }
    }

    /// Whether the row says all this already. A job that waits for a host is looked at every few seconds.
    fn is_noted(&self, row: &Noted, now: i64) -> bool {
        row.state == "waiting"
            && i64::from(self.claim.attempt) > row.attempt
            && row.job_hash.as_deref() == Some(self.claim.job_hash.as_slice())
            && row.waits_for.as_ref() == Some(&self.waits_for)
            && row.silent_since.is_some() == self.silence_ms.is_some()
            && row.due_at.is_some_and(|due| due >= now.saturating_add_unsigned(self.wait_ms))
    }
}

/// What a hold has left in its job's row.
#[derive(Debug, sqlx::FromRow)]
struct Noted {
    state: String,
    attempt: i64,
    job_hash: Option<Vec<u8>>,
    due_at: Option<i64>,
    waits_for: Option<String>,
    silent_since: Option<i64>,
}

const NOTED: &str = "SELECT state, attempt, job_hash, due_at, waits_for, silent_since FROM jobs WHERE id = $1";
const ADD: &str = "INSERT INTO jobs (id, job_hash, state, attempt, fence, idempotency_key, engine, process, request, element,
    connector, resource, due_at, waits_for, silent_since, created_at, updated_at, version)
    VALUES ($1, $2, 'waiting', $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15, $16) ON CONFLICT (id) DO NOTHING";
const NOTE: &str = "UPDATE jobs SET due_at = $2, waits_for = $3, silent_since = $4, updated_at = $5 WHERE id = $1";

/// What holds for a job whose row says already that it waits for this; `None` where the row has to be written.
pub(super) async fn noted(database: &Database, request: &HoldRequest) -> Result<Option<Held>, Error> {
    let clock = database.clock();
    let (row, now): (Option<Noted>, i64) = on!(database, read db => {
        let row = sqlx::query_as(NOTED).bind(&request.claim.id).fetch_optional(&mut *db).await?;
        (row, sqlx::query_scalar(clock).fetch_one(db).await?)
    })?;
    Ok(row.filter(|row| request.is_noted(row, now)).map(|row| Held::since(row.silent_since, now)))
}

impl LedgerConnection {
    /// Writes down that these jobs wait, sorted by id, or finds what is known of them.
    pub(super) async fn hold(&mut self, worker: &str, requests: &[Arc<HoldRequest>]) -> Result<Vec<Held>, Error> {
        let begin = self.begin();
        let ids: Vec<&str> = requests.iter().map(|request| request.claim.id.as_str()).collect();
        on!(self, ledger db => {
            let mut transaction = db.begin_with(begin).await?;
            let (now, rows) = transaction.lock_rows(&ids).await?;
            let mut held = Vec::with_capacity(requests.len());
            for request in requests {
                let claim = &request.claim;
                let row = rows.get(&claim.id);
                let (due_at, silent_since) = request.times(row, now);
                let decision = row.map(|row| (row, decide(row, claim, now)));
                held.push(match decision {
                    None => {
                        sqlx::query(ADD).bind(&claim.id).bind(claim.job_hash.as_slice())
                            .bind(i64::from(claim.attempt.max(1)) - 1).bind(FIRST_FENCE).bind(&claim.idempotency_key)
                            .bind(&claim.engine).bind(&claim.process).bind(&claim.request).bind(&claim.element)
                            .bind(&claim.connector).bind(&claim.resource).bind(due_at).bind(&request.waits_for)
                            .bind(silent_since).bind(now).bind(&claim.version).execute(&mut *transaction).await?;
                        Held::since(silent_since, now)
                    }
                    Some((row, Decision::Acquire(_))) if row.state == "waiting" => {
                        sqlx::query(NOTE).bind(&claim.id).bind(due_at).bind(&request.waits_for).bind(silent_since)
                            .bind(now).execute(&mut *transaction).await?;
                        Held::since(silent_since, now)
                    }
                    // Its worker died: the next claim finds out what that means.
                    Some((_, Decision::Acquire(_) | Decision::Park { .. })) => Held::since(None, now),
                    Some((row, decision)) => {
                        if let Some(change) = Change::of(&decision, worker, claim, now) {
                            change.query().execute(&mut *transaction).await?;
                        }
                        let stored: Option<Payload> = match decision {
                            Decision::ReturnStored => {
                                sqlx::query_as(RESULT).bind(&claim.id).fetch_optional(&mut *transaction).await?
                            }
                            _ => None,
                        };
                        let stored = stored.map(|stored| copies::answer(row, claim, stored.into()));
                        decision.reply(stored).into_verdict().map_or(Held::since(None, now), Held::Known)
                    }
                });
            }
            transaction.commit().await?;
            held
        })
    }
}
