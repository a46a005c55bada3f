//! A published job, the configured call, and the mapped output in the result.

use harness::engine::Envelope;
use harness::test_app::{TestApp, job};
use harness::third_party::{Reply, ThirdParty};
use serde_json::json;

#[tokio::test]
async fn a_call_is_made_and_its_answer_is_mapped() {
    let third_party = ThirdParty::start(|_, _| Reply::json(&json!({"rates": {"EUR": 1.08}, "id": 7}))).await;
    let app = TestApp::new();
    app.import_connectors(
        &json!([{"name": "API", "authtype": "BASIC", "credentials": {"username": "u", "password": "p"},
            "endpoints": {"rate": {"url": third_party.url("/rates/{{base}}"), "method": "POST", "body_type": "json",
                "body": "{\"for\":\"{{who}}\"}", "headers": [{"key": "Content-Type", "value": "application/json"}]}}}]),
    )
    .await;
    let worker = app.worker(&[]).await;
    let mut engine = app.engine().await;
    let mut published =
        job("j1", "rate", &[("rate", "rates.EUR"), ("all", "")], json!({"base": "a/b", "who": "\"me\""}));
    published["process"] = json!({"id": "order", "version": "3"});
    published["element"]["token"] = json!(17);
    engine.publish_with(&published, Envelope { correlation_id: Some("c1".to_owned()), ..Envelope::default() }).await;

    let result = engine.result().await;
    assert_eq!(result.body["data"], json!({"rate": 1.08, "all": {"rates": {"EUR": 1.08}, "id": 7}}));
    assert_eq!((result.body["job"].clone(), result.message_id.as_str()), (json!("j1"), "j1"));
    assert_eq!(result.body["element"], json!({"id": "call", "name": "Call", "token": 17}));
    assert_eq!(result.body["process"], json!({"id": "order", "version": "3"}));
    assert_eq!((result.routing_key.as_str(), result.correlation_id.as_deref()), ("result.default.order", Some("c1")));
    assert_eq!(result.body["call"]["attempts"], 1);
    assert_eq!(
        (result.body["call"]["connector"].as_str(), result.body["call"]["status"].as_u64()),
        (Some("API"), Some(200))
    );

    let seen = third_party.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!((seen[0].method.as_str(), seen[0].path.as_str()), ("POST", "/rates/a%2Fb"));
    assert_eq!(seen[0].body, r#"{"for":"\"me\""}"#);
    assert_eq!(seen[0].header("authorization"), "Basic dTpw");
    assert_eq!(seen[0].header("accept"), "application/json");
    assert_eq!(seen[0].header("idempotency-key").len(), 43);
    assert_eq!(app.job_in_state("j1", "published").await["attempt"], 1);
    assert_eq!(worker.terminate().await, Some(0));
}

#[tokio::test]
async fn many_jobs_each_get_their_own_answer() {
    let third_party = ThirdParty::start(|seen, _| Reply::json(&json!({"path": seen.path}))).await;
    let app = TestApp::new();
    app.import_resources(json!({"echo": {"url": third_party.url("/{{n}}")}})).await;
    let _workers = (app.worker(&[]).await, app.worker(&["--concurrency", "4"]).await);
    let mut engine = app.engine().await;
    for n in 0..300 {
        engine.publish(&job(&format!("j{n}"), "echo", &[("path", "path")], json!({"n": n}))).await;
    }
    let mut answered = std::collections::BTreeSet::new();
    for _ in 0..300 {
        let result = engine.result().await;
        assert_eq!(result.body["data"]["path"], json!(format!("/{}", result.message_id.trim_start_matches('j'))));
        assert!(answered.insert(result.message_id.clone()), "{} twice", result.message_id);
    }
    assert_eq!(third_party.seen().len(), 300);
    assert!(engine.result_within(harness::test_app::QUIET_PERIOD).await.is_none());
    assert_eq!((engine.depth("jobs.default").await, engine.depth("dead").await), (Some(0), Some(0)));
}

#[tokio::test]
async fn a_result_goes_to_the_reply_to_queue_and_without_one_to_the_exchange() {
    let third_party = ThirdParty::friendly().await;
    let app = TestApp::new();
    app.import_resources(json!({"r": {"url": third_party.url("/")}})).await;
    let _worker = app.worker(&[]).await;
    let mut engine = app.engine().await;
    let (queue, mut replies) = engine.reply_queue().await;
    let envelope = |queue: &str| Envelope { reply_to: Some(queue.to_owned()), ..Envelope::default() };
    engine.publish_with(&job("j1", "r", &[], json!({})), envelope(&queue)).await;
    let delivery = futures_util::StreamExt::next(&mut replies).await.expect("a delivery").expect("a delivery");
    assert_eq!(harness::engine::received(&delivery).await.message_id, "j1");
    engine.publish_with(&job("j2", "r", &[], json!({})), envelope("nobody.is.there")).await;
    assert_eq!(engine.result().await.message_id, "j2");
}

#[tokio::test]
async fn a_job_for_an_unknown_queue_goes_to_the_default_queue() {
    let third_party = ThirdParty::friendly().await;
    let app = TestApp::new();
    app.import_resources(json!({"r": {"url": third_party.url("/")}})).await;
    let worker = app.worker(&["--queue", "default", "--queue", "slow", "--listen", "127.0.0.1:0"]).await;
    let mut engine = app.engine().await;
    for (id, key) in [("j1", "job.bpmn"), ("j2", "job.slow"), ("j3", "job.a.b")] {
        let envelope = Envelope { routing_key: Some(key.to_owned()), ..Envelope::default() };
        engine.publish_with(&job(id, "r", &[], json!({})), envelope).await;
        assert_eq!(engine.result().await.message_id, id);
    }
    let metrics = worker.metrics().await;
    assert!(metrics.contains("data_connector_unrouted_jobs_total 2"), "{metrics}");
    assert!(metrics.contains(r#"data_connector_jobs_total{ending="completed",code=""} 3"#), "{metrics}");
}

#[tokio::test]
async fn the_same_job_twice_is_one_call_and_the_same_result() {
    let third_party = ThirdParty::start(|_, n| Reply::json(&json!({"n": n}))).await;
    let app = TestApp::new();
    app.import_resources(json!({"r": {"url": third_party.url("/"), "method": "POST"}})).await;
    let _worker = app.worker(&[]).await;
    let mut engine = app.engine().await;
    let published = job("j1", "r", &[("n", "n")], json!({"a": 1}));
    engine.publish(&published).await;
    let first = engine.result().await;
    let mut again = published.clone();
    again["deadline"] = json!("2999-01-01T00:00:00Z");
    engine.publish(&again).await;
    assert_eq!(engine.result().await.body, first.body);
    assert_eq!(third_party.seen().len(), 1);
}

#[tokio::test]
async fn a_changed_connector_is_seen_within_five_seconds() {
    let third_party = ThirdParty::start(|seen, _| Reply::json(&json!({"path": seen.path}))).await;
    let app = TestApp::new();
    app.import_resources(json!({"r": {"url": third_party.url("/old")}})).await;
    let _worker = app.worker(&[]).await;
    let mut engine = app.engine().await;
    engine.publish(&job("j1", "r", &[("path", "path")], json!({}))).await;
    assert_eq!(engine.result().await.body["data"]["path"], "/old");
    app.import_resources(json!({"r": {"url": third_party.url("/new")}})).await;
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    engine.publish(&job("j2", "r", &[("path", "path")], json!({}))).await;
    assert_eq!(engine.result().await.body["data"]["path"], "/new");
}

/// A designer learns of a body that was sent as broken JSON from a good answer and from a bad one.
#[tokio::test]
async fn a_json_body_that_is_none_is_told_whatever_comes_of_it() {
    let third_party = ThirdParty::start(|seen, _| {
        if seen.path == "/good" { Reply::json(&json!({"ok": 1})) } else { Reply::status(400, &json!({})) }
    })
    .await;
    let app = TestApp::new();
    app.import_resources(json!({"r": {"url": third_party.url("/{{path}}"), "method": "POST", "body_type": "json",
        "body": "{\"q\": {{q}}}"}}))
        .await;
    let _worker = app.worker(&[]).await;
    let mut engine = app.engine().await;
    for (path, q, status, warnings) in [
        ("good", json!(null), "completed", 1),
        ("bad", json!(null), "failed", 1),
        ("good", json!(1), "completed", 0),
        ("bad", json!(1), "failed", 0),
    ] {
        engine.publish(&job(&format!("{path}-{q}"), "r", &[("ok", "ok")], json!({"path": path, "q": q}))).await;
        let result = engine.result().await;
        assert_eq!(result.body["status"], status, "{:#}", result.body);
        let told: Vec<&str> =
            result.body["call"]["warnings"].as_array().into_iter().flatten().filter_map(|w| w.as_str()).collect();
        assert_eq!(told.len(), warnings, "{:#}", result.body);
        assert!(told.iter().all(|warning| warning.contains("no JSON")), "{told:?}");
    }
}
