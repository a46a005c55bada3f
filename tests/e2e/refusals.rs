//! Messages that cannot be processed: they get a result with the reason or become dead letters, and delay no other job.

use harness::engine::Envelope;
use harness::test_app::{QUIET_PERIOD, TestApp, job, with_retries};
use harness::third_party::{Reply, ThirdParty};
use serde_json::{Value, json};

#[tokio::test]
async fn a_malformed_message_becomes_a_complete_dead_letter_and_delays_no_job() {
    let third_party = ThirdParty::friendly().await;
    let app = TestApp::new();
    app.import_resources(json!({"r": {"url": third_party.url("/")}})).await;
    let _worker = app.worker(&["--concurrency", "1"]).await;
    let mut engine = app.engine().await;
    let named = |id: &str| Envelope { message_id: Some(id.to_owned()), ..Envelope::default() };
    engine.publish_bytes(b"{\"not json", named("b1")).await;
    engine.publish_bytes(br#"{"id":"other","request":{"id":1},"element":{"id":"e"}}"#, named("b2")).await;
    engine.publish_bytes(b"\xff\xfe", Envelope::default()).await;
    engine.publish(&job("j1", "r", &[], json!({}))).await;

    let refused = engine.result().await;
    assert_eq!((refused.message_id.as_str(), refused.code()), ("b2", "BAD_JOB"));
    assert!(refused.body["error"]["message"].as_str().unwrap().contains("`other`"));
    assert_eq!(engine.result().await.message_id, "j1");
    let letters = app.dead_letters(3).await;
    let mut details: Vec<&str> = letters.iter().filter_map(|l| l["detail"].as_str()).collect();
    details.sort_unstable();
    assert!(details[0].starts_with("`id` is `other` but the message_id is `b2`"), "{details:?}");
    assert!(details[1].starts_with("the message is not JSON"), "{details:?}");
    let first = letters.iter().find(|l| l["job"] == "b1").expect("the first letter");
    let shown: Value = serde_json::from_str(&app.cli(&["dead", "show", &first["id"].to_string()]).await).unwrap();
    assert_eq!((shown["body"].as_str(), shown["reason"].as_str()), (Some("{\"not json"), Some("BAD_JOB")));
    assert_eq!(shown["routing_key"], "job.default");
    assert_eq!(engine.depth("jobs.default").await, Some(0));
}

/// Each of these would be redelivered without end and close the connection of its consumer.
#[tokio::test]
async fn a_message_too_large_to_republish_stops_no_worker() {
    let third_party =
        ThirdParty::start(
            |_, number| {
                if number == 0 { Reply::status(503, &json!({})) } else { Reply::json(&json!({"ok": 1})) }
            },
        )
        .await;
    let app = TestApp::new();
    app.import_resources(json!({"r": {"url": third_party.url("/")}})).await;
    let _worker = app.worker(&["--concurrency", "1"]).await;
    let mut engine = app.engine().await;
    let large = || [("baggage".to_owned(), "x".repeat(100_000)), ("note".to_owned(), "n".to_owned())].into();
    let retried = Envelope { message_id: Some("j1".to_owned()), headers: large(), ..Envelope::default() };
    engine.publish_with(&with_retries(job("j1", "r", &[("ok", "ok")], json!({})), 1, 1), retried).await;
    assert_eq!(engine.result().await.status(), "completed");
    assert_eq!(third_party.seen().len(), 2, "its copy went through the ladder");

    let refused =
        |id: Value| json!({"id": id, "engine": "x".repeat(100_000), "request": {"id": 1}, "element": {"id": "e"}});
    engine.publish_bytes(refused(json!("j2")).to_string().as_bytes(), Envelope::default()).await;
    let bare = Envelope { headers: large(), ..Envelope::default() };
    engine.publish_bytes(b"not json", bare).await;
    for id in ["i".repeat(300), "i".repeat(2_000), "i\0j".to_owned()] {
        let whole = json!({"id": id, "request": {"id": 1}, "element": {"id": "e"}, "config": {}});
        engine.publish_bytes(whole.to_string().as_bytes(), Envelope::default()).await;
        engine.publish_bytes(json!({"id": id, "request": {"id": 1}}).to_string().as_bytes(), Envelope::default()).await;
    }
    engine.publish(&job("j3", "r", &[("ok", "ok")], json!({}))).await;
    let letters = app.dead_letters(8).await;
    assert!(letters.iter().all(|letter| letter["reason"] == "BAD_JOB"), "{letters:?}");
    assert!(letters.iter().all(|letter| letter["detail"].as_str().is_some_and(|text| text.len() < 1_100)));
    assert_eq!(engine.result().await.message_id, "j3");
    assert!(engine.result_within(QUIET_PERIOD).await.is_none());
    assert_eq!(engine.depth("jobs.default").await, Some(0));
}

#[tokio::test]
async fn a_rejection_never_replaces_a_result() {
    let third_party = ThirdParty::start(|_, _| Reply::json(&json!({"ok": 1}))).await;
    let app = TestApp::new();
    app.import_resources(json!({"r": {"url": third_party.url("/")}})).await;
    let _worker = app.worker(&[]).await;
    let mut engine = app.engine().await;
    engine.publish(&job("j1", "r", &[("ok", "ok")], json!({}))).await;
    assert_eq!(engine.result().await.status(), "completed");
    // The same id with other content, and as a malformed message: dead letters only.
    engine.publish(&job("j1", "r", &[("ok", "ok")], json!({"other": true}))).await;
    let broken = Envelope { message_id: Some("j1".to_owned()), ..Envelope::default() };
    engine.publish_bytes(br#"{"id":"j1","request":{"id":1},"element":3}"#, broken).await;
    let letters = app.dead_letters(2).await;
    let mut reasons: Vec<&str> = letters.iter().filter_map(|l| l["reason"].as_str()).collect();
    reasons.sort_unstable();
    assert_eq!(reasons, ["BAD_JOB", "JOB_MISMATCH"]);
    assert!(engine.result_within(QUIET_PERIOD).await.is_none());
    assert_eq!(third_party.seen().len(), 1);
}

#[tokio::test]
async fn a_job_above_the_size_limit_is_not_decoded() {
    let app = TestApp::new();
    let config = app.file("config.toml", "[limits]\njob_bytes = 1000\nresult_bytes = 600\n");
    let third_party = ThirdParty::start(|_, _| Reply::json(&json!({"long": "x".repeat(700)}))).await;
    app.import_resources(json!({"r": {"url": third_party.url("/")}})).await;
    let _worker = app.worker(&["--config", &config.display().to_string()]).await;
    let mut engine = app.engine().await;
    let (queue, mut replies) = engine.reply_queue().await;
    let large = job("j1", "r", &[], json!({"x": "x".repeat(1_000)}));
    let envelope = Envelope { message_id: Some("j1".to_owned()), reply_to: Some(queue), ..Envelope::default() };
    engine.publish_with(&large, envelope).await;
    let delivery = futures_util::StreamExt::next(&mut replies).await.expect("a delivery").expect("a delivery");
    let refused = harness::engine::received(&delivery).await;
    assert_eq!((refused.code(), refused.body["request"].clone()), ("JOB_TOO_LARGE", Value::Null));
    engine.publish(&large).await;
    // The second one names no queue for its reply: another letter.
    assert!(app.dead_letters(2).await.iter().all(|letter| letter["reason"] == "JOB_TOO_LARGE"));

    engine.publish(&job("j2", "r", &[("long", "long")], json!({}))).await;
    let result = engine.result().await;
    assert_eq!(result.code(), "RESULT_TOO_LARGE");
    assert!(result.body["error"]["message"].as_str().unwrap().contains("limits.result_bytes is 600"));
}

#[tokio::test]
async fn an_invalid_configuration_fails_with_its_place_and_the_correction() {
    let third_party = ThirdParty::friendly().await;
    let app = TestApp::new();
    app.import_resources(json!({"r": {"url": third_party.url("/")}})).await;
    let _worker = app.worker(&[]).await;
    let mut engine = app.engine().await;
    let with = |id: &str, config: Value| json!({"id": id, "request": {"id": 1}, "element": {"id": "call", "name": "Call"}, "config": config});
    for (config, expected) in [
        (json!({}), "element Call (call): config.dataSource: is missing; choose a connector"),
        (json!("{\"dataSource\":,}"), "config cannot be read: it is not JSON: expected value at line 1 column 15"),
        (json!({"dataSource": "Gone", "endpoint": "r"}), "connector `Gone`, resource `r`: there is no such connector"),
        (json!({"dataSource": "API", "endpoint": "gone"}), "Endpoint 'gone' not found; the connector has: r"),
        (
            json!({"dataSource": "API", "endpoint": "r", "dataMapping": [{"key": "a", "value": "x", "format": "xpath"}]}),
            "dataMapping.0.format: `xpath` is not a format; write dotNotation, mustache, feel or jmespath",
        ),
        (
            json!({"dataSource": "API", "endpoint": "r", "dataMapping": [{"key": "a", "value": "x +", "format": "feel"}]}),
            "config.dataMapping.0 (a): at character 4 of `x +`: a value is expected here",
        ),
    ] {
        engine.publish(&with(&uuid(), config.clone())).await;
        let result = engine.result().await;
        let message = result.body["error"]["message"].as_str().unwrap();
        assert_eq!(result.code(), "CONFIGURATION");
        assert!(message.contains(expected), "{config}: {message}");
        assert_eq!(result.body["call"]["attempts"], 0);
    }
    assert!(third_party.seen().is_empty());
    assert_eq!(engine.depth("dead").await, Some(0), "what was answered is no dead letter");
}

#[tokio::test]
async fn private_destinations_are_denied_however_they_are_written() {
    let third_party = ThirdParty::friendly().await;
    let elsewhere = third_party.port();
    let redirecting = ThirdParty::start(move |_, _| {
        Reply::status(302, &json!({})).with("location", &format!("http://127.0.0.2:{elsewhere}/"))
    })
    .await;
    let app = TestApp::new();
    let port = third_party.port();
    app.import_resources(json!({
        "literal": {"url": format!("http://127.0.0.2:{port}/")},
        "number": {"url": format!("http://2130706434:{port}/")},
        "mapped": {"url": format!("http://[::ffff:127.0.0.2]:{port}/")},
        "name": {"url": format!("http://localhost:{port}/")},
        "variable": {"url": "{{where}}"},
        "redirect": {"url": redirecting.url("/")},
    }))
    .await;
    // Only the address that the redirecting server is called by is open; names on loopback resolve to 127.0.0.1 as well.
    let config = app.file("config.toml", "[http]\nallow_net = [\"127.0.0.1/32\"]\n");
    let mut command = app.command(&["worker", "--config", &config.display().to_string()]);
    command.env_remove("DATA_CONNECTOR__HTTP__ALLOW_NET");
    let worker = harness::process::Running::start(&mut command, app.path("worker.log"));
    let mut engine = {
        harness::eventually("a worker", || async { worker.output().contains("taking jobs").then_some(()) }).await;
        app.engine().await
    };
    for (resource, attempts) in [("literal", 0), ("number", 0), ("mapped", 0), ("variable", 0), ("redirect", 1)] {
        let data = json!({"where": format!("http://169.254.169.254:{port}/latest")});
        engine.publish(&job(resource, resource, &[], data)).await;
        let result = engine.result().await;
        assert_eq!(result.code(), "DENIED", "{resource}: {:#}", result.body);
        assert_eq!(result.body["call"]["attempts"], attempts, "{resource}");
    }
    engine.publish(&job("name", "name", &[], json!({}))).await;
    // `localhost` may resolve to ::1 as well, which is not open; if it does not, the name is inside the allowed range.
    let result = engine.result().await;
    assert!(result.code() == "CONNECT" || result.status() == "completed", "{:#}", result.body);
    assert!(third_party.seen().iter().all(|seen| seen.header("host").starts_with("localhost")));
}

fn uuid() -> String {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    format!("c{}", NEXT.fetch_add(1, Ordering::Relaxed))
}
