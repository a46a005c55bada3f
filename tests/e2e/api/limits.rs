//! How much the API takes, from whom, and what becomes of requests when it stops or the broker is away (API 1, 2, 9).

use std::time::Duration;

use harness::api::{Api, sent};
use harness::proxy::{Proxy, Toxic};
use harness::test_app::{TestApp, job};
use harness::third_party::{Reply, ThirdParty};
use harness::{eventually, process};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// What is answered to these bytes before the connection is closed.
async fn raw(api: &Api, request: &str) -> String {
    let address = process::authority(api.base());
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    // Whoever refuses a request may close before all of it was sent.
    drop(stream.write_all(request.as_bytes()).await);
    let mut answer = Vec::new();
    drop(timeout(Duration::from_secs(30), stream.read_to_end(&mut answer)).await.expect("an end of the connection"));
    String::from_utf8_lossy(&answer).into_owned()
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}

#[tokio::test]
async fn heads_and_bodies_have_limits_of_size_and_time() {
    let app = TestApp::new();
    let variables = [
        ("DATA_CONNECTOR__API__BODY_BYTES", "1000"),
        ("DATA_CONNECTOR__API__BODY_TIMEOUT", "1"),
        ("DATA_CONNECTOR__API__HEADER_TIMEOUT", "2"),
    ];
    let (_process, api) = app.serve_with(&["serve"], &variables).await;
    let head = |method: &str, path: &str, more: &str| {
        format!("{method} /api/1.0{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n{more}\r\n", api.token())
    };
    // By its length at once: nothing of the body is sent, nor waited for.
    let announced = raw(&api, &head("POST", "/tokens", "Content-Length: 100000000\r\n")).await;
    assert!(status(&announced) == "413" && announced.contains("\"TOO_LARGE\""), "{announced}");
    let expected = raw(&api, &head("POST", "/tokens", "Content-Length: 100000000\r\nExpect: 100-continue\r\n")).await;
    assert_eq!(status(&expected), "413", "it is not asked to go on: {expected}");
    let chunk = format!("{:x}\r\n{}\r\n0\r\n\r\n", 1_100, "x".repeat(1_100));
    let chunked = raw(&api, &(head("POST", "/tokens", "Transfer-Encoding: chunked\r\n") + &chunk)).await;
    assert_eq!(status(&chunked), "413", "{chunked}");
    let slow = raw(&api, &(head("POST", "/tokens", "Content-Length: 100\r\n") + "{")).await;
    assert!(status(&slow) == "408" && slow.contains("\"TIMEOUT\"") && slow.contains("request_id"), "{slow}");
    let unfinished = raw(&api, "GET /api/1.0/me HTTP/1.1\r\nHost: x\r\n").await;
    assert!(unfinished.is_empty() || status(&unfinished) == "408", "{unfinished}");
    for (request, statuses) in [
        (head("GET", &format!("/{}", "a".repeat(60_000)), "Connection: close\r\n"), vec!["404"]),
        (head("GET", &format!("/{}", "a".repeat(70_000)), ""), vec!["414", "431"]),
        (head("GET", "/me", &format!("Connection: close\r\nX: {}\r\n", "a".repeat(60_000))), vec!["200"]),
        (head("GET", "/me", &format!("X: {}\r\n", "a".repeat(70_000))), vec!["431"]),
    ] {
        let answer = raw(&api, &request).await;
        assert!(statuses.contains(&status(&answer)), "{statuses:?}: {}", answer.lines().next().unwrap_or_default());
    }
}

