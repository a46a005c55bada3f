//! Scenario C10: inputs of the worst size, 64 at once.

use std::collections::BTreeMap;

use harness::cost::{peak_kb, resident_kb};
use harness::process::metric;
use harness::third_party::Reply;
use harness::worst_sizes::{Sizes, ended, kinds, resources, third_party};
use serde_json::json;

use crate::cluster::Cluster;
use crate::scenario::{Findings, Scenario, Settings};

pub(crate) fn scenarios() -> Vec<Scenario> {
    vec![Scenario {
        name: "C10",
        promise: "answers, messages, rows, pages and files of the worst size, 64 at once: all end, memory stays bounded, nothing holds up the runtime",
        run: |s| Box::pin(worst(s)),
    }]
}

const MIB: usize = 1024 * 1024;
/// `limits.memory` as it is without settings, and what a worker takes next to it, MiB; jobs at once.
const LIMIT: u64 = 512;
const OWN: u64 = 160;
const AT_ONCE: u32 = 64;
/// How long a task may keep others waiting, seconds of processor time.
const LONGEST_POLL: f64 = 0.1;

async fn worst(settings: Settings) -> Findings {
    let mut findings = Findings::default();
    let sizes = Sizes {
        text: 7 * MIB,
        objects: 6 * MIB,
        read: 6 * MIB,
        elements: 99_000,
        file: 9 * MIB,
        body: 12 * MIB,
        rows: 7 * MIB,
        message: 7 * MIB,
    };
    let there = third_party(sizes).await;
    let kinds = kinds(&there, sizes);
    let jobs = usize::try_from(settings.of(AT_ONCE, 16)).unwrap_or(16);
    // Whoever answers keeps what it was sent: a worker for each kind has a peak of its own.
    for kind in &kinds {
        let config = format!("[worker]\nprefetch = {AT_ONCE}\n");
        let mut cluster = Cluster::new(&config, AT_ONCE, json!({}), |_, _| Reply::json(&json!({}))).await;
        cluster.app.import_resources(resources(&kinds)).await;
        cluster.start_workers(1).await;
        let pid = cluster.workers[0].pid();
        let (idle, mut engine) = (resident_kb(pid), cluster.app.engine().await);
        let begun = std::time::Instant::now();
        let codes = ended(&mut engine, kind, jobs).await;
        let took = begun.elapsed().as_secs_f64();
        findings.holds(
            &format!("all {} end as one alone ({codes:?})", kind.name),
            codes == BTreeMap::from([(kind.code.to_owned(), jobs)]),
        );
        let taken = peak_kb(pid).saturating_sub(idle) / 1_024;
        let prefetched = if kind.name == "messages" { u64::from(AT_ONCE) * 7 } else { 0 };
        findings.holds(&format!("{} take no more than they may", kind.name), taken <= LIMIT + OWN + prefetched);
        let longest = metric(&cluster.workers[0].metrics().await, "data_connector_longest_poll_seconds");
        findings.holds(&format!("{} hold up nobody", kind.name), longest > 0.0 && longest < LONGEST_POLL);
        findings.figure(kind.name, format!("{taken} MiB, {took:.0} s, longest poll {:.0} ms", longest * 1e3));
        cluster.judge_logs(&mut findings);
    }
    findings.figure("at once", jobs);
    findings
}
