//! Commands, exit codes and messages of the command line.

use harness::process::{get, run};
use harness::test_app::TestApp;
use harness::third_party::{Reply, ThirdParty};
use serde_json::{Value, json};

const MODEL: &str = r#"<?xml version="1.0"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:conn="urn:data-connector:bpmn:1">
  <bpmn:process id="order" isExecutable="true">
    <bpmn:serviceTask id="rate" name="Fetch rate">
      <bpmn:extensionElements>
        <conn:dataConnector connector="API" resource="rate">
          <conn:input type="param" key="base" value="{{currency}}"/>
          <conn:output variable="rate" source="rate"/>
          <conn:retry attempts="2" wait="PT1S"/>
        </conn:dataConnector>
      </bpmn:extensionElements>
    </bpmn:serviceTask>
  </bpmn:process>
</bpmn:definitions>
"#;

const CONNECTORS: &str = "name: API\nendpoints:\n  rate: {url: 'https://h/{{base}}'}\n";

/// The arguments of `run` for the element of the model, with files in the app's folder: connectors that call this third party.
fn run_arguments(app: &TestApp, third_party: &ThirdParty) -> Vec<String> {
    let connectors = format!(
        "- name: API\n  authtype: OAUTH2_BEARER\n  credentials: {{token: hidden}}\n  endpoints:\n    rate:\n      url: {}\n",
        third_party.url("/rates/{{base}}")
    );
    let file = |name: &str, text: &str| app.file(name, text).display().to_string();
    let (model, data) = (file("order.bpmn", MODEL), file("data.json", r#"{"currency": "E U"}"#));
    let connectors = file("connectors.yaml", &connectors);
    let arguments = ["run", &model, "--element", "rate", "--data", &data, "--connectors", &connectors];
    arguments.map(ToOwned::to_owned).into()
}

fn with<'a>(arguments: &'a [String], more: &[&'a str]) -> Vec<&'a str> {
    arguments.iter().map(String::as_str).chain(more.iter().copied()).collect()
}

#[tokio::test]
async fn a_dry_run_prints_the_request_and_makes_no_call() {
    let (third_party, app) = (ThirdParty::friendly().await, TestApp::new());
    let arguments = run_arguments(&app, &third_party);
    let url = third_party.url("/rates/E%20U?base=E+U");
    let expected = format!("GET {url}\naccept: application/json\nauthorization: Bearer ********\n");
    assert_eq!(app.cli(&with(&arguments, &["--dry-run"])).await, expected);
    assert!(third_party.seen().is_empty());
}

#[tokio::test]
async fn run_retries_and_prints_the_data_before_and_after() {
    let third_party =
        ThirdParty::start(
            |_, n| if n == 0 { Reply::status(503, &json!({})) } else { Reply::json(&json!({"rate": 2})) },
        )
        .await;
    let app = TestApp::new();
    let arguments = run_arguments(&app, &third_party);
    let output = run(&mut app.command(&with(&arguments, &["--format", "json"]))).await;
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(errors.trim(), "attempt 1: HTTP_503: Unexpected response (status=503); again in 1s");
    let shown: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(shown, json!({"status": 200, "before": {"currency": "E U"}, "after": {"currency": "E U", "rate": 2}}));
}

#[tokio::test]
async fn run_names_the_file_and_the_place_of_a_mistake() {
    let app = TestApp::new();
    let file = |name: &str, text: &str| app.file(name, text).display().to_string();
    let (model, data, connectors) =
        (file("order.bpmn", MODEL), file("data.json", "{}"), file("connectors.yaml", CONNECTORS));
    for (arguments, code, expected) in [
        (
            vec!["run", &model, "--element", "gone", "--connectors", &connectors],
            1,
            "has no connector element `gone`; it has: rate",
        ),
        (vec!["run", &data, "--element", "rate"], 1, "data.json:1:1: error["),
        (vec!["run", &model, "--element", "rate", "--data", &model], 1, "order.bpmn:1:1: expected value"),
        (vec!["run", "/gone.bpmn", "--element", "rate"], 1, "/gone.bpmn cannot be read"),
        (vec!["run", &model], 2, "--element <ID>"),
    ] {
        let (found, problem) = app.cli_error(&arguments).await;
        assert!(found == code && problem.contains(expected), "{arguments:?}: {found} {problem}");
    }
}

/// The result, the ledger and `run` have the same message.
#[tokio::test]
async fn a_failure_has_the_same_message_everywhere() {
    let third_party = ThirdParty::start(|seen, _| {
        let status = if seen.path.contains("busy") { 503 } else { 404 };
        Reply::status(status, &json!({"message": "no such rate"}))
    })
    .await;
    let app = TestApp::new();
    let model = app.file("order.bpmn", MODEL).display().to_string();
    app.import_resources(json!({"rate": {"url": third_party.url("/rates/{{base}}")}})).await;
    let tasks: Value = serde_json::from_str(&app.cli(&["inspect", &model]).await).expect("JSON");
    let task = &tasks["tasks"][0];
    let _worker = app.worker(&[]).await;
    let mut engine = app.engine().await;
    for (currency, code) in [("gone", "HTTP_404"), ("busy", "HTTP_503")] {
        let data = json!({"currency": currency});
        let job = json!({"id": currency, "request": {"id": "r1"}, "element": {"id": "rate", "name": "Fetch rate"},
            "config": task["config"], "errorHandling": task["errorHandling"], "data": data});
        engine.publish(&job).await;
        let result = engine.result().await;
        assert_eq!(result.code(), code, "{:#}", result.body);
        let message = result.body["error"]["message"].as_str().expect("a message");
        assert!(message.contains("no such rate") && message.contains("to change: "), "{message}");
        assert_eq!(app.job(currency).await["result"]["error"]["message"], message);

        let data = app.file("data.json", &data.to_string()).display().to_string();
        let arguments = ["run", &model, "--element", "rate", "--data", &data, "--format", "json"];
        let output = run(&mut app.command(&arguments)).await;
        let shown: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!((&shown["error"]["message"], &shown["error"]["code"]), (&json!(message), &json!(code)));
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(errors.contains(&format!("error: {code}: {message}")), "{errors}");
    }
}

#[tokio::test]
async fn connectors_are_imported_listed_exported_and_tested() {
    let third_party = ThirdParty::start(|seen, _| Reply::json(&json!({"path": seen.path}))).await;
    let app = TestApp::new();
    let url = third_party.url("/x");
    let yaml = format!("name: First\ndescription: 'one'\nendpoints:\n  get: {{url: '{url}', view: true}}\n");
    let file = app.file("one.yaml", &yaml).display().to_string();
    let output = app.cli(&["connectors", "import", &file]).await;
    assert!(output.starts_with("added First (id 1, uuid "), "{output}");
    let exported = app.cli(&["connectors", "export", "First"]).await;
    let record: Value = serde_json::from_str(&exported).expect("JSON");
    assert_eq!((&record[0]["description"], &record[0]["endpoints"]["get"]["view"]), (&json!("one"), &json!(true)));
    let renamed = exported.replace("\"First\"", "\"Second\"");
    let file = app.file("renamed.json", &renamed).display().to_string();
    let output = app.cli(&["connectors", "import", &file]).await;
    assert!(output.starts_with("updated Second (id 1, "), "{output}");
    assert!(app.cli(&["connectors", "list"]).await.contains("Second"));
    let tested: Value = serde_json::from_str(&app.cli(&["connectors", "test", "1", "get"]).await).expect("JSON");
    assert_eq!(tested, json!({"status": 200, "response": {"path": "/x"}}));

    for (text, expected) in [
        (
            "name: A\nendpoints:\n  r: {url: 'https://h/{{#x}}'}\n",
            "connector `A`: endpoints.r.url: at character 11: the section `x` is never closed",
        ),
        (
            "name: A\nauthtype: OAUTH2_BEARER\ncredentials: {hosts: [h]}\n",
            "connector `A`: credentials.token: is missing",
        ),
        ("name: A\nendpoints: {r: {}}\n", "connector `A`: endpoints.r.url: is missing"),
        ("{\"name\": \"A\",\n  \"x\": }", "bad.yaml:2:8: expected value"),
        ("name: A\n  x: [", "bad.yaml:2:4: "),
    ] {
        let file = app.file("bad.yaml", text).display().to_string();
        let (code, problem) = app.cli_error(&["connectors", "import", &file]).await;
        assert!(code == 1 && problem.contains(expected), "{text}: {problem}");
    }
    let inner =
        app.file("inner.yaml", "name: Inner\nendpoints: {r: {url: 'http://10.0.0.1/'}}\n").display().to_string();
    let output = run(&mut app.command(&["connectors", "import", &inner])).await;
    assert!(output.status.success());
    let warned = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(warned.contains("warning: connector `Inner`, resource `r`: destination not allowed: 10.0.0.1"), "{warned}");
}

#[tokio::test]
async fn inspect_prints_tasks_and_mistakes() {
    let app = TestApp::new();
    let model = app.file("order.bpmn", MODEL).display().to_string();
    let shown: Value = serde_json::from_str(&app.cli(&["inspect", &model]).await).expect("JSON");
    assert_eq!(shown["tasks"][0]["config"]["dataSource"], "API");
    let broken = app.file("broken.bpmn", &MODEL.replace("</bpmn:process>", "")).display().to_string();
    let (code, problem) = app.cli_error(&["inspect", &broken]).await;
    assert!(code == 1 && problem.contains("broken.bpmn:14:1: error[not-well-formed]"), "{problem}");
}

#[tokio::test]
async fn misconfiguration_and_unreachable_services_have_exit_codes_of_their_own() {
    let app = TestApp::new();
    let bad = app.file("bad.toml", "[worker]\nprefech = 3\n").display().to_string();
    let (code, problem) = app.cli_error(&["worker", "--config", &bad]).await;
    assert!(code == 64 && problem.contains("prefech"), "{code} {problem}");
    let mut nobody = app.command(&["worker"]);
    nobody.env("AMQP_URL", "amqp://guest:secret-word@127.0.0.1:1");
    let output = run(&mut nobody).await;
    let problem = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(69), "{problem}");
    assert!(
        problem.contains("RabbitMQ at 127.0.0.1:1 cannot be reached") && !problem.contains("secret-word"),
        "{problem}"
    );
    let mut nobody = app.command(&["connectors", "list"]);
    nobody.env("DATABASE_URL", "postgres://u:secret-word@127.0.0.1:1/x");
    nobody.env("DATA_CONNECTOR__VAULT__KEY", "A".repeat(43) + "=");
    let output = run(&mut nobody).await;
    let problem = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(69), "{problem}");
    assert!(!problem.contains("secret-word"), "{problem}");
    // What can be known before anybody is connected to is reported first, and at once.
    for arguments in [["connectors", "list"], ["secrets", "list"], ["worker", "--migrate"], ["jobs", "list"]] {
        let mut keyless = app.command(&arguments);
        keyless.env("DATABASE_URL", "postgres://u@127.0.0.1:1/x").env("AMQP_URL", "amqp://127.0.0.1:1");
        let output = run(&mut keyless).await;
        let problem = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(64), "{arguments:?}: {problem}");
        assert!(problem.contains("DATA_CONNECTOR__VAULT__KEY"), "{arguments:?}: {problem}");
    }
    let (code, problem) = app.cli_error(&["healthcheck"]).await;
    assert!(code == 1 && problem.contains("no worker runs with the data folder"), "{problem}");
}

