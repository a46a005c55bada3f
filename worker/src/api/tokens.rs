//! `/tokens`: access tokens (API 7).

use axum::http::{StatusCode, header};
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::access::Scope;
use super::error::Error;
use super::listing::{Listing, Order};
use super::request::Request;
use super::respond;
use crate::admin::tokens::{self as admin, CreateError, TokenRequest};
use crate::store::Token;

const ORDERS: &[&str] = &["id", "name", "created_at"];

/// GET `/tokens`.
pub(super) async fn list(request: Request) -> Result<Response, Error> {
    let listing = Listing::read(&request, ORDERS)?;
    let mut tokens = request.api.store.tokens().list().await?;
    tokens.retain(|token| listing.matches([token.name.as_str()]));
    tokens.sort_by(|a, b| match listing.order_by.as_str() {
        "name" => a.name.cmp(&b.name),
        "created_at" => a.created_at.cmp(&b.created_at),
        _ => a.id.cmp(&b.id),
    });
    if listing.direction == Order::Descending {
        tokens.reverse();
    }
    let page: Vec<Value> = listing.page_of(&tokens).iter().map(admin::shown).collect();
    Ok(listing.answer(&request, page, tokens.len()))
}

/// GET `/tokens/{id}`.
pub(super) async fn show(request: Request) -> Result<Response, Error> {
    Ok(respond::ok(&admin::shown(&found(&request).await?)))
}

/// POST `/tokens`.
pub(super) async fn create(mut request: Request) -> Result<Response, Error> {
    let wanted = read(&request.object().await?)?;
    let created = admin::create(&request.api.store, wanted, &request.by()?).await.map_err(|error| match error {
        CreateError::Invalid { member, message } => Error::invalid(member, message),
        CreateError::Store(error) => error.into(),
    })?;
    let mut shown = admin::shown(&created.token);
    shown["token"] = json!(created.secret);
    let location = format!("{}/tokens/{}", super::service::BASE, created.token.id);
    Ok(respond::with_header(respond::json(StatusCode::CREATED, &shown), header::LOCATION, &location))
}

/// DELETE `/tokens/{id}`; 204 also for one that is revoked already.
pub(super) async fn revoke(request: Request) -> Result<Response, Error> {
    let token = found(&request).await?;
    admin::revoke(&request.api.store, &token, &request.by()?).await?;
    // What this process knows of tokens is out of date.
    request.api.tokens.invalidate_all();
    Ok(respond::no_content())
}

async fn found(request: &Request) -> Result<Token, Error> {
    let id = request.parameter("id");
    let missing = || Error::not_found(format!("there is no token `{id}`"));
    let number = id.parse().map_err(|_| missing())?;
    request.api.store.tokens().find(number).await?.ok_or_else(missing)
}

fn read(members: &Map<String, Value>) -> Result<TokenRequest, Error> {
    let Some(Value::String(name)) = members.get("name") else {
        return Err(Error::invalid("name", "the name must be a text"));
    };
    Ok(TokenRequest {
        name: name.clone(),
        scopes: scopes(members.get("scopes"))?,
        connectors: connectors(members.get("connectors"))?,
        expires_at: expiry(members.get("expires_at"))?,
    })
}

fn scopes(value: Option<&Value>) -> Result<Vec<Scope>, Error> {
    let problem = || Error::invalid("scopes", "scopes must be a list of read, execute, manage, admin");
    let Some(Value::Array(items)) = value else { return Err(problem()) };
    items.iter().map(|item| item.as_str().and_then(|scope| scope.parse().ok()).ok_or_else(problem)).collect()
}

fn connectors(value: Option<&Value>) -> Result<Option<Vec<String>>, Error> {
    let problem = || Error::invalid("connectors", "connectors must be a list of uuids, numbers or names");
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(items)) => {
            let text = |item: &Value| match item {
                Value::String(text) => Ok(text.clone()),
                Value::Number(number) => Ok(number.to_string()),
                _ => Err(problem()),
            };
            items.iter().map(text).collect::<Result<Vec<_>, _>>().map(Some)
        }
        Some(_) => Err(problem()),
    }
}

fn expiry(value: Option<&Value>) -> Result<Option<i64>, Error> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.parse::<jiff::Timestamp>().is_ok() => {
            Ok(text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond))
        }
        Some(_) => {
            Err(Error::invalid("expires_at", "expires_at must be an RFC 3339 time, such as 2027-01-31T12:00:00Z"))
        }
    }
}
