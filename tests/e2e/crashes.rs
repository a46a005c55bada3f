//! Killed workers, killed brokers and unroutable results: nothing is lost and nothing is done twice.

use std::time::Duration;

use harness::broker::PrivateBroker;
use harness::engine::Engine;
use harness::eventually;
use harness::test_app::{QUIET_PERIOD, TestApp, job};
use harness::third_party::{Reply, ThirdParty};
use serde_json::json;

async fn called(third_party: &ThirdParty, times: usize) {
    eventually(&format!("{times} calls"), || async { (third_party.seen().len() >= times).then_some(()) }).await;
}

#[tokio::test]
async fn the_call_of_a_worker_that_died_is_repeated_under_its_key_when_that_is_safe() {
    let third_party =
        ThirdParty::start(|_, n| if n == 0 { Reply::Silence } else { Reply::json(&json!({"n": n})) }).await;
    let app = TestApp::new();
    app.import_resources(json!({"r": {"url": third_party.url("/"), "method": "PUT"}})).await;
    let config = app.file("config.toml", "[worker]\nlease = 5\n");
    let config = config.display().to_string();
    let first = app.worker(&["--config", &config]).await;
    let mut engine = app.engine().await;
    engine.publish(&job("j1", "r", &[("n", "n")], json!({}))).await;
    called(&third_party, 1).await;
    first.kill().await;
    let _second = app.worker(&["--config", &config]).await;
    let result = engine.result().await;
    assert_eq!((result.body["data"]["n"].as_u64(), result.body["call"]["attempts"].as_u64()), (Some(1), Some(1)));
    assert!(result.body["call"]["warnings"][0].as_str().unwrap().contains("a worker died"));
    let seen = third_party.seen();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0].header("idempotency-key"), seen[1].header("idempotency-key"));
}

#[tokio::test]
async fn the_post_of_a_worker_that_died_has_an_unknown_outcome() {
    let third_party = ThirdParty::start(|_, _| Reply::Silence).await;
    let app = TestApp::new();
    app.import_resources(json!({"r": {"url": third_party.url("/"), "method": "POST"}})).await;
    let config = app.file("config.toml", "[worker]\nlease = 5\n");
    let config = config.display().to_string();
    let first = app.worker(&["--config", &config]).await;
    let mut engine = app.engine().await;
    engine.publish(&job("j1", "r", &[], json!({}))).await;
    called(&third_party, 1).await;
    first.kill().await;
    let _second = app.worker(&["--config", &config]).await;
    let result = engine.result().await;
    assert_eq!(result.code(), "OUTCOME_UNKNOWN");
    assert!(engine.result_within(QUIET_PERIOD).await.is_none());
    assert_eq!(third_party.seen().len(), 1);
}

#[tokio::test]
async fn a_message_that_three_workers_died_of_before_their_claim_is_parked() {
    let third_party = ThirdParty::start(|_, _| Reply::json(&json!({}))).await;
    let app = TestApp::new();
    app.import_resources(json!({"r": {"url": third_party.url("/")}})).await;
    let config = app.file("config.toml", "[worker]\nlease = 5\n");
    let config = config.display().to_string();
    app.cli(&["migrate"]).await;
    let mut engine = app.engine().await;
    for n in 0..20 {
        engine.publish(&job(&format!("before{n}"), "r", &[], json!({}))).await;
    }
    engine.publish(&job("poison", "r", &[], json!({}))).await;
    for n in 0..20 {
        engine.publish(&job(&format!("after{n}"), "r", &[], json!({}))).await;
    }
    let fault = [("DATA_CONNECTOR_FAULT", "planning poison=die")];
    for _ in 0..3 {
        let mut worker = app.worker_with(&["--config", &config], &fault).await;
        assert_eq!(worker.ended().await, None, "it died");
    }
    let _worker = app.worker_with(&["--config", &config], &fault).await;
    let letters = app.dead_letters(1).await;
    assert_eq!((letters[0]["job"].as_str(), letters[0]["reason"].as_str()), (Some("poison"), Some("INTERNAL")));
    assert!(letters[0]["detail"].as_str().unwrap().contains("before they could claim"), "{letters:?}");
    for _ in 0..40 {
        assert_eq!(engine.result().await.code(), "", "nobody else fails");
    }
}

#[tokio::test]
async fn a_job_that_three_workers_died_with_is_parked() {
    let third_party =
        ThirdParty::start(|seen, _| if seen.path == "/poison" { Reply::Silence } else { Reply::json(&json!({})) })
            .await;
    let app = TestApp::new();
    app.import_resources(
        json!({"poison": {"url": third_party.url("/poison")}, "good": {"url": third_party.url("/good")}}),
    )
    .await;
    let config = app.file("config.toml", "[worker]\nlease = 5\n");
    let config = config.display().to_string();
    let mut worker = app.worker(&["--config", &config]).await;
    let mut engine = app.engine().await;
    engine.publish(&job("j1", "poison", &[], json!({}))).await;
    for crash in 1..=3 {
        called(&third_party, crash).await;
        worker.kill().await;
        worker = app.worker(&["--config", &config]).await;
    }
    let letters = app.dead_letters(1).await;
    assert_eq!((letters[0]["job"].as_str(), letters[0]["reason"].as_str()), (Some("j1"), Some("INTERNAL")));
    assert_eq!(app.job("j1").await["state"], "parked");
    engine.publish(&job("j2", "good", &[], json!({}))).await;
    assert_eq!(engine.result().await.message_id, "j2");
    assert_eq!(third_party.seen().len(), 4);
}

