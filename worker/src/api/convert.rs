//! `/data_sources/convert`: texts of other tools as records, of which nothing is stored (API 10).

use axum::response::Response;
use serde_json::{Map, Value, json};

use super::error::Error;
use super::request::Request;
use super::respond;
use crate::admin::convert::{self as admin, Kind, TEXT_BYTES};

/// What a JSON body may have beside the text, bytes.
const ENVELOPE: usize = 64 * 1024;
/// How many times its own size a text may take while it is converted.
const GROWTH: usize = 4;

/// What is to be converted.
struct Wanted {
    text: String,
    kind: Option<Kind>,
    name: Option<String>,
}

/// POST `/data_sources/convert`.
pub(super) async fn convert(mut request: Request) -> Result<Response, Error> {
    let Wanted { text, kind, name } = wanted(&mut request).await?;
    let room = request.api.calls.memory.message(text.len().saturating_mul(GROWTH)).await;
    let room = room.map_err(|problem| Error::invalid("text", format!("the text {problem}")))?;
    // In a thread of its own: a large text takes a second.
    let converted = tokio::task::spawn_blocking(move || {
        let converted = admin::convert(&text, kind, name.as_deref());
        drop(room);
        converted
    });
    let converted = converted.await.map_err(|error| {
        tracing::error!(%error, "a text could not be converted");
        Error::internal()
    })?;
    let converted = converted.map_err(|error| refused(&error))?;
    Ok(respond::ok(&json!(converted)))
}

async fn wanted(request: &mut Request) -> Result<Wanted, Error> {
    if request.media_type().as_deref() == Some("text/plain") {
        let bytes = request.bytes(TEXT_BYTES).await?;
        let text = std::str::from_utf8(&bytes).map_err(|_| Error::bad_request("the body is not UTF-8"))?;
        let kind = request.query.given("kind").map(kind).transpose()?;
        return Ok(Wanted { text: text.to_owned(), kind, name: request.query.given("name").map(ToOwned::to_owned) });
    }
    let Value::Object(members) = request.json_up_to(TEXT_BYTES + ENVELOPE).await? else {
        return Err(Error::shapeless("the body must be a JSON object with a text, or the text itself as text/plain"));
    };
    let Some(Value::String(text)) = members.get("text") else {
        return Err(Error::invalid("text", "the text is missing"));
    };
    let kind = optional(&members, "kind")?.as_deref().map(kind).transpose()?;
    Ok(Wanted { text: text.clone(), kind, name: optional(&members, "name")? })
}

/// A text that may be absent or null.
fn optional(members: &Map<String, Value>, name: &str) -> Result<Option<String>, Error> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
        Some(_) => Err(Error::invalid(name, format!("{name} must be a text"))),
    }
}

fn kind(name: &str) -> Result<Kind, Error> {
    let names = || Kind::ALL.map(Kind::name).join(", ");
    Kind::named(name).ok_or_else(|| Error::invalid("kind", format!("`{name}` is not one of {}", names())))
}

fn refused(error: &admin::Error) -> Error {
    let message = error.to_string();
    match error {
        admin::Error::Text { position, .. } => Error::invalid("text", message)
            .with_member("position", json!({"line": position.line, "column": position.column})),
        admin::Error::Kind { .. } => Error::invalid("kind", message),
    }
}
