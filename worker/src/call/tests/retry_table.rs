//! Every row of the retry table (CONTRACT 6), over real connections.

use super::*;

/// What became of an attempt, as the table has it.
fn next(called: Result<(), Failure>, prepared: &Prepared) -> (String, bool) {
    let Err(failure) = called else { return ("OK".to_owned(), false) };
    let code = failure.code.to_string();
    let progress = Progress { attempt: 1, elapsed: Duration::ZERO };
    (code, matches!(prepared.calls.decide(&prepared.call, failure, progress, 0), Decision::Retry { .. }))
}

const METHODS: [&str; 7] = ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "POST", "PATCH"];

const REPEATS: [Option<&str>; 3] = [None, Some("safe"), Some("unsafe")];

/// The table's columns: left or right.
fn is_safe(method: &str, repeat: Option<&str>) -> bool {
    repeat.map_or(!matches!(method, "POST" | "PATCH"), |repeat| repeat == "safe")
}

async fn prepared_with(method: &str, repeat: Option<&str>, url: &str, timeout: f64) -> Prepared {
    let resource = json!({"url": url, "method": method, "repeat": repeat, "timeout": timeout, "retry_attempts": 3,
        "body": if matches!(method, "PUT" | "POST" | "PATCH") { "{}" } else { "" }});
    // A body that nothing reads does not fail.
    let element = json!({"dataMapping": [{"key": "v", "value": "v"}]});
    prepared(&resource, &element, &json!({})).await.unwrap()
}

/// CONTRACT 6 row by row: every status, method and repeat rule.
#[tokio::test]
async fn the_retry_table_over_all_statuses() {
    let mut cases = 0;
    for (method, repeat) in METHODS.iter().flat_map(|method| REPEATS.map(|repeat| (*method, repeat))) {
        let prepared = prepared_with(method, repeat, "https://h/", 1.0).await;
        let keyed = prepared.call.request().idempotency_key.is_some();
        assert_eq!(keyed, !matches!(method, "GET" | "HEAD" | "OPTIONS"), "{method}: the key");
        for status in 200..600_u16 {
            let response =
                Response { status, headers: http::HeaderMap::new(), body: "{}".into(), warnings: Vec::new() };
            let read = interpret::interpret(&response, &prepared.call.response_context().unwrap()).map(drop);
            let expected = match status {
                200..=299 => ("OK".to_owned(), false),
                408 | 425 | 429 => (format!("HTTP_{status}"), true),
                501 | 505 => (format!("HTTP_{status}"), false),
                _ => (format!("HTTP_{status}"), status >= 500),
            };
            assert_eq!(next(read, &prepared), expected, "{method} {repeat:?} {status}");
            cases += 1;
        }
    }
    assert_eq!(cases, 7 * 3 * 400);
}

/// A server that has never heard of TLS.
async fn no_tls() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(
                async move { socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap_or_default() },
            );
        }
    });
    port
}

/// CONTRACT 6 row by row: every way to fail at every point, method and repeat rule.
#[tokio::test]
async fn the_retry_table_over_all_failure_points() {
    let server = RawServer::start(|request, _| {
        let place = request.split(' ').nth(1).unwrap_or_default().to_owned();
        match place.as_str() {
            "/closed" => Reply::Close(String::new()),
            "/silent" => Reply::Silence,
            "/half" => Reply::Close("HTTP/1.1 2".to_owned()),
            "/broken" => Reply::Close("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{".to_owned()),
            "/large" => {
                Reply::KeepOpen(format!("HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n{}", "x".repeat(20_000)))
            }
            "/binary" => Reply::KeepOpen("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\u{ffff}\u{1}".to_owned()),
            "/deep" => answer(200, "", &"[".repeat(500)),
            _ => answer(401, "", "{}"),
        }
    })
    .await;
    let refused = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let here = |path: &str| server.url(path).to_string();
    let points = [
        ("nothing sent: refused", format!("http://127.0.0.1:{refused}/")),
        ("nothing sent: TLS", format!("https://127.0.0.1:{}/", no_tls().await)),
        ("no status: end of stream", here("/closed")),
        ("no status: half a status line", here("/half")),
        ("no status: time", here("/silent")),
        ("2xx: broken", here("/broken")),
        ("2xx: too large", here("/large")),
        ("2xx: undecodable", here("/deep")),
        ("4xx", here("/401")),
        ("denied", "http://10.0.0.1/".to_owned()),
    ];
    let cases = points.iter().flat_map(|point| METHODS.map(|method| (point, method)));
    let cases = cases.flat_map(|(point, method)| REPEATS.map(|repeat| (point, method, repeat)));
    let ended = join_all(cases.map(|((point, url), method, repeat)| async move {
        // Where time is not the point, a busy machine must not make it one.
        let timeout = if *point == "no status: time" { 1.5 } else { 20.0 };
        let prepared = prepared_with(method, repeat, url, timeout).await;
        let called = prepared.attempt().await.map(drop);
        let expected = match *point {
            "nothing sent: refused" => ("CONNECT", true),
            "nothing sent: TLS" => ("TLS", true),
            "no status: time" if is_safe(method, repeat) => ("TIMEOUT", true),
            "denied" => ("DENIED", false),
            "4xx" => ("HTTP_401", false),
            other if other.starts_with("no status") && is_safe(method, repeat) => ("CONNECT", true),
            other if other.starts_with("no status") => ("OUTCOME_UNKNOWN", false),
            // An answer to HEAD has no body that could break.
            _ if method == "HEAD" => ("OK", false),
            _ => ("BAD_RESPONSE", method == "GET"),
        };
        let (code, retried) = next(called, &prepared);
        assert_eq!((code.as_str(), retried), expected, "{point}, {method}, {repeat:?}");
    }))
    .await;
    assert_eq!(ended.len(), 10 * 7 * 3);
}
