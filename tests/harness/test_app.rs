//! The product as one test uses it: a queue prefix and a data folder of its own, its command line, its workers.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use crate::engine::Engine;
use crate::process::{Running, run, succeed};
use crate::{binary, eventually};

/// The product under a prefix of its own; its queues, its database and its folder are removed with it.
pub struct TestApp {
    folder: TempDir,
    prefix: String,
    broker: String,
    admin: String,
    database: Option<String>,
    binary: PathBuf,
}

impl TestApp {
    /// On the broker that `AMQP_URL` names, with a SQLite database.
    pub fn new() -> Self {
        let broker = std::env::var("AMQP_URL").unwrap_or_else(|_| "amqp://guest:guest@127.0.0.1:5672".to_owned());
        Self::on(&broker)
    }

    /// On another broker.
    pub fn on(broker: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let prefix = format!("t{}", uuid::Uuid::new_v4().simple());
        Self { folder, prefix, broker: broker.to_owned(), admin: postgres_admin(), database: None, binary: binary() }
    }

    /// Uses PostgreSQL instead, with a database of its own.
    pub async fn with_postgres(self) -> Self {
        let admin = self.admin.clone();
        self.with_postgres_at(&admin).await
    }

    /// Uses the PostgreSQL server whose administrative database this is.
    pub async fn with_postgres_at(mut self, admin: &str) -> Self {
        let name = format!("dc_{}", self.prefix);
        postgres(admin, &format!("CREATE DATABASE {name}")).await;
        let (server, _) = admin.rsplit_once('/').expect("a database URL");
        self.database = Some(format!("{server}/{name}"));
        admin.clone_into(&mut self.admin);
        self
    }

    /// The prefix of all queues.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The broker's URL.
    pub fn broker(&self) -> &str {
        &self.broker
    }

    /// The URL of the PostgreSQL database, where there is one.
    pub fn database(&self) -> Option<&str> {
        self.database.as_deref()
    }

    /// Runs a statement on the PostgreSQL database; returns what `psql` prints, one line a row.
    pub async fn sql(&self, statement: &str) -> String {
        let database = self.database().expect("PostgreSQL");
        succeed(Command::new("psql").args([database, "-v", "ON_ERROR_STOP=1", "-qtAc", statement])).await
    }

