//! `/data_sources`: connectors (API 4).

use axum::http::{StatusCode, header};
use axum::response::Response;
use serde_json::{Map, Value};

use super::connector_view::{Fields, View};
use super::error::Error;
use super::listing::{Listing, Order};
use super::long_lists::LongLists;
use super::request::Request;
use super::respond;
use super::service::BASE;
use crate::admin::connectors::{self as admin, Incomplete, Options, Refusal};
use crate::store::{Existing, ListOrder, ListQuery, Record, StoredConnector};

const ORDERS: &[(&str, ListOrder)] = &[
    ("id", ListOrder::Id),
    ("uuid", ListOrder::Uuid),
    ("name", ListOrder::Name),
    ("description", ListOrder::Description),
    ("type", ListOrder::Kind),
    ("authtype", ListOrder::Authtype),
    ("status", ListOrder::Status),
    ("created_at", ListOrder::CreatedAt),
    ("updated_at", ListOrder::UpdatedAt),
];

/// GET `/data_sources`.
pub(super) async fn list(request: Request) -> Result<Response, Error> {
    let names: Vec<&str> = ORDERS.iter().map(|(name, _)| *name).collect();
    let listing = Listing::read(&request, &names)?;
    let order = ORDERS.iter().find(|(name, _)| *name == listing.order_by).map_or(ListOrder::Id, |(_, order)| *order);
    let status = request.query.get("status").unwrap_or_default().to_ascii_uppercase();
    let query = ListQuery {
        needle: listing.needle(),
        order,
        descending: listing.direction == Order::Descending,
        limit: i64::try_from(listing.per_page).unwrap_or(i64::MAX),
        offset: i64::try_from(listing.offset()).unwrap_or(i64::MAX),
        asset_type: request.query.get("asset_type").unwrap_or_default(),
        category: category(&request)?,
        status: &status,
        uuids: request.caller()?.connectors.as_deref(),
        record: if Fields::read(&request).need_record(&request) { Record::Read } else { Record::LeftOut },
    };
    // What is included may change although no connector does.
    let is_kept = LongLists::keep(listing.per_page) && request.query.words("include").is_empty();
    let (connectors, lists) = (request.api.store.connectors(), &request.api.long_lists);
    let asked = (request.whole_query.clone(), query.uuids.map(<[String]>::to_vec));
    // Read first: a list that is newer than that is made anew the next time.
    let revision = if is_kept { connectors.revision().await? } else { 0 };
    if is_kept && let Some(answer) = lists.answer(&request.headers, &asked, revision) {
        return Ok(answer);
    }
    let (page, total) = connectors.page(&query).await?;
    let total = usize::try_from(total).unwrap_or(usize::MAX);
    let shown = View::read(&request, &page).await?.all(&page);
    if !is_kept {
        return Ok(listing.answer(&request, shown, total));
    }
    let text = listing.envelope(&request, shown, total).to_string();
    Ok(lists.keep_and_answer(&request.headers, asked, revision, text))
}

fn category(request: &Request) -> Result<Option<i64>, Error> {
    let Some(text) = request.query.given("data_source_category_id") else { return Ok(None) };
    let problem =
        || Error::invalid("data_source_category_id", "data_source_category_id must be the number of a category");
    text.parse().map(Some).map_err(|_| problem())
}

/// GET `/data_sources/{id}`.
pub(super) async fn show(request: Request) -> Result<Response, Error> {
    let stored = found(&request).await?;
    let tag = etag(stored.version, stored.updated_at);
    let view = View::read(&request, std::slice::from_ref(&stored)).await?;
    // What is not part of the record may have changed although the tag has not.
    if !view.is_volatile() && respond::is_known(&request.headers, &tag) {
        return Ok(respond::not_modified(&tag));
    }
    Ok(respond::with_header(respond::ok(&view.one(&stored)), header::ETAG, &tag))
}

