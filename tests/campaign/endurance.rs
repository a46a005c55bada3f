//! Scenario G1: half an hour of faults, during which the resources of a worker do not grow.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use harness::cost::{descriptors, resident_kb};
use harness::process::{Running, metric, signal};
use harness::third_party::Reply;
use serde_json::json;
use tokio::time::sleep;

use crate::cluster::{Cluster, USUAL, spread};
use crate::scenario::{Findings, Scenario, Settings};

pub(crate) fn scenarios() -> Vec<Scenario> {
    vec![Scenario {
        name: "G1",
        promise: "faults every 20 to 60 s for half an hour: nothing lost, and memory, descriptors and tasks stay flat",
        run: |s| Box::pin(soak(s)),
    }]
}

/// Jobs a second.
const RATE: u32 = 40;

/// The resources of a process at one moment.
struct Sample {
    resident_kb: u64,
    descriptors: u64,
    tasks: u64,
}

impl Sample {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of tasks")]
    async fn of(worker: &Running) -> Self {
        Self {
            resident_kb: resident_kb(worker.pid()),
            descriptors: descriptors(worker.pid()) as u64,
            tasks: metric(&worker.metrics().await, "data_connector_tasks") as u64,
        }
    }
}

async fn soak(settings: Settings) -> Findings {
    let (mut findings, mut random) = (Findings::default(), settings.random());
    let is_silent = Arc::<AtomicBool>::default();
    let silent = Arc::clone(&is_silent);
    let mut cluster =
        Cluster::new(USUAL, 32, json!({"repeat": "safe", "timeout": 5}), move |seen, before| {
            match spread(&seen.path) % 50 {
                _ if silent.load(Ordering::Relaxed) => Reply::Silence,
                0 if before % 2 == 0 => Reply::status(503, &json!({})),
                wait => Reply::json(&json!({})).after(Duration::from_millis(wait * 4)),
            }
        })
        .await;
    cluster.start_workers(3).await;
    let time = Duration::from_secs(u64::from(settings.of(30 * 60, 90)));
    let (begun, mut faults, mut samples) = (Instant::now(), 0, Vec::new());
    let mut next_fault = begun + Duration::from_secs(10);
    let mut second = 0;
    while begun.elapsed() < time {
        cluster.submit(&format!("s{second}-"), RATE, 5).await;
        if second % 5 == 0 {
            samples.push(Sample::of(&cluster.workers[0]).await);
        }
        if Instant::now() >= next_fault {
            fault(&mut cluster, random.u32(0..4), &is_silent).await;
            faults += 1;
            next_fault = Instant::now() + Duration::from_secs(random.u64(20..60)).min(time / 6);
        }
        second += 1;
        sleep(Duration::from_secs(1)).await;
    }
    let stopped = Instant::now();
    let history = cluster.ended(Duration::from_mins(3)).await;
    history.judge(&mut findings);
    findings.figure("minutes", time.as_secs() / 60);
    findings.figure("faults", faults);
    findings.figure("until all jobs ended, s", stopped.elapsed().as_secs());
    judge(&mut findings, &samples);
    cluster.judge_logs(&mut findings);
    findings
}

/// One temporary fault.
async fn fault(cluster: &mut Cluster, which: u32, is_silent: &AtomicBool) {
    match which {
        0 => {
            // Never the first one, which is measured.
            cluster.workers.remove(1).kill().await;
            cluster.start_workers(1).await;
        }
        1 => {
            cluster.broker.kill().await;
            cluster.broker.start_again().await;
        }
        2 => {
            is_silent.store(true, Ordering::Relaxed);
            sleep(Duration::from_secs(8)).await;
            is_silent.store(false, Ordering::Relaxed);
        }
        _ => {
            signal(cluster.workers[2].pid(), "STOP").await;
            sleep(Duration::from_secs(8)).await;
            signal(cluster.workers[2].pid(), "CONT").await;
        }
    }
}

/// Compares the last third of the samples with the middle one; the first is for warming up.
fn judge(findings: &mut Findings, samples: &[Sample]) {
    let third = samples.len() / 3;
    let mut flat = |name: &str, of: fn(&Sample) -> u64, slack: u64| {
        let middle = |samples: &[Sample]| {
            let mut values: Vec<u64> = samples.iter().map(of).collect();
            values.sort_unstable();
            values.get(values.len() / 2).copied().unwrap_or(0)
        };
        let (before, after) = (middle(&samples[third..2 * third]), middle(&samples[2 * third..]));
        findings.figure(name, format!("{before} then {after}"));
        findings.holds(&format!("{name} stay flat"), before > 0 && after <= before + slack);
    };
    flat("resident KB", |sample| sample.resident_kb, 1_024);
    flat("descriptors", |sample| sample.descriptors, 4);
    flat("tasks", |sample| sample.tasks, 4);
}
