//! Answers, pages, files, rows, bodies and messages of the worst size, 64 at once: those that find no room in memory wait for
//! it, every job ends as it would alone, the process takes no more memory than it may, and none of them holds up the others.

use std::collections::BTreeMap;

use harness::cost::{peak_kb, resident_kb};
use harness::process::metric;
use harness::test_app::TestApp;
use harness::worst_sizes::{Kind, Sizes, ended, kinds, resources, third_party};

/// How many jobs of a kind there are at once: together they would take several times the limit.
const AT_ONCE: usize = 64;
/// Bodies that the third party keeps until its end.
const BODIES_AT_ONCE: usize = 24;
const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
/// What a worker takes next to `limits.memory` and to what it takes idle, MiB: what the allocator has not given back yet, the
/// database's cache, and the buffers of each call's connection.
const OWN: usize = 96 + AT_ONCE;
/// The longest poll of a task, seconds of processor time, with a worker that is not optimized.
const LONGEST_POLL: f64 = 0.1;

/// What fits into 64 MiB.
const SMALL: Sizes = Sizes {
    text: 6 * MIB,
    objects: 500 * KIB,
    read: 800 * KIB,
    elements: 20_000,
    file: 4 * MIB,
    body: 9 * MIB,
    rows: 4 * MIB,
    message: 4 * MIB,
};
/// What fits into 512 MiB.
const LARGE: Sizes = Sizes {
    text: 7 * MIB,
    objects: 2 * MIB,
    read: 3 * MIB,
    elements: 99_000,
    file: 9 * MIB,
    body: 12 * MIB,
    rows: 7 * MIB,
    message: 7 * MIB,
};

/// Runs these kinds with so many MiB for large inputs, and holds that the process takes no more than that, what it takes by
/// itself, and what was prefetched.
async fn run(limit: usize, sizes: Sizes, names: &[&str], prefetched: usize) {
    let there = third_party(sizes).await;
    let app = TestApp::new();
    let kinds: Vec<Kind> = kinds(&there, sizes).into_iter().filter(|kind| names.contains(&kind.name)).collect();
    assert_eq!(kinds.len(), names.len());
    app.import_resources(resources(&kinds)).await;
    let bytes = (limit * MIB).to_string();
    let at_once = AT_ONCE.to_string();
    let arguments = ["--prefetch", &at_once, "--listen", "127.0.0.1:0"];
    let worker = app.worker_with(&arguments, &[("DATA_CONNECTOR__LIMITS__MEMORY", &bytes)]).await;
    let mut engine = app.engine().await;
    let idle = resident_kb(worker.pid());
    for kind in &kinds {
        let jobs = if kind.name == "bodies" { BODIES_AT_ONCE } else { AT_ONCE };
        let codes = ended(&mut engine, kind, jobs).await;
        assert_eq!(codes, BTreeMap::from([(kind.code.to_owned(), jobs)]), "{}\n{}", kind.name, worker.output());
        let taken = (peak_kb(worker.pid()) - idle) / 1_024;
        let may = u64::try_from(limit + OWN + prefetched / MIB).expect("a number");
        assert!(taken <= may, "{}: {taken} MiB, and it may take {may}", kind.name);
    }
    let longest = metric(&worker.metrics().await, "data_connector_longest_poll_seconds");
    assert!(longest > 0.0 && longest < LONGEST_POLL, "{longest} s\n{}", worker.output());
}

#[tokio::test]
async fn answers_find_room_in_little_memory() {
    run(64, SMALL, &["text", "objects", "read", "refused", "zeros"], 0).await;
}

#[tokio::test]
async fn xml_pages_files_bodies_and_rows_find_room_in_little_memory() {
    run(64, SMALL, &["xml", "pages", "files", "bodies", "rows"], 0).await;
}

#[tokio::test]
async fn messages_find_room_in_little_memory() {
    run(64, SMALL, &["messages"], AT_ONCE * SMALL.message).await;
}

#[tokio::test]
async fn answers_of_the_worst_size_find_room() {
    run(512, LARGE, &["text", "objects", "refused", "zeros"], 0).await;
}

#[tokio::test]
async fn rows_bodies_and_messages_of_the_worst_size_find_room() {
    run(512, LARGE, &["xml", "bodies", "rows", "messages"], AT_ONCE * LARGE.message).await;
}
