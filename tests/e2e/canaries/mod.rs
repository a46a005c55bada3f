//! Twenty secrets and a third party that echoes whatever it receives: no secret appears, in any encoding, in anything that a
//! person, an engine or a metrics scraper can read.

mod api;
mod attackers;
mod doors;
mod echo;
mod search;

use harness::process::Running;
use harness::raw_server::RawServer;
use harness::test_app::{TestApp, job};
use serde_json::{Value, json};

use self::search::{Place, canary};

/// Not a secret: finding it proves that the search looks at the right text.
const CONTROL: &str = "Control31415";
/// How the third party responds: see [`echo`].
const MODES: [&str; 5] = ["answer", "fail", "away", "elsewhere", "broken"];

/// A connector's name, its authentication type and its credentials.
type Kind = (&'static str, &'static str, Value);

/// One connector for each authentication type that needs nobody, and two whose token endpoint echoes the token request.
fn kinds(echo: &RawServer) -> Vec<Kind> {
    let oauth = |path: &str, more: Value| {
        let mut whole = json!({"url": echo.url(path), "client_id": "me"});
        whole.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
        whole
    };
    let basic_client = json!({"client_secret": canary(5), "client_auth": "basic"});
    vec![
        ("basic", "BASIC", json!({"username": "ada", "password": canary(0)})),
        ("bearer", "OAUTH2_BEARER", json!({"token": canary(1)})),
        (
            "password",
            "OAUTH2_PASSWORD",
            oauth("/token/4", json!({"client_secret": canary(2), "username": "ada", "password": canary(3)})),
        ),
        ("client", "OAUTH2_CLIENT_CREDENTIALS", oauth("/token/6", basic_client.clone())),
        (
            "refresh",
            "OAUTH2_REFRESH",
            oauth("/token/10", json!({"client_secret": canary(7), "refresh_token": canary(8)})),
        ),
        ("key_header", "API_KEY", json!({"name": "X-Key", "value": canary(11), "in": "header"})),
        ("key_query", "API_KEY", json!({"name": "k", "value": canary(12), "in": "query"})),
        ("digest", "DIGEST", json!({"username": "ada", "password": canary(13)})),
        (
            "aws",
            "AWS_SIGV4",
            json!({"access_key_id": "AK", "secret_access_key": canary(14), "session_token": canary(15),
                "region": "eu-1", "service": "api"}),
        ),
        ("headers", "HEADERS", json!({"X-Own": canary(16), "X-Who": "{{secret:WHO}}"})),
        ("named", "NONE", Value::Null),
        ("refused", "OAUTH2_CLIENT_CREDENTIALS", oauth("/refused", json!({"client_secret": canary(2)}))),
        ("refused_basic", "OAUTH2_CLIENT_CREDENTIALS", oauth("/refused", basic_client)),
    ]
}

/// The connector records: one resource for each mode, and named secrets in URL, parameter, header and body of one connector.
fn connectors(echo: &RawServer, kinds: &[Kind]) -> Value {
    let resource = |name: &str, mode: &str| {
        if name != "named" {
            return json!({"url": echo.url(&format!("/{mode}/{name}")), "method": "GET"});
        }
        let url = echo.url(&format!("/{mode}/{name}?a={{{{secret:IN_URL}}}}&b={{{{{{secret:IN_URL}}}}}}"));
        json!({"url": url, "method": "POST", "body": r#"{"said": "{{secret:IN_BODY}}"}"#, "body_type": "json",
            "headers": [{"key": "X-Also", "value": "{{secret:IN_BODY}}", "required": true}]})
    };
    let one = |(name, authtype, credentials): &Kind| {
        let resources: serde_json::Map<String, Value> =
            MODES.map(|mode| (mode.to_owned(), resource(name, mode))).into_iter().collect();
        json!({"name": name, "authtype": authtype, "credentials": credentials, "description": CONTROL,
            "endpoints": resources})
    };
    kinds.iter().map(one).collect()
}

/// One job for each connector and mode. A response is mapped as a whole, in parts, and in `broken` with an expression that fails.
fn jobs(echo: &RawServer) -> Vec<Value> {
    let mut jobs = Vec::new();
    for (name, ..) in kinds(echo) {
        for mode in MODES {
            let data = json!({"inert": "{{secret:WHO}}", "control": CONTROL});
            let rows = [("whole", ""), ("echo", "echo"), ("names", "names"), ("list", "list[0]"), ("here", "control")];
            let mut job = job(&format!("{name}-{mode}"), mode, if mode == "answer" { &rows } else { &[] }, data);
            job["config"]["dataSource"] = json!(name);
            if mode == "broken" {
                job["config"]["dataMapping"] = json!([{"key": "x", "value": "echo + 1", "format": "feel"}]);
            }
            jobs.push(job);
        }
    }
    jobs
}

