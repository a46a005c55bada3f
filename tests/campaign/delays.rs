//! Scenarios B1 to B5: waits in the broker end on time, and its queues are never redeclared with other arguments.

use std::time::Duration;

use harness::test_app::TestApp;
use harness::third_party::{Reply, Seen};
use serde_json::json;

use crate::cluster::{Cluster, USUAL, spread};
use crate::engine_stub;
use crate::history::repeats;
use crate::scenario::{Findings, Scenario, Settings};

pub(crate) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario {
            name: "B1",
            promise: "waits of 1 to 120 s end on time and never early",
            run: |s| Box::pin(on_time(s)),
        },
        Scenario {
            name: "B2",
            promise: "twenty waits of one job, three levels of the ladder each",
            run: |s| Box::pin(twenty_waits(s)),
        },
        Scenario {
            name: "B3",
            promise: "the broker is killed while jobs wait in the ladder",
            run: |s| Box::pin(broker_kills(s)),
        },
        Scenario {
            name: "B4",
            promise: "Retry-After in every form: never earlier, not much later, and no retry beyond the limit",
            run: |s| Box::pin(retry_after(s)),
        },
        Scenario {
            name: "B5",
            promise: "a queue with other arguments is refused and not changed",
            run: |_| Box::pin(other_arguments()),
        },
    ]
}

/// The wait that the first response to a job requests, seconds.
fn wait_of(path: &str, longest: u64) -> u64 {
    1 + spread(path) % longest
}

fn wait_once(seen: &Seen, longest: u64, is_over: bool) -> Reply {
    wait_for(&wait_of(&seen.path, longest).to_string(), is_over)
}

/// A 503 with this Retry-After, or 200 when the waits are over.
pub(crate) fn wait_for(seconds: &str, is_over: bool) -> Reply {
    if is_over { Reply::json(&json!({})) } else { Reply::status(503, &json!({})).with("retry-after", seconds) }
}

/// A script that lets each job wait `times` times: `answer` is given the request and whether the waits are over.
pub(crate) fn waits(
    times: usize,
    answer: impl Fn(&Seen, bool) -> Reply + Send + Sync,
) -> impl Fn(&Seen, usize) -> Reply + Send + Sync {
    let calls = std::sync::Mutex::new(std::collections::HashMap::<String, usize>::new());
    move |seen, _| {
        let mut calls = calls.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let count = calls.entry(seen.path.clone()).or_default();
        *count += 1;
        answer(seen, *count > times)
    }
}

async fn on_time(settings: Settings) -> Findings {
    let (mut findings, longest) = (Findings::default(), u64::from(settings.of(120, 8)));
    let script = waits(1, move |seen, is_over| wait_once(seen, longest, is_over));
    let mut cluster = Cluster::new(USUAL, 64, json!({}), script).await;
    cluster.start_workers(2).await;
    cluster.submit("j", settings.of(10_000, 300), 3).await;
    let history = cluster.ended(Duration::from_mins(5)).await;
    history.judge(&mut findings);
    let late = |seen: &Vec<Seen>| {
        let requested = f64::from(u32::try_from(wait_of(&seen[0].path, longest)).unwrap_or(0));
        ((seen[1].at - seen[0].at).as_secs_f64() - requested) * 1e3
    };
    let late: Vec<f64> = cluster.requests().values().filter(|seen| seen.len() == 2).map(late).collect();
    findings.holds("each job waited once", late.len() == history.submitted.len());
    findings.holds("none early", late.iter().all(|late| *late >= 0.0));
    let latest = findings.spread("late", late);
    findings.holds("none later than 3 s", latest <= 3_000.0);
    history.judge_completed(&mut findings);
    findings
}

async fn twenty_waits(settings: Settings) -> Findings {
    let mut findings = Findings::default();
    // 7 is three levels; at small scale 3 is two.
    let wait = if settings.scale < 50 { "3" } else { "7" };
    let rounds = if settings.scale < 50 { 6 } else { 20 };
    let script = waits(rounds, move |_, is_over| wait_for(wait, is_over));
    let mut cluster = Cluster::new(USUAL, 64, json!({}), script).await;
    cluster.start_workers(1).await;
    cluster.submit("j", settings.of(200, 20), 20).await;
    let history = cluster.ended(Duration::from_mins(5)).await;
    history.judge(&mut findings);
    let whole = cluster.requests().values().filter(|seen| seen.len() == rounds + 1).count();
    findings.figure("waits per job", rounds);
    findings.holds("every job waited as often as requested", whole == history.submitted.len());
    history.judge_completed(&mut findings);
    findings
}

