//! Attempts as the worker makes them, against raw sockets: the retry table of CONTRACT 6, injections, and what an answer leads to.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::http::{Client, Settings};
use crate::interpret::{self, Response, ResponseContext};
use crate::job::{Code, ConfigObject, Decoder, Envelope, Retriable};
use crate::plan::Limits;
use crate::testing::parse_count;
use crate::testing::raw_server::{RawServer, Reply};

fn answer(status: u16, headers: &str, body: &str) -> Reply {
    Reply::KeepOpen(format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n{headers}\r\n{body}", body.len()))
}

thread_local! {
    /// One client a test: setting one up takes longer than a call.
    static CLIENT: Client = client();
}

fn client() -> Client {
    let settings =
        Settings { allow_net: vec!["127.0.0.0/8".parse().unwrap()], response_bytes: 10_000, ..Settings::new(|| 0) };
    Client::new(settings).unwrap()
}

fn limits() -> Limits {
    Limits {
        base_url: None,
        call_timeout: Duration::from_secs(5),
        poll_time: Duration::from_secs(30),
        response_bytes: 10_000,
        inline_bytes: 1_000,
        env: Arc::default(),
    }
}

fn calls(record: &Value) -> Calls {
    Calls {
        catalog: Catalog::of_records(vec![record.as_object().cloned().unwrap()]),
        transport: Transport::Network(CLIENT.with(Client::clone)),
        hosts: HostLimiter::new(20),
        limits: limits(),
        longest_wait: Duration::from_hours(1),
        host_wait: Duration::from_mins(1),
        memory: crate::memory::Memory::new(64 * 1024 * 1024),
    }
}

/// A prepared call and what it is made with.
struct Prepared {
    calls: Calls,
    call: PreparedCall<'static>,
}

impl Prepared {
    async fn attempt(&self) -> Result<Answer, Failure> {
        let permit = self.calls.wait_for_permit(&self.call).await.unwrap();
        match self.calls.attempt(&self.call, permit).await.outcome {
            Outcome::Completed(answer) => Ok(answer),
            Outcome::Failed(failure) => Err(failure),
        }
    }
}

fn job(config: &Value, data: &Value) -> Job {
    let body = json!({"id": "j1", "request": {"id": "1"}, "element": {"id": "e"}, "data": data, "config": config});
    Decoder::default()
        .decode(&serde_json::to_vec(&body).unwrap(), &Envelope { attempt: 1, ..Envelope::default() })
        .unwrap()
}

/// An element of a resource `r` with these members, ready or not.
async fn prepared(resource: &Value, element: &Value, data: &Value) -> Result<Prepared, Failure> {
    prepared_for(&json!({"name": "A", "endpoints": {"r": resource}}), element, data).await
}

async fn prepared_for(record: &Value, element: &Value, data: &Value) -> Result<Prepared, Failure> {
    let mut config = json!({"dataSource": "A", "endpoint": "r"});
    config.as_object_mut().unwrap().extend(element.as_object().cloned().unwrap());
    // A test ends before what it leaks matters.
    let job: &'static Job = Box::leak(Box::new(job(&config, data)));
    let calls = calls(record);
    match calls.prepare(Invocation::of_job(job, None)).await {
        Ok(call) => Ok(Prepared { calls, call }),
        Err(PrepareError::Failed(failure)) => Err(failure),
        Err(PrepareError::Unavailable(error)) => panic!("{error}"),
    }
}

async fn called(resource: Value, element: Value, data: Value) -> Result<Answer, Failure> {
    prepared(&resource, &element, &data).await?.attempt().await
}

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

/// Line breaks, literal and in the spellings that a decoder might turn into one.
const LINE_BREAKS: [&str; 22] = [
    "\r\n",
    "\n",
    "\r",
    "\0",
    "\r\n\r\n",
    "\n\n",
    "\u{85}",
    "\u{2028}",
    "\u{0b}",
    "\u{0c}",
    "\u{7f}",
    "\u{1f}",
    "\u{560d}\u{560a}",
    "%0d%0a",
    "%0D%0A%0D%0A",
    "\\r\\n",
    "\r\n\t",
    " \r\n ",
    "%250d%250a",
    "&#13;&#10;",
    "\u{fffe}\r",
    "\t\n",
];

/// What follows a line break: a header, a second request, another framing of the body.
const INJECTIONS: [&str; 4] = [
    "X-Injected: 1",
    "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "Content-Length: 0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n",
];

/// The headers of the requests that these resources and elements configure, and those that the client adds.
const EXPECTED_HEADERS: [&str; 8] =
    ["host", "accept", "user-agent", "accept-encoding", "content-length", "content-type", "idempotency-key", "x-a"];

/// Resources and elements with the variable `x` in each slot that data can reach: URL, method, query, header, multipart.
fn slots_with_data(base: &str) -> Vec<(Value, Value)> {
    let row =
        |kind: &str, key: &str, value: &str| json!({"outboundConfig": [{"type": kind, "key": key, "value": value}]});
    let header = |key: &str, value: &str| json!([{"key": key, "value": value, "required": true}]);
    vec![
        (json!({"url": format!("{base}/{{{{x}}}}")}), json!({})),
        (json!({"url": format!("{base}/{{{{{{x}}}}}}")}), json!({})),
        (json!({"url": format!("{base}/?q={{{{x}}}}")}), json!({})),
        (json!({"url": format!("{base}/?q={{{{{{x}}}}}}")}), json!({})),
        (json!({"url": format!("{base}{{{{{{x}}}}}}")}), json!({})),
        (json!({"url": base, "method": "{{x}}"}), json!({})),
        (json!({"url": base, "params": [{"key": "{{x}}", "value": "{{x}}", "required": true}]}), json!({})),
        (json!({"url": base}), row("PARAM", "p", "{{{x}}}")),
        (json!({"url": base, "headers": header("X-A", "{{{x}}}")}), json!({})),
        (json!({"url": base, "headers": header("{{{x}}}", "v")}), json!({})),
        (json!({"url": base}), row("HEADER", "X-A", "{{{x}}}")),
        (json!({"url": base}), row("HEADER", "{{{x}}}", "v")),
        (
            json!({"url": base, "method": "POST", "body_type": "multipart", "body": "{\"f\": {\"text\": \"t\", \"filename\": \"{{x}}\", \"contentType\": \"{{x}}\"}}"}),
            json!({}),
        ),
        (json!({"url": base, "method": "POST", "body_type": "multipart", "body": "{\"{{x}}\": \"v\"}"}), json!({})),
    ]
}

#[tokio::test]
async fn nothing_splits_a_request() {
    let server = RawServer::start(|_, _| answer(200, "", "{}")).await;
    let slots = slots_with_data(&format!("http://127.0.0.1:{}", server.port()));
    let payloads = LINE_BREAKS.iter().flat_map(|line| INJECTIONS.map(|injection| format!("a{line}{injection}")));
    let (mut sent, mut refused) = (0, 0);
    for payload in payloads {
        for (resource, element) in &slots {
            let before = server.request_count();
            let outcome = called(resource.clone(), element.clone(), json!({"x": payload})).await;
            match &outcome {
                Err(failure) if !failure.attempted => {
                    assert_eq!(failure.code, Code::Configuration, "{payload:?} {resource}: {failure:?}");
                    assert_eq!(server.request_count(), before, "{payload:?} {resource}");
                    refused += 1;
                }
                Ok(_) => {
                    assert_eq!(server.request_count(), before + 1, "{payload:?} {resource} {element}");
                    sent += 1;
                }
                Err(other) => panic!("{payload:?} {resource}: {other:?}"),
            }
        }
    }
    for request in server.requests() {
        let (head, _) = request.split_once("\r\n\r\n").unwrap();
        for line in head.split(['\r', '\n']).skip(1).filter(|line| !line.is_empty()) {
            let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
            assert!(EXPECTED_HEADERS.contains(&name.as_str()), "{request:?}");
        }
    }
    assert!(sent + refused >= 1_000 && sent > 300 && refused > 300, "{sent} sent, {refused} refused");
}

fn line(request: &str) -> &str {
    request.lines().next().unwrap_or_default()
}

fn has_header(request: &str, name: &str) -> bool {
    request.lines().any(|line| line.to_ascii_lowercase().starts_with(&format!("{name}: ")))
}

#[tokio::test]
async fn pages_are_fetched_within_one_attempt_and_joined() {
    let server = RawServer::start(|request, _| {
        let page = line(request).split("page=").nth(1).and_then(|rest| rest.split([' ', '&']).next()?.parse().ok());
        let page: u32 = page.unwrap_or(1);
        let items: Vec<u32> = if page <= 3 { vec![page * 10, page * 10 + 1] } else { Vec::new() };
        answer(200, "", &json!({"items": items, "page": page}).to_string())
    })
    .await;
    let record = json!({"name": "A", "authtype": "OAUTH2_BEARER", "credentials": {"token": "canary"},
        "endpoints": {"r": {"url": server.url("/list?a=b").as_str(), "pagination": {"page": "page"}}}});
    let element = json!({"dataMapping": [{"key": "items", "value": "items"}]});
    let prepared = prepared_for(&record, &element, &json!({})).await.unwrap();
    let answer = prepared.attempt().await.unwrap();
    assert_eq!(answer.mapped.data["items"], json!([10, 11, 20, 21, 30, 31]));
    let asked: Vec<String> = server.requests().iter().map(|request| line(request).to_owned()).collect();
    assert_eq!(asked.first().map(String::as_str), Some("GET /list?a=b HTTP/1.1"));
    assert_eq!(asked.last().map(String::as_str), Some("GET /list?a=b&page=4 HTTP/1.1"));
    assert!(server.requests().iter().all(|request| has_header(request, "authorization")), "{:?}", server.requests());
}

#[tokio::test]
async fn another_origin_gets_no_credentials_and_is_judged_by_the_guard() {
    let other = RawServer::start(|_, _| answer(200, "", "{\"items\":[2]}")).await;
    for (next, expected) in [
        (other.url("/2").to_string(), Ok(json!([1, 2]))),
        ("http://10.0.0.1/2".to_owned(), Err("DENIED")),
        ("ftp://127.0.0.1/2".to_owned(), Err("CONFIGURATION")),
    ] {
        let server =
            RawServer::start(move |_, _| answer(200, "", &json!({"items": [1], "next": next}).to_string())).await;
        let record = json!({"name": "A", "authtype": "OAUTH2_BEARER", "credentials": {"token": "canary"},
            "endpoints": {"r": {"url": server.url("/").as_str(), "pagination": {"next": "next"},
                "headers": [{"key": "X-Api-Key", "value": "canary", "required": true}]}}});
        let element = json!({"dataMapping": [{"key": "items", "value": "items"}]});
        let called = prepared_for(&record, &element, &json!({})).await.unwrap().attempt().await;
        match (called, expected) {
            (Ok(answer), Ok(expected)) => assert_eq!(answer.mapped.data["items"], expected),
            (Err(failure), Err(code)) => {
                assert_eq!((failure.code.to_string().as_str(), failure.attempted), (code, true));
                assert!(failure.message.starts_with("page 2 ("), "{}", failure.message);
            }
            (other, _) => panic!("{other:?}"),
        }
    }
    let [request] = &other.requests()[..] else { panic!("{:?}", other.requests()) };
    assert!(!request.contains("canary"), "{request}");
}

/// Each way to name pages, against a server that has five items, two a page, and how that server ends them.
#[tokio::test]
async fn pages_by_cursor_by_offset_and_past_the_end() {
    fn parameter(request: &str, name: &str) -> Option<usize> {
        let rest = line(request).split(&format!("{name}=")).nth(1)?;
        rest.split([' ', '&']).next()?.trim_end_matches("%3D").parse().ok()
    }
    let server = RawServer::start(|request, _| {
        let first = match () {
            () if request.contains("/cursor") => parameter(request, "c").unwrap_or(0),
            () if request.contains("/offset") => parameter(request, "skip").unwrap_or(0),
            () => (parameter(request, "page").unwrap_or(1) - 1) * 2,
        };
        let items: Vec<usize> = (1..=5).skip(first).take(2).collect();
        if items.is_empty() && request.contains("/gone") {
            return answer(404, "", "{\"detail\":\"Invalid page.\"}");
        }
        let cursor = if first + 2 < 5 { json!(format!("{}=", first + 2)) } else { Value::Null };
        answer(200, "", &json!({"items": items, "tags": ["a"], "meta": {"cursor": cursor}}).to_string())
    })
    .await;
    for (path, rule, requests) in
        [("/cursor?a=%FC", json!({"next": "meta.cursor", "cursor": "c"}), 3), ("/gone", json!({"page": "page"}), 4)]
    {
        let before = server.request_count();
        let resource = json!({"url": server.url(path).as_str(), "pagination": rule});
        let element = json!({"dataMapping": [{"key": "items", "value": "items"}]});
        let answer = called(resource, element, json!({})).await.unwrap();
        assert_eq!((answer.status, &answer.mapped.data["items"]), (200, &json!([1, 2, 3, 4, 5])), "{path}");
        assert_eq!(server.request_count() - before, requests, "{path}");
    }
    let offsets = RawServer::start(|request, _| {
        let items: Vec<usize> = (1..=5).skip(parameter(request, "skip").unwrap_or(0)).take(2).collect();
        answer(200, "", &json!({"items": items}).to_string())
    })
    .await;
    let resource = json!({"url": offsets.url("/?limit=2&skip=0").as_str(), "pagination": {"offset": "skip"}});
    let element = json!({"dataMapping": [{"key": "items", "value": "items"}]});
    let answer = called(resource, element, json!({})).await.unwrap();
    assert_eq!(answer.mapped.data["items"], json!([1, 2, 3, 4, 5]));
    assert_eq!(offsets.request_count(), 4);
}

/// Home, another origin, home again: whoever named the last page may have any address called, but not with our credentials.
#[tokio::test]
async fn pages_that_were_away_come_home_without_credentials() {
    let home = Arc::new(std::sync::OnceLock::<String>::new());
    let back = Arc::clone(&home);
    let other =
        RawServer::start(move |_, _| answer(200, "", &json!({"items": [2], "next": back.get().unwrap()}).to_string()))
            .await;
    let next = other.url("/2").to_string();
    let server = RawServer::start(move |request, _| {
        let next = if line(request).contains("/1 ") { json!(next) } else { Value::Null };
        answer(200, "", &json!({"items": [1], "next": next}).to_string())
    })
    .await;
    home.set(server.url("/3").to_string()).unwrap();
    let record = json!({"name": "A", "authtype": "OAUTH2_BEARER", "credentials": {"token": "canary"},
        "endpoints": {"r": {"url": server.url("/1").as_str(), "method": "POST", "body": "canary", "repeat": "safe",
            "pagination": {"next": "next"}, "headers": [{"key": "X-Api-Key", "value": "canary", "required": true}]}}});
    let element = json!({"dataMapping": [{"key": "items", "value": "items"}]});
    let answer = prepared_for(&record, &element, &json!({})).await.unwrap().attempt().await.unwrap();
    assert_eq!(answer.mapped.data["items"], json!([1, 2, 1]));
    for request in [&server.requests()[1], &other.requests()[0]] {
        assert!(request.starts_with("GET ") && !request.contains("canary"), "{request}");
    }
}

/// The time that a token took is the attempt's: what is left bounds the call, and the duration has both.
#[tokio::test]
async fn one_deadline_bounds_token_and_call() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}/token", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            drop(socket.read(&mut [0; 4_096]).await);
            tokio::time::sleep(Duration::from_millis(400)).await;
            let body = "{\"access_token\":\"token-number-1\"}";
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            socket.write_all(answer.as_bytes()).await.ok();
        }
    });
    let server = RawServer::replying(Reply::Silence).await;
    let record = json!({"name": "A", "authtype": "OAUTH2_CLIENT_CREDENTIALS",
        "credentials": {"url": endpoint, "client_id": "a", "client_secret": "secret"},
        "endpoints": {"r": {"url": server.url("/").as_str(), "timeout": 0.6}}});
    let prepared = prepared_for(&record, &json!({}), &json!({})).await.unwrap();
    let begun = std::time::Instant::now();
    let permit = prepared.calls.wait_for_permit(&prepared.call).await.unwrap();
    let attempt = prepared.calls.attempt(&prepared.call, permit).await;
    let Outcome::Failed(failure) = attempt.outcome else { panic!("{attempt:?}") };
    assert_eq!((failure.code, server.request_count()), (Code::Timeout, 1), "{}", failure.message);
    for took in [attempt.took, begun.elapsed()] {
        assert!((580..900).contains(&took.as_millis()), "{took:?}");
    }
}

