//! Connectors and their categories over the API (API 4, 10), on either database.

use harness::api::{Api, sent};
use harness::test_app::TestApp;
use serde_json::{Value, json};

const CANARY: &str = "canary-7f3a91";
const NAME_TAKEN: &str = "The Name has already been taken.";

/// The product on each database.
async fn apps() -> [TestApp; 2] {
    [TestApp::new(), TestApp::new().with_postgres().await]
}

fn rates() -> Value {
    json!({
        "name": "Rates", "description": "Exchange rates", "authtype": "BASIC",
        "credentials": {"username": "user-of-rates", "password": CANARY, "hosts": ["rates.example"]},
        "endpoints": {"latest": {"url": "https://rates.example/latest", "method": "GET", "description": "Today's"}},
    })
}

async fn made(api: &Api, record: &Value) -> Value {
    let answer = api.post("/data_sources", record).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer.json()
}

fn names(list: &Value) -> Vec<&str> {
    list["data"].as_array().expect("data").iter().map(|one| one["name"].as_str().expect("a name")).collect()
}

#[tokio::test]
async fn a_record_is_made_read_changed_and_removed() {
    for app in apps().await {
        let (process, api) = app.serve(&["serve"]).await;
        let answer = api.post("/data_sources", &rates()).await;
        let record = answer.json();
        let id = record["id"].as_i64().expect("an id");
        assert_eq!((answer.status, answer.header("location")), (201, format!("/api/1.0/data_sources/{id}").as_str()));
        let expected = json!({
            "id": id, "uuid": record["uuid"], "name": "Rates", "description": "Exchange rates", "type": "REST",
            "authtype": "BASIC", "credentials": "********", "credentials_set": ["hosts", "password", "username"],
            "endpoints": rates()["endpoints"], "mappings": null, "status": "ACTIVE", "data_source_category_id": null,
            "debug_mode": false, "is_template": false, "asset_type": null, "validationStatus": [], "operations": [],
            "files": [], "localCertificateFile": null, "wsdlFile": null, "xsdFiles": [], "warnings": [],
            "created_at": record["created_at"], "updated_at": record["updated_at"],
        });
        assert_eq!(record, expected);
        let path = format!("/data_sources/{id}");
        let read = api.get(&path).await;
        assert_eq!((read.json(), read.header("etag")), (expected.clone(), answer.header("etag")));
        let known = sent(api.request("GET", &path).header("if-none-match", read.header("etag"))).await;
        assert_eq!((known.status, known.body.as_str()), (304, ""));
        // What was read can be written: nothing but the time and the tag changes.
        let same = api.put(&path, &expected).await;
        assert_eq!((same.status, same.body.as_str()), (204, ""));
        let mut again = api.get(&path).await;
        assert_eq!((again.header("etag"), again.header("etag") != read.header("etag")), (same.header("etag"), true));
        let mut now = again.json();
        now["updated_at"] = expected["updated_at"].clone();
        assert_eq!(now, expected);
        // Absent members stay, given ones are replaced whole, others are kept as they are.
        let change =
            json!({"endpoints": {"other": {"url": "http://127.0.0.1:1/x"}}, "retry": {"attempts": 2}, "id": 99});
        assert_eq!(api.put(&path, &change).await.status, 204);
        again = api.get(&path).await;
        assert_eq!(
            (again.json()["endpoints"].clone(), again.json()["retry"].clone(), again.json()["id"].clone()),
            (change["endpoints"].clone(), change["retry"].clone(), json!(id))
        );
        let stale = sent(api.request("PUT", &path).header("if-match", read.header("etag")).body("{}")).await;
        assert_eq!((stale.status, stale.json()["code"].clone()), (412, json!("PRECONDITION_FAILED")));
        let stale = sent(api.request("DELETE", &path).header("if-match", read.header("etag"))).await;
        assert_eq!(stale.status, 412);
        let gone = sent(api.request("DELETE", &path).header("if-match", again.header("etag"))).await;
        assert_eq!((gone.status, gone.body.as_str(), api.get(&path).await.status), (204, "", 404));
        let audit = api.get("/audit?per_page=50").await;
        let actions: Vec<Value> = audit.json()["data"]
            .as_array()
            .expect("rows")
            .iter()
            .filter(|row| row["target"] == record["uuid"])
            .map(|row| row["action"].clone())
            .collect();
        assert_eq!(actions, ["connector.deleted", "connector.updated", "connector.updated", "connector.created"]);
        assert!(!audit.body.contains(CANARY) && !process.output().contains(CANARY));
    }
}

