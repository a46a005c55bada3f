//! `/secrets`: named secrets, of which no value is ever answered (API 10).

use axum::response::Response;
use secrecy::SecretString;
use serde_json::{Map, Value, json};

use super::error::Error;
use super::request::Request;
use super::respond;
use crate::admin::secrets::{self as admin, SecretUses};
use crate::clock;
use crate::store::ListedSecret;

/// GET `/secrets`.
pub(super) async fn list(request: Request) -> Result<Response, Error> {
    let secrets = request.api.store.secrets().list().await?;
    let uses = admin::uses(&request.api.store).await?;
    let data: Vec<Value> = secrets.iter().map(|secret| shown(secret, &uses)).collect();
    let answer = json!({"data": data});
    Ok(respond::cacheable(&request.headers, &answer))
}

/// GET `/secrets/{name}`.
pub(super) async fn show(request: Request) -> Result<Response, Error> {
    let secret = found(&request).await?;
    let shown = shown(&secret, &admin::uses(&request.api.store).await?);
    Ok(respond::cacheable(&request.headers, &shown))
}

/// PUT `/secrets/{name}`.
pub(super) async fn put(mut request: Request) -> Result<Response, Error> {
    let members = request.object().await?;
    let name = request.parameter("name");
    admin::check(name, &[]).map_err(|error| Error::invalid("name", error.to_string()))?;
    let hosts = hosts(&members)?;
    let checked = admin::check(name, hosts.as_deref().unwrap_or_default());
    checked.map_err(|error| Error::invalid("hosts", error.to_string()))?;
    let value = match members.get("value") {
        None | Some(Value::Null) => None,
        Some(Value::String(value)) if !value.is_empty() => Some(SecretString::from(value.as_str())),
        Some(_) => return Err(Error::invalid("value", "the value must be a text, and not empty")),
    };
    let set = admin::set(&request.api.store, name, (value.as_ref(), hosts.as_deref()), &request.by()?).await;
    set.map_err(|error| match error {
        // All else was looked at before.
        crate::admin::Error::InvalidInput(message) => Error::invalid("value", message),
        other => other.into(),
    })?;
    Ok(respond::no_content())
}

/// DELETE `/secrets/{name}`.
pub(super) async fn remove(request: Request) -> Result<Response, Error> {
    let secret = found(&request).await?;
    if !request.query.is_on("force") {
        let uses = admin::uses(&request.api.store).await?.of(&secret.name);
        let names: Vec<&str> = uses.iter().filter_map(|one| one["name"].as_str()).collect();
        if !names.is_empty() {
            let names = names.join(", ");
            let problem = format!("secret `{}` is used by {names}; change that first, or add force=1", secret.name);
            return Err(Error::invalid("delete", problem));
        }
    }
    admin::remove(&request.api.store, &secret.name, &request.by()?).await?;
    Ok(respond::no_content())
}

async fn found(request: &Request) -> Result<ListedSecret, Error> {
    let name = request.parameter("name");
    let all = request.api.store.secrets().list().await?;
    let found = all.into_iter().find(|secret| secret.name == name);
    found.ok_or_else(|| Error::not_found(format!("there is no secret `{name}`")))
}

fn shown(secret: &ListedSecret, uses: &SecretUses) -> Value {
    json!({
        "name": secret.name, "hosts": secret.hosts, "changed_at": clock::rfc3339(secret.updated_at),
        "used_by": uses.of(&secret.name),
    })
}

fn hosts(members: &Map<String, Value>) -> Result<Option<Vec<String>>, Error> {
    let problem = || Error::invalid("hosts", "hosts must be a list of texts such as api.example.com");
    match members.get("hosts") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(items)) => {
            let text = |item: &Value| item.as_str().map(ToOwned::to_owned).ok_or_else(problem);
            items.iter().map(text).collect::<Result<Vec<_>, _>>().map(Some)
        }
        Some(_) => Err(problem()),
    }
}
