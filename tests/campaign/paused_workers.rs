//! A9: a worker that sleeps past its lease finds its jobs in other hands when it wakes up.

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
        run: |s| Box::pin(sleepers(s)),
    }]
}

/// The broker takes the jobs of a worker that is silent for two heartbeats back; the lease is the shortest there is.
const CONFIG: &str = "[worker]\nlease = 5\n[amqp]\nquiet = 5\nheartbeat = 2\n";
/// How many jobs a sleeper has in hand.
const JOBS: u32 = 8;
/// So many that another worker has at once as many places at the third party's host.
const CONCURRENCY: u32 = 64;
/// The first call is answered while its worker sleeps, the second one only after that has woken up.
const ANSWERS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(10)];
/// How long a woken worker has to do what it must not.
const AWAKE: Duration = Duration::from_secs(2);

/// A cluster whose third party answers with the number of the job's call.
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

/// The only worker falls asleep with its hands full and wakes up while another one waits for the answers to the same
/// calls. Returns how many jobs that one had taken over by then, and whether the sleeper ended in order.
pub(crate) async fn nap(cluster: &mut Cluster, name: &str) -> (u32, bool) {
    for n in 0..JOBS {
        let id = format!("{name}{n}");
        let job = job(&id, "r", &[("call", "call")], json!({"job": id}));
        cluster.engine.submit(&with_retries(job, 3, 1)).await;
    }
    called(cluster, name, 1, Duration::from_secs(10)).await;
    let sleeper = cluster.workers.remove(0);
    signal(sleeper.pid(), "STOP").await;
    cluster.start_workers(1).await;
    let taken_over = called(cluster, name, 2, Duration::from_secs(40)).await;
    signal(sleeper.pid(), "CONT").await;
    sleep(AWAKE).await;
    let in_order = sleeper.terminate().await == Some(0);
    cluster.ended(Duration::from_mins(1)).await;
    (taken_over, in_order)
}

/// Waits until all these jobs have been called so often, at most so long; how many have been.
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

/// Results that say what the sleeper was answered.
pub(crate) fn of_sleepers(history: &History) -> usize {
    let is_first = |body: &String| {
        let body: Value = serde_json::from_str(body).unwrap_or_default();
        body["data"]["call"] == 1
    };
    history.results.values().filter(|bodies| bodies.iter().any(is_first)).count()
}

async fn sleepers(settings: Settings) -> Findings {
    let (mut findings, rounds) = (Findings::default(), settings.of(10, 1));
    let mut cluster = cluster().await;
    cluster.start_workers(1).await;
    let mut taken_over = 0;
    for round in 0..rounds {
        let (taken, in_order) = nap(&mut cluster, &format!("s{round}-")).await;
        taken_over += taken;
        findings.holds("the sleeper ends in order", in_order);
    }
    let history = cluster.ended(Duration::from_secs(5)).await;
    history.judge(&mut findings);
    let (repeated, differ) = repeats(&cluster.requests());
    findings.figure("sleepers", rounds);
    findings.figure("jobs taken over", taken_over);
    findings.figure("requests repeated", repeated);
    findings.holds("every job of a sleeper is taken over", taken_over == rounds * JOBS);
    findings.holds("one request of each worker", repeated == usize::try_from(taken_over).unwrap_or(0));
    let written = of_sleepers(&history);
    findings.holds(&format!("no result of a sleeper ({written})"), written == 0);
    findings.holds("same key and body on every repeat", differ == 0);
    history.judge_completed(&mut findings);
    findings
}
