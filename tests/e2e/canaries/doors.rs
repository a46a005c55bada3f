//! What people see of a call without a job: over the API, and on a terminal.

use harness::api::Api;
use harness::test_app::TestApp;
use serde_json::{Value, json};

/// A place's name and its text.
type Shown = (String, String);

/// Each job's call tried, tried without being sent, run over the API, and planned on a terminal; and the job as the API has it.
pub(super) async fn shown(app: &TestApp, api: &Api, jobs: &[&Value]) -> Vec<Shown> {
    let mut shown = Vec::new();
    for job in jobs {
        let id = job["id"].as_str().unwrap_or_default();
        let resource = job["config"]["endpoint"].as_str().unwrap_or_default();
        for dry_run in [true, false] {
            let wanted = json!({"connector": "API", "resource": resource, "config": job["config"], "data": job["data"],
                "dry_run": dry_run});
            let tried = api.post("/try", &wanted).await;
            assert_eq!(tried.status, 200, "{id}: {}", tried.body);
            shown.push((format!("/try {id}, dry: {dry_run}"), tried.body));
        }
        let run = json!({"config": job["config"], "data": job["data"]});
        shown.push((format!("run of {id}"), api.post("/requests/data_sources/API", &run).await.body));
        shown.push((format!("/jobs/{id}"), api.get(&format!("/jobs/{id}")).await.body));
        shown.push((format!("dry run of {id}"), dry_run(app, job).await));
    }
    shown
}

/// What `run --dry-run` prints, on both channels.
async fn dry_run(app: &TestApp, job: &Value) -> String {
    let config = job["config"].to_string().replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;");
    let model = format!(
        "<definitions xmlns=\"http://www.omg.org/spec/BPMN/20100524/MODEL\" \
         xmlns:pm=\"http://processmaker.com/BPMN/2.0/Schema.xsd\" id=\"d\" targetNamespace=\"t\"><process id=\"p\">\
         <serviceTask id=\"call\" implementation=\"package-data-sources/data-source-task-service\" pm:config=\"{config}\"/>\
         </process></definitions>"
    );
    let model = app.file("model.bpmn", &model).display().to_string();
    let data = app.file("data.json", &job["data"].to_string()).display().to_string();
    app.cli_output(&["run", &model, "--element", "call", "--data", &data, "--dry-run"]).await
}
