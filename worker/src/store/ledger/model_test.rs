//! A model test of `decide`: random histories of one job, in which workers die, copies come twice and overtake each other.

use super::decide::{Acquire, Decision, decide};
use super::rows::Row;
use super::{Claim, ClaimRequest, Grant, Verdict};

/// How many histories.
const HISTORIES: u64 = 1_000_000;
/// Events of a history before it is left to end.
const EVENTS: usize = 24;
/// Events after which a job that has not ended never will.
const END: usize = 400;

/// A job in a worker's hand.
#[derive(Debug, Clone)]
struct InHand {
    worker: usize,
    fence: i64,
    attempt: u32,
    /// The copy it came with, which comes again when the worker dies.
    copy: u32,
    orphan: bool,
    /// Its worker's lease is over though it goes on: whether the request was sent is not known to others.
    asleep: bool,
}

/// One job with its copies and workers.
struct Model {
    random: fastrand::Rng,
    repeat_safe: bool,
    row: Option<Row>,
    /// Copies on queues and in the ladder, by the attempt they are for.
    copies: Vec<u32>,
    hands: Vec<InHand>,
    /// Their ids; one that dies is followed by another.
    workers: [usize; 3],
    last_worker: usize,
    now: i64,
    /// Requests whose worker died before it could tell what came of them.
    unknown: u32,
    keys: Vec<String>,
    last_fence: i64,
    ended: Option<&'static str>,
    log: Vec<String>,
}

impl Model {
    fn new(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        Self {
            repeat_safe: random.bool(),
            random,
            row: None,
            copies: vec![1],
            hands: Vec::new(),
            workers: [1, 2, 3],
            last_worker: 3,
            now: 1_000_000,
            unknown: 0,
            keys: Vec::new(),
            last_fence: 0,
            ended: None,
            log: Vec::new(),
        }
    }

    fn event(&mut self, is_ending: bool) {
        self.now += self.random.i64(0..4_000);
        let kinds = if is_ending { 3 } else { 8 };
        match self.random.u8(0..kinds) {
            0 | 1 => self.deliver(),
            2 => self.finish(),
            3 => self.die(),
            4 => self.cancel(),
            5 => self.copies.push(1),
            6 => self.published(),
            _ => self.sleep(),
        }
    }

    fn deliver(&mut self) {
        if self.copies.is_empty() {
            return;
        }
        let which = self.random.usize(0..self.copies.len());
        let attempt = self.copies.swap_remove(which);
        let worker = self.workers[self.random.usize(0..3)];
        let request = request(attempt, self.repeat_safe);
        if self.random.u8(0..4) == 0 && self.holds(&request) {
            return;
        }
        let claim = match self.row.clone() {
            None => {
                self.row = Some(first_row(&request, worker, self.now));
                Claim::Granted(Grant::first(&request, self.now))
            }
            Some(row) => {
                let seen_until = self.lease_of(&row);
                self.decided(&Row { seen_until, ..row }, &request, worker)
            }
        };
        self.log.push(format!("deliver {attempt} to {worker}: {claim:?}"));
        match claim {
            Claim::Granted(grant) => self.granted(&grant, worker, attempt, false),
            Claim::Orphaned(grant) => self.granted(&grant, worker, attempt, true),
            Claim::Refused(Verdict::Busy { .. }) => self.copies.push(attempt),
            Claim::Refused(Verdict::Requeue { attempt, .. }) => self.copies.push(attempt),
            Claim::Refused(Verdict::Parked) => self.end("parked"),
            Claim::Refused(Verdict::Mismatch) => panic!("the same content: {:#?}", self.log),
            Claim::Refused(
                Verdict::Answered(_)
                | Verdict::AnsweredElsewhere(_)
                | Verdict::Published
                | Verdict::Cancelled
                | Verdict::Stale,
            ) => {}
        }
    }

