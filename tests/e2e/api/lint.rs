//! What the linter says to programs, over the API as on the command line (API 10).

use harness::process::run;
use harness::test_app::TestApp;
use serde_json::{Value, json};

const MODEL: &str = r#"<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:conn="urn:data-connector:bpmn:1">
<bpmn:process id="order" name="Order handling"><bpmn:serviceTask id="fetch" name="Fetch rate"><bpmn:extensionElements>
<conn:dataConnector connector="Rats" resource="latest" queue="priority"><conn:output variable="_request" source="a"/></conn:dataConnector>
</bpmn:extensionElements></bpmn:serviceTask></bpmn:process></bpmn:definitions>"#;

async fn product() -> TestApp {
    let app = TestApp::new();
    app.import_connectors(&json!([{"name": "Rates", "authtype": "NONE", "endpoints": {
        "latest": {"url": "https://rates.example/latest", "method": "GET"}}}]))
        .await;
    app
}

fn of_code<'d>(found: &'d Value, code: &str) -> Option<&'d Value> {
    found.as_array()?.iter().find(|diagnostic| diagnostic["code"] == code)
}

#[tokio::test]
async fn a_diagnostic_says_where_and_how_to_fix_it() {
    let app = product().await;
    let (_process, api) = app.serve(&["serve"]).await;
    let answer = api.post("/models/lint", &json!({"model": MODEL, "data": {}})).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let found = &answer.json()["diagnostics"];
    let unknown = of_code(found, "unknown-connector").expect("an unknown connector");
    assert_eq!(
        (&unknown["element"], &unknown["name"], &unknown["path"]),
        (&json!("fetch"), &json!("Fetch rate"), &json!("connector"))
    );
    let fix = json!({"title": "Use Rates", "edits": [{"path": "connector", "value": "Rates"}]});
    assert_eq!(unknown["fix"], fix);
    let reserved = of_code(found, "reserved-name").expect("a reserved name");
    assert_eq!(reserved["fix"]["edits"], json!([{"path": "outputs.0.variable", "value": null}]));

    let file = app.file("m.bpmn", MODEL).display().to_string();
    let output = run(&mut app.command(&["lint", &file, "--format", "json"])).await;
    let printed: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let mut same = of_code(&printed, "unknown-connector").expect("an unknown connector").clone();
    assert_eq!(same["file"], json!(file));
    same.as_object_mut().expect("an object").remove("file");
    assert_eq!(&same, unknown);
}

#[tokio::test]
async fn queues_of_workers_that_run_elsewhere_are_known() {
    let app = product().await;
    let (_process, api) = app.serve(&["serve"]).await;
    let wanted = json!({"model": MODEL});
    let lint = || api.post("/models/lint", &wanted);
    assert!(of_code(&lint().await.json()["diagnostics"], "unknown-queue").is_some());
    let worker = app.worker(&["--queue", "priority"]).await;
    harness::eventually("the worker's queue is known", || async {
        of_code(&lint().await.json()["diagnostics"], "unknown-queue").is_none().then_some(())
    })
    .await;
    assert_eq!(worker.terminate().await, Some(0));
    assert!(of_code(&lint().await.json()["diagnostics"], "unknown-queue").is_some(), "it has left");
}
