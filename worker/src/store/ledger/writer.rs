//! Group commit: whatever waits is written together, nothing waits for company.
//!
//! Knows which grants it has handed out; one that nobody heard of, or that may have been written when the database broke
//! off, is taken back, for other workers would wait for it as long as this one lives.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout};

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

type Answer<T> = oneshot::Sender<Result<T, Error>>;
type Asked<Q, T> = (Q, Answer<T>);

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

/// Operations of one turn by kind; an id stands in each kind once, so that one statement can hold all.
#[derive(Default)]
struct Sorted {
    claims: Vec<Asked<Arc<ClaimRequest>, Claim>>,
    records: Vec<Asked<Arc<Record>, Recorded>>,
    published: Vec<String>,
    flushes: Vec<oneshot::Sender<()>>,
    later: Vec<Operation>,
}

impl Sorted {
    fn of(operations: Vec<Operation>, unheard: &mut Vec<(String, i64)>) -> Self {
        let mut sorted = Self::default();
        let (mut claimed, mut recorded) = (HashSet::new(), HashSet::new());
        for operation in operations {
            match operation {
                // Nobody waits for it any more.
                Operation::Claim(_, answer) if answer.is_closed() => {}
                Operation::Claim(request, answer) if claimed.insert(request.id.clone()) => {
                    sorted.claims.push((request, answer));
                }
                Operation::Record(record, answer) if recorded.insert(record.id().to_owned()) => {
                    sorted.records.push((record, answer));
                }
                Operation::Claim(..) | Operation::Record(..) => sorted.later.push(operation),
                Operation::Published(id) => sorted.published.push(id),
                Operation::Unheard(id, fence) => unheard.push((id, fence)),
                Operation::Flush(done) => sorted.flushes.push(done),
            }
        }
        sorted.claims.sort_by(|(a, _), (b, _)| a.id.cmp(&b.id));
        sorted.records.sort_by(|(a, _), (b, _)| a.id().cmp(b.id()));
        sorted.published.sort();
        sorted
    }
}

impl Writer {
    async fn turn(&mut self, mut operations: Vec<Operation>) {
        let mut flushes = Vec::new();
        loop {
            let mut unheard = Vec::new();
            let sorted = Sorted::of(operations, &mut unheard);
            self.published(&sorted.published).await;
            self.records(sorted.records).await;
            for (id, fence) in unheard {
                self.unheard(&id, fence);
            }
            operations = sorted.later;
            operations.extend(self.claims(sorted.claims).await);
            flushes.extend(sorted.flushes);
            if operations.is_empty() {
                break;
            }
        }
        for done in flushes {
            done.send(()).ok();
        }
    }

    async fn published(&mut self, ids: &[String]) {
        if ids.is_empty() {
            return;
        }
        if let Err(error) = self.link.published(ids).await {
            tracing::debug!(%error, "results that were taken could not be marked; they are sent once more");
        }
    }

    async fn records(&mut self, asked: Vec<Asked<Arc<Record>, Recorded>>) {
        let mut parts = Parts::of(asked, |record| record.bytes(), self.link.most_bytes());
        while let Some((questions, askers)) = parts.next() {
            match self.link.record(&questions).await {
                Ok(answers) => {
                    for ((record, answer), recorded) in questions.into_iter().zip(askers).zip(answers) {
                        if self.granted.get(record.id()).is_some_and(|grant| grant.fence == record.fence()) {
                            self.granted.remove(record.id());
                        }
                        answer.send(Ok(recorded)).ok();
                    }
                }
                Err(error) => parts.failed(questions, askers, &error),
            }
        }
    }

    /// Answers claims; returns those whose turn is yet to come.
    async fn claims(&mut self, asked: Vec<Asked<Arc<ClaimRequest>, Claim>>) -> Vec<Operation> {
        if let Err(error) = self.take_back().await {
            fail(asked.into_iter().map(|(_, answer)| answer), &error);
            return Vec::new();
        }
        let known = self.claims_of_new_jobs(asked).await;
        self.claims_of_known_jobs(known).await
    }