#[tokio::test]
async fn an_accepted_request_is_asked_after_and_never_sent_again() {
    let server = RawServer::start(|request, before| match (line(request).split(' ').next(), before) {
        (Some("POST"), _) => answer(202, "Location: /jobs/7\r\n", ""),
        (_, 1) => answer(200, "", "{\"status\":\"Running\"}"),
        (_, 2) => answer(503, "", ""),
        _ => answer(200, "", "{\"status\":\"Succeeded\",\"rows\":3}"),
    })
    .await;
    let url = server.url("/jobs").to_string();
    let resource =
        |poll: Value| json!({"url": url, "method": "POST", "body": "{\"a\":1}", "body_type": "json", "poll": poll});
    let element = json!({"dataMapping": [{"key": "rows", "value": "rows"}]});
    let answer = called(resource(json!({"wait": 0.05, "tries": 9})), element.clone(), json!({})).await.unwrap();
    assert_eq!((answer.status, &answer.mapped.data["rows"]), (200, &json!(3)));
    let asked: Vec<String> = server.requests().iter().map(|request| line(request).to_owned()).collect();
    assert_eq!(asked, ["POST /jobs HTTP/1.1", "GET /jobs/7 HTTP/1.1", "GET /jobs/7 HTTP/1.1", "GET /jobs/7 HTTP/1.1"]);
    assert!(
        !has_header(&server.requests()[1], "idempotency-key") && !has_header(&server.requests()[1], "content-type")
    );

    let failure = called(resource(json!({"wait": 0.05, "tries": 2, "until": "body.gone"})), element, json!({}))
        .await
        .unwrap_err();
    assert_eq!((failure.code, failure.retriable), (Code::OutcomeUnknown, Retriable::Final));
    assert!(
        failure.message.contains("was accepted (202)") && failure.message.contains("poll.tries"),
        "{}",
        failure.message
    );
    assert_eq!(server.requests().iter().filter(|request| request.starts_with("POST")).count(), 2);
}

