//! What workers counted, minute by minute and hour by hour (API 10): jobs that ended, by what they were of, how they ended and how long their
//! last attempt took. Knows how durations are classed and added up; must not know what is made of them.

use std::collections::HashMap;

use serde_json::json;
use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use super::database::{Database, on};
use super::{Error, Inner};

/// Milliseconds of a minute, and of an hour.
const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
/// Bytes of a text that are kept: ids come from outside.
const TEXT_BYTES: usize = 512;
/// Up to here each millisecond is a class of its own; above, each power of two has eight.
const EXACT: u64 = 16;

/// Jobs that ended alike: what is counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ended {
    /// The beginning of the minute or of the hour, epoch milliseconds.
    begins: i64,
    process: String,
    version: String,
    element: String,
    connector: String,
    resource: String,
    outcome: String,
    duration: i64,
}

/// A job that ended; texts are empty where there is none.
#[derive(Debug, Clone, Copy)]
pub struct EndedJob<'a> {
    /// The BPMN process id.
    pub process: &'a str,
    /// The version that the job named.
    pub version: &'a str,
    /// The element's id.
    pub element: &'a str,
    /// The connector as the model names it.
    pub connector: &'a str,
    /// The resource.
    pub resource: &'a str,
    /// The code that it failed with; empty for one that completed.
    pub code: &'a str,
    /// The last attempt, milliseconds; `None` when nothing was sent.
    pub duration_ms: Option<u64>,
}

impl Ended {
    /// A job that ended at a time, epoch milliseconds.
    pub fn new(job: &EndedJob<'_>, at: i64) -> Self {
        Self {
            begins: at - at.rem_euclid(MINUTE),
            process: kept(job.process),
            version: kept(job.version),
            element: kept(job.element),
            connector: kept(job.connector),
            resource: kept(job.resource),
            outcome: kept(job.code),
            duration: job.duration_ms.map_or(-1, class_of),
        }
    }

    /// The same of its hour.
    fn of_hour(&self) -> Self {
        Self { begins: self.begins - self.begins.rem_euclid(HOUR), ..self.clone() }
    }

    /// What tells it from others of its minute or hour.
    fn key(&self) -> String {
        let texts = [&self.process, &self.version, &self.element, &self.connector, &self.resource, &self.outcome];
        let mut hash = Sha256::new();
        for text in texts {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        }
        hash.update(self.duration.to_le_bytes());
        hash.finalize().iter().take(16).fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
    }
}

/// Without what a database cannot store, and no longer than what is kept.
fn kept(text: &str) -> String {
    let end = text.floor_char_boundary(TEXT_BYTES);
    text.get(..end).unwrap_or_default().replace('\0', "\u{fffd}")
}

/// The class of a duration.
fn class_of(ms: u64) -> i64 {
    let ms = ms.min(1 << 40);
    if ms < EXACT {
        return i64::try_from(ms).unwrap_or_default();
    }
    let octave = ms.ilog2();
    let eighth = (ms >> (octave - 3)) & 7;
    16 + i64::from(octave - 4) * 8 + i64::try_from(eighth).unwrap_or_default()
}

/// The middle of a class, milliseconds: at most 6 % from each duration in it.
fn middle_of(class: i64) -> u64 {
    let Ok(class) = u64::try_from(class) else { return 0 };
    if class < EXACT {
        return class;
    }
    let (octave, eighth) = ((class - 16) / 8 + 4, (class - 16) % 8);
    let width = 1_u64 << (octave.min(60) - 3);
    (8 + eighth) * width + width / 2
}

/// Durations of many calls.
#[derive(Debug, Clone, Default)]
pub struct Durations(std::collections::BTreeMap<i64, i64>);

impl Durations {
    /// Adds calls of a class.
    pub fn add(&mut self, class: i64, calls: i64) {
        if class >= 0 {
            *self.0.entry(class).or_default() += calls;
        }
    }

