//! Who is let in, and what every answer has (API 1 to 3).

use std::time::Duration;

use harness::api::{Api, sent};
use harness::eventually;
use harness::process;
use harness::test_app::TestApp;
use serde_json::{Value, json};

const SCOPES: [&str; 4] = ["read", "execute", "manage", "admin"];

/// Whether a token of one scope may use a route that needs one of these.
fn covers(own: &str, needed: &str) -> bool {
    needed == "any"
        || needed.split('|').any(|needed| match own {
            "admin" => true,
            "manage" => needed != "admin",
            own => own == needed,
        })
}

/// All operations of the served document: method, path with its parameters filled in, who may use it.
async fn operations(api: &Api) -> Vec<(String, String, String)> {
    let document = api.get("/openapi.json").await.json();
    let mut found = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        let filled = path.replace('{', "no-such-").replace('}', "");
        for (method, operation) in methods.as_object().expect("methods") {
            let scope = operation["x-scope"].as_str().expect("a scope").to_owned();
            found.push((method.to_uppercase(), filled.clone(), scope));
        }
    }
    found
}

#[tokio::test]
async fn every_route_lets_in_whom_its_scope_says() {
    let app = TestApp::new();
    let (_process, admin) = app.serve(&["serve"]).await;
    let operations = operations(&admin).await;
    assert!(operations.len() > 8, "{operations:?}");
    let mut callers = Vec::new();
    for scope in SCOPES {
        callers.push((scope, admin.with_scopes(&[scope], &[]).await));
    }
    for (method, path, needed) in &operations {
        let nobody = sent(admin.with(None).request(method, path)).await;
        if needed == "public" {
            assert_ne!(nobody.status, 401, "{method} {path}");
            continue;
        }
        assert_eq!(nobody.status, 401, "{method} {path}");
        assert_eq!(
            (nobody.json()["message"].as_str(), nobody.header("www-authenticate")),
            (Some("Unauthenticated."), "Bearer")
        );
        for (scope, caller) in &callers {
            // What would change something is refused for its body or its name, not for the caller.
            let status = sent(caller.request(method, path)).await.status;
            assert_eq!(status != 403, covers(scope, needed), "{method} {path} needs {needed}, {scope} got {status}");
            assert_ne!(status, 500, "{method} {path} as {scope}");
        }
    }
}

#[tokio::test]
async fn refusals_come_in_their_order_and_every_answer_has_its_headers() {
    let app = TestApp::new();
    let (_process, admin) = app.serve(&["serve"]).await;
    let reader = admin.with_scopes(&["read"], &[]).await;
    let nobody = admin.with(None);
    for (caller, method, path, status, code) in [
        (&nobody, "GET", "/tokens/%zz", 400, "BAD_REQUEST"),
        (&nobody, "GET", "/tokens/a%00b", 400, "BAD_REQUEST"),
        (&nobody, "GET", "/nothing", 401, "UNAUTHENTICATED"),
        (&admin, "GET", "/nothing", 404, "NOT_FOUND"),
        (&admin, "GET", "/tokens/", 404, "NOT_FOUND"),
        (&admin, "PATCH", "/tokens", 405, "METHOD_NOT_ALLOWED"),
        (&reader, "GET", "/tokens", 403, "FORBIDDEN"),
        (&reader, "GET", "/tokens/999", 403, "FORBIDDEN"),
        (&admin, "GET", "/tokens/999", 404, "NOT_FOUND"),
        (&admin, "GET", "/tokens?per_page=0", 422, "INVALID"),
        (&admin, "GET", "/tokens?order_by=hash", 422, "INVALID"),
    ] {
        let answer = sent(caller.request(method, path).header("x-request-id", "my-id")).await;
        assert_eq!((answer.status, answer.json()["code"].as_str()), (status, Some(code)), "{method} {path}");
        assert_eq!((answer.json()["request_id"].as_str(), answer.header("x-request-id")), (Some("my-id"), "my-id"));
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("content-security-policy"), "default-src 'none'; sandbox");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    // What is not JSON is told before what is not there.
    for path in [
        "/requests/data_sources/none",
        "/requests/7/data_sources/none",
        "/requests/data_sources/none/resources/none/data",
        "/data_sources/none/test",
        "/data_sources/none/connect",
        "/jobs/none/cancel",
        "/jobs/none/replay",
        "/dead_letters/99/replay",
    ] {
        let broken = sent(admin.request("POST", path).body("{")).await;
        assert_eq!((broken.status, broken.json()["code"].as_str()), (400, Some("BAD_REQUEST")), "{path}");
        let other = sent(admin.request("POST", path).header("content-type", "text/plain").body("{}")).await;
        assert_eq!(other.status, 415, "{path}");
        let missing = sent(admin.request("POST", path).header("content-type", "").body("{}")).await;
        assert_eq!(missing.status, 404, "{path}: {}", missing.body);
        // No bytes are an empty object where all members are optional.
        let nothing = sent(admin.request("POST", path)).await.status;
        let is_optional = ["/data", "/cancel", "/connect", "/replay"].iter().any(|end| path.ends_with(end));
        assert_eq!(nothing, if is_optional { 404 } else { 400 }, "{path}");
    }
    let ignored = sent(admin.request("GET", "/requests/data_sources/none/resources/none/data").body("{")).await;
    assert_eq!(ignored.status, 404, "a body of GET has no meaning");
    let allowed = sent(admin.request("PATCH", "/tokens")).await;
    assert_eq!(allowed.header("allow"), "GET, POST, HEAD");
    let odd = sent(admin.request("GET", "/me").header("x-request-id", "a b")).await;
    assert_eq!(odd.header("x-request-id").len(), 36, "a new one");
    let (head, whole) = (sent(admin.request("HEAD", "/me")).await, admin.get("/me").await);
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert_eq!(head.header("content-length"), whole.body.len().to_string(), "as of GET");
}

