//! Single records.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::{Actor, Collection, Error, Idempotency, IfMatch, StoredRecord, Written};
use crate::collections::date::millisecond_text;
use crate::collections::rules::data_in;
use crate::store::Store;

/// The names of those who write records, by actor.
#[derive(Debug, Clone, Default)]
pub struct Names(HashMap<String, String>);

impl Names {
    /// All names that are known.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn of(store: &Store) -> Result<Self, Error> {
        Ok(Self(store.collections().actor_names().await?))
    }

    fn actor(&self, id: &str) -> Value {
        json!({"id": id, "name": self.0.get(id).map_or(id, String::as_str)})
    }
}

/// A record as the API shows it.
pub fn record_json(collection: &Collection, record: &StoredRecord, names: &Names) -> Map<String, Value> {
    let title = record.data.as_object().map(|data| collection.rules.title(data)).unwrap_or_default();
    let members = [
        ("id", record.id.into()),
        ("collection_id", collection.id.into()),
        ("title", title.into()),
        ("data", record.data.clone()),
        ("version", record.version.into()),
        ("created_by_id", record.created_by.clone().into()),
        ("updated_by_id", record.updated_by.clone().into()),
        ("created_by", names.actor(&record.created_by)),
        ("updated_by", names.actor(&record.updated_by)),
        ("created_at", millisecond_text(record.created_at).into()),
        ("updated_at", millisecond_text(record.updated_at).into()),
    ];
    members.map(|(name, value): (&str, Value)| (name.to_owned(), value)).into_iter().collect()
}

/// The `ETag` of a record.
pub fn etag(record: &StoredRecord) -> String {
    format!("\"{}\"", record.version)
}

/// What an `If-Match` header asks for. Weak tags and others that no record has never match.
pub fn if_match(header: &str) -> IfMatch {
    let tags: Vec<&str> = header.split(',').map(str::trim).collect();
    if tags.contains(&"*") {
        return IfMatch::Any;
    }
    let version = |tag: &&str| {
        let text = tag.strip_prefix('"')?.strip_suffix('"')?;
        text.parse::<i64>().ok().filter(|version| version.to_string() == text)
    };
    IfMatch::Versions(tags.iter().filter_map(version).collect())
}

/// A record's id as it stands in a path: one that is no number is nowhere.
fn id_in(text: &str) -> Result<i64, Error> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number).ok_or_else(|| Error::NotFound(format!("there is no record `{text}`")))
}

/// A record by its id as it stands in a path.
///
/// # Errors
/// When there is none, or the database cannot be reached.
pub async fn find_record(store: &Store, collection: &Collection, id: &str) -> Result<StoredRecord, Error> {
    let found = store.collections().record(collection, id_in(id)?).await?;
    found.ok_or_else(|| Error::NotFound(format!("collection `{}` has no record {id}", collection.name)))
}

/// Makes a record from a body `{"data": …}`.
///
/// # Errors
/// What does not fit, by path; or the database cannot be reached.
pub async fn create(
    store: &Store,
    collection: &Collection,
    body: &Value,
    (actor, request): (&Actor, Option<&Idempotency>),
) -> Result<Written, Error> {
    Ok(store.collections().insert(collection.id, data_in(body)?, actor, request).await?)
}

/// Replaces the data of a record.
///
/// # Errors
/// As of [`create`]; when there is no such record, or `if_match` does not name its version.
pub async fn replace(
    store: &Store,
    (collection, id): (&Collection, &str),
    body: &Value,
    (actor, request): (&Actor, Option<&Idempotency>),
    if_match: Option<&IfMatch>,
) -> Result<Written, Error> {
    let (place, data) = ((collection.id, id_in(id)?), data_in(body)?);
    Ok(store.collections().replace(place, data, (actor, request), if_match).await?)
}

/// Merges a patch (RFC 7396) into the data of a record.
///
/// # Errors
/// As of [`replace`].
pub async fn patch(
    store: &Store,
    (collection, id): (&Collection, &str),
    body: &Value,
    (actor, request): (&Actor, Option<&Idempotency>),
    if_match: Option<&IfMatch>,
) -> Result<Written, Error> {
    let (place, data) = ((collection.id, id_in(id)?), data_in(body)?);
    Ok(store.collections().merge(place, data, (actor, request), if_match).await?)
}

/// Removes a record for good.
///
/// # Errors
/// When there is no such record, `if_match` does not name its version, or the database cannot be reached.
pub async fn delete(
    store: &Store,
    (collection, id): (&Collection, &str),
    (actor, request): (&Actor, Option<&Idempotency>),
    if_match: Option<&IfMatch>,
) -> Result<Written, Error> {
    Ok(store.collections().delete((collection.id, id_in(id)?), (actor, request), if_match).await?)
}

/// Removes all records of a collection; whether the same request had been answered before.
///
/// # Errors
/// When an import takes longer than is waited for, or the database cannot be reached.
pub async fn truncate(
    store: &Store,
    collection: &Collection,
    (actor, request): (&Actor, Option<&Idempotency>),
) -> Result<bool, Error> {
    let patience = super::ImportPatience::new();
    loop {
        match store.collections().truncate(collection.id, actor, request).await {
            Err(error) => patience.wait(store, error).await?,
            Ok(is_replayed) => return Ok(is_replayed),
        }
    }
}
