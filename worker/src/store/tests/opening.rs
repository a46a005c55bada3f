//! Opening: by many at once, with the wrong key, on a schema of another time.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use secrecy::SecretString;

use super::contract;
use super::test_store::{KEY, OTHER_KEY, claim_of, execute, on_empty_postgresql, on_sqlite, open};
use crate::store::database::{Database, POSTGRES, SQLITE};
use crate::store::{DatabaseTls, Error, KeySource, Store};

fn tls() -> DatabaseTls {
    DatabaseTls::default()
}

contract! {
    async fn another_key_is_refused(fixture: TestStore) {
        assert!(matches!(open(&fixture.url, OTHER_KEY).await, Err(Error::Key(_))));
        assert_eq!(open(&fixture.url, KEY).await.unwrap().ledger_id(), fixture.store.ledger_id());
        assert!(!fixture.folder.path().join("c.db.key").exists(), "a key that is given is not written down");
    }
}

#[tokio::test]
async fn a_file_opened_by_many_at_once_has_one_identity_and_one_key() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("deep/c.db");
    let url = SecretString::from(format!("sqlite:{}", file.display()));
    let (keys, tls) = (KeySource::default(), tls());
    let opened = futures_util::future::join_all((0..8).map(|_| Store::open(&url, &keys, &tls, false))).await;
    let ids: std::collections::HashSet<String> =
        opened.into_iter().map(|store| store.unwrap().ledger_id().to_owned()).collect();
    assert_eq!(ids.len(), 1);
    for name in ["c.db", "c.db.key"] {
        let mode = std::fs::metadata(folder.path().join("deep").join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name} is its owner's business");
    }
}

