//! A model whose elements create, read, update and delete a record of a collection, walked by a real engine.

use std::fmt::Write;

use harness::process::succeed;
use harness::repository;
use harness::test_app::TestApp;
use serde_json::{Value, json};
use tokio::process::Command;

/// An element: id, resource, rows that go out, variables that come back with their sources.
type Element = (&'static str, &'static str, &'static [&'static str], &'static [(&'static str, &'static str)]);

/// Elements in a row.
const ELEMENTS: [Element; 5] = [
    (
        "create",
        "CreateRecord",
        &[r#"type="body" key="data" value="{{{order | json}}}""#],
        &[("record", "id"), ("made", "title")],
    ),
    (
        "read",
        "GetRecord",
        &[r#"type="param" key="record_id" value="{{record}}""#],
        &[("read", "data.amount"), ("by", "created_by_id")],
    ),
    (
        "update",
        "UpdateRecord",
        &[
            r#"type="param" key="record_id" value="{{record}}""#,
            r#"type="body" key="data" value="{{{change | json}}}""#,
        ],
        &[("updated", "$status")],
    ),
    (
        "list",
        "ListAll",
        &[r#"type="param" key="pmql" value="data.customer = {{{change.customer | json}}}""#],
        &[("found", "meta.total"), ("now", "data.0.data.amount")],
    ),
    ("delete", "DeleteRecord", &[r#"type="param" key="record_id" value="{{record}}""#], &[("deleted", "$status")]),
];

fn model() -> String {
    let (mut tasks, mut flows, mut from) = (String::new(), String::new(), "start");
    for (id, resource, inputs, outputs) in ELEMENTS {
        let inputs: String = inputs.iter().fold(String::new(), |all, row| format!("{all}<conn:input {row} />"));
        let outputs = outputs.iter().fold(String::new(), |all, (variable, source)| {
            format!(r#"{all}<conn:output variable="{variable}" source="{source}" />"#)
        });
        write!(
            tasks,
            r#"<bpmn:serviceTask id="{id}"><bpmn:extensionElements><conn:dataConnector connector="Orders" resource="{resource}">{inputs}{outputs}</conn:dataConnector></bpmn:extensionElements></bpmn:serviceTask>"#
        )
        .expect("a text");
        write!(flows, r#"<bpmn:sequenceFlow id="to_{id}" sourceRef="{from}" targetRef="{id}" />"#).expect("a text");
        from = id;
    }
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:conn="urn:data-connector:bpmn:1" id="d" targetNamespace="urn:test">
<bpmn:process id="records" isExecutable="true"><bpmn:startEvent id="start" />{tasks}<bpmn:endEvent id="end" />
{flows}<bpmn:sequenceFlow id="to_end" sourceRef="{from}" targetRef="end" /></bpmn:process></bpmn:definitions>"#
    )
}

#[tokio::test]
async fn a_model_creates_reads_updates_lists_and_deletes_a_record() {
    for database in ["sqlite", "postgres"] {
        let mut app = TestApp::new();
        if database == "postgres" {
            app = app.with_postgres().await;
        }
        let definition = json!({"name": "Orders", "custom_title": "{{customer}}: {{amount}}", "columns": [
            {"field": "data.customer", "type": "string", "indexed": true}, {"field": "data.amount", "type": "number"}]});
        let file = app.file("orders.json", &definition.to_string()).display().to_string();
        app.cli(&["collections", "create", &file, "--migrate"]).await;
        let _worker = app.worker(&[]).await;
        let data = json!({"order": {"customer": "Zo\u{eb} \"Z\" O'Neil", "amount": "12.5"},
            "change": {"customer": "Ada\n{{order}}", "amount": 9_007_199_254_740_993_i64}});
        let (model, data) = (app.file("records.bpmn", &model()), app.file("data.json", &data.to_string()));
        let mut walk = Command::new("node");
        walk.arg(repository().join("bpmn-ext/engines/bpmn-engine/walk.mjs"));
        walk.args(["--url", app.broker(), "--prefix", app.prefix(), "--json"]).arg(model).arg("--data").arg(data);
        let output = succeed(&mut walk).await;
        let walked: Value = serde_json::from_str(output.lines().next_back().unwrap_or_default()).expect("JSON");
        let after = &walked["after"];
        assert_eq!(
            (&after["record"], &after["made"]),
            (&json!(1), &json!("Zo\u{eb} \"Z\" O'Neil: 12.5")),
            "{walked:#}"
        );
        assert_eq!((&after["read"], &after["updated"]), (&json!(12.5), &json!(204)), "{walked:#}");
        assert_eq!((&after["found"], &after["deleted"]), (&json!(1), &json!(204)), "{walked:#}");
        assert!(after["by"].as_str().is_some_and(|actor| actor.starts_with("job:")), "{walked:#}");
        assert!(app.cli(&["collections", "query", "Orders", ""]).await.is_empty(), "{database}: it is deleted");
    }
}
