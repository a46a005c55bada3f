//! Cancelled jobs (CONTRACT 4).

use harness::test_app::{QUIET_PERIOD, TestApp, job, with_retries};
use harness::third_party::{Reply, ThirdParty};
use serde_json::json;

#[tokio::test]
async fn a_cancel_applies_before_its_job_arrives_and_between_attempts() {
    let third_party = ThirdParty::start(|_, _| Reply::status(503, &json!({}))).await;
    let app = TestApp::new();
    app.import_resources(json!({"r": {"url": third_party.url("/")}})).await;
    let worker = app.worker(&[]).await;
    let mut engine = app.engine().await;

    engine.publish(&with_retries(job("waits", "r", &[], json!({})), 5, 3)).await;
    app.job_in_state("waits", "waiting").await;
    engine.cancel("waits").await;
    app.job_in_state("waits", "cancelled").await;
    let calls = third_party.seen().len();

    assert_eq!(worker.terminate().await, Some(0));
    engine.cancel("early").await;
    let _worker = app.worker(&[]).await;
    // Jobs and cancels have queues of their own: which of two that wait is taken first is nobody's promise.
    app.job_in_state("early", "cancelled").await;
    engine.publish(&job("early", "r", &[], json!({}))).await;
    assert!(engine.result_within(QUIET_PERIOD).await.is_none());
    assert_eq!(third_party.seen().len(), calls, "neither was called again");
}

#[tokio::test]
async fn the_first_of_response_and_cancel_decides() {
    let third_party = ThirdParty::start(|_, _| Reply::json(&json!({})).after(QUIET_PERIOD)).await;
    let app = TestApp::new();
    app.import_resources(json!({"r": {"url": third_party.url("/")}})).await;
    let _worker = app.worker(&[]).await;
    let mut engine = app.engine().await;
    engine.publish(&job("flying", "r", &[], json!({}))).await;
    app.job_in_state("flying", "sending").await;
    engine.cancel("flying").await;
    let row = app.job_in_state("flying", "cancelled").await;
    assert_eq!(row["code"], json!(null));
    engine.publish(&job("later", "r", &[], json!({}))).await;
    assert_eq!(engine.result().await.message_id, "later", "no result of the cancelled job");
    engine.cancel("later").await;
    engine.cancel("{broken").await;
    assert!(engine.result_within(QUIET_PERIOD).await.is_none());
    app.job_in_state("later", "published").await;
    // The ledger still has the result of its call.
    assert!(app.job("flying").await["result"].is_object());
}
