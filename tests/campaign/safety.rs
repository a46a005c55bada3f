//! Scenarios A1 to A4, A8, A12 and A14: nothing is lost and nothing is done twice, whichever process dies.

use std::time::{Duration, Instant};

use harness::process::Running;
use harness::test_app::job;
use harness::third_party::Reply;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::cluster::{Cluster, USUAL, spread};
use crate::history::repeats;
use crate::scenario::{Findings, Scenario, Settings};

pub(crate) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario {
            name: "A1",
            promise: "workers killed again and again, repeatable calls: each repeat carries the same key and body",
            run: |settings| Box::pin(kills(settings, json!({"repeat": "safe"}))),
        },
        Scenario {
            name: "A2",
            promise: "workers killed again and again, POST that may not be repeated: no request twice",
            run: |settings| Box::pin(kills(settings, json!({}))),
        },
        Scenario {
            name: "A3",
            promise: "broker killed again and again under load: nothing is lost",
            run: |s| Box::pin(broker_kills(s)),
        },
        Scenario { name: "A4", promise: "a worker that dies at every step of a job", run: |s| Box::pin(every_step(s)) },
        Scenario {
            name: "A8",
            promise: "rolling restarts under load: nothing twice, and every exit is fast",
            run: |s| Box::pin(restarts(s)),
        },
        Scenario {
            name: "A12",
            promise: "malformed messages become dead letters and delay no job",
            run: |s| Box::pin(malformed(s)),
        },
        Scenario {
            name: "A14",
            promise: "each job published three times: one call, one result",
            run: |s| Box::pin(published_three_times(s)),
        },
    ]
}

fn slow(random: u64) -> Reply {
    Reply::json(&json!({})).after(Duration::from_millis(200 + random % 600))
}

async fn kills(settings: Settings, resource: Value) -> Findings {
    let (mut findings, mut random) = (Findings::default(), settings.random());
    let may_repeat = resource["repeat"] == "safe";
    let mut cluster = Cluster::new(USUAL, 16, resource, |seen, _| slow(spread(&seen.path))).await;
    cluster.start_workers(4).await;
    let (jobs, kills) = (settings.of(2_000, 200), settings.of(50, 3));
    for kill in 0..kills {
        cluster.submit(&format!("k{kill}-"), jobs.div_ceil(kills), 3).await;
        sleep(Duration::from_millis(random.u64(0..500))).await;
        cluster.kill(random.usize(0..4)).await;
        cluster.start_workers(1).await;
    }
    let history = cluster.ended(Duration::from_mins(4)).await;
    history.judge(&mut findings);
    let requests = cluster.requests();
    let (repeated, differ) = repeats(&requests);
    let unknown = history.with_code("OUTCOME_UNKNOWN");
    findings.figure("kills", kills);
    findings.figure("requests repeated", repeated);
    findings.figure("outcomes unknown", unknown);
    let in_doubt = repeated + unknown;
    findings.holds("calls were in flight at the kills", in_doubt >= usize::try_from(kills).unwrap_or(0));
    let most = usize::try_from(kills * 16).unwrap_or(0);
    if may_repeat {
        findings.holds("each job was called", requests.len() == history.submitted.len());
        findings.holds("no more repeats than calls were in flight at a kill", repeated <= most);
        findings.holds("same key and body on every repeat", differ == 0);
        findings.holds(
            "every job completed or parked",
            history.with_code("") + history.dead.len() >= history.submitted.len(),
        );
    } else {
        findings.holds("no request twice", repeated == 0);
        findings.holds("no more unknown than were in flight at a kill", unknown <= most);
    }
    cluster.judge_logs(&mut findings);
    findings
}