    /// The host is not ready: the copy waits with a row that says so, unless that is known to be no use.
    fn holds(&mut self, request: &ClaimRequest) -> bool {
        let is_waiting = match self.row.clone() {
            None => {
                let state = "waiting".to_owned();
                let attempt = i64::from(request.attempt) - 1;
                self.row = Some(Row { state, attempt, replay: None, ..first_row(request, 0, self.now) });
                true
            }
            Some(row) => row.state == "waiting" && matches!(decide(&row, request, self.now), Decision::Acquire(_)),
        };
        if is_waiting {
            self.log.push(format!("{} waits for its host", request.attempt));
            self.copies.push(request.attempt);
        }
        is_waiting
    }

    /// A worker's lease runs as long as it lives and is awake.
    fn lease_of(&self, row: &Row) -> Option<i64> {
        row.worker().is_some_and(|worker| self.workers.contains(&worker)).then_some(self.now + 10_000)
    }

    fn decided(&mut self, row: &Row, request: &ClaimRequest, worker: usize) -> Claim {
        match decide(row, request, self.now) {
            Decision::Park { crashes } => {
                self.row = Some(Row { state: "parked".to_owned(), crashes, fence: row.fence + 1, ..row.clone() });
                Claim::Refused(Verdict::Parked)
            }
            Decision::Acquire(acquire) => {
                let Acquire { reply, attempt, fence, crashes, repeat_safe, request_hash } = *acquire;
                let state = "sending".to_owned();
                let taken =
                    Row { state, attempt, fence, crashes, repeat_safe, request_hash, due_at: None, ..row.clone() };
                self.row = Some(taken.claimed_by(worker));
                reply.claim
            }
            Decision::Register { verdict, copies } => {
                self.row = Some(Row { copies: Some(copies), ..row.clone() });
                Claim::Refused(verdict)
            }
            other => other.reply(None).claim,
        }
    }

    fn granted(&mut self, grant: &Grant, worker: usize, copy: u32, orphan: bool) {
        let held = self.hands.iter().filter(|hand| Some(hand.fence) == self.row.as_ref().map(|row| row.fence));
        assert_eq!(held.count(), 0, "two with one fence: {:#?}", self.log);
        assert!(grant.fence > self.last_fence, "a fence that does not grow: {:#?}", self.log);
        assert!(self.ended.is_none(), "granted after {:?}: {:#?}", self.ended, self.log);
        assert!(orphan || self.repeat_safe || self.unknown == 0, "sent though it may have been: {:#?}", self.log);
        self.last_fence = grant.fence;
        self.keys.push(grant.idempotency_key.clone());
        assert!(self.keys.windows(2).all(|pair| pair[0] == pair[1]), "another key: {:#?}", self.log);
        self.hands.push(InHand { worker, fence: grant.fence, attempt: grant.attempt, copy, orphan, asleep: false });
    }

    /// What a worker has in hand is recorded, under its fence or not at all.
    fn finish(&mut self) {
        if self.hands.is_empty() {
            return;
        }
        let which = self.random.usize(0..self.hands.len());
        let hand = self.hands.swap_remove(which);
        let row = self.row.as_mut().expect("a row that was granted");
        let again = !hand.orphan && self.random.bool();
        if row.fence != hand.fence || !matches!(row.state.as_str(), "sending" | "cancelled") {
            self.log.push(format!("{hand:?} was overtaken"));
            self.copies.push(hand.copy);
            return;
        }
        // Who slept and was not overtaken knows what came of it.
        self.unknown -= u32::from(hand.asleep && !hand.orphan);
        if row.state == "cancelled" {
            self.log.push(format!("{hand:?} was cancelled"));
        } else if again {
            "waiting".clone_into(&mut row.state);
            row.due_at = Some(self.now + 1_000);
            // It may die before the copy is in the ladder: then the old one comes again.
            let copy = if self.random.bool() { hand.attempt + 1 } else { hand.copy };
            self.copies.push(copy);
            self.log.push(format!("{hand:?} tries again, with a copy for {copy}"));
        } else {
            "answered".clone_into(&mut row.state);
            self.log.push(format!("{hand:?} is answered"));
            self.end("answered");
        }
    }

    /// A worker dies with all that it has in hand; the copies come again.
    fn die(&mut self) {
        let worker = self.replaced();
        let (lost, left): (Vec<_>, Vec<_>) = self.hands.drain(..).partition(|hand| hand.worker == worker);
        self.hands = left;
        for hand in lost {
            self.log.push(format!("{hand:?} dies"));
            self.unknown += u32::from(!hand.orphan && self.is_current(&hand));
            self.copies.push(hand.copy);
        }
    }

