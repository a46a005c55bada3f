//! Models that are deployed once, so that their jobs carry no configuration of their own.

use std::path::PathBuf;

use harness::engine::{Engine, Received};
use harness::test_app::TestApp;
use harness::third_party::{Reply, ThirdParty};
use serde_json::{Value, json};

/// A model of the process `order` whose element `call` uses this resource.
fn model(app: &TestApp, resource: &str) -> PathBuf {
    let text = format!(
        r#"<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:conn="urn:data-connector:bpmn:1">
              <process id="order" isExecutable="true"><serviceTask id="call"><extensionElements>
              <conn:dataConnector connector="API" resource="{resource}"><conn:output variable="path" source="path"/>
              </conn:dataConnector></extensionElements></serviceTask></process></definitions>"#
    );
    app.file(&format!("{resource}.bpmn"), &text)
}

/// An app with resources `one` and `two`, which reply with their own path, and with two versions of `order`: 1 uses `one`, and
/// `spring`, which is newer, uses `two`.
async fn two_versions() -> (ThirdParty, TestApp) {
    let third_party = ThirdParty::start(|seen, _| Reply::json(&json!({"path": seen.path}))).await;
    let app = TestApp::new();
    app.import_resources(json!({"one": {"url": third_party.url("/one")}, "two": {"url": third_party.url("/two")}}))
        .await;
    let deployed = app.cli(&["deploy", &model(&app, "one").display().to_string(), "--format", "json"]).await;
    assert!(deployed.contains(r#""version": "1""#), "{deployed}");
    app.cli(&["deploy", &model(&app, "two").display().to_string(), "--version", "spring"]).await;
    (third_party, app)
}

/// Publishes a job of this version without a configuration; `null` is the newest. Returns its result.
async fn result_of(engine: &mut Engine, id: &str, version: Value) -> Received {
    let process = json!({"id": "order", "version": version});
    engine.publish(&json!({"id": id, "request": {"id": 1}, "element": {"id": "call"}, "process": process})).await;
    let result = engine.result().await;
    assert_eq!(result.body["job"], id);
    result
}

#[tokio::test]
async fn a_version_is_never_replaced_by_other_content() {
    let (_third_party, app) = two_versions().await;
    let one = model(&app, "one").display().to_string();
    let (code, problem) = app.cli_error(&["deploy", &one, "--version", "spring"]).await;
    assert!(code == 1 && problem.contains("deployed with other content"), "{code} {problem}");
}

#[tokio::test]
async fn a_job_uses_the_version_it_names_and_else_the_newest() {
    let (_third_party, app) = two_versions().await;
    let _worker = app.worker(&[]).await;
    let mut engine = app.engine().await;
    for (id, version, expected) in
        [("j1", json!(null), "/two"), ("j2", json!(1), "/one"), ("j3", json!("spring"), "/two")]
    {
        assert_eq!(result_of(&mut engine, id, version).await.body["data"], json!({"path": expected}), "{id}");
    }
}

#[tokio::test]
async fn a_job_of_an_unknown_version_fails_and_names_it() {
    let (_third_party, app) = two_versions().await;
    let _worker = app.worker(&[]).await;
    let failed = result_of(&mut app.engine().await, "j1", json!("9")).await;
    assert_eq!(failed.code(), "CONFIGURATION");
    assert!(failed.body["error"]["message"].as_str().unwrap().contains("version 9 of process `order`"));
}

#[tokio::test]
async fn versions_are_listed_from_the_newest() {
    let (_third_party, app) = two_versions().await;
    let listed: Value = serde_json::from_str(&app.cli(&["models", "list", "--format", "json"]).await).unwrap();
    let listed: Vec<&Value> = listed.as_array().unwrap().iter().map(|model| &model["version"]).collect();
    assert_eq!(listed, ["spring", "1"]);
    let table = app.cli(&["models", "list", "order"]).await;
    assert!(table.starts_with("process  version  elements  deployed") && table.contains("one.bpmn"), "{table}");
}

#[tokio::test]
async fn the_newest_version_is_shown_with_its_elements() {
    let (_third_party, app) = two_versions().await;
    let shown: Value = serde_json::from_str(&app.cli(&["models", "show", "order"]).await).unwrap();
    assert_eq!(
        (&shown["version"], &shown["elements"]["call"]["config"]["endpoint"]),
        (&json!("spring"), &json!("two"))
    );
}

#[tokio::test]
async fn without_a_removed_version_the_one_before_is_the_newest() {
    let (_third_party, app) = two_versions().await;
    let output = app.cli(&["models", "remove", "order", "spring"]).await;
    assert_eq!(output, "removed version spring of process `order`\n");
    let table = app.cli(&["models", "list", "order"]).await;
    assert!(table.starts_with("process  version  elements  deployed") && table.contains("one.bpmn"), "{table}");
    let _worker = app.worker(&[]).await;
    let mut engine = app.engine().await;
    assert_eq!(result_of(&mut engine, "j1", json!(null)).await.body["data"], json!({"path": "/one"}));
    assert_eq!(result_of(&mut engine, "j2", json!("spring")).await.code(), "CONFIGURATION");
}

/// The element was prepared for jobs of the removed version; jobs that come after it are prepared anew.
#[tokio::test]
async fn a_running_worker_stops_using_a_removed_version() {
    let (_third_party, app) = two_versions().await;
    let _worker = app.worker(&[]).await;
    let mut engine = app.engine().await;
    assert_eq!(result_of(&mut engine, "j1", json!("spring")).await.body["data"], json!({"path": "/two"}));
    app.cli(&["models", "remove", "order", "spring"]).await;
    assert_eq!(result_of(&mut engine, "j2", json!(null)).await.body["data"], json!({"path": "/one"}));
    assert_eq!(result_of(&mut engine, "j3", json!("spring")).await.code(), "CONFIGURATION");
}

#[tokio::test]
async fn a_version_that_is_not_deployed_is_named_with_those_that_are() {
    let (_third_party, app) = two_versions().await;
    app.cli(&["models", "remove", "order", "spring"]).await;
    for (arguments, expected) in [
        (vec!["remove", "order", "spring"], "version spring of process `order` is not deployed; there are: 1"),
        (vec!["show", "order", "--version", "9"], "version 9 of process `order` is not deployed; there are: 1"),
        (vec!["show", "nothing"], "nothing of process `nothing` is deployed"),
    ] {
        let (code, problem) = app.cli_error(&[&["models"], &arguments[..]].concat()).await;
        assert!(code == 1 && problem.contains(expected), "{arguments:?}: {problem}");
    }
}
