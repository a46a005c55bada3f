//! What ProcessMaker's open front end sends, and what it expects to be answered: its routes as a table, its select list and its
//! watcher as they were seen on the wire (COMPATIBILITY 3).

use harness::api::{Answer, sent};
use harness::test_app::TestApp;
use harness::third_party::{Reply, Seen, ThirdParty};
use serde_json::{Value, json};

/// A third party whose countries are found by PMQL, and that says back what it was sent.
fn countries(seen: &Seen, _before: usize) -> Reply {
    let (path, query) = seen.path.split_once('?').unwrap_or((&seen.path, ""));
    match path {
        "/countries" => Reply::json(&json!({"data": [{"data": {"code": "ZAG", "name": "Zagreb"}}], "query": query}))
            .with("x-quote-id", "q-7"),
        "/echo" => Reply::json(&json!({"query": query, "body": seen.body, "auth": seen.header("authorization")})),
        "/text" => Reply::Answer {
            status: 200,
            headers: vec![],
            body: "No Json response".to_owned(),
            after: std::time::Duration::ZERO,
        },
        _ => Reply::status(401, &json!({"message": "upstream says no"})),
    }
}

async fn product(app: &TestApp) -> ThirdParty {
    let third_party = ThirdParty::start(countries).await;
    let declared = json!([{"id": 1, "key": "pmql", "value": "", "required": false}]);
    app.import_connectors(&json!([{"id": 1, "name": "Countries", "type": "REST", "authtype": "NONE", "endpoints": {
        "ListAll": {"url": third_party.url("/countries"), "method": "GET", "params": declared, "headers": [], "purpose": "ListAll"},
        "echo": {"url": third_party.url("/echo"), "method": "POST", "body_type": "json", "purpose": "echo",
            "body": "{\"name\": \"{{name}}\", \"all\": {{{who | json}}}}"},
        "text": {"url": third_party.url("/text"), "method": "GET"},
        "refused": {"url": third_party.url("/refused"), "method": "GET"},
    }}]))
    .await;
    third_party
}

/// Whether every member of `expected` is in `actual`, as far down as it says; null stands for any value.
fn holds(actual: &Value, expected: &Value) -> bool {
    match (actual, expected) {
        (_, Value::Null) => true,
        (Value::Object(actual), Value::Object(expected)) => {
            expected.iter().all(|(name, value)| actual.get(name).is_some_and(|actual| holds(actual, value)))
        }
        (Value::Array(actual), Value::Array(expected)) => {
            actual.len() == expected.len()
                && actual.iter().zip(expected).all(|(actual, expected)| holds(actual, expected))
        }
        _ => actual == expected,
    }
}

