//! Secrets, keys and examples over the API (API 10).

use harness::eventually;
use harness::test_app::TestApp;
use serde_json::{Value, json};

const CANARY: &str = "canary-51c8e2";

#[tokio::test]
async fn secrets_are_set_and_bound_and_no_route_answers_a_value() {
    for app in [TestApp::new(), TestApp::new().with_postgres().await] {
        let (process, api) = app.serve(&["serve"]).await;
        let list = api.get("/secrets").await;
        assert_eq!(list.json(), json!({"data": []}));
        for (name, body, member) in [
            ("a.b", json!({"value": CANARY}), "name"),
            ("API", json!({}), "value"),
            ("API", json!({"hosts": ["a.example"]}), "value"),
            ("API", json!({"value": ""}), "value"),
            ("API", json!({"value": 7}), "value"),
            ("API", json!({"value": CANARY, "hosts": ["https://a.example/path"]}), "hosts"),
            ("API", json!({"value": CANARY, "hosts": "a.example"}), "hosts"),
        ] {
            let refused = api.put(&format!("/secrets/{name}"), &body).await;
            assert!(refused.status == 422 && refused.json()["errors"][member].is_array(), "{body}: {}", refused.body);
            assert!(!refused.body.contains(CANARY));
        }
        assert_eq!(api.put("/secrets/API", &json!({"value": CANARY, "hosts": ["a.example"]})).await.status, 204);
        assert_eq!(api.put("/secrets/API", &json!({"hosts": ["b.example:8443"]})).await.status, 204);
        assert_eq!(api.put("/secrets/API", &json!({})).await.status, 204, "what is absent stays");
        let shown = api.get("/secrets/API").await.json();
        assert_eq!(
            shown,
            json!({"name": "API", "hosts": ["b.example:8443"], "changed_at": shown["changed_at"], "used_by": []})
        );
        let record = json!({
            "name": "Uses it", "authtype": "OAUTH2_BEARER", "credentials": {"token": "{{secret:API}}"},
            "endpoints": {"r": {"url": "https://b.example:8443/"}},
        });
        let made = api.post("/data_sources", &record).await.json();
        assert_eq!(api.get("/secrets/API").await.json()["used_by"], json!([{"id": made["id"], "name": "Uses it"}]));
        let refused = api.delete("/secrets/API").await;
        assert!(refused.status == 422 && refused.json()["errors"]["delete"].is_array(), "{}", refused.body);
        assert_eq!(api.delete("/secrets/API?force=1").await.status, 204);
        assert_eq!((api.get("/secrets/API").await.status, api.delete("/secrets/API").await.status), (404, 404));
        let audit = api.get("/audit?per_page=20").await;
        let rows = audit.json();
        let actions: Vec<&Value> = rows["data"].as_array().expect("rows").iter().map(|row| &row["action"]).collect();
        assert_eq!(actions.iter().filter(|action| **action == "secret.updated").count(), 2);
        assert!(actions.contains(&&json!("secret.created")) && actions.contains(&&json!("secret.deleted")));
        assert!(!audit.body.contains(CANARY) && !process.output().contains(CANARY));
    }
}

#[tokio::test]
async fn keys_are_rotated_while_everything_goes_on() {
    let app = TestApp::new();
    let (_process, api) = app.serve(&["serve"]).await;
    assert_eq!(api.put("/secrets/API", &json!({"value": CANARY})).await.status, 204);
    let before = api.get("/keys").await.json();
    let keys = before["data"].as_array().expect("keys");
    assert_eq!((keys.len(), keys[0]["sealed"].clone()), (1, json!(2)), "the secret, and the check of the key");
    let begun = api.post("/keys/rotate", &json!({})).await;
    let rotation = begun.json();
    assert_eq!(
        (begun.status, &rotation["action"], &rotation["count"]),
        (202, &json!("rotate"), &json!(2)),
        "{}",
        begun.body
    );
    let path = format!("/bulk/{}", rotation["id"].as_str().expect("an id"));
    assert_eq!(begun.header("location"), format!("/api/1.0{path}"));
    eventually("all is encrypted with the new key", || async {
        let keys = api.get("/keys").await.json();
        let rows = keys["data"].as_array().cloned().unwrap_or_default();
        (rows.len() == 2 && rows[0]["sealed"] == 2 && rows[1]["sealed"] == 0).then_some(())
    })
    .await;
    let audit = api.get("/audit?per_page=20").await;
    assert!(audit.body.contains("key.rotated"), "{}", audit.body);
    let ended = eventually("the rotation has ended", || async {
        let shown = api.get(&path).await;
        (shown.status == 200 && shown.json()["state"] == "done").then(|| shown.json())
    })
    .await;
    let expected = json!({"id": rotation["id"], "action": "rotate", "count": 2, "done": 2, "failed": 0, "state": "done", "errors": []});
    assert_eq!(ended, expected);
    assert_eq!(api.delete(&path).await.status, 204);
    assert_eq!(api.get(&path).await.json()["state"], json!("done"), "it had ended before");
    let manager = api.with_scopes(&["manage"], &[]).await;
    assert_eq!((manager.get(&path).await.status, manager.delete(&path).await.status), (404, 404));
    assert_eq!(api.get("/secrets/API").await.status, 200);
}

#[tokio::test]
async fn examples_are_whole() {
    let app = TestApp::new();
    let (_process, api) = app.serve(&["serve"]).await;
    let reader = api.with_scopes(&["execute"], &[]).await;
    let all = reader.get("/examples").await.json();
    let order = all["data"].as_array().expect("examples").iter().find(|one| one["name"] == "order").expect("order");
    assert!(order["model"].as_str().is_some_and(|model| model.contains("<bpmn:process id=\"order\"")));
    assert_eq!(order["connectors"][1]["credentials"], json!({"token": "demo-token"}));
    assert_eq!((order["title"].as_str(), order["data"]["item"].as_str()), (Some("Order"), Some("lamp")));
    let imported = api.post("/data_sources/import?existing=refuse", &order["connectors"]).await;
    assert_eq!(imported.status, 200, "{}", imported.body);
}
