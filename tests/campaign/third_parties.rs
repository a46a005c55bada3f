//! Scenarios C2, C3 and C5: a third party that hangs, is down or redirects affects no other one.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use harness::proxy::{Proxy, Toxic};
use harness::test_app::{job, with_retries};
use harness::third_party::{Reply, Seen, ThirdParty};
use serde_json::json;

use crate::cluster::{Cluster, USUAL};
use crate::history::History;
use crate::scenario::{Findings, Scenario, Settings};

pub(crate) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario {
            name: "C2",
            promise: "a host that hangs takes no more than a fifth of the others' throughput",
            run: |s| Box::pin(hangs(s)),
        },
        Scenario {
            name: "C5",
            promise: "redirects: no credential reaches another origin",
            run: |_| Box::pin(redirects()),
        },
        Scenario {
            name: "C3",
            promise: "a host that is down gets a few calls, and its jobs lose no attempt",
            run: |s| Box::pin(down(s)),
        },
    ]
}

async fn healthy(cluster: &Cluster, name: &str, jobs: u32) -> Duration {
    let begun = Instant::now();
    cluster.submit(name, jobs, 0).await;
    let done = |cluster: &Cluster| cluster.engine.history().results.keys().filter(|job| job.starts_with(name)).count();
    while done(cluster) < usize::try_from(jobs).unwrap_or(0) && begun.elapsed() < Duration::from_mins(3) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    begun.elapsed()
}

async fn hangs(settings: Settings) -> Findings {
    let mut findings = Findings::default();
    let mut cluster =
        Cluster::new(USUAL, 50, json!({}), |_, _| Reply::json(&json!({})).after(Duration::from_millis(50))).await;
    let is_back = Arc::<AtomicBool>::default();
    let answers = Arc::clone(&is_back);
    let stuck =
        ThirdParty::start(
            move |_, _| {
                if answers.load(Ordering::Relaxed) { Reply::json(&json!({})) } else { Reply::Silence }
            },
        )
        .await;
    let resources = json!({"r": {"url": cluster.third_party.url("/{{job}}"), "method": "POST"},
                           "stuck": {"url": stuck.url("/{{job}}"), "method": "GET", "timeout": 20}});
    cluster.app.import_resources(resources).await;
    cluster.start_workers(1).await;
    // So many that the first moments, before the stuck ones are deferred, have little weight.
    let jobs = settings.of(4_000, 2_000);
    healthy(&cluster, "warm", jobs / 4).await;
    let alone = healthy(&cluster, "alone", jobs).await;
    for n in 0..100 {
        let id = format!("stuck{n}");
        cluster.engine.submit(&with_retries(job(&id, "stuck", &[], json!({"job": id})), 0, 1)).await;
    }
    let with_stuck = healthy(&cluster, "with-stuck", jobs).await;
    let share = alone.as_secs_f64() / with_stuck.as_secs_f64();
    findings.figure("alone, ms", alone.as_millis());
    findings.figure("with a host that hangs, ms", with_stuck.as_millis());
    findings.figure("remaining throughput, %", format!("{:.0}", share * 100.0));
    findings.holds("at least 80 % of the throughput", share >= 0.8);
    is_back.store(true, Ordering::Relaxed);
    let history = cluster.ended(Duration::from_mins(6)).await;
    history.judge(&mut findings);
    findings
}

