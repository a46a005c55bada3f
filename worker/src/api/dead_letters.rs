//! `/dead_letters`: messages that could not be worked on (API 6).

use axum::response::Response;
use serde_json::Value;

use super::error::Error;
use super::listing::Cursor;
use super::request::Request;
use super::respond;
use crate::admin::dead_letters as admin;
use crate::store::dead_letters::DeadLetter;

/// GET `/dead_letters`, the newest first; those that were published again with `all`.
pub(super) async fn list(request: Request) -> Result<Response, Error> {
    let cursor = Cursor::read(&request)?;
    let before = cursor.after.as_deref().map(str::parse).transpose();
    let before = before.map_err(|_| Error::invalid("after", "after must be what `next` said"))?;
    let letters = request.api.store.dead_letters().page(request.query.is_on("all"), before, cursor.fetched()).await?;
    let page = cursor.page(letters, |letter| letter.id.to_string());
    let data: Vec<Value> = page.rows.iter().map(admin::summary).collect();
    Ok(page.answer(&request, data))
}

/// GET `/dead_letters/{number}`.
pub(super) async fn show(request: Request) -> Result<Response, Error> {
    Ok(respond::ok(&admin::whole(&found(&request).await?)))
}

/// POST `/dead_letters/{number}/replay`.
pub(super) async fn replay(mut request: Request) -> Result<Response, Error> {
    request.optional_object().await?;
    let letter = found(&request).await?;
    admin::replay(&request.api.store, &request.api.broker, &letter, &request.by()?).await?;
    Ok(respond::ok(&admin::summary(&found(&request).await?)))
}

async fn found(request: &Request) -> Result<DeadLetter, Error> {
    let number = request.parameter("number");
    let missing = |_| Error::not_found(format!("there is no dead letter {number}"));
    Ok(admin::find(&request.api.store, number.parse().map_err(missing)?).await?)
}
