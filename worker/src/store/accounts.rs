//! Accounts that people connected at third parties, and browsers that are on their way there (API 8).
//!
//! The tokens of an account are locked and replaced like other refresh tokens, see `refresh_tokens`.

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::audit::{self, Entry};
use super::connectors::note_change;
use super::database::on;
use super::refresh_tokens::{RefreshToken, account_data, sealed_text};
use super::{Error, Inner};
use crate::job::hex;

/// How long a state is remembered after it was given out, milliseconds: who comes back late is told so.
const REMEMBERED: i64 = 24 * 60 * 60 * 1_000;

/// A connected account without its tokens.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Account {
    /// Which connection.
    pub connection: i64,
    /// Hash of the OAuth settings that its tokens are for.
    pub settings: String,
    /// What they are good for, where that was said.
    pub scope: Option<String>,
    /// Epoch milliseconds.
    pub connected_at: i64,
}

/// A browser that is sent to a third party.
#[derive(Debug, Clone)]
pub struct AccountRequest {
    /// The uuid of the connector.
    pub connector: String,
    /// Counts the changes of its credentials.
    pub credentials_version: i64,
    /// Who asks, as the audit log names them.
    pub actor: String,
    /// When their token ends, epoch milliseconds, where it cannot be looked up.
    pub actor_until: Option<i64>,
    /// Where the browser goes in the end.
    pub return_url: Option<String>,
    /// The verifier of the challenge (RFC 7636).
    pub verifier: SecretString,
    /// Where the browser comes back to.
    pub redirect_uri: String,
}

/// A browser that came back.
#[derive(Debug)]
pub struct ReturnedRequest {
    /// What it was sent with.
    pub request: AccountRequest,
    /// The state had been used before.
    pub was_used: bool,
    /// How long ago it was sent, milliseconds.
    pub age: i64,
}

#[derive(sqlx::FromRow)]
struct Row {
    connector: String,
    credentials_version: i64,
    actor: String,
    actor_until: Option<i64>,
    return_url: Option<String>,
    sealed: Vec<u8>,
    created_at: i64,
}

const FIND: &str = "SELECT connection, settings, scope, connected_at FROM accounts WHERE connector = $1";
/// A later connection has the larger number, whatever the clock does.
const CONNECT: &str = "INSERT INTO accounts (connector, connection, settings, scope, connected_at, sealed, good_until)
    VALUES ($1, $2, $3, $4, $2, $5, $6) ON CONFLICT (connector) DO UPDATE SET
    connection = CASE WHEN accounts.connection >= excluded.connection THEN accounts.connection + 1
        ELSE excluded.connection END,
    settings = excluded.settings, scope = excluded.scope, connected_at = excluded.connected_at, sealed = excluded.sealed,
    good_until = excluded.good_until";
const DISCONNECT: &str = "DELETE FROM accounts WHERE connector = $1";
const CURRENT: &str = "SELECT COUNT(*) FROM connectors WHERE uuid = $1 AND credentials_version = $2";
const FORGET_OLD: &str = "DELETE FROM account_requests WHERE created_at < $1";
const SEND: &str =
    "INSERT INTO account_requests (state, connector, credentials_version, actor, actor_until, return_url,
    sealed, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
const USE: &str = "UPDATE account_requests SET used_at = $2 WHERE state = $1 AND used_at IS NULL";
const RETURNED: &str = "SELECT connector, credentials_version, actor, actor_until, return_url, sealed, created_at
    FROM account_requests WHERE state = $1";
/// What a removed connector leaves behind of its account.
pub(super) const FORGET: [&str; 2] = [DISCONNECT, "DELETE FROM account_requests WHERE connector = $1"];

/// Accounts of connectors.
#[derive(Debug, Clone, Copy)]
pub struct Accounts<'a>(pub(super) &'a Inner);

