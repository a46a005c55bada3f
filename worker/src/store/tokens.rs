//! Access tokens of the API: hashed, scoped, limited, expiring, revocable (API 3). A token's row stays when it is revoked.

use sha2::{Digest, Sha256};

use super::audit::{self, Entry};
use super::database::on;
use super::{Error, Inner};

/// How old `last_used_at` may be before a use is noted again, milliseconds.
const USE_NOTED_EVERY: i64 = 60_000;

/// A token without its secret.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Token {
    /// From 1.
    pub id: i64,
    /// Unique among those that are neither revoked nor expired.
    pub name: String,
    /// Names with blanks between them, sorted.
    pub scopes: String,
    /// The uuids of the connectors that it is limited to: a JSON list.
    pub connectors: Option<String>,
    /// Who made it.
    pub created_by: String,
    /// Epoch milliseconds, like the other times.
    pub created_at: i64,
    /// When it ends to be valid.
    pub expires_at: Option<i64>,
    /// To the minute.
    pub last_used_at: Option<i64>,
    /// When it was revoked.
    pub revoked_at: Option<i64>,
}

/// A token that is to be made.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// Its name.
    pub name: String,
    /// Its scopes, sorted, with blanks between them.
    pub scopes: String,
    /// The uuids of the connectors that it is limited to: a JSON list.
    pub connectors: Option<String>,
    /// When it ends to be valid, epoch milliseconds.
    pub expires_at: Option<i64>,
}

/// Why a token is not made.
#[derive(Debug, thiserror::Error)]
pub enum NewTokenError {
    /// A token that is valid has this name.
    #[error("a token with the name `{0}` is valid; revoke it first, or choose another name")]
    NameTaken(String),
    /// The database.
    #[error(transparent)]
    Store(#[from] Error),
}

/// Changes of tokens take turns: each one locks this row first.
const TAKE_TURN: &str = "UPDATE revisions SET value = value + 1 WHERE name = 'tokens'";
const COLUMNS: &str = "id, name, scopes, connectors, created_by, created_at, expires_at, last_used_at, revoked_at";
const LIVE: &str = "SELECT COUNT(*) FROM tokens WHERE name = $1 AND revoked_at IS NULL
    AND (expires_at IS NULL OR expires_at > $2)";
const NEXT_ID: &str = "SELECT CAST(COALESCE(MAX(id), 0) + 1 AS BIGINT) FROM tokens";
const INSERT: &str = "INSERT INTO tokens (id, name, hash, scopes, connectors, created_by, created_at, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
const REVOKE: &str = "UPDATE tokens SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";
const USED: &str = "UPDATE tokens SET last_used_at = $2 WHERE id = $1 AND COALESCE(last_used_at, 0) <= $2 - $3";

/// What a token is stored as.
pub fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token).to_vec()
}

/// Access tokens of the API.
#[derive(Debug, Clone, Copy)]
pub struct Tokens<'a>(pub(super) &'a Inner);

