//! What is done to many jobs at once (API 10): how far each such run is, so that others see it, stop it, and know when the
//! process that does it has died.

use serde_json::{Value, json};

use super::database::on;
use super::{Error, Inner};

/// A run is taken for dead when its process has said nothing for this long, milliseconds.
pub(super) const SILENT: i64 = 15_000;
/// What is said of a run whose process has died.
pub(super) const DIED: &str =
    "the process that did this has ended; what was done stays done, start it again for the rest";

/// A run over many jobs.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct BulkRun {
    /// Its id.
    pub id: String,
    /// What is done to each.
    pub action: String,
    /// How many there are.
    pub count: i64,
    /// To how many it was done.
    pub done: i64,
    /// With how many it failed.
    pub failed: i64,
    /// `running`, `stopped` or `done`.
    pub state: String,
    /// The first failures: a JSON list.
    pub errors: String,
    /// Who asked for it.
    pub made_by: String,
    /// When, epoch milliseconds.
    pub created_at: i64,
    /// When its process last said how far it is.
    pub seen_at: i64,
}

impl BulkRun {
    /// The same, stopped.
    fn died(self) -> Self {
        let mut errors: Vec<Value> = serde_json::from_str(&self.errors).unwrap_or_default();
        errors.push(json!({"job": null, "message": DIED}));
        Self { state: "stopped".to_owned(), errors: Value::Array(errors).to_string(), ..self }
    }
}

/// How far a run is.
#[derive(Debug, Clone, Copy)]
pub struct BulkProgress<'a> {
    /// To how many it was done.
    pub done: i64,
    /// With how many it failed.
    pub failed: i64,
    /// The first failures: a JSON list.
    pub errors: &'a str,
    /// Whether all have had their turn.
    pub is_over: bool,
}

/// Runs over many jobs.
#[derive(Debug, Clone, Copy)]
pub struct Bulk<'a>(pub(super) &'a Inner);

impl Bulk<'_> {
    /// Notes a run that begins.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn start(self, id: &str, action: &str, count: i64, made_by: &str) -> Result<(), Error> {
        let clock = self.0.database.clock();
        let statement =
            "INSERT INTO bulk (id, action, count, done, failed, state, errors, made_by, created_at, seen_at)
            VALUES ($1, $2, $3, 0, 0, 'running', '[]', $4, $5, $5)";
        on!(&self.0.database, write db => {
            let now: i64 = sqlx::query_scalar(clock).fetch_one(&mut *db).await?;
            sqlx::query(statement).bind(id).bind(action).bind(count).bind(made_by).bind(now).execute(db).await?;
        })
    }

    /// Notes how far a run is; false when somebody has stopped it.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn progress(self, id: &str, progress: BulkProgress<'_>) -> Result<bool, Error> {
        let clock = self.0.database.clock();
        let statement = "UPDATE bulk SET done = $2, failed = $3, errors = $4, seen_at = $5,
            state = CASE WHEN state = 'running' AND $6 = 1 THEN 'done' ELSE state END WHERE id = $1
            RETURNING CAST(CASE WHEN state = 'stopped' THEN 0 ELSE 1 END AS BIGINT)";
        let BulkProgress { done, failed, errors, is_over } = progress;
        let goes_on: Option<i64> = on!(&self.0.database, write db => {
            let now: i64 = sqlx::query_scalar(clock).fetch_one(&mut *db).await?;
            sqlx::query_scalar(statement)
                .bind(id).bind(done).bind(failed).bind(errors).bind(now).bind(i64::from(is_over))
                .fetch_optional(db).await?
        })?;
        Ok(goes_on == Some(1))
    }

    /// Notes that a run goes on.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn goes_on(self, id: &str) -> Result<(), Error> {
        let clock = self.0.database.clock();
        let statement = "UPDATE bulk SET seen_at = $2 WHERE id = $1 AND state = 'running'";
        on!(&self.0.database, write db => {
            let now: i64 = sqlx::query_scalar(clock).fetch_one(&mut *db).await?;
            sqlx::query(statement).bind(id).bind(now).execute(db).await?;
        })
    }

    /// Stops a run that goes on; what it has in hand is still done.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn stop(self, id: &str) -> Result<(), Error> {
        let statement = "UPDATE bulk SET state = 'stopped' WHERE id = $1 AND state = 'running'";
        on!(&self.0.database, write db => {
            sqlx::query(statement).bind(id).execute(db).await?;
        })
    }

    /// A run; one whose process has died is stopped.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn find(self, id: &str) -> Result<Option<BulkRun>, Error> {
        let clock = self.0.database.clock();
        let statement = "SELECT * FROM bulk WHERE id = $1";
        on!(&self.0.database, read db => {
            let now: i64 = sqlx::query_scalar(clock).fetch_one(&mut *db).await?;
            let found: Option<BulkRun> = sqlx::query_as(statement).bind(id).fetch_optional(db).await?;
            found.map(|run| match run.state.as_str() {
                "running" if run.seen_at < now - SILENT => run.died(),
                _ => run,
            })
        })
    }
}
