//! The audit log: a chain that shows every edit, gap and cut (API 7).

use harness::test_app::TestApp;
use serde_json::{Value, json};

#[tokio::test]
async fn every_edit_gap_and_cut_of_the_audit_log_shows() {
    let app = TestApp::new().with_postgres().await;
    let (_process, admin) = app.serve(&["serve"]).await;
    for name in ["a", "b", "c"] {
        admin.post("/tokens", &json!({"name": name, "scopes": ["read"]})).await;
    }
    let whole = admin.get("/audit/verify").await.json();
    assert_eq!((&whole["ok"], &whole["entries"], &whole["broken_at"]), (&json!(true), &json!(4), &Value::Null));
    let page = admin.get("/audit?per_page=3").await.json();
    assert_eq!(page["meta"]["next"], "2");
    let rest = admin.get("/audit?per_page=3&after=2").await.json();
    assert_eq!((rest["data"].as_array().map(Vec::len), &rest["meta"]["next"]), (Some(1), &Value::Null));
    assert_eq!(page["data"][0]["hash"], whole["head"]);
    assert_eq!(page["data"][0]["previous"], page["data"][1]["hash"]);
    assert!(app.cli(&["audit", "verify"]).await.contains('4'));
    for (what, restore, broken) in [
        ("UPDATE audit SET target = 'x' WHERE seq = 2", "UPDATE audit SET target = '2' WHERE seq = 2", 2),
        ("UPDATE audit SET seq = 30 WHERE seq = 3", "UPDATE audit SET seq = 3 WHERE seq = 30", 3),
        ("DELETE FROM audit WHERE seq = 4", "", 4),
    ] {
        app.sql(what).await;
        let found = admin.get("/audit/verify").await.json();
        assert_eq!((&found["ok"], &found["broken_at"]), (&json!(false), &json!(broken)), "{what}");
        let (code, message) = app.cli_error(&["audit", "verify"]).await;
        assert!(code == 1 && message.contains(&broken.to_string()), "{what}: {code} {message}");
        if !restore.is_empty() {
            app.sql(restore).await;
        }
    }
}

#[tokio::test]
async fn a_refusal_of_a_caller_is_noted_once_a_minute() {
    let app = TestApp::new();
    let (_process, admin) = app.serve(&["serve"]).await;
    let reader = admin.with_scopes(&["read"], &[]).await;
    for _ in 0..3 {
        assert_eq!(reader.get("/tokens").await.status, 403);
    }
    let rows = admin.get("/audit").await.json();
    let denied: Vec<&Value> =
        rows["data"].as_array().expect("rows").iter().filter(|row| row["action"] == "access.denied").collect();
    assert_eq!(denied.len(), 1, "{rows}");
    assert_eq!((denied[0]["actor"].as_str(), denied[0]["target"].as_str()), (Some("token:2"), Some("/api/1.0/tokens")));
    // Also one that depends on what the body asks for.
    assert_eq!(admin.post("/data_sources", &json!({"name": "A"})).await.status, 201);
    let runner = admin.with_scopes(&["execute"], &[]).await;
    for _ in 0..2 {
        let edited = json!({"connector": "A", "resource": {"url": "http://127.0.0.1:1/"}});
        assert_eq!(runner.post("/try", &edited).await.status, 403);
    }
    let rows = admin.get("/audit").await.json();
    let tried = rows["data"].as_array().expect("rows").iter().filter(|row| row["target"] == "/api/1.0/try");
    assert_eq!(tried.map(|row| &row["action"]).collect::<Vec<_>>(), ["access.denied"], "{rows}");
}

#[tokio::test]
async fn a_job_is_taken_back_with_its_row_in_the_audit_log() {
    for app in [TestApp::new(), TestApp::new().with_postgres().await] {
        app.import_resources(json!({"r": {"url": "http://127.0.0.1:9/"}})).await;
        // Nobody works on it.
        let (_process, api) = app.serve(&["serve"]).await;
        let made = api.post("/requests/data_sources/API", &json!({"mode": "queue", "config": {"endpoint": "r"}})).await;
        let id = made.json()["id"].as_str().expect("an id").to_owned();
        assert_eq!((made.status, &made.json()["state"]), (202, &json!("queued")), "{}", made.body);
        let taken = api.post(&format!("/jobs/{id}/cancel"), &json!({})).await;
        let (state, status) = (taken.json()["state"].clone(), taken.json()["status"].clone());
        assert_eq!((taken.status, state, status), (202, json!("cancelled"), json!("cancelled")), "{}", taken.body);
        assert_eq!(api.post(&format!("/jobs/{id}/cancel"), &json!({})).await.status, 409, "it has ended");
        let rows = api.get("/audit").await.json();
        let cancelled: Vec<&Value> =
            rows["data"].as_array().expect("rows").iter().filter(|row| row["action"] == "job.cancelled").collect();
        assert_eq!(cancelled.len(), 1, "{rows}");
        assert_eq!((&cancelled[0]["target"], &cancelled[0]["actor"]), (&json!(id), &json!("token:1")));
    }
}
