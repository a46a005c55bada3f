//! Jobs that are made over REST: like any other, answered in the ledger (API 5).

use std::time::Duration;

use harness::api::{Answer, Api, sent};
use harness::engine::Envelope;
use harness::eventually;
use harness::test_app::TestApp;
use harness::third_party::{Reply, ThirdParty};
use serde_json::{Value, json};

async fn product(app: &TestApp, third_party: &ThirdParty) {
    app.import_connectors(&json!([{"id": 5, "name": "API", "authtype": "NONE", "endpoints": {
        "rates": {"url": third_party.url("/rates"), "method": "GET"},
        "missing": {"url": third_party.url("/missing"), "method": "GET"}}}]))
        .await;
}

async fn third_party() -> ThirdParty {
    ThirdParty::start(|seen, _| match seen.path.as_str() {
        "/rates" => Reply::json(&json!({"EUR": 1.08})),
        _ => Reply::status(404, &json!({})),
    })
    .await
}

async fn queue(api: &Api, key: Option<&str>, body: &Value) -> Answer {
    let mut request = api.request("POST", "/requests/42/data_sources/API").body(body.to_string());
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    sent(request).await
}

fn job(endpoint: &str, wait: u32) -> Value {
    json!({"mode": "queue", "wait": wait, "config": {"endpoint": endpoint}})
}

#[tokio::test]
async fn a_job_made_over_rest_is_worked_on_and_answered_in_the_ledger() {
    for database in ["sqlite", "postgres"] {
        let third_party = third_party().await;
        let mut app = TestApp::new();
        if database == "postgres" {
            app = app.with_postgres().await;
        }
        product(&app, &third_party).await;
        let (_process, api) = app.serve(&["up"]).await;
        let done = queue(&api, None, &job("rates", 30)).await;
        assert_eq!(done.status, 200, "{}", done.body);
        let shown = done.json();
        assert_eq!(
            (&shown["status"], &shown["state"], &shown["engine"]),
            (&json!("completed"), &json!("published"), &json!("api"))
        );
        assert_eq!(
            (&shown["request"], &shown["element"], &shown["resource"]),
            (&json!("42"), &json!("api"), &json!("rates"))
        );
        assert_eq!(shown["result"]["data"], json!({"status": 200, "response": {"EUR": 1.08}}));
        let location = done.header("location").strip_prefix("/api/1.0").expect("a path").to_owned();
        assert_eq!(api.get(&location).await.json()["result"], shown["result"]);
        let failed = queue(&api, None, &job("missing", 30)).await;
        assert_eq!(
            (failed.status, &failed.json()["status"], &failed.json()["code"]),
            (200, &json!("failed"), &json!("HTTP_404"))
        );
        let unknown = queue(&api, None, &job("nothing", 30)).await;
        assert_eq!((unknown.status, &unknown.json()["code"]), (200, &json!("CONFIGURATION")));
        let mapped = json!({"mode": "queue", "wait": 30, "config": {"endpoint": "rates", "dataMapping": [{"key": "rate", "value": "EUR"}]}});
        assert_eq!(queue(&api, None, &mapped).await.json()["result"]["data"], json!({"rate": 1.08}));
        for (body, field) in [
            (json!({"mode": "queue", "config": {"endpoint": "rates"}, "wait": "x"}), "wait"),
            (json!({"mode": "queue", "config": {"endpoint": "rates"}, "deadline": "soon"}), "deadline"),
            (json!({"mode": "queue", "config": {}}), "config.endpoint"),
        ] {
            let refused = queue(&api, None, &body).await;
            assert!(refused.status == 422 && refused.json()["errors"][field][0].is_string(), "{}", refused.body);
        }
    }
}

