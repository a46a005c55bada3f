//! One part of the memory, and the shares of it.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{LARGE, UNIT, units, waiting};

/// One part of the memory. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Pool {
    room: Arc<Semaphore>,
    /// All of it, bytes: what one input may take.
    all: usize,
}

/// A share of the memory, until it is dropped.
#[derive(Debug, Default)]
pub struct Share(Option<OwnedSemaphorePermit>);

/// More than one input may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("takes some {needed} bytes in memory, and one may take {share} (a part of limits.memory)")]
pub struct TooMuch {
    needed: usize,
    share: usize,
}

impl Pool {
    pub(super) fn new(bytes: usize) -> Self {
        Self { room: Arc::new(Semaphore::new(units(bytes))), all: units(bytes) * UNIT }
    }

    /// The most that one input may take, bytes.
    pub(super) fn all(&self) -> usize {
        self.all
    }

    /// Waits for a share; a small one is none.
    pub(super) async fn share(&self, bytes: usize) -> Result<Share, TooMuch> {
        if bytes < LARGE {
            return Ok(Share::default());
        }
        if bytes > self.all {
            return Err(TooMuch { needed: bytes, share: self.all });
        }
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX);
        // Never closed.
        Ok(Share(waiting(Arc::clone(&self.room).acquire_many_owned(units)).await.ok()))
    }
}

impl Share {
    /// Whether it is one: what is small has none.
    pub fn is_some(&self) -> bool {
        self.0.is_some()
    }

    /// Gives back what is not needed for so many bytes.
    pub fn shrink_to(&mut self, bytes: usize) {
        let Some(permit) = &mut self.0 else { return };
        let needed = if bytes < LARGE { 0 } else { bytes.div_ceil(UNIT) };
        drop(permit.split(permit.num_permits().saturating_sub(needed)));
    }
}
