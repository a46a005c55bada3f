//! Results: kept as they are, sent again until somebody takes them, dropped when their time is over.

use std::time::Duration;

use super::contract;
use super::test_store::{ages, answer, claim_of, failed, granted, on_postgresql, result, stored_job, wait};
use crate::store::ledger::{Claim, ClaimRequest, JobFilter, OLD_ROWS, Record, Recorded, StoredResult, Verdict};

contract! {
    async fn a_result_is_returned_byte_for_byte(fixture: TestStore) {
        let ledger = fixture.worker("one").await;
        let grant = granted(ledger.claim(claim_of("j", 1)).await.unwrap());
        let stored = StoredResult {
            body: b"{\"n\":1.0,\"nul\":\"\\u0000\",\"raw\":\"\xff\"}".to_vec(),
            reply_address: b"result.a\0b\xff".to_vec(),
            ..result("j", b"")
        };
        let record = Record::Answered {
            id: "j".to_owned(),
            fence: grant.fence,
            code: Some("HTTP_ERROR".to_owned()),
            http_status: Some(500),
            duration_ms: 5,
            history: vec![failed(1)],
            result: stored.clone(),
            job: stored_job(),
exchange: None,
            send: true,
        };
        assert_eq!(ledger.record(record.clone()).await.unwrap(), Recorded::Done);
        assert_eq!(ledger.record(record).await.unwrap(), Recorded::Done, "the answer to the first one may get lost");
        let again = ClaimRequest { reply_address: stored.reply_address.clone(), ..claim_of("j", 1) };
        assert_eq!(ledger.claim(again).await.unwrap(), Claim::Refused(Verdict::Answered(stored)));
        assert_eq!(ledger.record(answer("j", grant.fence, b"other")).await.unwrap(), Recorded::Lost);
        let job = fixture.store.jobs().find("j").await.unwrap().unwrap();
        assert_eq!((job.row.code.as_deref(), job.attempts), (Some("HTTP_ERROR"), vec![failed(1)]));
    }
}

contract! {
    async fn a_published_result_is_sent_again_while_it_is_kept(fixture: TestStore) {
        let ledger = fixture.worker("one").await;
        let grant = granted(ledger.claim(claim_of("j", 1)).await.unwrap());
        ledger.record(answer("j", grant.fence, b"{}")).await.unwrap();
        ledger.published("j");
        ledger.flush().await;
        assert_eq!(fixture.state("j").await, "published");
        assert_eq!(ledger.claim(claim_of("j", 1)).await.unwrap(), Claim::Refused(Verdict::Answered(result("j", b"{}"))));
        fixture.sql("UPDATE jobs SET updated_at = 1").await;
        fixture.sql("UPDATE payloads SET stored_at = 1").await;
        ledger.retain(ages(Duration::from_hours(720_000), Duration::from_hours(24))).await.unwrap();
        assert_eq!(ledger.claim(claim_of("j", 1)).await.unwrap(), Claim::Refused(Verdict::Published));
    }
}

contract! {
    async fn what_is_due_goes_to_one_sweeper(fixture: TestStore) {
        let ledger = fixture.worker("one").await;
        for n in 0..40 {
            let id = format!("j{n}");
            let grant = granted(ledger.claim(claim_of(&id, 1)).await.unwrap());
            ledger.record(answer(&id, grant.fence, b"{}")).await.unwrap();
        }
        assert_eq!(ledger.sweep(100).await.unwrap(), [], "an answer has a minute for its way");
        fixture.sql("UPDATE jobs SET send_at = 1").await;
        let sweepers = (0..8).map(|_| {
            let ledger = ledger.clone();
            async move { ledger.sweep(10).await.unwrap() }
        });
        let mut swept: Vec<String> =
            futures_util::future::join_all(sweepers).await.into_iter().flatten().map(|r| r.job_id).collect();
        swept.sort();
        let all = swept.len();
        swept.dedup();
        assert_eq!((all, swept.len()), (40, 40), "each one exactly once");
        assert_eq!(ledger.sweep(100).await.unwrap(), []);
    }
}