    /// A worker sleeps past its lease and wakes up some time; the broker gives its copies to others meanwhile.
    fn sleep(&mut self) {
        let worker = self.replaced();
        for at in 0..self.hands.len() {
            let hand = self.hands[at].clone();
            if hand.worker == worker {
                self.log.push(format!("{hand:?} sleeps"));
                self.unknown += u32::from(!hand.orphan && self.is_current(&hand));
                self.hands[at].asleep = self.is_current(&hand);
                self.copies.push(hand.copy);
            }
        }
    }

    fn replaced(&mut self) -> usize {
        self.last_worker += 1;
        let which = self.random.usize(0..3);
        std::mem::replace(&mut self.workers[which], self.last_worker)
    }

    fn is_current(&self, hand: &InHand) -> bool {
        self.row.as_ref().is_some_and(|row| row.fence == hand.fence && row.state == "sending")
    }

    fn cancel(&mut self) {
        if let Some(row) = self.row.as_mut().filter(|row| matches!(row.state.as_str(), "sending" | "waiting")) {
            "cancelled".clone_into(&mut row.state);
            self.log.push("cancelled".to_owned());
            self.end("cancelled");
        }
    }

    fn published(&mut self) {
        if let Some(row) = self.row.as_mut().filter(|row| row.state == "answered") {
            "published".clone_into(&mut row.state);
        }
    }

    fn end(&mut self, how: &'static str) {
        assert!(self.ended.is_none_or(|ended| ended == how), "{how} after {:?}: {:#?}", self.ended, self.log);
        self.ended = Some(how);
    }
}

impl Row {
    /// The harness keeps the worker's number where the rules never look.
    fn worker(&self) -> Option<usize> {
        self.replay.and_then(|number| usize::try_from(number).ok())
    }

    fn claimed_by(self, worker: usize) -> Self {
        Self { replay: i64::try_from(worker).ok(), ..self }
    }
}

fn first_row(request: &ClaimRequest, worker: usize, now: i64) -> Row {
    Row {
        id: request.id.clone(),
        job_hash: Some(request.job_hash.to_vec()),
        state: "sending".to_owned(),
        attempt: i64::from(request.attempt),
        fence: 1,
        due_at: None,
        crashes: 0,
        repeat_safe: i64::from(request.repeat_safe),
        idempotency_key: Some(request.idempotency_key.clone()),
        request_hash: None,
        history: None,
        created_at: now,
        begun_at: None,
        silent_since: None,
        replay: None,
        replay_send: 0,
        returns: 0,
        copies: None,
        seen_until: None,
    }
    .claimed_by(worker)
}

pub(super) fn request(attempt: u32, repeat_safe: bool) -> ClaimRequest {
    ClaimRequest {
        id: "j".to_owned(),
        job_hash: [1; 32],
        attempt,
        repeat_safe,
        idempotency_key: "k".to_owned(),
        request_hash: None,
        engine: String::new(),
        process: None,
        version: None,
        request: String::new(),
        element: String::new(),
        connector: None,
        resource: None,
        reply_address: Vec::new(),
        is_registered: false,
    }
}

#[test]
fn whatever_happens_the_promises_hold() {
    let first = fastrand::u64(0..u64::MAX / 2);
    let mut endings = std::collections::BTreeMap::<&str, u64>::new();
    for seed in first..first + HISTORIES {
        let mut model = Model::new(seed);
        for _ in 0..EVENTS {
            model.event(false);
        }
        let mut events = 0;
        // The copy of a job that a live worker has comes back until that one has finished or died.
        while model.ended.is_none() {
            model.event(true);
            if events % 40 == 39 {
                model.die();
            }
            events += 1;
            assert!(events < END, "seed {seed}: lost, {:?}: {:#?}", model.row, model.log);
        }
        *endings.entry(model.ended.unwrap_or_default()).or_default() += 1;
    }
    assert_eq!(endings.len(), 3, "every ending is reached: {endings:?}");
}