    /// The duration that this many in a thousand do not exceed, milliseconds; `None` without any.
    pub fn permille(&self, permille: i64) -> Option<u64> {
        let total: i64 = self.0.values().sum();
        let wanted = (total * permille + 999) / 1_000;
        let mut counted = 0;
        let reaches = |(class, calls): (&i64, &i64)| {
            counted += calls;
            (counted >= wanted).then(|| middle_of(*class))
        };
        self.0.iter().find_map(reaches)
    }
}

/// The table that a span is read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Table {
    Minutes,
    Hours,
}

impl Table {
    fn name(self) -> &'static str {
        match self {
            Self::Minutes => "minutes",
            Self::Hours => "hours",
        }
    }

    /// The column of the time.
    fn time(self) -> &'static str {
        match self {
            Self::Minutes => "minute",
            Self::Hours => "hour",
        }
    }

    /// The statement that adds rows to it.
    fn add(self, database: &Database) -> String {
        let (table, time) = (self.name(), self.time());
        let rows = match database {
            Database::Sqlite { .. } => {
                "value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
                 value ->> 8, value ->> 9 FROM json_each($1) WHERE true"
            }
            Database::Postgres(_) => {
                "CAST(r ->> 0 AS BIGINT), r ->> 1, r ->> 2, r ->> 3, r ->> 4, r ->> 5, r ->> 6, r ->> 7,
                 CAST(r ->> 8 AS BIGINT), CAST(r ->> 9 AS BIGINT) FROM jsonb_array_elements(CAST($1 AS jsonb)) AS r"
            }
        };
        format!(
            "INSERT INTO {table} SELECT {rows}
             ON CONFLICT ({time}, key) DO UPDATE SET jobs = {table}.jobs + excluded.jobs"
        )
    }

    /// The statement that sums it up by parts of a span.
    fn parts(self) -> String {
        let (table, time) = (self.name(), self.time());
        format!(
            "SELECT ({time} - $1) / $5 AS part, connector,
             CAST(CASE WHEN outcome = '' THEN 0 ELSE 1 END AS BIGINT) AS failed, CAST(SUM(jobs) AS BIGINT) AS jobs
             FROM {table} WHERE {time} >= $1 AND {time} < $2 AND {OF} GROUP BY 1, 2, 3"
        )
    }

    /// The statement that sums up a span.
    fn sums(self) -> String {
        let (table, time) = (self.name(), self.time());
        format!(
            "SELECT process, version, element, connector, outcome, duration, CAST(SUM(jobs) AS BIGINT) AS jobs
             FROM {table} WHERE {time} >= $1 AND {time} < $2 AND {OF}
             GROUP BY process, version, element, connector, outcome, duration"
        )
    }
}

/// Which process and which version, where one was asked for.
const OF: &str = "(CAST($3 AS TEXT) IS NULL OR process = $3) AND (CAST($4 AS TEXT) IS NULL OR version = $4)";

/// What is wanted of the minutes.
#[derive(Debug, Clone, Copy)]
pub struct Span<'a> {
    /// From this time on, epoch milliseconds.
    pub from: i64,
    /// Before this time.
    pub to: i64,
    /// Of this process.
    pub process: Option<&'a str>,
    /// Of this version.
    pub version: Option<&'a str>,
}

impl Span<'_> {
    /// The table that knows it in parts of this size, milliseconds.
    fn table(&self, size: i64) -> Table {
        let is_hours = [self.from, self.to, size].iter().all(|time| time.rem_euclid(HOUR) == 0);
        if is_hours { Table::Hours } else { Table::Minutes }
    }
}

/// Jobs of one connector that ended within one part of a span.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct PartRow {
    /// Its place in the span, from 0.
    pub part: i64,
    /// The connector as the model names it.
    pub connector: String,
    /// 1 when they failed.
    pub failed: i64,
    /// How many.
    pub jobs: i64,
}

