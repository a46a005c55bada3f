//! The served OpenAPI document holds for whatever it allows to be asked (API 7).

use std::time::Duration;

use harness::api::Api;
use harness::process::Running;
use harness::repository;
use harness::test_app::TestApp;
use harness::third_party::{Reply, ThirdParty};
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::timeout;

/// schemathesis makes requests of a document; returns whether all answers are as it says, and what it printed.
async fn judged(app: &TestApp, api: &Api, document: &Value, operations: &[&str]) -> (bool, String) {
    // `deploy/test` installs it, and says where.
    let program = std::env::var("SCHEMATHESIS").unwrap_or_else(|_| "schemathesis".to_owned());
    let document = app.file("document.json", &document.to_string());
    let mut command = Command::new(program);
    command.arg("--config-file").arg(repository().join("tests/e2e/api/schemathesis.toml")).args(["--no-color", "run"]);
    command.arg(document).args(["--url", &format!("{}/api/1.0", api.base())]).args(operations);
    let command = command.env("API_TOKEN", api.token()).current_dir(app.path("")).kill_on_drop(true);
    let output = timeout(Duration::from_mins(7), command.output()).await.expect("its end").expect("schemathesis");
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The product with something behind every route.
async fn product(app: &TestApp) -> (ThirdParty, Running, Api) {
    let text = |status: u16| {
        let headers = vec![("content-type", "text/plain".to_owned())];
        Reply::Answer { status, headers, body: "a text".to_owned(), after: Duration::ZERO }
    };
    let third_party = ThirdParty::start(move |seen, _| match seen.path.as_str() {
        "/missing" => Reply::status(404, &json!({})),
        "/text" => text(200),
        "/refused" => text(403),
        _ => Reply::json(&json!({"a": 1})),
    })
    .await;
    let resource = |path: &str, method: &str| json!({"url": third_party.url(path), "method": method});
    let resources = json!({"get": resource("/", "GET"), "post": resource("/", "POST"), "missing": resource("/missing", "GET"),
        "text": resource("/text", "GET"), "refused": resource("/refused", "GET"), "denied": {"url": "http://10.9.9.9/"}});
    // Nobody waits for long, and nobody is sent away for asking often.
    let names = ["RATE", "RATE_REFUSED", "WAIT"].map(|name| format!("DATA_CONNECTOR__API__{name}"));
    let variables: Vec<(&str, &str)> = names.iter().map(String::as_str).zip(["0", "0", "1"]).collect();
    let (process, api) = app.serve_with(&["serve"], &variables).await;
    for n in 1..=3 {
        let columns = json!([{"label": "A", "field": "data.a"}]);
        let call = json!({"mode": "queue", "config": {"endpoint": "get"}});
        for (path, body) in [
            ("/data_sources", json!({"name": format!("API {n}"), "endpoints": resources})),
            ("/data_source_categories", json!({"name": format!("Category {n}")})),
            ("/collections", json!({"name": format!("Collection {n}"), "columns": columns})),
            ("/collections/1/records", json!({"data": {"a": n}})),
            ("/requests/data_sources/1", call),
        ] {
            let made = api.post(path, &body).await;
            assert!(made.status < 300, "{path}: {}", made.body);
        }
    }
    assert_eq!(api.put("/secrets/KEY", &json!({"value": "not so secret"})).await.status, 204);
    // The token that asks has a number that is not made up soon, and revoked.
    for _ in 0..40 {
        drop(api.with_scopes(&["read"], &[]).await);
    }
    let api = api.with_scopes(&["admin"], &[]).await;
    (third_party, process, api)
}

#[tokio::test]
async fn every_answer_is_as_the_document_says() {
    let app = TestApp::new();
    let (_third_party, process, api) = product(&app).await;
    let document = api.get("/openapi.json").await.json();
    let (holds, printed) = judged(&app, &api, &document, &[]).await;
    assert!(holds, "{printed}\n{}", process.output());
    assert_eq!(api.get("/me").await.status, 200, "the token was valid to the end");
}

#[tokio::test]
async fn an_answer_that_is_not_as_the_document_says_is_found() {
    let app = TestApp::new();
    let (_third_party, _process, api) = product(&app).await;
    let document = api.get("/openapi.json").await.json();
    let only = ["--include-operation-id", "getVersion"];
    let (holds, printed) = judged(&app, &api, &document, &only).await;
    assert!(holds, "{printed}");
    let mut other = document.clone();
    other["components"]["schemas"]["Version"]["properties"]["api"]["const"] = json!("2.0");
    let (holds, printed) = judged(&app, &api, &other, &only).await;
    assert!(!holds && printed.contains("schema"), "{printed}");
    let mut other = document;
    let statuses = other["paths"]["/version"]["get"]["responses"].as_object_mut().expect("statuses");
    statuses.remove("200");
    let (holds, printed) = judged(&app, &api, &other, &only).await;
    assert!(!holds && printed.contains("Undocumented"), "{printed}");
}
