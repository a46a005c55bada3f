//! The rules of a claim on a job that is already known: pure, the same for both databases.

use super::rollback::ClaimRollback;
use super::rows::{Row, history_of};
use super::{CRASHES, Claim, ClaimRequest, Grant, Record, Recorded, Replay, Verdict, copies};

/// What is written, and what the claimant gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decision {
    /// Nothing is written.
    Refuse(Verdict),
    /// The copy's address is added to the row.
    Register { verdict: Verdict, copies: Vec<u8> },
    /// The stored result is read and returned.
    ReturnStored,
    /// The row becomes this worker's, in state sending.
    Acquire(Box<Acquire>),
    /// The row is parked.
    Park { crashes: i64 },
    /// A cancel came before its job: the row gets the job's hash.
    BackfillHash,
}

impl Decision {
    /// The reply to the claimant; `stored` is what follows from the result that was read, where there is one.
    pub(super) fn reply(self, stored: Option<Verdict>) -> Reply {
        match self {
            Self::Acquire(acquire) => acquire.reply,
            Self::Refuse(verdict) | Self::Register { verdict, .. } => Reply::refused(verdict),
            Self::ReturnStored => Reply::refused(stored.unwrap_or(Verdict::Published)),
            Self::Park { .. } => Reply::refused(Verdict::Parked),
            Self::BackfillHash => Reply::refused(Verdict::Cancelled),
        }
    }
}

/// The reply to a claim, and how to undo it if the claimant never receives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) claim: Claim,
    pub(super) rollback: Option<ClaimRollback>,
}

impl Reply {
    /// To the claim of a job that nobody has claimed before.
    pub(super) fn first(request: &ClaimRequest, now_ms: i64) -> Self {
        Self { claim: Claim::Granted(Grant::first(request, now_ms)), rollback: Some(ClaimRollback::first(request)) }
    }

    fn refused(verdict: Verdict) -> Self {
        Self { claim: Claim::Refused(verdict), rollback: None }
    }

    /// Why nothing may be sent, where that is so.
    pub(super) fn into_verdict(self) -> Option<Verdict> {
        match self.claim {
            Claim::Refused(verdict) => Some(verdict),
            Claim::Granted(_) | Claim::Orphaned(_) => None,
        }
    }
}

/// What a row that is acquired looks like afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Acquire {
    pub(super) reply: Reply,
    pub(super) attempt: i64,
    pub(super) fence: i64,
    pub(super) crashes: i64,
    pub(super) repeat_safe: i64,
    pub(super) request_hash: Option<Vec<u8>>,
}

/// The copy of a job that another live worker has comes back within these, milliseconds.
const BUSY_MS: (i64, i64) = (1_000, 30_000);

/// Decides about a claim; `now` by the database's clock.
pub(super) fn decide(row: &Row, request: &ClaimRequest, now: i64) -> Decision {
    match &row.job_hash {
        None => return Decision::BackfillHash,
        Some(hash) if hash.as_slice() != request.job_hash.as_slice() => return Decision::Refuse(Verdict::Mismatch),
        Some(_) => {}
    }
    let attempt = i64::from(request.attempt);
    match row.state.as_str() {
        "answered" | "published" if copies::is_registered(row, request) => Decision::Refuse(Verdict::Published),
        "answered" | "published" => Decision::ReturnStored,
        "cancelled" => Decision::Refuse(Verdict::Cancelled),
        "parked" => Decision::Refuse(Verdict::Parked),
        "waiting" if attempt > row.attempt => granted(row, request, attempt, now),
        "waiting" if attempt == row.attempt => refuse(requeue(row, now), row, request),
        "waiting" => refuse(Verdict::Stale, row, request),
        _ => sending(row, request, attempt, now),
    }
}

/// Keeps a job that would be parked after one more crash away from workers that have another job which a worker died with:
/// when this worker dies too, no job is parked for what another one caused. `crashes` is the most that any job in this
/// worker's hands has.
pub(super) fn quarantine(decision: Decision, crashes: &mut i64) -> Decision {
    let Decision::Acquire(acquire) = &decision else { return decision };
    let (least, most) = (acquire.crashes.min(*crashes), acquire.crashes.max(*crashes));
    if least > 0 && most + 1 >= CRASHES {
        return Decision::Refuse(Verdict::Busy { for_ms: BUSY_MS.0.unsigned_abs() });
    }
    *crashes = most;
    decision
}