/// Jobs that ended alike within a span.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct SumRow {
    /// The BPMN process id.
    pub process: String,
    /// The version that the jobs named.
    pub version: String,
    /// The element's id.
    pub element: String,
    /// The connector as the model names it.
    pub connector: String,
    /// The code they failed with; empty when they completed.
    pub outcome: String,
    /// The class of their durations.
    pub duration: i64,
    /// How many.
    pub jobs: i64,
}

/// The tables of minutes and of hours.
#[derive(Debug, Clone, Copy)]
pub struct Minutes<'a>(pub(super) &'a Inner);

impl Minutes<'_> {
    /// Adds what a worker has counted.
    ///
    /// # Errors
    /// When the database cannot be reached; nothing is added then.
    pub async fn add(self, counted: &HashMap<Ended, i64>) -> Result<(), Error> {
        let mut hours = HashMap::new();
        for (ended, jobs) in counted {
            *hours.entry(ended.of_hour()).or_insert(0) += jobs;
        }
        let database = &self.0.database;
        let add = |table: Table, counted| (sql(table.add(database)), rows(counted));
        let (minutes, hours) = (add(Table::Minutes, counted), add(Table::Hours, &hours));
        let begin = database.begin();
        on!(database, write db => {
            let mut transaction = sqlx::Connection::begin_with(db, begin).await?;
            for (statement, rows) in [&minutes, &hours] {
                sqlx::query(statement.clone()).bind(rows).execute(&mut *transaction).await?;
            }
            transaction.commit().await?;
        })
    }

    /// Jobs that ended, by parts of a span that are `size` milliseconds long, and by connector.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn parts(self, span: Span<'_>, size: i64) -> Result<Vec<PartRow>, Error> {
        let Span { from, to, process, version } = span;
        let statement = sql(span.table(size).parts());
        on!(&self.0.database, read db => sqlx::query_as(statement.clone())
            .bind(from).bind(to).bind(process).bind(version).bind(size).fetch_all(db).await?)
    }

    /// Jobs that ended within a span, those that ended alike together.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn sums(self, span: Span<'_>) -> Result<Vec<SumRow>, Error> {
        let Span { from, to, process, version } = span;
        let statement = sql(span.table(HOUR).sums());
        on!(&self.0.database, read db => sqlx::query_as(statement.clone())
            .bind(from).bind(to).bind(process).bind(version).fetch_all(db).await?)
    }
}

fn sql(statement: String) -> SqlStr {
    AssertSqlSafe(statement).into_sql_str()
}

/// Rows as JSON, in one order, so that no two workers wait for each other.
fn rows(counted: &HashMap<Ended, i64>) -> String {
    let mut rows: Vec<_> = counted.iter().collect();
    rows.sort();
    let row = |(ended, jobs): &(&Ended, &i64)| {
        let Ended { begins, process, version, element, connector, resource, outcome, duration } = ended;
        json!([begins, ended.key(), process, version, element, connector, resource, outcome, duration, jobs])
    };
    json!(rows.iter().map(row).collect::<Vec<_>>()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_a_class_is_near_each_duration_in_it() {
        for ms in (0..5_000).chain([60_000, 299_999, 3_600_000, 1 << 41]) {
            let middle = middle_of(class_of(ms));
            let ms = ms.min(1 << 40);
            assert!(middle.abs_diff(ms) * 100 <= ms * 7, "{ms}: {middle}");
        }
        let classes: Vec<_> = (0..10_000).map(class_of).collect();
        assert!(classes.is_sorted());
    }

    #[test]
    fn percentiles_are_those_of_the_durations() {
        let mut durations = Durations::default();
        assert_eq!(durations.permille(500), None);
        durations.add(-1, 1_000);
        assert_eq!(durations.permille(500), None, "nothing was sent");
        durations.add(class_of(3), 98);
        durations.add(class_of(10), 2);
        assert_eq!(
            (durations.permille(500), durations.permille(980), durations.permille(990)),
            (Some(3), Some(3), Some(10))
        );
    }
}
