//! A real engine runs real models through a real broker: nothing is lost and nothing is done twice, whichever process is killed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use harness::broker::PrivateBroker;
use harness::process::{Running, run, succeed};
use harness::test_app::{TestApp, examples};
use harness::{eventually, repository};
use serde_json::{Value, json};
use tokio::process::Command;

/// The demo API of the examples, with its log.
struct DemoApi {
    _process: Running,
    log: PathBuf,
    url: String,
}

impl DemoApi {
    async fn start(app: &TestApp, options: &[&str]) -> Self {
        let log = app.path("calls.jsonl");
        let mut command = Command::new("node");
        command.arg(repository().join("deploy/demo-api.mjs")).args(["--port", "0", "--log"]).arg(&log).args(options);
        let process = Running::start(&mut command, app.path("demo-api.log"));
        let url = eventually("the demo API", || async {
            process.output().lines().find_map(|line| line.strip_prefix("listening on ").map(ToOwned::to_owned))
        })
        .await;
        Self { _process: process, log, url }
    }

    fn calls(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    }
}

/// Imports an example's connectors with the address of the demo API; returns their file.
async fn load(app: &TestApp, api: &DemoApi, example: &str) -> String {
    let text = std::fs::read_to_string(examples().join(example).join("connectors.yaml")).expect("an example");
    let file = app.file("connectors.yaml", &text.replace("http://127.0.0.1:4010", &api.url)).display().to_string();
    app.cli(&["connectors", "import", &file]).await;
    file
}

fn walk(app: &TestApp, example: &str) -> Command {
    let mut command = Command::new("node");
    command.arg(repository().join("bpmn-ext/engines/bpmn-engine/walk.mjs"));
    command.args(["--url", app.broker(), "--prefix", app.prefix(), "--json"]);
    command.arg(examples().join(example).join("model.bpmn"));
    command
}

fn last_line(output: &str) -> Value {
    let line = output.lines().next_back().unwrap_or_default();
    serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {output}"))
}

/// Walks an example with a worker and the demo API, with its own data unless other data is given; returns the walk's last line.
async fn walked(example: &str, data: Option<Value>) -> Value {
    let app = TestApp::new();
    let api = DemoApi::start(&app, &[]).await;
    load(&app, &api, example).await;
    let _worker = app.worker(&[]).await;
    let file = examples().join(example).join("data.json");
    let file = data.map_or(file, |data| app.file("data.json", &data.to_string()));
    last_line(&succeed(walk(&app, example).arg("--data").arg(file)).await)
}

fn path(walked: &Value) -> Vec<&str> {
    walked["path"].as_array().expect("a path").iter().filter_map(Value::as_str).collect()
}

#[tokio::test]
async fn an_order_in_stock_is_confirmed_with_its_total_and_reservation() {
    let walked = walked("order", None).await;
    assert_eq!(path(&walked).last(), Some(&"order_confirmed"), "{walked:#}");
    let expected = json!({"rate": 1.08, "total": 129.6, "available": true, "reservation": "R-A-1042"});
    for (name, value) in expected.as_object().expect("members") {
        assert_eq!(walked["after"][name], *value, "{name} in {walked:#}");
    }
}

#[tokio::test]
async fn an_order_beyond_the_stock_takes_the_other_flow() {
    let order = json!({"order": "B-1", "item": "lamp", "quantity": 30, "currency": "GBP", "amount": 10});
    let walked = walked("order", Some(order)).await;
    assert_eq!(path(&walked).last(), Some(&"out_of_stock"), "{walked:#}");
    assert_eq!(walked["after"]["available"], false, "{walked:#}");
}

#[tokio::test]
async fn an_unknown_customer_is_caught_by_the_error_boundary_event() {
    let walked = walked("error-boundary", None).await;
    assert_eq!(walked["before"]["customer"], "C-9999", "{walked:#}");
    assert!(path(&walked).contains(&"customer_unknown"), "{walked:#}");
}

#[tokio::test]
async fn a_known_customer_takes_the_ordinary_flow() {
    let walked = walked("error-boundary", Some(json!({"customer": "C-1001", "question": "?"}))).await;
    assert!(!path(&walked).contains(&"customer_unknown"), "{walked:#}");
    assert_eq!(walked["after"]["customerName"], "Ada Lindgren", "{walked:#}");
}

