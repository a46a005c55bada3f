//! Jobs that wait for a host or for a place there: what the ledger tells of them, how long they wait, and how they end.

use std::time::{Duration, Instant};

use harness::eventually;
use harness::test_app::{TestApp, job, with_retries};
use harness::third_party::{Reply, ThirdParty};
use serde_json::{Value, json};

async fn waiting(app: &TestApp) -> Vec<Value> {
    let list = ["jobs", "list", "--state", "waiting", "--limit", "1000", "--format", "json"];
    serde_json::from_str(&app.cli(&list).await).expect("a list")
}

fn waits_for(row: &Value) -> &str {
    row["waits_for"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn jobs_of_a_host_that_is_down_for_good_are_in_the_ledger_and_fail_with_its_code() {
    let third_party = ThirdParty::start(|_, _| Reply::status(503, &json!({}))).await;
    for database in ["sqlite", "postgres"] {
        let app = if database == "postgres" { TestApp::new().with_postgres().await } else { TestApp::new() };
        app.import_resources(json!({"r": {"url": third_party.url("/"), "timeout": 1}})).await;
        let config = app.file("c.toml", "[limits]\nhost_wait = 6\n").display().to_string();
        let _worker = app.worker(&["--config", &config, "--concurrency", "8"]).await;
        let mut engine = app.engine().await;
        let before = third_party.seen().len();
        let begun = Instant::now();
        for n in 0..60 {
            let mut job = with_retries(job(&format!("j{n}"), "r", &[], json!({})), n % 2, 1);
            job["config"]["errorMapping"] = json!([{"when": "5xx", "code": "DOWN"}]);
            engine.publish(&job).await;
        }
        let rows = eventually("jobs that wait for the host", || async {
            let rows = waiting(&app).await;
            let waits = rows.iter().filter(|row| waits_for(row).starts_with("host: `r` at 127.0.0.1:")).count();
            (waits >= 20).then_some(rows)
        })
        .await;
        let row = rows.iter().find(|row| waits_for(row).ends_with("does not answer (HTTP_503)")).expect("the reason");
        assert!(row["due_at"].as_i64() > row["updated_at"].as_i64(), "{row:#}");
        let taken_back = row["id"].as_str().expect("an id").to_owned();
        assert_eq!(waits_for(&app.job(&taken_back).await), waits_for(row));
        engine.cancel(&taken_back).await;
        let mut uncalled = 0;
        for _ in 0..59 {
            let result = engine.result().await;
            assert_ne!(result.message_id, taken_back);
            let (error, call) = (&result.body["error"], &result.body["call"]);
            assert_eq!((result.code(), &result.body["bpmnError"]["code"]), ("HTTP_503", &json!("DOWN")), "{error:#}");
            assert_eq!(
                error["attempts"].as_array().map(Vec::len),
                call["attempts"].as_u64().and_then(|n| usize::try_from(n).ok())
            );
            if error["message"].as_str().is_some_and(|message| message.contains("limits.host_wait (6s)")) {
                uncalled += 1;
            }
        }
        assert!((6..16).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
        assert!(uncalled >= 20, "{uncalled}");
        assert!(third_party.seen().len() - before <= 40, "{}", third_party.seen().len() - before);
        assert_eq!(app.job_in_state(&taken_back, "cancelled").await["waits_for"], Value::Null);
    }
}

#[tokio::test]
async fn a_job_that_waits_for_a_place_is_in_the_ledger_and_goes_on_when_one_comes_free() {
    let slow = ThirdParty::start(|_, _| Reply::json(&json!({})).after(Duration::from_millis(2_500))).await;
    let app = TestApp::new();
    app.import_resources(json!({"r": {"url": slow.url("/")}})).await;
    let _worker = app.worker_with(&[], &[("DATA_CONNECTOR__WORKER__PER_HOST", "1")]).await;
    let mut engine = app.engine().await;
    let begun = Instant::now();
    for id in ["one", "two"] {
        engine.publish(&job(id, "r", &[], json!({}))).await;
    }
    let rows = eventually("a job that waits", || async {
        let rows = waiting(&app).await;
        (!rows.is_empty()).then_some(rows)
    })
    .await;
    assert!(waits_for(&rows[0]).starts_with("place: 127.0.0.1:"), "{rows:#?}");
    for _ in 0..2 {
        assert_eq!(engine.result().await.status(), "completed");
    }
    assert!(begun.elapsed() < Duration::from_millis(5_700), "no wait for nothing: {:?}", begun.elapsed());
}

#[tokio::test]
async fn a_burst_that_finds_no_place_waits_for_one_here() {
    let host = ThirdParty::start(|_, _| Reply::json(&json!({})).after(Duration::from_millis(300))).await;
    let app = TestApp::new();
    app.import_resources(json!({"r": {"url": host.url("/")}})).await;
    let _worker = app.worker(&["--concurrency", "32"]).await;
    let mut engine = app.engine().await;
    for how in ["cold", "warm"] {
        for n in 0..75 {
            engine.publish(&job(&format!("{how}{n}"), "r", &[], json!({}))).await;
        }
        let begun = Instant::now();
        for _ in 0..75 {
            engine.result().await;
        }
        // Three rounds of 25 calls, 0.9 s; whoever waits in the delay ladder takes 2 s more.
        assert!(begun.elapsed() < Duration::from_millis(2_400), "{how}: {:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn where_one_resource_hangs_the_others_go_on() {
    let host = ThirdParty::start(|seen, _| if seen.path == "/dead" { Reply::Silence } else { Reply::json(&json!({})) });
    let host = host.await;
    let app = TestApp::new();
    app.import_resources(json!({"dead": {"url": host.url("/dead"), "timeout": 3}, "good": {"url": host.url("/good")}}))
        .await;
    let _worker = app.worker(&["--concurrency", "20"]).await;
    let mut engine = app.engine().await;
    for n in 0..60 {
        engine.publish(&job(&format!("dead{n}"), "dead", &[], json!({}))).await;
    }
    eventually("calls that hang", || async { (host.seen().len() >= 15).then_some(()) }).await;
    // The calls that hang have ended, and the resource's circuit is open.
    tokio::time::sleep(Duration::from_secs(6)).await;
    let mut done = 0;
    let begun = Instant::now();
    for n in 0..20 {
        engine.publish(&job(&format!("good{n}"), "good", &[], json!({}))).await;
    }
    while done < 20 {
        done += u32::from(engine.result().await.message_id.starts_with("good"));
    }
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}
