//! Workers that die with a job in hand, and claims that nobody heard of.

use std::time::Duration;

use super::contract;
use super::test_store::{answer, claim_of, granted, wait};
use crate::store::Suspicion;
use crate::store::ledger::{Claim, ClaimRequest, Recorded, Verdict};

contract! {
    async fn a_dead_workers_job_is_taken_over_with_its_key(fixture: TestStore) {
        let dead = fixture.worker("dead").await;
        let old = granted(dead.claim(claim_of("j", 1)).await.unwrap());
        fixture.sql("UPDATE workers SET seen_until = 1 WHERE id = 'dead'").await;
        let live = fixture.worker("live").await;
        let other_key = ClaimRequest { idempotency_key: "another".to_owned(), ..claim_of("j", 1) };
        let new = granted(live.claim(other_key).await.unwrap());
        assert_eq!((new.attempt, new.crashes, new.fence), (1, 1, old.fence + 1));
        assert_eq!(new.idempotency_key, "key of j", "the key of the first attempt stays");
        // The dead one was only slow: nothing it writes counts.
        assert_eq!(dead.record(answer("j", old.fence, b"old")).await.unwrap(), Recorded::Lost);
        assert_eq!(dead.record(wait("j", old.fence, 1)).await.unwrap(), Recorded::Lost);
        assert_eq!(live.record(answer("j", new.fence, b"new")).await.unwrap(), Recorded::Done);
        let Claim::Refused(Verdict::Answered(stored)) = dead.claim(claim_of("j", 1)).await.unwrap() else { panic!("no result") };
        assert_eq!(stored.body, b"new");
    }
}

contract! {
    async fn a_worker_that_left_is_followed_at_once(fixture: TestStore) {
        let one = fixture.worker("one").await;
        granted(one.claim(claim_of("j", 1)).await.unwrap());
        fixture.store.workers().remove("one").await.unwrap();
        granted(fixture.worker("two").await.claim(claim_of("j", 1)).await.unwrap());
    }
}

contract! {
    async fn what_must_not_be_repeated_has_an_unknown_outcome(fixture: TestStore) {
        let dead = fixture.worker("dead").await;
        let once_only = ClaimRequest { repeat_safe: false, ..claim_of("j", 1) };
        granted(dead.claim(once_only.clone()).await.unwrap());
        fixture.store.workers().remove("dead").await.unwrap();
        let live = fixture.worker("live").await;
        // Even when the model was edited meanwhile: what counts is what was sent.
        let Claim::Orphaned(grant) = live.claim(claim_of("j", 1)).await.unwrap() else { panic!("it may be sent again") };
        fixture.store.workers().remove("live").await.unwrap();
        let third = fixture.worker("third").await;
        let Claim::Orphaned(last) = third.claim(claim_of("j", 1)).await.unwrap() else { panic!("it was forgotten") };
        assert_eq!(live.record(answer("j", grant.fence, b"late")).await.unwrap(), Recorded::Lost);
        assert_eq!(third.record(answer("j", last.fence, b"unknown")).await.unwrap(), Recorded::Done);
    }
}

contract! {
    async fn a_job_that_three_workers_died_with_is_parked(fixture: TestStore) {
        for n in 0..3 {
            let (id, ledger) = (format!("w{n}"), fixture.worker(&format!("w{n}")).await);
            granted(ledger.claim(claim_of("j", 1)).await.unwrap());
            fixture.store.workers().remove(&id).await.unwrap();
        }
        let fourth = fixture.worker("fourth").await;
        assert_eq!(fourth.claim(claim_of("j", 1)).await.unwrap(), Claim::Refused(Verdict::Parked));
        assert_eq!(fourth.claim(claim_of("j", 2)).await.unwrap(), Claim::Refused(Verdict::Parked));
        assert_eq!(fixture.state("j").await, "parked");
        assert!(!fourth.cancel("j").await.unwrap(), "a person decides");
    }
}

contract! {
    async fn a_claim_that_is_given_up_is_rolled_back(fixture: TestStore) {
        let ledger = fixture.worker("one").await;
        for round in 0..20 {
            let id = format!("j{round}");
            let given_up = tokio::time::timeout(Duration::from_micros(200 * round), ledger.claim(claim_of(&id, 1))).await;
            let mut claim = match given_up {
                Ok(claim) => claim.unwrap(),
                Err(_) => ledger.claim(claim_of(&id, 1)).await.unwrap(),
            };
            for _ in 0..50 {
                match claim {
                    Claim::Granted(_) => break,
                    Claim::Refused(Verdict::Requeue { attempt, .. }) => claim = ledger.claim(claim_of(&id, attempt)).await.unwrap(),
                    Claim::Refused(Verdict::Busy { .. }) => {
                        tokio::time::sleep(Duration::from_millis(50)).await;
                        claim = ledger.claim(claim_of(&id, 1)).await.unwrap();
                    }
                    other => panic!("round {round}: {other:?}"),
                }
            }
            assert_eq!(granted(claim).attempt, 1, "round {round}: nothing was sent, so no attempt was made");
        }
    }
}

contract! {
    async fn a_lease_is_renewed_and_a_removed_worker_comes_back(fixture: TestStore) {
        fixture.store.workers().register("one", "host", Duration::from_millis(1)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(fixture.store.workers().list_live().await.unwrap().is_empty());
        fixture.store.workers().renew("one", Duration::from_mins(1)).await.unwrap();
        let live = fixture.store.workers().list_live().await.unwrap();
        assert_eq!(live.iter().map(|w| (w.id.as_str(), w.host.as_str())).collect::<Vec<_>>(), [("one", "host")]);
        fixture.store.workers().remove("one").await.unwrap();
        fixture.store.workers().renew("one", Duration::from_mins(1)).await.unwrap();
        assert_eq!(fixture.store.workers().list_live().await.unwrap().len(), 1);
    }
}

contract! {
    async fn a_worker_that_dies_while_it_plans_a_message_is_counted(fixture: TestStore) {
        let suspects = fixture.store.suspects();
        let begun = |deaths| Suspicion::Begun { deaths };
        let ledger = fixture.worker("w0").await;
        assert_eq!(suspects.begin("j", "w0").await.unwrap(), begun(0));
        assert_eq!(suspects.begin("j", "w0").await.unwrap(), begun(0), "the same worker lives");
        fixture.worker("w1").await;
        let Suspicion::Busy { wait } = suspects.begin("j", "w1").await.unwrap() else { panic!("its worker lives") };
        assert!(wait > Duration::from_secs(30) && wait <= Duration::from_mins(1), "{wait:?}");
        fixture.sql("UPDATE workers SET seen_until = 1 WHERE id = 'w0'").await;
        assert_eq!(suspects.begin("j", "w1").await.unwrap(), begun(1));
        assert_eq!(ledger.crashes("j").await.unwrap(), 1, "no bystander");
        fixture.store.workers().remove("w1").await.unwrap();
        assert_eq!(suspects.begin("j", "w2").await.unwrap(), begun(2));
        suspects.end("j").await.unwrap();
        assert_eq!(suspects.begin("j", "w2").await.unwrap(), begun(0), "a message that was planned is none");
        assert_eq!(ledger.crashes("other").await.unwrap(), 0);
    }
}