#[tokio::test]
async fn a_worker_and_the_api_of_its_process_write_in_turn_and_read_at_any_time() {
    on_sqlite(|fixture| async move {
        let (api, worker) = (fixture.store.for_this_runtime(), fixture.worker("w").await);
        assert_eq!(api.ledger_id(), fixture.store.ledger_id());
        let Database::Sqlite { writer, .. } = &fixture.store.0.database else { panic!("not SQLite") };
        let turn = writer.turn().await.unwrap();
        let collections = api.collections();
        let mut writing = Box::pin(collections.hold_task("task", "api", Duration::from_mins(1)));
        let mut claiming = Box::pin(worker.claim(claim_of("job", 1)));
        let moment = Duration::from_millis(200);
        assert!(tokio::time::timeout(moment, &mut writing).await.is_err());
        assert!(tokio::time::timeout(moment, &mut claiming).await.is_err());
        api.ping().await.unwrap();
        drop(turn);
        assert!(writing.await.unwrap());
        claiming.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_missing_or_broken_key_is_found_before_anything_is_connected_to() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("c.db");
    let sqlite = format!("sqlite:{}", file.display());
    let nobody = "postgres://nobody@127.0.0.1:1/none";
    let missing_file = KeySource { file: Some(folder.path().join("none")), ..KeySource::default() };
    let broken = KeySource { key: Some(SecretString::from("AAAA")), ..KeySource::default() };
    for (url, keys) in [(nobody, &KeySource::default()), (nobody, &broken), (nobody, &missing_file), (&sqlite, &broken)]
    {
        let refused = Store::open(&SecretString::from(url), keys, &tls(), true).await.unwrap_err();
        assert!(
            refused.is_misconfigured() && matches!(refused, Error::Key(_) | Error::File { .. }),
            "{url}: {refused}"
        );
    }
    assert!(!file.exists());
    let known = KeySource { key: Some(SecretString::from(KEY)), ..KeySource::default() };
    let refused = Store::open(&SecretString::from(nobody), &known, &tls(), true).await.unwrap_err();
    assert!(matches!(refused, Error::Unreachable(_)), "{refused}");
}

#[tokio::test]
async fn postgresql_is_migrated_when_somebody_says_so() {
    on_empty_postgresql(|url, _| async move {
        let secret = SecretString::from(url.as_str());
        let key = KeySource { key: Some(SecretString::from(KEY)), ..KeySource::default() };
        assert!(matches!(Store::open(&secret, &key, &tls(), false).await, Err(Error::NotMigrated)));
        let tls_of = tls();
        let migrated = futures_util::future::join_all((0..4).map(|_| Store::open(&secret, &key, &tls_of, true))).await;
        assert!(migrated.iter().all(Result::is_ok), "{migrated:?}");
        Store::open(&secret, &key, &tls(), false).await.unwrap();
        assert!(matches!(Store::open(&secret, &KeySource::default(), &tls(), false).await, Err(Error::Key(_))));
        execute(
            &url,
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES (999, 'of tomorrow', true, '', 0)",
        )
        .await;
        assert!(matches!(Store::open(&secret, &key, &tls(), false).await, Err(Error::OtherSchema(_))));
        assert!(matches!(Store::open(&secret, &key, &tls(), true).await, Err(Error::OtherSchema(_))));
    })
    .await;
}

/// The last version that kept the date of an answer in its job's due date.
const BEFORE_THE_OUTBOX: i64 = 5;
/// A job in each state that had a date then, long ago.
const OF_THEN: &str = "INSERT INTO jobs (id, state, attempt, fence, due_at, created_at, updated_at) VALUES
    ('untaken', 'answered', 1, 1, 7, 1, 1), ('waits', 'waiting', 1, 1, 8, 1, 1), ('taken', 'published', 1, 1, 9, 1, 1)";
const YEARS: Duration = Duration::from_hours(24 * 365 * 50);
const ANSWER_OF_THEN: &str =
    "INSERT INTO payloads (job_id, result, routing_key, stored_at) VALUES ('untaken', $1, $1, 1)";

#[tokio::test]
async fn answers_of_a_version_without_outbox_are_sent_by_this_one() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("c.db").display());
    let file = sqlx::SqlitePool::connect(&format!("{url}?mode=rwc")).await.unwrap();
    SQLITE.run_to(BEFORE_THE_OUTBOX, &file).await.unwrap();
    sqlx::query(OF_THEN).execute(&file).await.unwrap();
    sqlx::query(ANSWER_OF_THEN).bind(b"then".as_slice()).execute(&file).await.unwrap();
    file.close().await;
    the_answer_of_then_is_sent(&url).await;
    on_empty_postgresql(|url, _| async move {
        let pool = sqlx::PgPool::connect(&url).await.unwrap();
        POSTGRES.run_to(BEFORE_THE_OUTBOX, &pool).await.unwrap();
        sqlx::query(OF_THEN).execute(&pool).await.unwrap();
        sqlx::query(ANSWER_OF_THEN).bind(b"then".as_slice()).execute(&pool).await.unwrap();
        pool.close().await;
        the_answer_of_then_is_sent(&url).await;
    })
    .await;
}

async fn the_answer_of_then_is_sent(url: &str) {
    let store = open(url, KEY).await.unwrap();
    assert!(store.jobs().stats(100).await.unwrap().overdue > YEARS, "{url}");
    let sent: Vec<String> =
        store.ledger("w").sweep(10).await.unwrap().into_iter().map(|answer| answer.job_id).collect();
    assert_eq!(sent, ["untaken"], "{url}");
    let figures = store.jobs().stats(100).await.unwrap();
    assert_eq!((figures.retry_stuck, figures.overdue), (1, Duration::ZERO), "{url}: the one that waits");
    let taken = store.jobs().find("taken").await.unwrap().unwrap().row;
    assert_eq!((taken.due_at, taken.send_at), (None, None), "{url}");
}

/// The last version that kept routing key, `reply_to` and correlation id of a result in a column each.
const BEFORE_REPLY_ADDRESSES: i64 = 7;
const ANSWERED_JOB: &str = "INSERT INTO jobs (id, state, attempt, fence, engine, send_at, created_at, updated_at)
    VALUES ($1, 'answered', 1, 1, 'e-1', 1, 1, 1)";
const RESULT_OF_VERSION_7: &str =
    "INSERT INTO payloads (job_id, result, routing_key, reply_to, correlation_id, stored_at)
    VALUES ($1, $2, $3, $4, $5, 1)";

type AddressOfVersion7 = (&'static str, &'static str, Option<&'static str>, Option<&'static str>);

