//! Third parties that mean harm, called by a real worker: each call ends in its code and in its time, and other hosts' jobs go
//! on. What needs no worker to be seen is held to its class beside the client.

use std::time::Duration;

use harness::engine::Engine;
use harness::raw::{self, RawParty};
use harness::scene::{Scene, job};
use harness::third_party::{Reply, ThirdParty};
use harness::tls::{Authority, Identity};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::Instant;

const TIMEOUT: Duration = Duration::from_secs(3);

/// Where it is, and what GET and POST end in.
struct Behaviour {
    name: &'static str,
    url: String,
    get: &'static str,
    post: &'static str,
}

async fn with_certificate(identity: &Identity) -> ThirdParty {
    ThirdParty::secure(identity.server(), |_, _| Reply::json(&json!({}))).await
}

/// Answers every hello with its own, of an old version: 0x0301 is TLS 1.0, 0x0302 is TLS 1.1.
async fn old_tls(version: [u8; 2]) -> RawParty {
    RawParty::start(move |mut socket: TcpStream| async move {
        socket.read_buf(&mut Vec::with_capacity(4_096)).await?;
        // No session, TLS_RSA_WITH_AES_128_CBC_SHA, no compression.
        let hello = [&version[..], &[7; 32], &[0, 0, 0x2f, 0]].concat();
        let record = [&[0x16], &version[..], &[0, 42, 2, 0, 0, 38], &hello].concat();
        socket.write_all(&record).await?;
        std::future::pending().await
    })
    .await
}

/// Says what it has to say one byte a second, after this beginning.
async fn dripping(beginning: &'static str) -> RawParty {
    RawParty::start(move |mut socket: TcpStream| async move {
        raw::request(&mut socket).await;
        socket.write_all(beginning.as_bytes()).await?;
        loop {
            socket.write_all(b"x").await?;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    })
    .await
}

/// A listener that takes nobody, and the connections that fill its queue: what comes after them is not answered at all.
async fn full() -> (TcpListener, Vec<TcpStream>) {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(([127, 0, 0, 1], 0).into()).expect("a port on loopback");
    let listener = socket.listen(1).expect("a listener");
    let address = listener.local_addr().expect("its address");
    let mut waiting = Vec::new();
    while let Ok(Ok(connection)) = tokio::time::timeout(Duration::from_millis(200), TcpStream::connect(address)).await {
        waiting.push(connection);
    }
    (listener, waiting)
}

/// Resources `<name>-get` and `<name>-post`, and one of a third party that behaves.
async fn resources(scene: &Scene, behaviours: &[Behaviour], healthy: &ThirdParty) {
    let mut resources = json!({"healthy": {"url": healthy.url("/")}});
    for Behaviour { name, url, .. } in behaviours {
        resources[format!("{name}-get")] = json!({"url": url, "method": "GET", "timeout": TIMEOUT.as_secs()});
        resources[format!("{name}-post")] =
            json!({"url": url, "method": "POST", "body": "{}", "timeout": TIMEOUT.as_secs()});
    }
    scene.resources(resources).await;
}

/// Publishes one job for each behaviour and method, of an engine of its own.
async fn provoke(scene: &Scene, behaviours: &[Behaviour]) -> Engine {
    let engine = Engine::connect(scene.broker(), scene.prefix(), "provoking").await;
    for Behaviour { name, .. } in behaviours {
        for method in ["get", "post"] {
            let id = format!("{name}-{method}");
            let mut job = job(&id, &id, &[], json!({}));
            job["engine"] = json!("provoking");
            engine.publish(&job).await;
        }
    }
    engine
}

/// The jobs of a host that behaves, one after the other for a while: none waits for somebody else's call.
async fn go_on(scene: &Scene, time: Duration) {
    let (mut engine, begun, mut count) = (scene.engine().await, Instant::now(), 0);
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
async fn every_call_ends_in_its_code_and_time_while_others_go_on() {
    let authority = Authority::new();
    let expired = with_certificate(&authority.sign_expired("127.0.0.1")).await;
    let elsewhere = with_certificate(&authority.sign("api.example.com")).await;
    let unsigned = with_certificate(&Identity::self_signed("127.0.0.1")).await;
    let (tls10, tls11) = (old_tls([3, 1]).await, old_tls([3, 2]).await);
    let (in_head, in_body) =
        (dripping("HTTP/1.1 200 OK\r\nX-Y: ").await, dripping("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n").await);
    let (listener, waiting) = full().await;
    assert!(!waiting.is_empty(), "the queue is full");
    let full = listener.local_addr().expect("its address");
    let secure = |party: &RawParty| format!("https://127.0.0.1:{}/", party.port());
    let behaviour = |name, url, get, post| Behaviour { name, url, get, post };
    let behaviours = [
        behaviour("expired", expired.url("/"), "TLS", "TLS"),
        behaviour("elsewhere", elsewhere.url("/"), "TLS", "TLS"),
        behaviour("unsigned", unsigned.url("/"), "TLS", "TLS"),
        behaviour("tls10", secure(&tls10), "TLS", "TLS"),
        behaviour("tls11", secure(&tls11), "TLS", "TLS"),
        behaviour("full", format!("http://{full}/"), "TIMEOUT", "TIMEOUT"),
        behaviour("in_head", in_head.url("/"), "TIMEOUT", "OUTCOME_UNKNOWN"),
        behaviour("in_body", in_body.url("/"), "BAD_RESPONSE", "BAD_RESPONSE"),
    ];
    let healthy = ThirdParty::friendly().await;
    let scene = Scene::new();
    resources(&scene, &behaviours, &healthy).await;
    let ca_file = scene.file("ca.pem", &authority.pem()).display().to_string();
    let worker = scene.worker_with(&[], &[("DATA_CONNECTOR__HTTP__CA_FILE", &ca_file)]).await;
    let begun = Instant::now();
    let mut engine = provoke(&scene, &behaviours).await;
    go_on(&scene, TIMEOUT).await;
    for _ in 0..behaviours.len() * 2 {
        assert_ended(&behaviours, &engine.result().await.body);
    }
    assert!(begun.elapsed() < TIMEOUT + Duration::from_secs(2), "{:?}", begun.elapsed());
    assert!(!worker.output().contains("panicked"), "{}", worker.output());
}
