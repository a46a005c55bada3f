//! Scenarios A13 and A17: a job that kills every worker that receives it is parked, and no other job is.

use std::time::{Duration, Instant};

use harness::process::Running;
use harness::test_app::job;
use harness::third_party::Reply;
use serde_json::json;

use crate::cluster::{Cluster, USUAL};
use crate::history::repeats;
use crate::scenario::{Findings, Scenario, Settings};

pub(crate) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario {
            name: "A13",
            promise: "a job that kills its workers is parked after the third crash, and no other job is",
            run: |s| Box::pin(poison(s)),
        },
        Scenario {
            name: "A17",
            promise: "one message that kills its workers before their claim is parked after three deaths, and nobody else fails",
            run: |s| Box::pin(before_the_claim(s)),
        },
    ]
}

/// One hostile message in the middle of a thousand jobs.
async fn before_the_claim(settings: Settings) -> Findings {
    let mut findings = Findings::default();
    let answer = |_: &harness::third_party::Seen, _| Reply::json(&json!({})).after(Duration::from_millis(100));
    let mut cluster = Cluster::new(USUAL, CONCURRENCY, json!({"repeat": "safe"}), answer).await;
    let bystanders = settings.of(1_000, 100);
    cluster.submit("with", bystanders / 2, 0).await;
    cluster.engine.submit(&job("poison", "r", &[], json!({"job": "poison"}))).await;
    cluster.submit("after", bystanders / 2, 0).await;
    let (begun, mut deaths) = (Instant::now(), 0);
    while cluster.engine.history().lost() > 0 && begun.elapsed() < Duration::from_mins(4) {
        if cluster.workers.iter_mut().any(Running::has_ended) {
            cluster.workers.clear();
            deaths += 1;
        }
        if cluster.workers.is_empty() {
            cluster.start_worker(&[("DATA_CONNECTOR_FAULT", "planning poison=die")]).await;
        }
        cluster.read_dead_letters().await;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let history = cluster.ended(Duration::from_secs(5)).await;
    history.judge(&mut findings);
    findings.figure("deaths", deaths);
    findings.figure("parked", history.dead.len());
    findings.holds("three deaths", deaths == 3);
    findings.holds("the message is parked, and no other one", history.dead.iter().eq(["poison"]));
    findings.holds("every other job completed", history.with_code("") + 1 == history.submitted.len());
    findings
}

/// How many jobs a worker processes at once, any of which its death may repeat.
const CONCURRENCY: u32 = 8;

async fn poison(settings: Settings) -> Findings {
    let mut findings = Findings::default();
    let mut cluster = Cluster::new(USUAL, CONCURRENCY, json!({"repeat": "safe"}), |_, _| {
        Reply::json(&json!({})).after(Duration::from_secs(1))
    })
    .await;
    let (poisons, bystanders) = (settings.of(5, 1), settings.of(500, 60));
    let faults: Vec<String> = (0..poisons).map(|n| format!("claimed poison{n}=die")).collect();
    let faults = faults.join(",");
    cluster.submit("with", bystanders / 2, 0).await;
    for n in 0..poisons {
        let id = format!("poison{n}");
        cluster.engine.submit(&job(&id, "r", &[], json!({"job": id}))).await;
    }
    cluster.submit("after", bystanders / 2, 0).await;
    let (begun, mut deaths) = (Instant::now(), 0);
    // One worker, so that the same jobs are in flight with the poison each time.
    while cluster.engine.history().lost() > 0 && begun.elapsed() < Duration::from_mins(4) {
        if cluster.workers.iter_mut().any(Running::has_ended) {
            cluster.workers.clear();
            deaths += 1;
        }
        if cluster.workers.is_empty() {
            cluster.start_worker(&[("DATA_CONNECTOR_FAULT", &faults)]).await;
        }
        cluster.read_dead_letters().await;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let history = cluster.ended(Duration::from_secs(5)).await;
    history.judge(&mut findings);
    let (repeated, differ) = repeats(&cluster.requests());
    findings.figure("deaths", deaths);
    findings.figure("requests repeated", repeated);
    // Two in the same worker share a death.
    findings.holds("three deaths, and no more than three for each poison", (3..=3 * poisons).contains(&deaths));
    let others = history.dead.iter().filter(|job| !job.starts_with("poison")).count();
    findings.figure("parked", history.dead.len());
    findings.holds("each poison is parked", history.dead.len() - others == usize::try_from(poisons).unwrap_or(0));
    findings.holds(&format!("no other job is ({others} are)"), others == 0);
    findings.holds("every other job completed", history.with_code("") + history.dead.len() == history.submitted.len());
    findings.holds("same key and body on every repeat", differ == 0);
    findings.holds(
        "no more repeats than were in flight at a death",
        repeated <= usize::try_from(deaths * CONCURRENCY).unwrap_or(0),
    );
    findings
}