contract! {
    /// What a worker that died had answered and not sent: no job's row says by itself when that is due.
    async fn what_is_left_in_the_outbox_is_sent_once(fixture: TestStore) {
        let ledger = fixture.worker("one").await;
        for id in ["left", "taken", "returned", "for people"] {
            granted(ledger.claim(claim_of(id, 1)).await.unwrap());
        }
        let mut unsent = answer("for people", 1, b"{}");
        if let Record::Answered { send, .. } = &mut unsent {
            *send = false;
        }
        assert_eq!(fixture.number("SELECT COUNT(*) FROM outbox_jobs").await, 0);
        let records = ["left", "taken", "returned"].map(|id| answer(id, 1, b"{}")).into_iter().chain([unsent]);
        futures_util::future::join_all(records.map(|record| ledger.record(record))).await;
        ledger.published("taken");
        ledger.flush().await;
        ledger.mark_returned("returned").await.unwrap();
        assert_eq!(fixture.number("SELECT COUNT(*) FROM jobs WHERE send_at IS NOT NULL").await, 1, "the returned one");
        assert_eq!(ledger.sweep(100).await.unwrap(), [], "an answer has a minute for its way");
        assert_eq!(fixture.number("SELECT COUNT(*) FROM outbox_jobs").await, 3);
        fixture.sql("UPDATE outbox SET due_at = 1").await;
        let swept = futures_util::future::join_all((0..8).map(|_| ledger.sweep(100))).await;
        let swept: Vec<StoredResult> = swept.into_iter().flat_map(Result::unwrap).collect();
        assert_eq!(swept, [result("left", b"{}")]);
        assert_eq!(fixture.number("SELECT COUNT(*) FROM outbox").await, 0);
        fixture.sql("UPDATE jobs SET send_at = 1 WHERE send_at IS NOT NULL").await;
        assert_eq!(ledger.sweep(100).await.unwrap().len(), 2, "until somebody takes it");
    }
}

