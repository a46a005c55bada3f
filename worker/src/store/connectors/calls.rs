//! When connectors were called last, to the minute.

use std::collections::HashMap;

use super::Connectors;
use crate::store::Error;
use crate::store::database::on;

const NOTE: &str = "INSERT INTO connector_calls (uuid, last_call_at) VALUES ($1, $2) ON CONFLICT (uuid) DO UPDATE
    SET last_call_at = excluded.last_call_at WHERE connector_calls.last_call_at < excluded.last_call_at";
pub(super) const FORGET: &str = "DELETE FROM connector_calls WHERE uuid = $1";

impl Connectors<'_> {
    /// Notes that a connector was called at `at`, epoch milliseconds.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn called(self, uuid: &str, at: i64) -> Result<(), Error> {
        on!(&self.0.database, write db => {
            sqlx::query(NOTE).bind(uuid).bind(at).execute(db).await?;
        })
    }

    /// When each connector was called last, epoch milliseconds by uuid.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn last_calls(self) -> Result<HashMap<String, i64>, Error> {
        let statement = "SELECT uuid, last_call_at FROM connector_calls";
        let rows: Vec<(String, i64)> =
            on!(&self.0.database, read db => sqlx::query_as(statement).fetch_all(db).await?)?;
        Ok(rows.into_iter().collect())
    }
}
