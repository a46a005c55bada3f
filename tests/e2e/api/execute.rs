//! Running a connector for somebody who waits for the answer: screens, watchers, scripts (API 5).

use std::time::Duration;

use harness::api::{Answer, Api, sent};
use harness::test_app::TestApp;
use harness::third_party::{Reply, Seen, ThirdParty};
use serde_json::{Value, json};

/// Replies by path.
fn script(seen: &Seen, before: usize) -> Reply {
    let text = |status: u16, kind: &str, body: &str| Reply::Answer {
        status,
        headers: vec![
            ("content-type", kind.to_owned()),
            ("retry-after", "7".to_owned()),
            ("x-inner", "secret".to_owned()),
        ],
        body: body.to_owned(),
        after: Duration::ZERO,
    };
    match seen.path.split('?').next().unwrap_or_default() {
        "/rates" => Reply::json(&json!({"rates": {"EUR": 1.08}, "n": before, "digits": 1})),
        "/created" => Reply::status(201, &json!({"id": 7})),
        "/slow" => Reply::json(&json!({"n": before})).after(Duration::from_millis(1_500)),
        "/text" => text(200, "text/plain", "hello"),
        "/empty" => text(204, "text/plain", ""),
        "/missing" => text(404, "application/problem+json", "{\"message\": \"no such rate\"}"),
        "/latin1" => text(422, "text/plain; charset=utf-8", "d\u{e9}j\u{e0}"),
        "/teapot" => text(302, "text/plain", "elsewhere").with("location", "/rates"),
        "/broken" => text(200, "application/json", "{\"a\":"),
        "/echo" => Reply::json(&json!({"auth": seen.header("authorization"), "body": seen.body, "path": seen.path})),
        "/break" => Reply::Break,
        "/silence" => Reply::Silence,
        _ => Reply::status(500, &json!({})),
    }
}

async fn product(app: &TestApp, third_party: &ThirdParty) {
    let resource = |path: &str| json!({"url": third_party.url(path), "method": "GET"});
    let post = |path: &str, body: &str| json!({"url": third_party.url(path), "method": "POST", "body_type": "json", "body": body});
    app.import_connectors(&json!([
        {"id": 5, "name": "API", "authtype": "OAUTH2_BEARER", "credentials": {"token": "canary-of-the-token"}, "endpoints": {
            "rates": resource("/rates"), "created": post("/created", ""), "slow": resource("/slow"), "text": resource("/text"),
            "empty": resource("/empty"), "missing": resource("/missing"), "latin1": resource("/latin1"),
            "teapot": post("/teapot", ""), "broken": resource("/broken"), "break": post("/break", ""), "gone": resource("/break"),
            "silence": {"url": third_party.url("/silence"), "method": "GET", "timeout": 1},
            "echo": post("/echo", "{\"who\": \"{{who}}\", \"request\": {{{_request | json}}}}"),
            "denied": {"url": "http://10.9.9.9/", "method": "GET"},
            "unplanned": {"url": "{{nowhere}}/x", "method": "GET"},
            "find": {"url": third_party.url("/slow"), "method": "POST", "repeat": "safe"}
        }},
        {"id": 6, "name": "Off", "status": "INACTIVE", "authtype": "NONE", "endpoints": {"rates": resource("/rates")}},
    ]))
    .await;
}

fn run(endpoint: &str) -> Value {
    json!({"config": {"endpoint": endpoint}})
}

