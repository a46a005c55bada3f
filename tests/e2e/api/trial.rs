//! Trying a call as it is being edited (API 10).

use harness::test_app::TestApp;
use harness::third_party::{Reply, ThirdParty};
use harness::tls::Authority;
use serde_json::{Value, json};

async fn third_party() -> ThirdParty {
    ThirdParty::start(|seen, _| match seen.path.split('?').next().unwrap_or_default() {
        "/rates" => Reply::json(&json!({"EUR": 1.08, "auth": seen.header("authorization"), "list": [1]})),
        "/large" => Reply::json(&json!({"text": "é".repeat(600_000), "last": 7})),
        "/image" => Reply::Answer {
            status: 200,
            headers: vec![("content-type", "image/png".to_owned())],
            body: "\u{1}\u{2}".to_owned(),
            after: std::time::Duration::ZERO,
        },
        _ => Reply::status(404, &json!({"why": "none"})),
    })
    .await
}

async fn product(app: &TestApp, third_party: &ThirdParty) {
    app.import_connectors(&json!([{"id": 5, "name": "API", "authtype": "OAUTH2_BEARER",
        "credentials": {"token": "canary-of-the-token"}, "status": "INACTIVE", "endpoints": {
            "rates": {"url": third_party.url("/rates?base={{base}}"), "method": "GET",
                "headers": [{"key": "X-Who", "value": "{{who.name}}"}]},
            "large": {"url": third_party.url("/large"), "method": "GET"},
            "image": {"url": third_party.url("/image"), "method": "GET"},
            "missing": {"url": third_party.url("/missing"), "method": "GET"},
            "denied": {"url": "http://10.9.9.9/", "method": "GET"},
            "save": {"url": third_party.url("/{{id}}"), "method": "PUT", "body_type": "json", "body": "{\"x\": \"{{x}}\"}"}}}]))
    .await;
}

#[tokio::test]
async fn a_trial_shows_request_answer_timing_and_what_is_mapped() {
    let third_party = third_party().await;
    let app = TestApp::new();
    product(&app, &third_party).await;
    let (process, api) = app.serve(&["serve"]).await;
    let rows = json!([{"key": "rate", "value": "EUR"}]);
    let wanted = json!({"connector": "5", "resource": "rates", "data": {"base": "USD", "who": {"name": "me"}},
        "config": {"dataMapping": rows, "outboundConfig": [{"type": "PARAM", "key": "base", "value": "{{currency}}"}]}});
    let tried = api.post("/try", &wanted).await;
    assert_eq!(tried.status, 200, "{}", tried.body);
    let shown = tried.json();
    assert_eq!((&shown["mapped"], &shown["error"]), (&json!({"rate": 1.08}), &Value::Null), "{shown}");
    assert_eq!(shown["reads"], json!(["currency", "who"]));
    assert_eq!((&shown["response"]["status"], &shown["response"]["kind"]), (&json!(200), &json!("json")));
    assert!(shown["response"]["body"].as_str().expect("a text").contains("Bearer ********"), "{shown}");
    assert!(shown["timing"]["total_ms"].as_f64().is_some_and(|ms| ms > 0.0), "{shown}");
    assert!(shown["timing"]["first_byte_ms"].is_number() && shown["timing"]["token_ms"].is_null(), "{shown}");
    let headers = shown["request"]["headers"].as_array().expect("headers");
    assert!(headers.contains(&json!(["authorization", "Bearer ********"])), "{headers:?}");
    let curl = shown["request"]["curl"].as_str().expect("a command");
    assert!(curl.contains("'authorization: Bearer '\"$TOKEN\""), "{curl}");
    assert!(!tried.body.contains("canary"), "{}", tried.body);
    let missing = api.post("/try", &json!({"connector": 5, "resource": "missing"})).await.json();
    assert_eq!((&missing["error"]["code"], &missing["response"]["status"]), (&json!("HTTP_404"), &json!(404)));
    assert_eq!(missing["response"]["body"], "{\"why\":\"none\"}");
    let large = api.post("/try", &json!({"connector": "API", "resource": "large", "config": {"dataMapping": [{"key": "v", "value": "last"}]}})).await.json();
    assert_eq!((&large["response"]["truncated"], &large["mapped"]), (&json!(true), &json!({"v": 7})));
    assert!(large["response"]["body"].as_str().is_some_and(|text| (99_990..=100_000).contains(&text.len())));
    assert!(large["response"]["bytes"].as_u64().is_some_and(|bytes| bytes > 1_000_000));
    let image = api.post("/try", &json!({"connector": "API", "resource": "image"})).await.json();
    assert_eq!((&image["response"]["kind"], &image["response"]["body"]), (&json!("binary"), &Value::Null));
    let audit = api.get("/audit?per_page=50").await;
    let tests =
        audit.json()["data"].as_array().expect("rows").iter().filter(|row| row["action"] == "connector.tested").count();
    assert_eq!(tests, 4, "{}", audit.body);
    assert!(!audit.body.contains("canary") && !process.output().contains("canary"));
}

