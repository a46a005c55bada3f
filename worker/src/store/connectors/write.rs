//! Changes of connectors: any number of them in one transaction, all or none, each with its row in the audit log.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::columns::Columns;
use super::identity::{Conflict, Existing, Identification, Identity, Known, Settled};
use super::{CHANGED, COLUMNS, Connectors, Row, StoredConnector, associated_data, calls, note_change};
use crate::store::accounts;
use crate::store::audit::{self, Entry};
use crate::store::database::on;
use crate::store::{Error, Inner};

/// Which connector is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// One that is not there yet, with a new id and a new uuid.
    New,
    /// The one with this uuid.
    Of(String),
    /// The one that a record of an import is about.
    Record(Identification, Existing),
}

/// A connector before it is changed.
#[derive(Debug)]
pub struct Current<'a> {
    /// As it is stored.
    pub stored: StoredConnector,
    record: String,
    sealed: Option<Vec<u8>>,
    inner: &'a Inner,
}

impl Current<'_> {
    /// Its credentials, decrypted; `None` when it has none.
    ///
    /// # Errors
    /// When no key here opens them.
    pub fn credentials(&self) -> Result<Option<Map<String, Value>>, Error> {
        let open = |sealed: &Vec<u8>| self.inner.opened(&self.stored.uuid, &self.record, sealed);
        self.sealed.as_ref().map(open).transpose()
    }
}

/// What a connector becomes.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Its name.
    pub name: String,
    /// The whole record, with its name, without id, uuid and credentials.
    pub record: Map<String, Value>,
    /// The whole credentials, in clear; `None` for none.
    pub credentials: Option<Map<String, Value>>,
    /// They are not the ones that it had.
    pub credentials_changed: bool,
    /// The members that are not what they were.
    pub changed: Vec<String>,
    /// What will not work as things are now: sentences.
    pub warnings: Vec<String>,
}

/// What was stored of a record.
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

/// A connector that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// What it is.
    pub imported: Imported,
    /// Counts its changes.
    pub version: i64,
    /// When it was written, epoch milliseconds.
    pub updated_at: i64,
    /// The members that are not what they were.
    pub changed: Vec<String>,
    /// What will not work as things are now: sentences.
    pub warnings: Vec<String>,
}

const IDENTITIES: &str = "SELECT id, uuid, name FROM connectors";
const CATEGORIES: &str = "SELECT id FROM data_source_categories";
const FORGET_TOKENS: &str = "DELETE FROM refresh_tokens WHERE connector = $1";
/// The collection that a connector was made with.
const OWNER: &str = "SELECT name FROM collections WHERE connector = $1";
const SEALED: &str = "SELECT record, credentials FROM connectors WHERE uuid = $1";
/// The credentials of a new connector have the time as their version: tokens of a removed one with the same uuid are not theirs.
const UPSERT: &str = "INSERT INTO connectors (id, uuid, name, record, credentials, created_at, updated_at, updated_by,
    description, type, authtype, status, asset_type, categories, search, credentials_set, indexed_version,
    credentials_version) VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $9, $10, $11, $12, $13, $14, $15, $16, 1, $6)
    ON CONFLICT (uuid) DO UPDATE SET name = excluded.name, record = excluded.record, credentials = excluded.credentials,
    version = connectors.version + 1, credentials_version = connectors.credentials_version + $8,
    updated_at = excluded.updated_at, updated_by = excluded.updated_by, description = excluded.description,
    type = excluded.type, authtype = excluded.authtype, status = excluded.status, asset_type = excluded.asset_type,
    categories = excluded.categories, search = excluded.search, credentials_set = excluded.credentials_set,
    indexed_version = connectors.version + 1 RETURNING version";