    /// A path in the test's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file into the test's folder.
    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).expect("a file");
        path
    }

    /// Uses another binary from now on.
    pub fn use_binary(&mut self, binary: &Path) {
        self.binary = binary.to_path_buf();
    }

    /// The command line with this app's settings; calls to loopback are allowed unless the test says otherwise.
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.program(&self.binary.display().to_string(), arguments)
    }

    /// Another program with the same environment.
    pub fn program(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.env_clear();
        for name in ["PATH", "HOME", "TMPDIR"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.env("AMQP_URL", &self.broker).env("DATA_CONNECTOR__AMQP__PREFIX", &self.prefix);
        command.env("XDG_DATA_HOME", self.folder.path()).env("DATA_CONNECTOR__HTTP__ALLOW_NET", "127.0.0.0/8");
        if let Some(database) = &self.database {
            command.env("DATABASE_URL", database);
            // 32 bytes that protect nothing but this test's database.
            command.env("DATA_CONNECTOR__VAULT__KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
        }
        command.args(arguments);
        command
    }

    /// Runs the command line, which must succeed; returns standard output.
    pub async fn cli(&self, arguments: &[&str]) -> String {
        succeed(&mut self.command(arguments)).await
    }

    /// The same with this standard input.
    pub async fn cli_with(&self, arguments: &[&str], input: &str) -> String {
        let input = self.file("input", input);
        let file = std::fs::File::open(input).expect("the input");
        crate::process::succeed_with(&mut self.command(arguments), file).await
    }

    /// Runs the command line, however it ends; returns all that it writes.
    pub async fn cli_output(&self, arguments: &[&str]) -> String {
        let output = run(&mut self.command(arguments)).await;
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat()
    }

    /// Runs the command line, which must fail; returns exit code and standard error.
    pub async fn cli_error(&self, arguments: &[&str]) -> (i32, String) {
        let output = run(&mut self.command(arguments)).await;
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code().unwrap_or(-1), text)
    }

    /// Whether `healthcheck` succeeds, and its output.
    pub async fn healthcheck(&self) -> (bool, String) {
        let output = run(&mut self.command(&["healthcheck"])).await;
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Imports connectors.
    pub async fn import_connectors(&self, records: &Value) {
        let file = self.file("connectors.json", &records.to_string());
        self.cli(&["connectors", "import", &file.display().to_string(), "--migrate"]).await;
    }

    /// Imports one connector `API` with these resources.
    pub async fn import_resources(&self, resources: Value) {
        self.import_connectors(&json!([{"name": "API", "type": "REST", "authtype": "NONE", "endpoints": resources}]))
            .await;
    }

    /// Starts a worker and waits until it consumes jobs.
    pub async fn worker(&self, arguments: &[&str]) -> Running {
        self.worker_with(arguments, &[]).await
    }

    /// The same with these environment variables.
    pub async fn worker_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Running {
        let log = self.path(&format!("worker-{}.log", uuid::Uuid::new_v4().simple()));
        let mut command = self.command(&["worker", "--migrate"]);
        let worker = Running::start(command.args(arguments).envs(variables.iter().copied()), log);
        eventually(&format!("a worker that consumes jobs\n{}", worker.output()), || async {
            worker.output().contains("taking jobs").then_some(())
        })
        .await;
        worker
    }

    /// An engine with the default name.
    pub async fn engine(&self) -> Engine {
        Engine::connect(&self.broker, &self.prefix, "default").await
    }

    /// The SQLite file of the ledger.
    pub fn sqlite_file(&self) -> PathBuf {
        self.path("data-connector/data-connector.sqlite")
    }

    /// The ledger's row of a job.
    pub async fn job(&self, id: &str) -> Value {
        serde_json::from_str(&self.cli(&["jobs", "show", id]).await).expect("JSON")
    }

    /// Waits until a job is in a state; returns its row.
    pub async fn job_in_state(&self, id: &str, state: &str) -> Value {
        eventually(&format!("job {id} in state {state}"), || async move {
            let output = run(&mut self.command(&["jobs", "show", id])).await;
            let row: Value = serde_json::from_slice(&output.stdout).ok()?;
            (row["state"] == state).then_some(row)
        })
        .await
    }

    /// All dead letters, once there are `count`.
    pub async fn dead_letters(&self, count: usize) -> Vec<Value> {
        eventually(&format!("{count} dead letters"), || async {
            let text = self.cli(&["dead", "list", "--format", "json"]).await;
            let letters: Vec<Value> = serde_json::from_str(&text).ok()?;
            (letters.len() == count).then_some(letters)
        })
        .await
    }
}

impl Default for TestApp {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        let mut remove = std::process::Command::new(binary());
        remove.args(["migrate", "--remove-queues"]).env("AMQP_URL", &self.broker);
        remove.env("DATA_CONNECTOR__AMQP__PREFIX", &self.prefix).env("XDG_DATA_HOME", self.folder.path());
        drop(remove.output());
        if self.database.is_some() {
            let drop_it = format!("DROP DATABASE IF EXISTS dc_{} WITH (FORCE)", self.prefix);
            drop(std::process::Command::new("psql").args([self.admin.as_str(), "-qc", &drop_it]).output());
        }
    }
}

/// The administrative database, in which databases are created: `DATABASE_URL_ADMIN`, else that of the local server.
pub fn postgres_admin() -> String {
    std::env::var("DATABASE_URL_ADMIN").unwrap_or_else(|_| "postgres://root@127.0.0.1:5432/postgres".to_owned())
}

async fn postgres(url: &str, statement: &str) {
    succeed(Command::new("psql").args([url, "-v", "ON_ERROR_STOP=1", "-qc", statement])).await;
}

#[expect(clippy::needless_pass_by_value, reason = "callers write the data in place")]
/// A job of the connector `API`: element `call`, request `r1`, with this resource and mapping rows `variable <- source`.
pub fn job(id: &str, resource: &str, mapping: &[(&str, &str)], data: Value) -> Value {
    let mapping: Vec<Value> = mapping.iter().map(|(key, value)| json!({"key": key, "value": value})).collect();
    json!({
        "id": id, "request": {"id": "r1"}, "element": {"id": "call", "name": "Call"},
        "config": {"dataSource": "API", "endpoint": resource, "dataMapping": mapping}, "data": data,
    })
}

/// The same job with error handling.
#[must_use]
pub fn with_retries(mut job: Value, attempts: u32, wait_seconds: u32) -> Value {
    job["errorHandling"] = json!({"retry_attempts": attempts, "retry_wait_time": wait_seconds});
    job
}

/// The folder of the examples.
pub fn examples() -> PathBuf {
    crate::repository().join("deploy/examples")
}

/// How long a test waits for something that must not happen.
pub const QUIET_PERIOD: Duration = Duration::from_secs(2);
