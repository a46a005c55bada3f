//! A database of its own for each test, and the few words that tests of the ledger are written in.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use serde_json::{Map, Value};
use tempfile::TempDir;

use crate::store::audit::Entry;
use crate::store::ledger::{
    Claim, ClaimRequest, Grant, HoldRequest, LedgerHandle, Record, RetentionAges, StoredJob, StoredResult,
};
use crate::store::{
    Conflict, Connectors, Current, DatabaseTls, Draft, Error, Existing, Identification, Imported, KeySource, Secrets,
    Store, Subject,
};

/// 32 bytes that guard nothing.
pub(super) const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
/// Another 32.
pub(super) const OTHER_KEY: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

/// An open store and where its file is.
#[derive(Clone)]
pub(super) struct TestStore {
    pub(super) store: Store,
    pub(super) url: String,
    pub(super) folder: Arc<TempDir>,
}

pub(super) async fn on_sqlite<F: Future<Output = ()> + Send + 'static>(test: impl FnOnce(TestStore) -> F) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("c.db").display());
    let fixture = TestStore { store: open(&url, KEY).await.unwrap(), url, folder: Arc::new(folder) };
    test(fixture).await;
}

pub(super) async fn on_postgresql<F: Future<Output = ()> + Send + 'static>(test: impl FnOnce(TestStore) -> F) {
    on_empty_postgresql(|url, folder| async move {
        test(TestStore { store: open(&url, KEY).await.unwrap(), url, folder: Arc::new(folder) }).await;
    })
    .await;
}