impl Accounts<'_> {
    /// The account of the connector with this uuid, whatever its tokens are for.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn find(self, connector: &str) -> Result<Option<Account>, Error> {
        on!(&self.0.database, read db => sqlx::query_as(FIND).bind(connector).fetch_optional(db).await?)
    }

    /// Notes that a browser is sent away with this state, of which the hash is kept.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn send(self, state: &SecretString, request: &AccountRequest) -> Result<(), Error> {
        let (begin, clock) = (self.0.database.begin(), self.0.database.clock());
        let state = hashed(state.expose_secret());
        let secret = json!({"verifier": request.verifier.expose_secret(), "redirect_uri": request.redirect_uri});
        let sealed = self.0.vault.seal(secret.to_string().as_bytes(), &request_data(&state))?;
        on!(&self.0.database, write db => {
            let mut transaction = sqlx::Connection::begin_with(db, begin).await?;
            let now: i64 = sqlx::query_scalar(clock).fetch_one(&mut *transaction).await?;
            sqlx::query(FORGET_OLD).bind(now - REMEMBERED).execute(&mut *transaction).await?;
            sqlx::query(SEND)
                .bind(&state).bind(&request.connector).bind(request.credentials_version).bind(&request.actor)
                .bind(request.actor_until).bind(&request.return_url).bind(&sealed).bind(now)
                .execute(&mut *transaction).await?;
            transaction.commit().await?;
        })
    }

    /// Takes the state of a browser that came back, which is used from then on; `None` for one that was never given out, or
    /// long ago.
    ///
    /// # Errors
    /// When the database cannot be reached, or no key here opens what was kept.
    pub async fn take(self, state: &str) -> Result<Option<ReturnedRequest>, Error> {
        let clock = self.0.database.clock();
        let state = hashed(state);
        // Anybody may come with anything: what is not known writes nothing.
        let row: Option<Row> =
            on!(&self.0.database, read db => sqlx::query_as(RETURNED).bind(&state).fetch_optional(db).await?)?;
        let Some(row) = row else { return Ok(None) };
        let (used, now): (u64, i64) = on!(&self.0.database, write db => {
            let now: i64 = sqlx::query_scalar(clock).fetch_one(&mut *db).await?;
            // One statement: of two that come at once, one finds it unused.
            (sqlx::query(USE).bind(&state).bind(now).execute(db).await?.rows_affected(), now)
        })?;
        let (verifier, redirect_uri) = self.opened(&state, &row.sealed)?;
        let Row { connector, credentials_version, actor, actor_until, return_url, created_at, .. } = row;
        let request =
            AccountRequest { connector, credentials_version, actor, actor_until, return_url, verifier, redirect_uri };
        Ok(Some(ReturnedRequest { request, was_used: used == 0, age: now - created_at }))
    }

    fn opened(self, state: &str, sealed: &[u8]) -> Result<(SecretString, String), Error> {
        let plain = self.0.vault.open(sealed, &request_data(state))?;
        let value: Value = serde_json::from_slice(&plain).map_err(|_| Error::Decrypt(request_data(state)))?;
        let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
        Ok((SecretString::from(text("verifier")), text("redirect_uri").to_owned()))
    }

    /// Stores the tokens of an account that was connected, in the place of those before, with the entry of the audit log; false
    /// where the connector is not there any more with these credentials.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn connect(
        self,
        (connector, credentials_version): (&str, i64),
        (settings, scope): (&str, Option<&str>),
        tokens: &RefreshToken,
        entry: &Entry,
    ) -> Result<bool, Error> {
        let (begin, clock) = (self.0.database.begin(), self.0.database.clock());
        let sealed = self.0.vault.seal(sealed_text(tokens).as_bytes(), &account_data(connector))?;
        let lifetime = i64::try_from(tokens.lifetime.as_millis()).unwrap_or(i64::MAX);
        let is_connected = on!(&self.0.database, write db => {
            let mut transaction = sqlx::Connection::begin_with(db, begin).await?;
            // Whoever changes a connector locks this row first, too.
            sqlx::query(super::connectors::CHANGED).execute(&mut *transaction).await?;
            let current: i64 = sqlx::query_scalar(CURRENT)
                .bind(connector).bind(credentials_version)
                .fetch_one(&mut *transaction).await?;
            if current == 0 {
                return Ok(false);
            }
            let now: i64 = sqlx::query_scalar(clock).fetch_one(&mut *transaction).await?;
            sqlx::query(CONNECT)
                .bind(connector).bind(now).bind(settings).bind(scope).bind(&sealed).bind(now.saturating_add(lifetime))
                .execute(&mut *transaction).await?;
            audit::append!(transaction, entry, now);
            transaction.commit().await?;
            true
        })?;
        note_change();
        Ok(is_connected)
    }

    /// Forgets the account of a connector and its tokens; whether there was one.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn disconnect(self, connector: &str, entry: &Entry) -> Result<bool, Error> {
        let (begin, clock) = (self.0.database.begin(), self.0.database.clock());
        let was_there = on!(&self.0.database, write db => {
            let mut transaction = sqlx::Connection::begin_with(db, begin).await?;
            sqlx::query(super::connectors::CHANGED).execute(&mut *transaction).await?;
            let gone = sqlx::query(DISCONNECT).bind(connector).execute(&mut *transaction).await?.rows_affected() > 0;
            if gone {
                let now: i64 = sqlx::query_scalar(clock).fetch_one(&mut *transaction).await?;
                audit::append!(transaction, entry, now);
            }
            transaction.commit().await?;
            gone
        })?;
        note_change();
        Ok(was_there)
    }
}

fn hashed(state: &str) -> String {
    hex(&Sha256::digest(state))
}

/// The associated data of what is kept under a state.
pub(super) fn request_data(state: &str) -> String {
    format!("account request {state}")
}
