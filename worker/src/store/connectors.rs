//! Connectors by uuid, id or name; their credentials are encrypted, and decrypted one connector at a time.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::database::on;
use super::dead_letters::without_nul;
use super::{Error, Inner};

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
}

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The connector's id.
    pub id: i64,
    /// Its uuid.
    pub uuid: String,
    /// Its name.
    pub name: String,
    /// It was not there before.
    pub created: bool,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    uuid: String,
    name: String,
    record: String,
    version: i64,
    credentials_version: i64,
}

impl Row {
    fn stored(self) -> Result<StoredConnector, Error> {
        let record = serde_json::from_str(&self.record)
            .map_err(|source| Error::damaged(format!("the record of connector `{}`", self.name), source))?;
        let Self { id, uuid, name, version, credentials_version, .. } = self;
        Ok(StoredConnector { id, uuid, name, record, version, credentials_version })
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

/// The connector of a reference: uuid before id before name.
const BY_REFERENCE: &str = "SELECT id, uuid, name, record, version, credentials_version FROM connectors
    WHERE uuid = $1 OR id = $2 OR name = $1
    ORDER BY CASE WHEN uuid = $1 THEN 0 WHEN id = $2 THEN 1 ELSE 2 END LIMIT 1";
/// Counts all changes of connectors and secrets, which are looked up anew after each; they take turns, since each locks this
/// row first.
pub(super) const CHANGED: &str = "UPDATE revisions SET value = value + 1 WHERE name = 'connectors'";
/// The collection that a connector was made with.
const OWNER: &str = "SELECT name FROM collections WHERE connector = $1";
const IDENTITIES: &str = "SELECT id, uuid, name FROM connectors";
const UPSERT: &str = "INSERT INTO connectors (id, uuid, name, record, credentials, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (uuid) DO UPDATE SET name = excluded.name,
    record = excluded.record, credentials = COALESCE(excluded.credentials, connectors.credentials),
    version = connectors.version + 1, credentials_version = connectors.credentials_version
    + $7, updated_at = excluded.updated_at";

/// Connectors, with their credentials encrypted.
#[derive(Debug, Clone, Copy)]
pub struct Connectors<'a>(pub(super) &'a Inner);

impl Connectors<'_> {
    /// The connector that a model calls `reference`: by uuid, id or name.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn find(self, reference: &str) -> Result<Option<StoredConnector>, Error> {
        let id: Option<i64> = reference.parse().ok();
        // No connector has a NUL in its name, and PostgreSQL rejects a statement with one.
        let reference = without_nul(reference);
        let row: Option<Row> = on!(&self.0.database, read db =>
            sqlx::query_as(BY_REFERENCE).bind(&reference).bind(id).fetch_optional(db).await?)?;
        row.map(Row::stored).transpose()
    }

    /// All connectors, by id.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn list(self) -> Result<Vec<StoredConnector>, Error> {
        let statement = "SELECT id, uuid, name, record, version, credentials_version FROM connectors ORDER BY id";
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
        let plain = self.0.vault.open(&encrypted, &associated_data(uuid, &record))?;
        serde_json::from_slice(&plain).map(Some).map_err(|_| Error::Decrypt(format!("connector {uuid}")))
    }

    /// A number that grows with every change of any connector: what was read under the same one is still true.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn revision(self) -> Result<i64, Error> {
        let statement = "SELECT value FROM revisions WHERE name = 'connectors'";
        on!(&self.0.database, read db => sqlx::query_scalar(statement).fetch_one(db).await?)
    }

    /// Adds a connector, or updates the one that has the same uuid, else id, else name; `None` keeps its credentials.
    ///
    /// # Errors
    /// When the record's uuid, id and name belong to different connectors, or the database cannot be reached.
    pub async fn import(
        self,
        mut record: Map<String, Value>,
        credentials: Option<Map<String, Value>>,
    ) -> Result<Imported, Error> {
        let given = Identification::take(&mut record)?;
        let text = Value::Object(record).to_string();
        let (begin, clock) = (self.0.database.begin(), self.0.database.clock());
        on!(&self.0.database, write db => {
            let mut transaction = sqlx::Connection::begin_with(db, begin).await?;
            sqlx::query(CHANGED).execute(&mut *transaction).await?;
            let known: Vec<Identity> = sqlx::query_as(IDENTITIES).fetch_all(&mut *transaction).await?;
            let imported = settle(&known, given)?;
            let sealed: Option<Sealed> =
                sqlx::query_as(SEALED).bind(&imported.uuid).fetch_optional(&mut *transaction).await?;
            let encrypted = self.encrypted(credentials.as_ref(), sealed, &imported.uuid, &text)?;
            let now: i64 = sqlx::query_scalar(clock).fetch_one(&mut *transaction).await?;
            sqlx::query(UPSERT)
                .bind(imported.id).bind(&imported.uuid).bind(&imported.name).bind(&text).bind(&encrypted).bind(now)
                .bind(i64::from(credentials.is_some()))
                .execute(&mut *transaction).await?;
            transaction.commit().await?;
            imported
        })
    }

    /// Removes the connector that `reference` names, with its credentials; whether there was one.
    ///
    /// # Errors
    /// When it was made with a collection, or the database cannot be reached.
    pub async fn remove(self, reference: &str) -> Result<bool, Error> {
        let Some(found) = self.find(reference).await? else { return Ok(false) };
        let begin = self.0.database.begin();
        let statement = "DELETE FROM connectors WHERE uuid = $1";
        on!(&self.0.database, write db => {
            let mut transaction = sqlx::Connection::begin_with(db, begin).await?;
            sqlx::query(CHANGED).execute(&mut *transaction).await?;
            let owner: Option<String> =
                sqlx::query_scalar(OWNER).bind(&found.uuid).fetch_optional(&mut *transaction).await?;
            if let Some(owner) = owner {
                return Err(Error::Contradiction(format!(
                    "connector `{}` was made with the collection `{owner}` and goes with it; remove the collection", found.name
                )));
            }
            let removed = sqlx::query(statement).bind(&found.uuid).execute(&mut *transaction).await?.rows_affected();
            transaction.commit().await?;
            removed > 0
        })
    }

    /// The credentials for a record: those that are given, else those that are stored.
    fn encrypted(
        self,
        given: Option<&Map<String, Value>>,
        stored: Option<Sealed>,
        uuid: &str,
        record: &str,
    ) -> Result<Option<Vec<u8>>, Error> {
        let plain = match (given, stored) {
            (Some(given), _) => serde_json::to_vec(given)
                .map_err(|source| Error::damaged(format!("the credentials of connector {uuid}"), source))?,
            (None, Some((before, Some(sealed)))) => self.0.vault.open(&sealed, &associated_data(uuid, &before))?,
            (None, _) => return Ok(None),
        };
        self.0.vault.seal(&plain, &associated_data(uuid, record)).map(Some)
    }
}

