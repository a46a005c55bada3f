//! Everything durable: the ledger of jobs, connectors with encrypted credentials, deployed models, dead letters, leases.
//!
//! Knows SQL on SQLite and PostgreSQL, and is the only place that names sqlx; must not know what a job means.

mod accounts;
mod activity;
pub mod audit;
mod bulk;
mod categories;
pub mod collections;
mod connectors;
mod database;
pub mod dead_letters;
mod jobs;
mod keys;
pub mod ledger;
pub mod minutes;
mod models;
mod queued_jobs;
mod rate_limits;
mod reencryption;
mod refresh_tokens;
mod rotations;
mod secrets;
mod sqlite_writer;
mod suspects;
mod tokens;
mod usage;
mod vault;
mod workers;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use sqlx::migrate::MigrateError;

use accounts::Accounts;
use activity::JobActivity;
use audit::Audit;
use database::Database;
use ledger::LedgerHandle;
use minutes::Minutes;
use vault::Vault;

pub use accounts::{Account, AccountRequest, ReturnedRequest};
pub use bulk::{Bulk, BulkProgress, BulkRun};
pub use categories::{Categories, Category, CategoryDraft, CategoryRefusal};
pub use connectors::{
    Conflict, Connectors, Current, Draft, Existing, Identification, Imported, ListOrder, ListQuery, Record,
    StoredConnector, Subject, Written, changes_here,
};
pub use database::DatabaseTls;
pub use dead_letters::DeadLetters;
pub use jobs::Jobs;
pub use keys::{KeyStatus, Keys, Progress, Rotated, new_key};
pub use models::{Deployment, Models, NewDeployment};
pub use queued_jobs::{Queued, QueuedJob, Unconfirmed};
pub use rate_limits::RateLimits;
pub use refresh_tokens::{LockedRefreshToken, RefreshToken, RefreshTokens};
pub use rotations::{Rotation, RotationState};
pub use secrets::SecretRefusal;
pub use secrets::{ListedSecret, OpenedSecret, Secrets};
pub use suspects::{Suspects, Suspicion};
pub use tokens::{NewToken, NewTokenError, Token, Tokens, hash as token_hash};
pub use usage::NewestTask;
pub use vault::KeySource;
pub use workers::{LiveWorker, WorkerReport, Workers};

