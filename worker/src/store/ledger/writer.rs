//! Group commit: whatever waits is written together. While there is much to write, what comes next waits some milliseconds for
//! company; where there is little, nothing does.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::batch::{Answer, Batch, Waiting};
use super::connection::LedgerConnection;
use super::decide::Reply;
use super::rollback::{ClaimRollback, RETRY, Rollbacks, UndeliveredGrant};
use super::{Claim, ClaimRequest, Held, HoldRequest, Record, Recorded};
use crate::store::Error;
use crate::store::activity::JobActivity;
use crate::store::database::Database;

/// Operations in one go; more would only make the first ones wait.
const BATCH: usize = 256;
/// From so many operations on, whose callers wait, a batch is a large one: more than come while one waits for company at a rate
/// of jobs at which each of them should be quick, 500 a second.
const LARGE: usize = 24;
/// How long those that come after a large batch wait for others at most: 5 ms save a fifth of a busy worker's processor time,
/// and a quarter of the database's.
const COMPANY: Duration = Duration::from_millis(5);
/// Once nothing has come for so long, everybody waits already.
const COMPANY_PAUSE: Duration = Duration::from_millis(1);
/// How long marks of published results wait for other operations: a worker that dies meanwhile has these results sent once
/// more.
const MARKS_WAIT: Duration = Duration::from_millis(50);

/// One operation and where its answer goes.
pub(super) enum Operation {
    Claim(Arc<ClaimRequest>, Answer<Claim>),
    Record(Arc<Record>, Answer<Recorded>),
    Hold(Arc<HoldRequest>, Answer<Held>),
    Published(String),
    Undelivered(UndeliveredGrant),
    Flush(oneshot::Sender<()>),
}

impl Operation {
    /// Whether a job goes on only once it is written.
    fn is_waited_for(&self) -> bool {
        matches!(self, Self::Claim(..) | Self::Record(..) | Self::Hold(..))
    }
}

/// The one writer of a worker; ends when the last handle is gone.
pub(super) async fn write(
    (database, activity): (Database, Arc<JobActivity>),
    worker: Arc<str>,
    mut operations: mpsc::UnboundedReceiver<Operation>,
) {
    let connection = LedgerConnection::to(database);
    let mut writer = Writer { connection, worker, rollbacks: Rollbacks::new() };
    let mut batch = Vec::new();
    loop {
        let next = next_batch(&mut operations, &mut batch);
        let received = if writer.rollbacks.is_empty() { Some(next.await) } else { timeout(RETRY, next).await.ok() };
        if received == Some(0) {
            return;
        }
        activity.note();
        let is_large = batch.iter().filter(|operation| operation.is_waited_for()).count() >= LARGE;
        writer.turn(std::mem::take(&mut batch)).await;
        if is_large {
            company(&operations).await;
        }
    }
}

/// Waits while more company is to be expected.
async fn company(operations: &mpsc::UnboundedReceiver<Operation>) {
    let begun = Instant::now();
    loop {
        let before = operations.len();
        sleep(COMPANY_PAUSE).await;
        if !is_more_expected(before, operations.len(), begun.elapsed()) {
            return;
        }
    }
}

/// Whether operations still come, and there are not enough for a batch.
fn is_more_expected(before: usize, now: usize, waited: Duration) -> bool {
    before < now && now < BATCH && waited < COMPANY
}

/// Waits for operations, and takes all that there are; returns how many, 0 once the last handle is gone. Marks of published
/// results wait for a short while until anything else is to be written: nobody waits for them, and alone they would take a
/// transaction of their own, for which those who come next would have to wait.
async fn next_batch(operations: &mut mpsc::UnboundedReceiver<Operation>, batch: &mut Vec<Operation>) -> usize {
    if operations.recv_many(batch, BATCH).await == 0 {
        return batch.len();
    }
    let end = Instant::now() + MARKS_WAIT;
    while batch.len() < BATCH && batch.iter().all(|operation| matches!(operation, Operation::Published(_))) {
        match timeout_at(end, operations.recv_many(batch, BATCH - batch.len())).await {
            Ok(1..) => {}
            Ok(0) | Err(_) => break,
        }
    }
    batch.len()
}