async fn down(settings: Settings) -> Findings {
    let mut findings = Findings::default();
    // They wait for it as long as it is down.
    let config = format!("{USUAL}[limits]\nhost_wait = 900\n");
    let mut cluster = Cluster::new(&config, 8, json!({}), |_, _| Reply::json(&json!({}))).await;
    let proxy = Proxy::before(&format!("127.0.0.1:{}", cluster.third_party.port())).await;
    proxy.set(Toxic::Refuse);
    let url = format!("http://127.0.0.1:{}/{{{{job}}}}", proxy.port());
    cluster.app.import_resources(json!({"r": {"url": url, "method": "POST"}})).await;
    cluster.start_workers(2).await;
    let jobs = settings.of(2_000, 200);
    // Each probe takes one of them.
    cluster.submit("j", jobs, 9).await;
    let down = u64::from(settings.of(300, 20));
    tokio::time::sleep(Duration::from_secs(down)).await;
    let refused = cluster.metric(r#"data_connector_attempts_total{code="CONNECT"}"#).await;
    proxy.set(Toxic::None);
    let history = cluster.ended(Duration::from_mins(5)).await;
    history.judge(&mut findings);
    findings.figure("down, s", down);
    findings.figure("calls that were refused", refused);
    // Twenty for each worker until its breaker opens, then at most one a second.
    findings.holds("few calls", refused <= f64::from(u32::try_from(2 * (20 + down)).unwrap_or(0)));
    history.judge_completed(&mut findings);
    findings
}

/// The secret that must not reach another origin.
const CANARY: &str = "canary-0123456789";

/// Authentication types that send the secret in different ways.
fn credentials() -> Vec<(&'static str, serde_json::Value)> {
    vec![
        ("BASIC", json!({"username": "ada", "password": CANARY})),
        ("OAUTH2_BEARER", json!({"token": CANARY})),
        ("API_KEY", json!({"name": "X-Key", "value": CANARY, "in": "header"})),
        ("API_KEY", json!({"name": "key", "value": CANARY, "in": "query"})),
        ("HEADERS", json!({"Cookie": format!("session={CANARY}"), "X-Also": CANARY})),
    ]
}

/// Calls with each credential and each redirect, by this worker. Returns the cluster, the third party that the
/// redirects lead to, and the history.
async fn redirected(worker: &Path) -> (Cluster, ThirdParty, History) {
    let elsewhere = ThirdParty::friendly().await;
    let port = elsewhere.port();
    let targets = [
        format!("http://127.0.0.1:{port}/"),
        format!("http://localhost:{port}/"),
        format!("http://localhost:{port}/?key={CANARY}"),
        format!("//127.0.0.1:{port}/"),
    ];
    // `/<scheme>-<status>-<target>`
    let mut cluster = Cluster::new(USUAL, 16, json!({}), move |seen, _| {
        let job = seen.path.trim_start_matches('/').split('?').next().unwrap_or_default();
        let mut parts = job.split('-').skip(1).filter_map(|part| part.parse::<u16>().ok());
        let (status, target) = (parts.next().unwrap_or(302), usize::from(parts.next().unwrap_or(0)));
        Reply::status(status, &json!({})).with("location", &targets[target])
    })
    .await;
    let connectors: Vec<_> = credentials()
        .into_iter()
        .enumerate()
        .map(|(n, (kind, credentials))| {
            let resource = json!({"url": cluster.third_party.url("/{{job}}"), "method": "GET"});
            json!({"name": format!("scheme{n}"), "type": "REST", "authtype": kind, "credentials": credentials, "endpoints": {"r": resource}})
        })
        .collect();
    cluster.app.import_connectors(&json!(connectors)).await;
    cluster.app.use_binary(worker);
    cluster.start_worker(&[]).await;
    for scheme in 0..connectors.len() {
        for status in [301, 302, 303, 307, 308] {
            for target in 0..4 {
                let id = format!("{scheme}-{status}-{target}");
                let mut job = job(&id, "r", &[], json!({"job": id}));
                job["config"]["dataSource"] = json!(format!("scheme{scheme}"));
                cluster.engine.submit(&job).await;
            }
        }
    }
    let history = cluster.ended(Duration::from_mins(1)).await;
    (cluster, elsewhere, history)
}

/// Whether a credential reaches another origin without a safeguard.
pub(crate) async fn discloses_credentials(worker: &Path) -> bool {
    redirected(worker).await.1.seen().iter().any(has_credential)
}

async fn redirects() -> Findings {
    let mut findings = Findings::default();
    let (cluster, elsewhere, history) = redirected(&harness::binary()).await;
    history.judge(&mut findings);
    let at_home = cluster.third_party.seen().iter().filter(|seen| has_credential(seen)).count();
    let seen = elsewhere.seen();
    findings.figure("redirects followed elsewhere", seen.len());
    findings.holds("each credential is sent to its own origin", at_home == history.submitted.len());
    findings.holds("redirects are followed, but for those that carry a credential", seen.len() == at_home * 3 / 4);
    findings.holds("no credential reaches another origin", !seen.iter().any(has_credential));
    cluster.judge_logs(&mut findings);
    findings
}

/// Whether a request contains a credential.
fn has_credential(seen: &Seen) -> bool {
    let whole = format!("{seen:?}").to_ascii_lowercase();
    whole.contains("canary") || whole.contains("authorization")
}
