//! What will not work with a record, or is less protected than it could be, as things are now.

use secrecy::ExposeSecret;
use serde_json::{Map, Value};
use url::Url;

use super::record::authtype;
use super::write::Judge;
use crate::connector::{Connector, Credentials};
use crate::plan::{SHORTEST, host_is_variable, secret_values};

/// URLs without variables that the guard would refuse as things are now (CONTRACT 7).
pub fn of_urls(record: &Map<String, Value>, judge: Judge<'_>) -> Vec<String> {
    let is_constant = |resource: &Value| resource["url"].as_str().is_some_and(|url| !url.contains("{{"));
    let endpoints = record.get("endpoints").and_then(Value::as_object);
    if !endpoints.is_some_and(|endpoints| endpoints.values().any(is_constant)) {
        return Vec::new();
    }
    let Ok(connector) = Connector::read(record) else { return Vec::new() };
    let constant = connector.resources.iter().filter(|resource| !resource.url.contains("{{"));
    constant
        .filter_map(|resource| {
            let denied = judge(&Url::parse(&resource.url).ok()?)?;
            Some(format!("connector `{}`, resource `{}`: {denied}", connector.name, resource.name))
        })
        .collect()
}

/// What leaves a credential less protected than it could be.
pub(super) fn of_credentials(record: &Map<String, Value>, given: Option<&Map<String, Value>>) -> Vec<String> {
    let (Ok(connector), Some(given)) = (Connector::read(record), given) else { return Vec::new() };
    let Ok(credentials) = Credentials::read(&authtype(record), given) else { return Vec::new() };
    let mut warnings = Vec::new();
    if secret_values(&credentials).iter().any(|value| (1..SHORTEST).contains(&value.expose_secret().len())) {
        warnings.push(format!(
            "connector `{}`: a credential has fewer than {SHORTEST} characters: it cannot be told from ordinary text, and is not masked in answers",
            connector.name
        ));
    }
    if !credentials.proves_nothing() && credentials.hosts.is_empty() {
        let open = connector.resources.iter().filter(|resource| host_is_variable(&resource.url));
        warnings.extend(open.map(|resource| {
            format!(
                "connector `{}`, resource `{}`: a variable decides where the credential is sent; name its `hosts`, or write a `/` before the variable",
                connector.name, resource.name
            )
        }));
    }
    warnings
}
