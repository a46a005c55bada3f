//! The document of an exported collection becomes a collection.

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::mpsc;

use super::super::export::DOCUMENT;
use super::super::{Actor, Collection, Error, find, members, new_collection};
use super::{ImportOptions, import};
use crate::collections::problems::Problems;
use crate::store::Store;

/// Imports the document of an exported collection: a new collection with its records, or nothing.
///
/// # Errors
/// A document that is none, a name in use, records that do not fit, or the database.
pub async fn import_document(store: &Store, body: &Value, actor: &Actor) -> Result<Collection, Error> {
    let given = members(body)?;
    if given.get("type").and_then(Value::as_str) != Some(DOCUMENT) {
        return Err(Error::invalid("type", format!("must be `{DOCUMENT}`")));
    }
    let mut collection = match given.get("collection") {
        Some(Value::Object(map)) => map.clone(),
        _ => return Err(Error::invalid("collection", "must be an object")),
    };
    let records = match given.get("records") {
        Some(Value::Array(records)) => records.clone(),
        None | Some(Value::Null) => Vec::new(),
        _ => return Err(Error::invalid("records", "must be a list")),
    };
    let uuid = collection.get("uuid").and_then(Value::as_str).unwrap_or_default();
    if store.collections().find(uuid).await?.is_some_and(|found| found.uuid.eq_ignore_ascii_case(uuid)) {
        collection.remove("uuid");
    }
    let made = store.collections().create(new_collection(&collection)?, actor).await?;
    let filled = fill(store, &made, records, actor).await;
    if let Err(error) = filled {
        store.collections().remove(made.id, true, actor).await?;
        return Err(error);
    }
    find(store, &made.uuid).await
}

async fn fill(store: &Store, collection: &Collection, records: Vec<Value>, actor: &Actor) -> Result<(), Error> {
    let options = ImportOptions::parse([("format", "ndjson")], None)?;
    let (sender, source) = mpsc::channel(4);
    let feed = async move {
        for record in records {
            if sender.send(Ok(Bytes::from(format!("{record}\n")))).await.is_err() {
                break;
            }
        }
    };
    let work = import(store, collection.clone(), options, source, actor, |_| {});
    let ((), report) = tokio::join!(feed, work);
    let mut problems = Problems::default();
    for error in report?.errors {
        let field = error.field.unwrap_or_else(|| "data".to_owned());
        problems.add(format!("records.{}.{field}", error.record - 1), error.message);
    }
    Ok(problems.into_result()?)
}
