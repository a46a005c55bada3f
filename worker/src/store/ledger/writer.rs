//! Group commit: whatever waits is written together, nothing waits for company.
//!
//! Knows which grants it has handed out; one that nobody heard of, or that may have been written when the database broke
//! off, is taken back, for other workers would wait for it as long as this one lives.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout};

use super::batch::{Answer, Asked, Batch};
use super::link::Link;
use super::{Claim, ClaimRequest, FIRST_FENCE, Record, Recorded, Said, Undo};
use crate::store::Error;
use crate::store::database::Database;

/// Operations in one go; more would only make the first ones wait.
const BATCH: usize = 256;
/// How often taking grants back is tried while nothing else happens.
const RETRY: Duration = Duration::from_secs(1);
/// For how long a statement whose answer never came may still arrive at the database.
const LATE: Duration = Duration::from_mins(1);

/// One operation and where its answer goes.
pub(super) enum Operation {
    Claim(Arc<ClaimRequest>, Answer<Claim>),
    Record(Arc<Record>, Answer<Recorded>),
    Published(String),
    /// A grant, by id and fence, whose claimant had gone when it came.
    Unheard(String, i64),
    Flush(oneshot::Sender<()>),
}

/// The one writer of a worker; ends when the last handle is gone.
pub(super) async fn write(database: Database, worker: Arc<str>, mut waiting: mpsc::UnboundedReceiver<Operation>) {
    let mut writer = Writer {
        link: Link::to(database),
        worker,
        granted: HashMap::new(),
        doubts: Vec::new(),
        taken_back: Instant::now(),
    };
    let mut batch = Vec::new();
    loop {
        let received = if writer.doubts.is_empty() {
            Some(waiting.recv_many(&mut batch, BATCH).await)
        } else {
            timeout(RETRY, waiting.recv_many(&mut batch, BATCH)).await.ok()
        };
        if received == Some(0) {
            return;
        }
        writer.turn(std::mem::take(&mut batch)).await;
    }
}

struct Writer {
    link: Link,
    worker: Arc<str>,
    /// What this worker may be sending, by id.
    granted: HashMap<String, Undo>,
    /// Grants to be taken back.
    doubts: Vec<Doubt>,
    /// When that was last done.
    taken_back: Instant,
}

/// A grant to be taken back, more than once where it may be written later than it is undone.
struct Doubt {
    undo: Undo,
    raised: Instant,
    until: Instant,
}

/// Operations of one turn.
#[derive(Default)]
struct Sorted {
    batch: Batch,
    /// Grants that nobody heard of.
    unheard: Vec<(String, i64)>,
    flushes: Vec<oneshot::Sender<()>>,
    /// What is asked a second time, for the next batch.
    later: Vec<Operation>,
}

impl Sorted {
    fn of(operations: Vec<Operation>) -> Self {
        let mut sorted = Self::default();
        let (mut claimed, mut recorded) = (HashSet::new(), HashSet::new());
        for operation in operations {
            match operation {
                // Nobody waits for it any more.
                Operation::Claim(_, answer) if answer.is_closed() => {}
                Operation::Claim(request, answer) if claimed.insert(request.id.clone()) => {
                    sorted.batch.claims.push((request, answer));
                }
                Operation::Record(record, answer) if recorded.insert(record.id().to_owned()) => {
                    sorted.batch.records.push((record, answer));
                }
                Operation::Claim(..) | Operation::Record(..) => sorted.later.push(operation),
                Operation::Published(id) => sorted.batch.published.push(id),
                Operation::Unheard(id, fence) => sorted.unheard.push((id, fence)),
                Operation::Flush(done) => sorted.flushes.push(done),
            }
        }
        sorted.batch.sort();
        sorted
    }
}

impl Writer {
    async fn turn(&mut self, mut operations: Vec<Operation>) {
        let mut flushes = Vec::new();
        loop {
            let mut sorted = Sorted::of(operations);
            for (id, fence) in sorted.unheard {
                self.unheard(&id, fence);
            }
            if let Err(error) = self.take_back().await {
                // Nothing is granted while a grant that nobody heard of stands.
                Batch { claims: std::mem::take(&mut sorted.batch.claims), ..Batch::default() }.fail(&error);
            }
            let known = self.write(sorted.batch).await;
            operations = sorted.later;
            operations.extend(self.claims_of_known_jobs(known).await);
            flushes.extend(sorted.flushes);
            if operations.is_empty() {
                break;
            }
        }
        for done in flushes {
            done.send(()).ok();
        }
    }