/// Why an operation of the store failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The URL is not one this software knows.
    #[error("database.url is neither sqlite:FILE nor postgres://…")]
    Url,
    /// The database cannot be reached, or broke off.
    #[error("the database cannot be reached: {0}")]
    Unreachable(#[source] Arc<sqlx::Error>),
    /// Nothing was written, since another transaction was: a serialization failure or a deadlock.
    #[error("another transaction of the database was in the way: {0}")]
    Conflict(#[source] Arc<sqlx::Error>),
    /// The file or its folder cannot be used.
    #[error("{path} cannot be used: {source}")]
    File {
        /// Which one.
        path: String,
        /// Why.
        source: Arc<std::io::Error>,
    },
    /// PostgreSQL before its first `migrate`, or of an older version.
    #[error("the database is not at this version's schema; run `data-connector migrate` (or any verb with --migrate)")]
    NotMigrated,
    /// Migrated by a newer version, or changed by hand.
    #[error("the database's schema is not this version's: {0}")]
    OtherSchema(#[source] Arc<MigrateError>),
    /// No key, or not one.
    #[error("{0}")]
    Key(String),
    /// An encrypted value that this key did not encrypt, or that was moved to another row.
    #[error("{0} cannot be decrypted with the keys that are configured")]
    Decrypt(String),
    /// A record that contradicts what is stored.
    #[error("{0}")]
    Contradiction(String),
    /// A stored value that is not what this version stores.
    #[error("{what} is damaged: {source}")]
    Damaged {
        /// Which one.
        what: String,
        /// Why.
        source: Arc<serde_json::Error>,
    },
    /// The database rejected the statement: a defect, or a value that it cannot store.
    #[error("the database rejected a statement: {0}")]
    Rejected(#[source] Arc<sqlx::Error>),
    /// A job cannot have this id.
    #[error("a job cannot have this id")]
    JobId,
    /// The ledger's writer has ended, or does not get to this in time.
    #[error("the ledger gave no answer: {0}")]
    Ledger(&'static str),
}

impl Error {
    /// Whether the database cannot be reached, or not now: another try may succeed.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Conflict(_) | Self::Ledger(_))
    }

    /// Whether the operator has to change something.
    pub fn is_misconfigured(&self) -> bool {
        matches!(self, Self::Url | Self::File { .. } | Self::NotMigrated | Self::OtherSchema(_) | Self::Key(_))
    }

    fn unreachable(error: sqlx::Error) -> Self {
        Self::Unreachable(Arc::new(error))
    }

    fn file(path: &Path, source: std::io::Error) -> Self {
        Self::File { path: path.display().to_string(), source: Arc::new(source) }
    }

    fn damaged(what: String, source: serde_json::Error) -> Self {
        Self::Damaged { what, source: Arc::new(source) }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(problem) if database::is_conflict(problem.as_ref()) => {
                Self::Conflict(Arc::new(error))
            }
            sqlx::Error::Database(problem) if !database::is_transient(problem.as_ref()) => {
                Self::Rejected(Arc::new(error))
            }
            // Defects: another try ends the same way.
            sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::Decode(_)
            | sqlx::Error::Encode(_)
            | sqlx::Error::RowNotFound => Self::Rejected(Arc::new(error)),
            _ => Self::unreachable(error),
        }
    }
}

/// An open database; cheap to clone.
#[derive(Debug, Clone)]
pub struct Store(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    database: Database,
    vault: Arc<Vault>,
    ledger_id: String,
    activity: Arc<JobActivity>,
    collections: Arc<collections::Shared>,
    /// What the names of a SQLite file's lock and key begin with.
    file_prefix: String,
}

impl Store {
    /// Opens a database. A SQLite file is made, migrated and given a key as needed, under a lock; PostgreSQL is migrated
    /// only when `migrate` says so, and needs a key (CONTRACT 8).
    ///
    /// # Errors
    /// When it cannot be reached, is not migrated, or the key is missing or another one.
    pub async fn open(url: &SecretString, keys: &KeySource, tls: &DatabaseTls, migrate: bool) -> Result<Self, Error> {
        // Before anything is connected to, unless the key is made once the file is locked.
        let given =
            if keys.is_given() || database::is_postgres(url.expose_secret()) { Some(keys.open(None)?) } else { None };
        let database::Opened { database, lock, file_prefix } = database::open(url, tls, migrate).await?;
        let vault = match given {
            Some(vault) => vault,
            None => keys.open(file_prefix.as_ref().map(|prefix| PathBuf::from(format!("{prefix}.key"))))?,
        };
        let (ledger_id, check) = database.identity(&vault.check()?).await?;
        if !vault.recognises(&check) {
            let problem = "the vault's key is not the one this database was used with; give that one in vault.key or vault.key_file";
            return Err(Error::Key(problem.to_owned()));
        }
        let store = Self(Arc::new(Inner {
            database,
            vault: Arc::new(vault),
            ledger_id,
            activity: Arc::default(),
            collections: Arc::default(),
            file_prefix: file_prefix.unwrap_or_default(),
        }));
        store.keys().bind_values().await?;
        store.connectors().index().await?;
        drop(lock);
        Ok(store)
    }

    /// This store for the runtime that calls, with connections of its own. Those that write to a SQLite file stay shared: two of
    /// one process would wait for each other by sleeping, up to 100 ms at a time.
    #[must_use]
    pub fn for_this_runtime(&self) -> Self {
        let Inner { database, vault, ledger_id, activity, collections, file_prefix } = &*self.0;
        Self(Arc::new(Inner {
            database: database.for_this_runtime(),
            vault: Arc::clone(vault),
            ledger_id: ledger_id.clone(),
            activity: Arc::clone(activity),
            collections: Arc::clone(collections),
            file_prefix: file_prefix.clone(),
        }))
    }

    /// Identifies this ledger among all others.
    pub fn ledger_id(&self) -> &str {
        &self.0.ledger_id
    }

    /// The ledger for a worker of this process. A worker has one handle and its clones, which know the grants
    /// of this worker.
    pub fn ledger(&self, worker: &str) -> LedgerHandle {
        LedgerHandle::start(self.0.database.clone(), Arc::clone(&self.0.activity), worker.to_owned())
    }

    /// Connectors, with their credentials.
    pub fn connectors(&self) -> Connectors<'_> {
        Connectors(&self.0)
    }

    /// Categories of connectors.
    pub fn categories(&self) -> Categories<'_> {
        Categories(&self.0)
    }

    /// Collections of records.
    pub fn collections(&self) -> collections::Collections<'_> {
        collections::Collections(&self.0)
    }

    /// Named secrets.
    pub fn secrets(&self) -> Secrets<'_> {
        Secrets(&self.0)
    }

    /// Refresh tokens that change with every use.
    pub fn refresh_tokens(&self) -> RefreshTokens<'_> {
        RefreshTokens(&self.0)
    }

    /// Accounts that people connected at third parties.
    pub fn accounts(&self) -> Accounts<'_> {
        Accounts(&self.0)
    }

    /// The keys that all of those are encrypted with.
    pub fn keys(&self) -> Keys<'_> {
        Keys(&self.0)
    }

    /// Deployed models.
    pub fn models(&self) -> Models<'_> {
        Models(&self.0)
    }

    /// Jobs, as people and periodic tasks ask for them.
    pub fn jobs(&self) -> Jobs<'_> {
        Jobs(&self.0)
    }

    /// Dead letters.
    pub fn dead_letters(&self) -> DeadLetters<'_> {
        DeadLetters(&self.0)
    }

    /// Workers and their leases.
    pub fn workers(&self) -> Workers<'_> {
        Workers(&self.0)
    }

    /// What workers counted, minute by minute.
    pub fn minutes(&self) -> Minutes<'_> {
        Minutes(&self.0)
    }

    /// What is done to many jobs at once.
    pub fn bulk(&self) -> Bulk<'_> {
        Bulk(&self.0)
    }

    /// Redelivered messages that are being planned.
    pub fn suspects(&self) -> Suspects<'_> {
        Suspects(&self.0)
    }

    /// Rate limits that all workers share.
    pub fn rate_limits(&self) -> RateLimits<'_> {
        RateLimits(&self.0)
    }

    /// Access tokens of the API.
    pub fn tokens(&self) -> Tokens<'_> {
        Tokens(&self.0)
    }

    /// The audit log.
    pub fn audit(&self) -> Audit<'_> {
        Audit(&self.0)
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), Error> {
        self.0.database.now().await.map(drop)
    }

    /// Closes all connections, for every clone; flush the ledger before.
    pub async fn close(&self) {
        self.0.database.close().await;
    }
}

#[cfg(test)]
mod tests;
