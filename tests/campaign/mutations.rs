//! Scenario G5: workers are built without one safeguard each, by a mutation of the sources, and the scenario that needs it has
//! to go red. A scenario that stays green would prove nothing.

use std::path::Path;
use std::time::Duration;

use harness::mutation::Mutation;
use harness::third_party::{Reply, Seen};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::cluster::{Cluster, USUAL};
use crate::history::repeats;
use crate::scenario::{Findings, Scenario, Settings};
use crate::{delays, paused_workers, third_parties};

pub(crate) fn scenarios() -> Vec<Scenario> {
    vec![Scenario {
        name: "G5",
        promise: "without a safeguard its scenario goes red",
        run: |s| Box::pin(each_left_out(s)),
    }]
}

async fn each_left_out(_: Settings) -> Findings {
    let mut findings = Findings::default();
    for safeguard in SAFEGUARDS {
        let mutation = Mutation::of(safeguard).expect("a mutation that removes it");
        let (original, mutant) = (harness::binary(), mutation.build().await);
        let (with, without) = tokio::join!(fails(safeguard, &original), fails(safeguard, &mutant));
        findings.figure(safeguard, if without { "red" } else { "green" });
        findings.holds(&format!("{safeguard}: green with it"), !with);
        findings.holds(&format!("{safeguard}: red without it"), without);
    }
    findings
}

const SAFEGUARDS: [&str; 7] = ["mandatory", "confirm", "claim", "fence", "redirect", "credentials", "strip"];

/// Whether the failure that a safeguard prevents occurs with this worker.
async fn fails(safeguard: &str, worker: &Path) -> bool {
    match safeguard {
        "mandatory" => unroutable(worker).await,
        "confirm" => rejected(worker).await,
        "claim" => thrice(worker).await,
        "fence" => overtaken(worker).await,
        "credentials" => third_parties::discloses_credentials(worker).await,
        "strip" => waits_again(worker).await,
        _ => redirected(worker).await,
    }
}

async fn cluster(worker: &Path) -> Cluster {
    answering(worker, &[], json!({}), |_, _| Reply::json(&json!({}))).await
}

async fn answering(
    worker: &Path,
    variables: &[(&str, &str)],
    resource: Value,
    script: impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static,
) -> Cluster {
    let mut cluster = Cluster::new(USUAL, 4, resource, script).await;
    cluster.app.use_binary(worker);
    cluster.start_worker(variables).await;
    cluster
}

/// Results whose queue does not exist yet.
async fn unroutable(worker: &Path) -> bool {
    let cluster = cluster(worker).await;
    cluster.engine.delete_result_queue().await;
    cluster.submit("j", 5, 0).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    cluster.engine.consume();
    cluster.ended(Duration::from_secs(30)).await.lost() > 0
}

/// Jobs that are published three times.
async fn thrice(worker: &Path) -> bool {
    let cluster = cluster(worker).await;
    for _ in 0..3 {
        cluster.submit("j", 20, 0).await;
    }
    cluster.ended(Duration::from_secs(20)).await;
    repeats(&cluster.requests()).0 > 0
}

/// A worker that resumes after another one has taken over its jobs, as in A9.
async fn overtaken(worker: &Path) -> bool {
    let mut cluster = paused_workers::cluster().await;
    cluster.app.use_binary(worker);
    cluster.start_worker(&[]).await;
    paused_workers::pause(&mut cluster, "s").await;
    paused_workers::results_of_paused(&cluster.ended(Duration::from_secs(5)).await) > 0
}

/// Three waits through three levels of the ladder, as in B2.
async fn waits_again(worker: &Path) -> bool {
    let script = delays::waits(3, |_, is_over| delays::wait_for("7", is_over));
    let cluster = answering(worker, &[], json!({}), script).await;
    cluster.submit("j", 5, 5).await;
    cluster.ended(Duration::from_secs(40)).await.lost() > 0
}

/// Results that a full queue rejects.
async fn rejected(worker: &Path) -> bool {
    let cluster = cluster(worker).await;
    cluster.engine.limit_result_queue(1).await;
    cluster.submit("j", 20, 0).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    cluster.engine.consume();
    cluster.ended(Duration::from_secs(15)).await.lost() > 0
}

/// A redirect to an address that the operator has not allowed.
async fn redirected(worker: &Path) -> bool {
    let forbidden = TcpListener::bind(("127.0.0.2", 0)).await.expect("a port on loopback");
    let location = format!("http://{}/", forbidden.local_addr().expect("its address"));
    let redirect = move |_: &Seen, _| Reply::status(302, &json!({})).with("location", &location);
    let allowed = [("DATA_CONNECTOR__HTTP__ALLOW_NET", "127.0.0.1/32")];
    let cluster = answering(worker, &allowed, json!({"method": "GET"}), redirect).await;
    cluster.submit("j", 5, 0).await;
    cluster.ended(Duration::from_secs(15)).await;
    tokio::time::timeout(Duration::from_millis(100), forbidden.accept()).await.is_ok()
}
