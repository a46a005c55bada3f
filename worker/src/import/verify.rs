//! What was made must be usable: each resource and the credentials by themselves, so that one that is not takes no other with
//! it.

use serde_json::{Map, Value, json};

use super::report::{Report, quoted};
use crate::connector::{Connector, Credentials, Invalid};
use crate::plan::{CredentialId, PreparedConnector, PreparedCredentials};

/// The records with those resources that can be called; records without any do not come over.
pub(super) fn usable(records: Vec<Map<String, Value>>, report: &mut Report) -> Vec<Map<String, Value>> {
    records.into_iter().filter_map(|record| usable_one(record, report)).collect()
}

fn usable_one(mut record: Map<String, Value>, report: &mut Report) -> Option<Map<String, Value>> {
    if let Some(Value::Object(endpoints)) = record.get_mut("endpoints") {
        endpoints.retain(|name, resource| match problem(name, resource) {
            None => true,
            Some(invalid) => {
                report.left_out(format!("the resource {}", quoted(name)), format!("it cannot be called: {invalid}"));
                false
            }
        });
    }
    let name = record.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    if let Some(invalid) = unusable_credentials(&record) {
        record.remove("credentials");
        report.left_out(format!("the credentials of {}", quoted(&name)), format!("they cannot be used: {invalid}"));
    }
    let reason = match Connector::read(&record) {
        Ok(connector) if !connector.resources.is_empty() => return Some(record),
        Ok(_) => "it has no resource".to_owned(),
        Err(invalid) => invalid.to_string(),
    };
    report.left_out(format!("the connector {}", quoted(&name)), reason);
    None
}

fn unusable_credentials(record: &Map<String, Value>) -> Option<Invalid> {
    let credentials = record.get("credentials")?.as_object()?;
    let authtype = record.get("authtype").and_then(Value::as_str).unwrap_or_default().to_ascii_uppercase();
    let read = Credentials::read(&authtype, credentials);
    read.and_then(|read| PreparedCredentials::new(read, CredentialId::default())).err()
}

fn problem(name: &str, resource: &Value) -> Option<Invalid> {
    let record = json!({"name": "x", "endpoints": {name: resource}});
    let connector = match Connector::read(record.as_object()?) {
        Ok(connector) => connector,
        Err(invalid) => return Some(invalid),
    };
    PreparedConnector::new(connector).problems().next().cloned()
}