#[tokio::test]
async fn credentials_are_kept_replaced_and_removed_and_never_answered() {
    let app = TestApp::new();
    let (_process, api) = app.serve(&["serve"]).await;
    let record = made(&api, &rates()).await;
    let path = format!("/data_sources/{}", record["id"]);
    for (credentials, status, set) in [
        (json!("********"), 204, json!(["hosts", "password", "username"])),
        (json!(null), 204, json!(["hosts", "password", "username"])),
        (json!({"username": "********", "password": "********"}), 204, json!(["password", "username"])),
        (json!({"username": "new", "password": "********"}), 204, json!(["password", "username"])),
        (json!({"username": "new", "password": "********", "token": "********"}), 422, json!(["credentials.token"])),
        (json!({"username": ""}), 422, json!(["credentials.username"])),
        (json!({"username": "new", "password": CANARY, "tokn": CANARY}), 422, json!(["credentials.tokn"])),
        (json!({}), 422, json!(["credentials.username"])),
        (json!(7), 422, json!(["credentials"])),
    ] {
        let answer = api.put(&path, &json!({"credentials": credentials})).await;
        assert_eq!(answer.status, status, "{credentials}: {}", answer.body);
        if status == 204 {
            assert_eq!(api.get(&path).await.json()["credentials_set"], set, "{credentials}");
        } else {
            let paths: Vec<String> = answer.json()["errors"].as_object().expect("errors").keys().cloned().collect();
            assert_eq!(json!(paths), set, "{credentials}");
        }
        assert!(!answer.body.contains(CANARY), "{}", answer.body);
    }
    assert_eq!(api.put(&path, &json!({"authtype": "NONE", "credentials": {}})).await.status, 204);
    let bare = api.get(&path).await.json();
    assert_eq!((&bare["credentials"], &bare["credentials_set"]), (&Value::Null, &json!([])));
    assert_eq!(api.put(&path, &json!({"authtype": "BASIC"})).await.status, 422, "the ones that it has must fit");
    made(&api, &json!({"name": "Token", "authtype": "OAUTH2_CLIENT_CREDENTIALS", "credentials": {
        "url": "https://a.example/token", "client_id": "the-client", "client_secret": CANARY, "scope": "all", "hosts": ["a.example"],
    }}))
    .await;
    for path in [
        "/data_sources?include=settings,used_by,updated_by,last_call_at,categories,categoryCount&per_page=100",
        "/data_sources/Token?include=settings&fields=credentials,credentials_set,settings",
        "/data_sources/export",
        "/data_sources/export?as=camunda7",
        "/audit?per_page=100",
    ] {
        let answer = api.get(path).await;
        assert!(answer.status == 200 && !answer.body.contains(CANARY) && !answer.body.contains("the-client"), "{path}");
    }
    let settings = api.get("/data_sources/Token?include=settings&fields=name").await.json();
    assert_eq!(
        settings["settings"],
        json!({"url": "https://a.example/token", "scope": "all", "hosts": ["a.example"]}),
        "{settings}"
    );
}

