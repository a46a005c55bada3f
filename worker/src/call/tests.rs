//! Attempts as the worker makes them, against raw sockets: the retry table of CONTRACT 6, injections, and what an answer leads to.

mod follow_ups;
mod limits;
mod retry_table;

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
