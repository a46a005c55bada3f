//! Connecting accounts of third parties (API 8), with an authorization server that holds the product to PKCE and to rotation.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use harness::api::{Answer, Api, browse};
use harness::test_app::TestApp;
use harness::third_party::{Reply, Seen, ThirdParty};
use serde_json::{Value, json};

/// All secrets that the server gives out begin with it.
const CANARY: &str = "canary-7d31fa";
const SECRET: &str = "canary-client-7d31fa";

type Form = HashMap<String, String>;

/// An authorization server: each code is good once and with its verifier, each refresh token once.
#[derive(Debug, Default)]
struct Server {
    /// What codes were asked for with.
    codes: HashMap<String, Form>,
    given: usize,
    refuses: bool,
    without_refresh: bool,
}

fn form(text: &str) -> Form {
    let decoded = |text: &str| {
        let mut bytes = Vec::new();
        let mut rest = text.as_bytes().iter();
        while let Some(byte) = rest.next() {
            match byte {
                b'+' => bytes.push(b' '),
                b'%' => {
                    let digits: String = rest.by_ref().take(2).map(|digit| char::from(*digit)).collect();
                    bytes.push(u8::from_str_radix(&digits, 16).expect("an escape"));
                }
                other => bytes.push(*other),
            }
        }
        String::from_utf8(bytes).expect("a text")
    };
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (decoded(name), decoded(value))).collect()
}

impl Server {
    fn answer(&mut self, seen: &Seen) -> Reply {
        let (path, query) = seen.path.split_once('?').unwrap_or((&seen.path, ""));
        match path {
            "/authorize" => self.authorize(form(query)),
            "/token" => self.token(&form(&seen.body)),
            _ if seen.header("authorization") == format!("Bearer {CANARY}-access-{}", self.given) => {
                Reply::json(&json!({"account": "ada"}))
            }
            _ => Reply::status(401, &json!({})),
        }
    }

    /// The person agrees at once.
    fn authorize(&mut self, asked: Form) -> Reply {
        let code = format!("{CANARY}-code-{}", self.codes.len());
        let back = format!("{}?code={code}&state={}", asked["redirect_uri"], asked["state"]);
        self.codes.insert(code, asked);
        Reply::status(302, &json!({})).with("location", &back)
    }

    fn token(&mut self, asked: &Form) -> Reply {
        let is_client = asked.get("client_id").is_some_and(|id| id == "me")
            && asked.get("client_secret").is_some_and(|secret| secret == SECRET);
        let is_good = match asked.get("grant_type").map(String::as_str) {
            Some("authorization_code") => self.codes.remove(&asked["code"]).is_some_and(|given| {
                let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, asked["code_verifier"].as_bytes()));
                given["code_challenge"] == challenge
                    && given["code_challenge_method"] == "S256"
                    && given["redirect_uri"] == asked["redirect_uri"]
            }),
            Some("refresh_token") => asked["refresh_token"] == format!("{CANARY}-refresh-{}", self.given),
            _ => false,
        };
        if self.refuses || !is_client || !is_good {
            let echoed = json!({"error": "invalid_grant", "error_description": format!("{asked:?}")});
            return Reply::status(400, &echoed);
        }
        self.given += 1;
        let mut given = json!({"access_token": format!("{CANARY}-access-{}", self.given), "token_type": "Bearer"});
        if !self.without_refresh {
            given["refresh_token"] = json!(format!("{CANARY}-refresh-{}", self.given));
            given["expires_in"] = json!(1);
            given["scope"] = json!("read");
        }
        Reply::json(&given)
    }
}

struct Stage {
    app: TestApp,
    server: Arc<Mutex<Server>>,
    third_party: ThirdParty,
}

impl Stage {
    async fn new(app: TestApp) -> Self {
        let server = Arc::<Mutex<Server>>::default();
        let answering = Arc::clone(&server);
        let third_party =
            ThirdParty::start(move |seen, _| answering.lock().unwrap_or_else(PoisonError::into_inner).answer(seen))
                .await;
        Self { app, server, third_party }
    }