    async fn claims_of_new_jobs(
        &mut self,
        asked: Vec<Asked<Arc<ClaimRequest>, Claim>>,
    ) -> Vec<Asked<Arc<ClaimRequest>, Claim>> {
        let mut known = Vec::new();
        let mut parts = Parts::of(asked, |request| request.bytes(), self.link.most_bytes());
        while let Some((questions, askers)) = parts.next() {
            match self.link.insert(&self.worker, &questions).await {
                Ok(answers) => {
                    for ((request, answer), said) in questions.into_iter().zip(askers).zip(answers) {
                        match said {
                            Some(said) => self.deliver(answer, said),
                            None => known.push((request, answer)),
                        }
                    }
                }
                Err(error) => {
                    if error.is_unreachable() {
                        let perhaps = |request: &Arc<ClaimRequest>| Undo {
                            id: request.id.clone(),
                            fence: FIRST_FENCE,
                            taken_over: false,
                            is_suspect: false,
                        };
                        self.doubt(questions.iter().map(perhaps).collect(), LATE);
                    }
                    parts.failed(questions, askers, &error);
                }
            }
        }
        known
    }

    async fn claims_of_known_jobs(&mut self, asked: Vec<Asked<Arc<ClaimRequest>, Claim>>) -> Vec<Operation> {
        let mut later = Vec::new();
        let mut parts = Parts(vec![asked]);
        while let Some((questions, askers)) = parts.next() {
            let mut undos = Vec::new();
            let has_suspect = self.granted.values().any(|grant| grant.is_suspect);
            match self.link.known(&self.worker, &questions, has_suspect, &mut undos).await {
                Ok(answers) => {
                    for ((request, answer), said) in questions.into_iter().zip(askers).zip(answers) {
                        match said {
                            Some(said) => self.deliver(answer, said),
                            None => later.push(Operation::Claim(request, answer)),
                        }
                    }
                }
                Err(error) => {
                    if error.is_unreachable() {
                        self.doubt(undos, LATE);
                    }
                    parts.failed(questions, askers, &error);
                }
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

/// Parts of a batch that are yet to be written.
struct Parts<Q, T>(Vec<Vec<Asked<Q, T>>>);

impl<Q, T> Parts<Q, T> {
    /// Splits a batch so that each part but one of a single question carries `most` bytes at most; the last comes first.
    fn of(asked: Vec<Asked<Q, T>>, bytes: fn(&Q) -> usize, most: usize) -> Self {
        let mut parts: Vec<Vec<Asked<Q, T>>> = Vec::new();
        let mut left = most;
        for one in asked.into_iter().rev() {
            let size = bytes(&one.0);
            if let Some(part) = parts.last_mut().filter(|_| size <= left) {
                part.push(one);
            } else {
                left = most;
                parts.push(vec![one]);
            }
            left = left.saturating_sub(size);
        }
        for part in &mut parts {
            part.reverse();
        }
        Self(parts)
    }

    fn next(&mut self) -> Option<(Vec<Q>, Vec<Answer<T>>)> {
        loop {
            let part = self.0.pop()?;
            if !part.is_empty() {
                return Some(part.into_iter().unzip());
            }
        }
    }

    /// A part that the database refuses is split until only the guilty operation fails.
    fn failed(&mut self, questions: Vec<Q>, askers: Vec<Answer<T>>, error: &Error) {
        if matches!(error, Error::Refused(_)) && questions.len() > 1 {
            let mut first: Vec<Asked<Q, T>> = questions.into_iter().zip(askers).collect();
            let second = first.split_off(first.len() / 2);
            self.0.extend([first, second]);
        } else {
            fail(askers, error);
        }
    }
}

fn fail<T>(askers: impl IntoIterator<Item = Answer<T>>, error: &Error) {
    for answer in askers {
        answer.send(Err(error.again())).ok();
    }
}
