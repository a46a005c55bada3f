//! Scenarios C6 to C9: hosts that are down for a while or for good, a resource that is, and bursts, each beside what is ideal.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use harness::test_app::{job, with_retries};
use harness::third_party::{Reply, ThirdParty};
use serde_json::json;

use crate::cluster::{Cluster, USUAL};
use crate::scenario::{Findings, Scenario, Settings};

/// Jobs in hand, and calls to one host, as they are without settings.
const IN_HAND: u32 = 256;
const PER_HOST: u32 = 204;
/// The time-out of calls to a host that comes back.
const TIMEOUT: Duration = Duration::from_secs(8);
/// What claims and results of a burst take on a small machine, seconds.
const OVERHEAD: f64 = 0.4;

pub(crate) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario {
            name: "C6",
            promise: "a host is back after a while: all that wait for it go on within 5 s",
            run: |s| Box::pin(returns(s)),
        },
        Scenario {
            name: "C7",
            promise: "a host that is down for good: its jobs fail with its code, no later than limits.host_wait",
            run: |s| Box::pin(down_for_good(s)),
        },
        Scenario {
            name: "C8",
            promise: "one resource of a host hangs: its others go on",
            run: |s| Box::pin(one_resource(s)),
        },
        Scenario {
            name: "C9",
            promise: "bursts take what their calls take, cold and warm",
            run: |s| Box::pin(bursts(s)),
        },
    ]
}

/// A host that is down in one way until it is told to be back.
#[derive(Debug, Clone, Copy)]
enum Down {
    Unavailable,
    Hangs,
}

async fn host_down(how: Down) -> (ThirdParty, Arc<AtomicBool>) {
    let is_back = Arc::<AtomicBool>::default();
    let answers = Arc::clone(&is_back);
    let host = ThirdParty::start(move |_, _| match how {
        _ if answers.load(Ordering::Relaxed) => Reply::json(&json!({})).after(Duration::from_millis(200)),
        Down::Unavailable => Reply::status(503, &json!({})),
        Down::Hangs => Reply::Silence,
    })
    .await;
    (host, is_back)
}

async fn cluster_of(resources: serde_json::Value) -> Cluster {
    let mut cluster = Cluster::new(USUAL, IN_HAND, json!({}), |_, _| Reply::json(&json!({}))).await;
    cluster.app.import_resources(resources).await;
    cluster.start_workers(1).await;
    cluster
}

async fn submit(cluster: &Cluster, name: &str, resource: &str, jobs: u32, retries: u32) {
    for n in 0..jobs {
        let id = format!("{name}{n}");
        cluster.engine.submit(&with_retries(job(&id, resource, &[], json!({"job": id})), retries, 1)).await;
    }
}

async fn returns(settings: Settings) -> Findings {
    let mut findings = Findings::default();
    for (how, down) in [(Down::Unavailable, 20), (Down::Unavailable, 90), (Down::Hangs, 20)] {
        let down = settings.of(down, 8);
        let jobs = settings.of(300, 100);
        let (host, is_back) = host_down(how).await;
        // Their own attempts and waits take longer than the host is away.
        let resource = json!({"r": {"url": host.url("/{{job}}"), "method": "GET", "timeout": TIMEOUT.as_secs()}});
        let cluster = cluster_of(resource).await;
        submit(&cluster, "j", "r", jobs, 20).await;
        tokio::time::sleep(Duration::from_secs(down.into())).await;
        let before = host.seen().len();
        is_back.store(true, Ordering::Relaxed);
        let back = tokio::time::Instant::now();
        let history = cluster.ended(Duration::from_mins(3)).await;
        history.judge(&mut findings);
        history.judge_completed(&mut findings);
        // Calls that the host had accepted before it was back take their time-out, and come again after that.
        let seen = host.seen();
        let open = back.checked_sub(TIMEOUT + Duration::from_secs(1)).unwrap_or(back);
        let hung: HashSet<&str> =
            seen.iter().filter(|one| (open..back).contains(&one.at)).map(|one| one.path.as_str()).collect();
        let waited = seen.iter().filter(|one| matches!(how, Down::Unavailable) || !hung.contains(one.path.as_str()));
        let last = waited.map(|one| one.at.saturating_duration_since(back)).max().unwrap_or_default();
        let name = format!("{how:?} for {down} s, {jobs} jobs");
        findings.figure(&format!("{name}: calls meanwhile"), before);
        findings.figure(&format!("{name}: last one called after, ms"), last.as_millis());
        findings.holds("all are on their way within 5 s", last < Duration::from_secs(5));
    }
    findings
}

