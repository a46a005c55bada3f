//! How a request is carried.

use tokio::time::Instant;
use url::Url;

use crate::http::Client;
use crate::interpret::Response;
use crate::job::Failure;
use crate::plan::RequestSpec;

/// The ways a request is carried. What this process answers itself, such as collections of records, will be another one.
#[derive(Debug, Clone)]
pub enum Transport {
    /// Over the network, through the guard.
    Network(Client),
}

impl Transport {
    /// Judges a destination as it is written.
    ///
    /// # Errors
    /// As [`Client::judge`].
    pub fn judge(&self, request: &RequestSpec) -> Result<(), Failure> {
        match self {
            Self::Network(client) => client.judge(request),
        }
    }

    /// Why a URL without variables would not be let out as things are now.
    pub fn refusal_of(&self, url: &Url) -> Option<String> {
        match self {
            Self::Network(client) => client.check_url(url).err().map(|denied| denied.to_string()),
        }
    }

    /// Judges a destination, and fetches a token where one is needed.
    ///
    /// # Errors
    /// As [`Client::admit`].
    pub async fn admit(&self, request: &RequestSpec) -> Result<(), Failure> {
        match self {
            Self::Network(client) => client.admit(request).await,
        }
    }

    /// Sends a request and reads its answer by the deadline; a status of any kind is an answer.
    ///
    /// # Errors
    /// As [`Client::send_until`].
    pub async fn send(&self, request: &RequestSpec, deadline: Instant) -> Result<Response, Failure> {
        match self {
            Self::Network(client) => client.send_until(request, deadline).await,
        }
    }
}