/// Flags override the environment, which overrides the file. `AMQP_URL` is part of the environment, after the product's own names.
#[tokio::test]
async fn the_environment_overrides_the_file_and_flags_override_both() {
    let app = TestApp::new();
    let text = "[amqp]\nurl = \"amqp://127.0.0.1:2\"\nprefix = \"of-the-file\"\n[log]\nfilter = \"error\"\n";
    let file = app.file("config.toml", text).display().to_string();
    let mut worker = app.command(&["worker", "--config", &file]);
    worker.env("AMQP_URL", "amqp://127.0.0.1:1");
    let output = run(&mut worker).await;
    let problem = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(problem.contains("RabbitMQ at 127.0.0.1:1 cannot be reached"), "AMQP_URL over the file: {problem}");
    worker.env("DATA_CONNECTOR__AMQP__URL", "amqp://127.0.0.1:3");
    let output = run(&mut worker).await;
    let problem = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(problem.contains("RabbitMQ at 127.0.0.1:3 cannot be reached"), "its own name over AMQP_URL: {problem}");
    let flagged = run(&mut app.command(&["migrate", "--config", &file, "--prefix", "of.the:flag"])).await;
    let problem = String::from_utf8_lossy(&flagged.stderr).into_owned();
    assert!(problem.contains("amqp.prefix is `of.the:flag`"), "flags over everything: {problem}");
}

