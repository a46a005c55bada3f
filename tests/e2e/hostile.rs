//! Hostile third parties called by a real worker: each call ends with its code and in time, and jobs of other hosts continue.
//! The unit tests of the client (`worker/src/http/send/tests`) have the behaviours that need no worker.

use std::time::Duration;

use harness::engine::Engine;
use harness::hostile::{FullBacklog, Misbehaviour};
use harness::raw_server::RawServer;
use harness::test_app::{TestApp, job};
use harness::third_party::{Reply, ThirdParty};
use harness::tls::{Authority, Identity};
use serde_json::{Value, json};
use tokio::time::Instant;

const TIMEOUT: Duration = Duration::from_secs(3);

/// A hostile URL, and the codes that GET and POST end with.
struct Behaviour {
    name: &'static str,
    url: String,
    get: &'static str,
    post: &'static str,
}

async fn with_certificate(identity: &Identity) -> ThirdParty {
    ThirdParty::secure(identity.server(), |_, _| Reply::json(&json!({}))).await
}

/// Imports resources `<name>-get` and `<name>-post` for each behaviour, and `healthy`.
async fn resources(app: &TestApp, behaviours: &[Behaviour], healthy: &ThirdParty) {
    let mut resources = json!({"healthy": {"url": healthy.url("/")}});
    for Behaviour { name, url, .. } in behaviours {
        resources[format!("{name}-get")] = json!({"url": url, "method": "GET", "timeout": TIMEOUT.as_secs()});
        resources[format!("{name}-post")] =
            json!({"url": url, "method": "POST", "body": "{}", "timeout": TIMEOUT.as_secs()});
    }
    app.import_resources(resources).await;
}

/// Publishes one job for each behaviour and method, from an engine of their own.
async fn publish_all(app: &TestApp, behaviours: &[Behaviour]) -> Engine {
    let engine = Engine::connect(app.broker(), app.prefix(), "hostile").await;
    for Behaviour { name, .. } in behaviours {
        for method in ["get", "post"] {
            let id = format!("{name}-{method}");
            let mut job = job(&id, &id, &[], json!({}));
            job["engine"] = json!("hostile");
            engine.publish(&job).await;
        }
    }
    engine
}

/// Runs jobs of the healthy host, one after the other: none waits for a call to another host.
async fn run_healthy_jobs(app: &TestApp, time: Duration) {
    let (mut engine, begun, mut count) = (app.engine().await, Instant::now(), 0);
    while begun.elapsed() < time {
        let published = Instant::now();
        engine.publish(&job(&format!("healthy-{count}"), "healthy", &[], json!({}))).await;
        assert_eq!(engine.result().await.status(), "completed");
        assert!(published.elapsed() < Duration::from_secs(1), "{:?}", published.elapsed());
        count += 1;
    }
}

fn assert_ended(behaviours: &[Behaviour], result: &Value) {
    let id = result["job"].as_str().unwrap_or_default();
    let (name, method) = id.rsplit_once('-').expect("behaviour and method");
    let behaviour = behaviours.iter().find(|behaviour| behaviour.name == name).expect("a behaviour");
    let expected = if method == "get" { behaviour.get } else { behaviour.post };
    assert_eq!(result["error"]["code"], expected, "{id}: {result:#}");
    let took = result["call"]["duration_ms"].as_u64().map(Duration::from_millis);
    assert!(took <= Some(TIMEOUT + Duration::from_secs(1)), "{id}: {took:?}");
}

#[tokio::test]
async fn every_call_ends_with_its_code_in_time_while_others_continue() {
    let authority = Authority::new();
    let expired = with_certificate(&authority.sign_expired("127.0.0.1")).await;
    let elsewhere = with_certificate(&authority.sign("api.example.com")).await;
    let unsigned = with_certificate(&Identity::self_signed("127.0.0.1")).await;
    let (tls10, tls11) = (Misbehaviour::OldTls([3, 1]).serve().await, Misbehaviour::OldTls([3, 2]).serve().await);
    let in_head = Misbehaviour::Drip(Misbehaviour::head("HTTP/1.1 200 OK\nX-Y: ", b"")).serve().await;
    let in_body = Misbehaviour::Drip(Misbehaviour::head("HTTP/1.1 200 OK\nContent-Length: 99\n\n", b"")).serve().await;
    let full = FullBacklog::start().await;
    let secure = |party: &RawServer| format!("https://127.0.0.1:{}/", party.port());
    let behaviour = |name, url, get, post| Behaviour { name, url, get, post };
    let behaviours = [
        behaviour("expired", expired.url("/"), "TLS", "TLS"),
        behaviour("elsewhere", elsewhere.url("/"), "TLS", "TLS"),
        behaviour("unsigned", unsigned.url("/"), "TLS", "TLS"),
        behaviour("tls10", secure(&tls10), "TLS", "TLS"),
        behaviour("tls11", secure(&tls11), "TLS", "TLS"),
        behaviour("full", format!("http://127.0.0.1:{}/", full.port()), "TIMEOUT", "TIMEOUT"),
        behaviour("in_head", in_head.url("/"), "TIMEOUT", "OUTCOME_UNKNOWN"),
        behaviour("in_body", in_body.url("/"), "TIMEOUT", "TIMEOUT"),
    ];
    let healthy = ThirdParty::friendly().await;
    let app = TestApp::new();
    resources(&app, &behaviours, &healthy).await;
    let ca_file = app.file("ca.pem", &authority.pem()).display().to_string();
    let worker = app.worker_with(&[], &[("DATA_CONNECTOR__HTTP__CA_FILE", &ca_file)]).await;
    let begun = Instant::now();
    let mut engine = publish_all(&app, &behaviours).await;
    run_healthy_jobs(&app, TIMEOUT).await;
    for _ in 0..behaviours.len() * 2 {
        assert_ended(&behaviours, &engine.result().await.body);
    }
    assert!(begun.elapsed() < TIMEOUT + Duration::from_secs(2), "{:?}", begun.elapsed());
    assert!(!worker.output().contains("panicked"), "{}", worker.output());
}