#[tokio::test]
async fn every_outcome_has_its_answer() {
    let third_party = ThirdParty::start(script).await;
    let app = TestApp::new();
    product(&app, &third_party).await;
    let (_process, api) = app.serve(&["serve"]).await;
    for (endpoint, status, code, upstream) in [
        ("rates", 200, None, "200"),
        ("created", 200, None, "201"),
        ("text", 200, None, "200"),
        ("empty", 200, None, "204"),
        ("missing", 404, None, "404"),
        ("latin1", 422, None, "422"),
        ("teapot", 502, Some("HTTP_302"), "302"),
        ("denied", 422, Some("DENIED"), ""),
        ("unplanned", 422, Some("CONFIGURATION"), ""),
        ("nothing", 404, Some("CONFIGURATION"), ""),
        ("gone", 502, Some("CONNECT"), ""),
        ("break", 504, Some("OUTCOME_UNKNOWN"), ""),
        ("silence", 504, Some("TIMEOUT"), ""),
    ] {
        let answer = api.post("/requests/data_sources/5", &run(endpoint)).await;
        assert_eq!(answer.status, status, "{endpoint}: {}", answer.body);
        assert_eq!(answer.json()["code"].as_str(), code, "{endpoint}: {}", answer.body);
        assert_eq!(answer.header("x-upstream-status"), upstream, "{endpoint}");
    }
    let unknown = api.post("/requests/data_sources/77", &run("rates")).await;
    assert_eq!((unknown.status, unknown.json()["code"].as_str()), (404, Some("NOT_FOUND")));
    let named = api.post("/requests/data_sources/5", &run("nothing")).await;
    assert!(named.json()["message"].as_str().expect("a message").contains("`nothing`"), "{}", named.body);
    let off = api.post("/requests/data_sources/Off", &run("rates")).await;
    assert_eq!((off.status, off.json()["code"].as_str()), (422, Some("CONFIGURATION")));

    let body = |endpoint: &'static str| async {
        api.post("/requests/data_sources/data_source-5", &run(endpoint)).await.json()
    };
    assert_eq!(body("created").await, json!({"status": 201, "response": {"id": 7}}));
    assert_eq!(body("text").await, json!({"status": 200, "response": "hello"}));
    assert_eq!(body("empty").await, json!({"status": 204, "response": ""}));
    let missing = api.post("/requests/data_sources/5", &run("missing")).await;
    assert_eq!(missing.body, "{\"message\": \"no such rate\"}");
    assert_eq!((missing.header("content-type"), missing.header("retry-after")), ("application/problem+json", "7"));
    assert_eq!((missing.header("x-inner"), missing.header("x-content-type-options")), ("", "nosniff"));
}

#[tokio::test]
async fn configuration_and_data_are_read_as_clients_send_them() {
    let third_party = ThirdParty::start(script).await;
    let app = TestApp::new();
    product(&app, &third_party).await;
    let (_process, api) = app.serve(&["serve"]).await;
    let mapped = |mapping: Value| json!({"config": {"dataSource": "99", "endpoint": "GET: rates", "outboundConfig": [], "dataMapping": mapping}, "data": []});
    let one = api.post("/requests/data_sources/API", &mapped(json!([{"key": "rate", "value": "rates.EUR"}]))).await;
    assert_eq!((one.status, one.json()), (200, json!({"rate": 1.08})));
    let none = api.post("/requests/data_sources/API", &mapped(json!([]))).await;
    assert_eq!(none.body, "[]");
    let text = json!({"config": mapped(Value::Null)["config"].to_string(), "data": "{\"a\": 1}"});
    assert_eq!(api.post("/requests/data_sources/API", &text).await.json()["status"], 200);

    let echo = json!({"config": {"endpoint": "echo"}, "data": {"who": "a\"b"}});
    let seen = |answer: Answer| answer.json()["response"].clone();
    let for_request = seen(api.post("/requests/42/data_sources/5", &echo).await);
    assert_eq!(for_request["body"], "{\"who\": \"a\\\"b\", \"request\": {\"id\":42}}");
    let own = json!({"config": {"endpoint": "echo"}, "data": {"who": "x", "_request": {"id": 7, "case": 1}}});
    let own = seen(api.post("/requests/42/data_sources/5", &own).await);
    assert_eq!(own["body"], "{\"who\": \"x\", \"request\": {\"id\":7,\"case\":1}}");
    assert_eq!(own["auth"], "Bearer ********", "a credential that comes back is masked");

    for (body, field) in [
        (json!({}), "config"),
        (json!({"config": 1}), "config"),
        (json!({"config": "x"}), "config"),
        (json!({"config": {}}), "config.endpoint"),
        (json!({"config": {"endpoint": "rates"}, "data": 1}), "data"),
        (json!({"config": {"endpoint": "rates"}, "mode": "later"}), "mode"),
    ] {
        let refused = api.post("/requests/data_sources/5", &body).await;
        assert_eq!(refused.status, 422, "{body}");
        assert!(refused.json()["errors"][field][0].is_string(), "{body}: {}", refused.body);
    }
    let key = |value: &'static str| {
        sent(
            api.request("POST", "/requests/data_sources/5")
                .header("idempotency-key", value)
                .body(run("created").to_string()),
        )
    };
    assert_eq!(key("").await.status, 422);
    let (first, again, other) = (key("k1").await, key("k1").await, key("k2").await);
    assert_eq!((first.status, again.status, other.status), (200, 200, 200));
    let keys: Vec<String> = third_party
        .seen()
        .iter()
        .filter(|seen| seen.path == "/created")
        .map(|seen| seen.header("idempotency-key").to_owned())
        .collect();
    assert!(keys[0] == keys[1] && keys[1] != keys[2], "{keys:?}");
}

