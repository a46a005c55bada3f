//! Connectors that are made of what other tools wrote make the calls that those tools would make.

use harness::process::run;
use harness::test_app::TestApp;
use harness::third_party::{Reply, Seen, ThirdParty};
use serde_json::{Value, json};

/// Imports a text of a kind; returns what standard error told.
async fn import(app: &TestApp, kind: &str, text: &str) -> String {
    let file = app.file(&format!("{kind}.txt"), text).display().to_string();
    let output = run(&mut app.command(&["connectors", "import", "--migrate", "--from", kind, &file])).await;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{told}");
    told
}

/// Calls a resource and returns what the third party saw.
async fn call(app: &TestApp, third_party: &ThirdParty, connector: &str, resource: &str, data: &Value) -> Seen {
    let before = third_party.seen().len();
    app.cli_with(&["connectors", "test", connector, resource, "--data", "-"], &data.to_string()).await;
    let seen = third_party.seen();
    assert_eq!(seen.len(), before + 1);
    seen.into_iter().next_back().expect("the call")
}

#[tokio::test]
async fn a_command_of_curl_makes_its_call() {
    let third_party = ThirdParty::start(|_, _| Reply::json(&json!({"ok": true}))).await;
    let app = TestApp::new();
    let url = third_party.url("/orders/new?dry=1");
    let command = format!(
        "curl -X PUT '{url}' \\\n  -H 'Authorization: Bearer token-of-curl' -H \"X-Tenant: $TENANT\" \\\n  \
         -H 'Content-Type: application/json' --data-raw $'{{\"name\": \"O\\'Neil\", \"note\": \"{{{{\"}}' -o out.json"
    );
    let told = import(&app, "curl", &command).await;
    assert!(told.contains("changed: The bearer token went into the credentials."), "{told}");
    assert!(told.contains("left out: `--output out.json`"), "{told}");
    let host = format!("127.0.0.1:{}", third_party.port());
    let seen = call(&app, &third_party, &host, "new", &json!({"TENANT": "t1"})).await;
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("PUT", "/orders/new?dry=1"));
    assert_eq!((seen.header("authorization"), seen.header("x-tenant")), ("Bearer token-of-curl", "t1"));
    assert_eq!(
        (seen.header("content-type"), seen.body.as_str()),
        ("application/json", r#"{"name": "O'Neil", "note": "{{"}"#)
    );
}

#[tokio::test]
async fn an_operation_of_a_document_makes_its_call() {
    let third_party = ThirdParty::start(|_, _| Reply::json(&json!({"ok": true}))).await;
    let app = TestApp::new();
    let document = json!({
        "openapi": "3.1.0",
        "info": {"title": "Pets"},
        "servers": [{"url": "http://{host}:{port}/v1", "variables": {"host": {"default": "127.0.0.1"}, "port": {"default": third_party.port()}}}],
        "paths": {"/pets/{petId}": {"post": {
            "operationId": "change",
            "parameters": [
                {"name": "petId", "in": "path", "required": true},
                {"name": "a[b]", "in": "query", "required": true, "schema": {"enum": ["x y"]}},
                {"name": "limit", "in": "query"},
                {"name": "X-Trace", "in": "header", "required": true}
            ],
            "requestBody": {"content": {"application/json": {"schema": {
                "type": "object", "required": ["name", "tags"],
                "properties": {"name": {"type": "string"}, "tags": {"type": "array"}, "kind": {"default": "cat"}}
            }}}}
        }}}
    });
    import(&app, "openapi", &document.to_string()).await;
    let data = json!({"petId": "a/b", "X-Trace": "t", "limit": "3", "name": "\"Tom\"", "tags": ["x", 1]});
    let seen = call(&app, &third_party, "Pets", "change", &data).await;
    assert_eq!(seen.method, "POST");
    assert_eq!(seen.path, "/v1/pets/a%2Fb?a%5Bb%5D=x+y&limit=3");
    // `connectors test` gives rows to declared parameters, and what a document requires is always sent.
    assert_eq!(seen.header("x-trace"), "t");
    let body: Value = serde_json::from_str(&seen.body).expect("JSON");
    assert_eq!(body, json!({"name": "\"Tom\"", "tags": ["x", 1], "kind": "cat"}));
}

#[tokio::test]
async fn a_request_of_a_collection_makes_its_call() {
    let third_party = ThirdParty::start(|_, _| Reply::json(&json!({"ok": true}))).await;
    let app = TestApp::new();
    let collection = json!({
        "info": {"name": "Shop", "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"},
        "variable": [{"key": "base", "value": third_party.url("/v1")}, {"key": "password", "value": "secret-of-postman"}],
        "auth": {"type": "basic", "basic": [{"key": "username", "value": "u"}, {"key": "password", "value": "{{password}}"}]},
        "item": [{"name": "Orders", "item": [{"name": "Add", "request": {
            "method": "POST", "url": {"host": ["{{base}}"], "path": ["orders", ":id"], "query": [{"key": "q", "value": "{{q}}"}]},
            "body": {"mode": "urlencoded", "urlencoded": [{"key": "a b", "value": "{{value}}"}, {"key": "a b", "value": "2"}]}
        }}]}]
    });
    import(&app, "postman", &collection.to_string()).await;
    let seen = call(&app, &third_party, "Shop", "Add", &json!({"id": "7", "q": "x&y", "value": "1 \"2\""})).await;
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("POST", "/v1/orders/7?q=x%26y"));
    assert_eq!(seen.header("authorization"), "Basic dTpzZWNyZXQtb2YtcG9zdG1hbg==");
    assert_eq!(seen.header("content-type"), "application/x-www-form-urlencoded");
    assert!(seen.body.contains("=1+%222%22&"), "{}", seen.body);
}

#[tokio::test]
async fn a_mistake_is_told_with_its_place() {
    let app = TestApp::new();
    let file =
        app.file("broken.txt", "# the order\ncurl https://api.example.com/ \\\n  -d '{\"a\": 1}").display().to_string();
    let (code, told) = app.cli_error(&["connectors", "import", "--from", "curl", &file]).await;
    assert_eq!(code, 1, "{told}");
    assert!(
        told.contains("broken.txt was not converted") && told.contains("Line 3, column 6: this quote is never closed."),
        "{told}"
    );
    let (_, told) = app.cli_error(&["connectors", "import", "--from", "openapi", &file]).await;
    assert!(told.contains("this is a cURL command, not an OpenAPI document"), "{told}");
}