#[tokio::test]
async fn up_serves_health_and_metrics() {
    let app = TestApp::new();
    let mut command = app.command(&["up", "--listen", "127.0.0.1:0"]);
    let up = harness::process::Running::start(&mut command, app.path("up.log"));
    let address = up.address().await;
    harness::eventually("readiness", || async {
        get(&address, "/health/ready").await.starts_with("HTTP/1.1 200").then_some(())
    })
    .await;
    assert!(get(&address, "/health/live").await.contains("live"));
    assert!(get(&address, "/metrics").await.contains("data_connector_broker_up 1"));
    harness::eventually("a status file", || async {
        app.cli(&["healthcheck"]).await.contains(": well, 0 jobs in hand").then_some(())
    })
    .await;
    assert_eq!(up.terminate().await, Some(0));
    let (code, _) = app.cli_error(&["healthcheck"]).await;
    assert_eq!(code, 1, "its status file is gone");
}

#[tokio::test]
async fn schemas_are_printed() {
    let app = TestApp::new();
    for (name, expected) in [
        ("job", data_connector::job::JOB_SCHEMA),
        ("result", data_connector::job::RESULT_SCHEMA),
        ("xsd", bpmn_ext::schema::XSD),
        ("moddle", bpmn_ext::schema::MODDLE),
        ("camunda7", bpmn_ext::schema::CAMUNDA_7),
        ("camunda8", bpmn_ext::schema::CAMUNDA_8),
    ] {
        assert_eq!(app.cli(&["schema", name]).await, expected);
    }
}