    fn server(&self) -> std::sync::MutexGuard<'_, Server> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn record(&self) -> Value {
        json!({
            "name": "Calendar", "authtype": "OAUTH2_AUTHORIZATION_CODE",
            "credentials": {
                "authorize_url": self.third_party.url("/authorize?prompt=consent"), "url": self.third_party.url("/token"),
                "client_id": "me", "client_secret": SECRET, "scope": "read offline", "audience": "calendar",
            },
            "endpoints": {"r": {"url": self.third_party.url("/r"), "method": "GET"}},
        })
    }

    /// A process with the connector `Calendar`.
    async fn product(&self) -> (harness::process::Running, Api) {
        let (process, api) = self.app.serve(&["serve"]).await;
        assert_eq!(api.post("/data_sources", &self.record()).await.status, 201);
        (process, api)
    }
}

async fn run(api: &Api) -> Answer {
    api.post("/requests/data_sources/Calendar", &json!({"config": {"endpoint": "r"}})).await
}

/// Where a browser has to go.
async fn sent_away(api: &Api, body: &Value) -> String {
    let answer = api.post("/data_sources/Calendar/connect", body).await;
    assert_eq!((answer.status, &answer.json()["expires_in"]), (200, &json!(600)), "{}", answer.body);
    answer.json()["authorize_url"].as_str().expect("a URL").to_owned()
}

/// Where a browser comes back to, once the person has agreed.
async fn agreed(url: &str) -> String {
    let answer = browse(url).await;
    assert_eq!(answer.status, 302, "{url}: {}", answer.body);
    answer.header("location").to_owned()
}

/// The whole way.
async fn connected(api: &Api) -> Answer {
    browse(&agreed(&sent_away(api, &json!({})).await).await).await
}

fn is_page(answer: &Answer, status: u16, text: &str) {
    assert_eq!(answer.status, status, "{}", answer.body);
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    assert!(answer.header("content-security-policy").contains("sandbox"));
    assert!(answer.body.contains(text) && !answer.body.contains(CANARY), "{}", answer.body);
}

/// The files of the product, of which SQLite's is one, hold no secret in clear.
fn is_sealed(app: &TestApp) {
    for entry in std::fs::read_dir(app.path("data-connector")).into_iter().flatten().flatten() {
        let bytes = std::fs::read(entry.path()).unwrap_or_default();
        let found = bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes());
        assert!(!found, "{}", entry.path().display());
    }
}

