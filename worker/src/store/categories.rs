//! Categories of connectors (COMPATIBILITY 4.1).

use super::audit::{self, Entry};
use super::connectors::note_change;
use super::database::on;
use super::{Error, Inner};

/// A category.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Category {
    /// From 1, never given again.
    pub id: i64,
    /// The identity.
    pub uuid: String,
    /// Unique.
    pub name: String,
    /// `ACTIVE` or `INACTIVE`.
    pub status: String,
    /// Made by this software: not 0.
    pub is_system: i64,
    /// Counts its changes.
    pub version: i64,
    /// Epoch milliseconds.
    pub created_at: i64,
    /// Epoch milliseconds.
    pub updated_at: i64,
}

/// What a category becomes; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CategoryDraft {
    /// Its name.
    pub name: Option<String>,
    /// `ACTIVE` or `INACTIVE`.
    pub status: Option<String>,
}

/// Why a category is not changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CategoryRefusal {
    /// There is none.
    Gone,
    /// It was changed since.
    Stale,
    /// Another one has the name.
    NameTaken,
    /// This software made it.
    System,
    /// So many connectors are in it.
    InUse(i64),
}

/// Changes of categories take turns; the number is the last one that was given.
const TAKE_TURN: &str = "UPDATE revisions SET value = value WHERE name = 'data_source_categories'";
pub(super) const NEXT_ID: &str =
    "UPDATE revisions SET value = value + 1 WHERE name = 'data_source_categories' RETURNING value";
const ALL: &str =
    "SELECT id, uuid, name, status, is_system, version, created_at, updated_at FROM data_source_categories";
const INSERT: &str = "INSERT INTO data_source_categories (id, uuid, name, status, is_system, created_at, updated_at)
    VALUES ($1, $2, $3, $4, 0, $5, $5)";
const UPDATE: &str = "UPDATE data_source_categories SET name = $2, status = $3, updated_at = $4, version = version + 1
    WHERE id = $1";
const NAMED: &str = "SELECT COUNT(*) FROM data_source_categories WHERE name = $1 AND id <> $2";
const USES: &str = "SELECT COUNT(*) FROM connectors WHERE categories LIKE $1";

/// Categories of connectors.
#[derive(Debug, Clone, Copy)]
pub struct Categories<'a>(pub(super) &'a Inner);

impl Categories<'_> {
    /// All categories, by id.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn list(self) -> Result<Vec<Category>, Error> {
        let statement = sqlx::AssertSqlSafe(format!("{ALL} ORDER BY id"));
        on!(&self.0.database, read db => sqlx::query_as(statement).fetch_all(db).await?)
    }

    /// Makes a category; the entry of the audit log gets its uuid as the target.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn create(
        self,
        (name, status): (&str, &str),
        entry: &Entry,
    ) -> Result<Result<Category, CategoryRefusal>, Error> {
        let (begin, clock) = (self.0.database.begin(), self.0.database.clock());
        let uuid = uuid::Uuid::new_v4().to_string();
        on!(&self.0.database, write db => {
            let mut transaction = sqlx::Connection::begin_with(db, begin).await?;
            let id: i64 = sqlx::query_scalar(NEXT_ID).fetch_one(&mut *transaction).await?;
            let named: i64 = sqlx::query_scalar(NAMED).bind(name).bind(id).fetch_one(&mut *transaction).await?;
            if named > 0 {
                return Ok(Err(CategoryRefusal::NameTaken));
            }
            let now: i64 = sqlx::query_scalar(clock).fetch_one(&mut *transaction).await?;
            sqlx::query(INSERT)
                .bind(id).bind(&uuid).bind(name).bind(status).bind(now)
                .execute(&mut *transaction).await?;
            let entry = Entry { target: uuid.clone(), ..entry.clone() };
            audit::append!(transaction, &entry, now);
            transaction.commit().await?;
            let (name, status) = (name.to_owned(), status.to_owned());
            Ok(Category { id, uuid: uuid.clone(), name, status, is_system: 0, version: 1, created_at: now, updated_at: now })
        })
    }

    /// Changes the category with this id, unless `refuse` says why not.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn update(
        self,
        id: i64,
        draft: &CategoryDraft,
        is_current: impl Fn(&Category) -> bool + Send + Sync,
        entry: &Entry,
    ) -> Result<Result<Category, CategoryRefusal>, Error> {
        let (begin, clock) = (self.0.database.begin(), self.0.database.clock());
        let one = format!("{ALL} WHERE id = $1");
        on!(&self.0.database, write db => {
            let mut transaction = sqlx::Connection::begin_with(db, begin).await?;
            sqlx::query(TAKE_TURN).execute(&mut *transaction).await?;
            let found: Option<Category> = sqlx::query_as(sqlx::AssertSqlSafe(one.as_str()))
                .bind(id).fetch_optional(&mut *transaction).await?;
            let Some(mut found) = found else { return Ok(Err(CategoryRefusal::Gone)) };
            if !is_current(&found) {
                return Ok(Err(CategoryRefusal::Stale));
            }
            found.name = draft.name.clone().unwrap_or(found.name);
            found.status = draft.status.clone().unwrap_or(found.status);
            let named: i64 = sqlx::query_scalar(NAMED).bind(&found.name).bind(id).fetch_one(&mut *transaction).await?;
            if named > 0 {
                return Ok(Err(CategoryRefusal::NameTaken));
            }
            let now: i64 = sqlx::query_scalar(clock).fetch_one(&mut *transaction).await?;
            sqlx::query(UPDATE)
                .bind(id).bind(&found.name).bind(&found.status).bind(now)
                .execute(&mut *transaction).await?;
            audit::append!(transaction, entry, now);
            transaction.commit().await?;
            Ok(Category { version: found.version + 1, updated_at: now, ..found })
        })
    }

    /// Removes the category with this id, unless it is in use or this software made it.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn remove(
        self,
        id: i64,
        is_current: impl Fn(&Category) -> bool + Send + Sync,
        entry: &Entry,
    ) -> Result<Result<(), CategoryRefusal>, Error> {
        let (begin, clock) = (self.0.database.begin(), self.0.database.clock());
        let one = format!("{ALL} WHERE id = $1");
        let outcome = on!(&self.0.database, write db => {
            let mut transaction = sqlx::Connection::begin_with(db, begin).await?;
            // No connector is put into it meanwhile: whoever changes one locks this row first.
            sqlx::query(super::connectors::CHANGED).execute(&mut *transaction).await?;
            sqlx::query(TAKE_TURN).execute(&mut *transaction).await?;
            let found: Option<Category> = sqlx::query_as(sqlx::AssertSqlSafe(one.as_str()))
                .bind(id).fetch_optional(&mut *transaction).await?;
            let Some(found) = found else { return Ok(Err(CategoryRefusal::Gone)) };
            if !is_current(&found) {
                return Ok(Err(CategoryRefusal::Stale));
            }
            if found.is_system != 0 {
                return Ok(Err(CategoryRefusal::System));
            }
            let uses: i64 = sqlx::query_scalar(USES).bind(format!("%,{id},%")).fetch_one(&mut *transaction).await?;
            if uses > 0 {
                return Ok(Err(CategoryRefusal::InUse(uses)));
            }
            let now: i64 = sqlx::query_scalar(clock).fetch_one(&mut *transaction).await?;
            sqlx::query("DELETE FROM data_source_categories WHERE id = $1").bind(id).execute(&mut *transaction).await?;
            audit::append!(transaction, entry, now);
            transaction.commit().await?;
            Ok(())
        })?;
        note_change();
        Ok(outcome)
    }
}