#[tokio::test]
async fn a_multi_instance_task_collects_one_quote_an_item_in_order() {
    let walked = walked("multi-instance", None).await;
    let item = |quote: &Value| quote.get("item").or_else(|| quote.get("quote")?.get("item")).cloned();
    let items: Vec<Option<Value>> = walked["after"]["quotes"].as_array().expect("quotes").iter().map(item).collect();
    assert_eq!(items, ["lamp", "desk", "chair"].map(|item| Some(json!(item))), "{walked:#}");
}

/// `run` and a job over the broker give the same request data, for every element of every example.
#[tokio::test]
async fn a_run_and_a_job_agree() {
    for example in ["order", "error-boundary", "multi-instance"] {
        let app = TestApp::new();
        let api = DemoApi::start(&app, &[]).await;
        let connectors = load(&app, &api, example).await;
        let _worker = app.worker(&[]).await;
        let mut engine = app.engine().await;
        let model = examples().join(example).join("model.bpmn").display().to_string();
        let text = std::fs::read_to_string(examples().join(example).join("data.json")).expect("data");
        let mut data: Value = serde_json::from_str(&text).expect("JSON");
        // What earlier elements, or the engine's loop, would have added.
        data["total"] = json!(129.6);
        data["line"] = json!({"item": "desk", "quantity": 2});
        data["_parent"] = json!({"order": "A-1042"});
        let file = app.file("data.json", &data.to_string()).display().to_string();
        let inspected: Value = serde_json::from_str(&app.cli(&["inspect", &model]).await).expect("JSON");
        for task in inspected["tasks"].as_array().expect("tasks") {
            let element = task["element"].as_str().expect("an id");
            let arguments = ["run", &model, "--element", element, "--data", &file, "--connectors", &connectors];
            let output = run(&mut app.command(&[&arguments[..], &["--format", "json"]].concat())).await;
            let shown: Value = serde_json::from_slice(&output.stdout).expect("JSON");
            let job = json!({"id": element, "request": {"id": 1}, "element": {"id": element, "name": task["name"]},
                "config": task["config"], "errorHandling": task["errorHandling"], "data": data});
            engine.publish(&job).await;
            let result = engine.result().await;
            if result.status() == "completed" {
                let mut after = data.clone();
                for (name, value) in result.body["data"].as_object().expect("members") {
                    after[name] = value.clone();
                }
                assert_eq!(shown["after"], after, "{element}");
            } else {
                for member in ["code", "message", "body"] {
                    assert_eq!(shown["error"][member], result.body["error"][member], "{element}");
                }
            }
        }
    }
}

const INSTANCES: usize = 500;

/// The data of all instances: items in stock and out of stock, in several currencies.
fn orders() -> Value {
    let currencies = ["EUR", "GBP", "CHF", "USD"];
    let order = |n: usize| {
        json!({"order": format!("N-{n}"), "item": if n.is_multiple_of(3) { "chair" } else { "lamp" },
            "quantity": 1 + n % 5, "currency": currencies[n % 4], "amount": n})
    };
    Value::Array((0..INSTANCES).map(order).collect())
}

/// Checks that all instances finished with their own data and made two calls, repeated ones under the key of the first.
fn assert_finished(output: &str, calls: &[Value], repeats_allowed: bool) {
    let lines: Vec<Value> = output.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let instances: Vec<&Value> = lines.iter().filter(|line| line.get("status").is_some()).collect();
    assert_eq!(instances.len(), INSTANCES, "{output}");
    let mut orders = BTreeSet::new();
    for instance in instances {
        assert_eq!(instance["status"], "completed", "{instance:#}");
        let (before, after) = (&instance["before"], &instance["after"]);
        let order = before["order"].as_str().expect("an order");
        let available = before["item"] == "lamp";
        assert_eq!(after["available"], available, "{instance:#}");
        let reservation = if available { format!("R-{order}") } else { String::new() };
        assert_eq!(after["reservation"], reservation, "{instance:#}");
        let amount = before["amount"].as_f64().expect("an amount");
        let rate = after["rate"].as_f64().expect("a rate");
        let total = after["total"].as_f64().expect("a total");
        assert!((total - amount * rate).abs() < 0.01, "{instance:#}");
        orders.insert(order.to_owned());
    }
    assert_eq!(orders.len(), INSTANCES, "each request has its own data");

    let mut reservations: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for call in calls.iter().filter(|call| call["method"] == "POST") {
        let body: Value = serde_json::from_str(call["body"].as_str().expect("a body")).expect("JSON");
        let key = call["key"].as_str().expect("a key").to_owned();
        reservations.entry(body["order"].as_str().expect("an order").to_owned()).or_default().insert(key);
    }
    assert_eq!(reservations.len(), INSTANCES);
    assert!(reservations.values().all(|keys| keys.len() == 1), "a repeated call carries the key of the first");
    let keys: BTreeSet<&String> = reservations.values().flatten().collect();
    assert_eq!(keys.len(), INSTANCES, "and no key is anybody else's");
    if repeats_allowed {
        assert!(calls.len() >= 2 * INSTANCES, "{} calls", calls.len());
    } else {
        assert_eq!(calls.len(), 2 * INSTANCES);
    }
}