/// A database that nobody has migrated.
pub(super) async fn on_empty_postgresql<F, Fut>(test: F)
where
    F: FnOnce(String, TempDir) -> Fut,
    Fut: Future<Output = ()>,
{
    let admin = std::env::var("DATABASE_URL_ADMIN")
        .unwrap_or_else(|_| "postgres://postgres@127.0.0.1:5432/postgres".to_owned());
    let name = format!("dc_{}", uuid::Uuid::new_v4().simple());
    execute(&admin, &format!("CREATE DATABASE {name}")).await;
    let (server, _) = admin.rsplit_once('/').unwrap();
    let url = format!("{server}/{name}");
    // A panic is caught, so that the database goes away before the test fails.
    let test =
        futures_util::FutureExt::catch_unwind(std::panic::AssertUnwindSafe(test(url, tempfile::tempdir().unwrap())));
    let ended = test.await;
    execute(&admin, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
    if let Err(panic) = ended {
        std::panic::resume_unwind(panic);
    }
}

/// Runs one statement on a PostgreSQL server, over a connection of its own.
pub(super) async fn execute(url: &str, statement: &str) {
    use sqlx::{AssertSqlSafe, Connection, Executor};
    let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
    connection.execute(AssertSqlSafe(statement.to_owned())).await.unwrap();
    connection.close().await.unwrap();
}

pub(super) async fn open(url: &str, key: &str) -> Result<Store, Error> {
    open_with(url, &KeySource { key: Some(SecretString::from(key)), ..KeySource::default() }).await
}

pub(super) async fn open_with(url: &str, keys: &KeySource) -> Result<Store, Error> {
    Store::open(&SecretString::from(url), keys, &DatabaseTls::default(), true).await
}

impl TestStore {
    /// The ledger of a worker that lives.
    pub(super) async fn worker(&self, id: &str) -> LedgerHandle {
        self.store.workers().register(id, "host", Duration::from_mins(1)).await.unwrap();
        self.store.ledger(id)
    }

    /// Runs a statement on the database itself.
    pub(super) async fn sql(&self, statement: &'static str) {
        crate::store::database::on!(&self.store.0.database, write db => {
            sqlx::query(statement).execute(db).await?;
        })
        .unwrap();
    }

    /// Reads one number from the database itself.
    pub(super) async fn number(&self, statement: &'static str) -> i64 {
        crate::store::database::on!(&self.store.0.database, read db => sqlx::query_scalar(statement).fetch_one(db).await?)
            .unwrap()
    }

    /// The state of a job.
    pub(super) async fn state(&self, id: &str) -> String {
        self.store.jobs().find(id).await.unwrap().map_or_else(|| "none".to_owned(), |job| job.row.state)
    }
}

/// The claim of a job that may be repeated.
pub(super) fn claim_of(id: &str, attempt: u32) -> ClaimRequest {
    ClaimRequest {
        id: id.to_owned(),
        job_hash: [1; 32],
        attempt,
        repeat_safe: true,
        idempotency_key: format!("key of {id}"),
        request_hash: Some([2; 32]),
        engine: "default".to_owned(),
        process: Some("order".to_owned()),
        version: None,
        request: "7".to_owned(),
        element: "fetch".to_owned(),
        connector: Some("API".to_owned()),
        resource: Some("get".to_owned()),
        reply_address: b"result.default.order".to_vec(),
        is_registered: false,
    }
}

/// That this job waits for its host, which may take a minute.
pub(super) fn hold_of(claim: ClaimRequest) -> HoldRequest {
    HoldRequest { claim, waits_for: "host: h".to_owned(), wait_ms: 2_000, silence_ms: Some(60_000) }
}

/// Ages of jobs and payloads; dead letters stay for a day.
pub(super) fn ages(jobs: Duration, payloads: Duration) -> RetentionAges {
    RetentionAges { jobs, payloads, dead_letters: Duration::from_hours(24) }
}

pub(super) fn granted(claim: Claim) -> Grant {
    match claim {
        Claim::Granted(granted) => granted,
        other => panic!("not granted: {other:?}"),
    }
}

pub(super) fn result(id: &str, body: &[u8]) -> StoredResult {
    StoredResult {
        job_id: id.to_owned(),
        engine: "default".to_owned(),
        reply_address: b"result.default.order".to_vec(),
        copies: Vec::new(),
        body: body.to_vec(),
    }
}

pub(super) fn answer(id: &str, fence: i64, body: &[u8]) -> Record {
    Record::Answered {
        id: id.to_owned(),
        fence,
        code: None,
        http_status: Some(200),
        duration_ms: 12,
        history: Vec::new(),
        result: result(id, body),
        job: stored_job(),
        exchange: None,
        send: true,
    }
}

pub(super) fn stored_job() -> StoredJob {
    StoredJob { body: b"{\"nul\":\"\\u0000\"}\xff".to_vec(), queue: "default".to_owned() }
}

pub(super) fn wait(id: &str, fence: i64, wait_ms: u64) -> Record {
    Record::Waiting { id: id.to_owned(), fence, wait_ms, history: vec![failed(1)], is_silence: true }
}

pub(super) fn failed(number: u32) -> crate::job::Attempt {
    crate::job::Attempt {
        number,
        at: "2026-01-01T00:00:00Z".to_owned(),
        code: "HTTP_ERROR".to_owned(),
        status: Some(503),
        duration_ms: 4,
        waited_ms: Some(1_000),
    }
}

/// An entry of the audit log that says nothing.
pub(super) fn entry() -> Entry {
    Entry {
        actor: "system".to_owned(),
        action: "connector.imported",
        target: String::new(),
        detail: serde_json::json!({}),
        request_id: None,
    }
}

/// What tests of the store do with one record at a time; the rules of records are not the store's.
impl Connectors<'_> {
    pub(super) async fn import(
        self,
        mut record: Map<String, Value>,
        credentials: Option<Map<String, Value>>,
    ) -> Result<Imported, Error> {
        let given = Identification::take(&mut record);
        let name = given.name.clone();
        let draft = |_: usize, current: Option<&Current<'_>>, _: &BTreeSet<i64>| {
            let stored =
                current.map(Current::credentials).transpose().map_err(|error| vec![TestRefusal::Store(error)])?;
            Ok(Draft {
                name: name.clone(),
                record: record.clone(),
                credentials: credentials.clone().or(stored.flatten()),
                credentials_changed: credentials.is_some(),
                changed: Vec::new(),
                warnings: Vec::new(),
            })
        };
        let written = self.write(&[Subject::Record(given, Existing::Update)], draft, |_| entry()).await?;
        match written {
            Ok(mut written) => Ok(written.remove(0).imported),
            Err(mut refused) => match refused.remove(0).1 {
                TestRefusal::Conflict(conflict) => Err(Error::Contradiction(format!("{conflict:?}"))),
                TestRefusal::Store(error) => Err(error),
            },
        }
    }
}

#[derive(Debug)]
pub(super) enum TestRefusal {
    Conflict(Conflict),
    Store(Error),
}

impl From<Conflict> for TestRefusal {
    fn from(conflict: Conflict) -> Self {
        Self::Conflict(conflict)
    }
}

impl Secrets<'_> {
    pub(super) async fn set(self, name: &str, value: &SecretString, hosts: &[String]) -> Result<(), Error> {
        self.put(name, (Some(value), Some(hosts)), |_| entry()).await.map(|set| assert_eq!(set, Ok(())))
    }
}
