//! Answers, pages, files, rows, bodies and messages of the worst size, and how many jobs with them end.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use serde_json::{Value, json};

use crate::engine::Engine;
use crate::test_app::job;
use crate::third_party::{Reply, ThirdParty};

const MIB: usize = 1024 * 1024;
/// What one of the objects of an answer takes as text, bytes.
const OBJECT: usize = 29;

/// How large the inputs are, bytes.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// A text that is mapped whole.
    pub text: usize,
    /// A list of small objects that is mapped whole; also that of all pages together.
    pub objects: usize,
    /// A list of small objects of which one member is mapped.
    pub read: usize,
    /// Elements of an XML answer that is mapped whole.
    pub elements: usize,
    /// A file that goes into a body.
    pub file: usize,
    /// What a body's rows render to.
    pub body: usize,
    /// What mapping rows render to.
    pub rows: usize,
    /// A text in a message.
    pub message: usize,
}

/// One kind of input.
#[derive(Debug)]
pub struct Kind {
    /// Its name, and its resource's.
    pub name: &'static str,
    resource: Value,
    mapping: Vec<(String, String)>,
    data: Value,
    /// What its jobs end with; empty for success.
    pub code: &'static str,
}

fn objects(bytes: usize, more: &str) -> String {
    let list: Vec<String> = (0..bytes / OBJECT).map(|n| format!("{{\"id\":{n},\"name\":\"a name\"}}")).collect();
    format!("{{\"d\":[{}]{more}}}", list.join(","))
}

/// Who answers with them.
pub async fn third_party(sizes: Sizes) -> ThirdParty {
    let answers = HashMap::from([
        ("/text", json!("x".repeat(sizes.text)).to_string()),
        ("/file", "x".repeat(sizes.file)),
        ("/objects", objects(sizes.objects, "")),
        ("/read", objects(sizes.read, "")),
        ("/zeros", format!("[{}0]", "0,".repeat(4 * MIB))),
        ("/xml", format!("<a>{}</a>", "<b c='1'/>".repeat(sizes.elements))),
        ("/page1", objects(sizes.read / 2, ",\"next\":\"/page2\"")),
        ("/page2", objects(sizes.read / 2, "")),
    ]);
    ThirdParty::start(move |seen, _| {
        let path = seen.path.split('?').next().unwrap_or_default();
        let (status, path) = if path == "/refused" { (400, "/read") } else { (200, path) };
        let kind = if path == "/xml" { "application/xml" } else { "application/json" };
        let headers = vec![("content-type", kind.to_owned())];
        let body = answers.get(path).cloned().unwrap_or_else(|| "{\"ok\":true}".to_owned());
        Reply::Answer { status, headers, body, after: Duration::ZERO }
    })
    .await
}

/// All kinds; jobs with lists of numbers, which take fifty times their text, are refused.
pub fn kinds(there: &ThirdParty, sizes: Sizes) -> Vec<Kind> {
    /// Rows that render to one size together.
    const ROWS: usize = 60;
    let get = |path: &str| json!({"url": there.url(path), "method": "GET"});
    let post = |kind: &str, body: &Value| json!({"url": there.url("/ok"), "method": "POST", "body_type": kind, "body": body.to_string()});
    let with = |mut resource: Value, name: &str, rule: Value| {
        resource[name] = rule;
        resource
    };
    let row = |name: &str, source: &str| vec![(name.to_owned(), source.to_owned())];
    let rows = |name: &'static str| (0..ROWS).map(move |n| (format!("{name}{n}"), "{{x}}".to_owned()));
    let text = |bytes: usize| json!({"x": "y".repeat(bytes)});
    let caught = json!([{"when": "body.d[7].id == 7", "code": "E"}]);
    let kind = |name, resource, mapping, data, code| Kind { name, resource, mapping, data, code };
    let body = Value::Object(rows("k").map(|(name, row)| (name, row.into())).collect());
    vec![
        kind("text", get("/text"), row("v", ""), json!({}), ""),
        kind("objects", get("/objects"), row("v", ""), json!({}), ""),
        kind("read", get("/read"), row("v", "d.7.name"), json!({}), ""),
        kind("refused", with(get("/refused"), "errorMapping", caught), row("v", ""), json!({}), "HTTP_400"),
        kind("zeros", get("/zeros"), row("v", ""), json!({}), "BAD_RESPONSE"),
        kind("xml", get("/xml"), row("v", ""), json!({}), ""),
        kind("pages", with(get("/page1"), "pagination", json!({"next": "next"})), row("v", "d.7.name"), json!({}), ""),
        kind("files", post("multipart", &json!({"f": {"url": there.url("/file")}})), row("v", "ok"), json!({}), ""),
        kind("bodies", post("json", &body), row("v", "ok"), text(sizes.body / ROWS), ""),
        kind("rows", get("/ok"), rows("v").collect(), text(sizes.rows / ROWS), ""),
        kind("messages", get("/ok"), row("v", "ok"), text(sizes.message), ""),
    ]
}

/// The resources of these kinds.
pub fn resources(kinds: &[Kind]) -> Value {
    kinds.iter().map(|kind| (kind.name.to_owned(), kind.resource.clone())).collect()
}

/// Publishes so many jobs of a kind at once; how many ended with each code, success as an empty one, when all have ended or
/// none has for a minute.
pub async fn ended(engine: &mut Engine, kind: &Kind, jobs: usize) -> BTreeMap<String, usize> {
    let mapping: Vec<(&str, &str)> = kind.mapping.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    for n in 0..jobs {
        let id = format!("{}-{n}", kind.name);
        engine.publish(&job(&id, kind.name, &mapping, kind.data.clone())).await;
    }
    let mut codes = BTreeMap::new();
    for _ in 0..jobs {
        let Some(result) = engine.result_within(Duration::from_mins(1)).await else { break };
        let is_caught = result.code() != "HTTP_400" || result.body["bpmnError"]["code"] == "E";
        let code =
            if is_caught { result.code().to_owned() } else { "a row of errorMapping that did not fit".to_owned() };
        *codes.entry(code).or_default() += 1;
    }
    codes
}
