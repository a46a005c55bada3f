//! When connectors were called last, to the minute: one small write a minute and connector, however many calls it has.

use std::time::Duration;

use moka::sync::Cache;

use crate::store::Store;

/// How often a connector's calls are noted.
const NOTED_EVERY: Duration = Duration::from_mins(1);
/// Connectors that are remembered as noted.
const CAPACITY: u64 = 10_000;

/// The connectors whose calls were noted within the last minute.
#[derive(Debug)]
pub(super) struct LastCalls(Cache<String, ()>);

impl Default for LastCalls {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(CAPACITY).time_to_live(NOTED_EVERY).build())
    }
}

impl LastCalls {
    /// Notes a call at `at_ms`, epoch milliseconds, unless one was noted a moment ago.
    pub(super) fn note(&self, store: &Store, uuid: &str, at_ms: i64) {
        if self.0.contains_key(uuid) {
            return;
        }
        self.0.insert(uuid.to_owned(), ());
        let (store, uuid) = (store.clone(), uuid.to_owned());
        tokio::spawn(async move {
            if let Err(error) = store.connectors().called(&uuid, at_ms).await {
                tracing::warn!(%error, "the time of a call could not be noted");
            }
        });
    }
}
