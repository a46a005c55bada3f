//! How much a process works on at once: what can be changed while it works.

use std::sync::Arc;

use tokio::sync::watch;

use super::in_flight::Hand;
use crate::call::host_limiter::Hosts;
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
    /// As it is configured.
    pub fn of(config: &Config) -> Self {
        Self { concurrency: config.worker.concurrency.into(), per_host: config.worker.per_host.into() }
    }
}

/// Hands on whatever is told.
pub(super) async fn follow(mut told: watch::Receiver<Capacity>, hand: Arc<Hand>, hosts: Arc<Hosts>) {
    while told.changed().await.is_ok() {
        let capacity = *told.borrow_and_update();
        hosts.resize(capacity.per_host);
        hand.resize(capacity.concurrency).await;
    }
}
