//! Scenarios G2 and G3: scaling workers, and replaying dead letters.

use std::time::Duration;

use harness::process::metric;
use harness::third_party::Reply;
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::history::repeats;
use crate::scenario::{Findings, Scenario, Settings};

pub(crate) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario {
            name: "G2",
            promise: "one worker, eight, two, under load: nothing twice, fair shares",
            run: |s| Box::pin(scaling(s)),
        },
        Scenario {
            name: "G3",
            promise: "every dead letter says why, and runs when it is replayed",
            run: |s| Box::pin(dead_letters(s)),
        },
    ]
}

async fn scaling(settings: Settings) -> Findings {
    let mut findings = Findings::default();
    let config = "[worker]\nlease = 5\nprefetch = 8\n";
    let mut cluster =
        Cluster::new(config, 8, json!({}), |_, _| Reply::json(&json!({})).after(Duration::from_millis(50))).await;
    let (rounds, jobs) = (settings.of(10, 1), settings.of(2_000, 800));
    let mut unfair: f64 = 0.0;
    for round in 0..rounds {
        cluster.start_workers(8 - u32::try_from(cluster.workers.len()).unwrap_or(0)).await;
        let before = shares(&cluster).await;
        cluster.submit(&format!("g{round}-"), jobs, 0).await;
        cluster.ended(Duration::from_mins(2)).await;
        let done: Vec<f64> = shares(&cluster).await.iter().zip(&before).map(|(now, before)| now - before).collect();
        let mean = done.iter().sum::<f64>() / 8.0;
        unfair = done.iter().map(|share| (share - mean).abs() / mean).fold(unfair, f64::max);
        cluster.submit(&format!("s{round}-"), 200, 0).await;
        while cluster.workers.len() > 2 {
            let code = cluster.workers.remove(0).terminate().await;
            findings.holds("a clean exit", code == Some(0));
        }
    }
    let history = cluster.ended(Duration::from_mins(2)).await;
    history.judge(&mut findings);
    let (repeated, _) = repeats(&cluster.requests());
    findings.figure("rounds", rounds);
    findings.figure("largest deviation from a fair share, %", format!("{:.0}", unfair * 100.0));
    findings.holds(&format!("no request twice ({repeated})"), repeated == 0);
    findings.holds("shares within 25 %", unfair <= 0.25);
    findings
}

async fn shares(cluster: &Cluster) -> Vec<f64> {
    let mut shares = Vec::new();
    for worker in &cluster.workers {
        shares.push(metric(&worker.metrics().await, r#"data_connector_attempts_total{code="OK"}"#));
    }
    shares
}

async fn dead_letters(settings: Settings) -> Findings {
    let mut findings = Findings::default();
    let mut cluster = Cluster::new("[limits]\njob_bytes = 10\n", 16, json!({}), |_, _| Reply::json(&json!({}))).await;
    cluster.start_workers(1).await;
    let jobs = settings.of(1_000, 100);
    cluster.submit("j", jobs, 0).await;
    cluster.ended(Duration::from_mins(1)).await;
    let list = ["dead", "list", "--limit", "100000", "--format", "json"];
    let letters: Value = serde_json::from_str(&cluster.app.cli(&list).await).unwrap_or_default();
    let letters = letters.as_array().cloned().unwrap_or_default();
    let complete = letters.iter().filter(|letter| {
        letter["reason"] == "JOB_TOO_LARGE"
            && letter["job"].is_string()
            && letter["attempts"].is_number()
            && letter["detail"].is_string()
    });
    findings.figure("dead letters", letters.len());
    findings
        .holds("each with reason, job, attempts and detail", complete.count() == usize::try_from(jobs).unwrap_or(0));
    for worker in cluster.workers.drain(..) {
        worker.terminate().await;
    }
    let numbers: Vec<String> = letters.iter().map(|letter| letter["id"].to_string()).collect();
    for chunk in numbers.chunks(500) {
        let arguments: Vec<&str> = ["dead", "replay"].into_iter().chain(chunk.iter().map(String::as_str)).collect();
        cluster.app.cli(&arguments).await;
    }
    cluster.engine.history().dead.clear();
    let worker = cluster.app.worker(&[]).await;
    cluster.workers.push(worker);
    let begun = std::time::Instant::now();
    while cluster.engine.history().results.len() < letters.len() && begun.elapsed() < Duration::from_mins(2) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let history = cluster.engine.history().clone();
    history.judge(&mut findings);
    findings.holds("every replayed letter completed", history.with_code("") == history.submitted.len());
    findings
}