async fn an_account_is_connected_used_and_forgotten(app: TestApp) {
    let stage = Stage::new(app).await;
    let (process, api) = stage.product().await;
    let nobody = json!({"connected": false, "connected_at": null, "scope": null});
    assert_eq!(api.get("/data_sources/Calendar/account").await.json(), nobody);
    let before = run(&api).await;
    assert_eq!((before.status, before.json()["code"].as_str()), (502, Some("AUTH")), "{}", before.body);
    assert!(before.body.contains("no account is connected"), "{}", before.body);

    let url = sent_away(&api, &json!({})).await;
    let asked = form(url.split_once('?').expect("a query").1);
    let callback = format!("{}/api/1.0/oauth/callback", api.base());
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "me"),
        ("redirect_uri", callback.as_str()),
        ("scope", "read offline"),
        ("audience", "calendar"),
        ("code_challenge_method", "S256"),
        ("prompt", "consent"),
    ] {
        assert_eq!(asked.get(name).map(String::as_str), Some(value), "{url}");
    }
    assert_eq!((asked["state"].len(), asked["code_challenge"].len()), (43, 43), "256 bits each");
    let back = agreed(&url).await;
    is_page(&browse(&back).await, 200, "The account is connected");
    let account = api.get("/data_sources/Calendar/account").await.json();
    assert_eq!((&account["connected"], &account["scope"]), (&json!(true), &json!("read")), "what was granted");
    assert!(account["connected_at"].as_str().is_some_and(|at| at.ends_with('Z')));
    // The access token lives for a second: each use renews it, and other processes go on with what this one stored.
    for _ in 0..2 {
        let good = run(&api).await;
        assert_eq!((good.status, &good.json()["response"]), (200, &json!({"account": "ada"})), "{}", good.body);
        let tested = stage.app.cli(&["connectors", "test", "Calendar", "r"]).await;
        assert!(tested.contains("ada"), "{tested}");
        tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    }
    assert!(stage.server().given > 1, "it was renewed");
    is_page(&browse(&back).await, 400, "not connected");
    assert_eq!(run(&api).await.status, 200, "the account is still there");

    // What is no OAuth setting may be changed; a changed scope needs another consent.
    let keeping = json!({"name": "Calendar", "credentials": {
        "authorize_url": "********", "url": "********", "client_id": "********", "client_secret": SECRET,
        "scope": "read offline", "audience": "********", "hosts": ["127.0.0.1"],
    }});
    assert_eq!(api.put("/data_sources/Calendar", &keeping).await.status, 204);
    assert_eq!(run(&api).await.status, 200, "the account is still there");
    assert_eq!(api.get("/data_sources/Calendar/account").await.json()["connected"], json!(true));

    assert_eq!(api.delete("/data_sources/Calendar/account").await.status, 204);
    assert_eq!(api.get("/data_sources/Calendar/account").await.json(), nobody);
    assert_eq!(api.delete("/data_sources/Calendar/account").await.status, 204);
    assert_eq!(run(&api).await.status, 502);

    let audit = api.get("/audit?per_page=50").await;
    let rows: Vec<Value> = audit.json()["data"].as_array().expect("rows").clone();
    let of = |action: &str| rows.iter().filter(|row| row["action"] == action).count();
    assert_eq!((of("account.connected"), of("account.disconnected")), (1, 1), "{}", audit.body);
    let row = rows.iter().find(|row| row["action"] == "account.connected").expect("a row");
    let uuid = api.get("/data_sources/Calendar").await.json()["uuid"].clone();
    assert_eq!((&row["target"], &row["actor"]), (&uuid, &json!("token:1")));
    for text in [audit.body, process.output()] {
        for secret in [CANARY, SECRET, asked["state"].as_str()] {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
    }
    is_sealed(&stage.app);
}

#[tokio::test]
async fn an_account_is_connected_used_and_forgotten_on_sqlite() {
    an_account_is_connected_used_and_forgotten(TestApp::new()).await;
}

#[tokio::test]
async fn an_account_is_connected_used_and_forgotten_on_postgresql() {
    an_account_is_connected_used_and_forgotten(TestApp::new().with_postgres().await).await;
}

#[tokio::test]
async fn a_token_without_an_end_is_used_until_it_is_refused() {
    let stage = Stage::new(TestApp::new()).await;
    let (_process, api) = stage.product().await;
    stage.server().without_refresh = true;
    is_page(&connected(&api).await, 200, "The account is connected");
    assert_eq!(api.get("/data_sources/Calendar/account").await.json()["scope"], json!("read offline"));
    assert_eq!((run(&api).await.status, run(&api).await.status), (200, 200));
    stage.server().given += 1;
    let refused = run(&api).await;
    assert_eq!((refused.status, refused.header("x-upstream-status")), (502, ""), "{}", refused.body);
    assert!(refused.body.contains("connect the account again"), "{}", refused.body);
    stage.server().given -= 1;
    is_page(&connected(&api).await, 200, "The account is connected");
    assert_eq!(run(&api).await.status, 200, "at once, with the account that was connected now");
}

