//! Calls to servers on loopback: what is sent, and how each failure of a server is classified.

mod broken_heads;
mod connections;
mod heads;
mod hostile;
mod hops;
mod origins;

use std::collections::HashSet;
use std::net::IpAddr;
use std::time::Duration;

use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::super::Settings;
use super::*;
use crate::job::Retriable;
use crate::testing::raw_server::{RawServer, Reply};

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn redirect(to: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n")
}

fn client_with(allowed: &[&str], change: impl FnOnce(&mut Settings)) -> Client {
    let mut settings =
        Settings { allow_net: allowed.iter().map(|n| n.parse().unwrap()).collect(), ..Settings::new(|| 0) };
    change(&mut settings);
    Client::new(settings).unwrap()
}

fn client() -> Client {
    client_with(&["127.0.0.0/8"], |_| {})
}

fn request(method: Method, url: Url) -> RequestSpec {
    let body: &[u8] = if method == Method::POST { b"{}" } else { b"" };
    let mut request = RequestSpec::new(method, url, Duration::from_secs(2)).with_body(body);
    request.headers = vec![(HeaderName::from_static("x-api-key"), HeaderValue::from_static("canary"))];
    request.authorization = Authorization::Bearer(SecretString::from("canary"));
    request.idempotency_key = Some(HeaderValue::from_static("canary-key"));
    request
}

fn class(failure: &Failure) -> (String, bool, bool) {
    (failure.code.to_string(), matches!(failure.retriable, Retriable::Retry { .. }), failure.attempted)
}

#[tokio::test]
async fn a_response_of_any_status_is_returned() {
    let server = RawServer::replying(Reply::KeepOpen(
        "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nX-A: 1\r\n\r\nno".to_owned(),
    ))
    .await;
    let response = client().send(&request(Method::POST, server.url("/p?q=1"))).await.unwrap();
    assert_eq!(
        (response.status, &response.body[..], response.headers["x-a"].to_str().unwrap()),
        (404, &b"no"[..], "1")
    );
    let seen = server.requests()[0].to_ascii_lowercase();
    for line in [
        "post /p?q=1 http/1.1",
        "authorization: bearer canary",
        "idempotency-key: canary-key",
        "content-length: 2",
        "user-agent: data-connector/",
    ] {
        assert!(seen.contains(line), "{line}: {seen}");
    }
    assert!(!seen.contains("transfer-encoding"), "{seen}");
}

#[tokio::test]
async fn a_get_has_no_body_and_connections_are_reused() {
    let server = RawServer::replying(Reply::KeepOpen(ok("{}"))).await;
    let client = client();
    for _ in 0..50 {
        client.send(&request(Method::GET, server.url("/"))).await.unwrap();
    }
    assert_eq!(server.connections(), 1);
    let seen = server.requests()[0].to_ascii_lowercase();
    assert!(!seen.contains("content-length") && !seen.contains("transfer-encoding"), "{seen}");
}

/// What the server did, the method, and the expected code and whether it is retried.
#[tokio::test]
async fn the_rows_of_the_retry_table() {
    let cut = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf".to_owned();
    let large = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", 1_000_000);
    let streamed =
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{}\r\n", 3_000, "x".repeat(3_000));
    let drip = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n".to_owned();
    for (what, reply, method, expected) in [
        ("closed", Reply::Close(String::new()), Method::GET, ("CONNECT", true)),
        ("closed", Reply::Close(String::new()), Method::POST, ("OUTCOME_UNKNOWN", false)),
        ("silent", Reply::Silence, Method::GET, ("TIMEOUT", true)),
        ("silent", Reply::Silence, Method::POST, ("OUTCOME_UNKNOWN", false)),
        ("half a head", Reply::Close("HTTP/1.1 20".to_owned()), Method::POST, ("OUTCOME_UNKNOWN", false)),
        ("garbage", Reply::Close("SSH-2.0-x\r\n\r\n".to_owned()), Method::GET, ("CONNECT", true)),
        ("cut body", Reply::Close(cut.clone()), Method::GET, ("BAD_RESPONSE", true)),
        ("cut body", Reply::Close(cut.clone()), Method::PUT, ("BAD_RESPONSE", false)),
        ("cut body", Reply::Close(cut), Method::POST, ("BAD_RESPONSE", false)),
        ("declared too large", Reply::KeepOpen(large), Method::GET, ("BAD_RESPONSE", true)),
        ("streamed too large", Reply::KeepOpen(streamed), Method::POST, ("BAD_RESPONSE", false)),
        ("dripping body", Reply::Drip(drip.clone()), Method::GET, ("TIMEOUT", true)),
        ("dripping body", Reply::Drip(drip), Method::POST, ("TIMEOUT", false)),
    ] {
        let server = RawServer::replying(reply).await;
        let client = client_with(&["127.0.0.0/8"], |settings| settings.response_bytes = 2_000);
        let begun = Instant::now();
        let mut spec = request(method.clone(), server.url("/"));
        spec.timeout = Duration::from_secs(1);
        let failure = client.send(&spec).await.unwrap_err();
        assert_eq!(class(&failure), (expected.0.to_owned(), expected.1, true), "{what} {method}: {}", failure.message);
        assert!(begun.elapsed() < Duration::from_secs(2), "{what} {method}");
        assert!(!failure.message.contains("canary"), "{}", failure.message);
    }
}

