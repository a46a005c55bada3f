//! Credentials reach their third party, and appear nowhere else.

use std::os::unix::fs::PermissionsExt;

use base64::Engine as _;
use harness::test_app::{TestApp, job};
use harness::third_party::{Reply, ThirdParty};
use serde_json::json;

const TOKEN: &str = "canary-3f9a\"%7x";

#[tokio::test]
async fn a_token_is_encrypted_at_rest_and_in_no_log_export_or_result() {
    let third_party = ThirdParty::start(|_, _| Reply::status(401, &json!({"message": "no"}))).await;
    let app = TestApp::new();
    let connector = json!([{"name": "API", "authtype": "OAUTH2_BEARER", "credentials": {"token": TOKEN},
        "endpoints": {"r": {"url": third_party.url("/")}}}]);
    app.import_connectors(&connector).await;
    let worker = app.worker(&["--listen", "127.0.0.1:0"]).await;
    let mut engine = app.engine().await;
    engine.publish(&job("j1", "r", &[], json!({}))).await;
    let result = engine.result().await;
    assert_eq!(result.code(), "HTTP_401");
    assert_eq!(third_party.seen()[0].header("authorization"), format!("Bearer {TOKEN}"));

    let export = app.cli(&["connectors", "export"]).await;
    assert!(export.contains("\"name\": \"API\"") && !export.contains("credentials"), "{export}");
    let mut database = Vec::new();
    for suffix in ["", "-wal"] {
        let mut path = app.sqlite_file().into_os_string();
        path.push(suffix);
        database.extend(std::fs::read(path).expect("the database's files"));
    }
    for text in [&result.body.to_string(), &worker.output(), &export, &String::from_utf8_lossy(&database).into_owned()]
    {
        assert!(!text.contains("canary-3f9a"), "{text}");
    }
    // Importing without credentials keeps them.
    app.import_connectors(
        &json!([{"name": "API", "authtype": "OAUTH2_BEARER", "endpoints": {"r": {"url": third_party.url("/2")}}}]),
    )
    .await;
    app.cli_error(&["connectors", "test", "API", "r"]).await;
    let last = third_party.seen().pop().expect("a call");
    assert_eq!((last.path.as_str(), last.header("authorization")), ("/2", format!("Bearer {TOKEN}").as_str()));
}

/// Secrets are in its memory.
#[tokio::test]
async fn no_process_leaves_its_memory_behind() {
    let app = TestApp::new();
    let worker = app.worker(&[]).await;
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", worker.pid())).expect("its limits");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).expect("a limit of core dumps");
    let words: Vec<&str> = core.split_whitespace().collect();
    assert_eq!(words.get(4..6), Some(["0", "0"].as_slice()), "{core}");
}

#[tokio::test]
async fn another_vault_key_is_refused() {
    let app = TestApp::new();
    app.import_resources(json!({"r": {"url": "https://api.example.com/"}})).await;
    let mut command = app.command(&["connectors", "list"]);
    command.env("DATA_CONNECTOR__VAULT__KEY", "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=");
    let output = harness::process::run(&mut command).await;
    let problem = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(64));
    assert!(problem.contains("the vault's key is not the one this database was used with"), "{problem}");
    let key = std::fs::metadata(app.path("data-connector/data-connector.sqlite.key")).expect("a key file");
    assert_eq!(key.permissions().mode() & 0o777, 0o600);
}

/// With PostgreSQL: `keys new` prints a key into a file, and no command works with another one.
#[tokio::test]
async fn a_printed_key_encrypts_and_decrypts() {
    let third_party = ThirdParty::friendly().await;
    let app = TestApp::new().with_postgres().await;
    let key = app.path("vault.key").display().to_string();
    let other = app.path("other.key").display().to_string();
    for file in [&key, &other] {
        let print = format!("umask 077 && data-connector keys new > {file}");
        let mut shell = app.program("bash", &["-c", &print]);
        harness::process::succeed(shell.env("PATH", harness::path_with_binary())).await;
    }
    let text = |file: &String| std::fs::read_to_string(file).expect("a key");
    let decoded = base64::engine::general_purpose::STANDARD.decode(text(&key).trim()).expect("base64");
    assert!(decoded.len() == 32 && text(&key) != text(&other) && text(&key).lines().count() == 1, "{}", text(&key));

    let with = |key: Option<&str>, arguments: &[&str]| {
        let mut command = app.command(arguments);
        command.env_remove("DATA_CONNECTOR__VAULT__KEY").envs(key.map(|key| ("DATA_CONNECTOR__VAULT__KEY_FILE", key)));
        command
    };
    let refused = harness::process::run(&mut with(None, &["migrate"])).await;
    let problem = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(64) && problem.contains("data-connector keys new"), "{problem}");
    harness::process::succeed(&mut with(Some(&key), &["migrate"])).await;
    let connector = json!([{"name": "API", "authtype": "OAUTH2_BEARER", "credentials": {"token": TOKEN},
        "endpoints": {"r": {"url": third_party.url("/")}}}]);
    let records = app.file("connectors.json", &connector.to_string()).display().to_string();
    harness::process::succeed(&mut with(Some(&key), &["connectors", "import", &records])).await;
    harness::process::succeed(&mut with(Some(&key), &["connectors", "test", "API", "r"])).await;
    assert_eq!(third_party.seen()[0].header("authorization"), format!("Bearer {TOKEN}"));
    let refused = harness::process::run(&mut with(Some(&other), &["connectors", "test", "API", "r"])).await;
    assert_eq!(refused.status.code(), Some(64), "{}", String::from_utf8_lossy(&refused.stderr));
    assert_eq!(third_party.seen().len(), 1);
}
