//! The test call of ProcessMaker's designer: a resource row as it is being edited (API 5, COMPATIBILITY 3).

use std::sync::Arc;

use axum::response::Response;
use serde_json::{Map, Value, json};

use super::super::error::Error;
use super::super::request::Request;
use super::input::{Input, data_of};
use super::{config_of, connector, finished, place};
use crate::admin::executions::{self, Execution};
use crate::call::Calls;
use crate::job::ErrorHandling;

/// POST `/data_sources/{id}/test`.
pub(in super::super) async fn test(mut request: Request) -> Result<Response, Error> {
    let mut body = request.object().await?;
    let mut stored = connector(&request).await?;
    let Some(Value::Object(mut row)) = body.remove("data") else {
        return Err(Error::invalid("data", "data must be the resource as it is being edited"));
    };
    if !row.get("url").is_some_and(Value::is_string) {
        return Err(Error::invalid("data.url", "the resource has no URL"));
    }
    let data = data_of(row.remove("testData"), "data.testData")?;
    let mut config = match row.remove("testConfig") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::String(text)) if text.trim().is_empty() => Map::new(),
        config => config_of(config, "data.testConfig")?,
    };
    let credentials = match row.remove("credentials") {
        Some(Value::Object(credentials)) => Some(credentials),
        _ => None,
    };
    let name = row.get("purpose").and_then(Value::as_str).filter(|name| !name.is_empty()).unwrap_or("test").to_owned();
    config.insert("endpoint".to_owned(), json!(name));
    stored.record.insert("endpoints".to_owned(), json!({&name: row}));
    let edited =
        executions::edited(&request.api.store, Some(&stored), stored.record.clone(), credentials.as_ref()).await?;
    if let Some(invalid) = edited.problem() {
        let path = invalid.path.strip_prefix(&format!("endpoints.{name}.")).unwrap_or(&invalid.path);
        return Err(Error::invalid(&format!("data.{path}"), invalid.to_string()));
    }
    let input = Input::of_body(Map::from_iter([("config".to_owned(), Value::Object(config))]), &stored, None)?;
    let api = Arc::clone(&request.api);
    let calls = Calls { catalog: api.calls.catalog.with_edited(edited), ..api.calls.clone() };
    let execution = Execution {
        config: input.config,
        data: Arc::new(data),
        id: uuid::Uuid::now_v7().to_string(),
        handling: ErrorHandling::default(),
    };
    let place = place(&api)?;
    let prepared = execution.prepare(&calls).await?;
    let by = request.by()?;
    let entry = by.entry("connector.tested", &stored.uuid, json!({"resource": name}));
    api.store.audit().add(&entry).await?;
    let told = finished((api, calls), prepared, input.is_mapped, place).await?;
    Ok(told.response_with(&request.id, |error, code| error.with_member("exception", json!(code))))
}
