//! Over the queue: a job like any other, whose result stays in the ledger (API 5).

use std::time::Duration;

use axum::http::{HeaderName, StatusCode, header};
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::super::error::Error;
use super::super::request::Request;
use super::super::service::BASE;
use super::super::{jobs, respond};
use super::input::data_of;
use super::{config_of, idempotency_key};
use crate::admin::rest_jobs::{self, JobRequest, MakeError};
use crate::job;
use crate::store::StoredConnector;

const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// Makes the job, and waits for its end where the caller asks for that.
pub(super) async fn run(
    request: Request,
    connector: &StoredConnector,
    mut body: Map<String, Value>,
) -> Result<Response, Error> {
    let wait = wait(body.remove("wait"), request.api.config.api.wait)?;
    let wanted = wanted(&request, connector, body)?;
    let made = rest_jobs::make(&request.api.store, &request.api.broker, wanted).await?;
    let found = jobs::ended(&request.api, &made.id, wait).await?;
    let status = if jobs::has_ended(&found) { StatusCode::OK } else { StatusCode::ACCEPTED };
    let response = respond::json(status, &jobs::whole(&request.api, &found).await?);
    let path = percent_encoding::utf8_percent_encode(&made.id, percent_encoding::NON_ALPHANUMERIC);
    let response = respond::with_header(response, header::LOCATION, &format!("{BASE}/jobs/{path}"));
    Ok(if made.is_replayed { respond::with_header(response, REPLAYED, "true") } else { response })
}

fn wanted(request: &Request, connector: &StoredConnector, mut body: Map<String, Value>) -> Result<JobRequest, Error> {
    let mut config = config_of(body.remove("config"), "config")?;
    let Some(endpoint) = config.get("endpoint").and_then(Value::as_str) else {
        return Err(Error::invalid("config.endpoint", "config.endpoint must name a resource of the connector"));
    };
    let resource = bpmn_ext::names::bare_resource(endpoint).to_owned();
    config.insert("dataSource".to_owned(), json!(connector.uuid));
    config.insert("endpoint".to_owned(), json!(resource));
    if config.get("dataMapping").is_none_or(Value::is_null) {
        let rows = json!([{"key": "status", "value": "$status"}, {"key": "response", "value": ""}]);
        config.insert("dataMapping".to_owned(), rows);
    }
    let caller = request.caller()?.actor();
    let id = match idempotency_key(request)? {
        Some(key) => job::idempotency_key(&caller, &format!("job {key}")),
        None => uuid::Uuid::now_v7().to_string(),
    };
    let path = request.parameter("request_id");
    Ok(JobRequest {
        id,
        request: (!path.is_empty()).then(|| path.to_owned()),
        connector: connector.uuid.clone(),
        resource,
        config,
        data: data_of(body.remove("data"), "data")?,
        error_handling: body.remove("errorHandling"),
        deadline: body.remove("deadline"),
        made_by: caller,
    })
}

/// Seconds that the caller waits, at most `most`.
fn wait(value: Option<Value>, most: Duration) -> Result<Duration, Error> {
    match value {
        None | Some(Value::Null) => Ok(Duration::ZERO),
        Some(value) => match value.as_u64() {
            Some(seconds) => Ok(Duration::from_secs(seconds).min(most)),
            None => Err(Error::invalid("wait", "wait must be a whole number of seconds")),
        },
    }
}

impl From<MakeError> for Error {
    fn from(error: MakeError) -> Self {
        match error {
            MakeError::Invalid(message) => {
                let member =
                    ["deadline", "errorHandling", "config", "data"].into_iter().find(|name| message.contains(name));
                Self::invalid(member.unwrap_or("config"), message)
            }
            MakeError::Mismatch => Self::mismatch(error.to_string()),
            MakeError::Away => Self::unavailable(error.to_string()),
            MakeError::Publish(source) => {
                tracing::warn!(error = %source, "a job made over REST could not be published");
                Self::unavailable("the job could not be published; try again")
            }
            MakeError::Store(error) => error.into(),
        }
    }
}
