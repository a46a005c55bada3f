//! Who may send: the table of the ledger's rules, on a database.

use super::bed::{answer, asking, failed, granted, wait};
use super::contract;
use crate::store::ledger::{Claim, ClaimRequest, Recorded};

contract! {
    async fn the_first_claim_is_granted_and_others_wait_for_it(bed: Bed) {
        let one = bed.worker("one").await;
        let grant = granted(one.claim(asking("j", 1)).await.unwrap());
        assert_eq!((grant.attempt, grant.fence, grant.crashes), (1, 1, 0));
        assert_eq!(grant.idempotency_key, "key of j");
        assert!(grant.history.is_empty() && !grant.request_changed);
        assert_eq!(bed.state("j").await, "sending", "the claim is in the database before anybody hears of it");
        let another = bed.worker("two").await.claim(asking("j", 1)).await.unwrap();
        assert!(matches!(another, Claim::Held { for_ms: 1_000..=30_000 }), "{another:?}");
    }
}

contract! {
    async fn a_waiting_job_is_taken_by_its_next_copy_only(bed: Bed) {
        let ledger = bed.worker("one").await;
        let first = granted(ledger.claim(asking("j", 1)).await.unwrap());
        assert_eq!(ledger.record(wait("j", first.fence, 60_000)).await.unwrap(), Recorded::Done);
        let again = ledger.claim(asking("j", 1)).await.unwrap();
        assert!(matches!(again, Claim::Requeue { attempt: 2, in_ms: 50_000..=60_000 }), "{again:?}");
        let changed = ClaimRequest { request_hash: Some([3; 32]), ..asking("j", 2) };
        let second = granted(ledger.claim(changed).await.unwrap());
        assert_eq!((second.attempt, second.history.as_slice()), (2, [failed(1)].as_slice()));
        assert_eq!((second.first_seen_ms, second.fence), (first.first_seen_ms, first.fence + 1));
        assert!(second.request_changed, "what is sent now differs from what was sent before");
        assert_eq!(ledger.claim(asking("j", 1)).await.unwrap(), Claim::Stale);
        assert_eq!(ledger.record(wait("j", second.fence, 1)).await.unwrap(), Recorded::Done);
        assert_eq!(ledger.claim(asking("j", 1)).await.unwrap(), Claim::Stale, "a newer copy is on its way");
    }
}

contract! {
    async fn another_job_under_the_same_id_is_no_copy(bed: Bed) {
        let ledger = bed.worker("one").await;
        let other = ClaimRequest { job_hash: [9; 32], ..asking("j", 1) };
        let first = granted(ledger.claim(asking("j", 1)).await.unwrap());
        assert_eq!(ledger.claim(other.clone()).await.unwrap(), Claim::Mismatch);
        ledger.record(answer("j", first.fence, b"{}")).await.unwrap();
        assert_eq!(ledger.claim(other).await.unwrap(), Claim::Mismatch);
    }
}

contract! {
    async fn of_a_hundred_claims_of_one_job_one_is_granted(bed: Bed) {
        let mut workers = Vec::new();
        for n in 0..10 {
            workers.push(bed.worker(&format!("w{n}")).await);
        }
        let claims = (0..100).map(|n| {
            let ledger = workers[n % 10].clone();
            async move { ledger.claim(asking("j", 1)).await.unwrap() }
        });
        let said = futures_util::future::join_all(claims).await;
        assert_eq!(said.iter().filter(|claim| matches!(claim, Claim::Granted(_))).count(), 1, "{said:?}");
        assert!(said.iter().all(|claim| matches!(claim, Claim::Granted(_) | Claim::Held { .. })), "{said:?}");
    }
}

contract! {
    async fn many_jobs_at_once_are_each_granted_and_recorded(bed: Bed) {
        let ledger = bed.worker("one").await;
        let jobs = (0..600).map(|n| {
            let (ledger, id) = (ledger.clone(), format!("j{n}"));
            async move {
                let grant = granted(ledger.claim(asking(&id, 1)).await.unwrap());
                ledger.record(answer(&id, grant.fence, id.as_bytes())).await.unwrap()
            }
        });
        let recorded = futures_util::future::join_all(jobs).await;
        assert!(recorded.iter().all(|recorded| *recorded == Recorded::Done));
        assert_eq!(bed.number("SELECT COUNT(*) FROM jobs WHERE state = 'answered'").await, 600);
        let Claim::Answered(stored) = ledger.claim(asking("j77", 1)).await.unwrap() else { panic!("no result") };
        assert_eq!(stored.body, b"j77");
    }
}

contract! {
    /// The second claim of an id in one batch must see what the first one did.
    async fn a_batch_with_the_same_job_twice_grants_it_once(bed: Bed) {
        let ledger = bed.worker("one").await;
        let (a, b, c) = tokio::join!(
            ledger.claim(asking("j", 1)),
            ledger.claim(asking("j", 1)),
            ledger.claim(asking("k", 1)),
        );
        granted(a.unwrap());
        assert!(matches!(b.unwrap(), Claim::Held { .. }));
        granted(c.unwrap());
    }
}

contract! {
    async fn ids_are_texts_of_any_kind_within_limits(bed: Bed) {
        let ledger = bed.worker("one").await;
        for id in ["7", "ü\u{1f980}'\"--", &"x".repeat(255)] {
            granted(ledger.claim(asking(id, 1)).await.unwrap());
        }
        for id in ["", "a\0b", &"x".repeat(256)] {
            assert!(ledger.claim(asking(id, 1)).await.is_err(), "{id}");
            assert!(!ledger.knows(id).await.unwrap() && !ledger.cancel(id).await.unwrap());
        }
        let odd = ClaimRequest { element: "a\0b".to_owned(), ..asking("odd", 1) };
        granted(ledger.claim(odd).await.unwrap());
        assert!(ledger.knows("odd").await.unwrap() && !ledger.knows("even").await.unwrap());
    }
}
