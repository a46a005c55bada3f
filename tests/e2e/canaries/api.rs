//! The same secrets over the API: they come in by it, and no answer of any route, no line of the log and no row has them again.

use harness::api::{Answer, Api, browse, sent};
use harness::raw_server::RawServer;
use harness::test_app::TestApp;
use serde_json::{Value, json};

use super::search::{self, Place, canary};
use super::{CONTROL, Kind, MODES, connectors, echo, kinds};

/// The places of all answers, as they come.
#[derive(Default)]
struct Answers(Vec<Place>);

impl Answers {
    /// Keeps an answer, its head included, and what must be in it.
    fn keep(&mut self, what: String, answer: &Answer, control: &str) {
        let text = format!("{} {:?}\n{}", answer.status, answer.headers, answer.body);
        self.0.push(Place { name: what, text, control: control.to_owned() });
    }

    async fn get(&mut self, api: &Api, path: &str, control: &str) {
        self.keep(format!("GET {path}"), &api.get(path).await, control);
    }

    async fn post(&mut self, api: &Api, path: &str, body: &Value, control: &str) -> Answer {
        let answer = api.post(path, body).await;
        let what = format!(
            "POST {path} {}",
            body.get("resource").or_else(|| body.pointer("/config/endpoint")).unwrap_or(&Value::Null)
        );
        self.keep(what, &answer, control);
        answer
    }
}

/// All kinds, and one whose account a person connects.
fn all_kinds(echo: &RawServer) -> Vec<Kind> {
    let account = json!({"authorize_url": echo.url("/authorize"), "url": echo.url("/token/20"), "client_id": "me",
        "client_secret": canary(2), "scope": "all"});
    let mut kinds = kinds(echo);
    kinds.push(("account", "OAUTH2_AUTHORIZATION_CODE", account));
    kinds
}

/// Connects the account as a browser does.
async fn connect(api: &Api, answers: &mut Answers) {
    let begun = answers.post(api, "/data_sources/account/connect", &json!({}), "authorize_url").await;
    let url = begun.json()["authorize_url"].as_str().expect("a URL").to_owned();
    let back = browse(&url).await.header("location").to_owned();
    for (what, control) in [("the callback", "The account is connected"), ("the callback again", "not connected")] {
        answers.keep(what.to_owned(), &browse(&back).await, control);
    }
    answers.get(api, "/data_sources/account/account", "connected_at").await;
}

/// Credentials and secrets come in, whole and in requests that are refused.
async fn bring_in(api: &Api, echo: &RawServer, answers: &mut Answers) {
    let mut records = connectors(echo, &all_kinds(echo));
    for record in records.as_array_mut().expect("records") {
        record["debug_mode"] = json!(true);
    }
    assert_eq!(answers.post(api, "/data_sources/import", &records, "created").await.status, 200);
    for (name, n) in [("WHO", 17), ("IN_URL", 18), ("IN_BODY", 19)] {
        let put = api.put(&format!("/secrets/{name}"), &json!({"value": canary(n)})).await;
        assert_eq!(put.status, 204, "{}", put.body);
        answers.keep(format!("PUT {name}"), &put, "");
    }
    for (path, body) in [
        ("/data_sources/basic", json!({"credentials": {"username": "ada", "password": [canary(0)]}})),
        (
            "/data_sources/basic",
            json!({"credentials": {"username": "ada", "password": "********", "passwort": canary(0)}}),
        ),
        ("/data_sources/basic", json!({"credentials": {canary(0): "x"}})),
        ("/secrets/WHO", json!({"value": [canary(17)]})),
        ("/secrets/WHO", json!({"value": canary(17), "hosts": [7]})),
    ] {
        let refused = api.put(path, &body).await;
        assert_eq!(refused.status, 422, "{path}");
        // What is no secret by its place, a name, may be said.
        if !body["credentials"].as_object().is_some_and(|members| members.contains_key(&canary(0))) {
            answers.keep(format!("refused {path}"), &refused, "INVALID");
        }
    }
    let broken = format!("{{\"credentials\": {{\"token\": \"{}\",,}}}}", canary(8));
    let request = api.request("PUT", "/data_sources/bearer").header("content-type", "application/json").body(broken);
    answers.keep("broken JSON".to_owned(), &sent(request).await, "BAD_REQUEST");
}