struct Writer {
    connection: LedgerConnection,
    worker: Arc<str>,
    rollbacks: Rollbacks,
}

/// Operations of one turn.
#[derive(Default)]
struct Sorted {
    batch: Batch,
    holds: Vec<Waiting<HoldRequest, Held>>,
    undelivered: Vec<UndeliveredGrant>,
    flushes: Vec<oneshot::Sender<()>>,
    /// Operations on an id that the batch has already, for the next one.
    later: Vec<Operation>,
}

impl Sorted {
    fn of(operations: Vec<Operation>) -> Self {
        let mut sorted = Self::default();
        let (mut claimed, mut recorded, mut held) = (HashSet::new(), HashSet::new(), HashSet::new());
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
                Operation::Hold(request, answer) if held.insert(request.claim.id.clone()) => {
                    sorted.holds.push((request, answer));
                }
                Operation::Claim(..) | Operation::Record(..) | Operation::Hold(..) => sorted.later.push(operation),
                Operation::Published(id) => sorted.batch.published.push(id),
                Operation::Undelivered(grant) => sorted.undelivered.push(grant),
                Operation::Flush(done) => sorted.flushes.push(done),
            }
        }
        sorted.batch.sort();
        sorted.holds.sort_by(|(a, _), (b, _)| a.claim.id.cmp(&b.claim.id));
        sorted
    }
}

impl Writer {
    async fn turn(&mut self, mut operations: Vec<Operation>) {
        let mut flushes = Vec::new();
        loop {
            let mut sorted = Sorted::of(operations);
            sorted.undelivered.iter().for_each(|grant| self.rollbacks.undelivered(grant));
            if let Err(error) = self.roll_back().await {
                // Nothing is granted while a grant stands that nobody received.
                Batch { claims: std::mem::take(&mut sorted.batch.claims), ..Batch::default() }.fail(&error);
            }
            let known = self.write(sorted.batch).await;
            operations = sorted.later;
            operations.extend(self.claim_known(known).await);
            // Last, since nobody's call waits for it.
            self.hold(sorted.holds).await;
            flushes.extend(sorted.flushes);
            if operations.is_empty() {
                break;
            }
        }
        for done in flushes {
            done.send(()).ok();
        }
    }

    async fn roll_back(&mut self) -> Result<(), Error> {
        let due = self.rollbacks.due();
        if !due.is_empty() {
            self.connection.roll_back(&self.worker, &due).await?;
            self.rollbacks.done();
        }
        Ok(())
    }

