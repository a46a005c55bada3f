//! Dead letters are listed, shown and published again.

use harness::engine::Envelope;
use harness::test_app::{TestApp, job};
use harness::third_party::ThirdParty;
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable};
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

#[tokio::test]
async fn a_dead_letter_has_everything_that_its_message_had() {
    let app = TestApp::new();
    let _worker = app.worker(&[]).await;
    let engine = app.engine().await;
    let mut table = FieldTable::default();
    table.insert("a".into(), AMQPValue::LongInt(1));
    table.insert("b".into(), AMQPValue::FieldArray(vec![AMQPValue::LongString("x".into()), AMQPValue::Void].into()));
    let mut headers = FieldTable::default();
    headers.insert("table".into(), AMQPValue::FieldTable(table));
    let properties = BasicProperties::default()
        .with_message_id("m-1".into())
        .with_app_id("my-engine".into())
        .with_priority(3)
        .with_content_encoding("gzip".into())
        .with_user_id("guest".into())
        .with_timestamp(1_700_000_000)
        .with_expiration("60000".into())
        .with_headers(headers);
    let exchange = format!("{}.jobs", app.prefix());
    engine.send(&exchange, "job.default", b"\xff\xfe\x00\x01", properties).await;
    let letter = app.dead_letters(1).await.remove(0)["id"].to_string();
    let shown: Value = serde_json::from_str(&app.cli(&["dead", "show", &letter]).await).unwrap();
    assert_eq!((shown["body_base64"].as_str(), shown.get("body")), (Some("//4AAQ=="), None));
    let properties = &shown["properties"];
    assert_eq!(properties["headers"]["table"], json!({"a": 1, "b": ["x", null]}));
    for (name, expected) in [
        ("message_id", json!("m-1")),
        ("app_id", json!("my-engine")),
        ("priority", json!(3)),
        ("content_encoding", json!("gzip")),
        ("user_id", json!("guest")),
        ("timestamp", json!(1_700_000_000)),
        ("expiration", json!("60000")),
    ] {
        assert_eq!(properties[name], expected, "{name}");
    }

    for n in 0..5 {
        let envelope = Envelope { correlation_id: Some(format!("c{n}")), ..Envelope::default() };
        engine.publish_bytes(b"{}", envelope).await;
    }
    let letters = app.dead_letters(6).await;
    let (code, problem) = app.cli_error(&["dead", "remove", &letter, "999"]).await;
    assert_eq!((code, problem.trim()), (1, "error: there is no dead letter 999"));
    assert_eq!(app.cli(&["dead", "remove", &letter]).await.trim(), format!("removed {letter}"));
    assert_eq!(app.dead_letters(5).await.len(), letters.len() - 1);
}