async fn nobody_is_connected_who_should_not_be(app: TestApp) {
    let stage = Stage::new(app).await;
    let (process, api) = stage.product().await;
    let callback = format!("{}/api/1.0/oauth/callback", api.base());
    for query in ["", "?code=x", "?state=&code=x", "?state=unknown&code=x", "?error=access_denied"] {
        is_page(&browse(&format!("{callback}{query}")).await, 400, "not connected");
    }
    assert_eq!(stage.third_party.seen().len(), 0, "nothing was asked");

    // The person refuses, or the server gives nothing: the state is used up.
    for replaced in ["&error=access_denied", ""] {
        let back = agreed(&sent_away(&api, &json!({})).await).await;
        let (url, state) =
            (back.split_once('?').expect("a query").0, &form(back.split_once('?').expect("a query").1)["state"]);
        is_page(&browse(&format!("{url}?state={state}{replaced}")).await, 400, "not connected");
        is_page(&browse(&back).await, 400, "not connected");
    }
    // The exchange is refused; what the server says of it is no secret's way out.
    stage.server().refuses = true;
    is_page(&connected(&api).await, 400, "not connected");
    stage.server().refuses = false;
    // Other settings than those that it was asked for with.
    for change in [json!({"scope": "all"}), json!({"client_id": "you"}), json!({"hosts": ["127.0.0.1"]})] {
        let back = agreed(&sent_away(&api, &json!({})).await).await;
        let mut credentials = stage.record()["credentials"].clone();
        credentials.as_object_mut().expect("members").extend(change.as_object().expect("members").clone());
        assert_eq!(api.put("/data_sources/Calendar", &json!({"credentials": credentials})).await.status, 204);
        is_page(&browse(&back).await, 400, "not connected");
        assert_eq!(
            api.put("/data_sources/Calendar", &json!({"credentials": stage.record()["credentials"]})).await.status,
            204
        );
    }
    // Whoever asked may not do so any more, or never might.
    let manager = api.with_scopes(&["manage"], &["Calendar"]).await;
    let back = agreed(&sent_away(&manager, &json!({})).await).await;
    let id = manager.get("/me").await.json()["id"].clone();
    assert_eq!(api.delete(&format!("/tokens/{id}")).await.status, 204);
    is_page(&browse(&back).await, 400, "not connected");
    let reader = api.with_scopes(&["read"], &[]).await;
    assert_eq!(reader.post("/data_sources/Calendar/connect", &json!({})).await.status, 403);
    assert_eq!(reader.delete("/data_sources/Calendar/account").await.status, 403);
    assert_eq!(reader.get("/data_sources/Calendar/account").await.status, 200);
    assert_eq!(api.with(None).post("/data_sources/Calendar/connect", &json!({})).await.status, 401);
    assert_eq!(api.post("/data_sources/nobody/connect", &json!({})).await.status, 404);
    // Later than ten minutes.
    if stage.app.database().is_some() {
        let back = agreed(&sent_away(&api, &json!({})).await).await;
        stage.app.sql("UPDATE account_requests SET created_at = created_at - 600001").await;
        is_page(&browse(&back).await, 400, "not connected");
    }
    // The connector is gone.
    let back = agreed(&sent_away(&api, &json!({})).await).await;
    assert_eq!(api.delete("/data_sources/Calendar").await.status, 204);
    is_page(&browse(&back).await, 400, "not connected");

    assert_eq!(stage.server().given, 0, "no tokens were given");
    let log = process.output();
    assert!(log.contains("an account was not connected"), "{log}");
    assert!(!log.contains(CANARY) && !log.contains(SECRET), "{log}");
    let audit = api.get("/audit?per_page=50").await.body;
    assert!(!audit.contains("account.connected") && !audit.contains(CANARY), "{audit}");
}

#[tokio::test]
async fn nobody_is_connected_who_should_not_be_on_sqlite() {
    nobody_is_connected_who_should_not_be(TestApp::new()).await;
}

#[tokio::test]
async fn nobody_is_connected_who_should_not_be_on_postgresql() {
    nobody_is_connected_who_should_not_be(TestApp::new().with_postgres().await).await;
}

