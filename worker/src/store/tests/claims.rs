//! Who may send: the table of the ledger's rules, on a database.

use super::contract;
use super::test_store::{answer, claim_of, failed, granted, wait};
use crate::store::ledger::{Claim, ClaimRequest, Recorded, Verdict};

contract! {
    async fn the_first_claim_is_granted_and_others_wait_for_it(fixture: TestStore) {
        let one = fixture.worker("one").await;
        let grant = granted(one.claim(claim_of("j", 1)).await.unwrap());
        assert_eq!((grant.attempt, grant.fence, grant.crashes), (1, 1, 0));
        assert_eq!(grant.idempotency_key, "key of j");
        assert!(grant.history.is_empty() && !grant.request_changed);
        assert_eq!(fixture.state("j").await, "sending", "the claim is in the database before anybody is told");
        let another = fixture.worker("two").await.claim(claim_of("j", 1)).await.unwrap();
        assert!(matches!(another, Claim::Refused(Verdict::Busy { for_ms: 1_000..=30_000 })), "{another:?}");
    }
}

contract! {
    async fn a_waiting_job_is_taken_by_its_next_copy_only(fixture: TestStore) {
        let ledger = fixture.worker("one").await;
        let first = granted(ledger.claim(claim_of("j", 1)).await.unwrap());
        assert_eq!(ledger.record(wait("j", first.fence, 60_000)).await.unwrap(), Recorded::Done);
        let again = ledger.claim(claim_of("j", 1)).await.unwrap();
        assert!(matches!(again, Claim::Refused(Verdict::Requeue { attempt: 2, in_ms: 50_000..=60_000 })), "{again:?}");
        let changed = ClaimRequest { request_hash: Some([3; 32]), ..claim_of("j", 2) };
        let second = granted(ledger.claim(changed).await.unwrap());
        assert_eq!((second.attempt, second.history.as_slice()), (2, [failed(1)].as_slice()));
        assert_eq!((second.first_seen_ms, second.fence), (first.first_seen_ms, first.fence + 1));
        assert!(second.request_changed, "what is sent now differs from what was sent before");
        assert_eq!(ledger.claim(claim_of("j", 1)).await.unwrap(), Claim::Refused(Verdict::Stale));
        assert_eq!(ledger.record(wait("j", second.fence, 1)).await.unwrap(), Recorded::Done);
        assert_eq!(ledger.claim(claim_of("j", 1)).await.unwrap(), Claim::Refused(Verdict::Stale), "a newer copy is on its way");
    }
}

contract! {
    async fn another_job_under_the_same_id_is_no_copy(fixture: TestStore) {
        let ledger = fixture.worker("one").await;
        let other = ClaimRequest { job_hash: [9; 32], ..claim_of("j", 1) };
        let first = granted(ledger.claim(claim_of("j", 1)).await.unwrap());
        assert_eq!(ledger.claim(other.clone()).await.unwrap(), Claim::Refused(Verdict::Mismatch));
        ledger.record(answer("j", first.fence, b"{}")).await.unwrap();
        assert_eq!(ledger.claim(other).await.unwrap(), Claim::Refused(Verdict::Mismatch));
    }
}

contract! {
    async fn of_a_hundred_claims_of_one_job_one_is_granted(fixture: TestStore) {
        let mut workers = Vec::new();
        for n in 0..10 {
            workers.push(fixture.worker(&format!("w{n}")).await);
        }
        let claims = (0..100).map(|n| {
            let ledger = workers[n % 10].clone();
            async move { ledger.claim(claim_of("j", 1)).await.unwrap() }
        });
        let said = futures_util::future::join_all(claims).await;
        assert_eq!(said.iter().filter(|claim| matches!(claim, Claim::Granted(_))).count(), 1, "{said:?}");
        assert!(said.iter().all(|claim| matches!(claim, Claim::Granted(_) | Claim::Refused(Verdict::Busy { .. }))), "{said:?}");
    }
}

contract! {
    async fn many_jobs_at_once_are_each_granted_and_recorded(fixture: TestStore) {
        let ledger = fixture.worker("one").await;
        let jobs = (0..600).map(|n| {
            let (ledger, id) = (ledger.clone(), format!("j{n}"));
            async move {
                let grant = granted(ledger.claim(claim_of(&id, 1)).await.unwrap());
                ledger.record(answer(&id, grant.fence, id.as_bytes())).await.unwrap()
            }
        });
        let recorded = futures_util::future::join_all(jobs).await;
        assert!(recorded.iter().all(|recorded| *recorded == Recorded::Done));
        assert_eq!(fixture.number("SELECT COUNT(*) FROM jobs WHERE state = 'answered'").await, 600);
        let Claim::Refused(Verdict::Answered(stored)) = ledger.claim(claim_of("j77", 1)).await.unwrap() else { panic!("no result") };
        assert_eq!(stored.body, b"j77");
    }
}

contract! {
    /// The second claim of an id in one batch must see what the first one did.
    async fn a_batch_with_the_same_job_twice_grants_it_once(fixture: TestStore) {
        let ledger = fixture.worker("one").await;
        let (a, b, c) = tokio::join!(
            ledger.claim(claim_of("j", 1)),
            ledger.claim(claim_of("j", 1)),
            ledger.claim(claim_of("k", 1)),
        );
        granted(a.unwrap());
        assert!(matches!(b.unwrap(), Claim::Refused(Verdict::Busy { .. })));
        granted(c.unwrap());
    }
}

contract! {
    async fn ids_are_texts_of_any_kind_within_limits(fixture: TestStore) {
        let ledger = fixture.worker("one").await;
        for id in ["7", "ü\u{1f980}'\"--", &"x".repeat(255)] {
            granted(ledger.claim(claim_of(id, 1)).await.unwrap());
        }
        for id in ["", "a\0b", &"x".repeat(256)] {
            assert!(ledger.claim(claim_of(id, 1)).await.is_err(), "{id}");
            assert!(!ledger.contains(id).await.unwrap() && !ledger.cancel(id).await.unwrap());
        }
        let odd = ClaimRequest { element: "a\0b".to_owned(), ..claim_of("odd", 1) };
        granted(ledger.claim(odd).await.unwrap());
        assert!(ledger.contains("odd").await.unwrap() && !ledger.contains("even").await.unwrap());
    }
}
