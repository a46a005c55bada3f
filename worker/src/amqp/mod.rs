//! RabbitMQ: connections that are replaced when they fail, queues with every argument explicit, confirmed publishes, acks.
//!
//! Knows lapin, which is named nowhere else; must not know the content of messages.

mod acks;
mod broker;
mod connect;
mod consumer;
mod consumer_probe;
mod declare;
mod endpoints;
mod handshake;
mod header;
mod message;
mod misattributed_returns;
mod publisher;
mod reconnecting;
mod topology;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

pub use broker::{Broker, QueueDepth};
pub use consumer::{Consumer, Delivery, Stopper};
pub use header::HeaderValue;
pub use message::{Message, NameTooLong, Properties};
pub use publisher::{NoConfirm, PublishError, Publisher};
pub use topology::Topology;

/// The settings of a broker's connections.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `amqp://` or `amqps://`, password included; several nodes of one broker separated by commas.
    pub url: SecretString,
    /// The beginning of all names.
    pub prefix: String,
    /// The job queues to declare and to consume.
    pub queues: Vec<String>,
    /// How many unacked jobs a process may have.
    pub prefetch: u16,
    /// Within what time a dead connection is detected.
    pub heartbeat: Duration,
    /// After how long without a delivery a consumer is checked.
    pub consumer_check_interval: Duration,
    /// How long a confirm may take.
    pub confirm_timeout: Duration,
    /// Additional certificate authorities, PEM.
    pub ca_file: Option<PathBuf>,
    /// The client certificate, PEM.
    pub client_certificate: Option<PathBuf>,
    /// The client certificate's key, PEM.
    pub client_key: Option<PathBuf>,
    /// The connection name that RabbitMQ's management page lists.
    pub name: String,
}

/// Why the broker cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The URL does not parse.
    #[error(
        "amqp.url is not an AMQP URL ({0}); write amqp://user:password@host:5672, and a comma between several nodes"
    )]
    Url(String),
    /// A certificate or its key cannot be read.
    #[error("{path}, of amqp.ca_file, amqp.client_certificate or amqp.client_key, cannot be read: {source}")]
    TlsFile {
        /// The file.
        path: String,
        /// Why.
        source: Arc<std::io::Error>,
    },
    /// No endpoint accepts a connection.
    #[error("RabbitMQ at {address} cannot be reached: {problem}")]
    Unreachable {
        /// `host:port` of each endpoint.
        address: String,
        /// Why, for each endpoint.
        problem: String,
    },
    /// The broker is older than the versions that are supported.
    #[error("RabbitMQ at {address} is {version}; 3.10 or newer is needed")]
    TooOld {
        /// `host:port`.
        address: String,
        /// The version that it announces.
        version: String,
    },
    /// A queue or exchange exists with other arguments; nothing was deleted.
    #[error(
        "{object} exists with other arguments: {problem}. Nothing was changed. Use another --prefix, or empty and delete it"
    )]
    Drift {
        /// The queue or exchange.
        object: String,
        /// RabbitMQ's reply text.
        problem: String,
    },
    /// The broker refused an operation.
    #[error("RabbitMQ refused to {operation}: {source}")]
    Refused {
        /// The operation, as a verb with its object.
        operation: String,
        /// Why.
        source: lapin::Error,
    },
    /// The broker did not complete an operation in time.
    #[error("RabbitMQ did not {operation} within {limit:?}")]
    Timeout {
        /// The operation, as a verb with its object.
        operation: &'static str,
        /// How long it may take.
        limit: Duration,
    },
    /// The name of a queue or an exchange that AMQP cannot carry.
    #[error("RabbitMQ cannot use a name: {0}")]
    Name(#[from] NameTooLong),
}

impl Error {
    /// Whether the operator has to change something before another try can succeed.
    pub fn is_misconfigured(&self) -> bool {
        matches!(self, Self::Url(_) | Self::TlsFile { .. } | Self::Drift { .. })
    }
}

#[cfg(test)]
mod tests;
