//! How much a process works on at once, which can be changed while it works.

use std::sync::Arc;

use tokio::sync::watch;

use super::in_flight::InFlight;
use crate::call::HostLimiter;
use crate::config::Config;

/// How much a process works on at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// Jobs.
    pub concurrency: usize,
    /// Calls to one host.
    pub per_host: usize,
}

impl Capacity {
    /// As configured.
    pub fn of(config: &Config) -> Self {
        Self { concurrency: config.worker.concurrency.into(), per_host: config.worker.per_host.into() }
    }
}

/// Applies every change.
pub(super) async fn follow(mut changes: watch::Receiver<Capacity>, in_flight: Arc<InFlight>, hosts: Arc<HostLimiter>) {
    while changes.changed().await.is_ok() {
        let capacity = *changes.borrow_and_update();
        hosts.resize(capacity.per_host);
        in_flight.resize(capacity.concurrency).await;
    }
}
