//! Replayed jobs, replayed parked jobs, and jobs that the broker dead-lettered because of another job.

use harness::eventually;
use harness::test_app::{QUIET_PERIOD, TestApp, job, with_retries};
use harness::third_party::{Reply, ThirdParty};
use serde_json::{Value, json};

#[tokio::test]
async fn a_job_that_ended_is_replayed_as_a_row_of_its_own() {
    let third_party =
        ThirdParty::start(|_, n| if n == 0 { Reply::Break } else { Reply::json(&json!({"ok": n})) }).await;
    for app in [TestApp::new(), TestApp::new().with_postgres().await] {
        let begun = third_party.seen().len();
        app.import_resources(json!({"r": {"url": third_party.url("/{{n}}"), "method": "POST"}})).await;
        let _worker = app.worker(&[]).await;
        let mut engine = app.engine().await;
        let mut late = job("j1", "r", &[("ok", "ok")], json!({"n": 7}));
        late["deadline"] = json!("2999-01-01T00:00:00Z");
        engine.publish(&late).await;
        let first = engine.result().await;
        assert_eq!(first.code(), if begun == 0 { "OUTCOME_UNKNOWN" } else { "" });

        assert_eq!(app.cli(&["jobs", "replay", "j1"]).await.trim(), "j1#1");
        let row = app.job_in_state("j1#1", "published").await;
        assert_eq!(
            (row["code"].as_str(), row["request"].as_str(), row["connector"].as_str()),
            (None, Some("r1"), Some("API"))
        );
        assert_eq!((row["result"]["replay"].as_i64(), row["result"]["status"].as_str()), (Some(1), Some("completed")));
        assert!(engine.result_within(QUIET_PERIOD).await.is_none(), "without --send no result is published");

        assert_eq!(app.cli(&["jobs", "replay", "j1#1", "--new-execution"]).await.trim(), "j1#2");
        app.job_in_state("j1#2", "published").await;
        let seen = third_party.seen().split_off(begun);
        assert_eq!(seen.iter().map(|s| s.path.as_str()).collect::<Vec<_>>(), ["/7", "/7", "/7"]);
        let keys: Vec<&str> = seen.iter().map(|s| s.header("idempotency-key")).collect();
        assert!(keys[0] == keys[1] && keys[1] != keys[2], "{keys:?}");

        let (code, problem) = app.cli_error(&["jobs", "replay", "j1", "--send"]).await;
        assert!(code == 1 && problem.contains("engines.default.accepts_replay = true"), "{problem}");
        let config = app.file("c.toml", "[engines.default]\naccepts_replay = true\n").display().to_string();
        assert_eq!(app.cli(&["jobs", "replay", "j1", "--send", "--config", &config]).await.trim(), "j1#3");
        let sent = engine.result().await;
        assert_eq!((sent.message_id.as_str(), &sent.body["replay"]), ("j1#3", &json!(3)));
        let (_, problem) = app.cli_error(&["jobs", "replay", "nobody"]).await;
        assert_eq!(problem.trim(), "error: job `nobody` cannot be run again: the ledger knows no such job");
    }
}

#[tokio::test]
async fn a_parked_job_is_replayed_from_its_dead_letter() {
    let third_party = ThirdParty::start(|_, n| if n < 3 { Reply::Silence } else { Reply::json(&json!({})) }).await;
    let app = TestApp::new();
    app.import_resources(json!({"r": {"url": third_party.url("/")}})).await;
    let config = app.file("c.toml", "[worker]\nlease = 5\n").display().to_string();
    let mut engine = None;
    for crash in 1..=3 {
        let worker = app.worker(&["--config", &config]).await;
        if engine.is_none() {
            engine = Some(app.engine().await);
            engine.as_ref().expect("an engine").publish(&with_retries(job("j1", "r", &[], json!({})), 5, 1)).await;
        }
        eventually("a call", || async { (third_party.seen().len() >= crash).then_some(()) }).await;
        worker.kill().await;
    }
    let _worker = app.worker(&["--config", &config]).await;
    let letter = app.dead_letters(1).await.remove(0);
    assert_eq!(app.job("j1").await["state"], "parked");
    let (_, problem) = app.cli_error(&["jobs", "replay", "j1"]).await;
    assert!(problem.contains("it is parked; `dead list` has its message"), "{problem}");
    app.cli(&["dead", "replay", &letter["id"].to_string()]).await;
    let result = engine.expect("an engine").result().await;
    assert_eq!((result.message_id.as_str(), result.status()), ("j1", "completed"));
}

#[tokio::test]
async fn a_job_at_its_delivery_limit_is_requeued_once_and_once_only() {
    let third_party = ThirdParty::friendly().await;
    let app = TestApp::new();
    app.import_resources(json!({"r": {"url": third_party.url("/")}})).await;
    app.cli(&["migrate"]).await;
    let mut engine = app.engine().await;
    engine.publish(&job("j1", "r", &[], json!({}))).await;
    engine.requeue("jobs.default", 1_001).await;
    assert_eq!(engine.depth("jobs.default").await, Some(0), "the broker dead-lettered it");
    let worker = app.worker(&[]).await;
    let result = engine.result().await;
    assert_eq!((result.message_id.as_str(), result.status()), ("j1", "completed"));
    assert!(worker.output().contains("it goes back into its queue once"), "{}", worker.output());
    assert_eq!(worker.terminate().await, Some(0));

    let mut requeued: Value = job("j2", "r", &[], json!({}));
    requeued["data"] = json!({"n": 2});
    let headers = [("requeued".to_owned(), "1".to_owned())].into();
    let envelope = harness::engine::Envelope { message_id: Some("j2".to_owned()), headers, ..Default::default() };
    engine.publish_with(&requeued, envelope).await;
    engine.requeue("jobs.default", 1_001).await;
    let _worker = app.worker(&[]).await;
    let letter = app.dead_letters(1).await.remove(0);
    assert_eq!((letter["job"].as_str(), letter["reason"].as_str()), (Some("j2"), Some("delivery_limit")));
}