#[tokio::test]
async fn what_cannot_be_used_is_told_by_its_path_and_changes_nothing() {
    let app = TestApp::new();
    let (_process, api) = app.serve(&["serve"]).await;
    made(&api, &json!({"name": "Taken"})).await;
    let other = made(&api, &json!({"name": "Other"})).await;
    for (body, path) in [
        (json!({}), "name"),
        (json!({"name": "Taken"}), "name"),
        (json!({"name": "a\u{7}"}), "name"),
        (json!({"name": "x".repeat(256)}), "name"),
        (json!({"name": "A", "endpoints": {"list": {"url": ""}}}), "endpoints.list.url"),
        (json!({"name": "A", "endpoints": {"list": {"url": "/x", "method": "SOAP"}}}), "endpoints.list.method"),
        (json!({"name": "A", "type": "SOAP"}), "type"),
        (json!({"name": "A", "authtype": "MAGIC"}), "authtype"),
        (json!({"name": "A", "status": "ASLEEP"}), "status"),
        (json!({"name": "A", "data_source_category_id": "7"}), "data_source_category_id"),
        (json!({"name": "A", "authtype": "BASIC"}), "credentials.username"),
    ] {
        let answer = api.post("/data_sources", &body).await;
        assert_eq!(answer.status, 422, "{body}: {}", answer.body);
        assert!(answer.json()["errors"][path][0].is_string(), "{body}: {}", answer.body);
    }
    let taken = api.put(&format!("/data_sources/{}", other["id"]), &json!({"name": "Taken"})).await;
    assert_eq!(
        (taken.json()["message"].clone(), taken.json()["errors"].clone()),
        (json!(NAME_TAKEN), json!({"name": [NAME_TAKEN]}))
    );
    for (body, status) in [("[1]", 422), ("7", 422), ("{", 400), ("", 400)] {
        let answer = sent(api.request("POST", "/data_sources").body(body)).await;
        assert_eq!((answer.status, answer.json().get("errors")), (status, None), "{body}");
    }
    assert_eq!(names(&api.get("/data_sources").await.json()), ["Taken", "Other"]);
}

#[tokio::test]
async fn lists_are_found_ordered_and_cut_by_the_database() {
    for app in apps().await {
        let (_process, api) = app.serve(&["serve"]).await;
        let empty = api.get("/data_sources").await.json();
        assert_eq!(
            empty,
            json!({"data": [], "meta": {
                "filter": "", "sort_by": "id", "sort_order": "asc", "count": 0, "total_pages": 1, "current_page": 1,
                "from": null, "last_page": 1, "path": "/api/1.0/data_sources", "per_page": 10, "to": null, "total": 0,
            }})
        );
        for (name, description) in [("Größe", "100% sure"), ("beta", "a_b"), ("Alpha", "axb")] {
            made(&api, &json!({"name": name, "description": description})).await;
        }
        made(&api, &json!({"name": "Hidden", "asset_type": "DATA"})).await;
        made(
            &api,
            &json!({"name": "Asleep", "status": "INACTIVE", "authtype": "HEADERS", "credentials": {"X-Key": CANARY}}),
        )
        .await;
        for (query, expected) in [
            ("", vec!["Größe", "beta", "Alpha", "Asleep"]),
            ("?filter=GRÖ", vec!["Größe"]),
            ("?filter=%25", vec!["Größe"]),
            ("?filter=a_B", vec!["beta"]),
            ("?filter=headers", vec!["Asleep"]),
            ("?filter=nothing", vec![]),
            ("?order_by=name", vec!["Alpha", "Asleep", "Größe", "beta"]),
            ("?order_by=name&order_direction=DESC&per_page=2&page=2", vec!["Asleep", "Alpha"]),
            ("?per_page=3&page=2", vec!["Asleep"]),
            ("?page=9", vec![]),
            ("?asset_type=DATA", vec!["Größe", "beta", "Alpha", "Hidden", "Asleep"]),
            ("?status=INACTIVE&token=x", vec!["Asleep"]),
        ] {
            let answer = api.get(&format!("/data_sources{query}")).await;
            assert_eq!(names(&answer.json()), expected, "{query}: {}", answer.body);
        }
        let page = api.get("/data_sources?per_page=3&page=2").await.json();
        let meta = &page["meta"];
        assert_eq!(
            (&meta["count"], &meta["from"], &meta["to"], &meta["total"], &meta["total_pages"]),
            (&json!(1), &json!(4), &json!(4), &json!(4), &json!(2))
        );
        let capped = api.get("/data_sources?per_page=20000").await.json();
        assert_eq!(capped["meta"]["per_page"], 10_000);
        for query in [
            "order_by=endpoints",
            "order_direction=up",
            "per_page=0",
            "page=x",
            "per_page=-1",
            "data_source_category_id=x",
        ] {
            let answer = api.get(&format!("/data_sources?{query}")).await;
            let name = query.split('=').next().expect("a name");
            assert!(answer.status == 422 && answer.json()["errors"][name].is_array(), "{query}: {}", answer.body);
        }
        let list = api.get("/data_sources").await;
        let known = sent(api.request("GET", "/data_sources").header("if-none-match", list.header("etag"))).await;
        assert_eq!(known.status, 304);
        let few = api.get("/data_sources?fields=name,resources&per_page=1").await.json();
        let members: Vec<&String> = few["data"][0].as_object().expect("a record").keys().collect();
        assert_eq!(members, ["id", "uuid", "name", "resources"]);
    }
}

