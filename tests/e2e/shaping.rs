//! Rate limits of connectors, limits of a worker, brokers with several nodes, and queues that share a worker.

use std::time::Duration;

use harness::engine::Envelope;
use harness::eventually;
use harness::process;
use harness::proxy::{Proxy, Toxic};
use harness::test_app::{TestApp, job};
use harness::third_party::{Reply, ThirdParty};
use serde_json::{Value, json};
use tokio::time::Instant;

fn resource(url: &str, rate: &Value) -> Value {
    json!({"r": {"url": url, "rate": rate}})
}

/// The maximum number of requests within any second.
fn most_in_a_second(times: &[Instant]) -> usize {
    let within =
        |from: &Instant| times.iter().filter(|at| **at >= *from && **at < *from + Duration::from_secs(1)).count();
    times.iter().map(within).max().unwrap_or(0)
}

#[tokio::test]
async fn a_rate_limit_applies_to_all_workers_together_and_follows_changes() {
    let third_party = ThirdParty::friendly().await;
    let app = TestApp::new().with_postgres().await;
    app.import_resources(resource(&third_party.url("/{{tenant}}"), &json!({"calls": 10, "key": "{{tenant}}"}))).await;
    let _workers = [app.worker(&[]).await, app.worker(&[]).await];
    let mut engine = app.engine().await;
    let begun = Instant::now();
    for n in 0..40 {
        engine.publish(&job(&format!("a{n}"), "r", &[], json!({"tenant": "a"}))).await;
    }
    engine.publish(&job("b", "r", &[], json!({"tenant": "b"}))).await;
    let mut order = Vec::new();
    for _ in 0..41 {
        let result = engine.result().await;
        assert_eq!(result.body["call"]["attempts"], 1, "waiting for the rate limit is no attempt: {:#}", result.body);
        order.push(result.message_id);
    }
    let place = order.iter().position(|id| id == "b").expect("b has a result");
    assert!(place < 20, "another key does not wait, and was number {place}");
    assert!(begun.elapsed() >= Duration::from_millis(3_800), "{:?}", begun.elapsed());
    assert!(begun.elapsed() < Duration::from_secs(12), "{:?}", begun.elapsed());
    let times: Vec<Instant> = third_party.seen().iter().filter(|seen| seen.path == "/a").map(|seen| seen.at).collect();
    let most = most_in_a_second(&times);
    // Two workers with a limit of their own each would make 20; on a busy machine a call is late, and the next ones are not.
    assert!(times.len() == 40 && most < 20, "{most} in a second");

    app.import_resources(resource(&third_party.url("/{{tenant}}"), &Value::Null)).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let begun = Instant::now();
    for n in 0..40 {
        engine.publish(&job(&format!("free{n}"), "r", &[], json!({"tenant": "a"}))).await;
    }
    for _ in 0..40 {
        engine.result().await;
    }
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_worker_reloads_its_limits_on_sighup() {
    let third_party = ThirdParty::start(|_, _| Reply::json(&json!({})).after(Duration::from_millis(500))).await;
    let app = TestApp::new();
    app.import_resources(json!({"r": {"url": third_party.url("/")}})).await;
    let settings = |concurrency: u32, per_host: u32| {
        let text = format!("[worker]\nconcurrency = {concurrency}\nper_host = {per_host}\n");
        app.file("limits.toml", &text).display().to_string()
    };
    let worker = app.worker(&["--config", &settings(1, 1)]).await;
    let mut engine = app.engine().await;
    let mut take = async |name: &str, jobs: u32| {
        let begun = Instant::now();
        for n in 0..jobs {
            engine.publish(&job(&format!("{name}{n}"), "r", &[], json!({}))).await;
        }
        for _ in 0..jobs {
            engine.result().await;
        }
        begun.elapsed()
    };
    let one_by_one = take("a", 4).await;
    assert!(one_by_one >= Duration::from_secs(2), "{one_by_one:?}");
    settings(8, 32);
    process::signal(worker.pid(), "HUP").await;
    eventually("settings that were read", || async { worker.output().contains("read again").then_some(()) }).await;
    let together = take("b", 8).await;
    assert!(together < Duration::from_millis(1_500), "{together:?}");
    app.file("limits.toml", "[worker]\nconcurrency = \"many\"\n");
    process::signal(worker.pid(), "HUP").await;
    eventually("a refusal", || async { worker.output().contains("the old ones stay").then_some(()) }).await;
    take("c", 1).await;
}

#[tokio::test]
async fn a_worker_fails_over_to_another_node() {
    let third_party = ThirdParty::friendly().await;
    let app = TestApp::new();
    app.import_resources(json!({"r": {"url": third_party.url("/")}})).await;
    let broker = process::authority(app.broker());
    let nodes = [Proxy::before(&broker).await, Proxy::before(&broker).await];
    let urls = format!("{},{}", nodes[0].url_through(app.broker()), nodes[1].url_through(app.broker()));
    let worker = app.worker_with(&[], &[("AMQP_URL", &urls)]).await;
    let mut engine = app.engine().await;
    for (round, away) in nodes.iter().enumerate() {
        away.set(Toxic::Refuse);
        let begun = Instant::now();
        let id = format!("j{round}");
        engine.publish(&job(&id, "r", &[], json!({}))).await;
        // A result whose confirm was lost is published again.
        while engine.result().await.message_id != id {}
        assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
        away.set(Toxic::None);
    }
    assert!(worker.output().contains("connected to RabbitMQ again"), "{}", worker.output());
}

#[tokio::test]
async fn a_long_queue_leaves_a_share_to_a_short_one() {
    let third_party = ThirdParty::start(|_, _| Reply::json(&json!({})).after(Duration::from_millis(10))).await;
    let app = TestApp::new();
    app.import_resources(json!({"r": {"url": third_party.url("/{{queue}}")}})).await;
    let config = app.file("queues.toml", "[worker]\nqueues = [\"default\", \"small\"]\n").display().to_string();
    app.cli(&["--config", &config, "migrate"]).await;
    let mut engine = app.engine().await;
    for n in 0..400 {
        engine.publish(&job(&format!("full{n}"), "r", &[], json!({"queue": "full"}))).await;
    }
    for n in 0..40 {
        let small = job(&format!("small{n}"), "r", &[], json!({"queue": "small"}));
        let envelope = Envelope { routing_key: Some("job.small".to_owned()), ..Envelope::default() };
        engine.publish_with(&small, envelope).await;
    }
    let _worker = app.worker(&["--config", &config, "--concurrency", "8"]).await;
    let mut before = 0;
    let mut small = 0;
    while small < 40 {
        if engine.result().await.message_id.starts_with("small") { small += 1 } else { before += 1 }
    }
    assert!(before < 150, "{before} jobs of the full queue came before 40 of the small one had ended");
}
