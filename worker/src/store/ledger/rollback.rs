//! Claim rollback: a grant that nobody received, or that may have been committed when the database broke off, is undone, for
//! other workers would wait for the job as long as this worker lives.

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::writer::Operation;
use super::{Claim, ClaimRequest, FIRST_FENCE};
use crate::store::Error;

/// How often rollbacks are tried while nothing else happens.
pub(super) const RETRY: Duration = Duration::from_secs(1);
/// How long a statement whose answer never came may still arrive at the database.
const LATE: Duration = Duration::from_mins(1);

/// How to undo a grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ClaimRollback {
    pub(super) id: String,
    pub(super) fence: i64,
    /// It was a dead worker's, who may have sent its request; otherwise nothing of this attempt was sent.
    pub(super) taken_over: bool,
    /// Workers that died with the job.
    pub(super) crashes: i64,
}

impl ClaimRollback {
    /// That of a job that nobody has claimed before.
    pub(super) fn first(request: &ClaimRequest) -> Self {
        Self { id: request.id.clone(), fence: FIRST_FENCE, taken_over: false, crashes: 0 }
    }
}

/// A grant whose claimant had gone when it came.
#[derive(Debug)]
pub(super) struct UndeliveredGrant {
    pub(super) id: String,
    pub(super) fence: i64,
}

/// A grant to be undone, more than once where it may be committed later than it is undone.
struct PendingRollback {
    rollback: ClaimRollback,
    since: Instant,
    until: Instant,
}

/// The grants of a worker, and those of them that are to be undone.
pub(super) struct Rollbacks {
    /// What this worker may be sending, by id.
    granted: HashMap<String, ClaimRollback>,
    pending: Vec<PendingRollback>,
    last_run: Instant,
}

impl Rollbacks {
    pub(super) fn new() -> Self {
        Self { granted: HashMap::new(), pending: Vec::new(), last_run: Instant::now() }
    }

    /// Whether nothing is to be undone.
    pub(super) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// The most crashes that any job in this worker's hands has.
    pub(super) fn most_crashes(&self) -> i64 {
        self.granted.values().map(|grant| grant.crashes).max().unwrap_or(0)
    }

    /// Notes a grant before it is delivered.
    pub(super) fn granted(&mut self, rollback: ClaimRollback) {
        self.granted.insert(rollback.id.clone(), rollback);
    }

    /// Notes that a granted job has been recorded.
    pub(super) fn recorded(&mut self, id: &str, fence: i64) {
        self.remove(id, fence);
    }

    /// A grant is undone at once: nobody received it.
    pub(super) fn undelivered(&mut self, grant: &UndeliveredGrant) {
        let rollback = self.remove(&grant.id, grant.fence);
        self.add(rollback, Duration::ZERO);
    }

    /// Grants that a statement without an answer may commit, now or a while later.
    pub(super) fn uncertain(&mut self, rollbacks: impl IntoIterator<Item = ClaimRollback>) {
        self.add(rollbacks, LATE);
    }

    /// What is to be undone now, by id.
    pub(super) fn due(&mut self) -> Vec<ClaimRollback> {
        // What was granted after all is in good hands.
        let granted = &self.granted;
        self.pending.retain(|one| granted.get(&one.rollback.id).is_none_or(|grant| grant.fence != one.rollback.fence));
        let last = self.last_run;
        if last.elapsed() < RETRY && self.pending.iter().all(|one| one.since < last) {
            return Vec::new();
        }
        let mut due: Vec<ClaimRollback> = self.pending.iter().map(|one| one.rollback.clone()).collect();
        due.sort_by(|a, b| (&a.id, a.fence).cmp(&(&b.id, b.fence)));
        due.dedup();
        if due.is_empty() {
            self.last_run = Instant::now();
        }
        due
    }

    /// Notes that what was due has been undone.
    pub(super) fn done(&mut self) {
        self.last_run = Instant::now();
        self.pending.retain(|one| one.until > self.last_run);
    }

    fn remove(&mut self, id: &str, fence: i64) -> Option<ClaimRollback> {
        self.granted.get(id).is_some_and(|grant| grant.fence == fence).then(|| self.granted.remove(id)).flatten()
    }

    fn add(&mut self, rollbacks: impl IntoIterator<Item = ClaimRollback>, late: Duration) {
        let since = Instant::now();
        let pending = |rollback| PendingRollback { rollback, since, until: since + late };
        self.pending.extend(rollbacks.into_iter().map(pending));
    }
}

/// Waits for the reply to a claim; tells the writer of a grant that nobody reads.
pub(super) struct PendingClaim {
    pub(super) id: String,
    pub(super) reply: oneshot::Receiver<Result<Claim, Error>>,
    pub(super) queue: mpsc::UnboundedSender<Operation>,
}

impl Drop for PendingClaim {
    fn drop(&mut self) {
        // Sending fails from now on, which the writer sees; what had been sent before is looked at here.
        self.reply.close();
        if let Ok(Ok(Claim::Granted(grant) | Claim::Orphaned(grant))) = self.reply.try_recv() {
            let grant = UndeliveredGrant { id: std::mem::take(&mut self.id), fence: grant.fence };
            drop(self.queue.send(Operation::Undelivered(grant)));
        }
    }
}
