//! What a newcomer is told to type works as it stands.

use std::path::Path;

use harness::engine::Engine;
use harness::process::succeed;
use harness::scene::Scene;
use harness::{binary, repository};
use serde_json::Value;
use tokio::process::Command;

/// The quickstart from the outside, twice: the second one must not stumble over what the first one left.
#[tokio::test]
async fn the_quickstart_walks_the_example_and_leaves_nothing_behind() {
    let scene = Scene::new();
    for _ in 0..2 {
        let mut command = Command::new(repository().join("deploy/quickstart"));
        command.arg("--once").env("DATA_CONNECTOR_BIN", binary()).env("AMQP_URL", scene.broker());
        command.env("QUICKSTART_PREFIX", scene.prefix()).env("TMPDIR", scene.path(""));
        let said = succeed(&mut command).await;
        let result: Value = serde_json::from_str(said.lines().next_back().expect("a line")).expect("JSON");
        assert_eq!((&result["engine"], &result["broker"]), (&"bpmn-engine".into(), &"rabbitmq".into()));
        assert_eq!(result["after"]["reservation"], "R-A-1042");
        assert_eq!(result["path"].as_array().and_then(|path| path.last()), Some(&"order_confirmed".into()));
        assert!(result["before"].get("reservation").is_none());
        for queue in ["jobs.default", "dead", "cancels", "retry.q0", "results.default"] {
            let name = format!("{}.{queue}", scene.prefix());
            assert!(!Engine::has_queue(scene.broker(), &name).await, "{name} was left behind");
        }
        for exchange in ["jobs", "results", "retry.L19"] {
            let name = format!("{}.{exchange}", scene.prefix());
            assert!(!Engine::has_exchange(scene.broker(), &name).await, "{name} was left behind");
        }
        let processes = succeed(Command::new("ps").args(["-eo", "args"])).await;
        assert!(!processes.contains(scene.prefix()), "{processes}");
        let folder: Vec<_> = std::fs::read_dir(scene.path("")).expect("the folder").flatten().collect();
        assert!(folder.is_empty(), "{folder:?}");
    }
}

/// The files that the README's commands name, with a port that nobody else uses.
fn copy_of_the_examples(scene: &Scene) -> String {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port on loopback");
    let port = listener.local_addr().expect("its address").port().to_string();
    std::fs::create_dir_all(scene.path("copy/deploy/examples/order")).expect("a folder");
    for file in
        ["demo-api.mjs", "examples/order/model.bpmn", "examples/order/data.json", "examples/order/connectors.yaml"]
    {
        let text = std::fs::read_to_string(repository().join("deploy").join(file)).expect("a file of the examples");
        scene.file(&format!("copy/deploy/{file}"), &text.replace("4010", &port));
    }
    port
}

/// The commands of the README that show the command line, run one after the other in one folder.
#[tokio::test]
async fn the_commands_of_the_readme_run() {
    let readme = std::fs::read_to_string(repository().join("README.md")).expect("the README");
    let block =
        readme.split("<!-- run by a test -->").nth(1).and_then(|rest| rest.split("```").nth(1)).expect("a block");
    let commands: Vec<&str> = block.lines().filter(|line| !line.is_empty() && *line != "sh").collect();
    assert!(commands.len() >= 5, "{commands:?}");
    let scene = Scene::new();
    let port = copy_of_the_examples(&scene);
    let folder = binary().parent().unwrap_or(Path::new(".")).to_path_buf();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default());
    let script = format!("set -eux\n{}", commands.join("\n")).replace("4010", &port);
    let mut shell = Command::new("bash");
    shell
        .arg("-c")
        .arg(script)
        .current_dir(scene.path("copy"))
        .env("PATH", path)
        .env("XDG_DATA_HOME", scene.path("data"));
    shell.env("AMQP_URL", scene.broker()).env("DATA_CONNECTOR__AMQP__PREFIX", scene.prefix());
    succeed(&mut shell).await;
}

/// An operator who looks something up finds it: every metric, every exit code.
#[test]
fn the_runbook_knows_every_metric() {
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
    let scene = Scene::new();
    let _worker = scene.worker(&[]).await;
    let runbook = std::fs::read_to_string(repository().join("deploy/RUNBOOK.md")).expect("the runbook");
    let block = runbook.split("<!-- run by a test -->").nth(1).and_then(|rest| rest.split("```").nth(1));
    let commands: Vec<&str> =
        block.expect("a block").lines().filter_map(|l| l.strip_prefix("data-connector ")).collect();
    assert!(commands.len() >= 4, "{commands:?}");
    for command in commands {
        scene.cli(&command.split(' ').collect::<Vec<_>>()).await;
    }
}

#[tokio::test]
async fn the_commands_of_the_model_page_run() {
    let scene = Scene::new();
    copy_of_the_examples(&scene);
    let page = std::fs::read_to_string(repository().join("bpmn-ext/README.md")).expect("the page");
    let block = page.split("<!-- run by a test -->").nth(1).and_then(|rest| rest.split("```").nth(1));
    let commands: Vec<&str> =
        block.expect("a block").lines().filter_map(|l| l.strip_prefix("data-connector ")).collect();
    assert!(commands.len() >= 6, "{commands:?}");
    for command in commands {
        let mut program = scene.command(&command.split(' ').collect::<Vec<_>>());
        succeed(program.current_dir(scene.path("copy/deploy/examples/order"))).await;
    }
}