fn query(pairs: &[(&str, &str)]) -> String {
    let url = reqwest::Url::parse_with_params("http://x/", pairs).expect("a URL");
    url.query().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn the_routes_of_their_front_end_answer_as_it_expects_on_sqlite() {
    their_routes_answer(TestApp::new()).await;
}

#[tokio::test]
async fn the_routes_of_their_front_end_answer_as_it_expects_on_postgresql() {
    their_routes_answer(TestApp::new().with_postgres().await).await;
}

async fn their_routes_answer(app: TestApp) {
    let third_party = product(&app).await;
    let (_process, api) = app.serve(&["serve"]).await;
    let meta = |more: Value| {
        let mut meta = json!({"filter": "", "sort_by": "id", "sort_order": "asc", "count": 1, "total_pages": 1, "current_page": 1,
            "from": 1, "last_page": 1, "path": "/api/1.0/data_sources", "per_page": 10, "to": 1, "total": 1});
        meta.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
        meta
    };
    let listed =
        json!({"id": 1, "name": "Countries", "endpoints": {"ListAll": {"purpose": "ListAll"}}, "validationStatus": []});
    let list = |more: Value| json!({"data": [listed], "meta": meta(more)});
    let run = |endpoint: &str| json!({"config": {"endpoint": endpoint}});
    let rows = json!({"status": 200, "response": {"data": [{"data": {"code": "ZAG"}}]}});
    let cached = "/requests/data_sources/1/resources/ListAll/data";
    let config = query(&[("pmds_config", r#"{"outboundConfig":[]}"#), ("pmds_data", "{}")]);
    let none = Value::Null;
    // Method, path, body; status, and what the answer holds.
    let table: Vec<(&str, String, Value, u16, Value)> = vec![
        ("GET", "/data_sources".into(), none.clone(), 200, list(json!({}))),
        ("GET", "/data_sources?per_page=10000".into(), none.clone(), 200, list(json!({"per_page": 10_000}))),
        (
            "GET",
            "/data_sources?order_by=name&order_direction=asc&filter=OUNT&asset_type=x".into(),
            none.clone(),
            200,
            list(json!({"filter": "OUNT", "sort_by": "name"})),
        ),
        ("GET", "/data_sources?include=categoryCount&token=abc".into(), none.clone(), 200, list(json!({}))),
        ("GET", "/data_sources/1".into(), none.clone(), 200, listed.clone()),
        ("GET", "/data_sources/data_source-1".into(), none.clone(), 200, listed.clone()),
        ("GET", "/data_sources/undefined".into(), none.clone(), 404, json!({"message": null})),
        (
            "POST",
            "/data_sources".into(),
            json!({"name": "New", "type": "REST", "authtype": "NONE"}),
            201,
            json!({"id": 2, "name": "New"}),
        ),
        (
            "POST",
            "/data_sources".into(),
            json!({"name": "New"}),
            422,
            json!({"message": null, "errors": {"name": ["The Name has already been taken."]}}),
        ),
        ("PUT", "/data_sources/2".into(), json!({"id": 2, "name": "Newer"}), 204, none.clone()),
        ("DELETE", "/data_sources/2".into(), none.clone(), 204, none.clone()),
        (
            "POST",
            "/data_source_categories".into(),
            json!({"name": "Maps", "status": "ACTIVE"}),
            201,
            json!({"id": 1, "name": "Maps"}),
        ),
        (
            "GET",
            "/data_source_categories".into(),
            none.clone(),
            200,
            json!({"data": [{"name": "Maps"}], "meta": {"total": 1}}),
        ),
        ("GET", "/data_source_categories/1".into(), none.clone(), 200, json!({"name": "Maps", "status": "ACTIVE"})),
        ("PUT", "/data_source_categories/1".into(), json!({"name": "Atlas"}), 204, none.clone()),
        ("DELETE", "/data_source_categories/1".into(), none.clone(), 204, none.clone()),
        ("POST", "/requests/7/data_sources/1".into(), run("ListAll"), 200, rows.clone()),
        ("POST", "/requests/data_sources/1?token=abc".into(), run("GET: ListAll"), 200, rows.clone()),
        ("POST", "/requests/data_sources/data_source-1".into(), run("ListAll"), 200, rows.clone()),
        ("GET", format!("{cached}?{config}"), none.clone(), 200, rows.clone()),
        ("GET", cached.into(), none.clone(), 200, rows.clone()),
        ("POST", cached.into(), json!([]), 200, rows.clone()),
        (
            "POST",
            "/requests/data_sources/1".into(),
            run("text"),
            200,
            json!({"response": "No Json response", "status": 200}),
        ),
        ("POST", "/requests/data_sources/1".into(), run("refused"), 401, json!({"message": "upstream says no"})),
        ("POST", "/requests/data_sources/99".into(), run("ListAll"), 404, json!({"message": null})),
        ("POST", "/requests/data_sources/1".into(), run("nothing"), 404, json!({"message": null})),
        (
            "POST",
            "/data_sources/1/test".into(),
            json!({"immediate": true, "data": {"url": third_party.url("/countries"), "method": "GET", "purpose": "ListAll", "testData": "", "testConfig": ""}}),
            200,
            rows,
        ),
    ];
    for (method, path, body, status, expected) in &table {
        let request =
            api.request(method, path).header("x-csrf-token", "t").header("x-requested-with", "XMLHttpRequest");
        let answer = sent(if body.is_null() { request } else { request.body(body.to_string()) }).await;
        assert_eq!(answer.status, *status, "{method} {path}: {}", answer.body);
        assert!(holds(&answer.json(), expected), "{method} {path}: {}\nis not\n{expected}", answer.body);
        assert!(answer.headers.get("set-cookie").is_none(), "{method} {path}");
        assert!(*status != 204 || answer.body.is_empty(), "{method} {path}: {}", answer.body);
    }
}

/// PMQL that arrived at the third party.
fn pmql(answer: &Answer) -> String {
    let answered = answer.json();
    let query = answered["response"]["query"].as_str().unwrap_or_else(|| panic!("{}", answer.body));
    let pairs = reqwest::Url::parse(&format!("http://x/?{query}")).expect("a query");
    pairs.query_pairs().find(|(name, _)| name == "pmql").map(|(_, value)| value.into_owned()).unwrap_or_default()
}

#[tokio::test]
async fn the_select_list_is_filled_as_it_asks() {
    let app = TestApp::new();
    let third_party = product(&app).await;
    let (_process, admin) = app.serve(&["serve"]).await;
    let api = admin.with_scopes(&["execute"], &["Countries"]).await;
    let config = |pmql: Option<&str>| match pmql {
        None => json!({"endpoint": "ListAll"}),
        Some(pmql) => {
            json!({"endpoint": "ListAll", "outboundConfig": [{"type": "PARAM", "key": "pmql", "value": pmql}]})
        }
    };
    for asked in [
        None,
        Some(r#"country = """#),
        Some(r#"lower(data.name) like "%zag%""#),
        Some(r#"(data.active = true) AND lower(data.name) like "%o&#39;neil%""#),
        Some("data.code = \"ZAG\""),
    ] {
        let body = json!({"config": config(asked)});
        let posted = api.post("/requests/7/data_sources/1?token=x", &body).await;
        assert_eq!((posted.status, posted.json()["response"]["data"][0]["data"]["code"].as_str()), (200, Some("ZAG")));
        assert_eq!(pmql(&posted), asked.unwrap_or_default(), "as it was sent, escapes of the browser included");
        // With a cache time-out set: a GET that leaves pmds_data out.
        let query = query(&[("pmds_config", &body["config"].to_string()), ("token", "x")]);
        let path = format!("/requests/data_sources/data_source-1/resources/ListAll/data?{query}");
        let cached = api.get(&path).await;
        assert_eq!((cached.status, cached.body.as_str()), (200, posted.body.as_str()));
        assert_eq!(cached.header("cache-control"), "private, max-age=5");
    }
    assert_eq!(third_party.seen().len(), 10);
}

#[tokio::test]
async fn the_watcher_gets_what_its_mapping_names() {
    let app = TestApp::new();
    let third_party = product(&app).await;
    let (process, admin) = app.serve_with(&["serve"], &[("RUST_LOG", "trace,lapin=off,sqlx=off")]).await;
    let api = admin.with_scopes(&["execute"], &[]).await;
    // The whole screen, with the request and the user, as they are.
    let screen = json!({"name": "O'Neil & Co", "who": {"a": [1, "x"]}, "_request": {"id": 42, "case_number": 3}, "_user": {"id": 1, "email": "a@b.example"}});
    let watcher = |config: Value| json!({"config": config, "data": screen});
    let send = async |config: Value| {
        let request =
            api.request("POST", "/requests/42/data_sources/1?token=of-the-web-entry").header("x-csrf-token", "t");
        sent(request.header("content-type", "application/json").body(watcher(config).to_string())).await
    };
    let mapped = send(json!({"dataSource": "1", "endpoint": "ListAll", "outboundConfig": [{"type": "PARAM", "key": "pmql", "value": ""}],
        "dataMapping": [{"key": "code", "value": "data.0.data.code"}, {"key": "whole", "value": ""}, {"key": "quote", "value": "X-Quote-Id"},
            {"key": "missing", "value": "data.9.data"}, {"key": "status", "value": "$status"}]}))
    .await;
    assert_eq!(mapped.status, 200, "{}", mapped.body);
    let answer = mapped.json();
    assert_eq!(
        (&answer["code"], &answer["quote"], &answer["missing"], &answer["status"]),
        (&json!("ZAG"), &json!("q-7"), &json!(""), &json!(200))
    );
    assert_eq!(answer["whole"]["data"][0]["data"]["name"], "Zagreb");
    assert_eq!(answer.as_object().map(serde_json::Map::len), Some(5), "exactly the mapped keys");

    // Rows that the browser rendered are escaped as HTML; data are raw.
    let outbound = json!([{"type": "BODY", "key": "name", "value": "O&#39;Neil &amp; Co"}, {"type": "PARAM", "key": "p", "value": "a&#x2F;b"}]);
    let escaped = send(json!({"dataSource": "1", "endpoint": "echo", "outboundConfig": outbound, "dataMapping": [{"key": "echo", "value": ""}]})).await;
    assert_eq!(escaped.status, 200, "{}", escaped.body);
    let seen = third_party.seen();
    let last = seen.last().expect("a request");
    assert!(last.body.contains(r#""all": {"a":[1,"x"]}"#), "{}", last.body);
    assert!(last.path.contains("p=a%26%23x2F%3Bb"), "{}", last.path);

    let empty = send(json!({"dataSource": "1", "endpoint": "ListAll", "outboundConfig": [], "dataMapping": []})).await;
    assert_eq!((empty.status, empty.body.as_str()), (200, "[]"), "as PHP writes an empty map");
    let php =
        sent(api.request("POST", "/requests/42/data_sources/1").body(r#"{"config":{"endpoint":"ListAll"},"data":[]}"#))
            .await;
    assert_eq!(php.status, 200, "{}", php.body);
    let none = sent(api.request("POST", "/requests/42/data_sources/1").body("[]")).await;
    assert!(none.status == 422 && none.json()["errors"]["config"][0].is_string(), "{}", none.body);
    assert!(!process.output().contains("of-the-web-entry"), "what web entry appends is in no log");
}