/// Job id, routing key, `reply_to`, correlation id: everything that JSON escapes, and what PostgreSQL's texts cannot hold.
const ADDRESSES_OF_VERSION_7: [AddressOfVersion7; 3] = [
    ("a", "result.e-1.order", None, None),
    ("b", "result.e-1.\u{e9}\u{1f980}", Some("queue \"x\"\\"), Some("")),
    ("c", "result.e-1.-", None, Some("\0\u{1}\n\u{1f}\u{7f}\0")),
];

#[tokio::test]
async fn reply_addresses_of_an_older_version_survive() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("c.db").display());
    let file = sqlx::SqlitePool::connect(&format!("{url}?mode=rwc")).await.unwrap();
    SQLITE.run_to(BEFORE_REPLY_ADDRESSES, &file).await.unwrap();
    for (id, routing_key, reply_to, correlation_id) in ADDRESSES_OF_VERSION_7 {
        sqlx::query(ANSWERED_JOB).bind(id).execute(&file).await.unwrap();
        sqlx::query(RESULT_OF_VERSION_7)
            .bind(id)
            .bind(b"{}".as_slice())
            .bind(routing_key.as_bytes())
            .bind(reply_to.map(str::as_bytes))
            .bind(correlation_id.map(str::as_bytes))
            .execute(&file)
            .await
            .unwrap();
    }
    file.close().await;
    the_addresses_are_those_of_version_7(&url).await;
    on_empty_postgresql(|url, _| async move {
        let pool = sqlx::PgPool::connect(&url).await.unwrap();
        POSTGRES.run_to(BEFORE_REPLY_ADDRESSES, &pool).await.unwrap();
        for (id, routing_key, reply_to, correlation_id) in ADDRESSES_OF_VERSION_7 {
            sqlx::query(ANSWERED_JOB).bind(id).execute(&pool).await.unwrap();
            sqlx::query(RESULT_OF_VERSION_7)
                .bind(id)
                .bind(b"{}".as_slice())
                .bind(routing_key.as_bytes())
                .bind(reply_to.map(str::as_bytes))
                .bind(correlation_id.map(str::as_bytes))
                .execute(&pool)
                .await
                .unwrap();
        }
        pool.close().await;
        the_addresses_are_those_of_version_7(&url).await;
    })
    .await;
}

async fn the_addresses_are_those_of_version_7(url: &str) {
    let mut results = open(url, KEY).await.unwrap().ledger("w").sweep(10).await.unwrap();
    results.sort_by(|a, b| a.job_id.cmp(&b.job_id));
    assert_eq!(results.len(), ADDRESSES_OF_VERSION_7.len(), "{url}");
    for (result, (id, routing_key, reply_to, correlation_id)) in results.iter().zip(ADDRESSES_OF_VERSION_7) {
        assert_eq!(
            (result.job_id.as_str(), result.engine.as_str(), result.body.as_slice()),
            (id, "e-1", b"{}".as_slice())
        );
        let address: serde_json::Value = serde_json::from_slice(&result.reply_address).unwrap();
        let text = |name: &str| address.get(name).and_then(serde_json::Value::as_str);
        assert_eq!(
            (text("routing_key"), text("reply_to"), text("correlation_id")),
            (Some(routing_key), reply_to, correlation_id),
            "{url}"
        );
    }
}

#[tokio::test]
async fn what_is_no_database_is_rejected() {
    for url in ["mysql://h/d", "sqlite:", "sqlite::memory:", "nothing"] {
        let refused = Store::open(&SecretString::from(url), &KeySource::default(), &tls(), false).await;
        assert!(matches!(refused, Err(Error::Url)), "{url}: {refused:?}");
    }
    let key = KeySource { key: Some(SecretString::from(KEY)), ..KeySource::default() };
    let away = Store::open(&SecretString::from("postgres://u@127.0.0.1:1/d"), &key, &tls(), false).await;
    assert!(matches!(&away, Err(error) if error.is_transient()), "{away:?}");
    let folder = tempfile::tempdir().unwrap();
    let url = SecretString::from(format!("sqlite:{}", folder.path().display()));
    let refused = Store::open(&url, &KeySource::default(), &tls(), false).await;
    assert!(matches!(refused, Err(Error::File { .. })), "{refused:?}");
}
