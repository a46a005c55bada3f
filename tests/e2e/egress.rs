//! Calls go through the configured proxy, and through no other.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use harness::raw_server::{RawServer, next_request};
use harness::test_app::{TestApp, job};
use harness::third_party::{Reply, ThirdParty};
use harness::tls::Authority;
use serde_json::json;
use tokio::io::{AsyncWriteExt, copy_bidirectional};
use tokio::net::TcpStream;

const PASSWORD: &str = "egress-pass";

/// A forward proxy that connects every host to one of two third parties, and the requests it received.
async fn forward(plain: u16, secure: u16) -> (RawServer, Arc<Mutex<Vec<String>>>) {
    let requests = Arc::<Mutex<Vec<String>>>::default();
    let seen = Arc::clone(&requests);
    let proxy = RawServer::start(move |mut socket: TcpStream| {
        let seen = Arc::clone(&seen);
        async move {
            let Some(request) = next_request(&mut socket).await else { return Ok(()) };
            seen.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
            let is_tunnel = request.starts_with("CONNECT ");
            let mut server = TcpStream::connect(("127.0.0.1", if is_tunnel { secure } else { plain })).await?;
            if is_tunnel {
                socket.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").await?;
            } else {
                server.write_all(request.as_bytes()).await?;
            }
            copy_bidirectional(&mut socket, &mut server).await.map(drop)
        }
    })
    .await;
    (proxy, requests)
}

/// The proxy variables that other programs read, set to a listener that counts connections.
async fn trap() -> (RawServer, Arc<AtomicUsize>, Vec<(&'static str, String)>) {
    let connections = Arc::<AtomicUsize>::default();
    let count = Arc::clone(&connections);
    let trap = RawServer::start(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        async { Ok(()) }
    })
    .await;
    let names = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    let variables = names.map(|name| (name, trap.url(""))).into();
    (trap, connections, variables)
}

fn borrowed<'a>(variables: &'a [(&'static str, String)]) -> Vec<(&'static str, &'a str)> {
    variables.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

#[tokio::test]
async fn calls_and_token_requests_go_through_the_configured_proxy_which_resolves_their_hosts() {
    let authority = Authority::new();
    let token = json!({"access_token": "token-by-proxy", "expires_in": 3600});
    let plain = ThirdParty::start(move |_, _| Reply::json(&token)).await;
    let server = authority.sign("orders.example.com").server();
    let secure = ThirdParty::secure(server, |_, _| Reply::json(&json!({}))).await;
    let (proxy, requests) = forward(plain.port(), secure.port()).await;
    let (_trap, connections, mut variables) = trap().await;
    let app = TestApp::new();
    let credentials =
        json!({"url": "http://login.example.com/token", "client_id": "me", "client_secret": "client-secret"});
    app.import_connectors(&json!([{"name": "API", "authtype": "OAUTH2_CLIENT_CREDENTIALS", "credentials": credentials,
            "endpoints": {"plain": {"url": "http://orders.example.com/plain"},
                "secure": {"url": "https://orders.example.com/secure"}}}]))
        .await;
    let configured = format!("http://worker:{PASSWORD}@127.0.0.1:{}", proxy.port());
    let ca_file = app.file("ca.pem", &authority.pem()).display().to_string();
    variables.extend([("DATA_CONNECTOR__HTTP__PROXY", configured), ("DATA_CONNECTOR__HTTP__CA_FILE", ca_file)]);
    let worker = app.worker_with(&[], &borrowed(&variables)).await;
    let mut engine = app.engine().await;
    for resource in ["plain", "secure"] {
        engine.publish(&job(resource, resource, &[], json!({}))).await;
        let result = engine.result().await;
        assert_eq!(result.status(), "completed", "{:#}", result.body);
    }
    let requests = requests.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let lines: Vec<&str> = requests.iter().filter_map(|request| request.lines().next()).collect();
    let expected = [
        "POST http://login.example.com/token HTTP/1.1",
        "GET http://orders.example.com/plain HTTP/1.1",
        "CONNECT orders.example.com:443 HTTP/1.1",
    ];
    assert_eq!(lines, expected);
    // The proxy's credentials are sent to the proxy, and never through the tunnel.
    assert!(requests.iter().all(|request| request.contains("Basic d29ya2VyOmVncmVzcy1wYXNz")), "{requests:?}");
    let inside = secure.seen().remove(0);
    assert_eq!((inside.header("authorization"), inside.header("proxy-authorization")), ("Bearer token-by-proxy", ""));
    assert!(!worker.output().contains(PASSWORD), "{}", worker.output());
    assert_eq!(connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_proxy_of_the_environment_is_never_used() {
    let third_party = ThirdParty::friendly().await;
    let (_trap, connections, variables) = trap().await;
    let app = TestApp::new();
    app.import_resources(json!({"r": {"url": third_party.url("/")}})).await;
    let _worker = app.worker_with(&[], &borrowed(&variables)).await;
    let mut engine = app.engine().await;
    engine.publish(&job("j1", "r", &[], json!({}))).await;
    assert_eq!(engine.result().await.status(), "completed");
    assert_eq!((third_party.seen().len(), connections.load(Ordering::SeqCst)), (1, 0));
}
