//! Client certificates: which connector presents which one.

use std::collections::{BTreeMap, BTreeSet};

use harness::process::Running;
use harness::test_app::{TestApp, job};
use harness::third_party::{Reply, ThirdParty};
use harness::tls::{Authority, Identity};
use serde_json::{Value, json};

/// A connector with a resource `r` at a path of its name, and its client certificate.
fn connector(name: &str, third_party: &ThirdParty, identity: Option<&Identity>) -> Value {
    let credentials = identity
        .map_or_else(|| json!({}), |own| json!({"client_certificate": own.certificate(), "client_key": own.key()}));
    let url = third_party.url(&format!("/{name}/{{{{n}}}}"));
    json!({"name": name, "authtype": "NONE", "credentials": credentials, "endpoints": {"r": {"url": url}}})
}

fn job_of(connector: &str, n: usize) -> Value {
    let mut job = job(&format!("{connector}-{n}"), "r", &[], json!({"n": n}));
    job["config"]["dataSource"] = json!(connector);
    job
}

/// A worker that trusts this authority.
async fn worker(app: &TestApp, authority: &Authority) -> Running {
    let file = app.file("ca.pem", &authority.pem()).display().to_string();
    app.worker_with(&[], &[("DATA_CONNECTOR__HTTP__CA_FILE", &file)]).await
}

#[tokio::test]
async fn every_connector_presents_its_own_certificate_and_shares_no_connection() {
    let authority = Authority::new();
    let server = authority.sign("127.0.0.1").server_for_clients_of(&authority);
    let third_party = ThirdParty::secure(server, |_, _| Reply::json(&json!({}))).await;
    let clients = ["ada", "bob", "eve"].map(|name| (name, authority.sign(name)));
    let app = TestApp::new();
    let connectors: Vec<Value> =
        clients.iter().map(|(name, identity)| connector(name, &third_party, Some(identity))).collect();
    app.import_connectors(&json!(connectors)).await;
    let _worker = worker(&app, &authority).await;
    let mut engine = app.engine().await;
    // Concurrently, which opens several connections; then one by one, which reuses them.
    for n in 0..20 {
        for (name, _) in &clients {
            engine.publish(&job_of(name, n)).await;
        }
    }
    for _ in 0..20 * clients.len() {
        assert_eq!(engine.result().await.status(), "completed");
    }
    for n in 20..40 {
        for (name, _) in &clients {
            engine.publish(&job_of(name, n)).await;
            assert_eq!(engine.result().await.status(), "completed");
        }
    }
    let mut connections: BTreeMap<u16, BTreeSet<String>> = BTreeMap::new();
    for seen in third_party.seen() {
        let (_, own) = clients.iter().find(|(name, _)| seen.path.starts_with(&format!("/{name}/"))).expect("a client");
        assert!(seen.from.certificate.as_deref() == Some(own.der()), "{} came under another certificate", seen.path);
        let name = seen.path.split('/').nth(1).unwrap_or_default().to_owned();
        connections.entry(seen.from.port).or_default().insert(name);
    }
    assert_eq!(third_party.seen().len(), 40 * clients.len());
    assert!(connections.len() < 40 * clients.len(), "connections are reused, so that they could be shared");
    assert!(connections.values().all(|names| names.len() == 1), "{connections:?}");
}

#[tokio::test]
async fn without_the_required_certificate_there_is_no_call() {
    let (authority, another) = (Authority::new(), Authority::new());
    let server = authority.sign("127.0.0.1").server_for_clients_of(&authority);
    let third_party = ThirdParty::secure(server, |_, _| Reply::json(&json!({}))).await;
    let app = TestApp::new();
    let untrusted = another.sign("ada");
    let connectors =
        json!([connector("nobody", &third_party, None), connector("untrusted", &third_party, Some(&untrusted))]);
    app.import_connectors(&connectors).await;
    let _worker = worker(&app, &authority).await;
    let mut engine = app.engine().await;
    for name in ["nobody", "untrusted"] {
        engine.publish(&job_of(name, 0)).await;
        let result = engine.result().await;
        let message = result.body["error"]["message"].as_str().unwrap_or_default();
        assert_eq!(result.code(), "TLS", "{name}: {message}");
        assert!(message.contains("`client_certificate`"), "{name}: {message}");
        assert!(!message.contains("PRIVATE KEY"), "{message}");
    }
    assert!(third_party.seen().is_empty());
}
