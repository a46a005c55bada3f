//! The connector that is made, renamed and removed with a collection (COLLECTIONS 5), in the same transaction.

use serde_json::{Map, Value, json};

use super::session::{Session, binds};
use crate::collections::problems::Problems;
use crate::store::Error;
use crate::store::categories::NEXT_ID;
use crate::store::connectors::CHANGED;

/// The category of all connectors that were made with a collection.
const CATEGORY: &str = "Generated";
const FIND_CATEGORY: &str = "SELECT id FROM data_source_categories WHERE name = $1";
const INSERT_CATEGORY: &str =
    "INSERT INTO data_source_categories (id, uuid, name, status, is_system, created_at, updated_at)
    VALUES ($1, $2, $3, 'ACTIVE', 1, $4, $4) ON CONFLICT (name) DO NOTHING";
const TAKEN: &str = "SELECT uuid FROM connectors WHERE name = $1";
const INSERT: &str = "INSERT INTO connectors (id, uuid, name, record, created_at, updated_at)
    SELECT COALESCE(MAX(id), 0) + 1, $1, $2, $3, $4, $4 FROM connectors";
const FIND: &str = "SELECT record FROM connectors WHERE uuid = $1";
const RENAME: &str =
    "UPDATE connectors SET name = $2, record = $3, version = version + 1, updated_at = $4 WHERE uuid = $1";
const REMOVE: &str = "DELETE FROM connectors WHERE uuid = $1";

/// The number of the category [`CATEGORY`], which is made where it is not there. Before connectors are locked, as in every change
/// of a category.
pub(super) async fn category(session: &mut Session, now: i64) -> Result<i64, Error> {
    if let Some((id,)) = session.row::<(i64,)>(FIND_CATEGORY, binds![CATEGORY]).await? {
        return Ok(id);
    }
    let (id,) = session.row::<(i64,)>(NEXT_ID, Vec::new()).await?.unwrap_or_default();
    let uuid = uuid::Uuid::new_v4().to_string();
    session.execute(INSERT_CATEGORY, binds![id, uuid, CATEGORY, now]).await?;
    Ok(session.row::<(i64,)>(FIND_CATEGORY, binds![CATEGORY]).await?.map_or(id, |(id,)| id))
}

/// Locks all connectors, as every change of one does first.
pub(super) async fn lock(session: &mut Session) -> Result<(), Error> {
    session.execute(CHANGED, Vec::new()).await.map(drop)
}

/// Whether a connector other than `own` has this name.
pub(super) async fn has_name(session: &mut Session, name: &str, own: &str) -> Result<bool, Error> {
    let found: Option<(String,)> = session.row(TAKEN, binds![name]).await?;
    Ok(found.is_some_and(|(uuid,)| uuid != own))
}

pub(super) async fn make(
    session: &mut Session,
    (collection, name): (i64, &str),
    (uuid, category): (&str, i64),
    now: i64,
) -> Result<(), Error> {
    let record = record(collection, name, category).to_string();
    session.execute(INSERT, binds![uuid, name, record, now]).await.map(drop)
}

/// Renames it; what designers changed stays.
pub(super) async fn rename(session: &mut Session, uuid: &str, name: &str, now: i64) -> Result<(), Error> {
    let found: Option<(String,)> = session.row(FIND, binds![uuid]).await?;
    let Some((record,)) = found else { return Ok(()) };
    let damaged = |source| Error::damaged(format!("the record of connector {uuid}"), source);
    let mut record: Map<String, Value> = serde_json::from_str(&record).map_err(damaged)?;
    record.insert("name".to_owned(), name.into());
    session.execute(RENAME, binds![uuid, name, Value::Object(record).to_string(), now]).await.map(drop)
}

pub(super) async fn remove(session: &mut Session, uuid: &str) -> Result<(), Error> {
    session.execute(REMOVE, binds![uuid]).await.map(drop)
}

/// The models whose newest version names a connector by its uuid, id or name.
pub(super) async fn users(session: &mut Session, uuid: &str) -> Result<Vec<String>, Error> {
    let identity: Option<(i64, String)> =
        session.row("SELECT id, name FROM connectors WHERE uuid = $1", binds![uuid]).await?;
    let Some((id, name)) = identity else { return Ok(Vec::new()) };
    let newest = "SELECT d.process, d.task FROM deployed_tasks d WHERE d.element <> '' AND d.sequence =
        (SELECT MAX(n.sequence) FROM deployed_tasks n WHERE n.process = d.process AND n.element <> '')
        ORDER BY d.process";
    let tasks: Vec<(String, String)> = session.rows(newest, Vec::new()).await?;
    let names_it = |task: &str| {
        let task: Value = serde_json::from_str(task).unwrap_or_default();
        let reference = match task.pointer("/config/dataSource") {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => return false,
        };
        reference == uuid || reference == name || reference == id.to_string()
    };
    let mut processes: Vec<String> =
        tasks.into_iter().filter(|(_, task)| names_it(task)).map(|(process, _)| process).collect();
    processes.dedup();
    Ok(processes)
}

/// The problem of a name that is taken.
pub(super) fn name_taken() -> Problems {
    Problems::one("name", "The Name has already been taken.")
}

fn record(collection: i64, name: &str, category: i64) -> Value {
    let base = format!("/api/1.0/collections/{collection}");
    let (records, one) = (format!("{base}/records"), format!("{base}/records/{{{{record_id}}}}"));
    let optional: Vec<Value> =
        ["pmql", "per_page", "page", "order_by", "order_direction"].into_iter().map(|key| param(key, false)).collect();
    let body = "{\"data\": {{{data | json}}}}";
    let resources = [
        ("ListAll", "GET", &records, json!(optional), Value::Null),
        ("GetRecord", "GET", &one, json!([param("record_id", true)]), Value::Null),
        ("CreateRecord", "POST", &records, json!([]), json!(body)),
        ("UpdateRecord", "PUT", &one, json!([param("record_id", true)]), json!(body)),
        ("DeleteRecord", "DELETE", &one, json!([param("record_id", true)]), Value::Null),
        ("TruncateCollection", "DELETE", &format!("{base}/truncate"), json!([]), Value::Null),
    ];
    let endpoints: Map<String, Value> = resources
        .into_iter()
        .map(|(purpose, method, url, params, body)| {
            let resource = json!({"purpose": purpose, "method": method, "url": url, "params": params, "headers": [],
                "body": body, "body_type": "json"});
            (purpose.to_owned(), resource)
        })
        .collect();
    json!({"name": name, "type": "REST", "authtype": "NONE", "status": "ACTIVE",
        "data_source_category_id": category.to_string(), "endpoints": endpoints})
}

fn param(key: &str, required: bool) -> Value {
    json!({"key": key, "value": "", "required": required})
}