    /// Writes a batch; returns its claims of jobs that have a row already.
    async fn write(&mut self, batch: Batch) -> Vec<Waiting<ClaimRequest, Claim>> {
        let mut known = Vec::new();
        let mut parts = batch.parts(self.connection.most_bytes());
        while let Some(part) = parts.pop() {
            match self.connection.write(&self.worker, &Arc::new(part.view())).await {
                Ok(written) => {
                    for ((request, answer), reply) in part.claims.into_iter().zip(written.claims) {
                        match reply {
                            Some(reply) => self.deliver(answer, reply),
                            None => known.push((request, answer)),
                        }
                    }
                    // Last, since some of them are looked up one by one.
                    for (record, recorded) in part.records.into_iter().zip(written.records) {
                        self.answer_record(record, recorded).await;
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

    async fn answer_record(&mut self, (record, answer): Waiting<Record, Recorded>, recorded: Option<Recorded>) {
        let recorded = match recorded {
            Some(recorded) => Ok(recorded),
            None => self.connection.recorded_state(&record).await,
        };
        if recorded.is_ok() {
            self.rollbacks.recorded(record.id(), record.fence());
        }
        answer.send(recorded).ok();
    }

    fn not_written(&mut self, part: Batch, error: &Error) {
        if error.is_transient() {
            self.rollbacks.uncertain(part.claims.iter().map(|(request, _)| ClaimRollback::first(request)));
        }
        if !part.published.is_empty() {
            tracing::debug!(%error, "published results could not be marked; they are published once more");
        }
        part.fail(error);
    }

    /// Answers claims of jobs that have a row; returns those whose row is gone.
    async fn claim_known(&mut self, claims: Vec<Waiting<ClaimRequest, Claim>>) -> Vec<Operation> {
        let mut later = Vec::new();
        let mut parts = vec![Batch { claims, ..Batch::default() }];
        while let Some(part) = parts.pop() {
            if part.is_empty() {
                continue;
            }
            let (mut granted, crashes) = (Vec::new(), self.rollbacks.most_crashes());
            match self.connection.claim_known(&self.worker, &part.view().claims, crashes, &mut granted).await {
                Ok(replies) => {
                    for ((request, answer), reply) in part.claims.into_iter().zip(replies) {
                        match reply {
                            Some(reply) => self.deliver(answer, reply),
                            None => later.push(Operation::Claim(request, answer)),
                        }
                    }
                }
                Err(error) => match part.instead(&error) {
                    Ok(others) => parts.extend(others),
                    Err(part) => {
                        if error.is_transient() {
                            self.rollbacks.uncertain(granted);
                        }
                        part.fail(&error);
                    }
                },
            }
        }
        later
    }

    async fn hold(&mut self, mut holds: Vec<Waiting<HoldRequest, Held>>) {
        if holds.is_empty() {
            return;
        }
        let requests: Vec<_> = holds.iter().map(|(request, _)| Arc::clone(request)).collect();
        match self.connection.hold(&self.worker, &requests).await {
            Ok(held) => holds.into_iter().zip(held).for_each(|((_, answer), held)| drop(answer.send(Ok(held)))),
            // What the database rejects is found by halving.
            Err(Error::Rejected(_)) if holds.len() > 1 => {
                let rest = holds.split_off(holds.len() / 2);
                Box::pin(self.hold(holds)).await;
                Box::pin(self.hold(rest)).await;
            }
            Err(error) => holds.into_iter().for_each(|(_, answer)| drop(answer.send(Err(error.clone())))),
        }
    }

    fn deliver(&mut self, answer: Answer<Claim>, reply: Reply) {
        let grant = reply.rollback.as_ref().map(|one| UndeliveredGrant { id: one.id.clone(), fence: one.fence });
        if let Some(rollback) = reply.rollback {
            self.rollbacks.granted(rollback);
        }
        if answer.send(Ok(reply.claim)).is_err()
            && let Some(grant) = grant
        {
            self.rollbacks.undelivered(&grant);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn company_is_waited_for_while_it_comes_and_not_for_long() {
        let (soon, late) = (COMPANY_PAUSE, COMPANY);
        for (before, now, waited, expected) in [
            (0, 1, soon, true),
            (100, 101, 2 * soon, true),
            (7, 7, soon, false),
            (7, 9, late, false),
            (7, BATCH, soon, false),
            (7, BATCH + 1, soon, false),
        ] {
            assert_eq!(is_more_expected(before, now, waited), expected, "{before} {now} {waited:?}");
        }
    }

    #[tokio::test]
    async fn marks_wait_for_company_and_nothing_else_does() {
        let (queue, mut operations) = mpsc::unbounded_channel();
        let mut batch = Vec::new();
        let mark = || queue.send(Operation::Published("j".to_owned())).ok().unwrap();
        let flush = || queue.send(Operation::Flush(oneshot::channel().0)).ok().unwrap();
        {
            let mut next = std::pin::pin!(next_batch(&mut operations, &mut batch));
            assert_eq!(next.as_mut().now_or_never(), None, "there is nothing");
            mark();
            assert_eq!(next.as_mut().now_or_never(), None, "there is but a mark");
            mark();
            flush();
            assert_eq!(next.as_mut().now_or_never(), Some(3));
        }
        batch.clear();
        flush();
        assert_eq!(next_batch(&mut operations, &mut batch).now_or_never(), Some(1));
        batch.clear();
        (0..=BATCH).for_each(|_| mark());
        assert_eq!(next_batch(&mut operations, &mut batch).now_or_never(), Some(BATCH), "that is company enough");
        batch.clear();
        assert_eq!(next_batch(&mut operations, &mut batch).await, 1, "not for long");
        batch.clear();
        mark();
        drop(queue);
        assert_eq!(next_batch(&mut operations, &mut batch).now_or_never(), Some(1));
        batch.clear();
        assert_eq!(next_batch(&mut operations, &mut batch).now_or_never(), Some(0));
    }
}
