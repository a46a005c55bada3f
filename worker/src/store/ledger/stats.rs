//! Counts over the whole ledger that tell an operator whether retries come back and results are consumed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::store::Error;
use crate::store::database::on;
use crate::store::jobs::Jobs;

/// A retry is stuck when its wait ended this long ago, milliseconds.
const STUCK_MS: i64 = 45_000;
/// No more than this many are counted.
const COUNTED: i64 = 10_000;

const STUCK: &str = "SELECT COUNT(*) FROM (SELECT 1 FROM jobs WHERE state = 'waiting' AND due_at < $1 LIMIT $2) AS s";
const RETURNED: &str = "SELECT engine FROM jobs WHERE state = 'answered' AND returns > 0 AND send_at IS NOT NULL
    ORDER BY send_at LIMIT $1";
const OLDEST_DUE: &str = "SELECT MIN(due_at) FROM (SELECT MIN(due_at) AS due_at FROM outbox
    UNION ALL SELECT MIN(send_at) FROM jobs WHERE state = 'answered' AND send_at IS NOT NULL) AS due";

/// What [`Jobs::stats`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerStats {
    /// Jobs whose wait ended more than a minute ago and whose copy has not come back.
    pub retry_stuck: usize,
    /// Results that were returned and are not published yet.
    pub results_undelivered: usize,
    /// How long the oldest answer that may not have been published has been due.
    pub overdue: Duration,
    /// Engines that any of them are for.
    pub engines_waiting: BTreeSet<String>,
    /// Engines that more than the given number of them are for.
    pub engines_behind: BTreeSet<String>,
}

const WAITING: &str = "SELECT COUNT(*), MIN(updated_at) FROM
    (SELECT updated_at FROM jobs WHERE state = 'waiting' AND due_at IS NOT NULL ORDER BY due_at LIMIT $1) AS s";

impl Jobs<'_> {
    /// How many jobs wait for another attempt or a call back, and for how long the oldest has waited, milliseconds.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn waiting(self) -> Result<(i64, Option<i64>), Error> {
        let clock = self.0.database.clock();
        on!(&self.0.database, read db => {
            let now: i64 = sqlx::query_scalar(clock).fetch_one(&mut *db).await?;
            let (count, since): (i64, Option<i64>) = sqlx::query_as(WAITING).bind(COUNTED).fetch_one(db).await?;
            (count, since.map(|since| now - since))
        })
    }

    /// Counts what is stuck; an engine with more than `behind` undelivered results is behind.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn stats(self, behind: u32) -> Result<LedgerStats, Error> {
        let clock = self.0.database.clock();
        let (stuck, overdue, engines): (i64, i64, Vec<Option<String>>) = on!(&self.0.database, read db => {
            let now: i64 = sqlx::query_scalar(clock).fetch_one(&mut *db).await?;
            let stuck = sqlx::query_scalar(STUCK).bind(now - STUCK_MS).bind(COUNTED).fetch_one(&mut *db).await?;
            let due: Option<i64> = sqlx::query_scalar(OLDEST_DUE).fetch_one(&mut *db).await?;
            (stuck, due.map_or(0, |due| now - due), sqlx::query_scalar(RETURNED).bind(COUNTED).fetch_all(db).await?)
        })?;
        let mut counts = BTreeMap::<String, u32>::new();
        for engine in engines.iter().flatten() {
            *counts.entry(engine.clone()).or_default() += 1;
        }
        let engines_behind = counts.iter().filter(|(_, count)| **count > behind).map(|(engine, _)| engine.clone());
        Ok(LedgerStats {
            retry_stuck: usize::try_from(stuck).unwrap_or(usize::MAX),
            results_undelivered: engines.len(),
            overdue: Duration::from_millis(u64::try_from(overdue).unwrap_or(0)),
            engines_behind: engines_behind.collect(),
            engines_waiting: counts.into_keys().collect(),
        })
    }
}
