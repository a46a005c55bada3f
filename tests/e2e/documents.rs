//! The commands in the documentation work as they are printed.

use harness::engine::{Engine, assert_valid};
use harness::process::succeed;
use harness::test_app::TestApp;
use harness::{binary, path_with_binary, repository};
use serde_json::Value;
use tokio::process::Command;

/// The quickstart, twice: the first run must leave nothing that the second one fails on.
#[tokio::test]
async fn the_quickstart_walks_the_example_and_leaves_nothing_behind() {
    let app = TestApp::new();
    for _ in 0..2 {
        let mut command = Command::new(repository().join("deploy/quickstart"));
        command.arg("--once").env("DATA_CONNECTOR_BIN", binary()).env("AMQP_URL", app.broker());
        command.env("QUICKSTART_PREFIX", app.prefix()).env("TMPDIR", app.path(""));
        let output = succeed(&mut command).await;
        let result: Value = serde_json::from_str(output.lines().next_back().expect("a line")).expect("JSON");
        assert_eq!((&result["engine"], &result["broker"]), (&"bpmn-engine".into(), &"rabbitmq".into()));
        assert_eq!(result["after"]["reservation"], "R-A-1042");
        assert_eq!(result["path"].as_array().and_then(|path| path.last()), Some(&"order_confirmed".into()));
        assert!(result["before"].get("reservation").is_none());
        for queue in ["jobs.default", "dead", "cancels", "retry.q0", "results.default"] {
            let name = format!("{}.{queue}", app.prefix());
            assert!(!Engine::has_queue(app.broker(), &name).await, "{name} was left behind");
        }
        for exchange in ["jobs", "results", "retry.L19"] {
            let name = format!("{}.{exchange}", app.prefix());
            assert!(!Engine::has_exchange(app.broker(), &name).await, "{name} was left behind");
        }
        let processes = succeed(Command::new("ps").args(["-eo", "args"])).await;
        assert!(!processes.contains(app.prefix()), "{processes}");
        let folder: Vec<_> = std::fs::read_dir(app.path("")).expect("the folder").flatten().collect();
        assert!(folder.is_empty(), "{folder:?}");
    }
}

/// Copies the files that the commands name, with a free port instead of the demo API's; returns the port.
fn copy_of_the_examples(app: &TestApp) -> String {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port on loopback");
    let port = listener.local_addr().expect("its address").port().to_string();
    std::fs::create_dir_all(app.path("copy/deploy/examples/order")).expect("a folder");
    for file in [
        "demo-api.mjs",
        "examples/order/model.bpmn",
        "examples/order/data.json",
        "examples/order/connectors.yaml",
        "examples/order/prices.collection.json",
        "examples/order/prices.csv",
    ] {
        let text = std::fs::read_to_string(repository().join("deploy").join(file)).expect("a file of the examples");
        app.file(&format!("copy/deploy/{file}"), &text.replace("4010", &port));
    }
    port
}

/// The commands of the block of a page that is marked as run by a test.
fn commands_of(page: &str) -> Vec<String> {
    let text = std::fs::read_to_string(repository().join(page)).unwrap_or_else(|e| panic!("{page}: {e}"));
    let block = text.split("<!-- run by a test -->").nth(1).and_then(|rest| rest.split("```").nth(1));
    let lines = block.unwrap_or_else(|| panic!("{page} has no block")).lines();
    lines.filter(|line| !line.is_empty() && *line != "sh").map(ToOwned::to_owned).collect()
}

/// The arguments of a command.
fn arguments(command: &str) -> Vec<&str> {
    command.strip_prefix("data-connector ").expect("a command of the product").split(' ').collect()
}

/// The commands of the README's tour of the command line, in order, in one folder.
#[tokio::test]
async fn the_commands_of_the_readme_run() {
    let commands = commands_of("README.md");
    assert!(commands.len() >= 5, "{commands:?}");
    let app = TestApp::new();
    let port = copy_of_the_examples(&app);
    let script = format!("set -eux\n{}", commands.join("\n")).replace("4010", &port);
    let mut shell = Command::new("bash");
    shell
        .arg("-c")
        .arg(script)
        .current_dir(app.path("copy"))
        .env("PATH", path_with_binary())
        .env("XDG_DATA_HOME", app.path("data"));
    shell.env("AMQP_URL", app.broker()).env("DATA_CONNECTOR__AMQP__PREFIX", app.prefix());
    succeed(&mut shell).await;
}

#[tokio::test]
async fn the_commands_of_the_import_page_run() {
    let commands = commands_of("deploy/IMPORT.md");
    assert!(commands.len() >= 8, "{commands:?}");
    let app = TestApp::new();
    let port = copy_of_the_examples(&app);
    let script = format!("set -eux\n{}", commands.join("\n")).replace("4010", &port);
    let mut shell = Command::new("bash");
    shell.arg("-c").arg(script).current_dir(app.path("copy")).env("PATH", path_with_binary());
    shell.env("XDG_DATA_HOME", app.path("data"));
    let printed = succeed(&mut shell).await;
    assert_eq!(printed.matches("\"status\": 200").count(), 2, "{printed}");
}