/// Refuses a copy of a job that has not ended; the job's end is sent where the copy wants it.
fn refuse(verdict: Verdict, row: &Row, request: &ClaimRequest) -> Decision {
    copies::register(verdict, row, request, BUSY_MS.1.unsigned_abs())
}

fn requeue(row: &Row, now: i64) -> Verdict {
    let left = row.due_at.unwrap_or(now) - now;
    Verdict::Requeue { attempt: to_u32(row.attempt + 1), in_ms: u64::try_from(left).unwrap_or(0) }
}

fn sending(row: &Row, request: &ClaimRequest, attempt: i64, now: i64) -> Decision {
    if let Some(until) = row.seen_until.filter(|until| *until > now) {
        if attempt < row.attempt {
            return refuse(Verdict::Stale, row, request);
        }
        let wait = (until - now).clamp(BUSY_MS.0, BUSY_MS.1);
        return refuse(Verdict::Busy { for_ms: u64::try_from(wait).unwrap_or(0) }, row, request);
    }
    let crashes = row.crashes + 1;
    if crashes >= CRASHES {
        return Decision::Park { crashes };
    }
    // The same attempt again: a worker's death is not the third party's failure.
    let dead = Row { crashes, ..row.clone() };
    let number = row.attempt.max(attempt);
    let taken = if row.repeat_safe == 0 {
        orphaned(&dead, request, number, now)
    } else {
        taken_over(&dead, request, number, now)
    };
    Decision::Acquire(Box::new(taken))
}

/// The next attempt of a job that waited for it.
fn granted(row: &Row, request: &ClaimRequest, number: i64, now: i64) -> Decision {
    Decision::Acquire(Box::new(acquire(row, request, number, now, Claim::Granted, false)))
}

/// The same attempt again, after its worker died.
fn taken_over(row: &Row, request: &ClaimRequest, number: i64, now: i64) -> Acquire {
    acquire(row, request, number, now, Claim::Granted, true)
}

/// Nothing is sent under this grant: the row keeps what the dead worker may have sent, should this one die too.
fn orphaned(row: &Row, request: &ClaimRequest, number: i64, now: i64) -> Acquire {
    Acquire {
        repeat_safe: row.repeat_safe,
        request_hash: row.request_hash.clone(),
        ..acquire(row, request, number, now, Claim::Orphaned, true)
    }
}

/// When a first attempt could have begun: what a job has waited before that is not counted against its budget.
fn first_seen(row: &Row, now: i64) -> i64 {
    if row.attempt == 0 { now } else { row.begun_at.unwrap_or(row.created_at) }
}

fn acquire(
    row: &Row,
    request: &ClaimRequest,
    number: i64,
    now: i64,
    claim: fn(Grant) -> Claim,
    taken_over: bool,
) -> Acquire {
    let fence = row.fence + 1;
    let request_hash = request.request_hash.as_ref().map(|hash| hash.to_vec());
    let granted = Grant {
        attempt: to_u32(number),
        fence,
        history: history_of(row.history.as_deref()),
        idempotency_key: row.idempotency_key.clone().unwrap_or_else(|| request.idempotency_key.clone()),
        first_seen_ms: first_seen(row, now),
        now_ms: now,
        request_changed: row.request_hash.is_some() && request_hash.is_some() && row.request_hash != request_hash,
        crashes: u32::try_from(row.crashes).unwrap_or(u32::MAX),
        replay: row.replay.map(|number| Replay { number: to_u32(number), send: row.replay_send != 0 }),
    };
    let rollback = ClaimRollback { id: row.id.clone(), fence, taken_over, crashes: row.crashes };
    Acquire {
        reply: Reply { claim: claim(granted), rollback: Some(rollback) },
        attempt: number,
        fence,
        crashes: row.crashes,
        repeat_safe: i64::from(request.repeat_safe),
        request_hash: request_hash.or_else(|| row.request_hash.clone()),
    }
}

/// What became of a record that was written, by the state of its row and the addresses of its copies.
pub(super) fn to_recorded(state: &str, addresses: Option<&[u8]>) -> Recorded {
    match state {
        "cancelled" => Recorded::Cancelled,
        "answered" if addresses.is_some() => Recorded::Copied(copies::read(addresses)),
        _ => Recorded::Done,
    }
}