/// Every way of calling each connector, and the jobs that came of it.
async fn call(api: &Api, echo: &RawServer, answers: &mut Answers) -> Vec<String> {
    let mut jobs = Vec::new();
    for mode in MODES {
        for (name, _, credentials) in &all_kinds(echo) {
            let mut config = json!({"endpoint": mode});
            if mode == "broken" {
                config["dataMapping"] = json!([{"key": "x", "value": "echo + 1", "format": "feel"}]);
            }
            let body = json!({"config": config, "data": {"inert": "{{secret:WHO}}", "control": CONTROL}});
            let path = format!("/requests/data_sources/{name}");
            answers.post(api, &path, &body, "").await;
            answers.get(api, &format!("{path}/resources/{mode}/data"), "").await;
            for more in
                [json!({}), json!({"dry_run": true}), json!({"answer": {"status": 200, "headers": [], "body": "{}"}})]
            {
                let mut tried = json!({"connector": name, "resource": mode, "config": config, "data": body["data"]});
                tried.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
                answers.post(api, "/try", &tried, "warnings").await;
            }
            let row = api.get(&format!("/data_sources/{name}")).await.json()["endpoints"][mode].clone();
            let mut tested = row.clone();
            tested["credentials"] = credentials.clone();
            answers.post(api, &format!("/data_sources/{name}/test"), &json!({"data": tested}), "").await;
            let mut queued = body.clone();
            queued["mode"] = json!("queue");
            queued["wait"] = json!(30);
            let made = answers.post(api, &path, &queued, "attempts").await;
            jobs.push(made.json()["id"].as_str().unwrap_or_else(|| panic!("{name} {mode}: {}", made.body)).to_owned());
        }
    }
    jobs
}

/// Every GET of the document, with each of these in place of its parameters; and the lists with all that they can show.
async fn read_all(api: &Api, job: &str, answers: &mut Answers) {
    let document = api.get("/openapi.json").await.json();
    let paths = document["paths"].as_object().expect("paths");
    let reads = paths.iter().filter(|(_, methods)| methods.get("get").is_some()).map(|(path, _)| path);
    for path in reads {
        for value in ["1", "basic", "account", "WHO", job] {
            let filled: Vec<&str> =
                path.split('/').map(|part| if part.starts_with('{') { value } else { part }).collect();
            answers.get(api, &filled.join("/"), "").await;
        }
    }
    let all = "include=settings,used_by,updated_by,last_call_at,categories,categoryCount";
    for (path, control) in [
        (format!("/data_sources?{all}&per_page=100"), CONTROL),
        (format!("/data_sources/named?{all}"), "IN_URL"),
        ("/data_sources/export?as=camunda7".to_owned(), "appliesTo"),
        ("/data_sources/export?as=camunda8".to_owned(), "appliesTo"),
        ("/jobs?per_page=1000".to_owned(), "published"),
        ("/audit?per_page=1000".to_owned(), "account.connected"),
        ("/secrets".to_owned(), "IN_BODY"),
        ("/stats?period=1h".to_owned(), "buckets"),
    ] {
        answers.get(api, &path, control).await;
    }
}

async fn no_route_answers_a_secret(app: TestApp) {
    let echo = RawServer::start(echo::talk).await;
    let (process, api) = app.serve_with(&["up"], &[("RUST_LOG", "trace")]).await;
    let mut answers = Answers::default();
    bring_in(&api, &echo, &mut answers).await;
    connect(&api, &mut answers).await;
    let jobs = call(&api, &echo, &mut answers).await;
    for id in &jobs {
        answers.get(&api, &format!("/jobs/{id}"), "attempts").await;
    }
    read_all(&api, &jobs[0], &mut answers).await;
    let mut places = answers.0;
    assert!(places.iter().filter(|place| place.text.contains("********")).count() > 100, "much was masked");
    let place =
        |name: &str, text: String, control: &str| Place { name: name.to_owned(), text, control: control.to_owned() };
    places.push(place("the log", process.output(), "TRACE"));
    places.push(place("metrics", process.metrics().await, "data_connector_"));
    places.push(place("audit list", app.cli(&["audit", "list", "--format", "json"]).await, "connector.tested"));
    places.push(place("the database", search::database(&app).await, CONTROL));
    let hits: Vec<String> = places.iter().flat_map(Place::hits).collect();
    assert!(hits.is_empty(), "{} hits:\n{}", hits.len(), hits.join("\n"));
    for place in &places {
        assert!(place.text.contains(&place.control), "{} has no `{}`: {}", place.name, place.control, place.text);
    }
    // Whoever reads the log must not be able to ask in their place either.
    let (_, log) = places
        .iter()
        .find(|place| place.name == "the log")
        .and_then(|place| place.text.split_once("listening on"))
        .expect("a log");
    assert!(!log.contains(api.token()), "a token is in the log");
}

#[tokio::test]
async fn no_route_answers_a_secret_on_sqlite() {
    no_route_answers_a_secret(TestApp::new()).await;
}

#[tokio::test]
async fn no_route_answers_a_secret_on_postgresql() {
    no_route_answers_a_secret(TestApp::new().with_postgres().await).await;
}