/// The blocks of the API's page, each in its own language, against the demo API.
#[tokio::test]
async fn the_calls_of_the_api_page_run() {
    let page = std::fs::read_to_string(repository().join("worker/API.md")).expect("the page");
    let app = TestApp::new();
    let port = copy_of_the_examples(&app);
    let mut demo = Command::new("node");
    demo.args(["deploy/demo-api.mjs", "--port", &port]).current_dir(app.path("copy"));
    let _demo = harness::process::Running::start(&mut demo, app.path("demo.log"));
    let file = app.path("copy/deploy/examples/order/connectors.yaml").display().to_string();
    app.cli(&["connectors", "import", &file]).await;
    let (_process, api) = app.serve(&["up"]).await;
    let mut ran = 0;
    for block in page.split("<!-- run by a test: ").skip(1) {
        let (program, rest) = block.split_once(" -->").expect("a program");
        let code = rest.split("```").nth(1).and_then(|code| code.split_once('\n')).expect("a block").1;
        let (file, arguments) = match program {
            "node" => (app.file("block.mjs", code), vec![]),
            "python3" => (app.file("block.py", code), vec![]),
            "php" => (app.file("block.php", code), vec![]),
            "java" => (app.file("Call.java", code), vec![]),
            _ => (app.file("block.sh", code), vec!["-eu"]),
        };
        let mut command = app.program(program, &arguments);
        command.arg(file).env("API_HOST", format!("{}/api/1.0", api.base())).env("API_TOKEN", api.token());
        let printed = succeed(&mut command).await;
        let shown: Value = serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"));
        let response = shown.get("response").or_else(|| shown.pointer("/result/data/response"));
        assert!(response.is_some_and(Value::is_object), "{program}: {printed}");
        ran += 1;
    }
    assert_eq!(ran, 6);
}

/// Every metric of the product is in the runbook, and no other.
#[test]
fn the_runbook_has_every_metric() {
    let runbook = std::fs::read_to_string(repository().join("deploy/RUNBOOK.md")).expect("the runbook");
    let names = std::fs::read_to_string(repository().join("worker/src/telemetry/metric.rs")).expect("the metrics");
    let names: Vec<&str> = names.split('"').filter(|word| word.starts_with("data_connector_")).collect();
    assert!(names.len() > 15, "{names:?}");
    for name in &names {
        assert!(runbook.contains(&format!("| `{name}` |")), "{name} is not in the runbook");
    }
    for row in runbook.lines().filter_map(|line| line.strip_prefix("| `data_connector_")) {
        let name = format!("data_connector_{}", row.split('`').next().unwrap_or_default());
        assert!(names.contains(&name.as_str()), "{name} is in the runbook, and nowhere else");
    }
}

#[tokio::test]
async fn the_commands_of_the_runbook_run() {
    let app = TestApp::new();
    let _worker = app.worker(&[]).await;
    let commands = commands_of("deploy/RUNBOOK.md");
    assert!(commands.len() >= 4, "{commands:?}");
    for command in commands {
        app.cli(&arguments(&command)).await;
    }
}

#[tokio::test]
async fn the_commands_of_the_model_page_run() {
    let app = TestApp::new();
    copy_of_the_examples(&app);
    let commands = commands_of("bpmn-ext/README.md");
    assert!(commands.len() >= 6, "{commands:?}");
    for command in commands {
        let mut program = app.command(&arguments(&command));
        succeed(program.current_dir(app.path("copy/deploy/examples/order"))).await;
    }
}

/// The JSON examples of a page that are marked as `kind`.
fn examples_of(page: &str, kind: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(repository().join(page)).unwrap_or_else(|e| panic!("{page}: {e}"));
    let mark = format!("<!-- checked: {kind} -->\n```json\n");
    let blocks = text.split(&mark).skip(1).map(|block| block.split("```").next().unwrap_or_default());
    blocks.map(|block| serde_json::from_str(block).unwrap_or_else(|e| panic!("{page}: {e}\n{block}"))).collect()
}

#[test]
fn the_messages_of_the_contract_fit_their_schemas() {
    for (kind, schema, count) in
        [("job", data_connector::job::JOB_SCHEMA, 1), ("result", data_connector::job::RESULT_SCHEMA, 2)]
    {
        let examples = examples_of("worker/CONTRACT.md", kind);
        assert_eq!(examples.len(), count, "{kind}");
        for example in &examples {
            assert_valid(schema, example);
        }
    }
}

#[test]
fn the_configuration_of_the_compatibility_page_is_one() {
    let examples = examples_of("worker/COMPATIBILITY.md", "config");
    assert_eq!(examples.len(), 1);
    let config = examples[0].as_object().expect("an object");
    let read = data_connector::connector::ElementConfig::read(config).expect("a configuration");
    assert_eq!((read.resource.as_str(), read.mapping.map(|rows| rows.len())), ("search", Some(2)));
}