async fn broker_kills(settings: Settings) -> Findings {
    let (mut findings, mut random) = (Findings::default(), settings.random());
    let script = waits(1, |seen, is_over| wait_once(seen, 40, is_over));
    let mut cluster = Cluster::new(USUAL, 64, json!({"repeat": "safe"}), script).await;
    cluster.start_workers(2).await;
    let jobs = settings.of(5_000, 300);
    cluster.submit("j", jobs, 5).await;
    for _ in 0..settings.of(5, 1) {
        tokio::time::sleep(Duration::from_millis(random.u64(1_000..4_000))).await;
        cluster.broker.kill().await;
        cluster.broker.start_again().await;
    }
    let history = cluster.ended(Duration::from_mins(5)).await;
    history.judge(&mut findings);
    let (_, differ) = repeats(&cluster.requests());
    findings.holds("same key and body on every repeat", differ == 0);
    history.judge_completed(&mut findings);
    findings
}

/// The retry policy's wait, for a Retry-After that is absent or invalid.
const POLICY: Duration = Duration::from_secs(1);

/// The Retry-After of job number `n`, and the wait it stands for; `None` is longer than the limit.
fn retry_after_of(n: u32) -> (String, Option<Duration>) {
    let seconds = u64::from(1 + n % 7);
    match n % 8 {
        0..=2 => (seconds.to_string(), Some(Duration::from_secs(seconds))),
        // A date has whole seconds, so up to one second of the wait is over.
        3 => (date_in(20 + seconds), Some(Duration::from_secs(19 + seconds))),
        4 => ("Mon, 01 Jan 2001 00:00:00 GMT".to_owned(), Some(POLICY)),
        5 => (["soon", "-5", "1.5", "", "1e3", "0x10"][(n / 8) as usize % 6].to_owned(), Some(POLICY)),
        6 => (format!("1{:0<1$}", "", 5 + (n / 8) as usize % 20), None),
        _ => ("0".to_owned(), Some(POLICY)),
    }
}

fn date_in(seconds: u64) -> String {
    let mut date = std::process::Command::new("date");
    date.env("LC_ALL", "C").args(["-u", "-d", &format!("+{seconds} seconds"), "+%a, %d %b %Y %H:%M:%S GMT"]);
    let output = date.output().expect("a date");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

async fn retry_after(_: Settings) -> Findings {
    let mut findings = Findings::default();
    let number = |path: &str| path.trim_start_matches("/j").parse::<u32>().unwrap_or_default();
    let script = waits(1, move |seen, is_over| wait_for(&retry_after_of(number(&seen.path)).0, is_over));
    let mut cluster = Cluster::new(USUAL, 64, json!({}), script).await;
    cluster.start_workers(1).await;
    cluster.submit("j", 200, 1).await;
    let history = cluster.ended(Duration::from_mins(2)).await;
    history.judge(&mut findings);
    let (mut early, mut late, mut refused) = (0, 0, 0);
    let requests = cluster.requests();
    for (n, seen) in (0..200).filter_map(|n| Some((n, requests.get(&format!("j{n}"))?))) {
        match (retry_after_of(n).1, seen.as_slice()) {
            (Some(wait), [first, second]) => {
                let waited = second.at - first.at;
                early += u32::from(waited < wait);
                late += u32::from(waited > wait + Duration::from_secs(4));
            }
            (None, [_]) => refused += 1,
            (_, other) => findings.holds(&format!("j{n} called as often as expected ({})", other.len()), false),
        }
    }
    findings.figure("waits beyond the limit", refused);
    findings.holds(&format!("none early ({early})"), early == 0);
    findings.holds(&format!("none late ({late})"), late == 0);
    findings.holds("what is beyond the limit fails at once", refused == 25 && history.with_code("HTTP_503") == 25);
    findings
}

async fn other_arguments() -> Findings {
    let mut findings = Findings::default();
    let app = TestApp::new();
    let queue = format!("{}.jobs.default", app.prefix());
    engine_stub::declare_classic_queue(app.broker(), &queue).await;
    let (code, problem) = app.cli_error(&["worker", "--migrate"]).await;
    findings.figure("exit code", code);
    findings.holds("exit code 64", code == 64);
    findings.holds("a message that names it", problem.contains(&queue) && problem.contains("Nothing was changed"));
    findings.holds("the queue is still there", harness::engine::Engine::has_queue(app.broker(), &queue).await);
    findings
}
