//! What people do with connectors, collections, models, jobs, dead letters, secrets, keys and tokens: one file a subject, typed
//! in and out. The command line and the API are its doors.
//!
//! Knows the rules of each operation; must not know arguments, printing or HTTP.

pub mod accounts;
pub mod bulk;
pub mod categories;
pub mod collections;
pub mod connectors;
pub mod convert;
pub mod dead_letters;
pub mod examples;
pub mod executions;
pub mod job_view;
pub mod jobs;
pub mod keys;
pub mod lint;
pub mod models;
pub mod rest_jobs;
pub mod secrets;
pub mod stats;
pub mod tokens;
pub mod trials;
pub mod workers;

use std::sync::Arc;

use serde_json::Value;

use crate::amqp::PublishError;
use crate::connector::Invalid;
use crate::store;
use crate::store::audit::Entry;

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

/// Who asks for a change, for the audit log.
#[derive(Debug, Clone)]
pub struct By {
    /// `token:<id>`, `oidc:<sub>`, `cli:<user>`, `system`.
    pub actor: String,
    /// The request that asks for it.
    pub request_id: Option<String>,
}

impl By {
    /// This software itself.
    pub fn system() -> Self {
        Self { actor: "system".to_owned(), request_id: None }
    }

    /// An entry of the audit log; `detail` holds no values.
    pub fn entry(&self, action: &'static str, target: &str, detail: Value) -> Entry {
        Entry {
            actor: self.actor.clone(),
            action,
            target: target.to_owned(),
            detail,
            request_id: self.request_id.clone(),
        }
    }
}
