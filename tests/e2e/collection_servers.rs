//! Several processes that serve the collections of one database, and one that dies in the middle of a change.

use std::time::Duration;

use futures_util::future::join_all;
use harness::api::{Answer, Api, sent};
use harness::test_app::TestApp;
use serde_json::{Value, json};

use crate::collections::{events, next_event};

const WRITERS: usize = 50;

fn statuses(answers: &[Answer], status: u16) -> usize {
    answers.iter().filter(|answer| answer.status == status).count()
}

async fn make(api: &Api, definition: &Value) {
    let made = api.post("/collections", definition).await;
    assert_eq!(made.status, 201, "{}", made.body);
}

#[tokio::test]
async fn two_servers_at_one_postgresql_are_one_to_their_writers() {
    let app = TestApp::new().with_postgres().await;
    let (_first, one) = app.serve(&["serve"]).await;
    let (_second, other) = app.serve(&["serve"]).await;
    let apis = [one.clone(), other.with(Some(one.token()))];
    let columns = json!([{"field": "data.k", "type": "string", "unique": true}]);
    make(&one, &json!({"name": "Shared", "columns": columns})).await;

    let post = |n: usize, key: Option<&'static str>| {
        let request = apis[n % 2].request("POST", "/collections/Shared/records");
        let request = key.into_iter().fold(request, |request, key| request.header("idempotency-key", key));
        sent(
            request
                .header("content-type", "application/json")
                .body(json!({"data": {"k": key.unwrap_or("same")}}).to_string()),
        )
    };
    let unique = join_all((0..WRITERS).map(|n| post(n, None))).await;
    assert_eq!((statuses(&unique, 201), statuses(&unique, 422)), (1, WRITERS - 1), "one value, one record");
    let keyed = join_all((0..20).map(|n| post(n, Some("once")))).await;
    let ids: Vec<Value> = keyed.iter().map(|answer| answer.json()["id"].clone()).collect();
    assert!(statuses(&keyed, 201) == 20 && ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(keyed.iter().filter(|answer| answer.header("idempotent-replayed") == "true").count(), 19);

    let patch = |n: usize| {
        let path = format!("/collections/Shared/records/{}", ids[0]);
        let api = apis[n % 2].clone();
        async move { api.send("PATCH", &path, &json!({"data": {format!("m{n}"): n}})).await }
    };
    let patched = join_all((0..WRITERS).map(patch)).await;
    assert_eq!(statuses(&patched, 200), WRITERS);
    let record = apis[1].get(&format!("/collections/Shared/records/{}", ids[0])).await.json();
    assert_eq!(record["version"], 1 + WRITERS, "{record}");
    assert!(
        (0..WRITERS).all(|n| record["data"][format!("m{n}")] == n),
        "patches of different members all survive: {record}"
    );

    // What one of them changes holds in the other at once.
    let renamed = apis[1].put("/collections/Shared", &json!({"name": "Renamed", "schema": {"required": ["z"]}})).await;
    assert_eq!(renamed.status, 422, "two records have no z: {}", renamed.body);
    assert!(renamed.json()["errors"]["schema"][0].as_str().is_some_and(|told| told.starts_with("2 stored records")));
    let columns = json!([{"field": "data.k", "type": "string"}]);
    assert_eq!(apis[1].put("/collections/Shared", &json!({"name": "Renamed", "columns": columns})).await.status, 204);
    let again = apis[0].post("/collections/Renamed/records", &json!({"data": {"k": "same"}})).await;
    assert_eq!(again.status, 201, "the column is not unique any more: {}", again.body);
}

#[tokio::test]
async fn a_server_that_dies_after_a_change_leaves_its_signal() {
    for database in ["sqlite", "postgres"] {
        let mut app = TestApp::new();
        if database == "postgres" {
            app = app.with_postgres().await;
        }
        let (mut dying, api) =
            app.serve_with(&["serve"], &[("DATA_CONNECTOR_FAULT", "collections changed=die@2")]).await;
        make(&api, &json!({"name": "Told", "signal_create": true, "signal_update": true, "signal_delete": true})).await;
        let (_connection, mut consumer) = events(&app).await;
        assert_eq!(api.post("/collections/Told/records", &json!({"data": {"n": 1}})).await.status, 201);
        let change = api.request("PATCH", "/collections/Told/records/1").header("idempotency-key", "k");
        let change = change.header("content-type", "application/json").body(json!({"data": {"n": 2}}).to_string());
        assert!(change.send().await.is_err(), "it died between the change and its answer");
        dying.ended().await;

        let (_process, restarted) = app.serve(&["serve"]).await;
        let api = restarted.with(Some(api.token()));
        let again = api.request("PATCH", "/collections/Told/records/1").header("idempotency-key", "k");
        let again =
            sent(again.header("content-type", "application/json").body(json!({"data": {"n": 2}}).to_string())).await;
        assert_eq!((again.status, again.header("idempotent-replayed")), (200, "true"), "{}", again.body);
        let mut told = Vec::new();
        while told.last().is_none_or(|event: &Value| event["record"]["version"] != 2) {
            let (_, event) = next_event(&mut consumer, Duration::from_mins(1)).await.expect("the signal of the change");
            told.push(event);
        }
        told.dedup_by_key(|event| event["id"].clone());
        let versions: Vec<&Value> = told.iter().map(|event| &event["record"]["version"]).collect();
        assert_eq!(versions, [1, 2], "one message a change, in order: {told:#?}");
        assert_eq!(told[1]["previous"], json!({"version": 1, "data": {"n": 1}}));
    }
}
