//! Figures of the whole ledger that tell an operator whether retries come back and results are taken.

use std::collections::{BTreeMap, BTreeSet};

use crate::store::database::on;
use crate::store::{Error, Store};

/// Jobs whose wait ended so long ago are stuck, milliseconds.
const STUCK_MS: i64 = 45_000;
/// No more than this many are counted.
const COUNTED: i64 = 10_000;

const STUCK: &str = "SELECT COUNT(*) FROM (SELECT 1 FROM jobs WHERE state = 'waiting' AND due_at < $1 LIMIT $2) AS s";
const RETURNED: &str = "SELECT engine FROM jobs WHERE state = 'answered' AND returns > 0 AND send_at IS NOT NULL
    ORDER BY send_at LIMIT $1";

/// What [`Store::figures`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    /// Jobs whose wait ended more than a minute ago and whose copy has not come back.
    pub retry_stuck: usize,
    /// Results that nobody took so far.
    pub results_waiting: usize,
    /// Engines that left more than so many of them lying.
    pub engines_behind: BTreeSet<String>,
}

impl Store {
    /// Counts what is stuck; an engine with more than `behind` untaken results is behind.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn figures(&self, behind: u32) -> Result<Figures, Error> {
        let clock = self.0.database.clock();
        let (stuck, engines): (i64, Vec<Option<String>>) = on!(&self.0.database, read db => {
            let now: i64 = sqlx::query_scalar(clock).fetch_one(&mut *db).await?;
            let stuck = sqlx::query_scalar(STUCK).bind(now - STUCK_MS).bind(COUNTED).fetch_one(&mut *db).await?;
            (stuck, sqlx::query_scalar(RETURNED).bind(COUNTED).fetch_all(db).await?)
        })?;
        let mut counts = BTreeMap::<String, u32>::new();
        for engine in engines.iter().flatten() {
            *counts.entry(engine.clone()).or_default() += 1;
        }
        let engines_behind = counts.into_iter().filter(|(_, count)| *count > behind).map(|(engine, _)| engine);
        Ok(Figures {
            retry_stuck: usize::try_from(stuck).unwrap_or(usize::MAX),
            results_waiting: engines.len(),
            engines_behind: engines_behind.collect(),
        })
    }
}
