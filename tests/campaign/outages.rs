//! A: broker and database that are away, slow, full or short of memory cost time and no job.

use std::time::{Duration, Instant};

use harness::postgres::PrivatePostgres;
use harness::process;
use harness::proxy::{Proxy, Toxic};
use harness::third_party::Reply;
use serde_json::json;
use tokio::time::sleep;

use crate::bar::{Bar, Findings, Settings};
use crate::delays;
use crate::history::repeats;
use crate::world::{USUAL, World, spread};

pub(crate) fn bars() -> Vec<Bar> {
    vec![
        Bar {
            name: "A5",
            promise: "whatever a network does to the broker's connections: nothing lost, nothing twice, no stale ack",
            run: |s| Box::pin(toxics(s)),
        },
        Bar {
            name: "A6",
            promise: "results that nobody takes, or that a full queue refuses, are stored before their job leaves",
            run: |s| Box::pin(untaken(s)),
        },
        Bar {
            name: "A7",
            promise: "a database that hangs, refuses or is killed, alone or with the broker: no call without a claim",
            run: |s| Box::pin(database(s)),
        },
        Bar {
            name: "A10",
            promise: "a broker that takes a slow call's job back: still one request and one result",
            run: |s| Box::pin(taken_back(s)),
        },
        Bar {
            name: "A11",
            promise: "a broker short of memory: no new calls, and everything goes on when it has some",
            run: |s| Box::pin(memory(s)),
        },
    ]
}

/// Ends within half a second and a bit.
fn soon(seen: &harness::third_party::Seen) -> Reply {
    Reply::json(&json!({})).after(Duration::from_millis(100 + spread(&seen.path) % 500))
}

/// Nothing is lost, and no POST was sent twice.
fn judge(world: &World, history: &crate::history::History, findings: &mut Findings) {
    history.judge(findings);
    let (repeated, _) = repeats(&world.requests());
    findings.holds(&format!("no request twice ({repeated})"), repeated == 0);
    judge_channels(world, findings);
}

/// Nobody used a channel that was not its own, or panicked.
fn judge_channels(world: &World, findings: &mut Findings) {
    let stale = world.broker.log().matches("unknown delivery tag").count();
    findings.holds(&format!("no ack on a channel that is not its own ({stale})"), stale == 0);
    world.judge_logs(findings);
}

const AMQP: &str = "[worker]\nlease = 5\n[amqp]\nconsumer_check_interval = 5\nheartbeat = 5\n";

