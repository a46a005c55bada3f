//! Scenario B6: the exchange that the retry ladder delivers through is missing for a while; waiting jobs stay, and a metric
//! reports them.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::time::sleep;

use crate::cluster::{Cluster, USUAL};
use crate::delays;
use crate::engine_stub;
use crate::history::repeats;
use crate::scenario::{Findings, Scenario, Settings};

pub(crate) fn scenarios() -> Vec<Scenario> {
    vec![Scenario {
        name: "B6",
        promise: "the retry ladder delivers nothing for five minutes: an alarm within one, and nothing is lost",
        run: |s| Box::pin(interruption(s)),
    }]
}

/// The wait of each job, seconds: three levels of the ladder, so that all of them are stuck.
const WAIT: u64 = 7;

async fn interruption(settings: Settings) -> Findings {
    let mut findings = Findings::default();
    let script = delays::waits(1, |_, is_over| delays::wait_for(&WAIT.to_string(), is_over));
    let mut cluster = Cluster::new(USUAL, 32, json!({}), script).await;
    cluster.start_workers(2).await;
    let (jobs, time) = (settings.of(1_000, 100), Duration::from_secs(u64::from(settings.of(300, 75))));
    engine_stub::delete_exchange(&cluster.broker.url(), &format!("{}.retry.deliver", cluster.app.prefix())).await;
    let cut = Instant::now();
    cluster.submit("j", jobs, 3).await;
    sleep(Duration::from_secs(WAIT)).await;
    let due = Instant::now();
    let is_reported = cluster.is_above("data_connector_retry_stuck ", 0.0, Duration::from_mins(2)).await;
    let after = due.elapsed();
    findings.figure("alarm after, s", after.as_secs());
    findings.holds("an alarm within a minute of the end of a wait", is_reported && after <= Duration::from_mins(1));
    sleep(time.saturating_sub(cut.elapsed())).await;
    findings.figure("interrupted for, s", cut.elapsed().as_secs());
    let back = cluster.requests().values().filter(|seen| seen.len() > 1).count();
    findings.holds("nothing was delivered meanwhile", back == 0);
    cluster.app.cli(&["migrate"]).await;
    let restored = Instant::now();
    let history = cluster.ended(Duration::from_mins(6)).await;
    findings.figure("all done after, s", restored.elapsed().as_secs());
    history.judge(&mut findings);
    history.judge_completed(&mut findings);
    let requests = cluster.requests();
    findings.holds("each called twice", requests.values().all(|seen| seen.len() == 2) && repeats(&requests).1 == 0);
    // The metric is updated every 5 s.
    sleep(Duration::from_secs(12)).await;
    findings.holds("no alarm any more", cluster.metric("data_connector_retry_stuck ").await <= 0.0);
    cluster.judge_logs(&mut findings);
    findings
}
