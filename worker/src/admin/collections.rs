//! Collections of records: what people, scripts and jobs do with them (COLLECTIONS). Doors hand in an [`Actor`], an optional
//! [`Idempotency`] and what was asked for, and get answers whose errors know their status.
//!
//! Lists, exports and imports are streams: none of them holds more than a few records in memory.

mod collection_list;
mod error;
mod export;
mod import;
mod in_process;
mod listing;
mod records;
mod requests;
mod selection;
mod sorted_ids;

use serde_json::{Map, Value, json};

use crate::collections::date::millisecond_text;
use crate::collections::definition::{self, Definition};
use crate::collections::problems::Problems;
use crate::store::Store;
use crate::store::collections::{CollectionError, NewCollection};

pub use crate::store::collections::{Actor, Collection, Idempotency, IfMatch, StoredRecord, Trail, Written};
pub use error::Error;
pub use export::{Export, ExportFormat, ExportOptions, document};
pub use import::{ImportFormat, ImportMode, ImportOptions, Source, import, import_document};
pub use in_process::{LocalCollections, OpenStore};
pub use listing::{ListQuery, Listing, Records, list_records};
pub use records::{Names, create, delete, etag, find_record, if_match, patch, record_json, replace, truncate};
pub use requests::{Answer, BASE, Body, Request, answer};

/// How long an operation waits for an import that is in its way.
const IMPORT_PATIENCE: std::time::Duration = std::time::Duration::from_mins(1);

/// A collection as the API shows it.
pub fn to_json(collection: &Collection) -> Map<String, Value> {
    let mut map = Map::new();
    map.insert("id".to_owned(), collection.id.into());
    map.insert("uuid".to_owned(), collection.uuid.clone().into());
    map.insert("name".to_owned(), collection.name.clone().into());
    map.extend(collection.rules.definition().to_json());
    map.insert("connector_id".to_owned(), collection.connector_id.into());
    map.insert("records_count".to_owned(), collection.records.into());
    map.insert("created_at".to_owned(), millisecond_text(collection.created_at).into());
    map.insert("updated_at".to_owned(), millisecond_text(collection.updated_at).into());
    map
}

/// What a record says of its collection.
pub fn embedded(collection: &Collection) -> Value {
    let definition = collection.rules.definition().to_json();
    let screen = |name: &str| definition.get(name).cloned().unwrap_or_default();
    json!({
        "id": collection.id, "uuid": collection.uuid, "name": collection.name,
        "create_screen_id": screen("create_screen_id"), "read_screen_id": screen("read_screen_id"),
        "update_screen_id": screen("update_screen_id"),
    })
}

/// The collection of a reference: uuid before number before name.
///
/// # Errors
/// When there is none, or the database cannot be reached.
pub async fn find(store: &Store, reference: &str) -> Result<Collection, Error> {
    let found = store.collections().find(reference).await?;
    found.ok_or_else(|| Error::NotFound(format!("there is no collection `{reference}`")))
}

/// All collections, by id.
///
/// # Errors
/// When the database cannot be reached.
pub async fn all(store: &Store) -> Result<Vec<Collection>, Error> {
    Ok(store.collections().list().await?)
}

/// Makes a collection, and its connector.
///
/// # Errors
/// What of the body cannot be used, by path; or the database cannot be reached.
pub async fn make(store: &Store, body: &Value, actor: &Actor) -> Result<Collection, Error> {
    let new = new_collection(members(body)?)?;
    let made = store.collections().create(new, actor).await?;
    // What its connector is listed by.
    store.connectors().index().await?;
    Ok(made)
}

fn new_collection(given: &Map<String, Value>) -> Result<NewCollection, Error> {
    let (name, definition) = (definition::name(given, true), Definition::default().updated(given));
    let uuid = match given.get("uuid") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => match uuid::Uuid::parse_str(text) {
            Ok(uuid) => Ok(Some(uuid.to_string())),
            Err(_) => Err(Problems::one("uuid", "must be a UUID")),
        },
        Some(_) => Err(Problems::one("uuid", "must be a UUID")),
    };
    let mut problems = Problems::default();
    for found in [name.as_ref().err(), definition.as_ref().err(), uuid.as_ref().err()].into_iter().flatten() {
        found.iter().for_each(|(path, problem)| problems.add(path, problem));
    }
    problems.into_result()?;
    Ok(NewCollection { uuid: uuid?, name: name?.unwrap_or_default(), definition: definition? })
}

/// Changes a collection: absent members stay, computed ones are ignored. New columns and a new schema go over its records.
///
/// # Errors
/// What of the body cannot be used, by path; records that do not fit; or the database cannot be reached.
pub async fn update(store: &Store, collection: &Collection, body: &Value, actor: &Actor) -> Result<(), Error> {
    let given = members(body)?;
    let name = definition::name(given, false)?;
    let patience = ImportPatience::new();
    loop {
        match store.collections().update(collection.id, name.clone(), given, actor).await {
            Err(error) => patience.wait(store, error).await?,
            Ok(()) => return Ok(store.connectors().index().await?),
        }
    }
}

/// Removes a collection with its records and its connector.
///
/// # Errors
/// When a deployed model uses it and this is not `forced`, or the database cannot be reached.
pub async fn remove(store: &Store, collection: &Collection, forced: bool, actor: &Actor) -> Result<(), Error> {
    Ok(store.collections().remove(collection.id, forced, actor).await?)
}

/// An object, for which PHP may have written `[]`.
fn members(body: &Value) -> Result<&Map<String, Value>, Error> {
    static NONE: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
    match body {
        Value::Object(map) => Ok(map),
        Value::Array(list) if list.is_empty() => Ok(&NONE),
        _ => Err(Error::NoObject("the body must be a JSON object".to_owned())),
    }
}

/// Waiting for an import that is in the way of something.
struct ImportPatience {
    until: tokio::time::Instant,
}

impl ImportPatience {
    fn new() -> Self {
        Self { until: tokio::time::Instant::now() + IMPORT_PATIENCE }
    }

    /// Waits before another try, and helps the import to its end.
    ///
    /// # Errors
    /// What ended the last try, unless it is worth another one.
    async fn wait(&self, store: &Store, error: CollectionError) -> Result<(), Error> {
        if !matches!(error, CollectionError::Busy) || tokio::time::Instant::now() >= self.until {
            return Err(error.into());
        }
        if !store.collections().settle().await? {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        Ok(())
    }
}
