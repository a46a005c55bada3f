//! Attempts, waits in the broker, and the ends of retrying.

use std::time::Duration;

use harness::test_app::{TestApp, job, with_retries};
use harness::third_party::{Reply, ThirdParty};
use serde_json::{Value, json};

async fn app_with(third_party: &ThirdParty, method: &str, members: Value) -> TestApp {
    let app = TestApp::new();
    let mut resource = json!({"url": third_party.url("/"), "method": method});
    for (name, value) in members.as_object().into_iter().flatten() {
        resource[name] = value.clone();
    }
    app.import_resources(json!({"r": resource})).await;
    app
}

#[tokio::test]
async fn a_failed_attempt_is_followed_by_another_under_the_same_key() {
    let third_party = ThirdParty::start(|_, n| match n {
        0 => Reply::status(503, &json!({"wait": true})),
        1 => Reply::Break,
        _ => Reply::json(&json!({"ok": true})),
    })
    .await;
    let app = app_with(&third_party, "PUT", json!({})).await;
    let _worker = app.worker(&[]).await;
    let mut engine = app.engine().await;
    engine.publish(&with_retries(job("j1", "r", &[("ok", "ok")], json!({})), 3, 1)).await;
    let result = engine.result().await;
    assert_eq!((result.status(), result.body["call"]["attempts"].as_u64()), ("completed", Some(3)));
    let seen = third_party.seen();
    assert_eq!(seen.len(), 3);
    for pair in seen.windows(2) {
        let waited = pair[1].at - pair[0].at;
        assert!(waited >= Duration::from_secs(1) && waited < Duration::from_secs(4), "{waited:?}");
        assert_eq!(pair[0].header("idempotency-key"), pair[1].header("idempotency-key"));
    }
}

#[tokio::test]
async fn a_job_waits_although_its_queue_in_the_ladder_was_deleted() {
    let third_party = ThirdParty::start(|_, n| match n {
        0 => Reply::status(503, &json!({})),
        _ => Reply::json(&json!({"ok": true})),
    })
    .await;
    let app = app_with(&third_party, "PUT", json!({})).await;
    let worker = app.worker(&[]).await;
    let mut engine = app.engine().await;
    engine.delete_queue("retry.q0").await;
    engine.publish(&with_retries(job("j1", "r", &[("ok", "ok")], json!({})), 3, 1)).await;
    let result = engine.result().await;
    assert_eq!((result.status(), result.body["call"]["attempts"].as_u64()), ("completed", Some(2)));
    assert_eq!(third_party.seen().len(), 2);
    assert!(worker.output().contains("declaring all queues again"), "{}", worker.output());
}

#[tokio::test]
async fn the_last_failure_lists_all_attempts() {
    let third_party = ThirdParty::start(|_, _| Reply::status(500, &json!({"message": "broken"}))).await;
    let app = app_with(&third_party, "GET", json!({"errorMapping": [{"when": "5xx", "code": "DOWN"}]})).await;
    let _worker = app.worker(&[]).await;
    let mut engine = app.engine().await;
    engine.publish(&with_retries(job("j1", "r", &[], json!({})), 2, 1)).await;
    let result = engine.result().await;
    let error = &result.body["error"];
    assert_eq!(result.code(), "HTTP_500");
    let expected = format!(
        "Job failed after 3 total attempts\nUnexpected response (status=500)\nsent: GET {}\nanswer: 500, {{\"message\":\"broken\"}}\n\
         to change: nothing here, if the third party is in trouble; `retry` says how often and for how long it is tried again",
        third_party.url(&third_party.seen()[0].path)
    );
    assert_eq!(error["message"], expected);
    assert_eq!(error["body"], r#"{"message":"broken"}"#);
    let attempts = error["attempts"].as_array().unwrap();
    assert_eq!(attempts.iter().map(|a| a["number"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(attempts.iter().map(|a| a["waited_ms"].as_u64()).collect::<Vec<_>>(), [Some(1_000), Some(1_000), None]);
    assert_eq!(result.body["bpmnError"], json!({"code": "DOWN"}));
    assert_eq!(third_party.seen().len(), 3);
}

#[tokio::test]
async fn retry_after_is_waited_for() {
    let third_party = ThirdParty::start(|_, n| {
        if n == 0 { Reply::status(429, &json!({})).with("retry-after", "3") } else { Reply::json(&json!({})) }
    })
    .await;
    let app = app_with(&third_party, "POST", json!({})).await;
    let _worker = app.worker(&[]).await;
    let mut engine = app.engine().await;
    engine.publish(&with_retries(job("j1", "r", &[], json!({})), 1, 1)).await;
    assert_eq!(engine.result().await.status(), "completed");
    let seen = third_party.seen();
    let waited = seen[1].at - seen[0].at;
    assert!(waited >= Duration::from_secs(3) && waited < Duration::from_secs(6), "{waited:?}");
}

#[tokio::test]
async fn a_post_without_an_answer_is_never_repeated() {
    let third_party = ThirdParty::start(|_, _| Reply::Break).await;
    let app = app_with(&third_party, "POST", json!({})).await;
    let _worker = app.worker(&[]).await;
    let mut engine = app.engine().await;
    engine.publish(&with_retries(job("j1", "r", &[], json!({})), 3, 1)).await;
    let result = engine.result().await;
    assert_eq!(result.code(), "OUTCOME_UNKNOWN");
    assert_eq!(result.body["error"]["attempts"].as_array().unwrap().len(), 1);
    assert!(engine.result_within(harness::test_app::QUIET_PERIOD).await.is_none());
    assert_eq!(third_party.seen().len(), 1);
}

#[tokio::test]
async fn a_post_that_is_declared_safe_is_repeated() {
    let third_party = ThirdParty::start(|_, n| if n == 0 { Reply::Break } else { Reply::json(&json!({})) }).await;
    let app = app_with(&third_party, "POST", json!({"repeat": "safe"})).await;
    let _worker = app.worker(&[]).await;
    let mut engine = app.engine().await;
    engine.publish(&with_retries(job("j1", "r", &[], json!({})), 1, 1)).await;
    assert_eq!(engine.result().await.status(), "completed");
    assert_eq!(third_party.seen().len(), 2);
}

#[tokio::test]
async fn a_timeout_ends_the_attempt_and_a_deadline_the_job() {
    let third_party = ThirdParty::start(|_, _| Reply::Silence).await;
    let app = app_with(&third_party, "GET", json!({"timeout": 1})).await;
    let _worker = app.worker(&[]).await;
    let mut engine = app.engine().await;
    engine.publish(&job("j1", "r", &[], json!({}))).await;
    let result = engine.result().await;
    assert_eq!(result.code(), "TIMEOUT");
    assert!((1_000..2_500).contains(&result.body["call"]["duration_ms"].as_u64().unwrap()), "{:#}", result.body);

    let mut late = job("j2", "r", &[], json!({}));
    late["deadline"] = json!("2020-01-01T00:00:00Z");
    engine.publish(&late).await;
    let result = engine.result().await;
    assert_eq!((result.code(), result.body["call"]["attempts"].as_u64()), ("DEADLINE_PASSED", Some(0)));
    assert_eq!(third_party.seen().len(), 1);
}