#[tokio::test]
async fn a_connector_has_four_ids_and_a_limited_token_sees_its_own() {
    let app = TestApp::new();
    let (_process, api) = app.serve(&["serve"]).await;
    let one = made(&api, &json!({"name": "2"})).await;
    let two = made(&api, &json!({"name": "a/b é"})).await;
    let uuid = one["uuid"].as_str().expect("a uuid").to_uppercase();
    for (reference, id) in [(uuid.as_str(), 1), ("1", 1), ("2", 2), ("data_source-2", 2), ("a%2Fb%20%C3%A9", 2)] {
        assert_eq!(api.get(&format!("/data_sources/{reference}")).await.json()["id"], id, "{reference}");
    }
    for reference in ["3", "data_source-3", "data_source-x", "a"] {
        assert_eq!(api.get(&format!("/data_sources/{reference}")).await.status, 404, "{reference}");
    }
    let limited = api.with_scopes(&["manage"], &[two["uuid"].as_str().expect("a uuid")]).await;
    assert_eq!(names(&limited.get("/data_sources").await.json()), ["a/b é"]);
    assert_eq!(limited.get("/data_sources").await.json()["meta"]["total"], 1);
    assert_eq!(names(&limited.get("/data_sources/export").await.json()), ["a/b é"]);
    for (method, path, status) in [
        ("GET", "/data_sources/2", 200),
        ("PUT", "/data_sources/2", 204),
        ("GET", "/data_sources/1", 404),
        ("PUT", "/data_sources/1", 404),
        ("DELETE", "/data_sources/1", 404),
        ("GET", "/data_sources/export?ids=1", 404),
        ("POST", "/data_sources", 403),
        ("POST", "/data_sources/import", 403),
        ("POST", "/data_source_categories", 403),
        ("PUT", "/data_source_categories/1", 403),
        ("GET", "/data_source_categories", 200),
        ("GET", "/secrets", 403),
    ] {
        assert_eq!(limited.send(method, path, &json!({})).await.status, status, "{method} {path}");
    }
}

