//! Scenarios A5 to A7, A10 and A11: an unreachable, slow, full or blocked broker or database costs time and no job.

use std::time::{Duration, Instant};

use harness::postgres::PrivatePostgres;
use harness::process;
use harness::proxy::{Proxy, Toxic};
use harness::third_party::Reply;
use serde_json::json;
use tokio::time::sleep;

use crate::cluster::{Cluster, USUAL, spread};
use crate::delays;
use crate::history::repeats;
use crate::scenario::{Findings, Scenario, Settings};

pub(crate) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario {
            name: "A5",
            promise: "network faults between worker and broker: nothing lost, nothing twice, no ack on another channel",
            run: |s| Box::pin(toxics(s)),
        },
        Scenario {
            name: "A6",
            promise: "results that are unroutable or that a full queue rejects are stored before their job is acked",
            run: |s| Box::pin(unroutable(s)),
        },
        Scenario {
            name: "A7",
            promise: "a database that hangs, refuses connections or is killed, alone or with the broker: no call without a claim",
            run: |s| Box::pin(database(s)),
        },
        Scenario {
            name: "A10",
            promise: "the broker requeues the job of a slow call: still one request and one result",
            run: |s| Box::pin(requeued(s)),
        },
        Scenario {
            name: "A11",
            promise: "the broker blocks publishers for lack of memory: no new calls, and they continue when it unblocks",
            run: |s| Box::pin(memory(s)),
        },
    ]
}

/// Replies after 100 to 600 ms.
fn soon(seen: &harness::third_party::Seen) -> Reply {
    Reply::json(&json!({})).after(Duration::from_millis(100 + spread(&seen.path) % 500))
}

/// Checks that nothing is lost and no POST was sent twice.
fn judge(cluster: &Cluster, history: &crate::history::History, findings: &mut Findings) {
    history.judge(findings);
    let (repeated, _) = repeats(&cluster.requests());
    findings.holds(&format!("no request twice ({repeated})"), repeated == 0);
    judge_channels(cluster, findings);
}

/// Checks that no worker acked on another channel, or panicked.
fn judge_channels(cluster: &Cluster, findings: &mut Findings) {
    let stale = cluster.broker.log().matches("unknown delivery tag").count();
    findings.holds(&format!("no ack on another channel ({stale})"), stale == 0);
    cluster.judge_logs(findings);
}

const AMQP: &str = "[worker]\nlease = 5\n[amqp]\nconsumer_check_interval = 5\nheartbeat = 5\n";

async fn toxics(settings: Settings) -> Findings {
    let (mut findings, mut random) = (Findings::default(), settings.random());
    let mut cluster = Cluster::new(AMQP, 8, json!({}), |seen, _| soon(seen)).await;
    let proxy = Proxy::before(&process::authority(&cluster.broker.url())).await;
    let proxied = proxy.url_through(&cluster.broker.url());
    for _ in 0..2 {
        cluster.start_worker(&[("AMQP_URL", &proxied)]).await;
    }
    let (toxics, mut slowest) = (settings.of(200, 10), Duration::ZERO);
    for n in 0..toxics {
        cluster.submit(&format!("before{n}-"), 10, 3).await;
        sleep(Duration::from_millis(random.u64(0..500))).await;
        proxy.set(toxic(&mut random));
        sleep(Duration::from_millis(random.u64(500..6_000))).await;
        cluster.submit(&format!("during{n}-"), 10, 3).await;
        proxy.set(Toxic::None);
        cluster.submit(&format!("after{n}-"), 20, 3).await;
        slowest = slowest.max(cluster.until_next_call().await);
    }
    let history = cluster.ended(Duration::from_mins(4)).await;
    findings.figure("toxics", toxics);
    findings.figure("slowest recovery, ms", slowest.as_millis());
    findings.holds("recovered within two heartbeats and 5 s", slowest < Duration::from_secs(15));
    judge(&cluster, &history, &mut findings);
    findings
}

