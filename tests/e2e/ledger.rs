//! The ledger: retention, PostgreSQL shared by workers, and one ledger for each broker.

use std::time::Duration;

use harness::eventually;
use harness::test_app::{TestApp, job, with_retries};
use harness::third_party::{Reply, ThirdParty};
use lapin::BasicProperties;
use serde_json::json;

#[tokio::test]
async fn rows_and_payloads_are_deleted_after_their_configured_time() {
    let third_party = ThirdParty::friendly().await;
    let app = TestApp::new().with_postgres().await;
    app.import_resources(json!({"r": {"url": third_party.url("/")}})).await;
    let config = app.file("c.toml", "[database]\nkeep_jobs = 1209600\nkeep_payloads = 3600\n").display().to_string();
    let _worker = app.worker(&["--config", &config]).await;
    let mut engine = app.engine().await;
    for id in ["old", "young", "spent", "kept"] {
        engine.publish(&job(id, "r", &[], json!({}))).await;
        engine.result().await;
        app.job_in_state(id, "published").await;
    }
    for (id, days) in [("old", 15), ("young", 13)] {
        let ages = format!(
            "created_at = created_at - {days} * 86400000::BIGINT, updated_at = updated_at - {days} * 86400000::BIGINT"
        );
        app.sql(&format!("UPDATE jobs SET {ages} WHERE id = '{id}'")).await;
    }
    for (id, minutes) in [("spent", 70), ("kept", 50)] {
        app.sql(&format!("UPDATE payloads SET stored_at = stored_at - {minutes} * 60000 WHERE job_id = '{id}'")).await;
        app.sql(&format!("UPDATE jobs SET updated_at = updated_at - {minutes} * 60000 WHERE id = '{id}'")).await;
    }
    eventually("an old row that goes", || async {
        (app.sql("SELECT COUNT(*) FROM jobs WHERE id = 'old'").await.trim() == "0").then_some(())
    })
    .await;
    assert_eq!(app.sql("SELECT id FROM jobs ORDER BY id").await, "kept\nspent\nyoung\n");
    assert_eq!(app.sql("SELECT job_id FROM payloads WHERE job_id IN ('spent', 'kept')").await, "kept\n");
}

#[tokio::test]
async fn two_workers_share_a_postgresql_ledger() {
    let third_party =
        ThirdParty::start(
            |_, n| if n % 5 == 1 { Reply::status(503, &json!({})) } else { Reply::json(&json!({"n": n})) },
        )
        .await;
    let app = TestApp::new().with_postgres().await;
    let (code, problem) = app.cli_error(&["connectors", "list"]).await;
    assert_eq!(code, 64, "{problem}");
    assert!(problem.contains("run `data-connector migrate`"), "{problem}");
    app.cli(&["migrate"]).await;
    app.import_resources(json!({"r": {"url": third_party.url("/"), "method": "PUT"}})).await;
    let _workers = (app.worker(&[]).await, app.worker(&[]).await);
    let mut engine = app.engine().await;
    for n in 0..100 {
        let published = with_retries(job(&format!("j{n}"), "r", &[("n", "n")], json!({"nul": "\u{0}"})), 4, 1);
        engine.publish(&published).await;
        if n % 10 == 0 {
            engine.publish(&published).await;
        }
    }
    let mut answers = std::collections::BTreeMap::new();
    while answers.len() < 100 {
        let result = engine.result().await;
        assert_eq!(result.status(), "completed");
        let known = answers.entry(result.message_id.clone()).or_insert_with(|| result.body.clone());
        assert_eq!(*known, result.body, "a job has one result");
    }
    let listed: serde_json::Value =
        serde_json::from_str(&app.cli(&["jobs", "list", "--limit", "200", "--format", "json"]).await).unwrap();
    assert_eq!(listed.as_array().unwrap().len(), 100);
    let calls = third_party.seen().len();
    let refusals = (0..calls).filter(|n| n % 5 == 1).count();
    assert_eq!(calls, 100 + refusals, "one call a job, and one more a 503");
}

#[tokio::test]
async fn a_worker_with_another_ledger_is_refused() {
    let app = TestApp::new();
    app.import_resources(json!({"r": {"url": "https://api.example.com/"}})).await;
    let _worker = app.worker(&[]).await;
    let other = app.path("other");
    let (code, problem) = app.cli_error(&["worker", "--data-dir", &other.display().to_string()]).await;
    assert_eq!(code, 64, "{problem}");
    assert!(problem.contains("uses another ledger on this broker"), "{problem}");
    let _second = app.worker(&[]).await;
}

/// Everybody who may publish jobs may publish to the same exchange.
#[tokio::test]
async fn a_reply_of_another_account_stops_no_worker() {
    let app = TestApp::new();
    let first = app.worker(&[]).await;
    let engine = app.engine().await;
    // It replies nothing: what is forged is all that comes.
    harness::process::signal(first.pid(), "STOP").await;
    let forging = async {
        loop {
            let reply = json!({"worker": "forged", "ledger": "another"}).to_string();
            let properties = BasicProperties::default().with_type("data-connector.here.v1".into());
            engine.send(&format!("{}.control", app.prefix()), "", reply.as_bytes(), properties).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let second = tokio::select! {
        second = app.worker(&[]) => second,
        never = forging => never,
    };
    harness::process::signal(first.pid(), "CONT").await;
    let log = second.output();
    assert!(log.contains("it is not believed") && log.contains("other=\"forged\""), "{log}");
}

#[tokio::test]
async fn queues_with_other_arguments_are_refused_and_not_changed() {
    let app = TestApp::new();
    let engine =
        lapin::Connection::connect(app.broker(), lapin::ConnectionProperties::default()).await.expect("the broker");
    let channel = engine.create_channel().await.expect("a channel");
    let name = format!("{}.jobs.default", app.prefix());
    let options = lapin::options::QueueDeclareOptions { durable: true, ..Default::default() };
    channel
        .queue_declare(name.as_str().into(), options, lapin::types::FieldTable::default())
        .await
        .expect("a classic queue");
    let (code, problem) = app.cli_error(&["worker"]).await;
    assert_eq!(code, 64, "{problem}");
    assert!(problem.contains(&format!("queue {name} exists with other arguments")), "{problem}");
    let still = lapin::options::QueueDeclareOptions { passive: true, ..Default::default() };
    channel
        .queue_declare(name.as_str().into(), still, lapin::types::FieldTable::default())
        .await
        .expect("the queue is still there");
}
