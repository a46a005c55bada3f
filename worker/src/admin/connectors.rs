//! Importing, exporting, listing and testing connectors (COMPATIBILITY 4.1, CONTRACT 7).

use std::sync::Arc;

use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};

use super::Error;
use crate::call::{Calls, Invocation, Outcome, PrepareError, ResolvedConnector};
use crate::connector::{Connector, Credentials};
use crate::http::Client;
use crate::job::{Configuration, ErrorHandling};
use crate::plan::{CredentialId, RequestSpec, SHORTEST, host_is_variable, secret_values};
use crate::store::{Imported, Store, StoredConnector};

/// A record that was imported.
#[derive(Debug)]
pub struct Import {
    /// What was stored.
    pub imported: Imported,
    /// What will not work as things are now.
    pub warnings: Vec<String>,
}

/// Whether a record can be used: shape, templates, credentials.
///
/// # Errors
/// The first part of it that cannot be used.
pub fn check(record: &Map<String, Value>) -> Result<(), Error> {
    Connector::read(record)?;
    let credentials = record.get("credentials").and_then(Value::as_object).cloned();
    let given = credentials.is_some();
    let resolved = ResolvedConnector::new(record, &credentials.unwrap_or_default(), CredentialId::default());
    if let Some(invalid) = resolved.problem() {
        return Err(invalid.clone().into());
    }
    // Without credentials the stored ones are kept, so that only given ones can be judged here.
    if given {
        resolved.credentials?;
    }
    Ok(())
}

/// Adds a connector, or updates the one with the same uuid, id or name; `client` judges its URLs.
///
/// # Errors
/// When the record contradicts what is stored, or the database cannot be reached; nothing of it is stored then.
pub async fn import(store: &Store, client: &Client, mut record: Map<String, Value>) -> Result<Import, Error> {
    let mut warnings = unreachable_urls(client, &record);
    warnings.extend(weak_credentials(&record));
    let credentials = match record.remove("credentials") {
        Some(Value::Object(credentials)) => Some(credentials),
        _ => None,
    };
    let uuid = record.get("uuid").and_then(Value::as_str).map(|uuid| uuid.trim().to_ascii_lowercase());
    let imported = store.connectors().import(record, credentials).await?;
    if let Some(uuid) = uuid.filter(|uuid| !uuid.is_empty() && *uuid != imported.uuid.to_ascii_lowercase()) {
        warnings.push(format!(
            "connector `{}`: the record's uuid {uuid} is not used; the connector was found by its id or name and keeps {}",
            imported.name, imported.uuid
        ));
    }
    Ok(Import { imported, warnings })
}

/// What leaves a credential less protected than it could be.
fn weak_credentials(record: &Map<String, Value>) -> Vec<String> {
    let (Ok(connector), Some(Value::Object(given))) = (Connector::read(record), record.get("credentials")) else {
        return Vec::new();
    };
    let authtype = record.get("authtype").and_then(Value::as_str).unwrap_or_default().to_ascii_uppercase();
    let Ok(credentials) = Credentials::read(&authtype, given) else { return Vec::new() };
    let mut warnings = Vec::new();
    if secret_values(&credentials).iter().any(|value| (1..SHORTEST).contains(&value.expose_secret().len())) {
        warnings.push(format!(
            "connector `{}`: a credential has fewer than {SHORTEST} characters: it cannot be told from ordinary text, and is not masked in answers",
            connector.name
        ));
    }
    if !credentials.proves_nothing() && credentials.hosts.is_empty() {
        let open = connector.resources.iter().filter(|resource| host_is_variable(&resource.url));
        warnings.extend(open.map(|resource| {
            format!(
                "connector `{}`, resource `{}`: a variable decides where the credential is sent; name its `hosts`, or write a `/` before the variable",
                connector.name, resource.name
            )
        }));
    }
    warnings
}

/// URLs without variables that the guard would refuse as things are now (CONTRACT 7).
fn unreachable_urls(client: &Client, record: &Map<String, Value>) -> Vec<String> {
    let Ok(connector) = Connector::read(record) else { return Vec::new() };
    let constant = connector.resources.iter().filter(|resource| !resource.url.contains("{{"));
    constant
        .filter_map(|resource| {
            let denied = client.check_url(&url::Url::parse(&resource.url).ok()?).err()?;
            Some(format!("connector `{}`, resource `{}`: {denied}", connector.name, resource.name))
        })
        .collect()
}

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
