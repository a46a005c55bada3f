//! What goes along from hop to hop: cookies, challenges, signatures, and nothing once the call was away.

use super::*;
use crate::plan::AwsKeys;

fn redirect_with(headers: &str, to: &[u8]) -> String {
    // The server's texts are sent as UTF-8, which raw latin-1 is not: such bytes are tested where headers are read.
    let to = String::from_utf8(to.to_vec()).unwrap();
    format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\n{headers}Content-Length: 0\r\n\r\n")
}

fn path(request: &str) -> &str {
    request.split(' ').nth(1).unwrap()
}

fn header<'a>(request: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = request.lines().filter_map(|line| line.split_once(": "));
    lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

#[tokio::test]
async fn a_location_may_be_raw_utf_8() {
    let server = RawServer::start(|request, _| {
        Reply::KeepOpen(if path(request) == "/" { redirect_with("", "/café?q=ü".as_bytes()) } else { ok("{}") })
    })
    .await;
    assert_eq!(client().send(&request(Method::GET, server.url("/"))).await.unwrap().status, 200);
    assert_eq!(path(&server.requests()[1]), "/caf%C3%A9?q=%C3%BC");
}

#[tokio::test]
async fn cookies_go_along_on_their_origin() {
    let other = RawServer::replying(Reply::KeepOpen(ok("{}"))).await;
    let away = other.url("/").to_string();
    let server = RawServer::start(move |request, _| {
        Reply::KeepOpen(match path(request) {
            "/" => redirect_with("Set-Cookie: sid=1; Path=/; HttpOnly\r\nSet-Cookie: b=2; Path=/else\r\n", b"/next"),
            "/next" => redirect_with("Set-Cookie: sid=3; Path=/\r\n", b"/last"),
            _ => redirect_with("", away.as_bytes()),
        })
    })
    .await;
    let mut spec = request(Method::GET, server.url("/"));
    spec.headers.push((http::header::COOKIE, HeaderValue::from_static("own=1; sid=0")));
    client().send(&spec).await.unwrap();
    let cookies: Vec<_> =
        server.requests().iter().map(|request| header(request, "cookie").unwrap().to_owned()).collect();
    assert_eq!(cookies, ["own=1; sid=0", "own=1; sid=1", "own=1; sid=3"]);
    assert_eq!(header(&other.requests()[0], "cookie"), None);
    client().send(&request(Method::GET, server.url("/next"))).await.unwrap();
    assert_eq!(header(&server.requests()[3], "cookie"), None, "another call knows nothing of them");
}

/// A challenge before, at and after a redirect: each answer names the address that it is sent to, and counts.
#[tokio::test]
async fn a_digest_is_made_for_the_address_that_is_called() {
    let challenge = "HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm=\"x\", nonce=\"n1\", qop=\"auth\", algorithm=MD5\r\nContent-Length: 0\r\n\r\n";
    for first_is_open in [true, false] {
        let server = RawServer::start(move |request, _| {
            let authorization = header(request, "authorization");
            Reply::KeepOpen(match (path(request), authorization) {
                ("/a?b=c", None) if first_is_open => redirect("/old"),
                (_, None) => challenge.to_owned(),
                (path, Some(answer)) if !answer.contains(&format!("uri=\"{path}\"")) => {
                    "HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n".to_owned()
                }
                ("/a?b=c", _) => redirect("/old"),
                _ => ok("{}"),
            })
        })
        .await;
        let mut spec = request(Method::GET, server.url("/a?b=c"));
        spec.authorization =
            Authorization::Digest { username: "u".to_owned(), password: SecretString::from("password") };
        assert_eq!(client().send(&spec).await.unwrap().status, 200, "{:?}", server.requests());
        let count =
            |request: &String| header(request, "authorization")?.split("nc=").nth(1)?.get(..8).map(str::to_owned);
        let counts: Vec<_> = server.requests().iter().filter_map(count).collect();
        assert_eq!(counts, if first_is_open { vec!["00000001"] } else { vec!["00000001", "00000002"] });
    }
}

#[tokio::test]
async fn each_hop_is_signed_by_itself() {
    let server = RawServer::start(|_, n| Reply::KeepOpen(if n == 0 { redirect("/next?a=b") } else { ok("{}") })).await;
    let mut spec = request(Method::GET, server.url("/"));
    spec.authorization = Authorization::Aws(Arc::new(AwsKeys {
        access_key_id: "AKID".to_owned(),
        secret_access_key: SecretString::from("secret-key"),
        session_token: None,
        region: "eu-1".to_owned(),
        service: "execute-api".to_owned(),
    }));
    client().send(&spec).await.unwrap();
    let mut alone = request(Method::GET, server.url("/next?a=b"));
    alone.authorization = spec.authorization.clone();
    client().send(&alone).await.unwrap();
    let signatures: Vec<_> =
        server.requests().iter().map(|request| header(request, "authorization").unwrap().to_owned()).collect();
    assert_ne!(signatures[0], signatures[1]);
    assert_eq!(signatures[1], signatures[2], "as if it had been called by itself");
}

/// Home, away, home again, and on: whoever it was away at chose what is called.
#[tokio::test]
async fn a_call_that_was_away_comes_home_without_credentials() {
    let home = Arc::new(std::sync::OnceLock::<String>::new());
    let back = Arc::clone(&home);
    let away = RawServer::start(move |_, _| Reply::KeepOpen(redirect(&format!("{}back", back.get().unwrap())))).await;
    let target = away.url("/away").to_string();
    let server = RawServer::start(move |request, _| {
        Reply::KeepOpen(match path(request) {
            "/" => redirect(&target),
            "/back" => redirect("/on"),
            "/on" if request.contains("HEAD") => "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n".to_owned(),
            _ => ok("{}"),
        })
    })
    .await;
    home.set(server.url("/").to_string()).unwrap();
    for method in [Method::GET, Method::HEAD] {
        let mut spec = request(method.clone(), server.url("/")).with_body("canary");
        spec.headers.push((http::header::ACCEPT, HeaderValue::from_static("text/canary")));
        client().send(&spec).await.unwrap();
    }
    let seen = [server.requests(), away.requests()].concat();
    assert_eq!(seen.iter().filter(|request| path(request) == "/on").count(), 2);
    for request in seen.iter().filter(|request| path(request) != "/") {
        assert!(!request.contains("canary") && header(request, "accept") == Some("*/*"), "{request}");
        assert!(header(request, "content-length").is_none(), "{request}");
    }
}
