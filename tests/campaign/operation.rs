//! G: what operators do every day.

use std::time::Duration;

use harness::process::figure;
use harness::third_party::Reply;
use serde_json::{Value, json};

use crate::bar::{Bar, Findings, Settings};
use crate::history::repeats;
use crate::world::World;

pub(crate) fn bars() -> Vec<Bar> {
    vec![
        Bar {
            name: "G2",
            promise: "one worker, eight, two, under load: nothing twice, fair shares",
            run: |s| Box::pin(scaling(s)),
        },
        Bar {
            name: "G3",
            promise: "every dead letter says why, and runs when it is replayed",
            run: |s| Box::pin(dead_letters(s)),
        },
    ]
}

async fn scaling(settings: Settings) -> Findings {
    let mut findings = Findings::default();
    let config = "[worker]\nlease = 5\nprefetch = 8\n";
    let mut world =
        World::new(config, 8, json!({}), |_, _| Reply::json(&json!({})).after(Duration::from_millis(50))).await;
    let (rounds, jobs) = (settings.of(10, 1), settings.of(2_000, 800));
    let mut unfair: f64 = 0.0;
    for round in 0..rounds {
        world.start_workers(8 - u32::try_from(world.workers.len()).unwrap_or(0)).await;
        let before = shares(&world).await;
        world.submit(&format!("g{round}-"), jobs, 0).await;
        world.ended(Duration::from_mins(2)).await;
        let done: Vec<f64> = shares(&world).await.iter().zip(&before).map(|(now, before)| now - before).collect();
        let mean = done.iter().sum::<f64>() / 8.0;
        unfair = done.iter().map(|share| (share - mean).abs() / mean).fold(unfair, f64::max);
        world.submit(&format!("s{round}-"), 200, 0).await;
        while world.workers.len() > 2 {
            let code = world.workers.remove(0).terminate().await;
            findings.holds("a clean exit", code == Some(0));
        }
    }
    let history = world.ended(Duration::from_mins(2)).await;
    history.judge(&mut findings);
    let (repeated, _) = repeats(&world.requests());
    findings.figure("rounds", rounds);
    findings.figure("farthest from its share, %", format!("{:.0}", unfair * 100.0));
    findings.holds(&format!("no request twice ({repeated})"), repeated == 0);
    findings.holds("shares within 25 %", unfair <= 0.25);
    findings
}

async fn shares(world: &World) -> Vec<f64> {
    let mut shares = Vec::new();
    for worker in &world.workers {
        shares.push(figure(&worker.metrics().await, r#"data_connector_attempts_total{code="OK"}"#));
    }
    shares
}

async fn dead_letters(settings: Settings) -> Findings {
    let mut findings = Findings::default();
    let mut world = World::new("[limits]\njob_bytes = 10\n", 16, json!({}), |_, _| Reply::json(&json!({}))).await;
    world.start_workers(1).await;
    let jobs = settings.of(1_000, 100);
    world.submit("j", jobs, 0).await;
    world.ended(Duration::from_mins(1)).await;
    let list = ["dead", "list", "--limit", "100000", "--format", "json"];
    let letters: Value = serde_json::from_str(&world.scene.cli(&list).await).unwrap_or_default();
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
    for worker in world.workers.drain(..) {
        worker.terminate().await;
    }
    let numbers: Vec<String> = letters.iter().map(|letter| letter["id"].to_string()).collect();
    for chunk in numbers.chunks(500) {
        let arguments: Vec<&str> = ["dead", "replay"].into_iter().chain(chunk.iter().map(String::as_str)).collect();
        world.scene.cli(&arguments).await;
    }
    world.stub.history().dead.clear();
    let worker = world.scene.worker(&[]).await;
    world.workers.push(worker);
    let begun = std::time::Instant::now();
    while world.stub.history().results.len() < letters.len() && begun.elapsed() < Duration::from_mins(2) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let history = world.stub.history().clone();
    history.judge(&mut findings);
    findings.holds("every replayed letter completed", history.with_code("") == history.submitted.len());
    findings
}