#[tokio::test]
async fn bodies_are_read_as_they_are_allowed_to_be() {
    let app = TestApp::new();
    let (_process, admin) = app.serve_with(&["serve"], &[("DATA_CONNECTOR__API__BODY_BYTES", "1000")]).await;
    let post = |kind: &'static str, body: String| {
        let request = admin.request("POST", "/tokens").body(body);
        async move { sent(if kind.is_empty() { request } else { request.header("content-type", kind) }).await }
    };
    let token = |name: &str| json!({"name": name, "scopes": ["read"]}).to_string();
    for (kind, body, status) in [
        ("application/json", token("a"), 201),
        ("application/vnd.x+json; charset=utf-8", token("b"), 201),
        ("", token("c"), 201),
        ("text/plain", token("d"), 415),
        ("application/json", "{".to_owned(), 400),
        ("application/json", String::new(), 400),
        ("application/json", "[]".to_owned(), 422),
        ("application/json", "[1]".to_owned(), 422),
        ("application/json", format!("{}{}", "[".repeat(300), "]".repeat(300)), 400),
        ("application/json", token(&"x".repeat(2_000)), 413),
    ] {
        assert_eq!(post(kind, body.clone()).await.status, status, "{kind} {body}");
    }
    let taken = post("", token("a")).await;
    assert_eq!(taken.status, 422);
    assert!(taken.json()["errors"]["name"][0].is_string(), "{}", taken.body);
    for (body, field) in [
        (json!({"name": "", "scopes": ["read"]}), "name"),
        (json!({"name": "n", "scopes": []}), "scopes"),
        (json!({"name": "n", "scopes": ["root"]}), "scopes"),
        (json!({"name": "n", "scopes": ["read"], "connectors": []}), "connectors"),
        (json!({"name": "n", "scopes": ["read"], "connectors": ["none"]}), "connectors"),
        (json!({"name": "n", "scopes": ["read"], "expires_at": "2001-01-01T00:00:00Z"}), "expires_at"),
        (json!({"name": "n", "scopes": ["read"], "expires_at": "soon"}), "expires_at"),
    ] {
        let refused = admin.post("/tokens", &body).await;
        assert_eq!(refused.status, 422, "{body}");
        assert!(refused.json()["errors"][field][0].is_string(), "{body}: {}", refused.body);
    }
}

#[tokio::test]
async fn a_token_ends_when_it_is_revoked_or_expires_in_every_process() {
    let app = TestApp::new().with_postgres().await;
    let (_first, admin) = app.serve(&["serve"]).await;
    let (second, other) = app.serve(&["serve"]).await;
    assert!(!second.output().contains("first admin token"), "the first token is made once");
    let other = other.with(Some(admin.token()));
    let made = admin.post("/tokens", &json!({"name": "short", "scopes": ["read"]})).await.json();
    let short = made["token"].as_str().expect("a token");
    assert_eq!(admin.with(Some(short)).get("/me").await.status, 200);
    assert_eq!(other.with(Some(short)).get("/me").await.status, 200);
    assert_eq!(admin.delete(&format!("/tokens/{}", made["id"])).await.status, 204);
    assert_eq!(admin.with(Some(short)).get("/me").await.status, 401, "at once where it was revoked");
    let revoked = std::time::Instant::now();
    eventually("the other process to refuse it", || async {
        (other.with(Some(short)).get("/me").await.status == 401).then_some(())
    })
    .await;
    assert!(revoked.elapsed() < Duration::from_secs(5), "{:?}", revoked.elapsed());
    assert_eq!(admin.delete(&format!("/tokens/{}", made["id"])).await.status, 204, "again");
    assert_eq!(admin.get("/audit").await.json()["data"][0]["action"], "token.revoked");
    let row = admin.get(&format!("/tokens/{}", made["id"])).await.json();
    assert!(row["revoked_at"].is_string() && row["last_used_at"].is_string(), "{row}");
    assert!(row.get("token").is_none());
}

