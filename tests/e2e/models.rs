//! Models on the command line: `lint` as text, JSON and SARIF, `convert`, and the schema.

use std::path::Path;

use harness::process::run;
use harness::repository;
use harness::test_app::TestApp;
use serde_json::{Value, json};
use tokio::process::Command;

const MODEL: &str = r#"<?xml version="1.0"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:pm="http://processmaker.com/BPMN/2.0/Schema.xsd">
  <bpmn:process id="order" isExecutable="true">
    <bpmn:serviceTask id="rate" name="Größe"
      implementation="package-data-sources/data-source-task-service"
      pm:config="{&#34;dataSource&#34;:&#34;API&#34;,&#34;endpoint&#34;:&#34;rates&#34;,&#34;queue&#34;:&#34;slow&#34;,&#34;outboundConfig&#34;:[{&#34;type&#34;:&#34;PARAM&#34;,&#34;key&#34;:&#34;base&#34;,&#34;value&#34;:&#34;{{currency&#34;}]}"/>
  </bpmn:process>
</bpmn:definitions>
"#;

const CONNECTORS: &str = "name: API\nendpoints:\n  rate: {url: 'https://h/{{base}}'}\n";

const FINDINGS: &str = r#"error[unknown-resource]: `Größe (rate)`: connector `API` has no resource `rates`
 --> order.bpmn:6:73
  |
6 |       pm:config="{&#34;dataSource&#34;:&#34;API&#34;,&#34;endpoint&#34;:&#34;rates&#34;,&#34;queue&#34;:&#34;slow...
  |                                                                         ^^^^^^^^^^^^^^^
  |
  = help: did you mean `rate`?

warning[unknown-queue]: `Größe (rate)`: `slow` is not a queue that workers consume; its jobs go to `default`
 --> order.bpmn:6:105
  |
6 | ...4;endpoint&#34;:&#34;rates&#34;,&#34;queue&#34;:&#34;slow&#34;,&#34;outboundConfig&#34;:[{&#34;type&#34;:&#34;...
  |                                                    ^^^^^^^^^^^^^^
  |
  = help: there are `default`

error[unparsable-text]: `Größe (rate)`: this template cannot be parsed: `{{` is never closed; write `}}` where it ends
 --> order.bpmn:6:228
  |
6 | ...34;,&#34;key&#34;:&#34;base&#34;,&#34;value&#34;:&#34;{{currency&#34;}]}"/>
  |                                                          ^^
  |
  = help: correct it; until then every job of this element fails with CONFIGURATION

"#;

#[tokio::test]
async fn lint_shows_the_line_and_what_to_change() {
    let app = TestApp::new();
    app.file("order.bpmn", MODEL);
    app.file("api.yaml", CONNECTORS);
    let lint = |more: &[&str]| {
        let mut command = app.command(&[&["lint", "order.bpmn"], more].concat());
        command.current_dir(app.path(""));
        command
    };
    let output = run(&mut lint(&["--connectors", "api.yaml"])).await;
    assert_eq!(String::from_utf8_lossy(&output.stdout), FINDINGS);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "2 errors, 1 warning in 1 file\n");
    assert_eq!(output.status.code(), Some(1));
    assert!(!app.sqlite_file().exists(), "looking for connectors makes no database");

    let output = run(&mut lint(&["--format", "json"])).await;
    let listed: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(listed.as_array().map(Vec::len), Some(2), "without connectors at hand: {listed}");
    let position = json!({"line": 6, "column": 228, "start": 544, "end": 546});
    assert_eq!((&listed[1]["file"], &listed[1]["position"]), (&json!("order.bpmn"), &position));
    assert_eq!((&listed[1]["code"], &listed[1]["severity"]), (&json!("unparsable-text"), &json!("error")));

    app.cli(&["connectors", "import", &app.path("api.yaml").display().to_string()]).await;
    let output = run(&mut lint(&["--format", "json"])).await;
    let listed: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(listed[0]["code"], "unknown-resource", "the store's connectors: {listed}");
}