/// What a rule takes over from an answer is masked like the answer itself.
#[tokio::test]
async fn an_echoed_credential_reaches_no_bpmn_error() {
    let server = RawServer::start(|_, _| answer(404, "", "{\"echo\":\"Bearer canary-token-1\"}")).await;
    let record = json!({"name": "A", "authtype": "OAUTH2_BEARER", "credentials": {"token": "canary-token-1"}, "endpoints": {"r": {
        "url": server.url("/").as_str(), "errorMapping": [{"when": "404", "code": "GONE", "message": "{{body.echo}}"}]}}});
    let prepared = prepared_for(&record, &json!({}), &json!({})).await.unwrap();
    let failure = prepared.attempt().await.unwrap_err();
    let message = prepared.call.bpmn_error(&failure).unwrap().message.unwrap();
    assert!(message.starts_with("Bearer ") && !message.contains("canary"), "{message}");
}

#[tokio::test]
async fn files_of_a_body_are_fetched_first_without_credentials() {
    let files = RawServer::start(|request, _| match line(request).split(' ').nth(1) {
        Some("/scan.pdf") => answer(200, "", "%PDF"),
        _ => answer(404, "", ""),
    })
    .await;
    let server = RawServer::start(|_, _| answer(200, "", "{}")).await;
    let record = json!({"name": "A", "authtype": "OAUTH2_BEARER", "credentials": {"token": "canary"}, "endpoints": {"r": {
        "url": server.url("/").as_str(), "method": "POST", "body_type": "multipart",
        "body": "{\"title\": \"t\", \"scan\": {\"url\": \"{{scan}}\", \"contentType\": \"application/pdf\"}}"}}});
    for (scan, expected) in [
        (files.url("/scan.pdf").to_string(), None),
        (files.url("/gone").to_string(), Some("CONNECT")),
        ("http://169.254.169.254/latest".to_owned(), Some("DENIED")),
    ] {
        let prepared = prepared_for(&record, &json!({}), &json!({"scan": scan})).await.unwrap();
        let called = prepared.attempt().await.map(drop);
        let code = called.as_ref().err().map(|failure| failure.code.to_string());
        assert_eq!(code.as_deref(), expected, "{called:?}");
        if let Err(failure) = called {
            assert!(failure.message.contains("nothing was sent"), "{}", failure.message);
        }
    }
    let [request] = &server.requests()[..] else { panic!("{:?}", server.requests()) };
    assert!(request.contains("filename=\"scan.pdf\"\r\nContent-Type: application/pdf\r\n\r\n%PDF\r\n"), "{request}");
    assert!(files.requests().iter().all(|request| !request.contains("canary")), "{:?}", files.requests());
}

