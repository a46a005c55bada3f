//! Every authentication type of `deploy/SECRETS.md`, imported as YAML and used against a server that records it.

use std::collections::BTreeSet;

use harness::test_app::{TestApp, job};
use harness::third_party::{Reply, Seen, ThirdParty};
use harness::{path_with_binary, repository};
use serde_json::{Value, json};

/// Issues tokens, sends a digest challenge to requests without a digest, and answers everything else with 200.
fn answer(seen: &Seen, before: usize) -> Reply {
    if seen.path == "/token" {
        let given = json!({"access_token": format!("token-{before}"), "token_type": "Bearer", "expires_in": 3600});
        return Reply::json(&given);
    }
    let is_answered = seen.header("authorization").starts_with("Digest ");
    if seen.path == "/digest" && !is_answered {
        let challenge = r#"Digest realm="here", qop="auth", algorithm=SHA-256, nonce="n0nce", opaque="o""#;
        return Reply::status(401, &json!({})).with("www-authenticate", challenge);
    }
    Reply::json(&json!({"ok": true}))
}

/// The connectors file: one connector for each type, with a resource `r` at a path of its own.
fn connectors(third_party: &ThirdParty) -> String {
    let (token, here) = (third_party.url("/token"), |path: &str| third_party.url(path));
    let one = |name: &str, kind: &str, credentials: &str, path: &str| {
        format!(
            "- name: {name}\n  authtype: {kind}\n  credentials:\n{}\n  endpoints:\n    r: {{url: \"{}\", method: GET}}\n",
            credentials.lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n"),
            here(path)
        )
    };
    let client = format!("url: {token}\nclient_id: me\n");
    [
        format!("- name: none\n  authtype: NONE\n  endpoints:\n    r: {{url: \"{}\", method: GET}}\n", here("/none")),
        one("basic", "BASIC", "username: ada\npassword: \"pa:ss\"", "/basic"),
        one("bearer", "OAUTH2_BEARER", "token: b3arer", "/bearer"),
        one(
            "password",
            "OAUTH2_PASSWORD",
            &format!("{client}client_secret: s\nusername: ada\npassword: pass"),
            "/password",
        ),
        one("client", "OAUTH2_CLIENT_CREDENTIALS", &format!("{client}client_secret: s\nscope: read"), "/client"),
        one("refresh", "OAUTH2_REFRESH", &format!("{client}refresh_token: r0"), "/refresh"),
        one("key_header", "API_KEY", "name: X-Key\nvalue: k3y\nin: header", "/key_header"),
        one("key_query", "API_KEY", "name: key\nvalue: k3y\nin: query", "/key_query"),
        one("digest", "DIGEST", "username: ada\npassword: pass", "/digest"),
        one("aws", "AWS_SIGV4", "access_key_id: AK\nsecret_access_key: sk\nregion: eu-1\nservice: api", "/aws"),
        one("headers", "HEADERS", "X-Who: \"{{secret:WHO}}\"\nX-Also: plain", "/headers"),
    ]
    .concat()
}