/// No index names what an ordinary job changes: its row's new versions stay on its page, and no index has an entry more.
#[tokio::test]
async fn an_ordinary_job_changes_no_index() {
    on_postgresql(|fixture| async move {
        let ledger = fixture.worker("one").await;
        for id in ["a", "b", "c"] {
            granted(ledger.claim(claim_of(id, 1)).await.unwrap());
            ledger.record(answer(id, 1, b"{}")).await.unwrap();
            ledger.published(id);
            ledger.flush().await;
        }
        // A session tells its figures at its end.
        drop(ledger);
        let updates = "SELECT n_tup_upd FROM pg_stat_user_tables WHERE relname = 'jobs'";
        for _ in 0..100 {
            if fixture.number(updates).await == 6 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let others = "SELECT n_tup_upd - n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'jobs'";
        assert_eq!((fixture.number(updates).await, fixture.number(others).await), (6, 0));
    })
    .await;
}

contract! {
    async fn a_returned_result_waits_longer_each_time(fixture: TestStore) {
        let ledger = fixture.worker("one").await;
        let grant = granted(ledger.claim(claim_of("j", 1)).await.unwrap());
        ledger.record(answer("j", grant.fence, b"{}")).await.unwrap();
        for expected in [5, 10, 20, 40, 80, 160, 320, 600, 600] {
            ledger.mark_returned("j").await.unwrap();
            let waits = fixture.number("SELECT (send_at - updated_at) / 1000 FROM jobs").await;
            assert_eq!(waits, expected);
        }
        let job = fixture.store.jobs().find("j").await.unwrap().unwrap();
        assert_eq!((job.row.state.as_str(), job.row.returns), ("answered", 9));
        ledger.expedite("other").await.unwrap();
        assert_eq!(fixture.store.jobs().stats(0).await.unwrap().overdue, Duration::ZERO, "another engine takes its results");
        assert_eq!(ledger.sweep(9).await.unwrap(), []);
        ledger.expedite("default").await.unwrap();
        assert_eq!(ledger.sweep(9).await.unwrap().len(), 1, "its engine takes results again");
        ledger.expedite("default").await.unwrap();
        assert_eq!(ledger.sweep(9).await.unwrap(), [], "it is on its way");
        ledger.published("j");
        ledger.flush().await;
        ledger.mark_returned("j").await.unwrap();
        assert_eq!(fixture.state("j").await, "published", "a late return does not wake it");
        ledger.mark_unroutable("j").await.unwrap();
        assert_eq!(ledger.sweep(9).await.unwrap().len(), 1, "nobody had taken it");
    }
}

contract! {
    async fn only_what_is_over_is_dropped(fixture: TestStore) {
        let ledger = fixture.worker("one").await;
        for id in ["answered", "published", "cancelled", "sending", "waiting", "parked"] {
            granted(ledger.claim(claim_of(id, 1)).await.unwrap());
        }
        ledger.record(answer("answered", 1, b"{}")).await.unwrap();
        ledger.record(answer("published", 1, b"{}")).await.unwrap();
        ledger.published("published");
        ledger.flush().await;
        ledger.cancel("cancelled").await.unwrap();
        ledger.record(wait("waiting", 1, 1)).await.unwrap();
        fixture.sql("UPDATE jobs SET state = 'parked' WHERE id = 'parked'").await;
        fixture.sql("UPDATE workers SET seen_until = 1").await;
        ledger.retain(ages(Duration::from_mins(1), Duration::from_mins(1))).await.unwrap();
        assert_eq!(fixture.number("SELECT COUNT(*) FROM jobs").await, 6, "all are young");
        fixture.sql("UPDATE jobs SET updated_at = 1, created_at = 1").await;
        fixture.sql("UPDATE payloads SET stored_at = 1").await;
        ledger.retain(ages(Duration::from_mins(1), Duration::from_mins(1))).await.unwrap();
        for (id, is_kept) in [
            ("answered", true), ("published", false), ("cancelled", false), ("sending", true), ("waiting", true),
            ("parked", true),
        ] {
            assert_eq!(ledger.contains(id).await.unwrap(), is_kept, "{id}");
        }
        assert_eq!(fixture.number("SELECT COUNT(*) FROM payloads").await, 1, "the result that nobody has is kept");
        assert_eq!(fixture.number("SELECT COUNT(*) FROM workers").await, 0);
    }
}

contract! {
    /// More than go in one statement.
    async fn many_old_rows_are_dropped_by_whoever_comes(fixture: TestStore) {
        fixture.sql("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
            INSERT INTO jobs (id, state, attempt, fence, created_at, updated_at)
            SELECT CAST(i AS TEXT), CASE i WHEN 7 THEN 'parked' ELSE 'published' END, 1, 1, 1, 1 FROM n").await;
        let ledger = fixture.worker("one").await;
        let dropping = (0..4).map(|_| ledger.retain(ages(Duration::from_mins(1), Duration::from_mins(1))));
        for dropped in futures_util::future::join_all(dropping).await {
            dropped.unwrap();
        }
        assert_eq!(fixture.number("SELECT COUNT(*) FROM jobs").await, 1);
    }
}

#[tokio::test]
async fn old_rows_are_left_to_whoever_drops_them() {
    on_postgresql(|fixture| async move {
        fixture.sql("INSERT INTO jobs (id, state, attempt, fence, created_at, updated_at) VALUES ('j', 'published', 1, 1, 1, 1)")
            .await;
        let ledger = fixture.worker("one").await;
        let age = Duration::from_mins(1);
        let other = sqlx::PgPool::connect(&fixture.url).await.unwrap();
        let mut other = other.begin().await.unwrap();
        sqlx::query("SELECT pg_advisory_xact_lock(hashtext($1))").bind(OLD_ROWS).execute(&mut *other).await.unwrap();
        ledger.retain(ages(age, age)).await.unwrap();
        assert!(ledger.contains("j").await.unwrap());
        other.rollback().await.unwrap();
        ledger.retain(ages(age, age)).await.unwrap();
        assert!(!ledger.contains("j").await.unwrap());
    })
    .await;
}

/// Too many of them at once may take too long: rows that somebody holds stand for those here.
#[tokio::test]
async fn what_cannot_be_dropped_does_not_keep_the_rest_from_going() {
    on_postgresql(|fixture| async move {
        fixture.sql("INSERT INTO payloads (job_id, result, reply_address, stored_at) VALUES ('p', '', '', 1)").await;
        fixture.sql("INSERT INTO jobs (id, state, attempt, fence, created_at, updated_at) VALUES ('j', 'published', 1, 1, 1, 1)")
            .await;
        let ledger = fixture.worker("one").await;
        let other = sqlx::PgPool::connect(&fixture.url).await.unwrap();
        let mut other = other.begin().await.unwrap();
        sqlx::query("SELECT 1 FROM payloads FOR UPDATE").execute(&mut *other).await.unwrap();
        let age = Duration::from_mins(1);
        assert!(ledger.retain(ages(age, age)).await.is_err_and(|error| error.is_transient()));
        assert!(!ledger.contains("j").await.unwrap());
        other.rollback().await.unwrap();
        ledger.retain(ages(age, age)).await.unwrap();
        assert_eq!(fixture.number("SELECT COUNT(*) FROM payloads").await, 0);
    })
    .await;
}

contract! {
    async fn jobs_are_listed_by_what_people_ask_for(fixture: TestStore) {
        let ledger = fixture.worker("one").await;
        for n in 0..5 {
            granted(ledger.claim(claim_of(&format!("j{n}"), 1)).await.unwrap());
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        ledger.record(answer("j2", 1, b"{\"a\":1}")).await.unwrap();
        let ids = |filter: JobFilter| {
            let store = fixture.store.clone();
            async move { store.jobs().list(&filter).await.unwrap().into_iter().map(|job| job.id).collect::<Vec<_>>() }
        };
        assert_eq!(ids(JobFilter { limit: 3, ..JobFilter::default() }).await, ["j4", "j3", "j2"]);
        let answered = JobFilter { state: Some("answered".to_owned()), limit: 9, ..JobFilter::default() };
        assert_eq!(ids(answered.clone()).await, ["j2"]);
        ledger.record(wait("j3", 1, 60_000)).await.unwrap();
        let waiting = JobFilter { state: Some("waiting".to_owned()), limit: 9, ..JobFilter::default() };
        assert_eq!(ids(waiting).await, ["j3"]);
        let nobodys = JobFilter { request: Some("8".to_owned()), limit: 9, ..JobFilter::default() };
        assert!(ids(nobodys).await.is_empty());
        let first = fixture.store.jobs().list(&JobFilter { limit: 2, ..JobFilter::default() }).await.unwrap();
        let page = JobFilter { limit: 2, ..JobFilter::default() };
        let next = fixture.store.jobs().page(&page, Some("default"), first.last()).await.unwrap();
        assert_eq!(next.iter().map(|job| job.id.as_str()).collect::<Vec<_>>(), ["j2", "j1"]);
        assert!(fixture.store.jobs().page(&page, Some("other"), None).await.unwrap().is_empty());
        let counts = fixture.store.jobs().count_by_state().await.unwrap();
        let counts: Vec<_> = counts.iter().map(|c| (c.state.as_str(), c.jobs)).collect();
        assert_eq!(counts, [("answered", 1), ("sending", 3), ("waiting", 1)]);
        fixture.sql("UPDATE jobs SET send_at = 1 WHERE state = 'answered'").await;
        ledger.sweep(1).await.unwrap();
        assert_eq!(ids(answered).await, ["j2"], "on its way again");
        let job = fixture.store.jobs().find("j2").await.unwrap().unwrap();
        assert_eq!(job.result, Some(serde_json::json!({"a": 1})));
    }
}