    /// Writes a batch; returns its claims of jobs that have a row already.
    async fn write(&mut self, batch: Batch) -> Vec<Asked<ClaimRequest, Claim>> {
        let mut known = Vec::new();
        let mut parts = batch.parts(self.link.most_bytes());
        while let Some(part) = parts.pop() {
            match self.link.write(&self.worker, &part.questions()).await {
                Ok(written) => {
                    for ((request, answer), said) in part.claims.into_iter().zip(written.claims) {
                        match said {
                            Some(said) => self.deliver(answer, said),
                            None => known.push((request, answer)),
                        }
                    }
                    // Last, since some of them are looked up one by one.
                    for (asked, recorded) in part.records.into_iter().zip(written.records) {
                        self.tell_recorded(asked, recorded).await;
                    }
                }
                Err(error) => match part.instead(&error) {
                    Ok(others) => parts.extend(others),
                    Err(part) => self.not_written(part, &error),
                },
            }
        }
        known
    }

    async fn tell_recorded(&mut self, (record, answer): Asked<Record, Recorded>, recorded: Option<Recorded>) {
        let recorded = match recorded {
            Some(recorded) => Ok(recorded),
            None => self.link.standing(&record).await,
        };
        if recorded.is_ok() && self.granted.get(record.id()).is_some_and(|grant| grant.fence == record.fence()) {
            self.granted.remove(record.id());
        }
        answer.send(recorded).ok();
    }

    fn not_written(&mut self, part: Batch, error: &Error) {
        if error.is_passing() {
            let perhaps = |(request, _): &Asked<ClaimRequest, Claim>| Undo {
                id: request.id.clone(),
                fence: FIRST_FENCE,
                taken_over: false,
                crashes: 0,
            };
            self.doubt(part.claims.iter().map(perhaps).collect(), LATE);
        }
        if !part.published.is_empty() {
            tracing::debug!(%error, "results that were taken could not be marked; they are sent once more");
        }
        part.fail(error);
    }

    async fn claims_of_known_jobs(&mut self, claims: Vec<Asked<ClaimRequest, Claim>>) -> Vec<Operation> {
        let mut later = Vec::new();
        let mut parts = vec![Batch { claims, ..Batch::default() }];
        while let Some(part) = parts.pop() {
            if part.is_empty() {
                continue;
            }
            let mut undos = Vec::new();
            let crashes = self.granted.values().map(|grant| grant.crashes).max().unwrap_or(0);
            match self.link.known(&self.worker, &part.questions().claims, crashes, &mut undos).await {
                Ok(answers) => {
                    for ((request, answer), said) in part.claims.into_iter().zip(answers) {
                        match said {
                            Some(said) => self.deliver(answer, said),
                            None => later.push(Operation::Claim(request, answer)),
                        }
                    }
                }
                Err(error) => match part.instead(&error) {
                    Ok(others) => parts.extend(others),
                    Err(part) => {
                        if error.is_passing() {
                            self.doubt(undos, LATE);
                        }
                        part.fail(&error);
                    }
                },
            }
        }
        later
    }

    fn deliver(&mut self, answer: Answer<Claim>, said: Said) {
        let grant = said.undo.as_ref().map(|undo| (undo.id.clone(), undo.fence));
        if let Some(undo) = said.undo {
            self.granted.insert(undo.id.clone(), undo);
        }
        if answer.send(Ok(said.claim)).is_err()
            && let Some((id, fence)) = grant
        {
            self.unheard(&id, fence);
        }
    }

    fn unheard(&mut self, id: &str, fence: i64) {
        if self.granted.get(id).is_some_and(|grant| grant.fence == fence) {
            let unheard = self.granted.remove(id).into_iter().collect();
            self.doubt(unheard, Duration::ZERO);
        }
    }

    fn doubt(&mut self, undos: Vec<Undo>, late: Duration) {
        let raised = Instant::now();
        self.doubts.extend(undos.into_iter().map(|undo| Doubt { undo, raised, until: raised + late }));
    }

    /// Takes grants back that nobody heard of, so that the next claim gets the job.
    async fn take_back(&mut self) -> Result<(), Error> {
        // What may have been inserted had been there before, and is in good hands.
        let granted = &self.granted;
        self.doubts.retain(|doubt| granted.get(&doubt.undo.id).is_none_or(|grant| grant.fence != doubt.undo.fence));
        let last = self.taken_back;
        if last.elapsed() < RETRY && self.doubts.iter().all(|doubt| doubt.raised < last) {
            return Ok(());
        }
        let mut undos: Vec<Undo> = self.doubts.iter().map(|doubt| doubt.undo.clone()).collect();
        undos.sort_by(|a, b| (&a.id, a.fence).cmp(&(&b.id, b.fence)));
        undos.dedup();
        if !undos.is_empty() {
            self.link.undo(&self.worker, &undos).await?;
        }
        self.taken_back = Instant::now();
        self.doubts.retain(|doubt| doubt.until > self.taken_back);
        Ok(())
    }
}