#[tokio::test]
async fn categories_are_unique_and_stay_while_they_are_used() {
    for app in apps().await {
        let (_process, api) = app.serve(&["serve"]).await;
        let answer = api.post("/data_source_categories", &json!({"name": "Money - 1"})).await;
        let category = answer.json();
        assert_eq!((answer.status, answer.header("location")), (201, "/api/1.0/data_source_categories/1"));
        assert_eq!((&category["status"], &category["is_system"]), (&json!("ACTIVE"), &json!(false)));
        for (body, member) in [
            (json!({}), "name"),
            (json!({"name": "a_b"}), "name"),
            (json!({"name": "Money - 1"}), "name"),
            (json!({"name": "B", "status": "ODD"}), "status"),
        ] {
            let refused = api.post("/data_source_categories", &body).await;
            assert!(refused.status == 422 && refused.json()["errors"][member].is_array(), "{body}: {}", refused.body);
        }
        assert_eq!(api.post("/data_source_categories", &json!({"name": "Second"})).await.status, 201);
        made(&api, &json!({"name": "In both", "data_source_category_id": "1, 2"})).await;
        made(&api, &json!({"name": "In one", "data_source_category_id": 1})).await;
        let list =
            api.get("/data_sources?data_source_category_id=2&include=categoryCount,categories,nonsense").await.json();
        assert_eq!(names(&list), ["In both"]);
        let one = &list["data"][0];
        assert_eq!(
            (&one["categoryCount"], &one["data_source_category_id"], &one["categories"][1]["name"]),
            (&json!(2), &json!("1,2"), &json!("Second"))
        );
        let refused = api.delete("/data_source_categories/1").await;
        assert!(refused.status == 422 && refused.json()["errors"]["delete"].is_array(), "{}", refused.body);
        assert_eq!(
            api.put("/data_source_categories/1", &json!({"name": "Other", "status": "inactive"})).await.status,
            204
        );
        let changed = api.get("/data_source_categories/other").await;
        assert_eq!(changed.status, 404);
        assert_eq!(api.get("/data_source_categories/Other").await.json()["status"], "INACTIVE");
        for connector in ["In%20both", "In%20one"] {
            assert_eq!(
                api.put(&format!("/data_sources/{connector}"), &json!({"data_source_category_id": null})).await.status,
                204
            );
        }
        assert_eq!(api.delete("/data_source_categories/2").await.status, 204);
        assert_eq!(names(&api.get("/data_source_categories").await.json()), ["Other"]);
        // A number that was given once is not given again.
        assert_eq!(api.post("/data_source_categories", &json!({"name": "Third"})).await.json()["id"], 3);
    }
}

