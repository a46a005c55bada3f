//! Refresh tokens that change with every use: one process at a time uses one, and its successor is durable before the
//! access token that came with it is used.
//!
//! The lock ends with its process: a row's lock on PostgreSQL, the lock of a file next to the SQLite file.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use sqlx::{Postgres, SqlitePool, Transaction};

use super::database::{Database, SQLITE_NOW, locked};
use super::{Error, Inner};

/// A credential's refresh token as it is stored.
#[derive(Debug, Clone)]
pub struct RefreshToken {
    /// The one to use next.
    pub refresh_token: SecretString,
    /// The access token that came with it.
    pub access_token: Option<SecretString>,
    /// How much longer that one lives.
    pub lifetime: Duration,
}

/// A credential's refresh token, locked until this is dropped.
#[derive(Debug)]
pub struct LockedRefreshToken {
    /// What is stored; `None` before its first use.
    pub stored: Option<RefreshToken>,
    store: Arc<Inner>,
    connector: String,
    version: i64,
    lock: Lock,
}

#[derive(Debug)]
enum Lock {
    File { _file: std::fs::File, writer: SqlitePool },
    Row(Transaction<'static, Postgres>),
}

type Row = (i64, Option<Vec<u8>>, i64);

const MAKE: &str = "INSERT INTO refresh_tokens (connector, version) VALUES ($1, $2) ON CONFLICT (connector) DO NOTHING";
const STORE: &str = "UPDATE refresh_tokens SET version = $2, sealed = $3, good_until = $4 WHERE connector = $1";

/// Refresh tokens that change with every use.
#[derive(Debug, Clone, Copy)]
pub struct RefreshTokens<'a>(pub(super) &'a Arc<Inner>);

impl RefreshTokens<'_> {
    /// Locks a credential's refresh token, waiting for whoever has the lock.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn lock(self, connector: &str, version: i64) -> Result<LockedRefreshToken, Error> {
        let (lock, row, now) = match &self.0.database {
            Database::Sqlite { writer, .. } => self.lock_file(writer, connector, version).await?,
            Database::Postgres(pool) => {
                let mut transaction = pool.begin().await?;
                sqlx::query("SET LOCAL lock_timeout = '20s'").execute(&mut *transaction).await?;
                sqlx::query("SET LOCAL statement_timeout = '25s'").execute(&mut *transaction).await?;
                sqlx::query(MAKE).bind(connector).bind(version).execute(&mut *transaction).await?;
                let ask = "SELECT version, sealed, good_until FROM refresh_tokens WHERE connector = $1 FOR UPDATE";
                let row: Row = sqlx::query_as(ask).bind(connector).fetch_one(&mut *transaction).await?;
                let now = sqlx::query_scalar("SELECT now_ms()").fetch_one(&mut *transaction).await?;
                (Lock::Row(transaction), row, now)
            }
        };
        let stored = self.decrypted(connector, version, row, now)?;
        Ok(LockedRefreshToken { stored, store: Arc::clone(self.0), connector: connector.to_owned(), version, lock })
    }

    async fn lock_file(self, writer: &SqlitePool, connector: &str, version: i64) -> Result<(Lock, Row, i64), Error> {
        let file = locked(&PathBuf::from(format!("{}.token-lock", self.0.file_prefix))).await?;
        sqlx::query(MAKE).bind(connector).bind(version).execute(writer).await?;
        let ask = "SELECT version, sealed, good_until FROM refresh_tokens WHERE connector = $1";
        let row: Row = sqlx::query_as(ask).bind(connector).fetch_one(writer).await?;
        let now = sqlx::query_scalar(SQLITE_NOW).fetch_one(writer).await?;
        Ok((Lock::File { _file: file, writer: writer.clone() }, row, now))
    }

    /// A token of an older version of the credentials is of no use.
    fn decrypted(self, connector: &str, version: i64, row: Row, now: i64) -> Result<Option<RefreshToken>, Error> {
        let (stored_version, sealed, good_until) = row;
        let Some(sealed) = sealed.filter(|_| stored_version == version) else { return Ok(None) };
        let plain = self.0.vault.open(&sealed, &associated_data(connector))?;
        let value: Value = serde_json::from_slice(&plain).map_err(|_| Error::Decrypt(associated_data(connector)))?;
        let text = |name: &str| value.get(name).and_then(Value::as_str).map(SecretString::from);
        let Some(refresh_token) = text("refresh_token") else { return Err(Error::Decrypt(associated_data(connector))) };
        let lifetime = Duration::from_millis(u64::try_from(good_until - now).unwrap_or(0));
        Ok(Some(RefreshToken { refresh_token, access_token: text("access_token"), lifetime }))
    }
}

impl LockedRefreshToken {
    /// Stores the token to use next, and releases the lock once that is durable.
    ///
    /// # Errors
    /// When it could not be written.
    pub async fn replace(self, token: &RefreshToken) -> Result<(), Error> {
        let value = json!({
            "refresh_token": token.refresh_token.expose_secret(),
            "access_token": token.access_token.as_ref().map(ExposeSecret::expose_secret),
        });
        let sealed = self.store.vault.seal(value.to_string().as_bytes(), &associated_data(&self.connector))?;
        let good_until = self
            .store
            .database
            .now()
            .await?
            .saturating_add(i64::try_from(token.lifetime.as_millis()).unwrap_or(i64::MAX));
        match self.lock {
            Lock::File { writer, .. } => {
                let query = sqlx::query(STORE).bind(&self.connector).bind(self.version).bind(sealed).bind(good_until);
                query.execute(&writer).await?;
            }
            Lock::Row(mut transaction) => {
                let query = sqlx::query(STORE).bind(&self.connector).bind(self.version).bind(sealed).bind(good_until);
                query.execute(&mut *transaction).await?;
                transaction.commit().await?;
            }
        }
        Ok(())
    }
}

/// The associated data of a refresh token.
pub(super) fn associated_data(connector: &str) -> String {
    format!("refresh token of {connector}")
}
