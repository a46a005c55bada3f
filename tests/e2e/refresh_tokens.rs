//! A refresh token that is replaced at every use, and workers that are killed while they use it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use harness::engine::Engine;
use harness::eventually;
use harness::test_app::{TestApp, job};
use harness::third_party::{Reply, Seen, ThirdParty};
use serde_json::json;
use tokio::sync::oneshot::{self, error::TryRecvError};
use tokio::task::JoinHandle;

const KILLS: usize = 10;

/// An authorization server that replaces the refresh token at every use. It accepts the previous one too, since a client that died
/// before it stored the new one has no other; after any older one it rejects every request.
#[derive(Debug, Default)]
struct Rotation {
    current: usize,
    before: Option<usize>,
    uses: usize,
    repeated: usize,
    closed: bool,
}

impl Rotation {
    fn answer(&mut self, request: &Seen) -> Reply {
        let token = request.body.split('&').find_map(|pair| pair.strip_prefix("refresh_token=refresh-"));
        let token = token.and_then(|number| number.parse::<usize>().ok());
        let is_known = token == Some(self.current) || (token.is_some() && token == self.before);
        self.uses += 1;
        self.repeated += usize::from(token != Some(self.current));
        self.closed |= !is_known;
        if self.closed {
            return Reply::status(400, &json!({"error": "invalid_grant"}));
        }
        (self.before, self.current) = (token, self.current + 1);
        let given = json!({"access_token": format!("access-{}", self.current), "expires_in": 0.2,
            "refresh_token": format!("refresh-{}", self.current)});
        // Long enough for a worker to be killed in between.
        Reply::json(&given).after(Duration::from_millis(60))
    }
}

/// Publishes jobs, so that workers always need a token, until the sender is dropped; the task returns their number.
async fn feed(app: &TestApp) -> (oneshot::Sender<()>, JoinHandle<usize>) {
    let feeder = Engine::connect(app.broker(), app.prefix(), "feeder").await;
    let (stop, mut stopped) = oneshot::channel();
    let feeding = tokio::spawn(async move {
        let mut published = 0;
        while stopped.try_recv() == Err(TryRecvError::Empty) {
            published += 1;
            feeder.publish(&job(&format!("j{published}"), "r", &[], json!({}))).await;
            tokio::time::sleep(Duration::from_millis(15)).await;
        }
        published
    });
    (stop, feeding)
}

async fn never_locked_out(app: TestApp) {
    let rotation = Arc::<Mutex<Rotation>>::default();
    let server = Arc::clone(&rotation);
    let third_party = ThirdParty::start(move |seen, _| match seen.path.as_str() {
        "/token" => server.lock().unwrap_or_else(PoisonError::into_inner).answer(seen),
        _ if seen.header("authorization").starts_with("Bearer access-") => Reply::json(&json!({})),
        _ => Reply::status(403, &json!({})),
    })
    .await;
    let uses = || rotation.lock().unwrap_or_else(PoisonError::into_inner).uses;
    let credentials = json!({"url": third_party.url("/token"), "client_id": "me", "refresh_token": "refresh-0"});
    app.cli(&["migrate"]).await;
    app.import_connectors(&json!([{"name": "API", "authtype": "OAUTH2_REFRESH", "credentials": credentials,
            "endpoints": {"r": {"url": third_party.url("/"), "method": "PUT"}}}]))
        .await;
    let config = app.file("config.toml", "[worker]\nlease = 5\n").display().to_string();
    let arguments = ["--config", config.as_str()];
    let mut engine = app.engine().await;

    // The first dies after the response and before it stored the token, so that the next one repeats; the others at any time.
    engine.publish(&job("j0", "r", &[], json!({}))).await;
    let mut first = app.worker_with(&arguments, &[("DATA_CONNECTOR_FAULT", "answered=die@1")]).await;
    first.ended().await;
    let mut workers = vec![app.worker(&arguments).await, app.worker(&arguments).await];
    let (stop, feeding) = feed(&app).await;
    for _ in 0..KILLS {
        let before = uses();
        eventually("a token request", || async { (uses() > before).then_some(()) }).await;
        tokio::time::sleep(Duration::from_millis(fastrand::u64(0..100))).await;
        workers.remove(0).kill().await;
        workers.push(app.worker(&arguments).await);
    }
    drop(stop);
    for _ in 0..=feeding.await.expect("a feeder") {
        let result = engine.result().await;
        assert_eq!(result.status(), "completed", "{:#}", result.body);
    }
    let seen = rotation.lock().unwrap_or_else(PoisonError::into_inner);
    assert!(!seen.closed && seen.uses > 2 * KILLS, "{seen:?}");
    assert!((1..=KILLS + 1).contains(&seen.repeated), "no more repeats than killed workers: {seen:?}");
}

#[tokio::test]
async fn workers_that_are_killed_are_never_locked_out_on_sqlite() {
    never_locked_out(TestApp::new()).await;
}

#[tokio::test]
async fn workers_that_are_killed_are_never_locked_out_on_postgresql() {
    never_locked_out(TestApp::new().with_postgres().await).await;
}