#[tokio::test]
async fn files_come_in_whole_or_not_at_all_and_go_out_as_they_came() {
    for app in apps().await {
        let (_process, api) = app.serve(&["serve"]).await;
        let mut record = rates();
        record["id"] = json!(40);
        record["uuid"] = json!("1f3b54a1-8b83-4b71-a6a0-1f2f6bb3a6a1");
        let answer = api.post("/data_sources/import", &json!({"data": [record, {"name": "Plain"}]})).await;
        assert_eq!(
            answer.json()["data"][0],
            json!({"id": 40, "uuid": "1f3b54a1-8b83-4b71-a6a0-1f2f6bb3a6a1", "name": "Rates", "created": true}),
            "{}",
            answer.body
        );
        let bad =
            json!([{"name": "Fine"}, {"name": "Bad", "endpoints": {"x": {}}}, {"name": "Worse", "status": "ODD"}]);
        let refused = api.post("/data_sources/import", &bad).await;
        let paths: Vec<String> = refused.json()["errors"].as_object().expect("errors").keys().cloned().collect();
        assert_eq!((refused.status, paths), (422, vec!["1.endpoints.x.url".to_owned(), "2.status".to_owned()]));
        assert_eq!(names(&api.get("/data_sources").await.json()), ["Rates", "Plain"], "nothing of it was stored");
        let export = api.get("/data_sources/export").await.json();
        assert_eq!(
            export["data"][0]["credentials"],
            json!({"username": "********", "password": "********", "hosts": "********"})
        );
        assert_eq!((&export["data"][0]["id"], export["data"][0].get("warnings")), (&json!(40), None));
        // What went out comes in again, and keeps what is stored.
        let again = api.post("/data_sources/import", &export).await;
        assert_eq!((again.status, &again.json()["data"][0]["created"]), (200, &json!(false)), "{}", again.body);
        assert_eq!(
            api.get("/data_sources/40").await.json()["credentials_set"],
            json!(["hosts", "password", "username"])
        );
        // Elsewhere there is nothing to keep.
        let mut elsewhere = export["data"][0].clone();
        elsewhere["uuid"] = json!("0f3b54a1-8b83-4b71-a6a0-1f2f6bb3a6a2");
        elsewhere["name"] = json!("Elsewhere");
        let refused = api.post("/data_sources/import?existing=refuse", &elsewhere).await;
        assert_eq!(
            (refused.status, refused.json()["errors"]["0.credentials.password"].is_array()),
            (422, true),
            "{}",
            refused.body
        );
        let taken = api.post("/data_sources/import?existing=refuse", &rates()).await;
        assert_eq!(taken.json()["errors"], json!({"0.name": [NAME_TAKEN]}));
        let mut same_uuid = export["data"][0].clone();
        same_uuid["name"] = json!("New name");
        let taken = api.post("/data_sources/import?existing=refuse", &same_uuid).await;
        assert!(taken.json()["errors"]["0.uuid"].is_array(), "{}", taken.body);
        let incomplete = api.post("/data_sources/import?existing=refuse&incomplete=1", &elsewhere).await;
        let warnings = incomplete.json()["warnings"].to_string();
        assert!(
            incomplete.status == 200 && warnings.contains("credentials.username") && warnings.contains("id 40"),
            "{warnings}"
        );
        for path in ["?existing=perhaps", "?ids=1&as=word"] {
            let method = if path.contains("as=") { "GET" } else { "POST" };
            let route = if method == "GET" { "export" } else { "import" };
            assert_eq!(
                api.send(method, &format!("/data_sources/{route}{path}"), &json!([])).await.status,
                422,
                "{path}"
            );
        }
        for modeler in ["camunda7", "camunda8"] {
            let templates = api.get(&format!("/data_sources/export?ids=40,Plain&as={modeler}")).await.json();
            let templates = templates.as_array().expect("templates");
            assert_eq!((templates.len(), templates[0]["name"].as_str()), (1, Some("Rates: latest")));
            let value = |id: &str| {
                let of = templates[0]["properties"].as_array().expect("properties").iter().find(|one| one["id"] == id);
                of.and_then(|one| one["value"].as_str()).map(ToOwned::to_owned)
            };
            assert_eq!((value("connector").as_deref(), value("resource").as_deref()), (Some("Rates"), Some("latest")));
        }
        // A copy that lacks a credential is not sent.
        let imported = app.cli(&["connectors", "list", "--format", "json"]).await;
        assert!(imported.contains("Elsewhere") && !imported.contains(CANARY));
        let (code, message) = app.cli_error(&["connectors", "test", "Elsewhere", "latest"]).await;
        assert!(code == 1 && message.contains("AUTH") && message.contains("username"), "{code} {message}");
    }
}

#[tokio::test]
async fn a_connector_that_a_model_uses_stays() {
    let app = TestApp::new();
    let (_process, api) = app.serve(&["serve"]).await;
    let record = made(&api, &json!({"name": "Used", "endpoints": {"r": {"url": "https://a.example/"}}})).await;
    let model = |connector: &str| {
        format!(
            r#"<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:conn="urn:data-connector:bpmn:1" targetNamespace="t">
<process id="p" isExecutable="true"><serviceTask id="call"><extensionElements>
<conn:dataConnector connector="{connector}" resource="r"/></extensionElements></serviceTask></process></definitions>"#
        )
    };
    let file = app.file("model.bpmn", &model("Used"));
    app.cli(&["deploy", &file.display().to_string()]).await;
    let used = api.get("/data_sources/Used?include=used_by").await.json();
    assert_eq!(used["used_by"], json!([{"process": "p", "version": "1", "elements": ["call"]}]));
    let refused = api.delete("/data_sources/Used").await;
    let told = refused.json()["errors"]["delete"][0].as_str().unwrap_or_default().to_owned();
    assert!(refused.status == 422 && told.contains("`p`"), "{}", refused.body);
    // Only the newest version counts.
    app.file("model.bpmn", &model("Another"));
    app.cli(&["deploy", &file.display().to_string()]).await;
    assert_eq!(api.delete("/data_sources/Used").await.status, 204);
    app.file("model.bpmn", &model("Again"));
    app.cli(&["deploy", &file.display().to_string()]).await;
    made(&api, &json!({"name": "Again"})).await;
    assert_eq!(api.delete("/data_sources/Again").await.status, 422);
    assert_eq!(api.delete("/data_sources/Again?force=1").await.status, 204);
    assert_eq!(record["name"], "Used");
}

