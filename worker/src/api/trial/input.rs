//! What somebody wants to try: a stored connector or a record, a resource by name or as it is being edited.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::super::access::Scope;
use super::super::error::Error;
use super::super::execute;
use super::super::request::Request;
use crate::admin::executions;
use crate::admin::trials::{Depth, Trial};
use crate::call::GivenAnswer;
use crate::store::StoredConnector;

/// A trial and what it is of.
pub(super) struct Wanted {
    pub(super) stored: Option<StoredConnector>,
    pub(super) name: String,
    pub(super) uuid: Option<String>,
    pub(super) record: Map<String, Value>,
    pub(super) credentials: Option<Map<String, Value>>,
    pub(super) resource: String,
    pub(super) trial: Trial,
}

impl Wanted {
    /// Reads the body, and looks the connector up.
    ///
    /// # Errors
    /// 404 for a connector that the caller may not see, 403 for what their token may not do, 422 by member.
    pub(super) async fn read(request: &Request, mut body: Map<String, Value>) -> Result<Self, Error> {
        let depth = depth(&mut body)?;
        let (stored, mut record) = connector(request, body.remove("connector")).await?;
        let is_record = record.is_some();
        let mut members = stored.as_ref().map(|stored| stored.record.clone()).unwrap_or_default();
        let in_record = record.as_mut().and_then(|record| record.remove("credentials"));
        members.extend(record.unwrap_or_default());
        let given = object(body.remove("credentials"), "credentials")?;
        let of_record = match in_record {
            Some(Value::Object(credentials)) => Some(credentials),
            _ => None,
        };
        let is_given = given.is_some();
        let credentials = match (of_record, given) {
            (None, given) => given,
            (Some(mut of_record), given) => {
                of_record.extend(given.unwrap_or_default());
                Some(of_record)
            }
        };
        let (resource, is_row) = resource(body.remove("resource"), &mut members)?;
        allow(request, is_record || is_given || is_row, &depth)?;
        let mut config = match body.remove("config") {
            None | Some(Value::Null) => Map::new(),
            config => execute::config_of(config, "config")?,
        };
        config.insert("dataSource".to_owned(), json!("tried"));
        config.insert("endpoint".to_owned(), json!(resource));
        let data = execute::data_of(body.remove("data"), "data")?;
        let name = members.get("name").and_then(Value::as_str).unwrap_or("new connector").to_owned();
        members.entry("name").or_insert_with(|| json!(name));
        Ok(Self {
            uuid: stored.as_ref().map(|stored| stored.uuid.clone()),
            stored,
            name,
            credentials,
            resource,
            trial: Trial { config, record: members.clone(), data: Arc::new(data), depth },
            record: members,
        })
    }
}

/// The stored connector, where there is one, and the record that was given.
async fn connector(
    request: &Request,
    value: Option<Value>,
) -> Result<(Option<StoredConnector>, Option<Map<String, Value>>), Error> {
    let problem = || Error::invalid("connector", "connector must be the id of one, or a record");
    let text = |value: &Value| match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    match value {
        Some(Value::Object(record)) => {
            let reference = ["uuid", "id"].into_iter().find_map(|name| record.get(name).and_then(text));
            match reference {
                Some(reference) => Ok((Some(visible(request, &reference).await?), Some(record))),
                None if request.caller()?.is_limited() => Err(Error::forbidden(
                    "this token is limited to some connectors; a new one needs a token that is not",
                )),
                None => Ok((None, Some(record))),
            }
        }
        Some(value) => {
            let reference = text(&value).ok_or_else(problem)?;
            Ok((Some(visible(request, &reference).await?), None))
        }
        None => Err(problem()),
    }
}

async fn visible(request: &Request, reference: &str) -> Result<StoredConnector, Error> {
    let found = executions::connector(&request.api.store, reference).await?;
    if request.caller()?.may_see(&found.uuid) {
        return Ok(found);
    }
    Err(Error::not_found(format!("there is no connector `{reference}`")))
}

/// The resource's name; a row that is being edited takes its place in the record.
fn resource(value: Option<Value>, record: &mut Map<String, Value>) -> Result<(String, bool), Error> {
    match value {
        Some(Value::String(name)) if !name.is_empty() => Ok((bpmn_ext::names::bare_resource(&name).to_owned(), false)),
        Some(Value::Object(row)) => {
            let name = row.get("purpose").and_then(Value::as_str).filter(|name| !name.is_empty()).unwrap_or("tried");
            let name = name.to_owned();
            let endpoints = record.entry("endpoints").or_insert_with(|| json!({}));
            if !endpoints.is_object() {
                *endpoints = json!({});
            }
            endpoints[name.as_str()] = Value::Object(row);
            Ok((name, true))
        }
        _ => Err(Error::invalid("resource", "resource must be the name of one, or the row itself")),
    }
}

fn depth(body: &mut Map<String, Value>) -> Result<Depth, Error> {
    let answer = body.remove("answer").filter(|answer| !answer.is_null());
    if body.remove("dry_run") == Some(Value::Bool(true)) {
        return Ok(Depth::Plan);
    }
    let Some(answer) = answer else { return Ok(Depth::Call) };
    let problem = || Error::invalid("answer", "answer must have status, headers and body, as `response` has them");
    let status = answer.get("status").and_then(Value::as_u64).and_then(|status| u16::try_from(status).ok());
    let headers = match answer.get("headers") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(pairs)) => {
            let pair = |pair: &Value| Some((pair.get(0)?.as_str()?.to_owned(), pair.get(1)?.as_str()?.to_owned()));
            pairs.iter().map(pair).collect::<Option<Vec<_>>>().ok_or_else(problem)?
        }
        Some(Value::Object(members)) => {
            let pair = |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
            members.iter().map(pair).collect::<Option<Vec<_>>>().ok_or_else(problem)?
        }
        Some(_) => return Err(problem()),
    };
    let body = match answer.get("body") {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(_) => return Err(problem()),
    };
    Ok(Depth::Map(GivenAnswer { status: status.ok_or_else(problem)?, headers, body }))
}

/// What is being edited needs `manage`, for it decides where stored credentials go; a stored resource is called with
/// `execute`, and planned with `read`.
fn allow(request: &Request, is_edited: bool, depth: &Depth) -> Result<(), Error> {
    let caller = request.caller()?;
    let needed = match depth {
        _ if is_edited => Scope::Manage,
        Depth::Plan if caller.may(Scope::Read) => Scope::Read,
        _ => Scope::Execute,
    };
    if caller.may(needed) {
        return Ok(());
    }
    Err(Error::forbidden(format!("this needs a token with the scope {needed}; ask an administrator for one")))
}

fn object(value: Option<Value>, field: &str) -> Result<Option<Map<String, Value>>, Error> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(members)) => Ok(Some(members)),
        Some(_) => Err(Error::invalid(field, format!("{field} must be an object"))),
    }
}
