//! Jobs as people and periodic tasks ask for them: lists, single jobs, counts, replays.

use super::audit::{self, Entry};
use super::database::on;
use super::{Error, Inner};

/// As a worker does for an engine (`LedgerHandle::cancel`), for a job that is known.
const CANCEL: &str = "UPDATE jobs SET state = 'cancelled', due_at = NULL, waits_for = NULL, updated_at = $2
    WHERE id = $1 AND state IN ('sending', 'waiting')";

/// The ledger's jobs; a worker's own claims and records go through [`super::ledger::LedgerHandle`].
#[derive(Debug, Clone, Copy)]
pub struct Jobs<'a>(pub(super) &'a Inner);

impl Jobs<'_> {
    /// Takes a job back, with the entry of the audit log; whether it had not ended.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn cancel(self, id: &str, entry: &Entry) -> Result<bool, Error> {
        let (begin, clock) = (self.0.database.begin(), self.0.database.clock());
        on!(&self.0.database, write db => {
            let mut transaction = sqlx::Connection::begin_with(db, begin).await?;
            let now: i64 = sqlx::query_scalar(clock).fetch_one(&mut *transaction).await?;
            let is_cancelled = sqlx::query(CANCEL).bind(id).bind(now).execute(&mut *transaction).await?.rows_affected() > 0;
            if is_cancelled {
                audit::append!(transaction, entry, now);
            }
            transaction.commit().await?;
            is_cancelled
        })
    }
}
