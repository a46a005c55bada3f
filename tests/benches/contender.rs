//! The programs that are measured: the worker on either database, the bare loop, and a Node program.

use std::time::Duration;

use harness::cost::{cpu, processes_of};
use harness::process::Running;
use harness::repository;
use harness::test_app::TestApp;
use tokio::process::Command;

use crate::bare::Acks;
use crate::job::connector;
use crate::load::{Load, Workload};

/// A program that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Contender {
    /// The worker with its ledger in PostgreSQL.
    Postgres,
    /// The worker with its ledger in a SQLite file.
    Sqlite,
    /// A loop with the worker's AMQP and HTTP libraries and nothing else.
    Bare,
    /// A Node program with amqplib and undici.
    Node,
}

impl Contender {
    /// Its name in `tests/BENCHMARK.md`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Postgres => "worker, PostgreSQL",
            Self::Sqlite => "worker, SQLite",
            Self::Bare => "bare loop",
            Self::Node => "Node",
        }
    }
}

/// A contender with its queues, its connector and the load on it.
pub(crate) struct Setup {
    pub(crate) contender: Contender,
    pub(crate) workload: Workload,
    pub(crate) load: Load,
    app: TestApp,
    third_party: String,
}

impl Setup {
    pub(crate) async fn new(contender: Contender, workload: Workload, third_party: &str) -> anyhow::Result<Self> {
        let app = TestApp::new();
        let app = if contender == Contender::Postgres { app.with_postgres().await } else { app };
        app.import_connectors(&connector(third_party)).await;
        app.cli(&["migrate"]).await;
        let load = Load::open(app.broker(), app.prefix(), workload).await?;
        Ok(Self { contender, workload, load, app, third_party: third_party.to_owned() })
    }

    /// Starts a process that consumes the queue, `at_once` jobs at a time, all of which may call the same host.
    pub(crate) fn start(&self, at_once: u16) -> Running {
        let mut command = self.command(at_once);
        self.run(command.env("DATA_CONNECTOR__WORKER__PER_HOST", at_once.to_string()))
    }

    /// Starts a worker with its own limits: 256 jobs in hand, 204 calls a host.
    pub(crate) fn start_as_installed(&self) -> Running {
        self.run(&mut self.command(256))
    }

    fn run(&self, command: &mut Command) -> Running {
        Running::start(command, self.app.path(&format!("{}.log", uuid::Uuid::new_v4())))
    }

    fn command(&self, at_once: u16) -> Command {
        let at_once = at_once.to_string();
        let (queue, exchange) =
            (format!("{}.jobs.default", self.app.prefix()), format!("{}.results", self.app.prefix()));
        let task = [self.app.broker(), &queue, &exchange, &self.third_party, &at_once];
        match self.contender {
            Contender::Postgres | Contender::Sqlite => {
                let mut command = self.app.command(&["worker", "--prefetch", &at_once, "--listen", "127.0.0.1:0"]);
                if let Some(database) = self.app.database() {
                    // On loopback the ledger needs no TLS.
                    command.env("DATABASE_URL", format!("{database}?sslmode=disable"));
                }
                command
            }
            Contender::Bare => {
                let mut command = Command::new(std::env::current_exe().unwrap_or_default());
                let acks = if self.workload == Workload::Arriving { Acks::Groups } else { Acks::Single };
                command.arg("bare").args(task).arg(acks.name());
                command
            }
            Contender::Node => {
                let mut command = Command::new("node");
                command.arg(repository().join("tests/benches/node/worker.mjs")).args(task);
                command
            }
        }
    }

    /// Stops a process as an operator would.
    pub(crate) async fn end(&self, process: Running) {
        match self.contender {
            Contender::Postgres | Contender::Sqlite => drop(process.terminate().await),
            Contender::Bare | Contender::Node => {
                // The last acks may be under way: a job that is redelivered would disturb the next run.
                tokio::time::sleep(Duration::from_millis(500)).await;
                process.kill().await;
            }
        }
    }

    /// Processor time of the database server so far: of this setup's connections, and of the server's background processes.
    pub(crate) async fn database(&self) -> Duration {
        let Some(url) = self.app.database().filter(|_| self.contender == Contender::Postgres) else {
            return Duration::ZERO;
        };
        let statement =
            "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND (datname = current_database()
                         OR backend_type IN ('walwriter', 'checkpointer', 'background writer'))";
        let listed = harness::process::succeed(Command::new("psql").args([url, "-qtAc", statement])).await;
        cpu(&listed.lines().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
    }
}

/// Processor time of the broker so far.
pub(crate) fn broker() -> Duration {
    cpu(&processes_of("beam.smp"))
}