/// Publishes all jobs and returns their results; then makes a dead letter and replays some jobs.
async fn calls(app: &TestApp, echo: &RawServer) -> Vec<Value> {
    let mut engine = app.engine().await;
    let jobs = jobs(echo);
    for job in &jobs {
        engine.publish(job).await;
    }
    let mut results = Vec::new();
    for _ in &jobs {
        results.push(engine.result().await.body);
    }
    let mut other = jobs[0].clone();
    other["data"] = json!({"control": CONTROL, "another": true});
    engine.publish(&other).await;
    app.dead_letters(1).await;
    for id in ["bearer-answer", "basic-fail", "named-broken"] {
        let replay = app.cli(&["jobs", "replay", id]).await;
        app.job_in_state(replay.trim(), "published").await;
    }
    results
}

/// Every text that can be read, and something that must be in it.
async fn places(app: &TestApp, worker: &Running, results: &[Value]) -> Vec<Place> {
    let place =
        |name: &str, text: String, control: &str| Place { name: name.to_owned(), text, control: control.to_owned() };
    let letters = app.dead_letters(1).await;
    let number = letters[0]["id"].to_string();
    let mut places = vec![
        place("results", json!(results).to_string(), CONTROL),
        place("the log", worker.output(), "TRACE"),
        place("metrics", worker.metrics().await, "data_connector_attempts"),
        place("dead list", json!(letters).to_string(), "JOB_MISMATCH"),
        place("dead show", app.cli(&["dead", "show", &number]).await, CONTROL),
        place("jobs list", app.cli(&["jobs", "list", "--limit", "200"]).await, "basic-answer"),
        place("connectors export", app.cli(&["connectors", "export"]).await, CONTROL),
        place("secrets list", app.cli(&["secrets", "list"]).await, "IN_URL"),
        place("the database", search::database(app).await, CONTROL),
    ];
    for id in ["named-answer", "named-fail", "refresh-away", "key_query-elsewhere", "refused_basic-answer"] {
        places.push(place(&format!("jobs show {id}"), app.cli(&["jobs", "show", id]).await, id));
    }
    for id in ["bearer-answer#1", "basic-fail#1", "named-broken#1"] {
        places.push(place(&format!("jobs show {id}"), app.cli(&["jobs", "show", id]).await, CONTROL));
    }
    places
}

/// Checks how each mode ends, so that every path of a secret is really exercised.
fn assert_ended(results: &[Value]) {
    for result in results {
        let id = result["job"].as_str().unwrap_or_default();
        let (name, mode) = id.split_once('-').expect("connector and mode");
        let expected = match (name, mode) {
            ("refused" | "refused_basic", _) => "AUTH",
            // It carries no secret, so that the redirect is followed.
            ("digest", "elsewhere") => "CONNECT",
            // What could carry a secret away is not followed.
            ("named", "away") | (_, "elsewhere") => "HTTP_302",
            (_, "answer") => "",
            (_, "fail") => "HTTP_500",
            (_, "away") => "HTTP_404",
            _ => "MAPPING",
        };
        assert_eq!(result["error"]["code"].as_str().unwrap_or_default(), expected, "{id}: {result:#}");
        // A digest carries no secret.
        if mode == "answer" && expected.is_empty() && name != "digest" {
            let data = &result["data"];
            let whole = data["whole"].to_string();
            assert!(whole.contains("********") && data["here"] == CONTROL, "{id}: named, and masked: {result:#}");
        }
    }
}

async fn no_secret_is_disclosed(app: TestApp) {
    let echo = RawServer::start(echo::talk).await;
    app.cli(&["migrate"]).await;
    app.import_connectors(&connectors(&echo, &kinds(&echo))).await;
    for (name, n) in [("WHO", 17), ("IN_URL", 18), ("IN_BODY", 19)] {
        app.cli_with(&["secrets", "set", name], &canary(n)).await;
    }
    let worker = app.worker_with(&["--listen", "127.0.0.1:0"], &[("RUST_LOG", "trace")]).await;
    let results = calls(&app, &echo).await;
    assert_ended(&results);
    let places = places(&app, &worker, &results).await;
    let hits: Vec<String> = places.iter().flat_map(Place::hits).collect();
    assert!(hits.is_empty(), "{} hits:\n{}", hits.len(), hits.join("\n"));
    for place in &places {
        assert!(place.text.contains(&place.control), "{} has no `{}`: {}", place.name, place.control, place.text);
    }
}

#[tokio::test]
async fn no_secret_is_disclosed_on_sqlite() {
    no_secret_is_disclosed(TestApp::new()).await;
}

#[tokio::test]
async fn no_secret_is_disclosed_on_postgresql() {
    no_secret_is_disclosed(TestApp::new().with_postgres().await).await;
}
