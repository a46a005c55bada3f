//! Claims of jobs that have a row, and records whose row is not as it was granted: the same statements on both databases.

use std::collections::HashMap;
use std::sync::Arc;

use sqlx::query::Query;
use sqlx::{Connection as _, Database, Encode, Type};

use super::connection::LedgerConnection;
use super::copies::{self, REGISTER};
use super::decide::{Decision, Reply, decide, quarantine, recorded};
use super::rollback::ClaimRollback;
use super::rows::{Payload, RESULT, Row};
use super::{ClaimRequest, Record, Recorded};
use crate::store::Error;
use crate::store::database::on;

/// The `LEFT JOIN` reads leases; each database adds which jobs.
pub(super) const ROWS: &str = "SELECT j.*, w.seen_until FROM jobs j LEFT JOIN workers w ON w.id = j.worker_id WHERE";
const ACQUIRE: &str = "UPDATE jobs SET state = 'sending', attempt = $2, fence = $3, crashes = $4, worker_id = $5,
    repeat_safe = $6, request_hash = $7, due_at = NULL, waits_for = NULL,
    begun_at = CASE WHEN jobs.attempt = 0 THEN $8 ELSE begun_at END, updated_at = $8, version = COALESCE($9, version)
    WHERE id = $1";
const PARK: &str = "UPDATE jobs SET state = 'parked', crashes = $2, fence = fence + 1, updated_at = $3 WHERE id = $1";
const BACKFILL: &str = "UPDATE jobs SET job_hash = $2, engine = $3, process = $4, request = $5, element = $6,
    connector = $7, resource = $8, version = $9 WHERE id = $1";
const RECORDED_STATE: &str = "SELECT j.state, p.result, j.copies FROM jobs j LEFT JOIN payloads p ON p.job_id = j.id
    WHERE j.id = $1 AND j.fence = $2";

/// Reads the rows of jobs within a transaction that changes them, with the database's time once they are locked.
pub(super) trait LockRows {
    async fn lock_rows(&mut self, ids: &[&str]) -> Result<(i64, HashMap<String, Row>), Error>;
}

/// A row's state, its payload's result, and where copies want it.
type StateAndPayload = (String, Option<Vec<u8>>, Option<Vec<u8>>);

/// A change of one row.
pub(super) struct Change<'a> {
    statement: &'static str,
    arguments: Vec<Argument<'a>>,
}

enum Argument<'a> {
    Text(Option<&'a str>),
    Number(i64),
    Bytes(Option<&'a [u8]>),
}

impl<'a> Change<'a> {
    /// What a decision changes.
    pub(super) fn of(decision: &'a Decision, worker: &'a str, request: &'a ClaimRequest, now: i64) -> Option<Self> {
        let text = |text: &'a Option<String>| Argument::Text(text.as_deref());
        let id = Argument::Text(Some(&request.id));
        let (statement, arguments) = match decision {
            Decision::Refuse(_) | Decision::ReturnStored => return None,
            Decision::Acquire(acquire) => (
                ACQUIRE,
                vec![
                    id,
                    Argument::Number(acquire.attempt),
                    Argument::Number(acquire.fence),
                    Argument::Number(acquire.crashes),
                    Argument::Text(Some(worker)),
                    Argument::Number(acquire.repeat_safe),
                    Argument::Bytes(acquire.request_hash.as_deref()),
                    Argument::Number(now),
                    text(&request.version),
                ],
            ),
            Decision::Park { crashes } => (PARK, vec![id, Argument::Number(*crashes), Argument::Number(now)]),
            Decision::Register { copies, .. } => (REGISTER, vec![id, Argument::Bytes(Some(copies))]),
            Decision::BackfillHash => (
                BACKFILL,
                vec![
                    id,
                    Argument::Bytes(Some(&request.job_hash)),
                    Argument::Text(Some(&request.engine)),
                    text(&request.process),
                    Argument::Text(Some(&request.request)),
                    Argument::Text(Some(&request.element)),
                    text(&request.connector),
                    text(&request.resource),
                    text(&request.version),
                ],
            ),
        };
        Some(Self { statement, arguments })
    }

    pub(super) fn query<DB: Database>(self) -> Query<'a, DB, DB::Arguments>
    where
        Option<&'a str>: Encode<'a, DB> + Type<DB>,
        i64: Encode<'a, DB> + Type<DB>,
        Option<&'a [u8]>: Encode<'a, DB> + Type<DB>,
    {
        self.arguments.into_iter().fold(sqlx::query(self.statement), |query, argument| match argument {
            Argument::Text(text) => query.bind(text),
            Argument::Number(number) => query.bind(number),
            Argument::Bytes(bytes) => query.bind(bytes),
        })
    }
}

impl LedgerConnection {
    /// Decides about jobs that have a row; `None` where it has just been dropped. `crashes` is the most that a job in this
    /// worker's hands has; `granted` gets what a lost commit may have granted.
    pub(super) async fn claim_known(
        &mut self,
        worker: &str,
        requests: &[Arc<ClaimRequest>],
        crashes: i64,
        granted: &mut Vec<ClaimRollback>,
    ) -> Result<Vec<Option<Reply>>, Error> {
        let begin = self.begin();
        let ids: Vec<&str> = requests.iter().map(|request| request.id.as_str()).collect();
        on!(self, ledger db => {
            let mut transaction = db.begin_with(begin).await?;
            let (now, rows) = transaction.lock_rows(&ids).await?;
            let (mut replies, mut crashes) = (Vec::with_capacity(requests.len()), crashes);
            for request in requests {
                let Some(row) = rows.get(&request.id) else {
                    replies.push(None);
                    continue;
                };
                let decision = quarantine(decide(row, request, now), &mut crashes);
                if let Some(change) = Change::of(&decision, worker, request, now) {
                    change.query().execute(&mut *transaction).await?;
                }
                let stored: Option<Payload> = match decision {
                    Decision::ReturnStored => {
                        sqlx::query_as(RESULT).bind(&request.id).fetch_optional(&mut *transaction).await?
                    }
                    _ => None,
                };
                let reply = decision.reply(stored.map(|stored| copies::answer(row, request, stored.into())));
                granted.extend(reply.rollback.clone());
                replies.push(Some(reply));
            }
            transaction.commit().await?;
            replies
        })
    }

    /// What became of a record whose row is not as it was granted.
    pub(super) async fn recorded_state(&mut self, record: &Record) -> Result<Recorded, Error> {
        on!(self, ledger db => {
            let found: Option<StateAndPayload> =
                sqlx::query_as(RECORDED_STATE).bind(record.id()).bind(record.fence()).fetch_optional(db).await?;
            match &found {
                Some((state, stored, copies)) => recorded(record, Some(state), stored.as_deref(), copies.as_deref()),
                None => recorded(record, None, None, None),
            }
        })
    }
}