/// What identifies a connector.
#[derive(Debug, Clone, sqlx::FromRow)]
struct Identity {
    id: i64,
    uuid: String,
    name: String,
}

/// What a record says about its identity, as far as it does.
#[derive(Debug, Clone)]
struct Identification {
    id: Option<i64>,
    uuid: Option<String>,
    name: String,
}

impl Identification {
    fn take(record: &mut Map<String, Value>) -> Result<Self, Error> {
        let name = text(record.get("name")).ok_or_else(|| Error::Contradiction("the record has no name".to_owned()))?;
        if name.contains('\0') {
            return Err(Error::Contradiction(format!("the name `{}` has a NUL in it", without_nul(&name))));
        }
        let uuid = text(record.remove("uuid").as_ref()).map(|uuid| without_nul(&uuid));
        let id = text(record.remove("id").as_ref()).and_then(|id| id.parse().ok());
        Ok(Self { id, uuid, name })
    }
}

/// Which connector a record is about.
fn settle(known: &[Identity], given: Identification) -> Result<Imported, Error> {
    let by_uuid = known.iter().find(|c| given.uuid.as_ref() == Some(&c.uuid));
    let by_id = known.iter().find(|c| given.id == Some(c.id));
    let by_name = known.iter().find(|c| c.name == given.name);
    let found = by_uuid.or(by_id).or(by_name);
    if let Some(other) = by_name.filter(|other| found.is_some_and(|found| found.uuid != other.uuid)) {
        let problem =
            format!("The Name has already been taken. `{}` is the name of connector {}", given.name, other.id);
        return Err(Error::Contradiction(problem));
    }
    // A number means something in one installation only: with another uuid and another name it is another connector,
    // whose credentials must not go where this record points.
    if let (None, Some(other), None, Some(uuid)) = (by_uuid, by_id, by_name, &given.uuid) {
        let problem = format!(
            "id {} belongs to connector `{}` (uuid {}), not to `{}` (uuid {uuid}); leave `id` out of the record",
            other.id, other.name, other.uuid, given.name
        );
        return Err(Error::Contradiction(problem));
    }
    let next_id = known.iter().map(|c| c.id).max().unwrap_or(0).saturating_add(1);
    Ok(Imported {
        id: found.map(|c| c.id).or(given.id).unwrap_or(next_id),
        uuid: found.map(|c| c.uuid.clone()).or(given.uuid).unwrap_or_else(|| uuid::Uuid::new_v4().to_string()),
        name: given.name,
        created: found.is_none(),
    })
}

/// A record and the credentials that were encrypted for it.
type Sealed = (String, Option<Vec<u8>>);

const SEALED: &str = "SELECT record, credentials FROM connectors WHERE uuid = $1";

/// The associated data of a connector's credentials: they cannot be decrypted for another connector, nor with a record that
/// points elsewhere than the one that they were imported for.
pub(super) fn associated_data(uuid: &str, record: &str) -> String {
    let hash = Sha256::digest(record).iter().fold(String::new(), |hash, byte| format!("{hash}{byte:02x}"));
    format!("connector {uuid} with record {hash}")
}

fn text(value: Option<&Value>) -> Option<String> {
    match value {
        Some(Value::String(text)) if !text.is_empty() => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    }
}
