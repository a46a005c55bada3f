//! One bar's world: a broker, a database, an engine's side, a third party, and any number of workers.

use std::time::{Duration, Instant};

use harness::broker::PrivateBroker;
use harness::process::{self, Running, figure};
use harness::scene::{Scene, job, postgres_admin, with_retries};
use harness::third_party::{Reply, Seen, ThirdParty};
use serde_json::{Value, json};

use crate::bar::Findings;
use crate::history::{History, Requests, by_job};
use crate::stub::Stub;

/// One bar's world.
pub(crate) struct World {
    pub(crate) stub: Stub,
    pub(crate) third_party: ThirdParty,
    pub(crate) workers: Vec<Running>,
    pub(crate) scene: Scene,
    pub(crate) broker: PrivateBroker,
    config: String,
    concurrency: String,
}

/// A number that a job's path always gives, for what is spread over jobs.
pub(crate) fn spread(path: &str) -> u64 {
    path.bytes().fold(7_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()))
}

/// How many lost jobs are looked up.
const SHOWN: usize = 3;

/// How workers are set up unless a bar says otherwise.
pub(crate) const USUAL: &str = "[worker]\nlease = 5\n[amqp]\nconsumer_check_interval = 5\n";

/// The variable that names a safeguard which a worker leaves out.
pub(crate) const WITHOUT: &str = "DATA_CONNECTOR_WITHOUT";

impl World {
    /// A world whose third party answers by `script`; the resource `r` calls it with `method` and these members beside.
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
        let scene = Scene::on(&broker.url()).with_postgres_at(admin).await;
        let third_party = ThirdParty::start(script).await;
        let mut r = json!({"url": third_party.url("/{{job}}"), "method": "POST", "timeout": 30});
        for (name, value) in resource.as_object().into_iter().flatten() {
            r[name] = value.clone();
        }
        scene.resources(json!({"r": r})).await;
        scene.cli(&["migrate"]).await;
        let config = scene.file("campaign.toml", config).display().to_string();
        let stub = Stub::start(&broker.url(), scene.prefix());
        Self { stub, third_party, workers: Vec::new(), scene, broker, config, concurrency: concurrency.to_string() }
    }

    /// Starts so many more workers.
    pub(crate) async fn start_workers(&mut self, count: u32) {
        for _ in 0..count {
            self.start_worker(&[]).await;
        }
    }

    /// Starts one with these variables; without the safeguard that `WITHOUT` names, for seeing a bar go red.
    pub(crate) async fn start_worker(&mut self, variables: &[(&str, &str)]) {
        let left_out = std::env::var(WITHOUT).unwrap_or_default();
        let variables = [&[(WITHOUT, left_out.as_str())], variables].concat();
        let arguments = ["--config", &self.config, "--concurrency", &self.concurrency, "--listen", "127.0.0.1:0"]
            .map(str::to_owned);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let worker = self.scene.worker_with(&arguments, &variables).await;
        self.workers.push(worker);
    }

    /// How long it takes until the third party is asked again, at most a minute, or until there is nothing left to ask for.
    pub(crate) async fn asked_again(&self) -> Duration {
        let (begun, before) = (Instant::now(), self.third_party.seen().len());
        while self.third_party.seen().len() == before
            && self.stub.history().lost() > 0
            && begun.elapsed() < Duration::from_mins(1)
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        begun.elapsed()
    }

    /// Waits until a metric of all workers is above this; whether that came within `patience`.
    pub(crate) async fn is_above(&self, name: &str, least: f64, patience: Duration) -> bool {
        let begun = Instant::now();
        while begun.elapsed() < patience {
            if self.figure(name).await > least {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        false
    }

    /// Kills one of them.
    pub(crate) async fn kill(&mut self, which: usize) {
        self.workers.swap_remove(which).kill().await;
    }

    /// Asks for so many jobs named `<name><n>`, with `attempts` after the first.
    pub(crate) async fn submit(&self, name: &str, count: u32, attempts: u32) {
        for n in 0..count {
            let id = format!("{name}{n}");
            self.stub.submit(&with_retries(job(&id, "r", &[], json!({"job": id})), attempts, 1)).await;
        }
    }

    /// The third party's requests by job.
    pub(crate) fn requests(&self) -> Requests {
        by_job(self.third_party.seen())
    }

    /// Waits until every job has a result or is among the dead letters, at most so long; and a little longer for what
    /// must not come. Returns what happened.
    pub(crate) async fn ended(&self, patience: Duration) -> History {
        let begun = Instant::now();
        let mut looked = Instant::now();
        while self.stub.history().lost() > 0 && begun.elapsed() < patience {
            tokio::time::sleep(Duration::from_millis(200)).await;
            if looked.elapsed() > Duration::from_secs(5) {
                self.look_at_the_dead().await;
                looked = Instant::now();
            }
        }
        tokio::time::sleep(Duration::from_secs(3)).await;
        self.look_at_the_dead().await;
        self.look_at_the_lost().await;
        self.stub.history().clone()
    }

    /// Adds what the ledger says of the first jobs that are lost.
    async fn look_at_the_lost(&self) {
        let lost: Vec<String> = self.stub.history().lost_jobs().take(SHOWN).cloned().collect();
        let mut seen = Vec::new();
        for job in lost {
            let row = process::run(&mut self.scene.command(&["jobs", "show", &job])).await;
            let row: Value = serde_json::from_slice(&row.stdout).unwrap_or_default();
            seen.push(format!("{job}: {}, returns {}, send_at {}", row["state"], row["returns"], row["send_at"]));
        }
        self.stub.history().last_seen = seen;
    }

    /// Adds what is among the dead letters by now.
    pub(crate) async fn look_at_the_dead(&self) {
        let list = ["dead", "list", "--all", "--limit", "1000000", "--format", "json"];
        let letters: Value = serde_json::from_str(&self.scene.cli(&list).await).unwrap_or_default();
        let dead = letters.as_array().into_iter().flatten().filter_map(|letter| letter["job"].as_str());
        self.stub.history().dead.extend(dead.map(ToOwned::to_owned));
    }

    /// The sum of a metric over all workers that run.
    pub(crate) async fn figure(&self, name: &str) -> f64 {
        let mut sum = 0.0;
        for worker in &self.workers {
            sum += figure(&worker.metrics().await, name);
        }
        sum
    }

    /// Nobody panicked.
    pub(crate) fn judge_logs(&self, findings: &mut Findings) {
        let panicked = self.workers.iter().any(|worker| worker.output().contains("panicked"));
        findings.holds("nobody panicked", !panicked);
    }
}
