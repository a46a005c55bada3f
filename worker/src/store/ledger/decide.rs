//! The rules of a claim on a job that is already known: pure, the same for both databases.

use super::{CRASHES, Claim, ClaimRequest, Granted, Record, Recorded, Replay, Row, Said, Undo, history_of};

/// What is written, and what the claimant is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decision {
    /// Nothing is written.
    Say(Claim),
    /// The stored result is read and handed out.
    HandOut,
    /// The row becomes this worker's, in state sending.
    Take(Box<Take>),
    /// The row is parked.
    Park { crashes: i64 },
    /// A cancel came before its job: the row learns the job's hash.
    LearnHash,
}

/// What a row that is taken looks like afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Take {
    pub(super) said: Said,
    pub(super) attempt: i64,
    pub(super) fence: i64,
    pub(super) crashes: i64,
    pub(super) repeat_safe: i64,
    pub(super) request_hash: Option<Vec<u8>>,
}

/// A copy that meets a live worker comes back within these, milliseconds.
const HELD_MS: (i64, i64) = (1_000, 30_000);

/// Decides about a claim; `now` by the database's clock.
pub(super) fn decide(row: &Row, request: &ClaimRequest, now: i64) -> Decision {
    match &row.job_hash {
        None => return Decision::LearnHash,
        Some(hash) if hash.as_slice() != request.job_hash.as_slice() => return Decision::Say(Claim::Mismatch),
        Some(_) => {}
    }
    let asked = i64::from(request.attempt);
    match row.state.as_str() {
        "answered" | "published" => Decision::HandOut,
        "cancelled" => Decision::Say(Claim::Cancelled),
        "parked" => Decision::Say(Claim::Parked),
        "waiting" if asked > row.attempt => granted(row, request, asked, now),
        "waiting" if asked == row.attempt => Decision::Say(requeue(row, now)),
        "waiting" => Decision::Say(Claim::Stale),
        _ => sending(row, request, asked, now),
    }
}

/// A job that would be parked after one more death is worked on beside no other one that a worker died with: when this
/// one dies too, it is not the innocent ones in its hands that are parked for the guilty one. `crashes` is the most that
/// any job in this worker's hands has.
pub(super) fn apart(decision: Decision, crashes: &mut i64) -> Decision {
    let Decision::Take(take) = &decision else { return decision };
    let (least, most) = (take.crashes.min(*crashes), take.crashes.max(*crashes));
    if least > 0 && most + 1 >= CRASHES {
        return Decision::Say(Claim::Held { for_ms: HELD_MS.0.unsigned_abs() });
    }
    *crashes = most;
    decision
}

fn requeue(row: &Row, now: i64) -> Claim {
    let left = row.due_at.unwrap_or(now) - now;
    Claim::Requeue { attempt: attempt(row.attempt + 1), in_ms: u64::try_from(left).unwrap_or(0) }
}

fn sending(row: &Row, request: &ClaimRequest, asked: i64, now: i64) -> Decision {
    if let Some(until) = row.seen_until.filter(|until| *until > now) {
        if asked < row.attempt {
            return Decision::Say(Claim::Stale);
        }
        let wait = (until - now).clamp(HELD_MS.0, HELD_MS.1);
        return Decision::Say(Claim::Held { for_ms: u64::try_from(wait).unwrap_or(0) });
    }
    let crashes = row.crashes + 1;
    if crashes >= CRASHES {
        return Decision::Park { crashes };
    }
    // The same attempt again: a worker's death is not the third party's failure.
    let dead = Row { crashes, ..row.clone() };
    let number = row.attempt.max(asked);
    let taken = if row.repeat_safe == 0 {
        orphaned(&dead, request, number, now)
    } else {
        taken_over(&dead, request, number, now)
    };
    Decision::Take(Box::new(taken))
}

/// The next attempt of a job that waited for it.
fn granted(row: &Row, request: &ClaimRequest, number: i64, now: i64) -> Decision {
    Decision::Take(Box::new(take(row, request, number, now, Claim::Granted, false)))
}

/// The same attempt again, after its worker died.
fn taken_over(row: &Row, request: &ClaimRequest, number: i64, now: i64) -> Take {
    take(row, request, number, now, Claim::Granted, true)
}

/// Nothing is sent under this grant: the row goes on saying what the dead worker may have sent, should this one die too.
fn orphaned(row: &Row, request: &ClaimRequest, number: i64, now: i64) -> Take {
    Take {
        repeat_safe: row.repeat_safe,
        request_hash: row.request_hash.clone(),
        ..take(row, request, number, now, Claim::Orphaned, true)
    }
}

fn take(
    row: &Row,
    request: &ClaimRequest,
    number: i64,
    now: i64,
    claim: fn(Granted) -> Claim,
    taken_over: bool,
) -> Take {
    let fence = row.fence + 1;
    let asked = request.request_hash.as_ref().map(|hash| hash.to_vec());
    let granted = Granted {
        attempt: attempt(number),
        fence,
        history: history_of(row.history.as_deref()),
        idempotency_key: row.idempotency_key.clone().unwrap_or_else(|| request.idempotency_key.clone()),
        first_seen_ms: row.created_at,
        now_ms: now,
        request_changed: row.request_hash.is_some() && asked.is_some() && row.request_hash != asked,
        crashes: u32::try_from(row.crashes).unwrap_or(u32::MAX),
        replay: row.replay.map(|number| Replay { number: attempt(number), send: row.replay_send != 0 }),
    };
    let undo = Undo { id: row.id.clone(), fence, taken_over, crashes: row.crashes };
    Take {
        said: Said { claim: claim(granted), undo: Some(undo) },
        attempt: number,
        fence,
        crashes: row.crashes,
        repeat_safe: i64::from(request.repeat_safe),
        request_hash: asked.or_else(|| row.request_hash.clone()),
    }
}