#[tokio::test]
async fn lint_exits_by_the_severity_of_its_findings() {
    let app = TestApp::new();
    let corrected = MODEL.replace("{{currency", "{{currency}}").replace(";rates&", ";rate&");
    let file = app.file("order.bpmn", &corrected).display().to_string();
    let connectors = app.file("api.yaml", CONNECTORS).display().to_string();
    let base = ["lint", &file, "--connectors", &connectors];
    for (more, code, message) in [
        (&[][..], Some(0), "0 errors, 1 warning in 1 file\n"),
        (&["--deny-warnings"], Some(1), "0 errors, 1 warning in 1 file\n"),
        (&["--deny-warnings", "--queue", "slow"], Some(0), "0 errors, 0 warnings in 1 file\n"),
    ] {
        let output = run(&mut app.command(&[&base, more].concat())).await;
        assert_eq!(String::from_utf8_lossy(&output.stderr), message, "{more:?}");
        assert_eq!(output.status.code(), code, "{more:?}");
    }
    let empty = app.file("data.json", "{}").display().to_string();
    let output = app.cli(&[&base[..], &["--data", &empty]].concat()).await;
    assert!(output.contains("`currency` is read here, and nothing sets it"), "{output}");
    let mut unreachable = app.command(&["lint", &file]);
    unreachable.env("DATABASE_URL", "postgres://u:secret-word@127.0.0.1:1/x");
    let output = run(&mut unreachable).await;
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        message.starts_with("warning: connectors are not checked: ") && !message.contains("secret-word"),
        "{message}"
    );
    assert_eq!(output.status.code(), Some(0), "the model is still checked");
}

#[tokio::test]
async fn sarif_has_the_same_positions() {
    let app = TestApp::new();
    let file = app.file("a b.bpmn", MODEL).display().to_string();
    let output = run(&mut app.command(&["lint", &file, "--format", "sarif"])).await;
    let log: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    assert_eq!((&log["version"], rules.len()), (&json!("2.1.0"), bpmn_ext::lint::RULES.len()));
    let results = run["results"].as_array().expect("results");
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().expect("an index")).expect("a small number");
        assert_eq!(result["ruleId"], rules[index]["id"]);
    }
    let found = &results[1]["locations"][0]["physicalLocation"];
    let region = json!({"startLine": 6, "startColumn": 228, "endLine": 6, "endColumn": 230});
    assert_eq!(found["region"], region);
    let uri = found["artifactLocation"]["uri"].as_str().expect("a URI");
    assert!(uri.starts_with("file:///") && uri.ends_with("/a%20b.bpmn"), "{uri}");
}

#[tokio::test]
async fn rules_are_explained_by_name_and_number() {
    let app = TestApp::new();
    for rule in bpmn_ext::lint::RULES {
        assert_eq!(app.cli(&["lint", "--explain", rule.name]).await, rule.page);
        assert_eq!(app.cli(&["lint", "--explain", &rule.number.to_string()]).await, rule.page);
    }
    let (code, problem) = app.cli_error(&["lint", "--explain", "spelling"]).await;
    assert!(code == 1 && problem.contains("there is no rule `spelling`; there are: unknown-connector, "), "{problem}");
}

#[tokio::test]
async fn convert_writes_a_model_in_another_dialect() {
    let app = TestApp::new();
    let file = app.file("order.bpmn", MODEL).display().to_string();
    let ours = app.cli(&["convert", &file, "--to", "conn"]).await;
    let (start, rest) = MODEL.split_once("\n      implementation=").expect("ProcessMaker's attribute");
    let end = rest.split_once("}]}\"/>").expect("the end of the task").1;
    let expected = format!(
        "{start}>\n      <bpmn:extensionElements>\n        <conn:dataConnector xmlns:conn=\"urn:data-connector:bpmn:1\" \
         connector=\"API\" resource=\"rates\" queue=\"slow\">\n          <conn:input type=\"param\" key=\"base\" \
         value=\"{{{{currency\"/>\n        </conn:dataConnector>\n      </bpmn:extensionElements>\n    </bpmn:serviceTask>{end}"
    );
    assert_eq!(ours, expected);
    assert_eq!(std::fs::read_to_string(&file).expect("the model"), MODEL, "without --output it stays");

    app.cli(&["convert", &file, "--to", "conn", "--output", &file]).await;
    assert_eq!(std::fs::read_to_string(&file).expect("the model"), ours);
    let theirs = app.cli(&["convert", &file, "--to", "pm"]).await;
    assert!(
        theirs.contains("pm:config=\"{&#34;dataSource&#34;:&#34;API&#34;,") && !theirs.contains("dataConnector"),
        "{theirs}"
    );

    let called_back = MODEL.replace("{&#34;dataSource", "{&#34;callback&#34;:true,&#34;dataSource");
    let file = app.file("back.bpmn", &called_back).display().to_string();
    let output = run(&mut app.command(&["convert", &file, "--to", "conn"])).await;
    let messages = String::from_utf8_lossy(&output.stderr).into_owned();
    let expected = "back.bpmn:4:5: error[not-converted]: `Größe (rate)`: left unchanged: dataConnector cannot represent `callback`";
    assert!(messages.contains(expected), "{messages}");
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stdout).as_ref()), (Some(1), &*called_back));
}

/// How a tool saves a text.
type Save = fn(&str) -> Vec<u8>;

