//! How calls went, what needs somebody, who works (API 10).

use harness::api::{Api, sent};
use harness::test_app::{TestApp, job};
use harness::third_party::{Reply, ThirdParty};
use serde_json::{Value, json};

async fn product(app: &TestApp, third_party: &ThirdParty) {
    let resources = json!({"good": {"url": third_party.url("/good")}, "bad": {"url": third_party.url("/bad")}});
    app.import_connectors(&json!([
        {"id": 5, "name": "API", "authtype": "NONE", "endpoints": resources},
        {"id": 6, "name": "Other", "authtype": "NONE", "endpoints": resources}]))
        .await;
}

async fn third_party() -> ThirdParty {
    ThirdParty::start(|seen, _| match seen.path.as_str() {
        "/good" => Reply::json(&json!({})),
        _ => Reply::status(401, &json!({})),
    })
    .await
}

fn of_process(mut job: Value, version: &str, connector: &str) -> Value {
    job["process"] = json!({"id": "order", "version": version});
    job["config"]["dataSource"] = json!(connector);
    job
}

/// The statistics, once they have this many jobs.
async fn stats_of(api: &Api, path: &str, jobs: i64) -> Value {
    let sum = |stats: &Value| -> i64 {
        let buckets = stats["buckets"].as_array().expect("buckets");
        let one = |bucket: &Value| bucket["completed"].as_i64().unwrap_or(0) + bucket["failed"].as_i64().unwrap_or(0);
        buckets.iter().map(one).sum()
    };
    for _ in 0..150 {
        let answer = api.get(path).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        if sum(&answer.json()) == jobs {
            return answer.json();
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    panic!("{path} never has {jobs} jobs: {}", api.get(path).await.body);
}

fn kinds(stats: &Value) -> Vec<(String, i64)> {
    let needs = stats["needs"].as_array().expect("needs");
    needs
        .iter()
        .map(|need| (need["kind"].as_str().expect("a kind").to_owned(), need["count"].as_i64().expect("a count")))
        .collect()
}

#[tokio::test]
async fn jobs_are_counted_by_minute_connector_and_element() {
    for app in [TestApp::new(), TestApp::new().with_postgres().await] {
        let third_party = third_party().await;
        product(&app, &third_party).await;
        let (_process, api) = app.serve(&["up"]).await;
        let mut engine = app.engine().await;
        for (id, resource, version, connector) in [
            ("j1", "good", "1", "API"),
            ("j2", "good", "1", "5"),
            ("j3", "bad", "2", "API"),
            ("j4", "good", "2", "Other"),
        ] {
            engine.publish(&of_process(job(id, resource, &[], json!({})), version, connector)).await;
        }
        for _ in 0..4 {
            engine.result().await;
        }
        let stats = stats_of(&api, "/stats?period=1h", 4).await;
        assert_eq!(stats["buckets"].as_array().map(Vec::len), Some(60));
        let [first, second] = [&stats["connectors"][0], &stats["connectors"][1]];
        assert_eq!(
            (&first["id"], &first["name"], &first["calls"], &first["failed"]),
            (&json!(5), &json!("API"), &json!(3), &json!(1)),
            "what models call it is one connector"
        );
        assert!(first["p50_ms"].is_u64() && first["p99_ms"].as_u64() >= first["p50_ms"].as_u64(), "{first}");
        assert_eq!((&second["name"], &second["calls"], &second["failed"]), (&json!("Other"), &json!(1), &json!(0)));
        let elements: Vec<_> = stats["elements"]
            .as_array()
            .unwrap()
            .iter()
            .map(|of| {
                (
                    of["process"].as_str(),
                    of["version"].as_str(),
                    of["element"].as_str(),
                    of["jobs"].as_i64(),
                    of["failed"].as_i64(),
                )
            })
            .collect();
        let expected = |version, failed| (Some("order"), Some(version), Some("call"), Some(2), Some(failed));
        assert_eq!(elements, [expected("1", 0), expected("2", 1)]);
        assert_eq!(stats["now"]["workers"], json!(1));
        assert_eq!(kinds(&stats), [("connector_refused".to_owned(), 1), ("failure_rate".to_owned(), 1)]);
        assert_eq!(stats["needs"][0]["target"], json!("/connectors/5"));

        stats_of(&api, "/stats?period=24h&process=order&version=2", 2).await;
        stats_of(&api, "/stats?period=7d&process=other", 0).await;
        let limited = api.with_scopes(&["read"], &["6"]).await;
        let theirs = stats_of(&limited, "/stats?period=1h", 1).await;
        assert_eq!(theirs["connectors"].as_array().map(Vec::len), Some(1));
        assert_eq!(theirs["needs"], json!([]));

        let wrong = api.get("/stats?period=1y").await;
        assert_eq!((wrong.status, wrong.json()["errors"]["period"].is_array()), (422, true));
        assert_eq!(api.with(None).get("/stats").await.status, 401);
        assert_eq!(api.with_scopes(&["execute"], &[]).await.get("/stats").await.status, 403);

        // Counts of models are those of the minutes.
        let model = harness_model();
        let deployed =
            sent(api.request("POST", "/models?version=2").header("content-type", "application/xml").body(model)).await;
        assert_eq!(deployed.status, 201, "{}", deployed.body);
        let models = api.get("/models?include=name,counts").await.json();
        let shown = &models["data"][0];
        assert_eq!(
            (&shown["name"], &shown["jobs"], &shown["failed"]),
            (&json!("Order handling"), &json!(2), &json!(1)),
            "{models}"
        );
        let plain = api.get("/models").await.json();
        assert!(plain["data"][0].get("jobs").is_none() && plain["data"][0].get("name").is_none(), "{plain}");
        assert_eq!(api.get("/models/order/2?include=name").await.json()["name"], json!("Order handling"));
    }
}

fn harness_model() -> &'static str {
    r#"<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:conn="urn:data-connector:bpmn:1">
<bpmn:process id="order" name="Order handling"><bpmn:serviceTask id="call"><bpmn:extensionElements>
<conn:dataConnector connector="API" resource="good"/></bpmn:extensionElements></bpmn:serviceTask></bpmn:process></bpmn:definitions>"#
}

#[tokio::test]
async fn an_unchanged_overview_is_not_sent_again() {
    let app = TestApp::new();
    let (_process, api) = app.serve(&["serve"]).await;
    let first = api.get("/stats?period=7d").await;
    let tag = first.header("etag").to_owned();
    assert!(!tag.is_empty());
    let again = sent(api.request("GET", "/stats?period=7d").header("if-none-match", &tag)).await;
    assert_eq!((again.status, again.body.as_str()), (304, ""));
}

#[tokio::test]
async fn what_is_gone_or_waits_needs_somebody() {
    let app = TestApp::new();
    let third_party = third_party().await;
    product(&app, &third_party).await;
    let (_process, api) = app.serve(&["serve"]).await;
    let deployed =
        sent(api.request("POST", "/models").header("content-type", "application/xml").body(harness_model())).await;
    assert_eq!(deployed.status, 201, "{}", deployed.body);
    assert!(!kinds(&api.get("/stats").await.json()).iter().any(|(kind, _)| kind == "model_broken"));
    app.import_connectors(&json!([{"id": 5, "name": "API", "authtype": "NONE", "endpoints": {
        "renamed": {"url": third_party.url("/good")}}}]))
        .await;
    app.cli(&["tokens", "create", "soon", "--scope", "read", "--expires", "1d"]).await;
    let stats = api.get("/stats").await.json();
    let expected = [("queue_without_worker", 1), ("model_broken", 1), ("token_expiring", 1)];
    assert_eq!(kinds(&stats), expected.map(|(kind, count)| (kind.to_owned(), count)));
    let reader = api.with_scopes(&["read"], &[]).await;
    assert!(!kinds(&reader.get("/stats").await.json()).iter().any(|(kind, _)| kind == "token_expiring"));
}

#[tokio::test]
async fn workers_say_how_they_are() {
    for app in [TestApp::new(), TestApp::new().with_postgres().await] {
        let third_party = third_party().await;
        product(&app, &third_party).await;
        let (_process, api) = app.serve(&["serve"]).await;
        let worker = app.worker(&["--queue", "default", "--queue", "slow", "--concurrency", "7"]).await;
        harness::eventually("the worker is ready", || async {
            (api.get("/workers").await.json()["data"][0]["state"] == json!("ready")).then_some(())
        })
        .await;
        let shown = api.get("/workers").await.json();
        let one = &shown["data"][0];
        assert_eq!(
            (&one["queues"], &one["concurrency"], &one["in_flight"], &one["reasons"]),
            (&json!(["default", "slow"]), &json!(7), &json!(0), &json!([]))
        );
        assert!(one["version"].as_str().is_some_and(|version| !version.is_empty()));
        assert!(one["seen_at"].is_string() && one["started_at"].is_string());
        let queue = |name: &str| json!({"queue": name, "messages": 0, "workers": 1, "oldest_s": null});
        assert_eq!(shown["queues"], json!([queue("default"), queue("slow")]));
        assert_eq!(worker.terminate().await, Some(0));
        let engine = app.engine().await;
        engine.publish(&job("j1", "good", &[], json!({}))).await;
        harness::eventually("the job waits in its queue", || async {
            let shown = api.get("/workers").await.json();
            let queue = &shown["queues"][0];
            let waits = shown["data"] == json!([]) && queue["messages"] == json!(1) && queue["workers"] == json!(0);
            waits.then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn settings_in_force_are_for_administrators_and_hold_no_secret() {
    let app = TestApp::new();
    let secrets = [("DATA_CONNECTOR__HTTP__PROXY", "http://me:canary@127.0.0.1:1")];
    let (_server, api) = app.serve_with(&["serve"], &secrets).await;
    let answer = api.get("/settings").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(!answer.body.contains("canary"), "{}", answer.body);
    let settings = answer.json();
    let of = |name: &str| settings["data"].as_array().unwrap().iter().find(|setting| setting["name"] == name).cloned();
    let shown = json!({"name": "http.proxy", "value": "http://me:********@127.0.0.1:1/", "origin": "environment"});
    assert_eq!(of("http.proxy"), Some(shown));
    assert_eq!(of("limits.memory"), Some(json!({"name": "limits.memory", "value": 536_870_912, "origin": "default"})));
    for scope in ["read", "execute", "manage"] {
        assert_eq!(api.with_scopes(&[scope], &[]).await.get("/settings").await.status, 403, "{scope}");
    }
}
