//! Refresh tokens that change with every use: one process at a time uses one, and its successor is durable before the
//! access token that came with it is used. Those of connected accounts are kept with the account.
//!
//! The lock ends with its process: a row's lock on PostgreSQL, the lock of a file next to the SQLite file.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use sqlx::{Postgres, Transaction};

use super::database::{Database, SQLITE_NOW, locked};
use super::sqlite_writer::SqliteWriter;
use super::{Error, Inner};

/// A credential's refresh token as it is stored.
#[derive(Debug, Clone)]
pub struct RefreshToken {
    /// The one to use next; an account may have none.
    pub refresh_token: Option<SecretString>,
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
    place: &'static Place,
    lock: Lock,
}

/// Where tokens are kept.
#[derive(Debug)]
struct Place {
    /// Makes the row of a credential that was not used before.
    make: Option<&'static str>,
    /// Version, sealed tokens, and until when the access token is good.
    ask: &'static str,
    /// The same with the lock of the row.
    ask_and_lock: &'static str,
    store: &'static str,
    associated_data: fn(&str) -> String,
}

#[derive(Debug)]
enum Lock {
    File { _file: std::fs::File, writer: SqliteWriter },
    Row(Transaction<'static, Postgres>),
}

type Row = (i64, Option<Vec<u8>>, i64);

/// Of credentials with a refresh token; a row of an older version is as good as none.
static OF_CREDENTIALS: Place = Place {
    make: Some("INSERT INTO refresh_tokens (connector, version) VALUES ($1, $2) ON CONFLICT (connector) DO NOTHING"),
    ask: "SELECT version, sealed, good_until FROM refresh_tokens WHERE connector = $1",
    ask_and_lock: "SELECT version, sealed, good_until FROM refresh_tokens WHERE connector = $1 FOR UPDATE",
    store: "UPDATE refresh_tokens SET version = $2, sealed = $3, good_until = $4 WHERE connector = $1",
    associated_data,
};
/// Of accounts, whose row is made when they are connected; a later connection is not overwritten.
static OF_ACCOUNTS: Place = Place {
    make: None,
    ask: "SELECT connection, sealed, good_until FROM accounts WHERE connector = $1",
    ask_and_lock: "SELECT connection, sealed, good_until FROM accounts WHERE connector = $1 FOR UPDATE",
    store: "UPDATE accounts SET sealed = $3, good_until = $4 WHERE connector = $1 AND connection = $2",
    associated_data: account_data,
};

/// Refresh tokens that change with every use.
#[derive(Debug, Clone, Copy)]
pub struct RefreshTokens<'a>(pub(super) &'a Arc<Inner>);

