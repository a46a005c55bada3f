//! `/audit`: who changed what (API 7).

use axum::response::Response;
use serde_json::{Value, json};

use super::error::Error;
use super::listing::Cursor;
use super::request::Request;
use super::respond;
use crate::store::audit::Row;

/// GET `/audit`, the newest first.
pub(super) async fn list(request: Request) -> Result<Response, Error> {
    let cursor = Cursor::read(&request)?;
    let before = cursor.after.as_deref().map(str::parse).transpose();
    let before = before.map_err(|_| Error::invalid("after", "after must be what `next` said"))?;
    let rows = request.api.store.audit().list(before, cursor.fetched()).await?;
    let page = cursor.page(rows, |row| row.seq.to_string());
    let data: Vec<Value> = page.rows.iter().map(Row::json).collect();
    Ok(page.answer(&request, data))
}

/// GET `/audit/verify`.
pub(super) async fn verify(request: Request) -> Result<Response, Error> {
    let found = request.api.store.audit().verify().await?;
    Ok(respond::ok(&json!({
        "ok": found.broken_at.is_none(), "entries": found.entries, "head": found.head, "broken_at": found.broken_at,
    })))
}
