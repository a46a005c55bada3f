//! What one job costs the worker, counted in instructions, which no other load on the machine changes.

use std::time::Instant;

use harness::binary;
use harness::eventually;
use harness::process::{Running, succeed};
use harness::test_app::{TestApp, job};
use harness::third_party::{Reply, ThirdParty};
use serde_json::{Value, json};
use tokio::process::Command;

/// Thousands of instructions of one job, in total and of its pure parts, measured with the tests' profile, which does not optimise
/// the worker; and the tolerated increase in percent, for another compiler or C library. When a change needs fewer instructions,
/// write the new number here.
const WITH_POSTGRESQL: [Thousands; 4] = [
    ("PROGRAM TOTALS", 1_556, 15),
    (":data_connector::job::decode::Decoder::decode ", 212, 10),
    (":data_connector::plan::plan ", 154, 10),
    (":data_connector::interpret::interpret ", 74, 10),
];
/// The database's share included, which is this process's own.
const WITH_SQLITE: [Thousands; 1] = [("PROGRAM TOTALS", 1_766, 15)];
/// What is counted, how many thousands there were, and the tolerated increase in percent.
type Thousands = (&'static str, u64, u64);
/// Jobs that are counted, one after the other, so that none shares a batch of the ledger.
const JOBS: u64 = 40;

/// An ordinary job of about 1 KB: a rendered URL and body, an idempotency key, three mapped fields.
fn ordinary(id: &str) -> Value {
    let mapping = [("order", "order.id"), ("state", "$.order.state"), ("price", "price")];
    let lines: Vec<Value> = (0..6).map(|n| json!({"sku": format!("sku-{n:04}"), "quantity": n})).collect();
    let data = json!({"customer": {"id": 7, "name": "Ada & Co"}, "lines": lines, "note": "x".repeat(300)});
    job(id, "r", &mapping, data)
}

/// The instructions of each function, those of the functions it calls included.
async fn annotated(counts: &str) -> String {
    let arguments = ["--inclusive=yes", "--show-percs=no", "--threshold=100", counts];
    succeed(Command::new("callgrind_annotate").args(arguments)).await
}

/// The instructions of the first line that names this.
fn instructions(annotated: &str, of: &str) -> Option<u64> {
    let line = annotated.lines().find(|line| line.contains(of))?;
    line.split_whitespace().next()?.replace(',', "").parse().ok()
}

#[tokio::test]
async fn a_job_takes_no_more_instructions_than_before() {
    count(TestApp::new().with_postgres().await, &WITH_POSTGRESQL).await;
}

#[tokio::test]
async fn a_job_takes_no_more_instructions_with_its_ledger_in_a_file() {
    count(TestApp::new(), &WITH_SQLITE).await;
}

/// Counts while a worker does its jobs.
async fn count(app: TestApp, thousands: &[Thousands]) {
    let answer = json!({"order": {"id": 17, "state": "held"}, "price": 12.5, "terms": "x".repeat(300)});
    let third_party = ThirdParty::start(move |_, _| Reply::json(&answer)).await;
    let body = r#"{"customer": "{{customer.name}}", "lines": {{{lines | json}}}, "note": "{{note}}"}"#;
    let resource = json!({"method": "POST", "url": third_party.url("/orders/{{customer.id}}"), "body_type": "json",
        "headers": [{"key": "Content-Type", "value": "application/json", "required": true}], "body": body});
    app.import_resources(json!({"r": resource})).await;

    let counts = app.path("counts").display().to_string();
    let (file, program) = (format!("--callgrind-out-file={counts}"), binary().display().to_string());
    let counted = ["--tool=callgrind", &file, &program, "worker"];
    let mut valgrind = app.program("valgrind", &counted);
    valgrind.env("DATA_CONNECTOR_LONGEST_POLL", "off");
    let worker = Running::start(&mut valgrind, app.path("worker.log"));
    eventually("a worker that takes jobs", || async { worker.output().contains("taking jobs").then_some(()) }).await;
    let control = async |what: &str| {
        succeed(Command::new("callgrind_control").args([what, &worker.pid().to_string()])).await;
    };
    let mut engine = app.engine().await;
    let mut began = Instant::now();
    for n in 0..10 + JOBS {
        if n == 10 {
            control("--zero").await;
            began = Instant::now();
        }
        engine.publish(&ordinary(&format!("j{n}"))).await;
        let result = engine.result().await;
        assert_eq!(result.body["data"], json!({"order": 17, "state": "held", "price": 12.5}), "{:#}", result.body);
    }
    control("--dump").await;
    // What the worker does by the clock takes more of a job's instructions the slower the machine is: it is counted by itself.
    tokio::time::sleep(began.elapsed()).await;
    control("--dump").await;
    let (busy, idle) = (annotated(&format!("{counts}.1")).await, annotated(&format!("{counts}.2")).await);
    let mut dearer = Vec::new();
    for &(of, before, leeway) in thousands {
        let spent = instructions(&busy, of).unwrap_or_else(|| panic!("no {of} in {busy}"));
        let now = spent.saturating_sub(instructions(&idle, of).unwrap_or(0)) / JOBS / 1_000;
        assert!(now > before / 2, "{of}: {now} thousand instructions a job: the counting counts something else");
        if now > before * (100 + leeway) / 100 {
            dearer.push(format!("{of}: {now} thousand instructions a job; there were {before} thousand"));
        }
    }
    assert!(dearer.is_empty(), "{dearer:#?}");
}