/// Where the process may have few files open, those who only connect leave it the files for its own work.
#[tokio::test]
async fn half_open_requests_stop_neither_health_nor_calls() {
    let third_party = ThirdParty::friendly().await;
    let app = TestApp::new();
    app.import_resources(json!({"r": {"url": third_party.url("/"), "method": "GET"}})).await;
    let program = harness::binary().display().to_string();
    let script = "ulimit -n 256; exec \"$0\" worker --migrate --listen 127.0.0.1:0";
    let mut command = app.program("sh", &["-c", script, &program]);
    let worker = process::Running::start(&mut command, app.path("worker.log"));
    let address = worker.address().await;
    let mut half_open = Vec::new();
    for _ in 0..400 {
        let mut stream = TcpStream::connect(&address).await.expect("a connection");
        // The oldest ones are closed for the newest.
        drop(stream.write_all(b"GET / HTTP/1.1\r\nHost:").await);
        half_open.push(stream);
    }
    let alive = timeout(Duration::from_secs(5), process::get(&address, "/health/live")).await;
    assert!(alive.as_ref().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200")), "{alive:?}\n{}", worker.output());
    let mut engine = app.engine().await;
    engine.publish(&job("j1", "r", &[], json!({}))).await;
    assert_eq!(engine.result().await.status(), "completed", "{}", worker.output());
    assert!(!worker.output().contains("Too many open files"), "{}", worker.output());
}

#[tokio::test]
async fn addresses_behind_a_proxy_are_told_apart_where_it_is_trusted() {
    let app = TestApp::new();
    let refused = ("DATA_CONNECTOR__API__RATE_REFUSED", "3");
    let trusted = [refused, ("DATA_CONNECTOR__API__TRUSTED_PROXIES", "127.0.0.0/8")];
    let (_process, api) = app.serve_with(&["serve"], &trusted).await;
    let from = |api: &Api, forwarded: &str| {
        let request = api.with(Some("dct_guess")).request("GET", "/me").header("x-forwarded-for", forwarded);
        async move { sent(request).await.status }
    };
    for expected in [401, 401, 401, 429] {
        assert_eq!(from(&api, "203.0.113.9").await, expected);
    }
    assert_eq!(from(&api, "203.0.113.8").await, 401, "another address");
    assert_eq!(from(&api, "198.51.100.1, 203.0.113.9").await, 429, "the last one, which the proxy wrote");
    assert_eq!(from(&api, "203.0.113.9, 198.51.100.1").await, 401, "the others are what somebody says");
    let (_other, open) = app.serve_with(&["serve"], &[refused]).await;
    for expected in [401, 401, 401, 429] {
        assert_eq!(from(&open, &format!("203.0.113.{expected}")).await, expected, "nobody may say so here");
    }
}

#[tokio::test]
async fn what_is_in_flight_ends_before_the_process() {
    let third_party = ThirdParty::start(|_, _| Reply::json(&json!({"a": 1})).after(Duration::from_secs(2))).await;
    let app = TestApp::new();
    app.import_resources(json!({"slow": {"url": third_party.url("/"), "method": "GET"}})).await;
    let (process, api) = app.serve(&["serve"]).await;
    let caller = api.clone();
    let call = tokio::spawn(async move {
        caller.post("/requests/data_sources/API", &json!({"config": {"endpoint": "slow"}})).await
    });
    eventually("the call", || async { (third_party.seen().len() == 1).then_some(()) }).await;
    assert_eq!(process.terminate().await, Some(0));
    let answer = call.await.expect("its end");
    assert_eq!((answer.status, answer.json()), (200, json!({"status": 200, "response": {"a": 1}})));
}

#[tokio::test]
async fn without_a_broker_only_what_publishes_fails() {
    let mut app = TestApp::new();
    let proxy = Proxy::before(&process::authority(app.broker())).await;
    app = TestApp::on(&proxy.url_through(app.broker()));
    let third_party = ThirdParty::friendly().await;
    app.import_resources(json!({"get": {"url": third_party.url("/"), "method": "GET"}})).await;
    let (_process, api) = app.serve(&["serve"]).await;
    let queued = json!({"mode": "queue", "config": {"endpoint": "get"}});
    assert_eq!(api.post("/requests/data_sources/API", &queued).await.status, 202);
    proxy.set(Toxic::Refuse);
    let refused = eventually("the broker to be gone", || async {
        let answer = api.post("/requests/data_sources/API", &queued).await;
        (answer.status != 202).then_some(answer)
    })
    .await;
    assert_eq!((refused.status, refused.json()["code"].as_str()), (503, Some("UNAVAILABLE")), "{}", refused.body);
    assert!(refused.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds >= 1));
    let run = json!({"config": {"endpoint": "get"}});
    assert_eq!(api.post("/requests/data_sources/API", &run).await.status, 200);
    for path in ["/data_sources", "/jobs", "/tokens", "/stats", "/workers", "/audit"] {
        assert_eq!(api.get(path).await.status, 200, "{path}");
    }
    assert_eq!(api.post("/data_sources", &json!({"name": "Meanwhile"})).await.status, 201);
    proxy.set(Toxic::None);
    eventually("the broker to be back", || async {
        (api.post("/requests/data_sources/API", &queued).await.status == 202).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_is_needed_is_there_at_the_start_and_a_provider_has_an_audience() {
    let app = TestApp::new();
    for (variable, value, code) in [
        ("AMQP_URL", "amqp://guest:guest@127.0.0.1:1", 69),
        ("DATABASE_URL", "postgres://root@127.0.0.1:1/none", 69),
        ("DATA_CONNECTOR__API__OIDC__ISSUER", "https://issuer.example", 64),
        ("DATA_CONNECTOR__API__OIDC__JWKS_URL", "http://192.0.2.1/keys", 64),
    ] {
        let mut command = app.command(&["serve", "--listen", "127.0.0.1:0", "--migrate"]);
        command.env("DATA_CONNECTOR__VAULT__KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").env(variable, value);
        let output = process::run(&mut command).await;
        let printed = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{variable}: {printed}");
        assert!(output.stdout.is_empty(), "no token: {}", String::from_utf8_lossy(&output.stdout));
    }
}