/// The connector, a header, and the beginning of its value; without a header, of the path.
const SEEN: [(&str, &str, &str); 11] = [
    ("none", "authorization", ""),
    ("basic", "authorization", "Basic YWRhOnBhOnNz"),
    ("bearer", "authorization", "Bearer b3arer"),
    ("password", "authorization", "Bearer token-"),
    ("client", "authorization", "Bearer token-"),
    ("refresh", "authorization", "Bearer token-"),
    ("key_header", "x-key", "k3y"),
    ("key_query", "", "/key_query?key=k3y"),
    ("digest", "authorization", r#"Digest username="ada", realm="here", nonce="n0nce", uri="/digest""#),
    ("aws", "authorization", "AWS4-HMAC-SHA256 Credential=AK/"),
    ("headers", "x-who", "grace hopper"),
];

#[tokio::test]
async fn every_authentication_type_of_the_page_is_sent() {
    let third_party = ThirdParty::start(answer).await;
    let app = TestApp::new();
    let file = app.file("connectors.yaml", &connectors(&third_party)).display().to_string();
    app.cli(&["connectors", "import", &file]).await;
    let host = format!("http://127.0.0.1:{}", third_party.port());
    app.cli_with(&["secrets", "set", "WHO", "--host", &host], "grace hopper").await;
    for (name, header, expected) in SEEN {
        let output = app.cli(&["connectors", "test", name, "r"]).await;
        assert!(!output.contains("grace") && !output.contains("b3arer"), "{output}");
        let last = third_party.seen().pop().expect("a call");
        let sent = if header.is_empty() { last.path.as_str() } else { last.header(header) };
        let fits = if expected.is_empty() { sent.is_empty() } else { sent.starts_with(expected) };
        assert!(fits, "{name}: {header} is `{sent}`");
    }
    let token_requests: Vec<String> =
        third_party.seen().into_iter().filter(|s| s.path == "/token").map(|s| s.body).collect();
    assert!(
        token_requests[0].contains("grant_type=password") && token_requests[0].contains("username=ada"),
        "{token_requests:?}"
    );
    assert!(
        token_requests[1].contains("grant_type=client_credentials") && token_requests[1].contains("scope=read"),
        "{token_requests:?}"
    );
    assert!(
        token_requests[2].contains("grant_type=refresh_token") && token_requests[2].contains("refresh_token=r0"),
        "{token_requests:?}"
    );

    let page = std::fs::read_to_string(repository().join("deploy/SECRETS.md")).expect("the page");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let kinds: BTreeSet<&str> =
        rows.filter(|kind| kind.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')).collect();
    let text = connectors(&third_party);
    let tried = text.lines().filter_map(|line| line.trim().strip_prefix("authtype: "));
    // Somebody has to consent first: tests of the API's accounts do.
    let tried: BTreeSet<&str> = tried.chain(["OAUTH2_AUTHORIZATION_CODE"]).collect();
    assert_eq!(kinds, tried, "the page and this test know the same kinds");
}

#[tokio::test]
async fn the_commands_and_the_file_of_the_page_are_accepted() {
    let app = TestApp::new();
    let page = std::fs::read_to_string(repository().join("deploy/SECRETS.md")).expect("the page");
    let blocks = |kind: &str| -> Vec<String> {
        let begin = format!("```{kind}\n");
        let found = page.split(&begin).skip(1).filter_map(|rest| rest.split("```").next());
        found.map(ToOwned::to_owned).collect()
    };
    let file = app.file("orders.yaml", &blocks("yaml").concat()).display().to_string();
    app.cli(&["connectors", "import", &file]).await;
    let commands = blocks("sh").concat();
    assert!(commands.lines().count() >= 7, "{commands}");
    let mut shell = app.program("bash", &["-c", &format!("set -eux\n{commands}")]);
    harness::process::succeed(shell.env("PATH", path_with_binary())).await;
}

/// A running worker uses credentials that were encrypted again, and those that are set later.
#[tokio::test]
async fn keys_rotate_while_a_worker_runs() {
    let third_party = ThirdParty::start(answer).await;
    let app = TestApp::new();
    let connector = |token: &str| {
        json!([{"name": "API", "authtype": "OAUTH2_BEARER", "credentials": {"token": token},
            "endpoints": {"r": {"url": third_party.url("/{{n}}")}}}])
    };
    app.import_connectors(&connector("first-token")).await;
    let _worker = app.worker(&[]).await;
    let mut engine = app.engine().await;
    for round in 0..4 {
        engine.publish(&job(&format!("j{round}"), "r", &[], json!({"n": round}))).await;
        assert_eq!(engine.result().await.status(), "completed");
        app.cli(&["keys", "rotate"]).await;
        if round == 2 {
            app.import_connectors(&connector("later-token")).await;
            // Workers see a change within 5 seconds (CONTRACT 7).
            tokio::time::sleep(std::time::Duration::from_secs(5)).await;
            app.cli(&["keys", "retire"]).await;
        }
    }
    let keys: Value = serde_json::from_str(&app.cli(&["keys", "list", "--format", "json"]).await).expect("JSON");
    assert_eq!(keys.as_array().map(Vec::len), Some(2), "retired but for the last two: {keys}");
    let seen = third_party.seen();
    let tokens: Vec<&str> = seen.iter().map(|s| s.header("authorization")).collect();
    assert_eq!(tokens, ["Bearer first-token", "Bearer first-token", "Bearer first-token", "Bearer later-token"]);
}
