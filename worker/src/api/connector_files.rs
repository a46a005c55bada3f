//! `/data_sources/import`, `/data_sources/export`: connectors as files (API 4, 10).

use axum::response::Response;
use serde_json::{Map, Value, json};

use super::data_sources::{incomplete, named, refused_at};
use super::error::Error;
use super::request::Request;
use super::respond;
use crate::admin::connectors::{self as admin, Modeler, Options};
use crate::store::{Existing, Imported, StoredConnector};

/// The largest file, bytes.
const LARGEST: usize = 32 * 1024 * 1024;

/// POST `/data_sources/import`.
pub(super) async fn import(mut request: Request) -> Result<Response, Error> {
    let records = records(request.json_up_to(LARGEST).await?)?;
    let existing = match request.query.given("existing") {
        None | Some("update") => Existing::Update,
        Some("refuse") => Existing::Refuse,
        Some(_) => return Err(Error::invalid("existing", "existing must be update or refuse")),
    };
    let options = Options { existing, incomplete: incomplete(&request) };
    let judge = |url: &url::Url| request.api.calls.transport.refusal_of(url);
    let by = request.by()?;
    let imported = admin::import(&request.api.store, records, options, (&judge, &by)).await;
    let imported = imported
        .map_err(|refused| refused_at(refused.into_iter().map(|(index, refusal)| (format!("{index}."), refusal))))?;
    let one = |Imported { id, uuid, name, created }: &Imported| json!({"id": id, "uuid": uuid, "name": name, "created": created});
    let data: Vec<Value> = imported.iter().map(|written| one(&written.imported)).collect();
    let warnings: Vec<&String> = imported.iter().flat_map(|written| &written.warnings).collect();
    Ok(respond::ok(&json!({"data": data, "warnings": warnings})))
}

/// A record, a list of them, or a list in `data`.
fn records(body: Value) -> Result<Vec<Map<String, Value>>, Error> {
    let list = match body {
        Value::Object(mut page) if !page.contains_key("name") && page.get("data").is_some_and(Value::is_array) => {
            page.remove("data").unwrap_or_default()
        }
        record @ Value::Object(_) => Value::Array(vec![record]),
        other => other,
    };
    let Value::Array(list) = list else {
        return Err(Error::shapeless("the body must be a connector, a list of them, or {\"data\": [connectors]}"));
    };
    let (mut records, mut wrong) = (Vec::new(), Vec::new());
    for (index, value) in list.into_iter().enumerate() {
        match value {
            Value::Object(record) => records.push(record),
            _ => wrong.push((index.to_string(), "a connector must be an object".to_owned())),
        }
    }
    if wrong.is_empty() { Ok(records) } else { Err(Error::invalid_fields(wrong)) }
}

/// GET `/data_sources/export`.
pub(super) async fn export(request: Request) -> Result<Response, Error> {
    let modeler = match request.query.given("as") {
        None => None,
        Some("camunda7") => Some(Modeler::Camunda7),
        Some("camunda8") => Some(Modeler::Camunda8),
        Some(_) => return Err(Error::invalid("as", "as must be camunda7 or camunda8, or absent")),
    };
    let stored = wanted(&request).await?;
    let answer = match modeler {
        None => json!({"data": stored.iter().map(admin::exported).collect::<Vec<_>>()}),
        Some(modeler) => stored.iter().flat_map(|one| admin::element_templates(one, modeler)).collect(),
    };
    Ok(respond::cacheable(&request.headers, &answer))
}

/// The connectors of `ids`, in their order, else all that the token may see.
async fn wanted(request: &Request) -> Result<Vec<StoredConnector>, Error> {
    let ids = request.query.words("ids");
    if ids.is_empty() {
        let mut all = request.api.store.connectors().list().await?;
        let caller = request.caller()?;
        all.retain(|stored| caller.may_see(&stored.uuid));
        return Ok(all);
    }
    let mut wanted = Vec::new();
    for id in ids {
        wanted.push(named(request, id).await?);
    }
    Ok(wanted)
}