impl RefreshTokens<'_> {
    /// Locks a credential's refresh token, waiting for whoever has the lock.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn lock(self, connector: &str, version: i64) -> Result<LockedRefreshToken, Error> {
        self.lock_in(&OF_CREDENTIALS, connector, version).await
    }

    /// The same of an account; one that was disconnected, or connected anew, has nothing stored.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn lock_account(self, connector: &str, connection: i64) -> Result<LockedRefreshToken, Error> {
        self.lock_in(&OF_ACCOUNTS, connector, connection).await
    }

    async fn lock_in(self, place: &'static Place, connector: &str, version: i64) -> Result<LockedRefreshToken, Error> {
        let (lock, row, now) = match &self.0.database {
            Database::Sqlite { writer, .. } => self.lock_file(place, writer, (connector, version)).await?,
            Database::Postgres(pool) => {
                let mut transaction = pool.begin().await?;
                sqlx::query("SET LOCAL lock_timeout = '20s'").execute(&mut *transaction).await?;
                sqlx::query("SET LOCAL statement_timeout = '25s'").execute(&mut *transaction).await?;
                if let Some(make) = place.make {
                    sqlx::query(make).bind(connector).bind(version).execute(&mut *transaction).await?;
                }
                let row: Option<Row> =
                    sqlx::query_as(place.ask_and_lock).bind(connector).fetch_optional(&mut *transaction).await?;
                let now = sqlx::query_scalar("SELECT now_ms()").fetch_one(&mut *transaction).await?;
                (Lock::Row(transaction), row, now)
            }
        };
        let stored = self.decrypted(place, (connector, version), row, now)?;
        let connector = connector.to_owned();
        Ok(LockedRefreshToken { stored, store: Arc::clone(self.0), connector, version, place, lock })
    }

    async fn lock_file(
        self,
        place: &Place,
        writer: &SqliteWriter,
        (connector, version): (&str, i64),
    ) -> Result<(Lock, Option<Row>, i64), Error> {
        let file = locked(&PathBuf::from(format!("{}.token-lock", self.0.file_prefix))).await?;
        let mut connection = writer.connection().await?;
        if let Some(make) = place.make {
            sqlx::query(make).bind(connector).bind(version).execute(&mut *connection).await?;
        }
        let row: Option<Row> = sqlx::query_as(place.ask).bind(connector).fetch_optional(&mut *connection).await?;
        let now = sqlx::query_scalar(SQLITE_NOW).fetch_one(&mut *connection).await?;
        Ok((Lock::File { _file: file, writer: writer.clone() }, row, now))
    }

    /// A token of an older version of the credentials, or of another connection, is of no use.
    fn decrypted(
        self,
        place: &Place,
        (connector, version): (&str, i64),
        row: Option<Row>,
        now: i64,
    ) -> Result<Option<RefreshToken>, Error> {
        let Some((stored_version, Some(sealed), good_until)) = row else { return Ok(None) };
        if stored_version != version {
            return Ok(None);
        }
        let bound_to = (place.associated_data)(connector);
        let plain = self.0.vault.open(&sealed, &bound_to)?;
        let value: Value = serde_json::from_slice(&plain).map_err(|_| Error::Decrypt(bound_to.clone()))?;
        let text = |name: &str| value.get(name).and_then(Value::as_str).map(SecretString::from);
        let (refresh_token, access_token) = (text("refresh_token"), text("access_token"));
        if refresh_token.is_none() && access_token.is_none() {
            return Err(Error::Decrypt(bound_to));
        }
        let lifetime = Duration::from_millis(u64::try_from(good_until - now).unwrap_or(0));
        Ok(Some(RefreshToken { refresh_token, access_token, lifetime }))
    }
}

impl LockedRefreshToken {
    /// Stores the token to use next, and releases the lock once that is durable.
    ///
    /// # Errors
    /// When it could not be written.
    pub async fn replace(self, token: &RefreshToken) -> Result<(), Error> {
        let bound_to = (self.place.associated_data)(&self.connector);
        let sealed = self.store.vault.seal(sealed_text(token).as_bytes(), &bound_to)?;
        let good_until = self
            .store
            .database
            .now()
            .await?
            .saturating_add(i64::try_from(token.lifetime.as_millis()).unwrap_or(i64::MAX));
        match self.lock {
            Lock::File { writer, .. } => {
                let query = sqlx::query(self.place.store)
                    .bind(&self.connector)
                    .bind(self.version)
                    .bind(sealed)
                    .bind(good_until);
                query.execute(&mut *writer.connection().await?).await?;
            }
            Lock::Row(mut transaction) => {
                let query = sqlx::query(self.place.store)
                    .bind(&self.connector)
                    .bind(self.version)
                    .bind(sealed)
                    .bind(good_until);
                query.execute(&mut *transaction).await?;
                transaction.commit().await?;
            }
        }
        Ok(())
    }
}

/// Tokens as they are sealed.
pub(super) fn sealed_text(token: &RefreshToken) -> String {
    let text = |token: &Option<SecretString>| token.as_ref().map(|token| token.expose_secret().to_owned());
    json!({"refresh_token": text(&token.refresh_token), "access_token": text(&token.access_token)}).to_string()
}

/// The associated data of an account's tokens.
pub(super) fn account_data(connector: &str) -> String {
    format!("account of {connector}")
}

/// The associated data of a refresh token.
pub(super) fn associated_data(connector: &str) -> String {
    format!("refresh token of {connector}")
}