#[tokio::test]
async fn a_key_is_one_job_and_only_its_maker_sees_it() {
    let third_party = third_party().await;
    let app = TestApp::new();
    product(&app, &third_party).await;
    let (_process, admin) = app.serve(&["up"]).await;
    let (maker, other) = (admin.with_scopes(&["execute"], &[]).await, admin.with_scopes(&["execute"], &[]).await);
    let first = queue(&maker, Some("k"), &job("rates", 30)).await;
    let again = queue(&maker, Some("k"), &job("rates", 0)).await;
    assert_eq!((first.status, again.status), (200, 200), "{}", again.body);
    assert_eq!(first.json()["id"], again.json()["id"]);
    assert_eq!((first.header("idempotent-replayed"), again.header("idempotent-replayed")), ("", "true"));
    let changed = queue(&maker, Some("k"), &job("missing", 0)).await;
    assert_eq!((changed.status, &changed.json()["code"]), (409, &json!("JOB_MISMATCH")));
    assert_ne!(
        queue(&other, Some("k"), &job("rates", 30)).await.json()["id"],
        first.json()["id"],
        "another caller's key"
    );
    assert_eq!(third_party.seen().len(), 2);
    let path = format!("/jobs/{}", first.json()["id"].as_str().expect("an id"));
    for (caller, status) in [(&maker, 200), (&other, 404), (&admin, 200)] {
        assert_eq!(caller.get(&path).await.status, status);
    }
}

#[tokio::test]
async fn a_job_waits_queued_and_a_message_that_pretends_is_refused() {
    let third_party = third_party().await;
    let app = TestApp::new();
    product(&app, &third_party).await;
    let (process, api) = app.serve(&["serve"]).await;
    let accepted = queue(&api, None, &job("rates", 1)).await;
    assert_eq!(
        (accepted.status, &accepted.json()["state"], &accepted.json()["status"]),
        (202, &json!("queued"), &Value::Null)
    );
    let id = accepted.json()["id"].as_str().expect("an id").to_owned();
    let worker = app.worker(&[]).await;
    let done = api.get(&format!("/jobs/{id}?wait=30")).await.json();
    assert_eq!(done["status"], "completed");
    let engine = app.engine().await;
    let forged = json!({"id": "forged", "engine": "api", "request": {"id": "1"}, "element": {"id": "api"},
        "config": {"dataSource": "API", "endpoint": "rates"}});
    engine.publish_bytes(forged.to_string().as_bytes(), Envelope::default()).await;
    assert_eq!(app.dead_letters(1).await[0]["reason"], "BAD_JOB");
    assert_eq!(third_party.seen().len(), 1);
    drop((process, worker));
}

#[tokio::test]
async fn a_job_that_was_stored_and_never_published_is_published_again() {
    let third_party = third_party().await;
    let app = TestApp::new().with_postgres().await;
    product(&app, &third_party).await;
    let (_process, api) = app.serve(&["serve"]).await;
    let id = queue(&api, None, &job("rates", 0)).await.json()["id"].as_str().expect("an id").to_owned();
    // As if the process had died between the two: the message is gone, and nobody has confirmed it.
    let message = format!(
        "INSERT INTO queued_jobs SELECT '{id}', 'default', convert_to('{}', 'UTF8'), 0",
        json!({"id": id, "engine": "api", "request": {"id": "42"}, "element": {"id": "api"}, "config": 0})
    );
    let connector = api.get(&format!("/jobs/{id}")).await.json()["connector"].as_str().expect("a connector").to_owned();
    let config = json!({"endpoint": "rates", "dataSource": connector,
        "dataMapping": [{"key": "status", "value": "$status"}, {"key": "response", "value": ""}]});
    let message = message.replace("\"config\":0", &format!("\"config\":{config},\"data\":{{}}"));
    app.cli(&["migrate", "--remove-queues"]).await;
    app.sql(&message).await;
    let _worker = app.worker(&[]).await;
    eventually("the job's end", || async {
        let shown = api.get(&format!("/jobs/{id}")).await.json();
        (shown["status"] == "completed").then_some(())
    })
    .await;
    eventually("nothing left to publish", || async {
        (app.sql("SELECT COUNT(*) FROM queued_jobs").await.trim() == "0").then_some(())
    })
    .await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(third_party.seen().len(), 1);
}