#[tokio::test]
async fn every_verb_takes_files_in_other_encodings() {
    let app = TestApp::new();
    let utf_16: Save = |text| "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let unmarked: Save = |text| text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let utf_8: Save = |text| format!("\u{feff}{text}").into_bytes();
    let latin: Save = |text| text.chars().map(|c| u8::try_from(c).expect("a character of ISO 8859-1")).collect();
    for (label, save, save_data) in
        [("UTF-16", utf_16, utf_16), ("UTF-16", unmarked, unmarked), ("ISO-8859-1", latin, utf_8)]
    {
        let declared = |model: &str| model.replace("?>", &format!(" encoding=\"{label}\"?>"));
        let file = |name: &str, content: Vec<u8>| {
            let path = app.path(name);
            std::fs::write(&path, content).expect("a file");
            path.display().to_string()
        };
        let connectors = CONNECTORS.replace("https://h", "http://127.0.0.1:4010");
        let connectors = file("api.yaml", save_data(&connectors));
        let data = file("data.json", save_data("{\"currency\": \"EUR\"}"));

        file("order.bpmn", save(&declared(MODEL)));
        let mut lint = app.command(&["lint", "order.bpmn", "--connectors", &connectors]);
        let output = run(lint.current_dir(app.path(""))).await;
        assert_eq!(String::from_utf8_lossy(&output.stdout), FINDINGS, "{label}");

        let corrected = declared(&MODEL.replace("{{currency", "{{currency}}").replace(";rates&", ";rate&"));
        let model = file("corrected.bpmn", save(&corrected));
        let inspected: Value = serde_json::from_str(&app.cli(&["inspect", &model]).await).expect("JSON");
        assert_eq!(inspected["tasks"][0]["name"], "Größe", "{label}");
        assert!(app.cli(&["deploy", &model]).await.contains("order"), "{label}");
        let arguments = ["run", &model, "--element", "rate", "--connectors", &connectors, "--data", &data, "--dry-run"];
        let shown = app.cli(&arguments).await;
        assert!(shown.starts_with("GET http://127.0.0.1:4010/EUR"), "{label}: {shown}");

        let plain = corrected.replace(&format!(" encoding=\"{label}\""), "");
        let expected = bpmn_ext::write::convert(&plain, bpmn_ext::write::Target::Extension).file;
        let expected = save(&declared(&String::from_utf8(expected).expect("text")));
        let converted = run(&mut app.command(&["convert", &model, "--to", "conn"])).await;
        assert_eq!(converted.stdout, expected, "{label}");
    }
}

/// Whether `xmllint` finds the connectors of a model valid, and its messages.
async fn validate(model: &Path) -> (bool, String) {
    let schema = repository().join("bpmn-ext/schema/models.xsd");
    let mut xmllint = Command::new("xmllint");
    xmllint.args(["--noout", "--nonet", "--schema"]).args([&schema, model]);
    let output = run(&mut xmllint).await;
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[tokio::test]
async fn models_are_valid_by_the_schema_and_mistakes_are_not() {
    let models = std::fs::read_dir(repository().join("bpmn-ext/tests/models")).expect("models").flatten();
    let models = models.map(|entry| entry.path()).filter(|path| !path.ends_with("extension-mistakes.bpmn"));
    let examples = std::fs::read_dir(repository().join("deploy/examples")).expect("the examples").flatten();
    let examples = examples.map(|entry| entry.path().join("model.bpmn")).filter(|path| path.exists());
    let mut valid = 0;
    for model in models.chain(examples) {
        let (is_valid, messages) = validate(&model).await;
        assert!(is_valid, "{messages}");
        valid += 1;
    }
    assert!(valid >= 13, "{valid} models");
    let (is_valid, messages) = validate(&repository().join("bpmn-ext/tests/models/extension-mistakes.bpmn")).await;
    assert!(!is_valid);
    for mistake in ["'resorce' is not allowed", "'resource' is required", "'linear' is not an element", "inputs"] {
        assert!(messages.contains(mistake), "{mistake}: {messages}");
    }
}

/// Checked with its connectors and its data, no example has a finding.
#[tokio::test]
async fn examples_have_no_finding() {
    let app = TestApp::new();
    let folder = repository().join("deploy/examples");
    let examples = std::fs::read_dir(folder).expect("the examples").flatten().map(|example| example.path());
    let mut checked = 0;
    for example in examples.filter(|example| example.join("model.bpmn").exists()) {
        let file = |name: &str| example.join(name).display().to_string();
        let (model, connectors, data) = (file("model.bpmn"), file("connectors.yaml"), file("data.json"));
        let lint = ["lint", &model, "--connectors", &connectors, "--data", &data, "--deny-warnings"];
        assert_eq!(app.cli(&lint).await, "", "{}", example.display());
        checked += 1;
    }
    assert!(checked >= 3, "{checked} examples");
}
