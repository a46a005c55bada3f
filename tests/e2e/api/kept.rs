//! What is kept of jobs for people: the last request, its answer and the message, masked; and the version of a process (API 10).

use harness::api::Api;
use harness::test_app::{TestApp, job};
use harness::third_party::{Reply, Seen, ThirdParty};
use serde_json::{Value, json};

const CANARY: &str = "canary-token-4be0a9";

/// Echoes what it gets, the first time with 500; and a long text.
fn answer(seen: &Seen) -> Reply {
    let said = format!("{} {}", seen.header("authorization"), seen.body);
    match seen.path.as_str() {
        "/good" => Reply::json(&json!({"said": said})),
        "/long" => Reply::Answer {
            status: 422,
            headers: vec![("content-type", "text/plain; charset=utf-8".to_owned())],
            body: format!("{CANARY}{}", "é".repeat(60_000)),
            after: std::time::Duration::ZERO,
        },
        _ => Reply::status(500, &json!({"said": said})).with("x-said", &said),
    }
}

async fn product(app: &TestApp, third_party: &ThirdParty) {
    let resource = |path: &str| json!({"url": third_party.url(path), "method": "POST", "body": "{\"note\": \"{{note}}\"}", "body_type": "json"});
    let record = |id: u32, name: &str, debug_mode: Value| {
        json!({
            "id": id, "name": name, "authtype": "OAUTH2_BEARER", "credentials": {"token": CANARY}, "debug_mode": debug_mode,
            "endpoints": {"good": resource("/good"), "bad": resource("/bad"), "long": resource("/long")},
        })
    };
    app.import_connectors(&json!([record(5, "API", json!(false)), record(6, "Watched", json!(1))])).await;
}

