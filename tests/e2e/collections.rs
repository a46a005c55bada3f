//! Collections from outside: the command line, jobs that use the generated connector, imports and events under kills.

use std::time::Duration;

use futures_util::StreamExt;
use harness::engine::Engine;
use harness::eventually;
use harness::process::{Running, run};
use harness::test_app::{QUIET_PERIOD, TestApp};
use lapin::options::{BasicAckOptions, BasicConsumeOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{Connection, ConnectionProperties, Consumer};
use serde_json::{Value, json};
use tokio::time::timeout;

/// Each test once on SQLite and once on PostgreSQL.
macro_rules! on_both {
    (async fn $name:ident($app:ident: TestApp) $body:block) => {
        mod $name {
            use super::*;

            async fn holds($app: TestApp) $body

            #[tokio::test]
            async fn sqlite() {
                Box::pin(holds(TestApp::new())).await;
            }

            #[tokio::test]
            async fn postgresql() {
                Box::pin(holds(TestApp::new().with_postgres().await)).await;
            }
        }
    };
}

async fn create(app: &TestApp, definition: &Value) -> Value {
    let file = app.file("collection.json", &definition.to_string()).display().to_string();
    let made = app.cli(&["collections", "create", &file, "--migrate", "--format", "json"]).await;
    serde_json::from_str(&made).expect("a collection")
}

async fn query(app: &TestApp, pmql: &str) -> Vec<Value> {
    let text = app.cli(&["collections", "query", "Orders", pmql, "--format", "json"]).await;
    serde_json::from_str(&text).expect("records")
}

fn orders() -> Value {
    json!({"name": "Orders", "custom_title": "{{k}}", "signal_create": true, "signal_update": true, "signal_delete": true,
        "columns": [{"field": "data.k", "type": "string", "unique": true}, {"field": "data.n", "type": "number", "indexed": true}]})
}

on_both! {
    async fn the_command_line(app: TestApp) {
        let made = create(&app, &orders()).await;
        assert_eq!((&made["id"], &made["records_count"]), (&json!(1), &json!(0)));
        let list: Value = serde_json::from_str(&app.cli(&["collections", "list", "--format", "json"]).await).expect("a list");
        assert_eq!(list[0]["name"], "Orders");
        assert!(app.cli(&["collections", "list"]).await.contains("Orders"));
        let connectors: Value = serde_json::from_str(&app.cli(&["connectors", "export", "Orders"]).await).expect("records");
        assert_eq!((&connectors[0]["authtype"], &connectors[0]["id"]), (&json!("NONE"), &made["connector_id"]));

        let file = app.file("rows.csv", "k,n,first name\r\na,1,Ada\r\nb,2,\"B, C\"\r\n").display().to_string();
        let report = app.cli(&["collections", "import", "Orders", &file, "--format", "json"]).await;
        let report: Value = serde_json::from_str(&report).expect("a report");
        assert_eq!((&report["created"], &report["mode"], &report["errors"]), (&json!(2), &json!("all"), &json!([])));
        let bad = app.file("bad.csv", "k,n\nc,3\na,4\nd,x\n").display().to_string();
        let refused = run(&mut app.command(&["collections", "import", "Orders", &bad, "--format", "json"])).await;
        let report: Value = serde_json::from_slice(&refused.stdout).expect("a report");
        assert_eq!((refused.status.code(), &report["failed"]), (Some(1), &json!(2)));
        assert_eq!(report["errors"][0]["line"], 3);
        let (code, told) = app.cli_error(&["collections", "import", "Orders", &bad]).await;
        assert!(code == 1 && told.contains("line 4, record 3: data.n:"), "{told}");
        let each = run(&mut app.command(&["collections", "import", "Orders", &bad, "--mode", "each"])).await;
        assert_eq!(each.status.code(), Some(1), "rows failed, and the others are stored");
        let again = app.cli_with(&["collections", "import", "1", "-", "--type", "json", "--key", "k"], "[{\"k\": \"a\", \"n\": 10}]").await;
        assert!(again.contains("1 updated"), "{again}");
        assert_eq!(app.cli_error(&["collections", "import", "Orders", &bad, "--mode", "some"]).await.0, 2);

        let records = query(&app, "data.n >= 3").await;
        let shown: Vec<_> = records.iter().map(|r| (r["title"].as_str(), r["version"].as_i64())).collect();
        assert_eq!(shown, [(Some("a"), Some(2)), (Some("c"), Some(1))]);
        assert!(records[0]["updated_by_id"].as_str().is_some_and(|actor| actor.starts_with("cli:")));
        let (code, told) = app.cli_error(&["collections", "query", "Orders", "data.n > > 5"]).await;
        assert_eq!(code, 2);
        assert!(told.contains("data.n > > 5\n         ^\n"), "{told}");

        let csv = app.cli(&["collections", "export", "Orders", "--type", "csv", "--pmql", "data.k = \"b\""]).await;
        assert_eq!(csv, "id,k,n\r\n2,b,2\r\n");
        let out = app.path("out.ndjson").display().to_string();
        app.cli(&["collections", "export", "Orders", "--output", &out]).await;
        assert_eq!(std::fs::read_to_string(&out).expect("the file").lines().count(), 3);

        assert_eq!(app.cli_error(&["collections", "show", "Nobody"]).await.0, 1);
        assert_eq!(app.cli_error(&["collections", "truncate", "Orders"]).await.0, 2);
        app.cli(&["collections", "truncate", "Orders", "--yes"]).await;
        assert!(query(&app, " ").await.is_empty());
        app.cli(&["collections", "remove", "Orders", "--yes"]).await;
        assert_eq!(app.cli_error(&["collections", "show", "Orders"]).await.0, 1);
        assert!(!app.cli(&["connectors", "export"]).await.contains("Orders"));
    }
}

/// A job of the generated connector.
fn job(id: &str, resource: &str, rows: &Value, data: &Value) -> Value {
    json!({
        "id": id, "request": {"id": "r1"}, "element": {"id": "call"}, "data": data,
        "config": {"dataSource": "Orders", "endpoint": resource, "outboundConfig": rows,
            "dataMapping": [{"key": "answer", "value": ""}, {"key": "status", "value": "$status"}]},
    })
}

on_both! {
    async fn a_model_creates_reads_updates_and_deletes_through_jobs(app: TestApp) {
        create(&app, &orders()).await;
        let _worker = app.worker(&[]).await;
        let mut engine = app.engine().await;
        let mut ask = async |id: &str, resource: &str, rows: Value, data: Value| {
            engine.publish(&job(id, resource, &rows, &data)).await;
            let result = engine.result().await;
            assert_eq!(result.message_id, id);
            result.body
        };
        let param = |key: &str, value: &str| json!({"type": "PARAM", "key": key, "value": value});
        let made = ask("create", "CreateRecord", json!([]), json!({"data": {"k": "a\"b", "n": "5"}})).await;
        assert_eq!((&made["data"]["status"], &made["data"]["answer"]["data"]), (&json!(201), &json!({"k": "a\"b", "n": 5})), "{made:#}");
        assert_eq!(made["data"]["answer"]["created_by_id"], "job:create");
        let again = ask("create-2", "CreateRecord", json!([{"type": "BODY", "key": "data", "value": "{\"k\": \"{{name}}\"}"}]), json!({"name": "x"})).await;
        assert_eq!(again["data"]["answer"]["data"], json!({"k": "x"}), "{again:#}");
        let read = ask("read", "GetRecord", json!([param("record_id", "{{id}}")]), json!({"id": 1})).await;
        assert_eq!(read["data"]["answer"]["collection"]["name"], "Orders", "{read:#}");
        let list = ask("list", "ListAll", json!([param("pmql", "data.k = {{{k | json}}}")]), json!({"k": "a\"b"})).await;
        assert_eq!((&list["data"]["answer"]["meta"]["total"], &list["data"]["answer"]["data"][0]["id"]), (&json!(1), &json!(1)), "{list:#}");
        let updated = ask("update", "UpdateRecord", json!([param("record_id", "1")]), json!({"data": {"n": 7}})).await;
        assert_eq!(updated["data"]["status"], 204, "{updated:#}");
        assert_eq!(query(&app, "id = 1").await[0]["data"], json!({"n": 7}));
        let refused = ask("refused", "CreateRecord", json!([]), json!({"data": {"k": "x"}})).await;
        assert_eq!(refused["error"]["code"], "HTTP_422", "{refused:#}");
        let empty = ask("empty", "DeleteRecord", json!([param("record_id", "{{nothing}}")]), json!({})).await;
        assert_eq!(empty["status"], "failed", "an empty record_id never lists or deletes more: {empty:#}");
        let deleted = ask("delete", "DeleteRecord", json!([param("record_id", "1")]), json!({})).await;
        assert_eq!(deleted["data"]["status"], 204, "{deleted:#}");
        assert_eq!(query(&app, "").await.len(), 1);
        let emptied = ask("truncate", "TruncateCollection", json!([]), json!({})).await;
        assert_eq!(emptied["data"]["status"], 204, "{emptied:#}");
        assert!(query(&app, "").await.is_empty());
    }
}

#[tokio::test]
async fn a_job_that_runs_again_after_its_change_does_it_once() {
    let app = TestApp::new();
    create(&app, &orders()).await;
    let config = app.file("c.toml", "[worker]\nlease = 5\n").display().to_string();
    let mut first =
        app.worker_with(&["--config", &config], &[("DATA_CONNECTOR_FAULT", "collections changed=die")]).await;
    let mut engine = app.engine().await;
    engine.publish(&job("j1", "CreateRecord", &json!([]), &json!({"data": {"k": "a"}}))).await;
    first.ended().await;
    assert_eq!(query(&app, "").await.len(), 1, "the change is there, and nobody was told");
    let _second = app.worker(&["--config", &config]).await;
    let result = engine.result().await;
    assert_eq!(
        (result.status(), &result.body["data"]["status"], &result.body["data"]["answer"]["id"]),
        ("completed", &json!(201), &json!(1))
    );
    assert_eq!(query(&app, "").await.len(), 1);
}

#[tokio::test]
async fn run_answers_in_process_and_only_collections() {
    let app = TestApp::new();
    create(&app, &orders()).await;
    let model = |url: &str, name: &str| {
        let config =
            json!({"dataSource": name, "endpoint": "r", "dataMapping": [{"key": "answer", "value": "meta.total"}]})
                .to_string();
        let record = json!([{"name": name, "type": "REST", "authtype": "NONE", "endpoints": {"r": {"url": url}}}]);
        let config = config.replace('"', "&quot;");
        (
            record,
            format!(
                r#"<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:pm="http://processmaker.com/BPMN/2.0/Schema.xsd"><bpmn:process id="p"><bpmn:serviceTask id="t" implementation="package-data-sources/data-source-task-service" pm:config="{config}"/></bpmn:process></bpmn:definitions>"#
            ),
        )
    };
    let (records, xml) = model("/api/1.0/collections/Orders/records", "Local");
    let (file, connectors) = (app.file("m.bpmn", &xml), app.file("c.json", &records.to_string()));
    let (file, connectors) = (file.display().to_string(), connectors.display().to_string());
    let arguments = ["run", &file, "--element", "t", "--connectors", &connectors, "--format", "json"];
    let shown: Value = serde_json::from_str(&app.cli(&arguments).await).expect("JSON");
    assert_eq!(shown["after"]["answer"], 0);
    for url in [
        "/api/1.0/data_sources",
        "/api/1.0/collections/../data_sources",
        "/api/1.0/collectionsx",
        "//evil/api/1.0/collections",
        "http://in-process.invalid/api/1.0/collections",
    ] {
        let (records, _) = model(url, "Local");
        app.file("c.json", &records.to_string());
        let (code, told) = app.cli_error(&arguments).await;
        assert!(code == 1 && told.contains("CONFIGURATION"), "{url}: {told}");
    }
}

/// A queue of all events.
pub(crate) async fn events(app: &TestApp) -> (Connection, Consumer) {
    let connection = Connection::connect(app.broker(), ConnectionProperties::default()).await.expect("the broker");
    let channel = connection.create_channel().await.expect("a channel");
    let options = QueueDeclareOptions { exclusive: true, ..QueueDeclareOptions::default() };
    let queue = channel.queue_declare("".into(), options, FieldTable::default()).await.expect("a queue");
    let exchange = format!("{}.events", app.prefix());
    let bound = channel.queue_bind(
        queue.name().clone(),
        exchange.as_str().into(),
        "collection.#".into(),
        QueueBindOptions::default(),
        FieldTable::default(),
    );
    bound.await.expect("the events exchange");
    let consumer = channel
        .basic_consume(queue.name().clone(), "".into(), BasicConsumeOptions::default(), FieldTable::default())
        .await
        .expect("a consumer");
    (connection, consumer)
}

pub(crate) async fn next_event(consumer: &mut Consumer, wait: Duration) -> Option<(String, Value)> {
    let delivery = timeout(wait, consumer.next()).await.ok()?.expect("a queue").expect("a delivery");
    delivery.ack(BasicAckOptions::default()).await.expect("an ack");
    let body: Value = serde_json::from_slice(&delivery.data).expect("JSON");
    let text = |value: &Option<lapin::types::ShortString>| value.as_ref().map(ToString::to_string);
    assert_eq!(text(delivery.properties.kind()).as_deref(), Some("data-connector.event.v1"));
    assert_eq!(*delivery.properties.delivery_mode(), Some(2));
    assert_eq!(text(delivery.properties.message_id()).as_deref(), body["id"].as_str());
    Some((delivery.routing_key.to_string(), body))
}

on_both! {
    async fn every_change_is_told_also_when_the_sender_dies(app: TestApp) {
        create(&app, &orders()).await;
        app.cli(&["migrate"]).await;
        let (_connection, mut consumer) = events(&app).await;
        let file = app.file("rows.csv", "k,n\na,1\nb,2\n").display().to_string();
        app.cli(&["collections", "import", "Orders", &file]).await;
        assert!(next_event(&mut consumer, QUIET_PERIOD).await.is_none(), "nobody sends yet");
        let mut dying = app.worker_with(&[], &[("DATA_CONNECTOR_FAULT", "collections sent=die")]).await;
        dying.ended().await;
        let mut first = Vec::new();
        while let Some(event) = next_event(&mut consumer, QUIET_PERIOD).await {
            first.push(event);
        }
        assert_eq!(first.len(), 2);
        assert_eq!((first[0].0.as_str(), &first[0].1["record"]["data"]), ("collection.1.created", &json!({"k": "a", "n": 1})));
        let _worker = app.worker(&[]).await;
        let mut again = Vec::new();
        while again.len() < 2 {
            again.push(next_event(&mut consumer, Duration::from_secs(40)).await.expect("the events once more"));
        }
        assert_eq!(first, again, "sent twice, under the same ids");
        app.cli(&["collections", "truncate", "Orders", "--yes"]).await;
        let (key, event) = next_event(&mut consumer, Duration::from_secs(40)).await.expect("an event");
        assert_eq!((key.as_str(), &event["count"]), ("collection.1.truncated", &json!(2)));
        assert!(next_event(&mut consumer, QUIET_PERIOD).await.is_none());
        assert!(Engine::has_exchange(app.broker(), &format!("{}.events", app.prefix())).await);
    }
}

on_both! {
    async fn an_import_that_is_killed_leaves_nothing(app: TestApp) {
        create(&app, &orders()).await;
        let rows: String = (0..2_000).fold("k,n\n".to_owned(), |rows, n| format!("{rows}r{n},{n}\n"));
        let file = app.file("rows.csv", &rows).display().to_string();
        let mut command = app.command(&["collections", "import", "Orders", &file]);
        let mut dying = Running::start(command.env("DATA_CONNECTOR_FAULT", "collections staged=die@4"), app.path("import.log"));
        dying.ended().await;
        assert!(query(&app, "").await.is_empty());
        // It counts as alive for a while; the next one waits for that.
        let report = app.cli(&["collections", "import", "Orders", &file]).await;
        assert!(report.contains("2000 created"), "{report}");
        let records = query(&app, "data.n < 1000").await;
        assert_eq!((records.len(), records[0]["data"]["k"].as_str()), (1_000, Some("r0")));
        // One that dies after everything is seen leaves everything, and its events.
        let more = app.file("more.csv", "k\nz\n").display().to_string();
        let mut command = app.command(&["collections", "import", "Orders", &more]);
        let mut dying = Running::start(command.env("DATA_CONNECTOR_FAULT", "collections closed=die"), app.path("import.log"));
        dying.ended().await;
        assert_eq!(query(&app, "data.k = \"z\"").await.len(), 1);
        let _worker = app.worker(&[]).await;
        eventually("the rest of the import to be done", || async {
            let again = app.file("again.csv", "k\ny\n").display().to_string();
            let output = run(&mut app.command(&["collections", "import", "Orders", &again, "--key", "k"])).await;
            output.status.success().then_some(())
        })
        .await;
    }
}
