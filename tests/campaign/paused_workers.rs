//! Scenario A9: a worker is paused past its lease; another one takes over its jobs before it resumes.

use std::time::{Duration, Instant};

use harness::process::signal;
use harness::test_app::{job, with_retries};
use harness::third_party::Reply;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::cluster::Cluster;
use crate::history::{History, repeats};
use crate::scenario::{Findings, Scenario, Settings};

pub(crate) fn scenarios() -> Vec<Scenario> {
    vec![Scenario {
        name: "A9",
        promise: "a worker that is paused past its lease resumes and writes nothing",
        run: |s| Box::pin(paused_workers(s)),
    }]
}

/// The broker requeues the jobs of a worker that misses two heartbeats; the lease is the shortest possible.
const CONFIG: &str = "[worker]\nlease = 5\n[amqp]\nconsumer_check_interval = 5\nheartbeat = 2\n";
/// How many jobs are in flight when a worker is paused.
const JOBS: u32 = 8;
/// High enough that a second worker may call the host as often at once.
const CONCURRENCY: u32 = 64;
/// The first call is answered while its worker is paused, the second one after that worker has resumed.
const ANSWERS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(10)];
/// How long a resumed worker runs.
const RESUMED: Duration = Duration::from_secs(2);

/// A cluster whose third party responds with the number of the call of its job.
pub(crate) async fn cluster() -> Cluster {
    let calls = std::sync::Mutex::new(std::collections::HashMap::<String, usize>::new());
    Cluster::new(CONFIG, CONCURRENCY, json!({"repeat": "safe"}), move |seen, _| {
        let mut calls = calls.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let call = calls.entry(seen.path.clone()).or_default();
        *call += 1;
        Reply::json(&json!({"call": *call})).after(ANSWERS[(*call).min(ANSWERS.len()) - 1])
    })
    .await
}

/// Pauses the only worker with its jobs in flight and resumes it while another one waits for the responses to the same
/// calls. Returns how many jobs that one had taken over by then, and whether the paused worker exited with 0.
pub(crate) async fn pause(cluster: &mut Cluster, name: &str) -> (u32, bool) {
    for n in 0..JOBS {
        let id = format!("{name}{n}");
        let job = job(&id, "r", &[("call", "call")], json!({"job": id}));
        cluster.engine.submit(&with_retries(job, 3, 1)).await;
    }
    called(cluster, name, 1, Duration::from_secs(10)).await;
    let paused = cluster.workers.remove(0);
    signal(paused.pid(), "STOP").await;
    cluster.start_workers(1).await;
    let taken_over = called(cluster, name, 2, Duration::from_secs(40)).await;
    signal(paused.pid(), "CONT").await;
    sleep(RESUMED).await;
    let exited = paused.terminate().await == Some(0);
    cluster.ended(Duration::from_mins(1)).await;
    (taken_over, exited)
}

/// Waits, at most `patience`, until all these jobs were called `times` times; returns how many were.
async fn called(cluster: &Cluster, name: &str, times: usize, patience: Duration) -> u32 {
    let begun = Instant::now();
    loop {
        let requests = cluster.requests();
        let jobs = requests.iter().filter(|(job, seen)| job.starts_with(name) && seen.len() >= times).count();
        let jobs = u32::try_from(jobs).unwrap_or(0);
        if jobs == JOBS || begun.elapsed() > patience {
            return jobs;
        }
        sleep(Duration::from_millis(50)).await;
    }
}

/// How many results have the response that the paused worker received.
pub(crate) fn results_of_paused(history: &History) -> usize {
    let is_first = |body: &String| {
        let body: Value = serde_json::from_str(body).unwrap_or_default();
        body["data"]["call"] == 1
    };
    history.results.values().filter(|bodies| bodies.iter().any(is_first)).count()
}

async fn paused_workers(settings: Settings) -> Findings {
    let (mut findings, rounds) = (Findings::default(), settings.of(10, 1));
    let mut cluster = cluster().await;
    cluster.start_workers(1).await;
    let mut taken_over = 0;
    for round in 0..rounds {
        let (taken, exited) = pause(&mut cluster, &format!("s{round}-")).await;
        taken_over += taken;
        findings.holds("the paused worker exits with 0", exited);
    }
    let history = cluster.ended(Duration::from_secs(5)).await;
    history.judge(&mut findings);
    let (repeated, differ) = repeats(&cluster.requests());
    findings.figure("pauses", rounds);
    findings.figure("jobs taken over", taken_over);
    findings.figure("requests repeated", repeated);
    findings.holds("every job of a paused worker is taken over", taken_over == rounds * JOBS);
    findings.holds("one request of each worker", repeated == usize::try_from(taken_over).unwrap_or(0));
    let written = results_of_paused(&history);
    findings.holds(&format!("no result of a paused worker ({written})"), written == 0);
    findings.holds("same key and body on every repeat", differ == 0);
    history.judge_completed(&mut findings);
    findings
}