fn toxic(random: &mut fastrand::Rng) -> Toxic {
    match random.u32(0..8) {
        0 => Toxic::ResetAfter(random.u64(0..20_000)),
        1 => Toxic::Blackhole,
        2 => Toxic::DropUp,
        3 => Toxic::DropDown,
        4 => Toxic::Slice,
        5 => Toxic::Latency(Duration::ZERO, Duration::from_secs(2)),
        6 => Toxic::Bandwidth(2_000),
        _ => Toxic::Refuse,
    }
}

async fn unroutable(settings: Settings) -> Findings {
    let mut findings = Findings::default();
    let mut cluster = Cluster::new(USUAL, 16, json!({}), |seen, _| soon(seen)).await;
    cluster.start_workers(2).await;
    let (jobs, time) = (settings.of(1_000, 100), Duration::from_secs(u64::from(settings.of(60, 8))));
    cluster.engine.delete_result_queue().await;
    cluster.submit("unroutable", jobs, 3).await;
    let is_reported = cluster.is_above("data_connector_results_undelivered ", 0.0, Duration::from_secs(15)).await;
    findings.holds("the number of undelivered results is reported within 15 s", is_reported);
    sleep(time).await;
    // Results that are not stored by now are lost with the workers.
    for worker in cluster.workers.drain(..) {
        worker.kill().await;
    }
    cluster.start_workers(2).await;
    cluster.engine.consume();
    let history = cluster.ended(Duration::from_mins(3)).await;
    let first = history.results.len();
    cluster.engine.limit_result_queue(5).await;
    cluster.submit("full", jobs, 3).await;
    sleep(time).await;
    findings.holds("a full queue accepted no more", cluster.engine.history().results.len() == first);
    let called = cluster.third_party.seen().len() - first;
    findings.figure("calls while the queue was full", called);
    findings.holds("no more calls than the workers may have in flight", called <= 16 * 2 + 10);
    cluster.engine.consume();
    let history = cluster.ended(Duration::from_mins(3)).await;
    findings.figure("outcomes unknown", history.with_code("OUTCOME_UNKNOWN"));
    judge(&cluster, &history, &mut findings);
    findings
}

async fn database(settings: Settings) -> Findings {
    let mut findings = Findings::default();
    let mut postgres = PrivatePostgres::start().await;
    let mut cluster = Cluster::on(&postgres.admin(), USUAL, 16, json!({}), |seen, _| soon(seen)).await;
    let url = cluster.app.database().unwrap_or_default().to_owned();
    let proxy = Proxy::before(&process::authority(&url)).await;
    for _ in 0..2 {
        cluster.start_worker(&[("DATABASE_URL", &proxy.url_through(&url))]).await;
    }
    let down = Duration::from_secs(u64::from(settings.of(60, 8)));
    let mut slowest = Duration::ZERO;
    for outage in ["hangs", "refuses", "killed"] {
        cluster.submit(&format!("{outage}-before"), 60, 3).await;
        sleep(Duration::from_millis(300)).await;
        match outage {
            "hangs" => proxy.set(Toxic::Blackhole),
            "refuses" => proxy.set(Toxic::Refuse),
            _ => postgres.kill().await,
        }
        cluster.submit(&format!("{outage}-during"), 60, 3).await;
        // Jobs that were claimed before are still called.
        sleep(Duration::from_secs(2)).await;
        let called = cluster.third_party.seen().len();
        sleep(down).await;
        findings.holds(&format!("{outage}: no call without a claim"), cluster.third_party.seen().len() == called);
        findings.holds(&format!("{outage}: some jobs had to wait"), cluster.engine.history().lost() >= 60);
        match outage {
            "killed" => postgres.start_again().await,
            _ => proxy.set(Toxic::None),
        }
        slowest = slowest.max(cluster.until_next_call().await);
        cluster.ended(Duration::from_mins(2)).await;
    }
    let both = settings.of(5, 1);
    for kill in 0..both {
        cluster.submit(&format!("both{kill}-"), 100, 3).await;
        sleep(Duration::from_millis(500)).await;
        cluster.broker.kill().await;
        postgres.kill().await;
        tokio::join!(postgres.start_again(), cluster.broker.start_again());
        cluster.ended(Duration::from_mins(2)).await;
    }
    let history = cluster.ended(Duration::from_mins(2)).await;
    findings.figure("down each time, s", down.as_secs());
    findings.figure("both killed", both);
    findings.figure("slowest recovery, ms", slowest.as_millis());
    findings.figure("outcomes unknown", history.with_code("OUTCOME_UNKNOWN"));
    findings.holds("recovered within 10 s", slowest < Duration::from_secs(10));
    judge(&cluster, &history, &mut findings);
    findings
}

