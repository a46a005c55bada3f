//! RabbitMQ: connections that come back, queues with every argument explicit, confirmed publishes, single acks.
//!
//! Knows lapin, which is named nowhere else; must not know what a message says.

mod broker;
mod consumer;
mod declare;
mod link;
mod message;
mod nodes;
mod publisher;
mod silence;
mod strays;
mod topology;
mod version;

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

pub use broker::Broker;
pub use consumer::{Consumer, Delivery, Stopper};
pub use message::{HeaderValue, Message, Properties};
pub use publisher::{PublishError, Publisher};
pub use topology::Topology;

/// What a connection takes.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `amqp://` or `amqps://`, password included; several nodes of one broker with commas between them.
    pub url: SecretString,
    /// What all names begin with.
    pub prefix: String,
    /// Job queues that are declared and worked on.
    pub queues: Vec<String>,
    /// How many unacked jobs a process holds.
    pub prefetch: u16,
    /// How soon a dead connection is noticed.
    pub heartbeat: Duration,
    /// After how long without a delivery a consumer is looked after.
    pub quiet: Duration,
    /// How long a confirm may take.
    pub confirm_timeout: Duration,
    /// Own certificate authorities, PEM.
    pub ca_file: Option<PathBuf>,
    /// Who we are in a TLS handshake, PEM.
    pub client_certificate: Option<PathBuf>,
    /// The key of that certificate, PEM.
    pub client_key: Option<PathBuf>,
    /// What the broker's management page shows.
    pub name: String,
}

/// Why the broker cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL is not one.
    #[error(
        "amqp.url is not an AMQP URL ({0}); write amqp://user:password@host:5672, and a comma between several nodes"
    )]
    Url(String),
    /// The certificate authorities cannot be read.
    #[error("{path}, of amqp.ca_file, amqp.client_certificate or amqp.client_key, cannot be read: {source}")]
    CaFile {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// No connection.
    #[error("RabbitMQ at {place} cannot be reached: {problem}")]
    Unreachable {
        /// Host and port.
        place: String,
        /// Why.
        problem: String,
    },
    /// Older than this software can rely on.
    #[error("RabbitMQ at {place} is {version}; 3.10 or newer is needed")]
    TooOld {
        /// Host and port.
        place: String,
        /// What it says of itself.
        version: String,
    },
    /// A queue or exchange is there with other arguments; nothing was deleted.
    #[error(
        "{thing} exists with other arguments: {problem}. Nothing was changed. Use another --prefix, or empty and delete it"
    )]
    Drift {
        /// Which one.
        thing: String,
        /// What RabbitMQ says.
        problem: String,
    },
    /// The broker refused an operation.
    #[error("RabbitMQ refused to {operation}: {problem}")]
    Refused {
        /// What was asked.
        operation: String,
        /// What RabbitMQ says.
        problem: String,
    },
}

impl Error {
    /// Whether the operator has to change something before another try can succeed.
    pub fn is_misconfigured(&self) -> bool {
        matches!(self, Self::Url(_) | Self::CaFile { .. } | Self::Drift { .. })
    }
}

#[cfg(test)]
mod tests;
