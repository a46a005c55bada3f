//! G5: a promise that no missing safeguard breaks would prove nothing. Each safeguard is left out once, and its bar has
//! to go red.

use std::time::Duration;

use harness::third_party::{Reply, Seen};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::bar::{Bar, Findings, Settings};
use crate::history::repeats;
use crate::world::{USUAL, WITHOUT, World};
use crate::{delays, sleepers, third_parties};

pub(crate) fn bars() -> Vec<Bar> {
    vec![Bar { name: "G5", promise: "without a safeguard its bar goes red", run: |s| Box::pin(each_left_out(s)) }]
}

async fn each_left_out(_: Settings) -> Findings {
    let mut findings = Findings::default();
    for safeguard in SAFEGUARDS {
        let (with, without) = tokio::join!(tried(safeguard, "none"), tried(safeguard, safeguard));
        findings.figure(safeguard, if without { "red" } else { "green" });
        findings.holds(&format!("{safeguard}: green with it"), !with);
        findings.holds(&format!("{safeguard}: red without it"), without);
    }
    findings
}

const SAFEGUARDS: [&str; 7] = ["mandatory", "confirm", "claim", "fence", "redirect", "credentials", "strip"];

/// Whether what a safeguard is there for goes wrong when one is left out.
async fn tried(safeguard: &str, left_out: &str) -> bool {
    match safeguard {
        "mandatory" => unroutable(left_out).await,
        "confirm" => refused(left_out).await,
        "claim" => thrice(left_out).await,
        "fence" => overtaken(left_out).await,
        "credentials" => third_parties::is_carried_away(left_out).await,
        "strip" => round_again(left_out).await,
        _ => redirected(left_out).await,
    }
}

async fn world(safeguard: &str) -> World {
    answering(safeguard, &[], json!({}), |_, _| Reply::json(&json!({}))).await
}

async fn answering(
    safeguard: &str,
    variables: &[(&str, &str)],
    resource: Value,
    script: impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static,
) -> World {
    let mut world = World::new(USUAL, 4, resource, script).await;
    world.start_worker(&[&[(WITHOUT, safeguard)], variables].concat()).await;
    world
}

/// A result whose queue is not there yet.
async fn unroutable(safeguard: &str) -> bool {
    let world = world(safeguard).await;
    world.stub.leave().await;
    world.submit("j", 5, 0).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    world.stub.take();
    world.ended(Duration::from_secs(30)).await.lost() > 0
}

/// One job published three times.
async fn thrice(safeguard: &str) -> bool {
    let world = world(safeguard).await;
    for _ in 0..3 {
        world.submit("j", 20, 0).await;
    }
    world.ended(Duration::from_secs(20)).await;
    repeats(&world.requests()).0 > 0
}

/// A worker that wakes up when another one has its jobs (A9).
async fn overtaken(safeguard: &str) -> bool {
    let mut world = sleepers::world().await;
    world.start_worker(&[(WITHOUT, safeguard)]).await;
    sleepers::nap(&mut world, "s").await;
    sleepers::of_sleepers(&world.ended(Duration::from_secs(5)).await) > 0
}

/// Three waits through three levels of the ladder (B2).
async fn round_again(safeguard: &str) -> bool {
    let script = delays::asks(3, |_, is_over| delays::wait_for("7", is_over));
    let world = answering(safeguard, &[], json!({}), script).await;
    world.submit("j", 5, 5).await;
    world.ended(Duration::from_secs(40)).await.lost() > 0
}

/// Results that a full queue refuses.
async fn refused(safeguard: &str) -> bool {
    let world = world(safeguard).await;
    world.stub.overflow(1).await;
    world.submit("j", 20, 0).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    world.stub.take();
    world.ended(Duration::from_secs(15)).await.lost() > 0
}

/// A redirect to a place that the operator has not allowed.
async fn redirected(safeguard: &str) -> bool {
    let forbidden = TcpListener::bind(("127.0.0.2", 0)).await.expect("a port on loopback");
    let location = format!("http://{}/", forbidden.local_addr().expect("its address"));
    let away = move |_: &Seen, _| Reply::status(302, &json!({})).with("location", &location);
    let allowed = [("DATA_CONNECTOR__HTTP__ALLOW_NET", "127.0.0.1/32")];
    let world = answering(safeguard, &allowed, json!({"method": "GET"}), away).await;
    world.submit("j", 5, 0).await;
    world.ended(Duration::from_secs(15)).await;
    tokio::time::timeout(Duration::from_millis(100), forbidden.accept()).await.is_ok()
}