#[tokio::test]
async fn who_changed_it_and_when_it_was_called_is_told() {
    let app = TestApp::new();
    let (_process, api) = app.serve(&["serve"]).await;
    let record = made(&api, &rates()).await;
    let query = "?include=updated_by,last_call_at";
    let shown = api.get(&format!("/data_sources/{}{query}", record["id"])).await.json();
    assert_eq!(
        (&shown["updated_by"], &shown["last_call_at"]),
        (&json!({"id": "token:1", "name": "admin"}), &Value::Null)
    );
    let third_party = harness::third_party::ThirdParty::friendly().await;
    let called = json!({"name": "Called", "endpoints": {"get": {"url": third_party.url("/x")}}});
    let file = app.file("called.json", &called.to_string());
    app.cli(&["connectors", "import", &file.display().to_string()]).await;
    let called = api.post("/requests/data_sources/Called", &json!({"config": {"endpoint": "get"}})).await;
    assert_eq!(called.header("x-upstream-status"), "200", "{}", called.body);
    let told = harness::eventually("the call is told", || async {
        let shown = api.get(&format!("/data_sources/Called{query}")).await.json();
        shown["last_call_at"].is_string().then_some(shown)
    })
    .await;
    assert!(told["updated_by"]["id"].as_str().is_some_and(|id| id.starts_with("cli:")), "{told}");
    let rows = api.get("/audit?per_page=1").await.json();
    assert_eq!((&rows["data"][0]["action"], &rows["data"][0]["target"]), (&json!("connector.imported"), &told["uuid"]));
}

/// Ten thousand connectors as the database holds them.
const TEN_THOUSAND: &str = "INSERT INTO connectors (id, uuid, name, record, updated_at, description, type, authtype, status,
    search, indexed_version) SELECT n, 'u-' || n, 'Connector ' || n, json_build_object('name', 'Connector ' || n, 'description',
    'about ' || n % 97, 'endpoints', json_build_object('list', json_build_object('url', 'https://a.example/list', 'body',
    repeat('x', 500)))), n, 'about ' || n % 97, 'REST', 'NONE', 'ACTIVE', 'connector ' || n || ' about ' || n % 97, 1
    FROM generate_series(1, 10000) n";

/// What pages ask for: ten of ten thousand, however they are ordered or filtered. An optimized binary needs a tenth of the time
/// that this one may take on a busy machine.
#[tokio::test]
async fn a_page_of_ten_thousand_connectors_is_there_at_once() {
    for app in apps().await {
        let (_process, api) = app.serve(&["serve"]).await;
        if app.database().is_some() {
            app.sql(TEN_THOUSAND).await;
        }
        let one = |number: usize| {
            json!({"name": format!("Connector {number:05}"), "description": format!("about {}", number % 97),
                "endpoints": {"list": {"url": "https://a.example/list", "method": "GET", "body": "x".repeat(500)}}})
        };
        let batches = if app.database().is_some() { 0 } else { 10 };
        for thousand in 0..batches {
            let records: Vec<Value> = (thousand * 1_000..(thousand + 1) * 1_000).map(one).collect();
            let imported = api.post("/data_sources/import", &json!(records)).await;
            assert_eq!(imported.status, 200, "{}", imported.body.get(..500).unwrap_or(&imported.body));
        }
        for query in [
            "",
            "?order_by=name&order_direction=desc&page=500",
            "?filter=ABOUT+13&order_by=updated_at",
            "?fields=name&order_by=description",
        ] {
            let mut best = std::time::Duration::MAX;
            for _ in 0..5 {
                let begun = std::time::Instant::now();
                let answer = api.get(&format!("/data_sources{query}")).await;
                best = best.min(begun.elapsed());
                assert_eq!(
                    (answer.status, answer.json()["meta"]["count"].clone()),
                    (200, json!(10)),
                    "{}",
                    answer.body
                );
            }
            assert!(best.as_millis() < 1_000, "{query} took {best:?}");
        }
    }
}