#[tokio::test]
async fn a_browser_is_sent_back_to_a_page_of_ours_only() {
    let stage = Stage::new(TestApp::new()).await;
    let variables = [
        ("DATA_CONNECTOR__API__PUBLIC_URL", "https://hub.example"),
        ("DATA_CONNECTOR__API__CORS_ORIGINS", "https://screens.example,*"),
    ];
    let (_process, api) = stage.app.serve_with(&["serve"], &variables).await;
    assert_eq!(api.post("/data_sources", &stage.record()).await.status, 201);
    for elsewhere in [json!("https://evil.example/"), json!(format!("{}/x", api.base())), json!("/x"), json!(7)] {
        let refused = api.post("/data_sources/Calendar/connect", &json!({"return_url": elsewhere})).await;
        assert_eq!(refused.status, 422, "{}", refused.body);
        assert!(refused.json()["errors"]["return_url"].is_array(), "{}", refused.body);
    }
    let here = |back: &str| back.replacen("https://hub.example", api.base(), 1);
    for (page, expected) in [
        ("https://hub.example/connectors/1?tab=x", "https://hub.example/connectors/1?tab=x&connected="),
        ("https://screens.example/", "https://screens.example/?connected="),
    ] {
        let back = agreed(&sent_away(&api, &json!({"return_url": page})).await).await;
        assert!(back.starts_with("https://hub.example/api/1.0/oauth/callback?"), "{back}");
        let good = browse(&here(&back)).await;
        assert_eq!((good.status, good.header("location")), (303, format!("{expected}1").as_str()));
        let again = browse(&here(&back)).await;
        assert_eq!((again.status, again.header("location")), (303, format!("{expected}0").as_str()));
        assert!(!good.body.contains(CANARY) && good.header("referrer-policy") == "no-referrer");
    }
}

#[tokio::test]
async fn what_cannot_be_connected_says_so() {
    let stage = Stage::new(TestApp::new()).await;
    let (_process, api) = stage.product().await;
    let basic = json!({"name": "Other", "authtype": "BASIC", "credentials": {"username": "u", "password": "p"}});
    assert_eq!(api.post("/data_sources", &basic).await.status, 201);
    let mut incomplete = stage.record();
    (incomplete["name"], incomplete["credentials"]["client_id"]) = (json!("Incomplete"), json!("********"));
    assert_eq!(api.post("/data_sources?incomplete=1", &incomplete).await.status, 201);
    for (name, field) in [("Other", "authtype"), ("Incomplete", "credentials.client_id")] {
        let refused = api.post(&format!("/data_sources/{name}/connect"), &json!({})).await;
        assert_eq!(refused.status, 422, "{}", refused.body);
        assert!(refused.json()["errors"][field].is_array(), "{}", refused.body);
        let account = api.get(&format!("/data_sources/{name}/account")).await.json();
        assert_eq!(account, json!({"connected": false, "connected_at": null, "scope": null}));
        assert_eq!(api.delete(&format!("/data_sources/{name}/account")).await.status, 204);
    }
    for (member, value) in [("authorize_url", "javascript:alert(1)"), ("url", "nowhere")] {
        let mut record = stage.record();
        (record["name"], record["credentials"][member]) = (json!("Bad"), json!(value));
        let refused = api.post("/data_sources", &record).await;
        assert_eq!(refused.status, 422, "{}", refused.body);
        assert!(refused.json()["errors"][format!("credentials.{member}")].is_array(), "{}", refused.body);
    }
    // The exchange passes the guard.
    let mut private = stage.record();
    (private["name"], private["credentials"]["url"]) = (json!("Private"), json!("http://10.255.0.1/token"));
    assert_eq!(api.post("/data_sources", &private).await.status, 201);
    let url = api.post("/data_sources/Private/connect", &json!({})).await.json()["authorize_url"].clone();
    let back = agreed(url.as_str().expect("a URL")).await;
    is_page(&browse(&back).await, 400, "not connected");
    assert_eq!(api.get("/data_sources/Private/account").await.json()["connected"], json!(false));
    // No bytes are an empty object.
    let none = harness::api::sent(api.request("POST", "/data_sources/Calendar/connect")).await;
    assert_eq!(none.status, 200, "{}", none.body);
}
