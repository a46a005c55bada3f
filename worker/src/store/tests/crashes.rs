//! Workers that die with a job in hand, and claims that nobody heard of.

use std::time::Duration;

use super::bed::{answer, asking, granted, wait};
use super::contract;
use crate::store::ledger::{Claim, ClaimRequest, Recorded};

contract! {
    async fn a_dead_workers_job_is_taken_over_with_its_key(bed: Bed) {
        let dead = bed.worker("dead").await;
        let old = granted(dead.claim(asking("j", 1)).await.unwrap());
        bed.sql("UPDATE workers SET seen_until = 1 WHERE id = 'dead'").await;
        let live = bed.worker("live").await;
        let other_key = ClaimRequest { idempotency_key: "another".to_owned(), ..asking("j", 1) };
        let new = granted(live.claim(other_key).await.unwrap());
        assert_eq!((new.attempt, new.crashes, new.fence), (1, 1, old.fence + 1));
        assert_eq!(new.idempotency_key, "key of j", "the key of the first attempt stays");
        // The dead one was only slow: nothing it writes counts.
        assert_eq!(dead.record(answer("j", old.fence, b"old")).await.unwrap(), Recorded::Lost);
        assert_eq!(dead.record(wait("j", old.fence, 1)).await.unwrap(), Recorded::Lost);
        assert_eq!(live.record(answer("j", new.fence, b"new")).await.unwrap(), Recorded::Done);
        let Claim::Answered(stored) = dead.claim(asking("j", 1)).await.unwrap() else { panic!("no result") };
        assert_eq!(stored.body, b"new");
    }
}

contract! {
    async fn a_worker_that_left_is_followed_at_once(bed: Bed) {
        let one = bed.worker("one").await;
        granted(one.claim(asking("j", 1)).await.unwrap());
        bed.store.workers().remove("one").await.unwrap();
        granted(bed.worker("two").await.claim(asking("j", 1)).await.unwrap());
    }
}

contract! {
    async fn what_must_not_be_repeated_has_an_unknown_outcome(bed: Bed) {
        let dead = bed.worker("dead").await;
        let once_only = ClaimRequest { repeat_safe: false, ..asking("j", 1) };
        granted(dead.claim(once_only.clone()).await.unwrap());
        bed.store.workers().remove("dead").await.unwrap();
        let live = bed.worker("live").await;
        // Even when the model was edited meanwhile: what counts is what was sent.
        let Claim::Orphaned(grant) = live.claim(asking("j", 1)).await.unwrap() else { panic!("it may be sent again") };
        bed.store.workers().remove("live").await.unwrap();
        let third = bed.worker("third").await;
        let Claim::Orphaned(last) = third.claim(asking("j", 1)).await.unwrap() else { panic!("it was forgotten") };
        assert_eq!(live.record(answer("j", grant.fence, b"late")).await.unwrap(), Recorded::Lost);
        assert_eq!(third.record(answer("j", last.fence, b"unknown")).await.unwrap(), Recorded::Done);
    }
}

contract! {
    async fn a_job_that_three_workers_died_with_is_parked(bed: Bed) {
        for n in 0..3 {
            let (id, ledger) = (format!("w{n}"), bed.worker(&format!("w{n}")).await);
            granted(ledger.claim(asking("j", 1)).await.unwrap());
            bed.store.workers().remove(&id).await.unwrap();
        }
        let fourth = bed.worker("fourth").await;
        assert_eq!(fourth.claim(asking("j", 1)).await.unwrap(), Claim::Parked);
        assert_eq!(fourth.claim(asking("j", 2)).await.unwrap(), Claim::Parked);
        assert_eq!(bed.state("j").await, "parked");
        assert!(!fourth.cancel("j").await.unwrap(), "a person decides");
    }
}

contract! {
    async fn a_claim_that_is_given_up_is_taken_back(bed: Bed) {
        let ledger = bed.worker("one").await;
        for round in 0..20 {
            let id = format!("j{round}");
            let given_up = tokio::time::timeout(Duration::from_micros(200 * round), ledger.claim(asking(&id, 1))).await;
            let mut claim = match given_up {
                Ok(claim) => claim.unwrap(),
                Err(_) => ledger.claim(asking(&id, 1)).await.unwrap(),
            };
            for _ in 0..50 {
                match claim {
                    Claim::Granted(_) => break,
                    Claim::Requeue { attempt, .. } => claim = ledger.claim(asking(&id, attempt)).await.unwrap(),
                    Claim::Held { .. } => {
                        tokio::time::sleep(Duration::from_millis(50)).await;
                        claim = ledger.claim(asking(&id, 1)).await.unwrap();
                    }
                    other => panic!("round {round}: {other:?}"),
                }
            }
            assert_eq!(granted(claim).attempt, 1, "round {round}: nothing was sent, so no attempt was made");
        }
    }
}

contract! {
    async fn a_lease_is_renewed_and_a_removed_worker_comes_back(bed: Bed) {
        bed.store.workers().register("one", "host", Duration::from_millis(1)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(bed.store.workers().list_live().await.unwrap().is_empty());
        bed.store.workers().renew("one", Duration::from_mins(1)).await.unwrap();
        let live = bed.store.workers().list_live().await.unwrap();
        assert_eq!(live.iter().map(|w| (w.id.as_str(), w.host.as_str())).collect::<Vec<_>>(), [("one", "host")]);
        bed.store.workers().remove("one").await.unwrap();
        bed.store.workers().renew("one", Duration::from_mins(1)).await.unwrap();
        assert_eq!(bed.store.workers().list_live().await.unwrap().len(), 1);
    }
}
