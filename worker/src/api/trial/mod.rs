//! POST `/try`: a call as it is being edited, with everything that a person wants to see of it (API 10).

mod curl;
mod input;

use std::sync::Arc;

use axum::response::Response;
use serde_json::{Map, Value, json};

use super::error::Error;
use super::execute;
use super::request::Request;
use super::respond;
use crate::admin::executions;
use crate::admin::trials::{self, Depth, Tried};
use crate::call::{Calls, SeenAnswer};
use crate::job::{Code, Failure};
use crate::plan::Redacted;
use input::Wanted;

/// Above this, bytes, an answer is cut.
const WHOLE: usize = 1_000_000;
/// What is shown of an answer that is cut, bytes.
const SHOWN: usize = 100_000;

/// POST `/try`.
pub(super) async fn run(mut request: Request) -> Result<Response, Error> {
    let body = request.object().await?;
    let Wanted { stored, name, uuid, record, credentials, resource, trial } = Wanted::read(&request, body).await?;
    let given = credentials.as_ref();
    let edited = executions::edited(&request.api.store, stored.as_ref(), record.clone(), given).await?;
    let api = Arc::clone(&request.api);
    let calls = Calls { catalog: api.calls.catalog.with_edited(edited), ..api.calls.clone() };
    let limit = api.config.api.execute_timeout;
    let is_call = matches!(trial.depth, Depth::Call);
    let tried = if is_call {
        let place = execute::place(&api)?;
        let entry =
            request.by()?.entry("connector.tested", uuid.as_deref().unwrap_or(&name), json!({"resource": resource}));
        // What has been sent goes on to its end, and is noted, whether the caller waits for it or not.
        let calling = tokio::spawn(async move {
            let tried = trials::run(&calls, trial, limit).await;
            drop(place);
            if tried.as_ref().is_ok_and(|tried| tried.timing.is_some()) {
                api.store.audit().add(&entry).await?;
            }
            Ok::<_, Error>(tried?)
        });
        calling.await.unwrap_or_else(|_| Err(Error::internal()))?
    } else {
        trials::run(&calls, trial, limit).await?
    };
    let names = curl::names(&record, &name);
    Ok(respond::ok(&shown(&tried, &resource, &names)))
}

/// A request that was kept as JSON, as one POSIX command.
pub(super) fn command_of(sent: &Value, record: &Map<String, Value>) -> String {
    let text = |name: &str| sent.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let headers = sent.get("headers").and_then(|headers| serde_json::from_value(headers.clone()).ok());
    let (method, url, headers, body) = (text("method"), text("url"), headers.unwrap_or_default(), text("body"));
    let request = Redacted { method, url, headers, body, timeout: std::time::Duration::ZERO };
    curl::command(&request, &curl::names(record, ""))
}

fn shown(tried: &Tried, resource: &str, names: &curl::Names) -> Value {
    let request = tried.request.as_ref().map(|request| {
        let headers: Vec<Value> = request.headers.iter().map(|(name, value)| json!([name, value])).collect();
        json!({
            "method": request.method, "url": request.url, "headers": headers, "body": request.body,
            "curl": curl::command(request, names),
        })
    });
    let timing = tried.timing.map(|timing| {
        let ms = |span: Option<std::time::Duration>| span.map(|span| (span.as_secs_f64() * 100_000.0).round() / 100.0);
        json!({
            "name_ms": ms(timing.hop.name), "connect_ms": ms(timing.hop.connect), "tls_ms": ms(timing.hop.tls),
            "first_byte_ms": ms(timing.hop.first_byte), "token_ms": ms(timing.token), "total_ms": ms(Some(timing.total)),
        })
    });
    json!({
        "request": request, "response": tried.answer.as_ref().map(response), "timing": timing, "mapped": tried.mapped,
        "warnings": tried.warnings, "reads": tried.reads,
        "error": tried.failure.as_ref().map(|failure| error(failure, resource)),
    })
}

fn response(answer: &SeenAnswer) -> Value {
    let headers: Vec<Value> = answer.headers.iter().map(|(name, value)| json!([name, value])).collect();
    let text = answer.body.text();
    let is_cut = answer.bytes > WHOLE;
    let shown =
        text.map(|text| if is_cut { text.get(..text.floor_char_boundary(SHOWN)).unwrap_or_default() } else { text });
    json!({
        "status": answer.status, "headers": headers, "body": shown, "bytes": answer.bytes, "truncated": is_cut,
        "kind": answer.body.kind(),
    })
}

fn error(failure: &Failure, resource: &str) -> Value {
    json!({"code": failure.code, "message": failure.message, "at": at(failure, resource)})
}

/// Where the fault is, as the screens name it.
fn at(failure: &Failure, resource: &str) -> Option<String> {
    if failure.code == Code::Mapping {
        // Its message begins with the row.
        let (_, rest) = failure.message.split_once("dataMapping.")?;
        let number: String = rest.chars().take_while(char::is_ascii_digit).collect();
        return Some(format!("config.dataMapping.{number}.value"));
    }
    let path = failure.at.as_ref()?.as_str();
    let within = path.strip_prefix("endpoints.").and_then(|rest| rest.strip_prefix(resource)?.strip_prefix('.'));
    let path = within.unwrap_or(path);
    let row = |path: &str| {
        let is_row = path.rsplit('.').next().is_some_and(|last| last.parse::<usize>().is_ok());
        if is_row { format!("{path}.value") } else { path.to_owned() }
    };
    let path = path.split(' ').next().unwrap_or(path);
    Some(match path.split('.').next().unwrap_or(path) {
        "config" | "credentials" => row(path),
        "outboundConfig" | "dataMapping" | "errorMapping" => format!("config.{}", row(path)),
        "status" | "dataSource" => "connector".to_owned(),
        "endpoint" => "resource".to_owned(),
        _ => format!("resource.{}", row(path)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_named_as_the_screens_name_their_fields() {
        let failed = |path: &str| Failure {
            at: Some(Box::new(path.to_owned())),
            ..Failure::before_any_attempt(Code::Configuration, "x")
        };
        for (path, expected) in [
            ("endpoints.list.url", "resource.url"),
            ("endpoints.list.headers.0.value", "resource.headers.0.value"),
            ("url", "resource.url"),
            ("params.2", "resource.params.2.value"),
            ("headers.1", "resource.headers.1.value"),
            ("body", "resource.body"),
            ("outboundConfig.0 (base)", "config.outboundConfig.0.value"),
            ("config.dataMapping.1 (x)", "config.dataMapping.1.value"),
            ("credentials.token", "credentials.token"),
            ("status", "connector"),
            ("endpoint", "resource"),
        ] {
            assert_eq!(at(&failed(path), "list").as_deref(), Some(expected), "{path}");
        }
        let mapping = Failure::before_any_attempt(Code::Mapping, "dataMapping.3 (v): `x` is a list");
        assert_eq!(at(&mapping, "list").as_deref(), Some("config.dataMapping.3.value"));
    }
}