/// GET of the cached form.
async fn cached(api: &Api, endpoint: &str, query: &str) -> Answer {
    api.get(&format!("/requests/data_sources/5/resources/{endpoint}/data?{query}")).await
}

#[tokio::test]
async fn the_cached_form_is_one_call_for_all_who_ask_at_once() {
    let third_party = ThirdParty::start(script).await;
    let app = TestApp::new();
    product(&app, &third_party).await;
    let (_process, api) = app.serve(&["serve"]).await;
    let all = futures_util::future::join_all((0..200).map(|_| cached(&api, "slow", "token=x"))).await;
    assert!(all.iter().all(|answer| answer.status == 200 && answer.body == all[0].body));
    assert_eq!(third_party.seen().len(), 1, "one call");
    let tag = all[0].header("etag").to_owned();
    assert!(tag.starts_with('"'), "{tag}");
    assert_eq!((all[0].header("cache-control"), all[0].header("vary")), ("private, max-age=5", "Authorization"));
    let later = cached(&api, "slow", "").await;
    assert_eq!(third_party.seen().len(), 2, "nothing is kept after it");
    assert_ne!(later.header("etag"), tag);
    let config =
        "pmds_config=%7B%22dataMapping%22%3A%5B%7B%22key%22%3A%22r%22%2C%22value%22%3A%22rates.EUR%22%7D%5D%7D";
    let mapped = cached(&api, "rates", config).await;
    assert_eq!(mapped.json(), json!({"r": 1.08}));
    let path = format!("/requests/data_sources/5/resources/rates/data?{config}");
    let known = sent(api.request("GET", &path).header("if-none-match", mapped.header("etag"))).await;
    assert_eq!((known.status, known.body.as_str()), (304, ""));
    let posted =
        api.post("/requests/data_sources/5/resources/rates/data", &json!({"config": {"dataMapping": []}})).await;
    assert_eq!(posted.body, "[]");
    for (query, field) in [("pmds_config=%7B", "pmds_config"), ("pmds_data=1", "pmds_data")] {
        let refused = cached(&api, "rates", query).await;
        assert!(refused.status == 422 && refused.json()["errors"][field][0].is_string(), "{}", refused.body);
    }
    let before = third_party.seen().len();
    let unsafe_ones = futures_util::future::join_all((0..3).map(|_| cached(&api, "created", ""))).await;
    assert!(
        unsafe_ones
            .iter()
            .all(|answer| answer.header("etag").is_empty() && answer.header("cache-control") == "no-store")
    );
    assert_eq!(third_party.seen().len(), before + 3, "each for itself");
    let searches = futures_util::future::join_all((0..3).map(|_| cached(&api, "find", ""))).await;
    assert!(searches.iter().all(|answer| answer.status == 200));
    assert_eq!(third_party.seen().len(), before + 4, "a search that says so is shared");
    assert_eq!(cached(&api, "missing", "").await.header("etag"), "");
}

