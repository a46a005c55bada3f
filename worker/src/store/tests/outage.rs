//! A database that goes away and comes back, and operations that it refuses.

use secrecy::SecretString;

use super::test_store::{KEY, answer, claim_of, granted, on_postgresql, on_sqlite, result, stored_job};
use crate::store::ledger::{Claim, Record, Recorded, Verdict};
use crate::store::{DatabaseTls, Error, KeySource, Store};
use crate::testing::proxy::Proxy;

#[tokio::test]
async fn operations_during_an_outage_fail_and_leave_nothing_behind() {
    on_postgresql(|fixture| async move {
        let place = fixture.url.split('@').nth(1).unwrap().split('/').next().unwrap().to_owned();
        let proxy = Proxy::before(&place).await;
        let through = SecretString::from(fixture.url.replace(&place, &proxy.address()));
        let keys = KeySource { key: Some(SecretString::from(KEY)), ..KeySource::default() };
        let store = Store::open(&through, &keys, &DatabaseTls::default(), false).await.unwrap();
        store.workers().register("one", "host", std::time::Duration::from_mins(1)).await.unwrap();
        let ledger = store.ledger("one");
        let begun = granted(ledger.claim(claim_of("begun", 1)).await.unwrap());
        proxy.cut();
        let claim = ledger.claim(claim_of("new", 1)).await;
        assert!(claim.as_ref().is_err_and(crate::store::Error::is_transient), "{claim:?}");
        let record = ledger.record(answer("begun", begun.fence, b"{}")).await;
        assert!(record.as_ref().is_err_and(crate::store::Error::is_transient), "{record:?}");
        assert!(store.ping().await.is_err());
        proxy.restore();
        assert_eq!(ledger.record(answer("begun", begun.fence, b"{}")).await.unwrap(), Recorded::Done);
        assert_eq!(granted(ledger.claim(claim_of("new", 1)).await.unwrap()).attempt, 1);
        store.ping().await.unwrap();
    })
    .await;
}

/// Two workers that have the same jobs in hand may wait for each other; PostgreSQL then gives one of them up.
#[tokio::test]
async fn a_batch_is_written_again_after_a_deadlock() {
    on_postgresql(|fixture| async move {
        use sqlx::{Connection, Executor};
        let ledger = fixture.worker("one").await;
        let taken = granted(ledger.claim(claim_of("b", 1)).await.unwrap());
        ledger.record(answer("b", taken.fence, b"{}")).await.unwrap();
        let grant = granted(ledger.claim(claim_of("a", 1)).await.unwrap());

        let mut other = sqlx::PgConnection::connect(&fixture.url).await.unwrap();
        let lock = |id| format!("SELECT 1 FROM jobs WHERE id = '{id}' FOR UPDATE");
        // The one who looks first is given up, and that is not this one.
        other.execute("BEGIN; SET LOCAL deadlock_timeout = '10s'").await.unwrap();
        other.execute(sqlx::AssertSqlSafe(lock("b"))).await.unwrap();
        let recorded = tokio::spawn({
            let ledger = ledger.clone();
            async move {
                // One batch: the writer has no turn in between.
                ledger.published("b");
                ledger.record(answer("a", grant.fence, b"{}")).await
            }
        });
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        other.execute(sqlx::AssertSqlSafe(lock("a"))).await.unwrap();
        other.execute("COMMIT").await.unwrap();
        assert_eq!(recorded.await.unwrap().unwrap(), Recorded::Done);
        ledger.flush().await;
        assert_eq!(
            (fixture.state("a").await, fixture.state("b").await),
            ("answered".to_owned(), "published".to_owned())
        );
    })
    .await;
}

