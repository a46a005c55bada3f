//! Identical calls in flight are one call, whoever asks and whoever leaves; nothing is kept after it (API 5).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::sync::watch;

use super::super::error::Error;
use super::input::Input;
use super::outcome::Told;
use crate::job;
use crate::store::StoredConnector;

/// What makes two calls the same: the connector's version, the configuration, the data, as JSON values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key([u8; 32]);

impl Key {
    pub(super) fn new(connector: &StoredConnector, input: &Input) -> Self {
        let identity = json!([
            connector.uuid,
            connector.version,
            connector.credentials_version,
            input.is_mapped,
            input.config,
            *input.data,
        ]);
        Self(Sha256::digest(job::canonical(&identity)).into())
    }
}

/// What a call ended with; `None` while it is being made.
type Landed = Option<Option<Arc<Told>>>;

/// The calls that are being made.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Flights(Arc<Mutex<HashMap<Key, watch::Receiver<Landed>>>>);

impl Flights {
    /// The outcome of the call that is being made under this key, else of `start`, which others may then join.
    ///
    /// # Errors
    /// What `start` failed with, for whoever started it; 503 for those that had joined.
    pub(super) async fn join<F>(&self, key: Key, start: impl FnOnce() -> F + Send) -> Result<Arc<Told>, Error>
    where
        F: Future<Output = Result<Told, Error>> + Send + 'static,
    {
        let (tell, joined) = {
            let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(landed) = flights.get(&key) {
                (None, landed.clone())
            } else {
                let (tell, landed) = watch::channel(None);
                flights.insert(key, landed.clone());
                (Some(tell), landed)
            }
        };
        let Some(tell) = tell else { return landed(joined).await };
        let (call, flights) = (start(), Arc::clone(&self.0));
        // In a task of its own: whoever started it may leave, and others wait for it.
        let flight = tokio::spawn(async move {
            let ended = call.await.map(Arc::new);
            flights.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
            tell.send_replace(Some(ended.as_ref().ok().map(Arc::clone)));
            ended
        });
        flight.await.unwrap_or_else(|_| Err(Error::internal()))
    }
}

/// Waits for a call that somebody else started.
async fn landed(mut joined: watch::Receiver<Landed>) -> Result<Arc<Told>, Error> {
    let ended = joined.wait_for(Option::is_some).await.ok().and_then(|landed| landed.clone()).flatten();
    ended.ok_or_else(|| Error::unavailable("the call that this one joined could not be made; try again"))
}
