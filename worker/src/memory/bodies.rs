//! The bytes of large bodies, from when they come until the last part of them is dropped.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

use super::{LARGE, UNIT, waiting};

/// What the large bodies of all jobs may take together. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Bodies {
    room: Arc<Semaphore>,
    /// All of it.
    units: usize,
    /// One body at a time may grow beyond the room there is, so that of bodies that wait for one another one always ends.
    beyond: Arc<Semaphore>,
}

impl Default for Bodies {
    /// Room without a limit.
    fn default() -> Self {
        Self::new(Semaphore::MAX_PERMITS)
    }
}

impl Bodies {
    /// Room for so many units.
    pub(super) fn new(units: usize) -> Self {
        Self { room: Arc::new(Semaphore::new(units)), units, beyond: Arc::new(Semaphore::new(1)) }
    }

    /// What the bodies of one call take.
    pub fn account(&self) -> Arc<Account> {
        Arc::new(Account { bodies: self.clone(), beyond: OnceLock::new(), waited: Mutex::default() })
    }

    /// Room for a body of a request, whose call has not begun; waits for it. One that takes more than there is waits for all
    /// of it.
    pub async fn request(&self, bytes: usize) -> BodyShare {
        let room = if bytes < LARGE { None } else { self.acquire(units_of(bytes).min(self.units)).await };
        BodyShare { account: self.account(), room }
    }

    async fn acquire(&self, units: usize) -> Option<OwnedSemaphorePermit> {
        // Never closed.
        let units = u32::try_from(units).unwrap_or(u32::MAX);
        waiting(Arc::clone(&self.room).acquire_many_owned(units)).await.ok()
    }
}

/// What the bodies of one call take together: where the call may go beyond the room there is, all of them may.
#[derive(Debug)]
pub struct Account {
    bodies: Bodies,
    beyond: OnceLock<OwnedSemaphorePermit>,
    /// How long the call has waited for room.
    waited: Mutex<Duration>,
}

/// How long a call waits for room in total, without that being taken off its time.
pub const PATIENCE: Duration = Duration::from_mins(5);

impl Account {
    /// The share of a body that has not begun.
    pub fn share(self: &Arc<Self>) -> BodyShare {
        BodyShare { account: Arc::clone(self), room: None }
    }

    /// A deadline of the call, extended by the time that it has waited for room: that is no fault of its host.
    pub fn extended(&self, deadline: Instant) -> Instant {
        deadline + *self.waited()
    }

    fn waited(&self) -> MutexGuard<'_, Duration> {
        self.waited.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The room that one body takes, until it is dropped.
#[derive(Debug)]
pub struct BodyShare {
    account: Arc<Account>,
    room: Option<OwnedSemaphorePermit>,
}

impl BodyShare {
    /// Waits until the body may take so many bytes, no longer than [`PATIENCE`] for all bodies of the call; whether it may. A
    /// small one never waits.
    pub async fn grow_to(&mut self, bytes: usize) -> bool {
        let has = self.room.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let needed = units_of(bytes).saturating_sub(has);
        if bytes < LARGE || needed == 0 || self.account.beyond.get().is_some() {
            return true;
        }
        let (begun, left) = (Instant::now(), PATIENCE.saturating_sub(*self.account.waited()));
        let has_room = timeout(left, self.acquire(needed)).await.is_ok();
        let account = &self.account;
        *account.waited() += begun.elapsed();
        has_room
    }

    async fn acquire(&mut self, needed: usize) {
        let bodies = &self.account.bodies;
        tokio::select! {
            biased;
            Some(more) = bodies.acquire(needed) => match &mut self.room {
                Some(room) => room.merge(more),
                None => self.room = Some(more),
            },
            // A second one, which another body of the call got at the same time, is given back.
            Ok(beyond) = Arc::clone(&bodies.beyond).acquire_owned() => drop(self.account.beyond.set(beyond)),
            else => {}
        }
    }

    /// The same bytes, whose room is free once nobody has a part of them.
    pub fn around(self, bytes: Bytes) -> Bytes {
        if bytes.len() < LARGE {
            return bytes;
        }
        Bytes::from_owner(Held { bytes, _share: self })
    }
}

fn units_of(bytes: usize) -> usize {
    bytes.div_ceil(UNIT)
}

/// Bytes and their room.
struct Held {
    bytes: Bytes,
    _share: BodyShare,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    /// Whether a share may grow at once.
    fn grows(share: &mut BodyShare, kib: usize) -> bool {
        share.grow_to(kib * 1024).now_or_never().is_some_and(|may| may)
    }

    #[tokio::test]
    async fn bodies_that_wait_for_one_another_end_one_by_one() {
        let bodies = Bodies::new(100);
        let accounts = [bodies.account(), bodies.account(), bodies.account()];
        let [mut first, mut second, mut third] = accounts.each_ref().map(Account::share);
        assert!(grows(&mut first, 50) && grows(&mut second, 50), "there is room");
        assert!(grows(&mut first, 60), "beyond it, but the only one");
        assert!(grows(&mut first, 1_000) && grows(&mut accounts[0].share(), 1_000), "as far as its call goes");
        assert!(!grows(&mut second, 60) && !grows(&mut third, 40), "they wait");
        assert!(grows(&mut third, 31), "small ones do not");
        let body = first.around(Bytes::from(vec![0; LARGE]));
        let part = body.slice(1..2);
        let [first, ..] = accounts;
        drop((body, first));
        assert!(!grows(&mut second, 60), "a part of it is still there");
        drop(part);
        assert!(grows(&mut second, 90) && grows(&mut third, 40), "one within the room, one beyond it");
        assert!(bodies.request(40 * 1024).now_or_never().is_none(), "a request waits for the room itself");
        drop(second);
        bodies.request(40 * 1024).now_or_never().expect("there is room");
        drop(third);
        let all = bodies.request(1024 * 1024).now_or_never().expect("one that takes more has all of it");
        assert!(bodies.request(LARGE).now_or_never().is_none(), "and is alone");
        drop(all);
    }

    #[tokio::test]
    async fn waits_for_room_extend_deadlines_and_end() {
        let bodies = Bodies::new(100);
        let (all, beyond) = (bodies.request(100 * 1024).await, bodies.account());
        assert!(beyond.share().grow_to(LARGE).await, "one goes beyond");
        let (account, deadline, wait) = (bodies.account(), Instant::now(), Duration::from_millis(50));
        let mut share = account.share();
        let free = async {
            tokio::time::sleep(wait).await;
            drop(all);
        };
        let (may, ()) = tokio::join!(share.grow_to(LARGE), free);
        assert!(may);
        assert!(account.extended(deadline) >= deadline + wait);
        let _rest = bodies.request(68 * 1024).await;
        // As if it had waited for that long.
        *account.waited() = PATIENCE;
        assert!(!account.share().grow_to(LARGE).await, "there is no room");
    }
}