async fn broker_kills(settings: Settings) -> Findings {
    let (mut findings, mut random) = (Findings::default(), settings.random());
    let mut cluster = Cluster::new(USUAL, 16, json!({"repeat": "safe"}), |seen, _| slow(spread(&seen.path) / 4)).await;
    cluster.start_workers(2).await;
    let kills = settings.of(10, 1);
    let mut slowest = Duration::ZERO;
    for kill in 0..kills {
        cluster.submit(&format!("k{kill}-"), 200, 3).await;
        sleep(Duration::from_millis(random.u64(200..1_500))).await;
        cluster.broker.kill().await;
        sleep(Duration::from_millis(random.u64(0..2_000))).await;
        cluster.broker.start_again().await;
        slowest = slowest.max(cluster.until_next_call().await);
    }
    let history = cluster.ended(Duration::from_mins(3)).await;
    history.judge(&mut findings);
    findings.figure("kills", kills);
    findings.figure("slowest recovery, s", slowest.as_secs());
    findings.holds("recovered within 35 s of the broker", slowest < Duration::from_secs(35));
    let (_, differ) = repeats(&cluster.requests());
    findings.holds("same key and body on every repeat", differ == 0);
    findings.holds("no worker ended", !cluster.workers.iter_mut().any(Running::has_ended));
    cluster.judge_logs(&mut findings);
    findings
}

/// The fault points at which a worker dies, and whether a request may have been sent by then.
const STEPS: [(&str, bool); 8] = [
    ("delivered", false),
    ("admitted", false),
    ("claimed", true),
    ("answered", true),
    ("called", true),
    ("recorded", true),
    ("published", true),
    ("acking", true),
];

async fn every_step(settings: Settings) -> Findings {
    let mut findings = Findings::default();
    let mut cluster = Cluster::new(USUAL, 4, json!({}), |_, _| Reply::json(&json!({}))).await;
    let rounds = settings.of(60, 1);
    let (mut deaths, mut unknown_before) = (0, 0);
    for (step, may_be_sent) in STEPS {
        for round in 0..rounds {
            // Before the first job that reaches a point nothing was sent; before a later one another job's request may have been.
            let which = if may_be_sent { 1 + round % 3 } else { 1 };
            cluster.start_worker(&[("DATA_CONNECTOR_FAULT", &format!("{step}=die@{which}"))]).await;
            cluster.submit(&format!("{step}{round}-"), 4, 3).await;
            if let Some(mut worker) = cluster.workers.pop() {
                let ended = tokio::time::timeout(Duration::from_secs(20), worker.ended()).await;
                deaths += u32::from(ended.is_ok_and(|code| code.is_none()));
            }
        }
        cluster.start_workers(1).await;
        let history = cluster.ended(Duration::from_mins(2)).await;
        let unknown = history.with_code("OUTCOME_UNKNOWN");
        findings.holds(
            &format!("{step}: no unknown outcome of what was not sent"),
            may_be_sent || unknown == unknown_before,
        );
        unknown_before = unknown;
        if let Some(worker) = cluster.workers.pop() {
            worker.terminate().await;
        }
    }
    let history = cluster.ended(Duration::from_secs(5)).await;
    history.judge(&mut findings);
    let (repeated, _) = repeats(&cluster.requests());
    let steps = u32::try_from(STEPS.len()).unwrap_or(0);
    findings.figure("deaths", deaths);
    findings.figure("outcomes unknown", unknown_before);
    findings.holds("a worker died at each step in each round", deaths == rounds * steps);
    findings.holds(&format!("no request twice ({repeated})"), repeated == 0);
    findings
}

async fn restarts(settings: Settings) -> Findings {
    let (mut findings, restarts) = (Findings::default(), settings.of(20, 2));
    let mut cluster = Cluster::new(USUAL, 16, json!({}), |seen, _| slow(spread(&seen.path))).await;
    cluster.start_workers(2).await;
    let mut slowest = Duration::ZERO;
    for restart in 0..restarts {
        cluster.submit(&format!("r{restart}-"), 100, 3).await;
        cluster.start_workers(1).await;
        let begun = Instant::now();
        let code = cluster.workers.remove(0).terminate().await;
        slowest = slowest.max(begun.elapsed());
        findings.holds("a clean exit", code == Some(0));
    }
    let history = cluster.ended(Duration::from_mins(3)).await;
    history.judge(&mut findings);
    let (repeated, _) = repeats(&cluster.requests());
    findings.figure("restarts", restarts);
    findings.figure("slowest exit, ms", slowest.as_millis());
    findings.holds("no request twice", repeated == 0);
    history.judge_completed(&mut findings);
    findings.holds("an exit within 32 s", slowest < Duration::from_secs(32));
    findings
}

