//! The head of a request as it is written: names in their case, and the length of no body.

use super::*;

/// The names of a request's headers as the server read them.
fn names(request: &str) -> Vec<&str> {
    request.lines().skip(1).take_while(|line| !line.is_empty()).map(|line| line.split(':').next().unwrap()).collect()
}

fn named(method: Method, url: Url, fields: &[&str]) -> RequestSpec {
    let mut spec = request(method, url).with_written_names(fields.iter().map(|name| (*name).to_owned()));
    spec.headers = fields
        .iter()
        .map(|name| (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_static("v")))
        .collect();
    spec
}

#[tokio::test]
async fn names_are_sent_as_they_were_written() {
    let server = RawServer::replying(Reply::KeepOpen(ok("{}"))).await;
    let client = client();
    for fields in [
        vec!["X-Store-Name", "SOAPAction"],
        vec!["X-Store-Name", "Content-Type"],
        vec!["x-lower", "content-type"],
        vec!["x-lower", "X-UPPER", "Content-Type", "eTag", "User-AGENT"],
        vec!["Accept-encoding"],
    ] {
        for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE] {
            for _ in 0..2 {
                let before = server.request_count();
                let answer = client.send(&named(method.clone(), server.url("/a?b=%20"), &fields)).await.unwrap();
                assert_eq!((answer.status, &answer.body[..]), (200, &b"{}"[..]));
                let seen = server.requests()[before].clone();
                assert!(seen.starts_with(&format!("{method} /a?b=%20 HTTP/1.1\r\n")), "{seen}");
                let found = names(&seen);
                assert!(fields.iter().all(|name| found.contains(name)), "{fields:?}: {seen}");
                for once in ["host", "user-agent", "accept-encoding", "authorization", "content-length"] {
                    let count = found.iter().filter(|name| name.eq_ignore_ascii_case(once)).count();
                    let expected = usize::from(once != "content-length" || matches!(method.as_str(), "POST" | "PUT"));
                    assert_eq!(count, expected, "{once} {fields:?}: {seen}");
                }
                assert!(seen.to_ascii_lowercase().contains(&format!("\r\nhost: 127.0.0.1:{}\r\n", server.port())));
                assert_eq!(seen.ends_with("\r\n\r\n{}"), method == Method::POST, "{seen}");
            }
        }
    }
}

/// A server that may not be called is not, whichever way the connection is used; nor is one that hangs waited for.
#[tokio::test]
async fn spelled_names_change_nothing_else() {
    let server = RawServer::replying(Reply::Silence).await;
    for (allowed, method, expected) in [
        (vec![], Method::GET, ("DENIED", false, false)),
        (vec!["127.0.0.0/8"], Method::GET, ("TIMEOUT", true, true)),
        (vec!["127.0.0.0/8"], Method::POST, ("OUTCOME_UNKNOWN", false, true)),
    ] {
        let mut spec = named(method.clone(), server.url("/"), &["SOAPAction"]);
        spec.timeout = Duration::from_millis(300);
        let failure = client_with(&allowed, |_| {}).send(&spec).await.unwrap_err();
        assert_eq!(class(&failure), (expected.0.to_owned(), expected.1, expected.2), "{method}: {}", failure.message);
    }
    for (reply, method, expected) in [
        (Reply::Close(String::new()), Method::GET, ("CONNECT", true, true)),
        (Reply::Close(String::new()), Method::POST, ("OUTCOME_UNKNOWN", false, true)),
        (
            Reply::Close(format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: b\r\n".repeat(101))),
            Method::GET,
            ("BAD_RESPONSE", true, true),
        ),
        (
            Reply::Close("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf".to_owned()),
            Method::GET,
            ("BAD_RESPONSE", true, true),
        ),
    ] {
        let server = RawServer::replying(reply).await;
        let failure = client().send(&named(method.clone(), server.url("/"), &["SOAPAction"])).await.unwrap_err();
        assert_eq!(class(&failure), (expected.0.to_owned(), expected.1, expected.2), "{method}: {}", failure.message);
    }
    let nobody = Url::parse("http://127.0.0.1:1/").unwrap();
    let failure = client().send(&named(Method::POST, nobody, &["SOAPAction"])).await.unwrap_err();
    assert_eq!(class(&failure), ("CONNECT".to_owned(), true, true), "{}", failure.message);
    let secure = secure_server(true).await;
    let failure = client().send(&named(Method::POST, secure.clone(), &["SOAPAction"])).await.unwrap_err();
    assert_eq!(class(&failure), ("TLS".to_owned(), false, true), "{}", failure.message);
    let careless = client_with(&["127.0.0.0/8"], |settings| settings.allow_insecure_tls = true);
    let mut spec = named(Method::POST, secure, &["SOAPAction"]);
    spec.verify_certificate = false;
    assert_eq!(careless.send(&spec).await.unwrap().status, 200);
}

/// A GET that met a closing connection is sent once more, and a redirect keeps the names at home.
#[tokio::test]
async fn spelled_names_survive_closing_connections_and_redirects() {
    let server = RawServer::start(|_, n| match n {
        1 => Reply::Close(String::new()),
        2 => Reply::KeepOpen(redirect("/next")),
        _ => Reply::KeepOpen(ok("")),
    })
    .await;
    let client = client();
    for _ in 0..2 {
        client.send(&named(Method::GET, server.url("/"), &["SOAPAction"])).await.unwrap();
    }
    let seen = server.requests();
    assert_eq!(seen.len(), 4);
    assert!(seen.iter().all(|seen| names(seen).contains(&"SOAPAction")), "{seen:?}");
}

/// RFC 9110, 8.6: what has no body although its method could have one says so.
#[tokio::test]
async fn a_body_that_is_not_there_has_the_length_zero() {
    let server = RawServer::replying(Reply::KeepOpen(ok(""))).await;
    let client = client();
    for names in [vec![], vec!["SOAPAction".to_owned()]] {
        for authorization in [
            Authorization::None,
            Authorization::Aws(Arc::new(crate::plan::AwsKeys {
                access_key_id: "a".to_owned(),
                secret_access_key: "b".into(),
                session_token: None,
                region: "eu-1".to_owned(),
                service: "s3".to_owned(),
            })),
        ] {
            for (method, body, expected) in [
                ("POST", "", Some("0")),
                ("PUT", "", Some("0")),
                ("PATCH", "", Some("0")),
                ("POST", "{}", Some("2")),
                ("DELETE", "", None),
                ("GET", "", None),
                ("HEAD", "", None),
                ("OPTIONS", "", None),
            ] {
                let mut spec = request(method.parse().unwrap(), server.url("/")).with_body(body.as_bytes());
                spec = spec.with_written_names(names.clone());
                spec.authorization = authorization.clone();
                let before = server.request_count();
                client.send(&spec).await.unwrap();
                let seen = server.requests()[before].to_ascii_lowercase();
                let lengths: Vec<&str> =
                    seen.lines().filter_map(|line| line.strip_prefix("content-length: ")).collect();
                assert_eq!(lengths, expected.into_iter().collect::<Vec<_>>(), "{method}: {seen}");
                assert!(!seen.contains("transfer-encoding"), "{seen}");
            }
        }
    }
}