impl Connectors<'_> {
    /// Writes connectors, all or none. `draft` says what each becomes, from what it is and the ids of all categories; its
    /// refusals, and those that the others cause, come back by the subject's position, and then nothing is stored. `entry` is
    /// what the audit log says of each.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn write<R: From<Conflict> + Send>(
        self,
        subjects: &[Subject],
        draft: impl Fn(usize, Option<&Current<'_>>, &BTreeSet<i64>) -> Result<Draft, Vec<R>> + Send + Sync,
        entry: impl Fn(&Written) -> Entry + Send + Sync,
    ) -> Result<Result<Vec<Written>, Vec<(usize, R)>>, Error> {
        let (begin, clock) = (self.0.database.begin(), self.0.database.clock());
        let current_row = format!("SELECT record, {COLUMNS} FROM connectors WHERE uuid = $1");
        let outcome = on!(&self.0.database, write db => {
            let mut transaction = sqlx::Connection::begin_with(db, begin).await?;
            sqlx::query(CHANGED).execute(&mut *transaction).await?;
            let mut known = Known::new(sqlx::query_as(IDENTITIES).fetch_all(&mut *transaction).await?);
            let categories: Vec<i64> = sqlx::query_scalar(CATEGORIES).fetch_all(&mut *transaction).await?;
            let categories: BTreeSet<i64> = categories.into_iter().collect();
            let now: i64 = sqlx::query_scalar(clock).fetch_one(&mut *transaction).await?;
            let (mut all, mut refused, mut entries) = (Vec::new(), Vec::new(), Vec::new());
            for (index, subject) in subjects.iter().enumerate() {
                let settled = match settled(&known, subject) {
                    Ok(settled) => settled,
                    Err(conflict) => {
                        refused.push((index, conflict.into()));
                        continue;
                    }
                };
                let mut current = None;
                if !settled.created {
                    let row: Row = sqlx::query_as(sqlx::AssertSqlSafe(current_row.as_str()))
                        .bind(&settled.uuid).fetch_one(&mut *transaction).await?;
                    let (record, sealed): (String, Option<Vec<u8>>) =
                        sqlx::query_as(SEALED).bind(&settled.uuid).fetch_one(&mut *transaction).await?;
                    current = Some(Current { stored: row.stored()?, record, sealed, inner: self.0 });
                }
                let draft = match draft(index, current.as_ref(), &categories) {
                    Ok(draft) => draft,
                    Err(problems) => {
                        refused.extend(problems.into_iter().map(|problem| (index, problem)));
                        continue;
                    }
                };
                if known.has_name(&draft.name, &settled.uuid) {
                    refused.push((index, Conflict::NameTaken.into()));
                    continue;
                }
                let (row, mut written) = self.ready(settled, draft, now)?;
                let entry = entry(&written);
                let columns = &row.columns;
                written.version = sqlx::query_scalar(UPSERT)
                    .bind(written.imported.id).bind(&written.imported.uuid).bind(&written.imported.name).bind(&row.record)
                    .bind(&row.sealed).bind(now).bind(&entry.actor).bind(row.credentials_changes)
                    .bind(&columns.description).bind(&columns.kind).bind(&columns.authtype).bind(&columns.status)
                    .bind(&columns.asset_type).bind(&columns.categories).bind(&columns.search)
                    .bind(&columns.credentials_set)
                    .fetch_one(&mut *transaction).await?;
                let Imported { id, uuid, name, .. } = written.imported.clone();
                known.note(Identity { id, uuid, name });
                entries.push(entry);
                all.push(written);
            }
            if !refused.is_empty() {
                return Ok(Err(refused));
            }
            audit::append_all!(transaction, &entries, now);
            transaction.commit().await?;
            Ok(all)
        })?;
        if outcome.is_ok() {
            note_change();
        }
        Ok(outcome)
    }

    /// Removes the connector with this uuid, with its credentials, unless `refuse` says why not, which
    /// also gets the name of the collection that it was made with; `Ok(None)` where there is none.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn remove<R: Send>(
        self,
        uuid: &str,
        refuse: impl Fn(&StoredConnector, Option<&str>) -> Option<R> + Send + Sync,
        entry: &Entry,
    ) -> Result<Option<Result<(), R>>, Error> {
        let (begin, clock) = (self.0.database.begin(), self.0.database.clock());
        let current_row = format!("SELECT record, {COLUMNS} FROM connectors WHERE uuid = $1");
        let outcome = on!(&self.0.database, write db => {
            let mut transaction = sqlx::Connection::begin_with(db, begin).await?;
            sqlx::query(CHANGED).execute(&mut *transaction).await?;
            let row: Option<Row> = sqlx::query_as(sqlx::AssertSqlSafe(current_row.as_str()))
                .bind(uuid).fetch_optional(&mut *transaction).await?;
            let Some(row) = row else { return Ok(None) };
            let owner: Option<String> = sqlx::query_scalar(OWNER).bind(uuid).fetch_optional(&mut *transaction).await?;
            if let Some(refusal) = refuse(&row.stored()?, owner.as_deref()) {
                return Ok(Some(Err(refusal)));
            }
            let now: i64 = sqlx::query_scalar(clock).fetch_one(&mut *transaction).await?;
            sqlx::query("DELETE FROM connectors WHERE uuid = $1").bind(uuid).execute(&mut *transaction).await?;
            for statement in [calls::FORGET, FORGET_TOKENS].into_iter().chain(accounts::FORGET) {
                sqlx::query(statement).bind(uuid).execute(&mut *transaction).await?;
            }
            audit::append!(transaction, entry, now);
            transaction.commit().await?;
            Some(Ok(()))
        })?;
        note_change();
        Ok(outcome)
    }

    /// The row of a draft, sealed.
    fn ready(self, settled: Settled, draft: Draft, now: i64) -> Result<(Ready, Written), Error> {
        let Settled { id, uuid, created, mut warnings } = settled;
        let Draft { name, record, credentials, credentials_changed, changed, warnings: of_draft } = draft;
        let columns = Columns::of(&record, credentials.as_ref());
        let record = Value::Object(record).to_string();
        let sealed = match &credentials {
            None => None,
            Some(plain) => {
                let plain = serde_json::to_vec(plain)
                    .map_err(|source| Error::damaged(format!("the credentials of connector {uuid}"), source))?;
                Some(self.0.vault.seal(&plain, &associated_data(&uuid, &record))?)
            }
        };
        warnings.extend(of_draft);
        let imported = Imported { id, uuid, name, created };
        let ready = Ready { columns, record, sealed, credentials_changes: i64::from(credentials_changed) };
        Ok((ready, Written { imported, version: 1, updated_at: now, changed, warnings }))
    }
}

/// What is bound to the statement.
struct Ready {
    columns: Columns,
    record: String,
    sealed: Option<Vec<u8>>,
    credentials_changes: i64,
}

fn settled(known: &Known, subject: &Subject) -> Result<Settled, Conflict> {
    match subject {
        Subject::New => Ok(known.added(&Identification::default())),
        Subject::Of(uuid) => known.of(uuid),
        Subject::Record(given, existing) => known.settle(given, *existing),
    }
}
