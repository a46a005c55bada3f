//! The same done to many jobs (API 10).

use harness::api::Api;
use harness::test_app::{TestApp, job, with_retries};
use harness::third_party::{Reply, ThirdParty};
use serde_json::{Value, json};

async fn product(app: &TestApp, third_party: &ThirdParty) {
    let resources = json!({"r": {"url": third_party.url("/{{n}}")}});
    app.import_connectors(&json!([
        {"id": 5, "name": "API", "authtype": "NONE", "endpoints": resources},
        {"id": 6, "name": "Other", "authtype": "NONE", "endpoints": resources}]))
        .await;
}

/// A run, once it does not go on.
async fn ended(api: &Api, id: &str) -> Value {
    for _ in 0..150 {
        let shown = api.get(&format!("/bulk/{id}")).await;
        assert_eq!(shown.status, 200, "{}", shown.body);
        if shown.json()["state"] != "running" {
            return shown.json();
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    panic!("the run {id} never ends");
}

#[tokio::test]
async fn all_that_failed_are_replayed_and_nothing_else() {
    for app in [TestApp::new(), TestApp::new().with_postgres().await] {
        let third_party =
            ThirdParty::start(|_, n| if n < 5 { Reply::status(404, &json!({})) } else { Reply::json(&json!({})) })
                .await;
        product(&app, &third_party).await;
        let (_process, api) = app.serve(&["up"]).await;
        let mut engine = app.engine().await;
        for n in 0..6 {
            engine.publish(&job(&format!("j{n}"), "r", &[], json!({"n": n}))).await;
            engine.result().await;
        }
        let wanted =
            json!({"action": "replay", "filter": {"status": "failed", "code": "HTTP_404"}, "count_only": true});
        let counted = api.post("/jobs/bulk", &wanted).await;
        assert_eq!((counted.status, counted.json()), (200, json!({"count": 5})));
        let began = api
            .post("/jobs/bulk", &json!({"action": "replay", "filter": {"status": "failed", "code": "HTTP_404"}}))
            .await;
        assert_eq!((began.status, &began.json()["count"]), (202, &json!(5)), "{}", began.body);
        let id = began.json()["id"].as_str().expect("an id").to_owned();
        assert!(began.header("location").ends_with(&format!("/bulk/{id}")));
        let expected =
            json!({"id": id, "action": "replay", "count": 5, "done": 5, "failed": 0, "state": "done", "errors": []});
        assert_eq!(ended(&api, &id).await, expected);
        for n in 0..5 {
            app.job_in_state(&format!("j{n}#1"), "published").await;
        }
        assert_eq!(third_party.seen().len(), 11, "the one that had completed did not run again");

        // Before a time at which there was none.
        let before = json!({"action": "replay", "filter": {}, "to": "2020-01-01T00:00:00Z", "count_only": true});
        assert_eq!(api.post("/jobs/bulk", &before).await.json(), json!({"count": 0}));
    }
}

#[tokio::test]
async fn jobs_that_were_made_over_rest_are_replayed_too() {
    let third_party = ThirdParty::start(|_, n| Reply::status(if n == 0 { 404 } else { 200 }, &json!({}))).await;
    let app = TestApp::new();
    product(&app, &third_party).await;
    let (_process, api) = app.serve(&["up"]).await;
    let wanted = json!({"mode": "queue", "wait": 30, "config": {"endpoint": "r"}, "data": {"n": 1}});
    let failed = api.post("/requests/42/data_sources/API", &wanted).await.json();
    assert_eq!(failed["status"], json!("failed"), "{failed}");
    let id = failed["id"].as_str().expect("an id");
    let began = api.post("/jobs/bulk", &json!({"action": "replay", "ids": [id]})).await;
    assert_eq!(began.status, 202, "{}", began.body);
    let again = app.job_in_state(&format!("{id}#1"), "published").await;
    assert_eq!(again["code"], Value::Null, "{again}");
}

#[tokio::test]
async fn what_cannot_be_done_is_told_by_job() {
    let third_party = ThirdParty::start(|_, _| Reply::status(503, &json!({}))).await;
    let app = TestApp::new();
    product(&app, &third_party).await;
    let (_process, api) = app.serve(&["up"]).await;
    let engine = app.engine().await;
    engine.publish(&with_retries(job("j1", "r", &[], json!({"n": 1})), 3, 600)).await;
    app.job_in_state("j1", "waiting").await;
    let began = api.post("/jobs/bulk", &json!({"action": "cancel", "ids": ["j1", "nobody", "j1"]})).await;
    assert_eq!((began.status, &began.json()["count"]), (202, &json!(2)), "{}", began.body);
    let run = ended(&api, began.json()["id"].as_str().expect("an id")).await;
    assert_eq!((&run["done"], &run["failed"], &run["state"]), (&json!(1), &json!(1), &json!("done")));
    assert_eq!(run["errors"], json!([{"job": "nobody", "message": "the ledger knows no job `nobody`"}]));
    app.job_in_state("j1", "cancelled").await;

    let limited = api.with_scopes(&["manage"], &["6"]).await;
    let theirs = limited.post("/jobs/bulk", &json!({"action": "replay", "ids": ["j1"]})).await;
    let id = theirs.json()["id"].as_str().expect("an id").to_owned();
    let run = ended(&limited, &id).await;
    assert_eq!(run["errors"], json!([{"job": "j1", "message": "the ledger knows no job `j1`"}]));
    let all = json!({"action": "replay", "filter": {}, "count_only": true});
    assert_eq!(limited.post("/jobs/bulk", &all).await.json(), json!({"count": 0}));
    let other = api.with_scopes(&["manage"], &["5"]).await;
    assert_eq!(other.get(&format!("/bulk/{id}")).await.status, 404, "of another limited token");
}

#[tokio::test]
async fn a_run_can_be_stopped() {
    let app = TestApp::new().with_postgres().await;
    let (_process, api) = app.serve(&["serve"]).await;
    let now = "CAST(extract(epoch FROM now()) * 1000 AS BIGINT)";
    let row = |id: &str, seen: &str| {
        format!("INSERT INTO bulk VALUES ('{id}', 'replay', 9, 1, 0, 'running', '[]', 'token:1', {now}, {seen})")
    };
    app.sql(&row("going", now)).await;
    app.sql(&row("dead", "1")).await;
    assert_eq!(api.get("/bulk/going").await.json()["state"], json!("running"));
    let dead = api.get("/bulk/dead").await.json();
    assert_eq!((&dead["state"], &dead["errors"][0]["job"]), (&json!("stopped"), &Value::Null), "its process has died");
    app.sql("INSERT INTO key_rotations (id, count, state, updated_at) VALUES ('rotating', 9, 'running', 1)").await;
    let rotation = api.get("/bulk/rotating").await.json();
    assert_eq!((&rotation["state"], rotation["errors"].as_array().map(Vec::len)), (&json!("stopped"), Some(1)));
    assert_eq!(api.delete("/bulk/going").await.status, 204);
    assert_eq!(api.get("/bulk/going").await.json()["state"], json!("stopped"));
    assert_eq!(api.get("/bulk/nothing").await.status, 404);
}

#[tokio::test]
async fn a_senseless_request_is_refused() {
    let app = TestApp::new();
    let (_process, api) = app.serve(&["serve"]).await;
    for (body, field) in [
        (json!({"action": "drop", "ids": ["a"]}), "action"),
        (json!({"action": "replay"}), "ids"),
        (json!({"action": "replay", "ids": []}), "ids"),
        (json!({"action": "replay", "ids": [1]}), "ids"),
        (json!({"action": "replay", "ids": ["a"], "filter": {}}), "ids"),
        (json!({"action": "replay", "filter": {"sate": "failed"}}), "filter.sate"),
        (json!({"action": "replay", "filter": {"state": "failed"}}), "state"),
        (json!({"action": "replay", "filter": {}, "to": "yesterday"}), "to"),
        (json!({"action": "replay", "filter": {}, "send": "yes"}), "send"),
    ] {
        let answer = api.post("/jobs/bulk", &body).await;
        assert_eq!(answer.status, 422, "{body}: {}", answer.body);
        assert!(answer.json()["errors"][field].is_array(), "{body}: {}", answer.body);
    }
    let reader = api.with_scopes(&["read"], &[]).await;
    for (method, path) in [("POST", "/jobs/bulk"), ("GET", "/bulk/x"), ("DELETE", "/bulk/x")] {
        assert_eq!(reader.send(method, path, &json!({})).await.status, 403, "{method} {path}");
        assert_eq!(api.with(None).send(method, path, &json!({})).await.status, 401, "{method} {path}");
    }
}