/// What to say about a record that was written, by the state of its row.
pub(super) fn recorded_as(state: &str) -> Recorded {
    if state == "cancelled" { Recorded::Cancelled } else { Recorded::Done }
}

/// What to say about a record that found its row in another state than `sending`; `stored` is the result that is there.
/// The same record written twice, because the first answer got lost, is done.
pub(super) fn recorded(record: &Record, state: Option<&str>, stored: Option<&[u8]>) -> Recorded {
    match (record, state) {
        (_, Some("cancelled")) => Recorded::Cancelled,
        (Record::Waiting { .. }, Some("waiting")) => Recorded::Done,
        (Record::Answered { result, .. }, Some("answered" | "published")) if stored == Some(&result.body) => {
            Recorded::Done
        }
        _ => Recorded::Lost,
    }
}

fn attempt(number: i64) -> u32 {
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
            replay: None,
            replay_send: 0,
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
            request: "r".to_owned(),
            element: "e".to_owned(),
            connector: None,
            resource: None,
        }
    }

    /// The table of the ledger's rules: state, attempt of the row, attempt of the copy, what is said.
    #[test]
    fn every_row_of_the_table() {
        let say = Decision::Say;
        for (state, has, asks, expected) in [
            ("answered", 1, 1, Decision::HandOut),
            ("published", 2, 1, Decision::HandOut),
            ("cancelled", 1, 1, say(Claim::Cancelled)),
            ("parked", 1, 2, say(Claim::Parked)),
            ("waiting", 1, 1, say(Claim::Requeue { attempt: 2, in_ms: 5_000 })),
            ("waiting", 2, 1, say(Claim::Stale)),
            ("sending", 2, 1, say(Claim::Stale)),
            ("sending", 2, 2, say(Claim::Held { for_ms: 12_000 })),
            ("sending", 2, 3, say(Claim::Held { for_ms: 12_000 })),
        ] {
            assert_eq!(decide(&row(state, has), &request(asks), NOW), expected, "{state} {has} {asks}");
        }
    }

    fn taken(decision: Decision) -> Take {
        match decision {
            Decision::Take(take) => *take,
            other => panic!("not taken: {other:?}"),
        }
    }

    fn grant(take: &Take) -> &Granted {
        let (Claim::Granted(grant) | Claim::Orphaned(grant)) = &take.said.claim else { panic!("{take:?}") };
        grant
    }

    #[test]
    fn a_newer_copy_takes_a_waiting_job() {
        let take = taken(decide(&row("waiting", 1), &request(2), NOW));
        assert_eq!((take.attempt, take.fence, take.crashes), (2, 8, 0));
        assert_eq!(take.said.undo, Some(Undo { id: "j".to_owned(), fence: 8, taken_over: false, crashes: 0 }));
        let granted = grant(&take);
        assert!(matches!(take.said.claim, Claim::Granted(_)) && !granted.request_changed);
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
                assert!(matches!(take.said.claim, Claim::Granted(_)), "{take:?}");
                assert_eq!((grant(&take).attempt, take.crashes), (asks.max(2), 1));
                assert!(take.said.undo.is_some_and(|undo| undo.taken_over));
            }
            let poison = Row { crashes: 2, ..dead };
            assert_eq!(decide(&poison, &request(2), NOW), Decision::Park { crashes: 3 });
        }
    }

    #[test]
    fn two_that_workers_died_with_again_and_again_are_not_in_the_same_hands() {
        let take = |crashes: i64, most: &mut i64| {
            let waits = Row { crashes, ..row("waiting", 1) };
            matches!(apart(decide(&waits, &request(2), NOW), most), Decision::Take(_))
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
            assert_eq!(take(crashes, &mut most), expected, "{crashes} beside {in_hand}");
            assert_eq!(most, if expected { in_hand.max(crashes) } else { in_hand });
        }
    }

    #[test]
    fn what_a_dead_worker_may_have_sent_stays_unrepeatable() {
        let once_only = Row { seen_until: None, repeat_safe: 0, ..row("sending", 2) };
        let changed = ClaimRequest { request_hash: Some([3; 32]), ..request(2) };
        let take = taken(decide(&once_only, &changed, NOW));
        assert!(matches!(take.said.claim, Claim::Orphaned(_)) && take.fence == 8, "{take:?}");
        assert_eq!((take.repeat_safe, take.request_hash), (0, Some(vec![2; 32])), "the edited model does not count");
    }

    #[test]
    fn a_record_written_twice_is_done_and_any_other_one_is_lost() {
        let waiting = Record::Waiting { id: "j".to_owned(), fence: 1, wait_ms: 1, history: Vec::new() };
        let result = StoredResult {
            job_id: "j".to_owned(),
            engine: "default".to_owned(),
            reply_address: Vec::new(),
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
            assert_eq!(recorded(record, state, stored), expected, "{record:?} {state:?}");
        }
    }

    #[test]
    fn other_content_and_early_cancels() {
        for state in ["sending", "waiting", "answered", "published", "cancelled", "parked"] {
            let other = ClaimRequest { job_hash: [9; 32], ..request(1) };
            assert_eq!(decide(&row(state, 1), &other, NOW), Decision::Say(Claim::Mismatch), "{state}");
        }
        let tombstone = Row { job_hash: None, ..row("cancelled", 0) };
        assert_eq!(decide(&tombstone, &request(1), NOW), Decision::LearnHash);
    }
}
