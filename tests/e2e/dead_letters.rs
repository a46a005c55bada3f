//! Dead letters are listed, shown and published again.

use harness::engine::Envelope;
use harness::test_app::{TestApp, job};
use harness::third_party::ThirdParty;
use serde_json::{Value, json};

#[tokio::test]
async fn a_dead_letter_is_published_again_under_its_own_id() {
    let third_party = ThirdParty::friendly().await;
    let app = TestApp::new();
    app.import_resources(json!({"r": {"url": third_party.url("/")}})).await;
    let strict = app.file("strict.toml", "[limits]\njob_bytes = 100\n");
    let worker = app.worker(&["--config", &strict.display().to_string()]).await;
    let mut engine = app.engine().await;
    let headers = [("tenant".to_owned(), "blue".to_owned())].into();
    let envelope = Envelope {
        message_id: Some("j1".to_owned()),
        correlation_id: Some("c1".to_owned()),
        headers,
        ..Envelope::default()
    };
    engine.publish_with(&job("j1", "r", &[], json!({})), envelope).await;
    let letter = app.dead_letters(1).await.remove(0);
    assert_eq!((letter["reason"].as_str(), letter["job"].as_str()), (Some("JOB_TOO_LARGE"), Some("j1")));
    let shown: Value = serde_json::from_str(&app.cli(&["dead", "show", &letter["id"].to_string()]).await).unwrap();
    assert_eq!(shown["properties"]["headers"]["tenant"], "blue");
    assert!(worker.terminate().await == Some(0));

    let _worker = app.worker(&[]).await;
    let output = app.cli(&["dead", "replay", &letter["id"].to_string()]).await;
    assert_eq!(output.trim(), format!("published {} again", letter["id"]));
    let result = engine.result().await;
    assert_eq!((result.message_id.as_str(), result.status()), ("j1", "completed"));
    assert_eq!(result.correlation_id.as_deref(), Some("c1"));
    assert!(app.dead_letters(0).await.is_empty());
    let all: Value = serde_json::from_str(&app.cli(&["dead", "list", "--all", "--format", "json"]).await).unwrap();
    assert!(all[0]["replayed_at"].is_string());
    let (code, problem) = app.cli_error(&["dead", "show", "999"]).await;
    assert_eq!((code, problem.trim()), (1, "error: there is no dead letter 999"));
}