#[tokio::test]
async fn a_failure_says_what_was_sent_what_came_back_and_what_to_change() {
    let server = RawServer::start(|_, _| answer(404, "", "{\"error\":\"no such customer\"}")).await;
    let url = server.url("/c/7?api_key=hidden").to_string();
    let prepared = prepared(&json!({"url": url}), &json!({}), &json!({})).await.unwrap();
    let failure = prepared.call.explain(prepared.attempt().await.unwrap_err());
    assert_eq!(
        failure.message,
        format!(
            "Unexpected response (status=404)\nsent: GET http://127.0.0.1:{}/c/7?api_key=********\nanswer: 404, \
             {{\"error\":\"no such customer\"}}\nto change: the URL and the rows that fill it; where this answer is an expected \
             one, `success: \"2xx,404\"` or a row of `errorMapping`",
            server.port()
        )
    );
}

/// Two jobs of one element and connector: planning and interpreting parse nothing.
#[tokio::test]
async fn nothing_is_parsed_twice_for_the_same_connector() {
    let record = json!({"name": "A", "success": "status < 300", "endpoints": {"r": {"url": "https://h/{{a}}?b={{c}}", "method": "POST",
        "headers": [{"key": "X-{{a}}", "value": "{{b}}"}], "body": "{{#l}}{{.}}{{/l}}", "params": [{"key": "{{a}}", "value": "{{b}}"}],
        "errorMapping": [{"when": "body.a == 1", "code": "A", "message": "{{a}}"}]}}});
    let element = json!({"outboundConfig": [{"type": "PARAM", "key": "a", "value": "1 + 1", "format": "feel"}, {"type": "BODY", "key": "l", "value": "{{a}}"}],
        "dataMapping": [{"key": "{{k}}", "value": "$.a[*]"}, {"key": "b", "value": "a[0]", "format": "jmespath"}, {"key": "c", "value": "count(a)", "format": "feel"}]});
    let mut config = json!({"dataSource": "A", "endpoint": "r"});
    config.as_object_mut().unwrap().extend(element.as_object().cloned().unwrap());
    let config = config.as_object().cloned().unwrap();
    let connector = ResolvedConnector::new(record.as_object().unwrap(), &Map::new(), plan::CredentialId::default());
    let element = element_cache::ElementCache::default().get(&ConfigObject::new(config.clone())).await.unwrap();
    let parsed = parse_count::total();
    assert!(parsed > 10, "{parsed}");
    for round in 0..3 {
        let job = job(&Value::Object(config.clone()), &json!({"k": "v", "a": round, "b": "x", "c": 1}));
        let invocation = Invocation::of_job(&job, None);
        let secrets = plan::Secrets::default();
        let plan = prepare::plan_with(&invocation, &element, &Map::new(), &connector, &secrets, &limits()).unwrap();
        let [resource, of_connector] = connector.rules.as_ref().unwrap().of("r").unwrap();
        let limits = limits();
        let context = ResponseContext {
            data: &job.scope,
            mapping: &element.mapping,
            rules: [&element.rules, resource, of_connector],
            method: &plan.request.method,
            ctx: limits.eval_context(0),
            inline_bytes: 1,
            redactor: &crate::plan::Redactor::default(),
        };
        let response = |status| Response {
            status,
            headers: http::HeaderMap::new(),
            body: "{\"a\":[1]}".into(),
            warnings: Vec::new(),
        };
        assert_eq!(interpret::interpret(&response(200), &context).unwrap().data["v"], json!([1]));
        interpret::bpmn_error(&interpret::interpret(&response(404), &context).unwrap_err(), &context);
    }
    assert_eq!(parse_count::total(), parsed);
}