#[tokio::test]
async fn a_dry_run_and_a_given_answer_send_nothing() {
    let third_party = third_party().await;
    let app = TestApp::new();
    product(&app, &third_party).await;
    let (_process, api) = app.serve(&["serve"]).await;
    let dry = api
        .post("/try", &json!({"connector": 5, "resource": "save", "data": {"id": 7, "x": "y"}, "dry_run": true}))
        .await
        .json();
    assert_eq!((&dry["request"]["method"], &dry["request"]["body"]), (&json!("PUT"), &json!("{\"x\": \"y\"}")));
    assert_eq!(
        (&dry["response"], &dry["timing"], &dry["mapped"], &dry["error"]),
        (&Value::Null, &Value::Null, &Value::Null, &Value::Null)
    );
    assert_eq!(dry["reads"], json!(["id", "x"]));
    let answer = json!({"status": 200, "headers": [["content-type", "application/json"]], "body": "{\"a\": 1.50, \"auth\": \"canary-of-the-token\"}"});
    let mapped = json!({"connector": 5, "resource": "save", "data": {"id": 7, "x": "y"}, "answer": answer,
        "config": {"dataMapping": [{"key": "a", "value": "a"}, {"key": "t", "value": "auth"}]}});
    let shown = api.post("/try", &mapped).await;
    assert!(shown.body.contains("\"mapped\":{\"a\":1.50,\"t\":\"********\"}"), "{}", shown.body);
    let mut broken = mapped.clone();
    broken["config"] = json!({"dataMapping": [{"key": "a", "value": "a"}, {"key": "b", "value": "{{{x | json}}} {{list}}", "format": "mustache"}]});
    broken["answer"]["body"] = json!("{\"list\": [1]}");
    let failed = api.post("/try", &broken).await.json();
    assert_eq!(
        (&failed["error"]["code"], &failed["error"]["at"]),
        (&json!("MAPPING"), &json!("config.dataMapping.1.value")),
        "{failed}"
    );
    let unplanned = api.post("/try", &json!({"connector": 5, "resource": "save"})).await.json();
    assert_eq!(
        (&unplanned["error"]["code"], &unplanned["error"]["at"]),
        (&json!("CONFIGURATION"), &json!("resource.url")),
        "{unplanned}"
    );
    let denied = api.post("/try", &json!({"connector": 5, "resource": "denied"})).await.json();
    assert_eq!((&denied["error"]["code"], &denied["response"]), (&json!("DENIED"), &Value::Null));
    assert_eq!(third_party.seen().len(), 0);
    let audit = api.get("/audit").await.json();
    assert!(!audit["data"].as_array().expect("rows").iter().any(|row| row["action"] == "connector.tested"), "{audit}");
}

