//! Connectors by uuid, id or name; their credentials are encrypted, and decrypted one connector at a time.

mod calls;
mod columns;
mod identity;
mod listing;
mod write;

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::database::on;
use super::dead_letters::without_nul;
use super::{Error, Inner};
use crate::job::hex;

pub use identity::{Conflict, Existing, Identification};
pub use listing::{ListOrder, ListQuery, Record};
pub use write::{Current, Draft, Imported, Subject, Written};

/// A connector as stored, without its credentials.
#[derive(Debug, Clone)]
pub struct StoredConnector {
    /// The number that models of ProcessMaker carry.
    pub id: i64,
    /// The identity that survives export and import.
    pub uuid: String,
    /// Unique.
    pub name: String,
    /// Everything else, as imported.
    pub record: Map<String, Value>,
    /// Counts its changes, of credentials too.
    pub version: i64,
    /// Counts the changes of its credentials.
    pub credentials_version: i64,
    /// Whether it has credentials.
    pub has_credentials: bool,
    /// The names of their members, sorted.
    pub credentials_set: Vec<String>,
    /// Epoch milliseconds, like the other times.
    pub created_at: i64,
    /// When it was changed last.
    pub updated_at: i64,
    /// Who changed it last, as the audit log names them.
    pub updated_by: Option<String>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    uuid: String,
    name: String,
    record: String,
    version: i64,
    credentials_version: i64,
    has_credentials: i64,
    credentials_set: String,
    created_at: i64,
    updated_at: i64,
    updated_by: Option<String>,
}

impl Row {
    fn stored(self) -> Result<StoredConnector, Error> {
        let record = serde_json::from_str(&self.record)
            .map_err(|source| Error::damaged(format!("the record of connector `{}`", self.name), source))?;
        let Self { id, uuid, name, version, credentials_version, created_at, updated_at, updated_by, .. } = self;
        Ok(StoredConnector {
            id,
            uuid,
            name,
            record,
            version,
            credentials_version,
            has_credentials: self.has_credentials != 0,
            credentials_set: serde_json::from_str(&self.credentials_set).unwrap_or_default(),
            // Rows that an older version made have no time of their own.
            created_at: if created_at == 0 { updated_at } else { created_at },
            updated_at,
            updated_by,
        })
    }
}

impl StoredConnector {
    /// The record as import reads it.
    pub fn export(&self) -> Map<String, Value> {
        let mut record = Map::from_iter([("id".to_owned(), json!(self.id)), ("uuid".to_owned(), json!(self.uuid))]);
        record.extend(self.record.clone());
        record
    }
}

/// What a connector is read from, with its record.
const COLUMNS: &str = "id, uuid, name, version, credentials_version,
    CAST(CASE WHEN credentials IS NULL THEN 0 ELSE 1 END AS BIGINT) AS has_credentials, credentials_set, created_at, updated_at, updated_by";
/// The connector of a reference: uuid in any case, number, `data_source-<number>`, name, in this order.
const BY_REFERENCE: &str = "FROM connectors WHERE LOWER(uuid) = $1 OR id = $2 OR id = $3 OR name = $4
    ORDER BY CASE WHEN LOWER(uuid) = $1 THEN 0 WHEN id = $2 THEN 1 WHEN id = $3 THEN 2 ELSE 3 END LIMIT 1";
/// What newer models of ProcessMaker put before a connector's number.
const NUMBER_PREFIX: &str = "data_source-";
/// Counts all changes of connectors and secrets, which are looked up anew after each; they take turns, since each locks this
/// row first.
pub(super) const CHANGED: &str = "UPDATE revisions SET value = value + 1 WHERE name = 'connectors'";

/// What this process changed about connectors and secrets, as a count.
static CHANGES_HERE: AtomicU64 = AtomicU64::new(0);

/// A number that grows with every change of a connector or a secret that this process makes, through whichever handle: what
/// was read under the same number is not older than what this process knows.
pub fn changes_here() -> u64 {
    CHANGES_HERE.load(Ordering::Acquire)
}

/// Notes a change after its commit.
pub(super) fn note_change() {
    CHANGES_HERE.fetch_add(1, Ordering::AcqRel);
}

/// Connectors, with their credentials encrypted.
#[derive(Debug, Clone, Copy)]
pub struct Connectors<'a>(pub(super) &'a Inner);

impl Connectors<'_> {
    /// The connector that a model or a path calls `reference`: uuid in any case, number, `data_source-<number>`, or name.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn find(self, reference: &str) -> Result<Option<StoredConnector>, Error> {
        let id: Option<i64> = reference.parse().ok();
        let prefixed: Option<i64> = reference.strip_prefix(NUMBER_PREFIX).and_then(|number| number.parse().ok());
        // No connector has a NUL in its name, and PostgreSQL rejects a statement with one.
        let reference = without_nul(reference);
        let uuid = reference.to_ascii_lowercase();
        let statement = sqlx::AssertSqlSafe(format!("SELECT record, {COLUMNS} {BY_REFERENCE}"));
        let row: Option<Row> = on!(&self.0.database, read db =>
            sqlx::query_as(statement).bind(&uuid).bind(id).bind(prefixed).bind(&reference).fetch_optional(db).await?)?;
        row.map(Row::stored).transpose()
    }

    /// All connectors, by id.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn list(self) -> Result<Vec<StoredConnector>, Error> {
        let statement = sqlx::AssertSqlSafe(format!("SELECT record, {COLUMNS} FROM connectors ORDER BY id"));
        let rows: Vec<Row> = on!(&self.0.database, read db => sqlx::query_as(statement).fetch_all(db).await?)?;
        rows.into_iter().map(Row::stored).collect()
    }

    /// The decrypted credentials of a connector; `None` when it has none.
    ///
    /// # Errors
    /// When the database cannot be reached, the key is not the one that encrypted them, or the record is not the one that they
    /// were imported for.
    pub async fn credentials(self, uuid: &str) -> Result<Option<Map<String, Value>>, Error> {
        let row: Option<Sealed> = on!(&self.0.database, read db =>
            sqlx::query_as(SEALED).bind(uuid).fetch_optional(db).await?)?;
        let Some((record, Some(encrypted))) = row else { return Ok(None) };
        self.0.opened(uuid, &record, &encrypted).map(Some)
    }

    /// A number that grows with every change of any connector: what was read under the same one is still true.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn revision(self) -> Result<i64, Error> {
        let statement = "SELECT value FROM revisions WHERE name = 'connectors'";
        on!(&self.0.database, read db => sqlx::query_scalar(statement).fetch_one(db).await?)
    }
}

impl Inner {
    /// Decrypts the credentials of a connector.
    fn opened(&self, uuid: &str, record: &str, sealed: &[u8]) -> Result<Map<String, Value>, Error> {
        let plain = self.vault.open(sealed, &associated_data(uuid, record))?;
        serde_json::from_slice(&plain).map_err(|_| Error::Decrypt(format!("connector {uuid}")))
    }
}

/// A record and the credentials that were encrypted for it.
type Sealed = (String, Option<Vec<u8>>);

const SEALED: &str = "SELECT record, credentials FROM connectors WHERE uuid = $1";

/// The associated data of a connector's credentials: they cannot be decrypted for another connector, nor with a record that
/// points elsewhere than the one that they were imported for.
pub(super) fn associated_data(uuid: &str, record: &str) -> String {
    let hash = hex(&Sha256::digest(record));
    format!("connector {uuid} with record {hash}")
}