async fn down_for_good(settings: Settings) -> Findings {
    let mut findings = Findings::default();
    let wait = settings.of(60, 6);
    for (how, retries) in [(Down::Unavailable, 0), (Down::Unavailable, 1), (Down::Hangs, 0)] {
        let jobs = settings.of(300, 100);
        let (host, _) = host_down(how).await;
        let resource = json!({"r": {"url": host.url("/{{job}}"), "method": "GET", "timeout": 2}});
        let config = format!("{USUAL}[limits]\nhost_wait = {wait}\n");
        let mut cluster = Cluster::new(&config, IN_HAND, json!({}), |_, _| Reply::json(&json!({}))).await;
        cluster.app.import_resources(resource).await;
        cluster.start_workers(1).await;
        let begun = Instant::now();
        submit(&cluster, "j", "r", jobs, retries).await;
        let mut first = None;
        while cluster.engine.history().lost() > 0 && begun.elapsed() < Duration::from_mins(5) {
            tokio::time::sleep(Duration::from_millis(50)).await;
            if first.is_none() && !cluster.engine.history().results.is_empty() {
                first = Some(begun.elapsed());
            }
        }
        let last = begun.elapsed();
        let history = cluster.ended(Duration::from_secs(1)).await;
        history.judge(&mut findings);
        let name = format!("{how:?}, {retries} retries, {jobs} jobs");
        findings.figure(&format!("{name}: calls"), host.seen().len());
        let (first, last) = (first.unwrap_or(last).as_secs_f64(), last.as_secs_f64());
        findings.figure(&format!("{name}: first and last answer, s"), format!("{first:.1} and {last:.1}"));
        findings.holds("every job fails in time", last < f64::from(wait) + 10.0);
    }
    findings
}

async fn one_resource(settings: Settings) -> Findings {
    let mut findings = Findings::default();
    let host = ThirdParty::start(|seen, _| {
        if seen.path.starts_with("/dead") {
            Reply::Silence
        } else {
            Reply::json(&json!({})).after(Duration::from_millis(200))
        }
    })
    .await;
    let resource = |path: &str, timeout: u32| json!({"url": host.url(&format!("{path}/{{{{job}}}}")), "method": "GET", "timeout": timeout});
    let cluster = cluster_of(json!({"dead": resource("/dead", 10), "good": resource("/good", 10)})).await;
    submit(&cluster, "dead", "dead", settings.of(300, 100), 0).await;
    for round in 0..settings.of(10, 4) {
        let (jobs, begun) = (50, Instant::now());
        let name = format!("good{round}-");
        submit(&cluster, &name, "good", jobs, 0).await;
        let done = || cluster.engine.history().results.keys().filter(|job| job.starts_with(&name)).count();
        while done() < 50 && begun.elapsed() < Duration::from_mins(1) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        findings.figure(&format!("{jobs} jobs of the other resource, round {round}, ms"), begun.elapsed().as_millis());
        // At first nothing is known of either, and the calls that hang have nearly all places of the host.
        let most = Duration::from_secs(if round == 0 { 10 } else { 3 });
        findings.holds("the other resource's jobs are done soon", begun.elapsed() < most);
    }
    let history = cluster.ended(Duration::from_mins(3)).await;
    history.judge(&mut findings);
    findings
}

async fn bursts(settings: Settings) -> Findings {
    let mut findings = Findings::default();
    for millis in [0, 200, 2_000] {
        for jobs in [20, 100, 500] {
            let jobs = settings.of(jobs, 20);
            let host =
                ThirdParty::start(move |_, _| Reply::json(&json!({})).after(Duration::from_millis(millis))).await;
            let cluster = cluster_of(json!({"r": {"url": host.url("/{{job}}"), "method": "GET"}})).await;
            let ideal = f64::from(jobs.div_ceil(PER_HOST)) * Duration::from_millis(millis).as_secs_f64();
            for how in ["cold", "warm"] {
                let begun = Instant::now();
                submit(&cluster, how, "r", jobs, 0).await;
                // One by one, each confirmed: 500 of them are no burst, but half a second of the engine's.
                let published = begun.elapsed().as_secs_f64();
                while cluster.engine.history().lost() > 0 && begun.elapsed() < Duration::from_mins(1) {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                let took = begun.elapsed().as_secs_f64();
                let name = format!("{jobs} at {millis} ms {how}");
                findings
                    .figure(&format!("{name}, s (published {published:.2}, ideal {ideal:.1})"), format!("{took:.2}"));
                findings
                    .holds(&format!("{name} take what their calls take"), took < ideal * 1.1 + published + OVERHEAD);
            }
        }
    }
    findings
}
