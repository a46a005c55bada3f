//! Collections of records, on both databases.

mod imports;
mod lists;
mod plans;
mod signals;
mod writes;

use serde_json::{Map, Value, json};

use super::test_store::TestStore;
use crate::admin::collections::{
    self as admin, Actor, Collection, Error, Idempotency, ImportOptions, StoredRecord, Trail,
};
use crate::collections::report::Report;
use crate::store::Store;

fn actor() -> Actor {
    Actor { id: "token:7".to_owned(), name: Some("Ada".to_owned()), trail: Some(Trail::default()) }
}

async fn made(store: &Store, definition: Value) -> Collection {
    admin::make(store, &definition, &actor()).await.unwrap()
}

async fn created(store: &Store, collection: &Collection, data: Value) -> Result<StoredRecord, Error> {
    admin::create(store, collection, &json!({"data": data}), (&actor(), None)).await.map(|written| written.record)
}

/// The paths of a refusal.
fn paths<T: std::fmt::Debug>(refused: Result<T, Error>) -> Vec<String> {
    match refused {
        Err(Error::Invalid(problems)) => problems.iter().map(|(path, _)| path.to_owned()).collect(),
        other => panic!("{other:?}"),
    }
}

/// A list as the API shows it.
async fn listed(store: &Store, collection: &Collection, query: &[(&str, &str)]) -> Value {
    let collection = admin::find(store, &collection.uuid).await.unwrap();
    let query = admin::ListQuery::parse(query.iter().copied()).unwrap();
    let mut listing = admin::list_records(store, collection, query, "/p").await.unwrap();
    let mut text = Vec::new();
    while let Some(part) = listing.next().await.unwrap() {
        text.extend_from_slice(&part);
    }
    serde_json::from_slice(&text).unwrap()
}

/// The ids of a list, and its total.
async fn ids(store: &Store, collection: &Collection, query: &[(&str, &str)]) -> (Vec<i64>, u64) {
    let listed = listed(store, collection, query).await;
    let ids = listed["data"].as_array().unwrap().iter().map(|record| record["id"].as_i64().unwrap()).collect();
    (ids, listed["meta"]["total"].as_u64().unwrap())
}

async fn imported(
    store: &Store,
    collection: &Collection,
    parameters: &[(&str, &str)],
    file: &[u8],
) -> Result<Report, Error> {
    let options = ImportOptions::parse(parameters.iter().copied(), Some("text/csv"))?;
    let (sender, source) = tokio::sync::mpsc::channel(1_000);
    for piece in file.chunks(1_000) {
        sender.send(Ok(bytes::Bytes::copy_from_slice(piece))).await.unwrap();
    }
    drop(sender);
    admin::import(store, collection.clone(), options, source, &actor(), |_| {}).await
}

async fn settled(store: &Store) {
    while store.collections().settle().await.unwrap() {}
}

async fn data_of(store: &Store, collection: &Collection, id: i64) -> Value {
    let collection = admin::find(store, &collection.uuid).await.unwrap();
    admin::find_record(store, &collection, &id.to_string()).await.unwrap().data
}

fn key(text: &str, body: &Value) -> Idempotency {
    Idempotency::new("token:7", text, "POST", "/p", body.to_string().as_bytes())
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("{other}"),
    }
}

/// Rows of a table, all collections together.
async fn rows(fixture: &TestStore) -> i64 {
    fixture
        .number(
            "SELECT (SELECT COUNT(*) FROM collection_records) + (SELECT COUNT(*) FROM collection_index)
            + (SELECT COUNT(*) FROM collection_unique) + (SELECT COUNT(*) FROM collection_imports)
            + (SELECT COUNT(*) FROM collection_remains)",
        )
        .await
}