/// Every element of every example: the dry run prints its URL and method, and no secret.
#[tokio::test]
async fn a_dry_run_prints_the_request_of_every_example() {
    let app = TestApp::new();
    let mut shown = 0;
    for example in std::fs::read_dir(harness::test_app::examples()).expect("the examples").flatten().map(|e| e.path()) {
        let file = |name: &str| example.join(name).display().to_string();
        if !example.join("model.bpmn").exists() {
            continue;
        }
        let inspected: Value = serde_json::from_str(&app.cli(&["inspect", &file("model.bpmn")]).await).expect("JSON");
        let mut data: Value =
            serde_json::from_str(&std::fs::read_to_string(example.join("data.json")).expect("data")).expect("JSON");
        // What the engine sets for each instance of a loop.
        if let Some(line) = data.pointer("/lines/0").cloned() {
            data["line"] = line;
        }
        let data = app.file("data.json", &data.to_string()).display().to_string();
        for task in inspected["tasks"].as_array().expect("tasks") {
            let element = task["element"].as_str().expect("an id");
            let arguments = [
                "run",
                &file("model.bpmn"),
                "--element",
                element,
                "--data",
                &data,
                "--connectors",
                &file("connectors.yaml"),
                "--dry-run",
                "--format",
                "json",
            ];
            let request: Value = serde_json::from_str(&app.cli(&arguments).await).expect("JSON");
            let url = request["url"].as_str().expect("a URL");
            assert!(url.starts_with("http://127.0.0.1:4010/"), "{element}: {url}");
            assert!(["GET", "POST"].contains(&request["method"].as_str().expect("a method")), "{request}");
            for secret in ["demo-token", "demo-password", "ZGVtbz"] {
                assert!(!request.to_string().contains(secret), "{element}: {request}");
            }
            shown += 1;
        }
    }
    assert!(shown >= 5, "{shown} elements");
}
