//! Collections of records over HTTP (COLLECTIONS 2, 3, 6): that the doors lead where the rules are.

use harness::api::sent;
use harness::test_app::TestApp;
use serde_json::{Value, json};

#[tokio::test]
async fn records_are_made_changed_listed_imported_and_exported_over_http() {
    for database in ["sqlite", "postgres"] {
        let mut app = TestApp::new();
        if database == "postgres" {
            app = app.with_postgres().await;
        }
        let (_process, api) = app.serve(&["serve"]).await;
        let columns =
            json!([{"field": "data.code", "type": "string", "unique": true}, {"field": "data.n", "type": "number"}]);
        let made = api.post("/collections", &json!({"name": "Countries", "columns": columns})).await;
        assert_eq!((made.status, made.header("location")), (201, "/api/1.0/collections/1"), "{}", made.body);
        let connectors = api.get("/data_sources?filter=countries").await.json();
        assert_eq!(connectors["meta"]["total"], 1, "its connector is listed: {connectors}");
        let first = api.post("/collections/Countries/records", &json!({"data": {"code": "AT", "n": "1"}})).await;
        assert_eq!((first.status, first.header("etag")), (201, "\"1\""), "{}", first.body);
        assert_eq!(
            (&first.json()["data"], &first.json()["created_by"]),
            (&json!({"code": "AT", "n": 1}), &json!({"id": "token:1", "name": "admin"}))
        );
        let taken = api.post("/collections/1/records", &json!({"data": {"code": "AT"}})).await;
        assert!(taken.status == 422 && taken.json()["errors"]["data.code"][0].is_string(), "{}", taken.body);
        assert!(taken.json()["request_id"].is_string());
        let patched = api.send("PATCH", "/collections/1/records/1", &json!({"data": {"name": "Austria"}})).await;
        assert_eq!((patched.status, &patched.json()["data"]["code"]), (200, &json!("AT")), "{}", patched.body);
        let stale =
            sent(api.request("PUT", "/collections/1/records/1").header("if-match", "\"1\"").body("{\"data\":{}}"))
                .await;
        assert_eq!((stale.status, stale.json()["code"].clone()), (412, json!("PRECONDITION_FAILED")));
        let current = api.get("/collections/1/records/1").await.header("etag").to_owned();
        for (tags, status) in
            [(vec!["\"7\"", "W/\"1\""], 412), (vec!["\"7\"", current.as_str()], 204), (vec!["\u{e4}"], 412)]
        {
            let request = api.request("PUT", "/collections/1/records/1").body("{\"data\":{\"code\":\"AT\",\"n\":1}}");
            let request = tags.iter().fold(request, |request, tag| request.header("if-match", *tag));
            assert_eq!(sent(request).await.status, status, "{tags:?}");
        }
        let list = api.get("/collections").await;
        let known = sent(api.request("GET", "/collections").header("if-none-match", list.header("etag"))).await;
        assert_eq!((list.status, known.status), (200, 304));
        let twice = async || {
            let request = api.request("POST", "/collections/1/records").header("idempotency-key", "k");
            sent(request.body(json!({"data": {"code": "DE", "n": 2}}).to_string())).await
        };
        let (once, again) = (twice().await, twice().await);
        assert_eq!(
            (once.json()["id"].clone(), again.header("idempotent-replayed")),
            (again.json()["id"].clone(), "true")
        );
        let found = api.get("/collections/1/records?pmql=data.n%20%3E%3D%202&per_page=5").await.json();
        assert_eq!((&found["data"][0]["data"]["code"], &found["meta"]["total"]), (&json!("DE"), &json!(1)), "{found}");
        let odd = api.get("/collections/1/records?pmql=country%20%3D%201").await;
        assert_eq!((odd.status, &odd.json()["pmql"]["at"]), (422, &json!(1)), "{}", odd.body);
        let import = |query: &str, body: &'static str| {
            sent(
                api.request("POST", &format!("/collections/1/records/import{query}"))
                    .header("content-type", "text/csv")
                    .body(body),
            )
        };
        let failed = import("", "code,n\nFR,3\nIT,x\n").await;
        assert_eq!((failed.status, &failed.json()["errors"][0]["line"]), (422, &json!(3)), "{}", failed.body);
        let report = import("?mode=each", "code,n\nFR,3\nIT,x\n").await.json();
        assert_eq!((&report["created"], &report["failed"]), (&json!(1), &json!(1)), "{report}");
        let csv = api.get("/collections/1/records/export?format=csv&columns=code,n").await;
        assert_eq!(csv.body, "code,n\r\nAT,1\r\nDE,2\r\nFR,3\r\n");
        assert!(csv.header("content-disposition").starts_with("attachment"));
        let told = api.request("POST", "/collections/1/records/import").header("accept", "application/x-ndjson");
        let told = sent(told.header("content-type", "text/csv").body("code,code\nx,y\n")).await;
        let last: Value = serde_json::from_str(told.body.lines().last().expect("a line")).expect("JSON");
        assert_eq!(
            (told.status, &last["status"], &last["result"]["code"]),
            (200, &json!(422), &json!("INVALID")),
            "{last}"
        );
        assert!(last["result"]["errors"]["header"][0].is_string(), "{last}");
        let limited = api.with_scopes(&["manage"], &["Countries"]).await;
        assert_eq!(limited.get("/collections").await.status, 403);
        let reader = api.with_scopes(&["read"], &[]).await;
        assert_eq!(reader.post("/collections/1/records", &json!({"data": {}})).await.status, 403);
        assert_eq!(api.delete("/collections/1/records/1").await.status, 204);
        let connector = connectors["data"][0]["id"].clone();
        let refused = api.delete(&format!("/data_sources/{connector}")).await;
        assert!(refused.status == 422 && refused.json()["errors"]["delete"][0].is_string(), "{}", refused.body);
        assert_eq!(api.delete("/collections/Countries").await.status, 204);
        assert_eq!(api.get("/collections/1").await.status, 404);
        let audit = api.get("/audit?per_page=100").await.json();
        let actions: Vec<&Value> = audit["data"].as_array().expect("rows").iter().map(|row| &row["action"]).collect();
        for action in ["collection.created", "collection.imported", "collection.deleted"] {
            assert!(actions.contains(&&json!(action)), "{actions:?}");
        }
    }
}
