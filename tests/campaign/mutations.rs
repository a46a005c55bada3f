//! G5: a promise that no missing safeguard breaks would prove nothing. Each safeguard is left out once, and its bar has
//! to go red.

use std::time::Duration;

use harness::third_party::Reply;
use serde_json::json;

use crate::bar::{Bar, Findings, Settings};
use crate::history::repeats;
use crate::world::{USUAL, World};

pub(crate) fn bars() -> Vec<Bar> {
    vec![Bar { name: "G5", promise: "without a safeguard its bar goes red", run: |s| Box::pin(each_left_out(s)) }]
}

async fn each_left_out(_: Settings) -> Findings {
    let mut findings = Findings::default();
    for safeguard in ["none", "mandatory", "claim"] {
        let red = match safeguard {
            "mandatory" => unroutable(safeguard).await,
            "claim" => thrice(safeguard).await,
            _ => unroutable(safeguard).await || thrice(safeguard).await,
        };
        findings.figure(safeguard, if red { "red" } else { "green" });
        findings.holds(&format!("red only without a safeguard ({safeguard})"), red == (safeguard != "none"));
    }
    findings
}

async fn world(safeguard: &str) -> World {
    let mut world = World::new(USUAL, 4, json!({}), |_, _| Reply::json(&json!({}))).await;
    world.start_worker(&[("DATA_CONNECTOR_WITHOUT", safeguard)]).await;
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