#[tokio::test]
async fn what_is_edited_needs_more_than_a_call() {
    let third_party = third_party().await;
    let app = TestApp::new();
    product(&app, &third_party).await;
    let (_process, admin) = app.serve(&["serve"]).await;
    let (reader, caller) = (admin.with_scopes(&["read"], &[]).await, admin.with_scopes(&["execute"], &[]).await);
    let (manager, limited) =
        (admin.with_scopes(&["manage"], &[]).await, admin.with_scopes(&["manage"], &["API"]).await);
    let call = json!({"connector": 5, "resource": "rates", "data": {"base": "x", "who": {"name": "y"}}});
    let mut dry = call.clone();
    dry["dry_run"] = json!(true);
    let row = json!({"connector": 5, "resource": {"url": third_party.url("/rates"), "method": "GET"}});
    let record = json!({"connector": {"name": "New", "authtype": "NONE", "endpoints": {"r": {"url": third_party.url("/rates"), "method": "GET"}}}, "resource": "r"});
    let mut credentials = call.clone();
    credentials["credentials"] = json!({"token": "other-token"});
    for (who, body, status) in [
        (&reader, &dry, 200),
        (&reader, &call, 403),
        (&caller, &call, 200),
        (&caller, &dry, 200),
        (&caller, &row, 403),
        (&caller, &record, 403),
        (&caller, &credentials, 403),
        (&manager, &row, 200),
        (&manager, &record, 200),
        (&manager, &credentials, 200),
        (&limited, &row, 200),
        (&limited, &record, 403),
    ] {
        let answer = who.post("/try", body).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.body);
    }
    let seen = third_party.seen();
    assert!(seen.iter().any(|seen| seen.header("authorization") == "Bearer other-token"));
    // A record that stands in for the stored one: what is masked or absent is the stored one's.
    let edited = json!({"connector": {"id": 5, "credentials": {"token": "********"}, "endpoints": {"r": {"url": third_party.url("/rates"), "method": "GET"}}}, "resource": "r"});
    let before = third_party.seen().len();
    assert_eq!(manager.post("/try", &edited).await.json()["error"], Value::Null);
    assert_eq!(third_party.seen()[before].header("authorization"), "Bearer canary-of-the-token");
    for (body, field) in [
        (json!({"resource": "x"}), "connector"),
        (json!({"connector": 5}), "resource"),
        (json!({"connector": 5, "resource": "rates", "config": 1}), "config"),
        (json!({"connector": 5, "resource": "rates", "data": 1}), "data"),
        (json!({"connector": 5, "resource": "rates", "answer": {"body": 1}}), "answer"),
    ] {
        let refused = admin.post("/try", &body).await;
        assert!(refused.status == 422 && refused.json()["errors"][field][0].is_string(), "{body}: {}", refused.body);
    }
    assert_eq!(admin.post("/try", &json!({"connector": 99, "resource": "r"})).await.status, 404);
}

#[tokio::test]
async fn a_handshake_is_a_span_of_its_own() {
    let authority = Authority::new();
    let secure = ThirdParty::secure(authority.sign("127.0.0.1").server(), |_, _| Reply::json(&json!({"a": 1}))).await;
    let plain = ThirdParty::friendly().await;
    let app = TestApp::new();
    let file = app.file("ca.pem", &authority.pem()).display().to_string();
    app.import_resources(json!({"secure": {"url": secure.url("/")}, "plain": {"url": plain.url("/")}})).await;
    let (_process, api) = app.serve_with(&["serve"], &[("DATA_CONNECTOR__HTTP__CA_FILE", file.as_str())]).await;
    let timing = async |resource: &str| {
        let tried = api.post("/try", &json!({"connector": "API", "resource": resource})).await.json();
        assert_eq!(tried["error"], Value::Null, "{tried}");
        tried["timing"].clone()
    };
    let first = timing("secure").await;
    let spans: Vec<f64> =
        ["connect_ms", "tls_ms", "first_byte_ms", "total_ms"].iter().filter_map(|span| first[span].as_f64()).collect();
    let [connect, tls, first_byte, total] = spans.as_slice() else { panic!("{first}") };
    assert!(*tls > 0.0 && connect + tls + first_byte <= total + 0.1, "{first}");
    let second = timing("secure").await;
    assert_eq!([&second["connect_ms"], &second["tls_ms"]], [&Value::Null; 2], "the connection was open: {second}");
    let without = timing("plain").await;
    assert!(without["tls_ms"].is_null() && without["connect_ms"].is_number(), "{without}");
}