async fn assert_empty(app: &TestApp) {
    let engine = app.engine().await;
    eventually("empty queues", || async {
        let depths = (engine.depth("jobs.default").await, engine.depth("dead").await);
        (depths == (Some(0), Some(0))).then_some(())
    })
    .await;
}

fn start_walk(app: &TestApp) -> Running {
    let data = app.file("orders.json", &orders().to_string());
    let mut command = walk(app, "order");
    command.arg("--data").arg(data).args(["--instances", &INSTANCES.to_string()]);
    Running::start(&mut command, app.path("walk.log"))
}

async fn calls_reach(api: &DemoApi, count: usize) {
    eventually(&format!("{count} calls"), || async { (api.calls().len() >= count).then_some(()) }).await;
}

#[tokio::test]
async fn five_hundred_instances_finish_each_with_its_own_data() {
    let app = TestApp::new();
    let api = DemoApi::start(&app, &[]).await;
    load(&app, &api, "order").await;
    let _worker = app.worker(&[]).await;
    let mut walking = start_walk(&app);
    assert_eq!(walking.ended().await, Some(0), "{}", walking.output());
    assert_finished(&walking.output(), &api.calls(), false);
    assert_empty(&app).await;
}

#[tokio::test]
async fn a_broker_killed_in_the_middle_changes_nothing() {
    let mut broker = PrivateBroker::start().await;
    let app = TestApp::on(&broker.url());
    let api = DemoApi::start(&app, &["--delay", "20"]).await;
    load(&app, &api, "order").await;
    let _worker = app.worker(&["--concurrency", "16"]).await;
    let mut walking = start_walk(&app);
    calls_reach(&api, 200).await;
    broker.kill().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    broker.start_again().await;
    assert_eq!(walking.ended().await, Some(0), "{}", walking.output());
    assert_finished(&walking.output(), &api.calls(), false);
    assert_empty(&app).await;
}

#[tokio::test]
async fn a_worker_killed_three_times_repeats_calls_under_their_keys() {
    let app = TestApp::new();
    let api = DemoApi::start(&app, &["--delay", "50"]).await;
    load(&app, &api, "order").await;
    let config = app.file("config.toml", "[worker]\nlease = 5\n").display().to_string();
    let arguments = ["--concurrency", "16", "--config", config.as_str()];
    let mut worker = app.worker(&arguments).await;
    let mut walking = start_walk(&app);
    for kill in 1..=3 {
        calls_reach(&api, kill * 200).await;
        worker.kill().await;
        worker = app.worker(&arguments).await;
    }
    assert_eq!(walking.ended().await, Some(0), "{}", walking.output());
    assert_finished(&walking.output(), &api.calls(), true);
    assert_empty(&app).await;
    drop(worker);
}

#[tokio::test]
async fn an_engine_killed_in_the_middle_resumes() {
    let app = TestApp::new();
    let api = DemoApi::start(&app, &["--delay", "20"]).await;
    load(&app, &api, "order").await;
    let _worker = app.worker(&["--concurrency", "16"]).await;
    let data = app.file("orders.json", &orders().to_string());
    let state = app.path("state");
    let walking = || {
        let mut command = walk(&app, "order");
        command.arg("--data").arg(&data).args(["--instances", &INSTANCES.to_string(), "--state"]).arg(&state);
        command
    };
    let first = Running::start(&mut walking(), app.path("first.log"));
    calls_reach(&api, 300).await;
    first.kill().await;
    let mut second = Running::start(&mut walking(), app.path("second.log"));
    assert_eq!(second.ended().await, Some(0), "{}", second.output());
    assert_finished(&second.output(), &api.calls(), false);
    assert_empty(&app).await;
}
