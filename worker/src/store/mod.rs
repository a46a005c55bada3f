//! What is kept: the ledger of jobs, connectors with sealed credentials, deployed tasks, dead letters, leases.
//!
//! Knows SQL on SQLite and PostgreSQL, and is the only place that names sqlx; must not know what a job means.

mod connectors;
mod database;
pub mod dead_letters;
mod jobs;
mod keys;
pub mod ledger;
mod models;
mod rate_limits;
mod reencryption;
mod refresh_tokens;
mod secrets;
mod vault;
mod workers;

use std::path::PathBuf;
use std::sync::Arc;

use secrecy::SecretString;

use database::Database;
use ledger::LedgerHandle;
use vault::Vault;

pub use connectors::{Connectors, Imported, StoredConnector};
pub use database::DatabaseTls;
pub use dead_letters::DeadLetters;
pub use jobs::Jobs;
pub use keys::{KeyStatus, Keys, Rotated, new_key};
pub use models::{Deployment, Models};
pub use rate_limits::RateLimits;
pub use refresh_tokens::{LockedRefreshToken, RefreshToken, RefreshTokens};
pub use secrets::{ListedSecret, OpenedSecret, Secrets};
pub use vault::KeySource;
pub use workers::{LiveWorker, Workers};

/// Why the store cannot do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL is not one this software knows.
    #[error("database.url is neither sqlite:FILE nor postgres://…")]
    Url,
    /// The database cannot be reached, or broke off.
    #[error("the database cannot be reached: {0}")]
    Unreachable(String),
    /// Another writer was in the way, so that nothing was written.
    #[error("another writer of the database was in the way: {0}")]
    InTheWay(String),
    /// The file or its folder cannot be used.
    #[error("{path} cannot be used: {source}")]
    File {
        /// Which one.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// PostgreSQL before its first `migrate`, or of an older version.
    #[error("the database is not at this version's schema; run `data-connector migrate` (or any verb with --migrate)")]
    NotMigrated,
    /// Migrated by a newer version, or changed by hand.
    #[error("the database's schema is not this version's: {0}")]
    OtherSchema(String),
    /// No key, or not one.
    #[error("{0}")]
    Key(String),
    /// A sealed value that this key did not seal, or that was moved to another row.
    #[error("the credentials of {0} cannot be opened with this key")]
    Sealed(String),
    /// A record that contradicts what is stored.
    #[error("{0}")]
    Conflict(String),
    /// The statement itself failed: a defect, or a value that the database cannot hold.
    #[error("the database refused: {0}")]
    Refused(String),
}

impl Error {
    /// Whether the database cannot be reached, or not now: another try may succeed.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::InTheWay(_))
    }

    /// Whether the operator has to change something.
    pub fn is_misconfigured(&self) -> bool {
        matches!(self, Self::Url | Self::File { .. } | Self::NotMigrated | Self::OtherSchema(_) | Self::Key(_))
    }
}

impl Error {
    /// The same for another one who waited for the same batch.
    fn again(&self) -> Self {
        match self {
            Self::Unreachable(why) => Self::Unreachable(why.clone()),
            Self::InTheWay(why) => Self::InTheWay(why.clone()),
            Self::Refused(why) => Self::Refused(why.clone()),
            other => Self::Refused(other.to_string()),
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(problem) if database::is_in_the_way(problem.as_ref()) => {
                Self::InTheWay(problem.message().to_owned())
            }
            sqlx::Error::Database(problem) if !database::is_passing(problem.as_ref()) => {
                Self::Refused(problem.message().to_owned())
            }
            // Defects: another try ends the same way.
            sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::Decode(_)
            | sqlx::Error::Encode(_)
            | sqlx::Error::RowNotFound => Self::Refused(error.to_string()),
            _ => Self::Unreachable(error.to_string()),
        }
    }
}

/// An open database; cheap to clone.
#[derive(Debug, Clone)]
pub struct Store(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    database: Database,
    vault: Vault,
    ledger_id: String,
    /// What files beside a SQLite file begin with.
    beside: String,
}

impl Store {
    /// Opens a database. A SQLite file is made, migrated and given a key as needed, under a lock; PostgreSQL is migrated
    /// only when `migrate` says so, and needs a key (CONTRACT 8).
    ///
    /// # Errors
    /// When it cannot be reached, is not migrated, or the key is missing or another one.
    pub async fn open(url: &SecretString, keys: &KeySource, tls: &DatabaseTls, migrate: bool) -> Result<Self, Error> {
        let database::Opened { database, lock, beside } = database::open(url, tls, migrate).await?;
        let default_key_file = beside.as_ref().map(|beside| PathBuf::from(format!("{beside}.key")));
        let vault = Vault::open_with(keys, keys.file(default_key_file)?)?;
        let (ledger_id, check) = database.identity(&vault.check()?).await?;
        if !vault.recognises(&check) {
            let problem = "the vault's key is not the one this database was used with; give that one in vault.key or vault.key_file";
            return Err(Error::Key(problem.to_owned()));
        }
        drop(lock);
        Ok(Self(Arc::new(Inner { database, vault, ledger_id, beside: beside.unwrap_or_default() })))
    }

    /// What tells this ledger from every other one.
    pub fn ledger_id(&self) -> &str {
        &self.0.ledger_id
    }

    /// The ledger for a worker of this process. A worker has one handle and its clones: it remembers which claims it was
    /// granted.
    pub fn ledger(&self, worker: &str) -> LedgerHandle {
        LedgerHandle::start(self.0.database.clone(), worker.to_owned())
    }

    /// Connectors, with their credentials.
    pub fn connectors(&self) -> Connectors<'_> {
        Connectors(&self.0)
    }

    /// Named secrets.
    pub fn secrets(&self) -> Secrets<'_> {
        Secrets(&self.0)
    }

    /// Refresh tokens that change with every use.
    pub fn refresh_tokens(&self) -> RefreshTokens<'_> {
        RefreshTokens(&self.0)
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

    /// Rate limits that all workers share.
    pub fn rate_limits(&self) -> RateLimits<'_> {
        RateLimits(&self.0)
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), Error> {
        self.0.database.now().await.map(drop)
    }

    /// Ends all connections, for every clone; what waits in a ledger is to be flushed before.
    pub async fn close(&self) {
        self.0.database.close().await;
    }
}

#[cfg(test)]
mod tests;
