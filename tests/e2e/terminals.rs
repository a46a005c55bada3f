//! Texts of other people on a terminal and in the log: whatever they hold, nothing is obeyed and no line is forged.

use harness::api::sent;
use harness::engine::Envelope;
use harness::process::run;
use harness::test_app::{TestApp, job};
use harness::third_party::{Reply, ThirdParty};
use serde_json::{Value, json};

/// Clears the screen, sets a title, links, begins a command with one character, turns what follows around; and forges a line.
const HOSTILE: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{1b}]8;;http://x\u{1b}\\\u{9b}31m\u{90}q\u{9c}\u{7f}\u{8}\r\u{202e}\u{2066}\u{61c}\u{2028}\nINFO forged";
/// The same without control characters, which names may not have.
const TURNED: &str = "N\u{202e}\u{2067}\u{61c}\u{200f}x";
/// A collection, whose connector has its name.
const COLLECTION: &str = "C\u{202e}\u{61c}x";

/// What a terminal would obey, and lines that are forged where each line begins with something else.
fn obeyed(text: &str) -> Vec<String> {
    let is_command = |c: char| {
        (c.is_control() && !matches!(c, '\n' | '\t'))
            || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let lines = text.lines().filter(|line| line.contains(is_command));
    lines.map(|line| line.escape_debug().to_string()).collect()
}

fn forged(text: &str) -> bool {
    text.lines().any(|line| line.starts_with("INFO forged"))
}

/// One of everything that people and engines bring in.
async fn filled(app: &TestApp, format: &str) -> String {
    let third_party = ThirdParty::start(|_, _| Reply::status(500, &json!({"error": HOSTILE}))).await;
    let resource = json!({"url": third_party.url("/r"), "description": HOSTILE});
    app.import_connectors(&json!([
        {"name": "API", "description": HOSTILE, "endpoints": {"r": resource}},
        {"name": TURNED, "endpoints": {TURNED: resource}},
    ]))
    .await;
    let worker = app.worker_with(&[], &[("DATA_CONNECTOR__LOG__FORMAT", format), ("RUST_LOG", "debug")]).await;
    let mut engine = app.engine().await;
    let mut hostile = job("j1", "r", &[("x", "x")], json!({"a": HOSTILE}));
    hostile["request"]["id"] = json!(HOSTILE);
    hostile["element"] = json!({"id": HOSTILE, "name": HOSTILE});
    hostile["process"] = json!({"id": HOSTILE, "version": HOSTILE});
    engine.publish(&hostile).await;
    assert_eq!(engine.result().await.code(), "HTTP_500");
    let text = Some(HOSTILE.to_owned());
    let envelope =
        Envelope { message_id: text.clone(), kind: text.clone(), correlation_id: text.clone(), ..Envelope::default() };
    engine.publish_bytes(format!("not json {HOSTILE}").as_bytes(), envelope).await;
    let unknown = json!({"id": HOSTILE, "engine": HOSTILE, "element": HOSTILE});
    engine.publish_bytes(unknown.to_string().as_bytes(), Envelope::default()).await;
    app.dead_letters(2).await;
    worker.output()
}

/// Files with hostile texts or names, and the number of a dead letter.
struct Files {
    broken: String,
    yaml: String,
    settings: String,
    model: String,
    number: String,
}

/// Every verb that shows or names what other people wrote.
fn verbs(files: &Files) -> Vec<Vec<&str>> {
    let Files { broken, yaml, settings, model, number } = files;
    let [broken, yaml, settings, model, number] = [broken, yaml, settings, model, number].map(String::as_str);
    vec![
        vec!["jobs", "list"],
        vec!["jobs", "list", "--format", "json"],
        vec!["jobs", "show", "j1"],
        vec!["jobs", "show", HOSTILE],
        vec!["jobs", "cancel", HOSTILE],
        vec!["jobs", "replay", HOSTILE],
        vec!["jobs", "list", "--limit", HOSTILE],
        vec!["dead", "list"],
        vec!["dead", "list", "--format", "json"],
        vec!["dead", "show", number],
        vec!["dead", "show", HOSTILE],
        vec!["dead", "replay", number],
        vec!["connectors", "list"],
        vec!["connectors", "list", "--format", "json"],
        vec!["connectors", "export"],
        vec!["connectors", "export", HOSTILE],
        vec!["connectors", "test", "API", "r"],
        vec!["connectors", "test", TURNED, HOSTILE],
        vec!["connectors", "import", broken],
        vec!["connectors", "import", yaml],
        vec!["connectors", "import", "--from", "openapi", yaml],
        vec!["connectors", "import", HOSTILE],
        vec!["collections", "list"],
        vec!["collections", "show", COLLECTION],
        vec!["collections", "show", HOSTILE],
        vec!["collections", "query", COLLECTION, "data.a != \"\""],
        vec!["collections", "query", COLLECTION, "data.a != \"\"", "--format", "json"],
        vec!["collections", "query", COLLECTION, HOSTILE],
        vec!["collections", "import", COLLECTION, broken],
        vec!["secrets", "set", HOSTILE],
        vec!["secrets", "remove", HOSTILE],
        vec!["secrets", "list"],
        vec!["tokens", "list"],
        vec!["tokens", "revoke", HOSTILE],
        vec!["tokens", "create", HOSTILE],
        vec!["inspect", model],
        vec!["lint", model],
        vec!["lint", model, "--format", "json"],
        vec!["lint", model, "--format", "sarif"],
        vec!["lint", yaml],
        vec!["deploy", model],
        vec!["models", "list"],
        vec!["models", "show", "p"],
        vec!["models", "show", HOSTILE],
        vec!["run", model, "--element", "call"],
        vec!["run", model, "--element", HOSTILE],
        vec!["convert", model],
        vec!["convert", HOSTILE],
        vec!["audit", "list"],
        vec!["audit", "list", "--format", "json"],
        vec!["keys", "list"],
        vec!["worker", "--config", settings],
        vec!["worker", "--config", HOSTILE],
        vec!["worker", "--listen", HOSTILE],
        vec![HOSTILE],
        vec!["jobs", HOSTILE],
    ]
}

#[tokio::test]
async fn no_verb_prints_what_a_terminal_obeys() {
    let app = TestApp::new();
    filled(&app, "text").await;
    let (_process, api) = app.serve(&["serve"]).await;
    let columns = json!([{"field": "data.a", "label": HOSTILE, "type": "string"}]);
    assert_eq!(api.post("/collections", &json!({"name": COLLECTION, "columns": columns})).await.status, 201);
    let record = json!({"data": {"a": HOSTILE}});
    assert_eq!(api.post("/collections/1/records", &record).await.status, 201);
    assert_eq!(api.post("/tokens", &json!({"name": TURNED, "scopes": ["read"]})).await.status, 201);
    assert_eq!(sent(api.request("GET", "/data_sources/%1b%5b2J%c2%9b%e2%80%ae")).await.status, 404);
    let model = format!(
        "<definitions xmlns=\"http://www.omg.org/spec/BPMN/20100524/MODEL\" xmlns:pm=\"http://processmaker.com/BPMN/2.0/Schema.xsd\" \
         id=\"d\" targetNamespace=\"t\"><process id=\"p\" isExecutable=\"true\"><serviceTask id=\"call\" name=\"{TURNED}\u{9b}31m\" \
         implementation=\"package-data-sources/data-source-task-service\" pm:config='{{\"dataSource\": \"{TURNED}\u{9b}31m\"}}'/>\
         </process></definitions>"
    );
    let model = app.file("mo\u{1b}[2Jdel\u{202e}.bpmn", &model).display().to_string();
    let broken = app.file("broken.json", &format!("[{{\"name\": \"A\", \"endpoints\": {{\"{TURNED}\": 7}}}}]"));
    let yaml = app.file("broken.yaml", &format!("name: \"{TURNED}\"\nendpoints: [{TURNED}\u{85}\n"));
    let settings = app.file("settings.toml", &format!("[worker]\n\"pre{TURNED}\\u001b[2J\" = 3\n"));
    let [broken, yaml, settings] = [broken, yaml, settings].map(|path| path.display().to_string());
    let number = app.dead_letters(2).await[0]["id"].to_string();
    let files = Files { broken, yaml, settings, model, number };
    let mut wrong = Vec::new();
    for arguments in verbs(&files) {
        let mut command = app.command(&arguments);
        // Who does it is in the audit log.
        command.env("USER", HOSTILE);
        let output = run(&mut command).await;
        for text in [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()) {
            let is_table = arguments.get(1).is_some_and(|verb| *verb == "list") && !arguments.contains(&"--limit");
            wrong.extend(obeyed(&text).into_iter().map(|line| format!("{arguments:?}: {line}")));
            wrong.extend((is_table && forged(&text)).then(|| format!("{arguments:?}: a forged line in {text}")));
        }
    }
    for (name, value) in [
        ("DATABASE_URL", HOSTILE.to_owned()),
        ("AMQP_URL", format!("amqp://u:p@127.0.0.1:1/{HOSTILE}")),
        ("DATA_CONNECTOR__LOG__FILTER", HOSTILE.to_owned()),
        ("DATA_CONNECTOR__WORKER__PREFETCH", HOSTILE.to_owned()),
        ("DATA_CONNECTOR__HTTP__PROXY", format!("http://x y/{HOSTILE}")),
    ] {
        let output = run(app.command(&["worker"]).env(name, &value)).await;
        assert_ne!(output.status.code(), Some(0), "{name}");
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        wrong.extend(obeyed(&text).into_iter().map(|line| format!("{name}: {line}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn no_line_of_the_log_is_forged() {
    for format in ["text", "json"] {
        let log = filled(&TestApp::new(), format).await;
        assert!(log.contains("owned"), "something of them is in it: {log}");
        assert_eq!(obeyed(&log), Vec::<String>::new(), "{format}");
        assert!(!forged(&log), "{format}: {log}");
        let events = log.lines().filter(|line| format == "json" && !line.starts_with("listening"));
        for line in events {
            assert!(serde_json::from_str::<Value>(line).is_ok(), "no JSON: {line}");
        }
    }
}