#[tokio::test]
async fn the_command_line_makes_lists_and_revokes_tokens() {
    let app = TestApp::new();
    let (_process, admin) = app.serve_with(&["serve"], &[("DATA_CONNECTOR__API__FIRST_TOKEN", "false")]).await;
    assert_eq!(admin.token(), "");
    let printed = app.cli(&["tokens", "create", "ci", "--scope", "admin", "--expires", "1h"]).await;
    let token = printed.trim();
    assert!(token.starts_with("dct_") && token.len() == 47, "{token}");
    let me = admin.with(Some(token)).get("/me").await.json();
    assert_eq!(
        (me["kind"].as_str(), me["name"].as_str(), &me["scopes"]),
        (Some("token"), Some("ci"), &json!(["admin"]))
    );
    let shown: Value =
        serde_json::from_str(&app.cli(&["tokens", "create", "x", "--scope", "read", "--format", "json"]).await)
            .expect("JSON");
    assert!(shown["token"].is_string() && shown["id"].is_number(), "{shown}");
    let listed = app.cli(&["tokens", "list", "--format", "json"]).await;
    assert!(!listed.contains(token), "the list holds no token");
    assert_eq!(serde_json::from_str::<Value>(&listed).expect("JSON").as_array().map(Vec::len), Some(2));
    app.cli(&["tokens", "revoke", "ci"]).await;
    eventually("the process to refuse it", || async {
        (admin.with(Some(token)).get("/me").await.status == 401).then_some(())
    })
    .await;
    for (arguments, code) in [
        (vec!["tokens", "create", "y", "--scope", "root"], 2),
        (vec!["tokens", "create", "y", "--scope", "read", "--expires", "soon"], 2),
        (vec!["tokens", "create", "y", "--scope", "read", "--expires", "3xd"], 2),
        (vec!["tokens", "create", "y", "--scope", "read", "--expires", "0s"], 2),
        (vec!["tokens", "create", "y", "--scope", "read", "--expires", "2020-01-01T00:00:00Z"], 2),
        (vec!["tokens", "create", "y", "--scope", "admin", "--connector", "none"], 1),
        (vec!["tokens", "create", "x", "--scope", "read"], 1),
        (vec!["tokens", "create", "y", "--scope", "read", "--connector", "none"], 1),
        (vec!["tokens", "revoke", "none"], 1),
    ] {
        assert_eq!(app.cli_error(&arguments).await.0, code, "{arguments:?}");
    }
}

#[tokio::test]
async fn what_comes_too_often_is_told_to_come_later() {
    let app = TestApp::new();
    let variables = [("DATA_CONNECTOR__API__RATE", "5"), ("DATA_CONNECTOR__API__RATE_REFUSED", "5")];
    let (_process, admin) = app.serve_with(&["serve"], &variables).await;
    let mut statuses = Vec::new();
    for _ in 0..12 {
        statuses.push(admin.get("/me").await.status);
    }
    assert!(statuses.contains(&429) && statuses[0] == 200, "{statuses:?}");
    let refused: Vec<_> = {
        let nobody = admin.with(Some("dct_guess"));
        let mut answers = Vec::new();
        for _ in 0..8 {
            answers.push(nobody.get("/me").await);
        }
        answers
    };
    let statuses: Vec<u16> = refused.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [401, 401, 401, 401, 401, 429, 429, 429]);
    assert!(refused[7].header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds >= 1));
    assert_eq!(admin.get("/me").await.status, 429, "the address is asked before the token");
}

#[tokio::test]
async fn pages_of_other_origins_may_use_it_where_the_operator_says_so() {
    let app = TestApp::new();
    let variables = [("DATA_CONNECTOR__API__CORS_ORIGINS", "https://a.example,https://b.example")];
    let (_process, admin) = app.serve_with(&["serve"], &variables).await;
    let preflight = |origin: &'static str| {
        let request = admin.with(None).request("OPTIONS", "/data_sources");
        sent(request.header("origin", origin).header("access-control-request-method", "PUT"))
    };
    let allowed = preflight("https://b.example").await;
    assert_eq!((allowed.status, allowed.header("access-control-allow-origin")), (204, "https://b.example"));
    assert!(allowed.header("access-control-allow-headers").contains("Idempotency-Key"));
    assert_eq!(allowed.header("access-control-max-age"), "600");
    let other = preflight("https://c.example").await;
    assert_eq!((other.status, other.header("access-control-allow-origin")), (204, ""));
    let refused = sent(admin.with(None).request("GET", "/me").header("origin", "https://a.example")).await;
    assert_eq!((refused.status, refused.header("access-control-allow-origin")), (401, "https://a.example"));
    assert_eq!((refused.header("vary"), refused.header("access-control-allow-credentials")), ("Origin", ""));
}

#[tokio::test]
async fn a_worker_answers_health_and_metrics_and_nothing_else() {
    let app = TestApp::new();
    let worker = app.worker(&["--listen", "127.0.0.1:0"]).await;
    let address = worker.address().await;
    assert!(!worker.output().contains("token"));
    for (path, status) in [("/health/live", "200"), ("/metrics", "200"), ("/api/1.0/me", "404"), ("/", "404")] {
        let answer = process::get(&address, path).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{path}: {answer}");
    }
}