async fn shown(api: &Api, id: &str) -> Value {
    let answer = api.get(&format!("/jobs/{id}?wait=30")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(!answer.body.contains(CANARY), "{}", answer.body);
    answer.json()
}

fn is_whole(job: &Value, status: u16) {
    let sent = &job["sent"];
    assert_eq!((&sent["method"], &job["answer"]["status"]), (&json!("POST"), &json!(status)), "{job:#}");
    assert!(sent["headers"].as_array().is_some_and(|all| all.contains(&json!(["authorization", "Bearer ********"]))));
    assert_eq!(sent["body"], json!("{\"note\": \"say ********\"}"), "{job:#}");
    assert!(sent["curl"].as_str().is_some_and(|curl| curl.starts_with("curl -X 'POST'") && curl.contains("$TOKEN")));
    assert_eq!(job["message"]["data"]["note"], json!("say ********"), "{job:#}");
}

#[tokio::test]
async fn a_failed_job_keeps_its_last_call_without_a_secret() {
    for app in [TestApp::new(), TestApp::new().with_postgres().await] {
        let third_party = ThirdParty::start(|seen, _| answer(seen)).await;
        product(&app, &third_party).await;
        let (process, api) = app.serve(&["up"]).await;
        let mut engine = app.engine().await;
        let data = json!({"note": format!("say {CANARY}")});
        for (id, connector, resource) in [
            ("bad", "API", "bad"),
            ("long", "API", "long"),
            ("good", "API", "good"),
            ("watched", "Watched", "good"),
            ("none", "Nobody", "bad"),
        ] {
            let mut job = job(id, resource, &[], data.clone());
            job["config"]["dataSource"] = json!(connector);
            engine.publish(&job).await;
            engine.result().await;
        }
        let bad = shown(&api, "bad").await;
        is_whole(&bad, 500);
        let headers = bad["answer"]["headers"].as_array().expect("headers");
        assert!(
            headers.iter().any(|pair| pair[0] == "x-said" && pair[1].as_str().is_some_and(|v| v.contains("********")))
        );
        assert_eq!((&bad["message"]["id"], &bad["answer"]["kind"]), (&json!("bad"), &json!("json")));
        assert!(bad["answer"]["body"].as_str().is_some_and(|body| body.contains("Bearer ********")), "{bad:#}");

        let long = shown(&api, "long").await;
        is_whole(&long, 422);
        let body = long["answer"]["body"].as_str().expect("a body");
        assert!(body.starts_with("********é") && body.ends_with('é') && body.len() > 65_530 && body.len() <= 65_536);
        assert_eq!(
            (&long["answer"]["truncated"], &long["answer"]["bytes"]),
            (&json!(true), &json!(CANARY.len() + 120_000))
        );

        let good = shown(&api, "good").await;
        assert_eq!([&good["sent"], &good["answer"], &good["message"]], [&Value::Null; 3], "{good:#}");
        is_whole(&shown(&api, "watched").await, 200);
        let none = shown_raw(&api, "none").await;
        assert_eq!(
            (&none["sent"], &none["answer"], &none["message"]["id"]),
            (&Value::Null, &Value::Null, &json!("none"))
        );

        let wanted = json!({"mode": "queue", "wait": 30, "config": {"endpoint": "bad"}, "data": data});
        let queued = api.post("/requests/42/data_sources/API", &wanted).await;
        assert!(!queued.body.contains(CANARY), "{}", queued.body);
        is_whole(&queued.json(), 500);
        assert_eq!(queued.json()["message"]["engine"], json!("api"));

        if app.database().is_some() {
            app.sql("DELETE FROM payloads WHERE job_id = 'bad'").await;
            let gone = shown(&api, "bad").await;
            assert_eq!([&gone["sent"], &gone["answer"], &gone["message"]], [&Value::Null; 3], "as long as its payload");
        }
        assert!(!process.output().contains(CANARY));
    }
}

/// What a job of no connector said is its own: nobody knows a secret in it.
async fn shown_raw(api: &Api, id: &str) -> Value {
    api.get(&format!("/jobs/{id}")).await.json()
}

#[tokio::test]
async fn a_job_has_the_version_that_it_named_or_ran_as() {
    for app in [TestApp::new(), TestApp::new().with_postgres().await] {
        let third_party = ThirdParty::friendly().await;
        app.import_resources(json!({"r": {"url": third_party.url("/")}})).await;
        let (_process, api) = app.serve(&["up"]).await;
        let model = r#"<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:conn="urn:data-connector:bpmn:1">
            <process id="order" isExecutable="true"><serviceTask id="call"><extensionElements>
            <conn:dataConnector connector="API" resource="r"/></extensionElements></serviceTask></process></definitions>"#;
        for version in ["?version=spring", "?version=summer"] {
            let path = format!("/models{version}");
            let request = api.request("POST", &path).header("content-type", "application/xml").body(model);
            let deployed = harness::api::sent(request).await;
            assert_eq!(deployed.status, 201, "{}", deployed.body);
        }
        let mut engine = app.engine().await;
        for (id, process) in [
            ("named", json!({"id": "order", "version": "spring"})),
            ("newest", json!({"id": "order"})),
            ("inline", json!({"id": "other", "version": 7})),
            ("nothing", json!({"id": "other"})),
        ] {
            let mut job = job(id, "r", &[], json!({}));
            job["process"] = process;
            if matches!(id, "named" | "newest") {
                job.as_object_mut().expect("a job").remove("config");
            }
            engine.publish(&job).await;
            let result = engine.result().await;
            assert_eq!(result.status(), "completed", "{:#}", result.body);
        }
        let of = async |query: &str| {
            let rows = api.get(&format!("/jobs?{query}")).await.json();
            let mut found: Vec<(String, Value)> = Vec::new();
            for row in rows["data"].as_array().expect("rows") {
                found.push((row["id"].as_str().expect("an id").to_owned(), row["version"].clone()));
            }
            found.sort_by(|a, b| a.0.cmp(&b.0));
            found
        };
        let named = |id: &str, version: Value| (id.to_owned(), version);
        assert_eq!(
            of("").await,
            [
                named("inline", json!("7")),
                named("named", json!("spring")),
                named("newest", json!("summer")),
                named("nothing", Value::Null)
            ]
        );
        assert_eq!(of("version=spring").await, [named("named", json!("spring"))]);
        assert_eq!(of("process=order&version=summer").await, [named("newest", json!("summer"))]);
        assert_eq!(of("version=8").await, []);
        let counted = json!({"action": "replay", "filter": {"version": "spring"}, "count_only": true});
        assert_eq!(api.post("/jobs/bulk", &counted).await.json(), json!({"count": 1}));
        // A job that runs again under a newer model has that one's version.
        let again = api.post("/jobs/newest/replay", &json!({})).await;
        assert_eq!(again.status, 202, "{}", again.body);
        assert_eq!(shown_raw(&api, "newest%231?wait=30").await["version"], json!("summer"));
    }
}