async fn requeued(settings: Settings) -> Findings {
    let mut findings = Findings::default();
    let call = Duration::from_secs(u64::from(settings.of(100, 12)));
    let timeout = call.as_secs() + 20;
    let mut cluster =
        Cluster::new(USUAL, 8, json!({"timeout": timeout}), move |_, _| Reply::json(&json!({})).after(call)).await;
    let patience = call.as_millis() / 3;
    let set = |name: &str, value: u128| format!("application:set_env(rabbit, {name}, {value}).");
    for expression in [set("consumer_timeout", patience), set("channel_tick_interval", 1_000)] {
        cluster.broker.control(&["eval", &expression]).await;
    }
    cluster.start_workers(2).await;
    cluster.submit("j", 16, 0).await;
    let history = cluster.ended(call * 4 + Duration::from_mins(1)).await;
    findings.figure("calls of, s", call.as_secs());
    findings.figure("jobs requeued after, s", patience / 1_000);
    let rebuilt = cluster.metric("data_connector_consumers_rebuilt_total ").await;
    findings.figure("consumers rebuilt", rebuilt);
    findings.holds("the broker requeued jobs", rebuilt >= 1.0);
    history.judge_completed(&mut findings);
    judge(&cluster, &history, &mut findings);
    findings
}

/// How long the jobs of A11 wait in the ladder: they return while the broker is blocked.
const WAIT: Duration = Duration::from_secs(15);

async fn memory(settings: Settings) -> Findings {
    let mut findings = Findings::default();
    let script = delays::waits(1, |seen, is_over| match seen.path.as_str() {
        path if path.starts_with("/slow") => Reply::json(&json!({})).after(Duration::from_secs(5)),
        _ if is_over => soon(seen),
        _ => delays::wait_for(&WAIT.as_secs().to_string(), false),
    });
    let mut cluster = Cluster::new(USUAL, 8, json!({}), script).await;
    cluster.start_workers(2).await;
    cluster.submit("j", 200, 3).await;
    // A broker reports `blocked` to publishers only: these jobs publish, and leave most of the concurrency free.
    cluster.submit("slow", 4, 3).await;
    while cluster.third_party.seen().len() < 204 {
        sleep(Duration::from_millis(20)).await;
    }
    cluster.broker.control(&["set_vm_memory_high_watermark", "0.00001"]).await;
    let begun = Instant::now();
    let is_reported = cluster.is_above("data_connector_broker_blocked ", 0.0, Duration::from_secs(10)).await;
    findings.figure("reported after, ms", begun.elapsed().as_millis());
    findings.holds("the worker reports it within 10 s", is_reported);
    sleep(Duration::from_secs(3)).await;
    let called = cluster.third_party.seen().len();
    sleep(WAIT + Duration::from_secs(u64::from(settings.of(50, 5)))).await;
    let meanwhile = cluster.third_party.seen().len() - called;
    findings.holds(&format!("no new calls meanwhile ({meanwhile})"), meanwhile == 0);
    cluster.broker.control(&["set_vm_memory_high_watermark", "0.4"]).await;
    let until_next = cluster.until_next_call().await;
    findings.figure("until calls continued, ms", until_next.as_millis());
    findings.holds("calls continue within 10 s", until_next < Duration::from_secs(10));
    let history = cluster.ended(Duration::from_mins(2)).await;
    history.judge(&mut findings);
    history.judge_completed(&mut findings);
    let (repeated, _) = repeats(&cluster.requests());
    findings.holds(&format!("one request for each attempt ({repeated} beyond the first)"), repeated == 200);
    judge_channels(&cluster, &mut findings);
    findings
}
