//! `/data_source_categories` (API 4).

use axum::http::{StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};

use super::error::Error;
use super::listing::{Listing, Order};
use super::request::Request;
use super::respond;
use super::service::BASE;
use crate::admin::categories::{self as admin, Refusal};
use crate::clock;
use crate::store::Category;

const ORDERS: &[&str] = &["id", "uuid", "name", "status", "created_at", "updated_at"];

/// GET `/data_source_categories`.
pub(super) async fn list(request: Request) -> Result<Response, Error> {
    let listing = Listing::read(&request, ORDERS)?;
    let mut all = request.api.store.categories().list().await?;
    all.retain(|category| listing.matches([category.name.as_str()]));
    all.sort_by(|a, b| {
        let order = match listing.order_by.as_str() {
            "uuid" => a.uuid.cmp(&b.uuid),
            "name" => a.name.cmp(&b.name),
            "status" => a.status.cmp(&b.status),
            "created_at" => a.created_at.cmp(&b.created_at),
            "updated_at" => a.updated_at.cmp(&b.updated_at),
            _ => a.id.cmp(&b.id),
        };
        order.then(a.id.cmp(&b.id))
    });
    if listing.direction == Order::Descending {
        all.reverse();
    }
    let page: Vec<Value> = listing.page_of(&all).iter().map(shown).collect();
    Ok(listing.answer(&request, page, all.len()))
}

/// GET `/data_source_categories/{id}`.
pub(super) async fn show(request: Request) -> Result<Response, Error> {
    let category = found(&request).await?;
    let tag = etag(&category);
    if respond::is_known(&request.headers, &tag) {
        return Ok(respond::not_modified(&tag));
    }
    Ok(respond::with_header(respond::ok(&shown(&category)), header::ETAG, &tag))
}

/// POST `/data_source_categories`.
pub(super) async fn create(mut request: Request) -> Result<Response, Error> {
    let members = request.object().await?;
    let made = admin::create(&request.api.store, &members, &request.by()?).await.map_err(refused)?;
    let response = respond::json(StatusCode::CREATED, &shown(&made));
    let location = format!("{BASE}/data_source_categories/{}", made.id);
    let response = respond::with_header(response, header::LOCATION, &location);
    Ok(respond::with_header(response, header::ETAG, &etag(&made)))
}

/// PUT `/data_source_categories/{id}`.
pub(super) async fn update(mut request: Request) -> Result<Response, Error> {
    let members = request.object().await?;
    let category = found(&request).await?;
    let headers = request.headers.clone();
    let is_current = |category: &Category| respond::may_change(&headers, &etag(category));
    let updated = admin::update(&request.api.store, &category, &members, is_current, &request.by()?).await;
    let updated = updated.map_err(refused)?;
    Ok(respond::with_header(respond::no_content(), header::ETAG, &etag(&updated)))
}

/// DELETE `/data_source_categories/{id}`.
pub(super) async fn remove(request: Request) -> Result<Response, Error> {
    let category = found(&request).await?;
    let headers = request.headers.clone();
    let is_current = |category: &Category| respond::may_change(&headers, &etag(category));
    admin::remove(&request.api.store, &category, is_current, &request.by()?).await.map_err(refused)?;
    Ok(respond::no_content())
}

/// A category as it is answered.
pub(super) fn shown(category: &Category) -> Value {
    json!({
        "id": category.id, "uuid": category.uuid, "name": category.name, "status": category.status,
        "is_system": category.is_system != 0, "created_at": clock::rfc3339(category.created_at),
        "updated_at": clock::rfc3339(category.updated_at),
    })
}

async fn found(request: &Request) -> Result<Category, Error> {
    let reference = request.parameter("id");
    admin::find(&request.api.store, reference).await.map_err(|refusal| match refusal {
        Refusal::Gone => Error::not_found(format!("there is no category `{reference}`")),
        other => refused(other),
    })
}

fn etag(category: &Category) -> String {
    format!("\"{}-{:x}\"", category.version, category.updated_at)
}

fn refused(refusal: Refusal) -> Error {
    let message = refusal.to_string();
    match refusal {
        Refusal::Gone => Error::not_found(message),
        Refusal::Stale => Error::precondition_failed(message),
        Refusal::Invalid { member, message } => Error::invalid(member, message),
        Refusal::Store(error) => error.into(),
    }
}