#[tokio::test]
async fn an_error_status_is_reported_however_its_body_ends() {
    let server =
        RawServer::replying(Reply::Close("HTTP/1.1 503 Busy\r\nContent-Length: 100\r\n\r\nhalf".to_owned())).await;
    let response = client().send(&request(Method::POST, server.url("/"))).await.unwrap();
    assert_eq!((response.status, response.warnings.len()), (503, 1));
}

#[tokio::test]
async fn what_was_never_sent_may_be_sent_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let nobody = Url::parse(&format!("http://127.0.0.1:{port}/")).unwrap();
    let failure = client().send(&request(Method::POST, nobody)).await.unwrap_err();
    assert_eq!(class(&failure), ("CONNECT".to_owned(), true, true), "{}", failure.message);

    // The lookup never ends: the deadline passes before there is a connection.
    let lookup: super::super::resolve::Lookup = Arc::new(|_| Box::pin(std::future::pending()));
    let client = Client::with_lookup(Settings::new(|| 0), lookup).unwrap();
    let url = Url::parse("http://api.example.com/").unwrap();
    let mut spec = request(Method::POST, url);
    spec.timeout = Duration::from_millis(300);
    let failure = client.send(&spec).await.unwrap_err();
    assert_eq!(class(&failure), ("TIMEOUT".to_owned(), true, true), "{}", failure.message);
}

#[tokio::test]
async fn a_name_with_any_private_address_looks_like_one_that_does_not_resolve() {
    let server = RawServer::replying(Reply::KeepOpen(ok("{}"))).await;
    let port = server.port();
    let mut shown = HashSet::new();
    for (answer, allowed, reached) in [
        (vec![], vec![], false),
        (vec!["127.0.0.1"], vec![], false),
        (vec!["8.8.8.8", "127.0.0.1"], vec![], false),
        (vec!["127.0.0.1"], vec!["127.0.0.1/32"], true),
        (vec!["127.0.0.1", "10.0.0.1"], vec!["127.0.0.1/32"], false),
    ] {
        let addresses: Vec<IpAddr> = answer.iter().map(|a| a.parse().unwrap()).collect();
        let lookup: super::super::resolve::Lookup = Arc::new(move |_| {
            let addresses = addresses.clone();
            let unknown = || std::io::Error::other("failed to lookup address information: Name or service not known");
            Box::pin(async move { if addresses.is_empty() { Err(unknown()) } else { Ok(addresses) } })
        });
        let allow_net = allowed.iter().map(|n| n.parse().unwrap()).collect();
        let client = Client::with_lookup(Settings { allow_net, ..Settings::new(|| 0) }, lookup).unwrap();
        let url = Url::parse(&format!("http://rebound.example.com:{port}/")).unwrap();
        let sent = client.send(&request(Method::GET, url)).await;
        match sent {
            Ok(_) => assert!(reached, "{answer:?}"),
            Err(failure) => {
                assert!(!reached, "{answer:?}: {}", failure.message);
                assert_eq!(class(&failure), ("CONNECT".to_owned(), true, true), "{answer:?}: {}", failure.message);
                assert!(failure.message.contains("--allow-net"), "{}", failure.message);
                shown.insert(failure.message);
            }
        }
    }
    assert_eq!(server.connections(), 1, "only the allowed one");
    assert_eq!(shown.len(), 1, "a message tells them from each other: {shown:?}");
}

