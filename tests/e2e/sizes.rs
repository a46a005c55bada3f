//! Answers, pages, files, rows and messages of the worst size, many at once: those that find no room in memory wait for it, and
//! every job ends as it would alone.

use harness::test_app::{TestApp, job};
use harness::third_party::{Reply, ThirdParty};
use serde_json::{Value, json};

/// What the worker may take, MiB.
const LIMIT: usize = 64;
/// How many jobs of a kind there are at once: together they would take several times the limit.
const AT_ONCE: usize = 24;
const MIB: usize = 1024 * 1024;

fn body(status: u16, body: String) -> Reply {
    let headers = vec![("content-type", "application/json".to_owned())];
    Reply::Answer { status, headers, body, after: std::time::Duration::ZERO }
}

fn third_party(path: &str) -> Reply {
    let records = |count: usize, more: &str| {
        let list: Vec<String> = (0..count).map(|n| format!("{{\"id\":{n},\"name\":\"a name\"}}")).collect();
        format!("{{\"d\":[{}]{more}}}", list.join(","))
    };
    match path {
        "/text" => body(200, json!("x".repeat(4 * MIB)).to_string()),
        "/records" => body(200, records(20_000, "")),
        "/refused" => body(400, records(20_000, "")),
        "/zeros" => body(200, format!("[{}0]", "0,".repeat(2 * MIB))),
        "/page1" => body(200, records(15_000, ",\"next\":\"/page2\"")),
        "/page2" => body(200, records(15_000, "")),
        _ => Reply::json(&json!({"ok": true})),
    }
}

/// A kind's name, its resource, what is mapped, request data, and how its jobs end.
fn kinds(there: &ThirdParty) -> Vec<(&'static str, Value, &'static str, Value, &'static str)> {
    let get = |path: &str| json!({"url": there.url(path), "method": "GET"});
    let file = json!({"f": {"url": there.url("/text")}}).to_string();
    let rows: Vec<String> = (0..60).map(|n| format!("\"k{n}\": \"{{{{x}}}}\"")).collect();
    vec![
        ("text", get("/text"), "", json!({}), ""),
        ("records", get("/records"), "d.7.name", json!({}), ""),
        (
            "refused",
            json!({"url": there.url("/refused"), "method": "GET", "errorMapping": [{"when": "body.d[7].id == 7", "code": "E"}]}),
            "",
            json!({}),
            "HTTP_400",
        ),
        ("zeros", get("/zeros"), "", json!({}), "BAD_RESPONSE"),
        (
            "pages",
            json!({"url": there.url("/page1"), "method": "GET", "pagination": {"next": "next"}}),
            "d.7.name",
            json!({}),
            "",
        ),
        (
            "files",
            json!({"url": there.url("/upload"), "method": "POST", "body_type": "multipart", "body": file}),
            "ok",
            json!({}),
            "",
        ),
        (
            "bodies",
            json!({"url": there.url("/upload"), "method": "POST", "body_type": "json", "body": format!("{{{}}}", rows.join(", "))}),
            "ok",
            json!({"x": "y".repeat(60_000)}),
            "",
        ),
        ("messages", get("/small"), "ok", json!({"x": "y".repeat(4 * MIB)}), ""),
    ]
}

#[tokio::test]
async fn many_of_the_worst_size_at_once_wait_for_room_and_end() {
    let there = ThirdParty::start(|seen, _| third_party(seen.path.split('?').next().unwrap_or_default())).await;
    let app = TestApp::new();
    let kinds = kinds(&there);
    let resources: serde_json::Map<String, Value> =
        kinds.iter().map(|(name, resource, ..)| ((*name).to_owned(), resource.clone())).collect();
    app.import_resources(Value::Object(resources)).await;
    let limit = (LIMIT * MIB).to_string();
    let _worker = app.worker_with(&["--prefetch", "8"], &[("DATA_CONNECTOR__LIMITS__MEMORY", &limit)]).await;
    let mut engine = app.engine().await;
    for (name, _, source, data, code) in &kinds {
        for n in 0..AT_ONCE {
            engine.publish(&job(&format!("{name}-{n}"), name, &[("v", *source)], data.clone())).await;
        }
        for _ in 0..AT_ONCE {
            let result = engine.result().await.body;
            let ended = result["error"]["code"].as_str().unwrap_or_default();
            assert_eq!(ended, *code, "{name}: {}", result["error"]);
            if *code == "HTTP_400" {
                assert_eq!(result["bpmnError"]["code"], "E", "{name}: {}", result["error"]);
            }
        }
    }
}