/// POST `/data_sources`.
pub(super) async fn create(mut request: Request) -> Result<Response, Error> {
    let record = request.object().await?;
    let options = Options { existing: Existing::Refuse, incomplete: incomplete(&request) };
    let judge = |url: &url::Url| request.api.calls.transport.refusal_of(url);
    let written =
        admin::create(&request.api.store, record, options, (&judge, &request.by()?)).await.map_err(refused)?;
    let stored = request.api.store.connectors().find(&written.imported.uuid).await?;
    let stored = stored.ok_or_else(|| Error::conflict("the connector was removed as soon as it was made"))?;
    let shown = Value::Object(admin::shown(&stored, &written.warnings, &|_| true));
    let response = respond::json(StatusCode::CREATED, &shown);
    let location = format!("{BASE}/data_sources/{}", stored.id);
    let response = respond::with_header(response, header::LOCATION, &location);
    Ok(respond::with_header(response, header::ETAG, &etag(written.version, written.updated_at)))
}

/// PUT `/data_sources/{id}`.
pub(super) async fn update(mut request: Request) -> Result<Response, Error> {
    let members: Map<String, Value> = request.object().await?;
    let stored = found(&request).await?;
    let judge = |url: &url::Url| request.api.calls.transport.refusal_of(url);
    let headers = request.headers.clone();
    let is_current = |stored: &StoredConnector| respond::may_change(&headers, &etag(stored.version, stored.updated_at));
    let by = request.by()?;
    let written = admin::update(&request.api.store, &stored.uuid, members, is_current, (&judge, &by)).await;
    let written = written.map_err(refused)?;
    Ok(respond::with_header(respond::no_content(), header::ETAG, &etag(written.version, written.updated_at)))
}

/// DELETE `/data_sources/{id}`.
pub(super) async fn remove(request: Request) -> Result<Response, Error> {
    let stored = found(&request).await?;
    let headers = request.headers.clone();
    let is_current = |stored: &StoredConnector| respond::may_change(&headers, &etag(stored.version, stored.updated_at));
    let forced = request.query.is_on("force");
    let removed = admin::remove(&request.api.store, &stored, forced, is_current, &request.by()?).await;
    removed.map_err(|refusal| refused(vec![refusal]))?;
    Ok(respond::no_content())
}

/// `incomplete`.
pub(super) fn incomplete(request: &Request) -> Incomplete {
    if request.query.is_on("incomplete") { Incomplete::Allowed } else { Incomplete::Refused }
}

/// The connector that the path names, if the token may see it.
pub(super) async fn found(request: &Request) -> Result<StoredConnector, Error> {
    named(request, request.parameter("id")).await
}

/// The connector of a reference, if the token may see it.
pub(super) async fn named(request: &Request, reference: &str) -> Result<StoredConnector, Error> {
    let caller = request.caller()?;
    let found = request.api.store.connectors().find(reference).await?;
    let found = found.filter(|stored| caller.may_see(&stored.uuid));
    found.ok_or_else(|| Error::not_found(format!("there is no connector `{reference}`")))
}

/// What tells one state of a connector from another.
fn etag(version: i64, updated_at: i64) -> String {
    format!("\"{version}-{updated_at:x}\"")
}

/// Why a connector was not written.
fn refused(refusals: Vec<Refusal>) -> Error {
    refused_at(refusals.into_iter().map(|refusal| (String::new(), refusal)))
}

/// The same of several records, each with what its paths begin with.
pub(super) fn refused_at(refusals: impl IntoIterator<Item = (String, Refusal)>) -> Error {
    let mut fields = Vec::new();
    for (prefix, refusal) in refusals {
        let message = refusal.to_string();
        match refusal {
            Refusal::Gone => return Error::not_found(message),
            Refusal::Stale => return Error::precondition_failed(message),
            Refusal::Store(error) => return error.into(),
            Refusal::InUse(_) => fields.push(("delete".to_owned(), message)),
            Refusal::NameTaken => fields.push((format!("{prefix}name"), message)),
            Refusal::Invalid(invalid) => fields.push((format!("{prefix}{}", invalid.path), message)),
        }
    }
    Error::invalid_fields(fields)
}