#[tokio::test]
async fn a_worker_that_gets_sigterm_finishes_its_jobs() {
    let third_party = ThirdParty::start(|_, _| Reply::json(&json!({})).after(Duration::from_secs(2))).await;
    let app = TestApp::new();
    app.import_resources(json!({"r": {"url": third_party.url("/"), "method": "POST"}})).await;
    let first = app.worker(&["--concurrency", "3"]).await;
    let mut engine = app.engine().await;
    for n in 0..6 {
        engine.publish(&job(&format!("j{n}"), "r", &[], json!({}))).await;
    }
    called(&third_party, 3).await;
    assert_eq!(first.terminate().await, Some(0));
    let finished = third_party.seen().len();
    let mut answered = Vec::new();
    for _ in 0..finished {
        answered.push(engine.result().await.message_id);
    }
    let _second = app.worker(&[]).await;
    for _ in finished..6 {
        answered.push(engine.result().await.message_id);
    }
    answered.sort();
    assert_eq!(answered, ["j0", "j1", "j2", "j3", "j4", "j5"]);
    assert_eq!(third_party.seen().len(), 6, "nothing was called twice");
}

#[tokio::test]
async fn an_unroutable_result_is_sent_again_until_it_is_routed() {
    let third_party = ThirdParty::friendly().await;
    let app = TestApp::new();
    app.import_resources(json!({"r": {"url": third_party.url("/")}})).await;
    let _worker = app.worker(&[]).await;
    let engine = app.engine().await;
    engine.delete_result_queue().await;
    engine.publish(&job("j1", "r", &[], json!({}))).await;
    app.job_in_state("j1", "answered").await;
    eventually("a returned result", || async { (app.job("j1").await["returns"].as_i64() >= Some(1)).then_some(()) })
        .await;
    let mut engine = app.engine().await;
    assert_eq!(engine.result().await.message_id, "j1");
    app.job_in_state("j1", "published").await;
    assert_eq!(third_party.seen().len(), 1);
}

#[tokio::test]
async fn a_broker_that_is_killed_loses_nothing() {
    let mut broker = PrivateBroker::start().await;
    let third_party = ThirdParty::start(|_, n| {
        let slow = Reply::json(&json!({})).after(Duration::from_millis(300));
        if n % 10 == 3 { Reply::status(503, &json!({})) } else { slow }
    })
    .await;
    let app = TestApp::on(&broker.url());
    app.import_resources(json!({"r": {"url": third_party.url("/{{n}}"), "method": "PUT"}})).await;
    let worker = app.worker(&["--concurrency", "8"]).await;
    let engine = app.engine().await;
    for n in 0..60 {
        engine.publish(&harness::test_app::with_retries(job(&format!("j{n}"), "r", &[], json!({"n": n})), 5, 1)).await;
    }
    called(&third_party, 15).await;
    broker.kill().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    broker.start_again().await;
    let mut engine = Engine::connect(&broker.url(), app.prefix(), "default").await;
    let mut answered = std::collections::BTreeSet::new();
    while answered.len() < 60 {
        let result = engine.result().await;
        assert_eq!(result.status(), "completed", "{:#}", result.body);
        answered.insert(result.message_id);
    }
    assert!(!worker.output().contains("panicked"), "{}", worker.output());
    assert_eq!(worker.terminate().await, Some(0));
    // Calls were repeated after a 503 only, and every attempt of a job carried the same key.
    let seen = third_party.seen();
    for n in 0..60 {
        let keys: std::collections::BTreeSet<&str> =
            seen.iter().filter(|s| s.path == format!("/{n}")).map(|s| s.header("idempotency-key")).collect();
        assert_eq!(keys.len(), 1, "job {n}");
    }
    let refusals = (0..seen.len()).filter(|n| n % 10 == 3).count();
    assert_eq!(seen.len(), 60 + refusals, "one call a job, and one more a 503");
}

#[tokio::test]
async fn a_worker_reconnects_to_a_restarted_broker() {
    let mut broker = PrivateBroker::start().await;
    let third_party = ThirdParty::friendly().await;
    let app = TestApp::on(&broker.url());
    app.import_resources(json!({"r": {"url": third_party.url("/")}})).await;
    let worker = app.worker(&[]).await;
    broker.kill().await;
    eventually("a worker that says so", || async { worker.output().contains("connecting again").then_some(()) }).await;
    eventually("a healthcheck that says so", || async {
        app.healthcheck().await.1.contains("RabbitMQ is not connected").then_some(())
    })
    .await;
    broker.start_again().await;
    eventually("a worker that is well", || async { app.healthcheck().await.0.then_some(()) }).await;
    let mut engine = app.engine().await;
    engine.publish(&job("j1", "r", &[], json!({}))).await;
    assert_eq!(engine.result().await.message_id, "j1");
}