impl Tokens<'_> {
    /// The token that has this hash, whether it is valid or not.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn find_by_hash(self, hash: &[u8]) -> Result<Option<Token>, Error> {
        let statement = sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM tokens WHERE hash = $1"));
        on!(&self.0.database, read db => sqlx::query_as(statement).bind(hash).fetch_optional(db).await?)
    }

    /// The token with this id.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn find(self, id: i64) -> Result<Option<Token>, Error> {
        let statement = sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM tokens WHERE id = $1"));
        on!(&self.0.database, read db => sqlx::query_as(statement).bind(id).fetch_optional(db).await?)
    }

    /// All tokens, by id.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn list(self) -> Result<Vec<Token>, Error> {
        let statement = sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM tokens ORDER BY id"));
        on!(&self.0.database, read db => sqlx::query_as(statement).fetch_all(db).await?)
    }

    /// Stores a token by its hash, and the entry of the audit log with its id as the target.
    ///
    /// # Errors
    /// When a valid token has the name, or the database cannot be reached.
    pub async fn create(self, new: &NewToken, hash: &[u8], entry: Entry) -> Result<Token, NewTokenError> {
        let (begin, clock) = (self.0.database.begin(), self.0.database.clock());
        let created: Option<Token> = on!(&self.0.database, write db => {
            let mut transaction = sqlx::Connection::begin_with(db, begin).await?;
            sqlx::query(TAKE_TURN).execute(&mut *transaction).await?;
            let now: i64 = sqlx::query_scalar(clock).fetch_one(&mut *transaction).await?;
            let live: i64 = sqlx::query_scalar(LIVE).bind(&new.name).bind(now).fetch_one(&mut *transaction).await?;
            if live > 0 {
                return Ok(None);
            }
            let id: i64 = sqlx::query_scalar(NEXT_ID).fetch_one(&mut *transaction).await?;
            sqlx::query(INSERT)
                .bind(id).bind(&new.name).bind(hash).bind(&new.scopes).bind(&new.connectors).bind(&entry.actor).bind(now)
                .bind(new.expires_at)
                .execute(&mut *transaction).await?;
            let entry = Entry { target: id.to_string(), ..entry.clone() };
            audit::append!(transaction, &entry, now);
            transaction.commit().await?;
            Some(created(id, new, &entry.actor, now))
        })?;
        created.ok_or_else(|| NewTokenError::NameTaken(new.name.clone()))
    }

    /// Stores the first token of a database that never had one; `None` where it had.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn create_first(self, new: &NewToken, hash: &[u8], entry: Entry) -> Result<Option<Token>, Error> {
        let (begin, clock) = (self.0.database.begin(), self.0.database.clock());
        on!(&self.0.database, write db => {
            let mut transaction = sqlx::Connection::begin_with(db, begin).await?;
            sqlx::query(TAKE_TURN).execute(&mut *transaction).await?;
            let now: i64 = sqlx::query_scalar(clock).fetch_one(&mut *transaction).await?;
            let id: i64 = sqlx::query_scalar(NEXT_ID).fetch_one(&mut *transaction).await?;
            if id > 1 {
                return Ok(None);
            }
            sqlx::query(INSERT)
                .bind(id).bind(&new.name).bind(hash).bind(&new.scopes).bind(&new.connectors).bind(&entry.actor).bind(now)
                .bind(new.expires_at)
                .execute(&mut *transaction).await?;
            let entry = Entry { target: id.to_string(), ..entry.clone() };
            audit::append!(transaction, &entry, now);
            transaction.commit().await?;
            Some(created(id, new, &entry.actor, now))
        })
    }

    /// Revokes a token; whether it was not revoked before.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn revoke(self, id: i64, entry: &Entry) -> Result<bool, Error> {
        let (begin, clock) = (self.0.database.begin(), self.0.database.clock());
        on!(&self.0.database, write db => {
            let mut transaction = sqlx::Connection::begin_with(db, begin).await?;
            sqlx::query(TAKE_TURN).execute(&mut *transaction).await?;
            let now: i64 = sqlx::query_scalar(clock).fetch_one(&mut *transaction).await?;
            let revoked = sqlx::query(REVOKE).bind(id).bind(now).execute(&mut *transaction).await?.rows_affected() > 0;
            if revoked {
                audit::append!(transaction, entry, now);
            }
            transaction.commit().await?;
            revoked
        })
    }

    /// Notes that a token was used, to the minute.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn used(self, id: i64, now: i64) -> Result<(), Error> {
        on!(&self.0.database, write db => {
            sqlx::query(USED).bind(id).bind(now).bind(USE_NOTED_EVERY).execute(db).await?;
        })
    }
}

fn created(id: i64, new: &NewToken, created_by: &str, now: i64) -> Token {
    let NewToken { name, scopes, connectors, expires_at } = new.clone();
    Token {
        id,
        name,
        scopes,
        connectors,
        created_by: created_by.to_owned(),
        created_at: now,
        expires_at,
        last_used_at: None,
        revoked_at: None,
    }
}