/// A careless migration locks the table for minutes.
#[tokio::test]
async fn a_statement_that_nobody_waits_for_any_more_ends_at_the_server() {
    on_postgresql(|fixture| async move {
        use sqlx::{Connection, Executor};
        let ledger = fixture.worker("one").await;
        granted(ledger.claim(claim_of("known", 1)).await.unwrap());
        let mut other = sqlx::PgConnection::connect(&fixture.url).await.unwrap();
        other.execute("BEGIN; LOCK TABLE jobs IN EXCLUSIVE MODE").await.unwrap();
        let late = ledger.claim(claim_of("new", 1)).await;
        assert!(late.as_ref().is_err_and(crate::store::Error::is_transient), "{late:?}");
        let waiting = "SELECT COUNT(*) FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock'";
        // Within a second, for then the worker takes back what it may have been granted, and waits for the lock again.
        let mut looks = 0;
        while fixture.number(waiting).await > 0 {
            looks += 1;
            assert!(looks < 70, "it would be granted when the lock is gone, and nobody would know");
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        other.execute("COMMIT").await.unwrap();
        assert_eq!(fixture.state("new").await, "none");
        assert_eq!(granted(ledger.claim(claim_of("new", 1)).await.unwrap()).attempt, 1);
    })
    .await;
}

/// A migration that adds a column makes prepared statements useless.
#[tokio::test]
async fn a_migration_next_to_a_running_worker_costs_one_try() {
    on_postgresql(|fixture| async move {
        let ledger = fixture.worker("one").await;
        granted(ledger.claim(claim_of("j", 1)).await.unwrap());
        assert!(matches!(ledger.claim(claim_of("j", 1)).await.unwrap(), Claim::Refused(Verdict::Busy { .. })));
        fixture.sql("ALTER TABLE jobs ADD COLUMN added BIGINT").await;
        let first = ledger.claim(claim_of("j", 1)).await;
        assert!(first.as_ref().is_err_and(crate::store::Error::is_transient), "{first:?}");
        assert!(matches!(ledger.claim(claim_of("j", 1)).await.unwrap(), Claim::Refused(Verdict::Busy { .. })));
    })
    .await;
}

/// PostgreSQL's texts hold no NUL; a batch must not fail for the one operation that has one.
#[tokio::test]
async fn only_the_guilty_operation_of_a_batch_fails() {
    on_postgresql(|fixture| async move {
        let ledger = fixture.worker("one").await;
        for n in 0..20 {
            granted(ledger.claim(claim_of(&format!("j{n}"), 1)).await.unwrap());
        }
        let records = (0..20).map(|n| {
            let (ledger, id) = (ledger.clone(), format!("j{n}"));
            let code = (n == 13).then(|| "A\0B".to_owned());
            let (http_status, history, result) = (None, Vec::new(), result(&id, b"{}"));
            let record = Record::Answered {
                id,
                fence: 1,
                code,
                http_status,
                duration_ms: 1,
                history,
                result,
                job: stored_job(),
                exchange: None,
                send: true,
            };
            async move { ledger.record(record).await }
        });
        let recorded = futures_util::future::join_all(records).await;
        for (n, recorded) in recorded.iter().enumerate() {
            assert_eq!(recorded.is_ok(), n != 13, "{n}: {recorded:?}");
        }
        assert!(matches!(ledger.claim(claim_of("j12", 1)).await.unwrap(), Claim::Refused(Verdict::Answered(_))));
        assert!(matches!(ledger.claim(claim_of("j13", 1)).await.unwrap(), Claim::Refused(Verdict::Busy { .. })));
    })
    .await;
}

/// A batch that SQLite rejects leaves neither a part of it nor an open transaction behind.
#[tokio::test]
async fn a_rejected_operation_fails_alone_in_a_file_too() {
    on_sqlite(|fixture| async move {
        let ledger = fixture.worker("one").await;
        for id in ["good", "bad", "other"] {
            granted(ledger.claim(claim_of(id, 1)).await.unwrap());
        }
        fixture
            .sql(
                "CREATE TRIGGER rejects BEFORE UPDATE ON jobs WHEN NEW.id = 'bad' BEGIN SELECT RAISE(ABORT, 'no'); END",
            )
            .await;
        let record = |id: &'static str| ledger.record(answer(id, 1, b"{}"));
        let recorded = tokio::join!(record("good"), record("bad"), record("other"), ledger.claim(claim_of("new", 1)));
        assert_eq!((recorded.0.unwrap(), recorded.2.unwrap()), (Recorded::Done, Recorded::Done));
        assert!(matches!(recorded.1, Err(Error::Rejected(_))), "{:?}", recorded.1);
        granted(recorded.3.unwrap());
        assert_eq!((fixture.state("good").await, fixture.state("bad").await), ("answered".into(), "sending".into()));
        assert_eq!(fixture.number("SELECT COUNT(*) FROM payloads").await, 2);
        fixture.sql("DROP TRIGGER rejects").await;
        assert_eq!(ledger.record(answer("bad", 1, b"{}")).await.unwrap(), Recorded::Done);
    })
    .await;
}