#[tokio::test]
async fn a_large_answer_is_read_where_it_has_room_and_refused_where_it_never_has() {
    let element = json!({"dataMapping": [{"key": "all", "value": ""}]});
    let prepared = prepared(&json!({"url": "http://127.0.0.1/"}), &element, &json!({})).await.unwrap();
    let interpreted = |status, body: &Value| {
        let (headers, body) = (http::HeaderMap::new(), body.to_string().into());
        prepared.call.interpreted(Response { status, headers, body, warnings: Vec::new() }, &prepared.calls.memory)
    };
    let list = |items: usize| Value::from(vec![0; items]);
    assert_eq!(interpreted(200, &list(50_000)).await.unwrap().data["all"], list(50_000));
    let refused = interpreted(200, &list(500_000)).await.unwrap_err();
    assert!(refused.code == Code::BadResponse && refused.message.contains("half of limits.memory"), "{refused:?}");
    assert_eq!(interpreted(503, &list(500_000)).await.unwrap_err().code, Code::Http(503), "what the status says stays");
    let text = json!({"text": ",[{".repeat(1_000_000)});
    assert!(interpreted(200, &text).await.is_ok(), "a text takes no more than its length");
}

#[tokio::test]
async fn rows_that_name_the_whole_answer_again_and_again_are_refused_before_they_are_copied() {
    let rows: Vec<Value> = (0..60).map(|n| json!({"key": format!("k{n}"), "value": ""})).collect();
    let prepared =
        prepared(&json!({"url": "http://127.0.0.1/"}), &json!({"dataMapping": rows}), &json!({})).await.unwrap();
    let body = json!({"a": vec!["text"; 40_000]}).to_string().into();
    let response = Response { status: 200, headers: http::HeaderMap::new(), body, warnings: Vec::new() };
    let refused = prepared.call.interpreted(response, &prepared.calls.memory).await.unwrap_err();
    assert!(refused.code == Code::ResultTooLarge && refused.message.contains("take more than"), "{refused:?}");
}