#[tokio::test]
async fn redirects_carry_no_credentials_to_another_origin_and_pass_the_guard() {
    let elsewhere = RawServer::replying(Reply::KeepOpen(ok("{}"))).await;
    let target = elsewhere.url("/there").to_string();
    let home = RawServer::start(move |_, _| Reply::KeepOpen(redirect(&target))).await;
    client().send(&request(Method::GET, home.url("/"))).await.unwrap();
    let seen = elsewhere.requests().remove(0);
    assert!(seen.starts_with("GET /there ") && !seen.contains("canary"), "{seen}");

    let same = RawServer::start(|_, n| Reply::KeepOpen(if n == 0 { redirect("/next") } else { ok("{}") })).await;
    client().send(&request(Method::GET, same.url("/"))).await.unwrap();
    assert!(same.requests()[1].contains("canary"), "the same origin is home");

    let port = elsewhere.port();
    let before = elsewhere.connections();
    let inward = RawServer::start(move |_, _| Reply::KeepOpen(redirect(&format!("http://127.0.0.2:{port}/")))).await;
    let narrow = client_with(&["127.0.0.1/32"], |_| {});
    let failure = narrow.send(&request(Method::GET, inward.url("/"))).await.unwrap_err();
    assert_eq!(class(&failure), ("DENIED".to_owned(), false, true));
    assert_eq!(elsewhere.connections(), before);
}

#[tokio::test]
async fn redirects_end() {
    let circle = RawServer::replying(Reply::KeepOpen(redirect("/again"))).await;
    let response = client().send(&request(Method::GET, circle.url("/"))).await.unwrap();
    assert_eq!(response.status, 302);
    assert_eq!(circle.request_count(), 6, "the first request and five hops");
    let post = RawServer::replying(Reply::KeepOpen(redirect("/again"))).await;
    assert_eq!(client().send(&request(Method::POST, post.url("/"))).await.unwrap().status, 302);
    let nowhere =
        RawServer::replying(Reply::KeepOpen("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n".to_owned())).await;
    assert_eq!(client().send(&request(Method::GET, nowhere.url("/"))).await.unwrap().status, 302);
}

/// A self-signed certificate for 127.0.0.1, and the protocol that is spoken.
fn acceptor(protocol: &str) -> tokio_rustls::TlsAcceptor {
    let signed = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::Pkcs8(signed.signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![signed.cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    tokio_rustls::TlsAcceptor::from(Arc::new(config))
}

/// A server that responds inside the TLS connection, or in plain text below it.
async fn secure_server(inside: bool) -> Url {
    let acceptor = acceptor("http/1.1");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("https://127.0.0.1:{}/", listener.local_addr().unwrap().port())).unwrap();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            if let Ok(mut secure) = acceptor.accept(socket).await {
                let mut head = [0; 1_024];
                if secure.read(&mut head).await.is_err() {
                    continue;
                }
                let answer = ok("{}");
                if inside {
                    secure.write_all(answer.as_bytes()).await.ok();
                } else {
                    secure.into_inner().0.write_all(answer.as_bytes()).await.ok();
                }
            }
        }
    });
    url
}

#[tokio::test]
async fn a_secure_connection_that_breaks_after_the_request_leaves_its_outcome_open() {
    let client = client_with(&["127.0.0.0/8"], |settings| settings.allow_insecure_tls = true);
    let url = secure_server(false).await;
    for (method, expected) in [(Method::GET, ("CONNECT", true)), (Method::POST, ("OUTCOME_UNKNOWN", false))] {
        let mut spec = request(method.clone(), url.clone());
        spec.verify_certificate = false;
        let failure = client.send(&spec).await.unwrap_err();
        assert_eq!(class(&failure), (expected.0.to_owned(), expected.1, true), "{method}: {}", failure.message);
    }
}

#[tokio::test]
async fn certificates_are_verified_unless_connector_and_operator_say_otherwise() {
    let url = secure_server(true).await;
    let failure = client().send(&request(Method::POST, url.clone())).await.unwrap_err();
    assert_eq!(class(&failure), ("TLS".to_owned(), false, true), "{}", failure.message);
    assert!(failure.message.contains("http.ca_file"));

    let mut careless = request(Method::POST, url.clone());
    careless.verify_certificate = false;
    let failure = client().send(&careless).await.unwrap_err();
    assert_eq!(class(&failure), ("CONFIGURATION".to_owned(), false, false));
    assert!(failure.message.contains("http.allow_insecure_tls"));
    let permitted = client_with(&["127.0.0.0/8"], |settings| settings.allow_insecure_tls = true);
    assert_eq!(permitted.send(&careless).await.unwrap().status, 200);
    assert!(permitted.send(&request(Method::POST, url)).await.is_err(), "others are verified all the same");

    let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let garbage = Url::parse(&format!("https://127.0.0.1:{}/", plain.local_addr().unwrap().port())).unwrap();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = plain.accept().await {
            socket.write_all(b"HTTP/1.1 400 this is no TLS\r\n\r\n").await.ok();
        }
    });
    let failure = client().send(&request(Method::POST, garbage)).await.unwrap_err();
    assert_eq!(class(&failure), ("TLS".to_owned(), true, true), "{}", failure.message);
}
