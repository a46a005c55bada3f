//! A job that is sent again with another `reply_to`: one call, and each copy's result goes where that copy asked.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use harness::engine::{Engine, Envelope, received};
use harness::test_app::{QUIET_PERIOD, TestApp, job, with_retries};
use harness::third_party::{Reply, ThirdParty};
use lapin::Consumer;
use serde_json::{Value, json};
use tokio::time::timeout;

/// Sooner than any lease ends.
const SOON: Duration = Duration::from_secs(8);

async fn send(engine: &Engine, job: &Value, queue: &str) {
    let envelope = Envelope {
        reply_to: Some(queue.to_owned()),
        correlation_id: Some(format!("for {queue}")),
        ..Envelope::default()
    };
    engine.publish_with(job, envelope).await;
}

/// The `n` of the next result within the time.
async fn next(replies: &mut Consumer, queue: &str, within: Duration) -> Option<Value> {
    let delivery = timeout(within, replies.next()).await.ok()?.expect("a delivery").expect("a delivery");
    let result = received(&delivery).await;
    assert_eq!(result.correlation_id.as_deref(), Some(format!("for {queue}").as_str()));
    Some(result.body["data"]["n"].clone())
}

#[tokio::test]
async fn a_copy_is_answered_where_it_asked_whatever_state_its_job_is_in() {
    let attempts = AtomicUsize::new(0);
    let third_party = ThirdParty::start(move |seen, n| match seen.path.as_str() {
        "/slow" => Reply::json(&json!({"n": n})).after(Duration::from_secs(3)),
        "/waits" if attempts.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) => Reply::status(503, &json!({})),
        _ => Reply::json(&json!({"n": n})),
    })
    .await;
    for path in ["/slow", "/waits", "/quick"] {
        for database in ["sqlite", "postgres"] {
            let app = if database == "postgres" { TestApp::new().with_postgres().await } else { TestApp::new() };
            app.import_resources(json!({"r": {"url": third_party.url(path)}})).await;
            let _worker = app.worker(&[]).await;
            let engine = app.engine().await;
            let (first, mut at_first) = engine.reply_queue().await;
            let (second, mut at_second) = engine.reply_queue().await;
            let job = with_retries(job("j1", "r", &[("n", "n")], json!({})), 1, 3);
            let before = third_party.seen().len();
            send(&engine, &job, &first).await;
            tokio::time::sleep(Duration::from_secs(1)).await;
            send(&engine, &job, &second).await;
            let answer = next(&mut at_first, &first, SOON).await;
            assert!(answer.is_some(), "{path} on {database}");
            assert_eq!(next(&mut at_second, &second, SOON).await, answer, "{path} on {database}");
            assert!(third_party.seen().len() - before <= 2, "{path} on {database}: called for a copy");
        }
    }
}

#[tokio::test]
async fn a_copy_of_an_answered_job_needs_neither_the_first_queue_nor_its_host() {
    let third_party = ThirdParty::start(|seen, n| {
        let reply = Reply::json(&json!({"n": n}));
        if seen.path == "/slow" { reply.after(QUIET_PERIOD + SOON) } else { reply }
    })
    .await;
    let app = TestApp::new();
    app.import_resources(json!({"r": {"url": third_party.url("/")}, "slow": {"url": third_party.url("/slow")}})).await;
    let _worker = app.worker_with(&[], &[("DATA_CONNECTOR__WORKER__PER_HOST", "1")]).await;
    let mut engine = app.engine().await;
    let published = job("j1", "r", &[("n", "n")], json!({}));
    send(&engine, &published, "a.queue.that.is.gone").await;
    let first = engine.result().await;
    engine.publish(&job("j2", "slow", &[], json!({}))).await;
    harness::eventually("the host is full", || async { (third_party.seen().len() == 2).then_some(()) }).await;
    let (queue, mut replies) = engine.reply_queue().await;
    for _ in 0..2 {
        send(&engine, &published, &queue).await;
        assert_eq!(next(&mut replies, &queue, Duration::from_secs(2)).await, Some(first.body["data"]["n"].clone()));
    }
    assert_eq!(third_party.seen().len(), 2);
}

#[tokio::test]
async fn a_reply_to_that_is_not_allowed_gets_nothing_and_the_engine_is_answered() {
    let third_party = ThirdParty::friendly().await;
    let app = TestApp::new();
    app.import_resources(json!({"r": {"url": third_party.url("/")}})).await;
    let _worker = app.worker_with(&[], &[("DATA_CONNECTOR__AMQP__REPLY_TO", "replies.,amq.")]).await;
    let mut engine = app.engine().await;
    let (allowed, mut replies) = engine.reply_queue().await;
    send(&engine, &job("j1", "r", &[], json!({})), &allowed).await;
    assert!(next(&mut replies, &allowed, SOON).await.is_some());
    send(&engine, &job("j2", "r", &[], json!({})), "theirs").await;
    let refused = engine.result().await;
    assert_eq!((refused.message_id.as_str(), refused.code()), ("j2", "BAD_JOB"));
    assert_eq!(app.dead_letters(1).await[0]["job"], "j2");
    assert_eq!(third_party.seen().len(), 1);
}
