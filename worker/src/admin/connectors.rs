//! Connectors: making, changing, removing, importing, exporting and testing them (COMPATIBILITY 4.1, CONTRACT 7).

mod credentials;
mod record;
mod templates;
pub mod usage;
pub mod warnings;
mod write;

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::Error;
use crate::call::{Calls, Invocation, Outcome, PrepareError};
use crate::connector::Connector;
use crate::job::{Configuration, ErrorHandling};
use crate::plan::RequestSpec;
use crate::store::{Store, StoredConnector};

pub use credentials::{MASK, settings};
pub use record::{authtype, exported, resources, shown};
pub use templates::{Modeler, element_templates};
pub use write::{Incomplete, Judge, Options, Refusal, create, import, remove, update};

/// The records of connectors, as import reads them and without credentials: by uuid, id or name, or all of them.
///
/// # Errors
/// When one of them does not exist, or the database cannot be reached.
pub async fn export(store: &Store, references: &[String]) -> Result<Vec<Map<String, Value>>, Error> {
    if references.is_empty() {
        return Ok(store.connectors().list().await?.iter().map(StoredConnector::export).collect());
    }
    let mut records = Vec::new();
    for reference in references {
        let found = store.connectors().find(reference).await?;
        let stored = found.ok_or_else(|| Error::NotFound(format!("there is no connector `{reference}`")))?;
        records.push(stored.export());
    }
    Ok(records)
}

/// Calls one resource of a connector once; `data` holds values for its variables and parameters. `on_send` is called with
/// the request before it is sent.
///
/// # Errors
/// When the database cannot be reached.
pub async fn test(
    calls: &Calls,
    store: &Store,
    (connector, resource): (&str, &str),
    data: &Map<String, Value>,
    on_send: impl FnOnce(&RequestSpec),
) -> Result<Outcome, Error> {
    let config = element_for(store, connector, resource, data).await?;
    let config = Configuration::from_value(config).map_err(Error::InvalidInput)?;
    let id = uuid::Uuid::now_v7().to_string();
    let invocation = Invocation {
        engine: "test",
        id: &id,
        process: None,
        version: None,
        element: "test",
        element_name: None,
        config: &config,
        error_handling: &ErrorHandling::default(),
        data: &Arc::new(data.clone()),
        deadline_ms: None,
        traceparent: None,
    };
    let call = match calls.prepare(invocation).await {
        Ok(call) => call,
        Err(PrepareError::Failed(failure)) => return Ok(Outcome::Failed(failure)),
        Err(PrepareError::Unavailable(error)) => return Err(error.into()),
    };
    if let Err(refused) = calls.judge(&call) {
        return Ok(Outcome::Failed(refused));
    }
    on_send(call.request());
    let permit = calls.wait_for_permit(&call).await?;
    Ok(match calls.attempt(&call, permit).await.outcome {
        Outcome::Failed(failure) => Outcome::Failed(call.explain(failure)),
        completed @ Outcome::Completed(_) => completed,
    })
}

/// What an element would be configured with in order to hand the data's members over to the parameters of the same names,
/// and to map the whole answer.
async fn element_for(
    store: &Store,
    connector: &str,
    resource: &str,
    data: &Map<String, Value>,
) -> Result<Value, Error> {
    let stored = store.connectors().find(connector).await?;
    let read = stored.and_then(|stored| Connector::read(&stored.record).ok());
    let params = read.as_ref().and_then(|read| read.resource(resource)).and_then(|found| found.params.as_deref());
    let given = params.unwrap_or_default().iter().filter(|param| data.contains_key(&param.key));
    let row = |key: &str| json!({"type": "PARAM", "key": key, "value": format!("{{{{{key}}}}}")});
    let rows: Vec<Value> = given.map(|param| row(&param.key)).collect();
    let mut element =
        json!({"dataSource": connector, "endpoint": resource, "dataMapping": [{"key": "response", "value": ""}]});
    if !rows.is_empty() {
        element["outboundConfig"] = Value::Array(rows);
    }
    Ok(element)
}

/// The numbers of the categories that a record names.
pub fn category_ids(record: &Map<String, Value>) -> Vec<i64> {
    record::category_ids(record).unwrap_or_default()
}