#[tokio::test]
async fn texts_of_other_tools_become_records_and_nothing_is_stored() {
    let app = TestApp::new();
    let (_process, api) = app.serve(&["serve"]).await;
    let command = "curl -u user:canary-7f3a91 https://rates.example/latest?base=EUR";
    let answer = api.post("/data_sources/convert", &json!({"text": command, "name": "From cURL"})).await;
    let converted = answer.json();
    assert_eq!(
        (answer.status, &converted["kind"], &converted["name"]),
        (200, &json!("curl"), &json!("From cURL")),
        "{}",
        answer.body
    );
    assert_eq!(
        (&converted["records"][0]["authtype"], &converted["records"][0]["credentials"]["username"]),
        (&json!("BASIC"), &json!("user"))
    );
    assert!(converted["left_out"].is_array() && converted["changed"].as_array().is_some_and(|all| !all.is_empty()));
    let plain = sent(
        api.request("POST", "/data_sources/convert?kind=curl&name=Plain")
            .header("content-type", "text/plain")
            .body(command),
    )
    .await;
    assert_eq!((plain.status, &plain.json()["name"]), (200, &json!("Plain")), "{}", plain.body);
    let broken = api.post("/data_sources/convert", &json!({"text": "curl 'https://a.example"})).await;
    assert_eq!((broken.status, &broken.json()["position"]), (422, &json!({"line": 1, "column": 6})), "{}", broken.body);
    assert!(
        broken.json()["message"].as_str().is_some_and(|message| message.starts_with("Line 1, column 6: ")),
        "{}",
        broken.body
    );
    for (body, member) in [
        (json!({}), "text"),
        (json!({"text": "nothing that anybody knows"}), "text"),
        (json!({"text": command, "kind": "postman"}), "kind"),
        (json!({"text": command, "kind": "magic"}), "kind"),
        (json!({"text": command, "name": 7}), "name"),
    ] {
        let refused = api.post("/data_sources/convert", &body).await;
        assert!(refused.status == 422 && refused.json()["errors"][member].is_array(), "{body}: {}", refused.body);
    }
    assert_eq!(api.get("/data_sources").await.json()["meta"]["total"], 0);
    let imported = api.post("/data_sources/import", &converted["records"]).await;
    assert_eq!(imported.status, 200, "{}", imported.body);
}

#[tokio::test]
async fn a_change_counts_at_once_in_the_process_that_makes_it() {
    let app = TestApp::new();
    let (_process, api) = app.serve(&["serve"]).await;
    let third_party = harness::third_party::ThirdParty::friendly().await;
    let to = |path: &str| {
        json!({"name": "Moving", "authtype": "HEADERS", "credentials": {"Authorization": "Bearer {{secret:TOKEN}}"},
            "endpoints": {"get": {"url": third_party.url(path)}}})
    };
    let config = json!({"config": {"endpoint": "get"}});
    let call = || api.post("/requests/data_sources/Moving", &config);
    let sent_last = || {
        let seen = third_party.seen();
        let last = seen.last().expect("a request");
        (last.path.clone(), last.header("authorization").to_owned())
    };
    assert_eq!(call().await.status, 404, "there is none, which is remembered");
    assert_eq!(api.put("/secrets/TOKEN", &json!({"value": "first-token"})).await.status, 204);
    made(&api, &to("/one")).await;
    assert_eq!(call().await.status, 200);
    assert_eq!(sent_last(), ("/one".to_owned(), "Bearer first-token".to_owned()));
    assert_eq!(api.put("/data_sources/Moving", &to("/two")).await.status, 204);
    assert_eq!(api.put("/secrets/TOKEN", &json!({"value": "second-token"})).await.status, 204);
    assert_eq!(call().await.status, 200);
    assert_eq!(sent_last(), ("/two".to_owned(), "Bearer second-token".to_owned()));
    assert_eq!(api.delete("/data_sources/Moving").await.status, 204);
    assert_eq!(call().await.status, 404);
}
