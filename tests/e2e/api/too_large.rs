//! Bodies that are too large: every route that takes one refuses it with the API's own error, however it comes, and nobody's
//! connection is reset before the refusal was read.

use std::time::Duration;

use harness::api::Api;
use harness::process;
use harness::test_app::TestApp;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Settings of the test, bytes.
const LIMIT: usize = 1_000;
/// Whole files and texts may be this large.
const LARGE: usize = 33 * 1024 * 1024;
const PIECE: usize = 64 * 1024;

/// How a body comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coming {
    /// With its length, and all at once.
    Announced,
    /// The same, and slowly: it is refused long before its end.
    Slowly,
    /// In chunks, without a length.
    InChunks,
}

/// A route that takes a body.
#[derive(Debug)]
struct Route {
    method: String,
    path: String,
    media_type: String,
}

/// Each media type of each operation that has a body, its parameters filled in.
fn routes(document: &Value) -> Vec<Route> {
    let mut routes = Vec::new();
    for (path, operations) in document["paths"].as_object().expect("paths") {
        let filled: Vec<&str> = path.split('/').map(|part| if part.starts_with('{') { "1" } else { part }).collect();
        for (method, operation) in operations.as_object().expect("operations") {
            let media_types = operation["requestBody"]["content"].as_object();
            routes.extend(media_types.into_iter().flatten().map(|(media_type, _)| Route {
                method: method.to_uppercase(),
                path: filled.join("/"),
                media_type: media_type.clone(),
            }));
        }
    }
    routes
}

/// Sends blanks, which are the beginning of every kind of body, and reads the answer; nobody resets the connection.
async fn answer(api: &Api, route: &Route, coming: Coming) -> std::io::Result<String> {
    let Route { method, path, media_type } = route;
    let length = match coming {
        Coming::InChunks => "Transfer-Encoding: chunked".to_owned(),
        Coming::Announced | Coming::Slowly => format!("Content-Length: {}", 2 * LARGE),
    };
    let head = format!(
        "{method} /api/1.0{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: {media_type}\r\n{length}\r\n\r\n",
        api.token()
    );
    let mut stream = TcpStream::connect(process::authority(api.base())).await?;
    stream.write_all(head.as_bytes()).await?;
    let blanks = " ".repeat(PIECE);
    match coming {
        Coming::Announced => {
            for _ in 0..16 {
                stream.write_all(blanks.as_bytes()).await?;
            }
        }
        Coming::Slowly => {
            for _ in 0..20 {
                stream.write_all(b" ").await?;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        Coming::InChunks => {
            let is_file = path.ends_with("/import") || path.ends_with("/convert");
            for _ in 0..=if is_file { LARGE / PIECE } else { 0 } {
                stream.write_all(format!("{PIECE:x}\r\n{blanks}\r\n").as_bytes()).await?;
            }
            stream.write_all(b"0\r\n\r\n").await?;
        }
    }
    timeout(Duration::from_secs(30), whole(&mut stream)).await?
}

/// The answer, by its length: what the server still reads for the sake of the client is nobody's time here.
async fn whole(stream: &mut TcpStream) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    loop {
        let answer = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = answer.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            if length.is_some_and(|length: usize| body.len() >= length) {
                return Ok(answer);
            }
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(answer);
        }
    }
}

/// What is not as it should be of a refusal.
fn problem(answer: &str) -> Option<String> {
    let Some((head, body)) = answer.split_once("\r\n\r\n") else { return Some(format!("no answer: {answer}")) };
    let field = |name: &str| head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
    let error: Value = serde_json::from_str(body).unwrap_or_default();
    let has_reason = error["message"].as_str().is_some_and(|message| message.contains("bytes"));
    let is_refusal = head.starts_with("HTTP/1.1 413 ")
        && field("content-type") == Some("application/json")
        && error["code"] == "TOO_LARGE"
        && error["request_id"].as_str() == field("x-request-id")
        && has_reason;
    (!is_refusal).then(|| answer.lines().filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" | "))
}

#[tokio::test]
async fn every_route_refuses_a_body_that_is_too_large_and_nobody_is_cut_off() {
    let app = TestApp::new();
    let limit = LIMIT.to_string();
    let variables = [
        ("DATA_CONNECTOR__API__BODY_BYTES", limit.as_str()),
        ("DATA_CONNECTOR__LIMITS__IMPORT_BYTES", limit.as_str()),
        ("DATA_CONNECTOR__API__RATE", "10000"),
    ];
    let (_process, api) = app.serve_with(&["serve"], &variables).await;
    let made =
        api.post("/collections", &json!({"name": "One", "columns": [{"field": "data.a", "type": "string"}]})).await;
    assert_eq!((made.status, &made.json()["id"]), (201, &json!(1)), "{}", made.body);
    let routes = routes(&api.get("/openapi.json").await.json());
    assert!(routes.len() > 30, "{} routes", routes.len());
    let mut wrong = Vec::new();
    for coming in [Coming::Announced, Coming::Slowly, Coming::InChunks] {
        for some in routes.chunks(8) {
            let asked = some.iter().map(|route| answer(&api, route, coming));
            for (route, answered) in some.iter().zip(futures_util::future::join_all(asked).await) {
                let found = answered.map_or_else(|error| Some(error.to_string()), |answer| problem(&answer));
                wrong.extend(found.map(|problem| format!("{coming:?} {route:?}: {problem}")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(api.get("/me").await.status, 200);
}
