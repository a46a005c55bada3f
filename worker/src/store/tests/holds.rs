//! Jobs that wait before their call: what their row says, and that it changes nothing of what follows.

use super::contract;
use super::test_store::{TestStore, claim_of, granted, hold_of, wait};
use crate::store::ledger::{Claim, ClaimRequest, Held, HoldRequest, JobFilter, JobRow, Recorded, Verdict};

async fn row(fixture: &TestStore, id: &str) -> JobRow {
    fixture.store.jobs().find(id).await.unwrap().unwrap().row
}

fn for_a_place(claim: ClaimRequest) -> HoldRequest {
    HoldRequest { waits_for: "place: h".to_owned(), silence_ms: None, ..hold_of(claim) }
}

fn silent_ms(held: &Held) -> u64 {
    match held {
        Held::Waits { silent_ms } => *silent_ms,
        Held::Known(verdict) => panic!("{verdict:?}"),
    }
}

contract! {
    async fn a_job_that_waits_is_in_the_ledger_and_is_claimed_as_ever(fixture: TestStore) {
        let ledger = fixture.worker("w").await;
        let odd = ClaimRequest { element: "a\0b".to_owned(), ..claim_of("j", 1) };
        assert_eq!(silent_ms(&ledger.hold(hold_of(odd)).await.unwrap()), 0);
        let waits = row(&fixture, "j").await;
        assert_eq!((waits.state.as_str(), waits.attempt, waits.waits_for.as_deref()), ("waiting", 0, Some("host: h")));
        assert_eq!((waits.connector.as_deref(), waits.element.as_deref()), (Some("API"), Some("a\u{fffd}b")));
        assert!(waits.due_at.is_some_and(|due| due - waits.created_at == 60_000), "at the latest: {waits:?}");
        let filter = JobFilter { state: Some("waiting".to_owned()), limit: 9, ..JobFilter::default() };
        assert_eq!(fixture.store.jobs().list(&filter).await.unwrap().len(), 1);
        fixture.sql("UPDATE jobs SET created_at = created_at - 90000, silent_since = silent_since - 90000").await;
        let grant = granted(ledger.claim(claim_of("j", 1)).await.unwrap());
        assert_eq!((grant.attempt, grant.first_seen_ms, grant.request_changed), (1, grant.now_ms, false));
        let sends = row(&fixture, "j").await;
        assert_eq!((sends.state.as_str(), sends.waits_for, sends.due_at), ("sending", None, None));
        let other = ClaimRequest { job_hash: [9; 32], ..claim_of("j", 1) };
        assert_eq!(ledger.hold(hold_of(other)).await.unwrap(), Held::Known(Verdict::Mismatch));
        assert!(matches!(ledger.hold(hold_of(claim_of("j", 1))).await.unwrap(), Held::Known(Verdict::Busy { .. })));
        assert_eq!(ledger.record(wait("j", grant.fence, 1)).await.unwrap(), Recorded::Done);
        let again = granted(ledger.claim(claim_of("j", 2)).await.unwrap());
        assert_eq!(again.first_seen_ms, grant.now_ms, "what it waited before its first attempt is not counted");
    }
}

contract! {
    async fn a_wait_for_a_host_goes_on_until_the_host_answers(fixture: TestStore) {
        let ledger = fixture.worker("w").await;
        ledger.hold(hold_of(claim_of("j", 1))).await.unwrap();
        fixture.sql("UPDATE jobs SET silent_since = silent_since - 30000, due_at = due_at - 30000, updated_at = 5").await;
        assert!((30_000..40_000).contains(&silent_ms(&ledger.hold(hold_of(claim_of("j", 1))).await.unwrap())));
        assert_eq!(row(&fixture, "j").await.updated_at, 5, "nothing new is nothing to write");
        let grant = granted(ledger.claim(claim_of("j", 1)).await.unwrap());
        ledger.record(wait("j", grant.fence, 1)).await.unwrap();
        assert_eq!(row(&fixture, "j").await.waits_for, None);
        let held = ledger.hold(hold_of(claim_of("j", 2))).await.unwrap();
        assert!((30_000..40_000).contains(&silent_ms(&held)), "an attempt without an answer ends no wait: {held:?}");
        assert_eq!(silent_ms(&ledger.hold(for_a_place(claim_of("j", 2))).await.unwrap()), 0);
        assert_eq!(row(&fixture, "j").await.waits_for.as_deref(), Some("place: h"));
        assert_eq!(silent_ms(&ledger.hold(hold_of(claim_of("j", 2))).await.unwrap()), 0, "it was there in between");
        fixture.sql("UPDATE jobs SET silent_since = silent_since - 30000").await;
        let grant = granted(ledger.claim(claim_of("j", 2)).await.unwrap());
        let crate::store::ledger::Record::Waiting { id, fence, wait_ms, history, .. } = wait("j", grant.fence, 1) else {
            panic!()
        };
        let answered = crate::store::ledger::Record::Waiting { id, fence, wait_ms, history, is_silence: false };
        ledger.record(answered).await.unwrap();
        assert_eq!(silent_ms(&ledger.hold(hold_of(claim_of("j", 3))).await.unwrap()), 0, "an answer does");
    }
}

contract! {
    async fn a_cancel_takes_effect_on_a_job_that_waits(fixture: TestStore) {
        let ledger = fixture.worker("w").await;
        ledger.hold(hold_of(claim_of("j", 1))).await.unwrap();
        assert!(ledger.cancel("j").await.unwrap());
        let row = row(&fixture, "j").await;
        assert_eq!((row.state.as_str(), row.waits_for, row.due_at), ("cancelled", None, None));
        assert_eq!(ledger.hold(hold_of(claim_of("j", 1))).await.unwrap(), Held::Known(Verdict::Cancelled));
        assert_eq!(ledger.claim(claim_of("j", 1)).await.unwrap(), Claim::Refused(Verdict::Cancelled));
        assert!(ledger.cancel("early").await.unwrap());
        assert_eq!(ledger.hold(hold_of(claim_of("early", 1))).await.unwrap(), Held::Known(Verdict::Cancelled));
    }
}

contract! {
    async fn many_jobs_that_begin_to_wait_at_once_are_written_together(fixture: TestStore) {
        let (one, two) = (fixture.worker("one").await, fixture.worker("two").await);
        let hold = |n: usize| {
            let ledger = if n.is_multiple_of(2) { &one } else { &two };
            // Each job twice, also at the other worker.
            ledger.hold(hold_of(claim_of(&format!("j{}", n / 3), 1)))
        };
        let held = futures_util::future::join_all((0..600).map(hold)).await;
        assert!(held.iter().all(|held| silent_ms(held.as_ref().unwrap()) < 5_000));
        assert_eq!(fixture.number("SELECT COUNT(*) FROM jobs WHERE state = 'waiting' AND attempt = 0").await, 200);
    }
}