#[tokio::test]
async fn what_is_planned_in_a_thread_is_planned_as_ever() {
    let row = |n: usize| json!({"type": "PARAM", "key": format!("k{n}"), "value": "a ~ 1", "format": "feel"});
    let rows = |count: usize| json!({"outboundConfig": (0..count).map(row).collect::<Vec<_>>()});
    let resource = json!({"url": "http://127.0.0.1/{{a}}"});
    for count in [1, 9] {
        let prepared = prepared(&resource, &rows(count), &json!({"a": "b"})).await.unwrap();
        assert_eq!(prepared.call.element.work.is_long(prepared.call.invocation.data), count > 8);
        let expected: Vec<String> = (0..count).map(|n| format!("k{n}=b1")).collect();
        let url = prepared.call.request().raw_url().to_string();
        assert_eq!(url, format!("http://127.0.0.1/b?{}", expected.join("&")));
    }
    let large = json!({"a": "b".repeat(1_000_000)});
    let prepared = prepared(&json!({"url": "http://127.0.0.1/"}), &rows(0), &large).await.unwrap();
    assert!(prepared.call.element.work.is_long(prepared.call.invocation.data));
}

#[tokio::test]
async fn the_files_of_a_body_have_a_limit_together() {
    let files = RawServer::start(|_, _| answer(200, "", &"x".repeat(4_000))).await;
    let server = RawServer::start(|_, _| answer(200, "", "{}")).await;
    for (count, expected) in [(2, None), (3, Some(Code::BadResponse))] {
        let body: serde_json::Map<String, Value> =
            (0..count).map(|n| (format!("f{n}"), json!({"url": files.url("/").as_str()}))).collect();
        let resource = json!({"url": server.url("/").as_str(), "method": "POST", "body_type": "multipart",
            "body": Value::Object(body).to_string()});
        let failure = called(resource, json!({}), json!({})).await.err();
        assert_eq!(failure.as_ref().map(|failure| failure.code), expected, "{failure:?}");
    }
    assert_eq!(server.requests().len(), 1, "nothing was sent");
}