/// What became of a record that found its row in another state than `sending`; `stored` is the result that is there.
/// The same record written twice, because the first answer got lost, is done.
pub(super) fn recorded(
    record: &Record,
    state: Option<&str>,
    stored: Option<&[u8]>,
    addresses: Option<&[u8]>,
) -> Recorded {
    match (record, state) {
        (_, Some("cancelled")) => Recorded::Cancelled,
        (Record::Waiting { .. }, Some("waiting")) => Recorded::Done,
        (Record::Answered { result, .. }, Some(state @ ("answered" | "published"))) if stored == Some(&result.body) => {
            to_recorded(state, addresses)
        }
        _ => Recorded::Lost,
    }
}

fn to_u32(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::ledger::{StoredJob, StoredResult};

    const NOW: i64 = 1_000_000;

    fn row(state: &str, attempt: i64) -> Row {
        Row {
            id: "j".to_owned(),
            job_hash: Some(vec![1; 32]),
            state: state.to_owned(),
            attempt,
            fence: 7,
            due_at: Some(NOW + 5_000),
            crashes: 0,
            repeat_safe: 1,
            idempotency_key: Some("stored".to_owned()),
            request_hash: Some(vec![2; 32]),
            history: None,
            created_at: NOW - 10,
            begun_at: None,
            silent_since: None,
            replay: None,
            replay_send: 0,
            returns: 0,
            copies: Some(b"[\"here\"]".to_vec()),
            seen_until: Some(NOW + 12_000),
        }
    }

    fn request(attempt: u32) -> ClaimRequest {
        ClaimRequest {
            id: "j".to_owned(),
            job_hash: [1; 32],
            attempt,
            repeat_safe: true,
            idempotency_key: "k".to_owned(),
            request_hash: Some([2; 32]),
            engine: "default".to_owned(),
            process: None,
            version: None,
            request: "r".to_owned(),
            element: "e".to_owned(),
            connector: None,
            resource: None,
            reply_address: b"here".to_vec(),
            is_registered: false,
        }
    }

    /// The table of the ledger's rules: state, attempt of the row, attempt of the copy, decision.
    #[test]
    fn every_row_of_the_table() {
        let refuse = Decision::Refuse;
        for (state, has, asks, expected) in [
            ("answered", 1, 1, Decision::ReturnStored),
            ("published", 2, 1, Decision::ReturnStored),
            ("cancelled", 1, 1, refuse(Verdict::Cancelled)),
            ("parked", 1, 2, refuse(Verdict::Parked)),
            ("waiting", 1, 1, refuse(Verdict::Requeue { attempt: 2, in_ms: 5_000 })),
            ("waiting", 2, 1, refuse(Verdict::Stale)),
            ("sending", 2, 1, refuse(Verdict::Stale)),
            ("sending", 2, 2, refuse(Verdict::Busy { for_ms: 12_000 })),
            ("sending", 2, 3, refuse(Verdict::Busy { for_ms: 12_000 })),
        ] {
            assert_eq!(decide(&row(state, has), &request(asks), NOW), expected, "{state} {has} {asks}");
        }
    }

    fn taken(decision: Decision) -> Acquire {
        match decision {
            Decision::Acquire(take) => *take,
            other => panic!("not taken: {other:?}"),
        }
    }

    fn grant(take: &Acquire) -> &Grant {
        let (Claim::Granted(grant) | Claim::Orphaned(grant)) = &take.reply.claim else { panic!("{take:?}") };
        grant
    }

    #[test]
    fn a_newer_copy_takes_a_waiting_job() {
        let take = taken(decide(&row("waiting", 1), &request(2), NOW));
        assert_eq!((take.attempt, take.fence, take.crashes), (2, 8, 0));
        assert_eq!(
            take.reply.rollback,
            Some(ClaimRollback { id: "j".to_owned(), fence: 8, taken_over: false, crashes: 0 })
        );
        let granted = grant(&take);
        assert!(matches!(take.reply.claim, Claim::Granted(_)) && !granted.request_changed);
        assert_eq!((granted.attempt, granted.fence, granted.idempotency_key.as_str()), (2, 8, "stored"));
        let changed = ClaimRequest { request_hash: Some([3; 32]), repeat_safe: false, ..request(2) };
        let take = taken(decide(&row("waiting", 1), &changed, NOW));
        assert!(grant(&take).request_changed);
        assert_eq!(
            (take.repeat_safe, take.request_hash),
            (0, Some(vec![3; 32])),
            "what is sent now counts from now on"
        );
        let unplanned = ClaimRequest { request_hash: None, ..request(2) };
        let take = taken(decide(&row("waiting", 1), &unplanned, NOW));
        assert!(!grant(&take).request_changed);
        assert_eq!(take.request_hash, Some(vec![2; 32]), "what was sent is not forgotten");
    }

    #[test]
    fn what_a_job_waited_before_its_first_claim_is_not_counted() {
        for (attempt, begun_at, expected) in
            [(0, None, NOW), (0, Some(NOW - 5), NOW), (1, None, NOW - 10), (1, Some(NOW - 5), NOW - 5)]
        {
            let take = taken(decide(&Row { begun_at, ..row("waiting", attempt) }, &request(2), NOW));
            assert_eq!(grant(&take).first_seen_ms, expected, "{attempt} {begun_at:?}");
        }
    }

    #[test]
    fn a_replay_keeps_the_first_jobs_key() {
        let again = Row { attempt: 0, replay: Some(2), replay_send: 1, request_hash: None, ..row("waiting", 0) };
        let take = taken(decide(&again, &request(1), NOW));
        assert_eq!(grant(&take).replay, Some(Replay { number: 2, send: true }));
        assert_eq!((grant(&take).attempt, grant(&take).idempotency_key.as_str()), (1, "stored"));
    }

    #[test]
    fn a_dead_worker_is_followed_by_the_same_attempt_or_by_nobody() {
        for seen_until in [None, Some(NOW), Some(NOW - 1)] {
            let dead = Row { seen_until, ..row("sending", 2) };
            for asks in [1, 2, 3] {
                let take = taken(decide(&dead, &request(asks), NOW));
                assert!(matches!(take.reply.claim, Claim::Granted(_)), "{take:?}");
                assert_eq!((grant(&take).attempt, take.crashes), (asks.max(2), 1));
                assert!(take.reply.rollback.is_some_and(|one| one.taken_over));
            }
            let poison = Row { crashes: 2, ..dead };
            assert_eq!(decide(&poison, &request(2), NOW), Decision::Park { crashes: 3 });
        }
    }

    #[test]
    fn two_jobs_that_workers_died_with_repeatedly_are_not_in_the_same_hands() {
        let take = |crashes: i64, most: &mut i64| {
            let waits = Row { crashes, ..row("waiting", 1) };
            matches!(quarantine(decide(&waits, &request(2), NOW), most), Decision::Acquire(_))
        };
        for (in_hand, crashes, expected) in [
            (0, 0, true),
            (0, 1, true),
            (0, 2, true),
            (1, 0, true),
            (1, 1, true),
            (1, 2, false),
            (2, 0, true),
            (2, 1, false),
            (2, 2, false),
        ] {
            let mut most = in_hand;
            assert_eq!(take(crashes, &mut most), expected, "{crashes} next to {in_hand}");
            assert_eq!(most, if expected { in_hand.max(crashes) } else { in_hand });
        }
    }

    #[test]
    fn what_a_dead_worker_may_have_sent_stays_unrepeatable() {
        let once_only = Row { seen_until: None, repeat_safe: 0, ..row("sending", 2) };
        let changed = ClaimRequest { request_hash: Some([3; 32]), ..request(2) };
        let take = taken(decide(&once_only, &changed, NOW));
        assert!(matches!(take.reply.claim, Claim::Orphaned(_)) && take.fence == 8, "{take:?}");
        assert_eq!((take.repeat_safe, take.request_hash), (0, Some(vec![2; 32])), "the edited model does not count");
    }

    #[test]
    fn a_record_written_twice_is_done_and_any_other_one_is_lost() {
        let waiting =
            Record::Waiting { id: "j".to_owned(), fence: 1, wait_ms: 1, history: Vec::new(), is_silence: false };
        let result = StoredResult {
            job_id: "j".to_owned(),
            engine: "default".to_owned(),
            reply_address: Vec::new(),
            copies: Vec::new(),
            body: b"{}".to_vec(),
        };
        let answered = Record::Answered {
            id: "j".to_owned(),
            fence: 1,
            code: None,
            http_status: None,
            duration_ms: 1,
            history: Vec::new(),
            result,
            job: StoredJob { body: b"{}".to_vec(), queue: "default".to_owned() },
            exchange: None,
            send: true,
        };
        let (same, other) = (Some(b"{}".as_slice()), Some(b"[]".as_slice()));
        for (record, state, stored, expected) in [
            (&waiting, Some("waiting"), None, Recorded::Done),
            (&waiting, Some("answered"), same, Recorded::Lost),
            (&waiting, Some("cancelled"), None, Recorded::Cancelled),
            (&waiting, None, None, Recorded::Lost),
            (&answered, Some("answered"), same, Recorded::Done),
            (&answered, Some("published"), same, Recorded::Done),
            (&answered, Some("answered"), other, Recorded::Lost),
            (&answered, Some("published"), None, Recorded::Lost),
            (&answered, Some("waiting"), None, Recorded::Lost),
            (&answered, Some("cancelled"), other, Recorded::Cancelled),
            (&answered, Some("parked"), None, Recorded::Lost),
        ] {
            assert_eq!(recorded(record, state, stored, None), expected, "{record:?} {state:?}");
        }
    }

    #[test]
    fn other_content_and_early_cancels() {
        for state in ["sending", "waiting", "answered", "published", "cancelled", "parked"] {
            let other = ClaimRequest { job_hash: [9; 32], ..request(1) };
            assert_eq!(decide(&row(state, 1), &other, NOW), Decision::Refuse(Verdict::Mismatch), "{state}");
        }
        let tombstone = Row { job_hash: None, ..row("cancelled", 0) };
        assert_eq!(decide(&tombstone, &request(1), NOW), Decision::BackfillHash);
    }

    /// A copy that wants the result elsewhere leaves its address with a job that has not ended, and nothing else changes.
    #[test]
    fn a_copy_that_wants_the_result_elsewhere_is_not_forgotten() {
        for (state, has, asks) in
            [("waiting", 1, 1), ("waiting", 2, 1), ("sending", 2, 1), ("sending", 2, 2), ("sending", 2, 3)]
        {
            let Decision::Refuse(expected) = decide(&row(state, has), &request(asks), NOW) else { panic!("{state}") };
            let there = ClaimRequest { reply_address: b"there".to_vec(), ..request(asks) };
            let registered = Decision::Register { verdict: expected.clone(), copies: b"[\"here\",\"there\"]".to_vec() };
            assert_eq!(decide(&row(state, has), &there, NOW), registered, "{state} {has} {asks}");
            let only = Decision::Register { verdict: expected, copies: b"[\"there\"]".to_vec() };
            assert_eq!(decide(&Row { copies: None, ..row(state, has) }, &there, NOW), only);
        }
        let full: Vec<String> = (0..100).map(|n| n.to_string()).collect();
        let full = Row { copies: serde_json::to_vec(&full).ok(), ..row("sending", 2) };
        assert_eq!(decide(&full, &request(1), NOW), Decision::Refuse(Verdict::Busy { for_ms: 30_000 }), "not dropped");
        assert_eq!(decide(&full, &request(2), NOW), Decision::Refuse(Verdict::Busy { for_ms: 12_000 }));
    }

    #[test]
    fn the_answer_goes_where_the_copy_wants_it() {
        let bytes = |text: &str| text.as_bytes().to_vec();
        let result = |main: &str, copies: &[&str]| StoredResult {
            job_id: "j".to_owned(),
            engine: "default".to_owned(),
            reply_address: bytes(main),
            copies: copies.iter().map(|copy| bytes(copy)).collect(),
            body: b"{}".to_vec(),
        };
        for (state, returns, asks, is_settled, copies) in [
            ("published", 0, "first", true, &[][..]),
            ("published", 0, "other", true, &[]),
            ("answered", 0, "first", true, &["copy"]),
            ("answered", 0, "other", false, &[]),
            ("answered", 1, "first", true, &["copy"]),
            ("answered", 1, "other", true, &[]),
        ] {
            let row = Row { returns, ..row(state, 1) };
            let request = ClaimRequest { reply_address: bytes(asks), ..request(1) };
            let expected = result(asks, copies);
            let expected = if is_settled { Verdict::Answered(expected) } else { Verdict::AnsweredElsewhere(expected) };
            assert_eq!(
                copies::answer(&row, &request, result("first", &["copy"])),
                expected,
                "{state} {returns} {asks}"
            );
        }
        for (is_registered, expected) in [(true, Decision::Refuse(Verdict::Published)), (false, Decision::ReturnStored)]
        {
            for state in ["answered", "published"] {
                let again = ClaimRequest { is_registered, ..request(1) };
                assert_eq!(decide(&row(state, 1), &again, NOW), expected, "{state}");
                let elsewhere = ClaimRequest { reply_address: bytes("there"), ..again };
                assert_eq!(decide(&row(state, 1), &elsewhere, NOW), Decision::ReturnStored, "it is not known");
            }
        }
    }
}
