//! Copies of a job that want its result elsewhere: their addresses stay with the job until it has ended.

use super::contract;
use super::test_store::{TestStore, answer, claim_of, granted, hold_of, wait};
use crate::store::ledger::{Claim, ClaimRequest, Held, Recorded, StoredResult, Verdict};

fn copy_of(id: &str, address: &str) -> ClaimRequest {
    ClaimRequest { reply_address: address.as_bytes().to_vec(), ..claim_of(id, 1) }
}

fn refused(claim: Claim) -> Verdict {
    match claim {
        Claim::Refused(verdict) => verdict,
        other => panic!("not refused: {other:?}"),
    }
}

async fn addresses(fixture: &TestStore) -> Vec<(Vec<u8>, Vec<Vec<u8>>)> {
    fixture.sql("UPDATE outbox SET due_at = 0").await;
    fixture.sql("UPDATE jobs SET send_at = 0 WHERE send_at IS NOT NULL").await;
    let due = fixture.worker("sweeper").await.sweep(10).await.unwrap();
    due.into_iter().map(|StoredResult { reply_address, copies, .. }| (reply_address, copies)).collect()
}

contract! {
    async fn whoever_ends_a_job_hears_of_its_copies(fixture: TestStore) {
        let ledger = fixture.worker("w").await;
        let grant = granted(ledger.claim(claim_of("j", 1)).await.unwrap());
        for _ in 0..2 {
            assert!(matches!(refused(ledger.claim(copy_of("j", "b")).await.unwrap()), Verdict::Busy { .. }));
        }
        ledger.record(wait("j", grant.fence, 60_000)).await.unwrap();
        let waiting = ledger.hold(hold_of(copy_of("j", "c"))).await.unwrap();
        assert!(matches!(waiting, Held::Known(Verdict::Requeue { attempt: 2, .. })), "{waiting:?}");
        let held = ledger.hold(hold_of(claim_of("j", 2))).await.unwrap();
        assert!(matches!(held, Held::Waits { .. }), "its next attempt waits for a permit");
        let grant = granted(ledger.claim(claim_of("j", 2)).await.unwrap());
        assert_eq!(refused(ledger.claim(copy_of("j", "d")).await.unwrap()), Verdict::Stale);
        let all = || ["b", "c", "d"].map(|address| address.as_bytes().to_vec()).to_vec();
        let record = answer("j", grant.fence, b"{}");
        assert_eq!(ledger.record(record.clone()).await.unwrap(), Recorded::Copied(all()));
        assert_eq!(ledger.record(record).await.unwrap(), Recorded::Copied(all()), "the answer to the first one got lost");
        let first = claim_of("j", 1).reply_address;
        assert_eq!(addresses(&fixture).await, [(first.clone(), all())], "should that worker die");
        let again = refused(ledger.claim(claim_of("j", 1)).await.unwrap());
        assert!(matches!(again, Verdict::Answered(result) if result.reply_address == first && result.copies == all()));
        let late = refused(ledger.claim(copy_of("j", "e")).await.unwrap());
        assert!(matches!(late, Verdict::AnsweredElsewhere(result) if result.reply_address == b"e" && result.copies.is_empty()));
        let registered = ClaimRequest { is_registered: true, ..copy_of("j", "b") };
        assert_eq!(refused(ledger.claim(registered).await.unwrap()), Verdict::Published);
    }
}

contract! {
    async fn a_result_that_a_copy_could_not_get_is_sent_there_again(fixture: TestStore) {
        let ledger = fixture.worker("w").await;
        for id in ["published", "answered"] {
            let grant = granted(ledger.claim(claim_of(id, 1)).await.unwrap());
            assert_eq!(ledger.record(answer(id, grant.fence, b"{}")).await.unwrap(), Recorded::Done);
        }
        ledger.published("published");
        ledger.flush().await;
        for id in ["published", "answered"] {
            let Held::Known(late) = ledger.hold(hold_of(copy_of(id, "b"))).await.unwrap() else { panic!("{id} is known") };
            assert_eq!(matches!(late, Verdict::Answered(_)), id == "published", "{late:?}");
            ledger.mark_copy_returned(id, b"b").await.unwrap();
            assert_eq!(fixture.state(id).await, "answered");
        }
        let mut due = addresses(&fixture).await;
        due.sort();
        let first = claim_of("answered", 1).reply_address;
        assert_eq!(due, [(b"b".to_vec(), Vec::new()), (first, vec![b"b".to_vec()])]);
        let settled = ledger.hold(hold_of(copy_of("answered", "c"))).await.unwrap();
        assert!(matches!(settled, Held::Known(Verdict::Answered(_))), "nobody took it elsewhere: {settled:?}");
        assert_eq!(fixture.number("SELECT returns FROM jobs WHERE id = 'answered'").await, 1);
    }
}