#[tokio::test]
async fn a_caller_who_leaves_stops_nothing_and_places_are_counted() {
    let third_party = ThirdParty::start(script).await;
    let app = TestApp::new();
    product(&app, &third_party).await;
    let (_process, api) = app.serve_with(&["serve"], &[("DATA_CONNECTOR__API__EXECUTIONS", "2")]).await;
    let gone = tokio::time::timeout(Duration::from_millis(200), cached(&api, "slow", "")).await;
    assert!(gone.is_err(), "it left");
    let joined = cached(&api, "slow", "").await;
    assert_eq!((joined.status, third_party.seen().len()), (200, 1), "the call went on, and the next one joined it");
    let body = run("slow");
    let all = futures_util::future::join_all((0..4).map(|_| api.post("/requests/data_sources/5", &body))).await;
    let statuses: Vec<u16> = all.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 503).count(), 2, "{statuses:?}");
    assert!(all.iter().filter(|answer| answer.status == 503).all(|answer| !answer.header("retry-after").is_empty()));
}

#[tokio::test]
async fn the_test_call_uses_the_row_as_it_is_edited() {
    let third_party = ThirdParty::start(script).await;
    let app = TestApp::new();
    product(&app, &third_party).await;
    let (_process, api) = app.serve(&["serve"]).await;
    let row = json!({"url": third_party.url("/echo"), "method": "POST", "purpose": "new one", "body_type": "json",
        "body": "{\"x\": \"{{x}}\"}", "testData": "{\"x\": \"y\"}", "testConfig": {"dataMapping": [{"key": "sent", "value": "body"}]}});
    let tested = api.post("/data_sources/5/test", &json!({"immediate": true, "data": row})).await;
    assert_eq!((tested.status, tested.json()), (200, json!({"sent": "{\"x\": \"y\"}"})));
    assert_eq!(third_party.seen()[0].header("authorization"), "Bearer canary-of-the-token");
    let mut other = row.clone();
    other["credentials"] = json!({"token": "another-token"});
    api.post("/data_sources/5/test", &json!({"data": other})).await;
    assert_eq!(third_party.seen()[1].header("authorization"), "Bearer another-token");
    let off = api.post("/data_sources/6/test", &json!({"data": {"url": third_party.url("/rates")}})).await;
    assert_eq!((off.status, off.json()["status"].as_u64()), (200, Some(200)), "{}", off.body);
    let broken = api.post("/data_sources/5/test", &json!({"data": {"url": third_party.url("/{{#x}}")}})).await;
    assert!(broken.status == 422 && broken.json()["errors"]["data.url"][0].is_string(), "{}", broken.body);
    let denied = api.post("/data_sources/5/test", &json!({"data": {"url": "http://10.9.9.9/"}})).await;
    assert_eq!((denied.status, denied.json()["exception"].as_str()), (422, Some("DENIED")), "{}", denied.body);
    let audit = api.get("/audit").await;
    assert_eq!(audit.json()["data"][0]["action"], "connector.tested");
    assert!(!audit.body.contains("canary") && !audit.body.contains("another-token"));
}

#[tokio::test]
async fn a_limited_token_runs_its_own_connectors_only() {
    let third_party = ThirdParty::start(script).await;
    let app = TestApp::new();
    product(&app, &third_party).await;
    let (_process, api) = app.serve(&["serve"]).await;
    let limited = api.with_scopes(&["execute"], &["API"]).await;
    assert_eq!(limited.post("/requests/data_sources/5", &run("rates")).await.status, 200);
    let other = limited.post("/requests/data_sources/6", &run("rates")).await;
    let unknown = limited.post("/requests/data_sources/66", &run("rates")).await;
    assert_eq!((other.status, unknown.status), (404, 404));
    assert_eq!(limited.post("/data_sources/5/test", &json!({"data": {"url": "x"}})).await.status, 403);
}