async fn toxics(settings: Settings) -> Findings {
    let (mut findings, mut random) = (Findings::default(), settings.random());
    let mut world = World::new(AMQP, 8, json!({}), |seen, _| soon(seen)).await;
    let proxy = Proxy::before(&process::authority(&world.broker.url())).await;
    let led = proxy.leads(&world.broker.url());
    for _ in 0..2 {
        world.start_worker(&[("AMQP_URL", &led)]).await;
    }
    let (toxics, mut slowest) = (settings.of(200, 10), Duration::ZERO);
    for n in 0..toxics {
        world.submit(&format!("before{n}-"), 10, 3).await;
        sleep(Duration::from_millis(random.u64(0..500))).await;
        proxy.set(toxic(&mut random));
        sleep(Duration::from_millis(random.u64(500..6_000))).await;
        world.submit(&format!("during{n}-"), 10, 3).await;
        proxy.set(Toxic::None);
        world.submit(&format!("after{n}-"), 20, 3).await;
        slowest = slowest.max(world.asked_again().await);
    }
    let history = world.ended(Duration::from_mins(4)).await;
    findings.figure("toxics", toxics);
    findings.figure("slowest to work again, ms", slowest.as_millis());
    findings.holds("working again within two heartbeats and 5 s", slowest < Duration::from_secs(15));
    judge(&world, &history, &mut findings);
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

async fn untaken(settings: Settings) -> Findings {
    let mut findings = Findings::default();
    let mut world = World::new(USUAL, 16, json!({}), |seen, _| soon(seen)).await;
    world.start_workers(2).await;
    let (jobs, time) = (settings.of(1_000, 100), Duration::from_secs(u64::from(settings.of(60, 8))));
    world.stub.leave().await;
    world.submit("unroutable", jobs, 3).await;
    let knows = world.is_above("data_connector_results_undelivered ", 0.0, Duration::from_secs(15)).await;
    findings.holds("the number of results that wait is known within 15 s", knows);
    sleep(time).await;
    // What is not stored by now is lost with them.
    for worker in world.workers.drain(..) {
        worker.kill().await;
    }
    world.start_workers(2).await;
    world.stub.take();
    let history = world.ended(Duration::from_mins(3)).await;
    let first = history.results.len();
    world.stub.overflow(5).await;
    world.submit("full", jobs, 3).await;
    sleep(time).await;
    findings.holds("a full queue took no more", world.stub.history().results.len() == first);
    let called = world.third_party.seen().len() - first;
    findings.figure("calls while the queue was full", called);
    findings.holds("no more calls than there are places", called <= 16 * 2 + 10);
    world.stub.take();
    let history = world.ended(Duration::from_mins(3)).await;
    findings.figure("outcomes unknown", history.with_code("OUTCOME_UNKNOWN"));
    judge(&world, &history, &mut findings);
    findings
}

async fn database(settings: Settings) -> Findings {
    let mut findings = Findings::default();
    let mut postgres = PrivatePostgres::start().await;
    let mut world = World::on(&postgres.admin(), USUAL, 16, json!({}), |seen, _| soon(seen)).await;
    let url = world.scene.database().unwrap_or_default().to_owned();
    let proxy = Proxy::before(&process::authority(&url)).await;
    for _ in 0..2 {
        world.start_worker(&[("DATABASE_URL", &proxy.leads(&url))]).await;
    }
    let down = Duration::from_secs(u64::from(settings.of(60, 8)));
    let mut slowest = Duration::ZERO;
    for way in ["hangs", "refuses", "killed"] {
        world.submit(&format!("{way}-before"), 60, 3).await;
        sleep(Duration::from_millis(300)).await;
        match way {
            "hangs" => proxy.set(Toxic::Blackhole),
            "refuses" => proxy.set(Toxic::Refuse),
            _ => postgres.kill().await,
        }
        world.submit(&format!("{way}-during"), 60, 3).await;
        // What was claimed before is called all the same.
        sleep(Duration::from_secs(2)).await;
        let called = world.third_party.seen().len();
        sleep(down).await;
        findings.holds(&format!("{way}: no call without a claim"), world.third_party.seen().len() == called);
        findings.holds(&format!("{way}: some had to wait"), world.stub.history().lost() >= 60);
        match way {
            "killed" => postgres.start_again().await,
            _ => proxy.set(Toxic::None),
        }
        slowest = slowest.max(world.asked_again().await);
        world.ended(Duration::from_mins(2)).await;
    }
    let both = settings.of(5, 1);
    for kill in 0..both {
        world.submit(&format!("both{kill}-"), 100, 3).await;
        sleep(Duration::from_millis(500)).await;
        world.broker.kill().await;
        postgres.kill().await;
        tokio::join!(postgres.start_again(), world.broker.start_again());
        world.ended(Duration::from_mins(2)).await;
    }
    let history = world.ended(Duration::from_mins(2)).await;
    findings.figure("down each time, s", down.as_secs());
    findings.figure("both killed", both);
    findings.figure("slowest to work again, ms", slowest.as_millis());
    findings.figure("outcomes unknown", history.with_code("OUTCOME_UNKNOWN"));
    findings.holds("working again within 10 s", slowest < Duration::from_secs(10));
    judge(&world, &history, &mut findings);
    findings
}

async fn taken_back(settings: Settings) -> Findings {
    let mut findings = Findings::default();
    let call = Duration::from_secs(u64::from(settings.of(100, 12)));
    let timeout = call.as_secs() + 20;
    let mut world =
        World::new(USUAL, 8, json!({"timeout": timeout}), move |_, _| Reply::json(&json!({})).after(call)).await;
    let patience = call.as_millis() / 3;
    let set = |name: &str, value: u128| format!("application:set_env(rabbit, {name}, {value}).");
    for expression in [set("consumer_timeout", patience), set("channel_tick_interval", 1_000)] {
        world.broker.control(&["eval", &expression]).await;
    }
    world.start_workers(2).await;
    world.submit("j", 16, 0).await;
    let history = world.ended(call * 4 + Duration::from_mins(1)).await;
    findings.figure("calls of, s", call.as_secs());
    findings.figure("jobs taken back after, s", patience / 1_000);
    let rebuilt = world.figure("data_connector_consumers_rebuilt_total ").await;
    findings.figure("consumers rebuilt", rebuilt);
    findings.holds("the broker took jobs back", rebuilt >= 1.0);
    history.judge_completed(&mut findings);
    judge(&world, &history, &mut findings);
    findings
}

/// How long the jobs of A11 wait in the ladder: they come back to a broker that is short of memory.
const AWAY: Duration = Duration::from_secs(15);

async fn memory(settings: Settings) -> Findings {
    let mut findings = Findings::default();
    let script = delays::asks(1, |seen, is_over| match seen.path.as_str() {
        path if path.starts_with("/slow") => Reply::json(&json!({})).after(Duration::from_secs(5)),
        _ if is_over => soon(seen),
        _ => delays::wait_for(&AWAY.as_secs().to_string(), false),
    });
    let mut world = World::new(USUAL, 8, json!({}), script).await;
    world.start_workers(2).await;
    world.submit("j", 200, 3).await;
    // A broker tells only those that publish: these do, and leave most places free.
    world.submit("slow", 4, 3).await;
    while world.third_party.seen().len() < 204 {
        sleep(Duration::from_millis(20)).await;
    }
    world.broker.control(&["set_vm_memory_high_watermark", "0.00001"]).await;
    let begun = Instant::now();
    let said = world.is_above("data_connector_broker_blocked ", 0.0, Duration::from_secs(10)).await;
    findings.figure("known after, ms", begun.elapsed().as_millis());
    findings.holds("the worker knows within 10 s", said);
    sleep(Duration::from_secs(3)).await;
    let called = world.third_party.seen().len();
    sleep(AWAY + Duration::from_secs(u64::from(settings.of(50, 5)))).await;
    let meanwhile = world.third_party.seen().len() - called;
    findings.holds(&format!("no new calls meanwhile ({meanwhile})"), meanwhile == 0);
    world.broker.control(&["set_vm_memory_high_watermark", "0.4"]).await;
    let again = world.asked_again().await;
    findings.figure("until calls went on, ms", again.as_millis());
    findings.holds("calls go on within 10 s", again < Duration::from_secs(10));
    let history = world.ended(Duration::from_mins(2)).await;
    history.judge(&mut findings);
    history.judge_completed(&mut findings);
    let (repeated, _) = repeats(&world.requests());
    findings.holds(&format!("one request for each attempt ({repeated} beyond the first)"), repeated == 200);
    judge_channels(&world, &mut findings);
    findings
}
