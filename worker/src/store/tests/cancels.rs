//! Jobs that are taken back: whoever is first, the cancel or the answer, has won.

use super::contract;
use super::test_store::{answer, claim_of, granted, wait};
use crate::store::ledger::{Claim, ClaimRequest, Recorded, Verdict};

contract! {
    async fn a_cancel_that_overtakes_its_job_holds(fixture: TestStore) {
        let ledger = fixture.worker("one").await;
        assert!(ledger.cancel("j").await.unwrap());
        assert!(ledger.cancel("j").await.unwrap(), "the same again is the same");
        assert_eq!(ledger.claim(claim_of("j", 1)).await.unwrap(), Claim::Refused(Verdict::Cancelled));
        let other = ClaimRequest { job_hash: [9; 32], ..claim_of("j", 1) };
        assert_eq!(ledger.claim(other).await.unwrap(), Claim::Refused(Verdict::Mismatch), "the row has learnt whose it is");
        let job = fixture.store.jobs().find("j").await.unwrap().unwrap();
        assert_eq!((job.row.state.as_str(), job.row.element.as_deref()), ("cancelled", Some("fetch")));
    }
}

contract! {
    async fn a_cancel_between_attempts_ends_the_job(fixture: TestStore) {
        let ledger = fixture.worker("one").await;
        let grant = granted(ledger.claim(claim_of("j", 1)).await.unwrap());
        ledger.record(wait("j", grant.fence, 1)).await.unwrap();
        assert!(ledger.cancel("j").await.unwrap());
        assert_eq!(ledger.claim(claim_of("j", 2)).await.unwrap(), Claim::Refused(Verdict::Cancelled));
    }
}

contract! {
    async fn a_cancel_during_the_call_keeps_the_outcome_and_sends_nothing(fixture: TestStore) {
        let ledger = fixture.worker("one").await;
        let grant = granted(ledger.claim(claim_of("j", 1)).await.unwrap());
        assert!(ledger.cancel("j").await.unwrap());
        assert_eq!(ledger.record(answer("j", grant.fence, b"{}")).await.unwrap(), Recorded::Cancelled);
        let job = fixture.store.jobs().find("j").await.unwrap().unwrap();
        assert_eq!((job.row.state.as_str(), job.row.http_status), ("cancelled", Some(200)), "what happened is known");
        fixture.sql("UPDATE jobs SET send_at = 1").await;
        assert_eq!(ledger.sweep(10).await.unwrap(), []);
    }
}

contract! {
    async fn an_answer_is_not_taken_back(fixture: TestStore) {
        let ledger = fixture.worker("one").await;
        let grant = granted(ledger.claim(claim_of("j", 1)).await.unwrap());
        ledger.record(answer("j", grant.fence, b"{}")).await.unwrap();
        assert!(!ledger.cancel("j").await.unwrap());
        ledger.published("j");
        ledger.flush().await;
        assert!(!ledger.cancel("j").await.unwrap());
        assert_eq!(fixture.state("j").await, "published");
    }
}

contract! {
    async fn of_a_cancel_and_an_answer_at_once_one_wins(fixture: TestStore) {
        let (ledger, other) = (fixture.worker("one").await, fixture.worker("two").await);
        let (mut answered, mut cancelled) = (0, 0);
        for n in 0..60 {
            let id = format!("j{n}");
            let grant = granted(ledger.claim(claim_of(&id, 1)).await.unwrap());
            let late = async {
                // Now this one first, now that one.
                tokio::time::sleep(std::time::Duration::from_micros(n % 6 * 300)).await;
                other.cancel(&id).await
            };
            let (recorded, taken_back) = tokio::join!(ledger.record(answer(&id, grant.fence, b"{}")), late);
            match (recorded.unwrap(), taken_back.unwrap()) {
                (Recorded::Done, false) => answered += 1,
                (Recorded::Cancelled, true) => cancelled += 1,
                both => panic!("{id}: {both:?}"),
            }
        }
        assert_eq!(answered + cancelled, 60);
    }
}