async fn malformed(settings: Settings) -> Findings {
    let (mut findings, mut random) = (Findings::default(), settings.random());
    let mut cluster =
        Cluster::new("[limits]\njob_bytes = 100000\n", 16, json!({}), |_, _| Reply::json(&json!({}))).await;
    cluster.start_workers(1).await;
    let (bad, good) = (settings.of(10_000, 500), settings.of(1_000, 50));
    for n in 0..bad {
        let body = malformed_body(n, &mut random);
        let header = if n % 10 == 9 { random.usize(10_000..120_000) } else { 0 };
        cluster.engine.submit_bytes(&format!("bad{n}"), &body, header).await;
        if n % (bad / good) == 0 {
            let id = format!("good{n}");
            cluster.engine.submit(&job(&id, "r", &[], json!({"job": id}))).await;
        }
    }
    let (begun, expected) = (Instant::now(), usize::try_from(bad).unwrap_or(0));
    let mut history = cluster.ended(Duration::from_mins(3)).await;
    // Dead letters are stored one by one, while the jobs run.
    while history.dead.len() < expected && begun.elapsed() < Duration::from_mins(10) {
        history = cluster.ended(Duration::ZERO).await;
    }
    let mut valid = history.clone();
    valid.results.retain(|job, _| !job.starts_with("bad"));
    valid.judge(&mut findings);
    let dead = history.dead.iter().filter(|job| job.starts_with("bad")).count();
    findings.figure("malformed", bad);
    findings.figure("dead letters", dead);
    findings.holds("every malformed message is a dead letter", dead == expected);
    findings.holds("every good job completed", valid.with_code("") == valid.submitted.len());
    cluster.judge_logs(&mut findings);
    findings
}

fn malformed_body(n: u32, random: &mut fastrand::Rng) -> Vec<u8> {
    match n % 10 {
        0 => b"not JSON".to_vec(),
        1 => vec![0xff; random.usize(1..200)],
        2 => b"[]".to_vec(),
        3 => [vec![b'['; 5_000], vec![b']'; 5_000]].concat(),
        4 => json!({"id": {"an": "object"}}).to_string().into_bytes(),
        5 => json!({"request": {"id": "r"}, "element": 7}).to_string().into_bytes(),
        6 => vec![b'x'; 100_001 + random.usize(0..1_000)],
        7 => {
            json!({"engine": "x".repeat(random.usize(1_000..99_000)), "request": {"id": "r"}}).to_string().into_bytes()
        }
        _ => json!({"id": format!("bad{n}"), "request": {"id": "r"}, "element": {"id": "e"}, "deadline": "tomorrow"})
            .to_string()
            .into_bytes(),
    }
}

async fn published_three_times(settings: Settings) -> Findings {
    let mut findings = Findings::default();
    let mut cluster = Cluster::new(USUAL, 16, json!({}), |_, _| Reply::json(&json!({}))).await;
    cluster.start_workers(2).await;
    let jobs = settings.of(5_000, 200);
    for n in 0..jobs {
        let id = format!("j{n}");
        let job = job(&id, "r", &[], json!({"job": id}));
        for _ in 0..3 {
            cluster.engine.submit(&job).await;
        }
    }
    let history = cluster.ended(Duration::from_mins(4)).await;
    history.judge(&mut findings);
    let (repeated, _) = repeats(&cluster.requests());
    findings.holds(&format!("one call a job ({repeated} repeated)"), repeated == 0);
    history.judge_completed(&mut findings);
    findings
}
