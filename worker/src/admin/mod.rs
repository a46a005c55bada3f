//! What people do with connectors, collections, models, jobs, dead letters, secrets and keys: one file a subject, typed in and
//! out. The command line is one door to it, the API will be another.
//!
//! Knows the rules of each operation; must not know arguments, printing or HTTP.

pub mod collections;
pub mod connectors;
pub mod dead_letters;
pub mod jobs;
pub mod keys;
pub mod models;
pub mod secrets;

use std::sync::Arc;

use crate::amqp::PublishError;
use crate::connector::Invalid;
use crate::store;

/// Why an operation was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What it is about does not exist.
    #[error("{0}")]
    NotFound(String),
    /// It contradicts the state of what it is about, or a setting.
    #[error("{0}")]
    Refused(String),
    /// A value that was given cannot be used.
    #[error("{0}")]
    InvalidInput(String),
    /// A record that cannot be used.
    #[error(transparent)]
    InvalidRecord(#[from] Invalid),
    /// The database.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The database, asked by several callers at once.
    #[error("the database cannot be reached")]
    Unavailable(#[from] Arc<store::Error>),
    /// A message that is not known to be on a queue.
    #[error("the message of {what} could not be published")]
    Publish {
        /// A job or a dead letter.
        what: String,
        /// Why.
        source: PublishError,
    },
}
