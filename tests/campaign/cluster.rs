//! What one scenario runs against: a broker, a database, an engine, a third party, and any number of workers.

use std::time::{Duration, Instant};

use harness::broker::PrivateBroker;
use harness::process::{self, Running, metric};
use harness::test_app::{TestApp, job, postgres_admin, with_retries};
use harness::third_party::{Reply, Seen, ThirdParty};
use serde_json::{Value, json};

use crate::engine_stub::EngineStub;
use crate::history::{History, Requests, by_job};
use crate::scenario::Findings;

/// The processes of one scenario.
pub(crate) struct Cluster {
    pub(crate) engine: EngineStub,
    pub(crate) third_party: ThirdParty,
    pub(crate) workers: Vec<Running>,
    pub(crate) app: TestApp,
    pub(crate) broker: PrivateBroker,
    config: String,
    concurrency: String,
}

/// A hash of a job's path, for behaviour that is spread over jobs.
pub(crate) fn spread(path: &str) -> u64 {
    path.bytes().fold(7_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()))
}

/// How many lost jobs are looked up in the ledger.
const LOOKED_UP: usize = 3;

/// The workers' configuration unless a scenario has its own.
pub(crate) const USUAL: &str = "[worker]\nlease = 5\n[amqp]\nconsumer_check_interval = 5\n";

impl Cluster {
    /// A cluster whose third party replies by `script`; the resource `r` calls it, with these further members.
    pub(crate) async fn new(
        config: &str,
        concurrency: u32,
        resource: Value,
        script: impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::on(&postgres_admin(), config, concurrency, resource, script).await
    }

    /// The same with its ledger on the server whose administrative database this is.
    pub(crate) async fn on(
        admin: &str,
        config: &str,
        concurrency: u32,
        resource: Value,
        script: impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let broker = PrivateBroker::start().await;
        let app = TestApp::on(&broker.url()).with_postgres_at(admin).await;
        let third_party = ThirdParty::start(script).await;
        let mut r = json!({"url": third_party.url("/{{job}}"), "method": "POST", "timeout": 30});
        for (name, value) in resource.as_object().into_iter().flatten() {
            r[name] = value.clone();
        }
        app.import_resources(json!({"r": r})).await;
        app.cli(&["migrate"]).await;
        let config = app.file("campaign.toml", config).display().to_string();
        let engine = EngineStub::start(&broker.url(), app.prefix());
        Self { engine, third_party, workers: Vec::new(), app, broker, config, concurrency: concurrency.to_string() }
    }

    /// Starts this many more workers.
    pub(crate) async fn start_workers(&mut self, count: u32) {
        for _ in 0..count {
            self.start_worker(&[]).await;
        }
    }

    /// Starts one with these variables.
    pub(crate) async fn start_worker(&mut self, variables: &[(&str, &str)]) {
        let arguments = ["--config", &self.config, "--concurrency", &self.concurrency, "--listen", "127.0.0.1:0"]
            .map(str::to_owned);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let worker = self.app.worker_with(&arguments, variables).await;
        self.workers.push(worker);
    }

    /// How long it takes until the next call arrives or every job has ended, at most a minute.
    pub(crate) async fn until_next_call(&self) -> Duration {
        let (begun, before) = (Instant::now(), self.third_party.seen().len());
        while self.third_party.seen().len() == before
            && self.engine.history().lost() > 0
            && begun.elapsed() < Duration::from_mins(1)
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        begun.elapsed()
    }

    /// Waits until the sum of a metric over all workers is above `least`; whether that was within `patience`.
    pub(crate) async fn is_above(&self, name: &str, least: f64, patience: Duration) -> bool {
        let begun = Instant::now();
        while begun.elapsed() < patience {
            if self.metric(name).await > least {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        false
    }

    /// Kills one worker.
    pub(crate) async fn kill(&mut self, which: usize) {
        self.workers.swap_remove(which).kill().await;
    }

    /// Publishes this many jobs named `<name><n>`, with `attempts` retries each.
    pub(crate) async fn submit(&self, name: &str, count: u32, attempts: u32) {
        for n in 0..count {
            let id = format!("{name}{n}");
            self.engine.submit(&with_retries(job(&id, "r", &[], json!({"job": id})), attempts, 1)).await;
        }
    }

    /// The third party's requests by job.
    pub(crate) fn requests(&self) -> Requests {
        by_job(self.third_party.seen())
    }

    /// Waits until every job has a result or is among the dead letters, at most `patience`, and three seconds longer for
    /// what must not come. Returns the history.
    pub(crate) async fn ended(&self, patience: Duration) -> History {
        let begun = Instant::now();
        let mut last_read = Instant::now();
        while self.engine.history().lost() > 0 && begun.elapsed() < patience {
            tokio::time::sleep(Duration::from_millis(200)).await;
            if last_read.elapsed() > Duration::from_secs(5) {
                self.read_dead_letters().await;
                last_read = Instant::now();
            }
        }
        tokio::time::sleep(Duration::from_secs(3)).await;
        self.read_dead_letters().await;
        self.look_up_lost_jobs().await;
        self.engine.history().clone()
    }

    /// Adds the ledger's rows of the first lost jobs.
    async fn look_up_lost_jobs(&self) {
        let lost: Vec<String> = self.engine.history().lost_jobs().take(LOOKED_UP).cloned().collect();
        let mut seen = Vec::new();
        for job in lost {
            let row = process::run(&mut self.app.command(&["jobs", "show", &job])).await;
            let row: Value = serde_json::from_slice(&row.stdout).unwrap_or_default();
            seen.push(format!("{job}: {}, returns {}, send_at {}", row["state"], row["returns"], row["send_at"]));
        }
        self.engine.history().last_seen = seen;
    }

    /// Adds the jobs that are among the dead letters by now.
    pub(crate) async fn read_dead_letters(&self) {
        let list = ["dead", "list", "--all", "--limit", "1000000", "--format", "json"];
        let letters: Value = serde_json::from_str(&self.app.cli(&list).await).unwrap_or_default();
        let dead = letters.as_array().into_iter().flatten().filter_map(|letter| letter["job"].as_str());
        self.engine.history().dead.extend(dead.map(ToOwned::to_owned));
    }

    /// The sum of a metric over all workers that run.
    pub(crate) async fn metric(&self, name: &str) -> f64 {
        let mut sum = 0.0;
        for worker in &self.workers {
            sum += metric(&worker.metrics().await, name);
        }
        sum
    }

    /// Checks that no worker panicked.
    pub(crate) fn judge_logs(&self, findings: &mut Findings) {
        let panicked = self.workers.iter().any(|worker| worker.output().contains("panicked"));
        findings.holds("no worker panicked", !panicked);
    }
}
