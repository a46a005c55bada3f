//! Turns a job, its connector and its resource into the request that will be sent, or into the failure that says why not.
//!
//! Pure: knows templates and encodings; must not know the network, the clock or the database.

mod body;
mod headers;
mod prepared;
mod query;
mod request;
pub mod template;
mod url;

use std::time::Duration;

use ::url::Url;
use http::{HeaderValue, Method};
use serde_json::{Map, Value};

use crate::connector::{
    Connector, Credentials, ElementConfig, Invalid, OutboundKind, OutboundRow, Policy, RepeatRule, Resource, Scheme,
    effective_policy, effective_timeout,
};
use crate::job::idempotency_key;

pub use prepared::Prepared;
pub use request::{Authorization, Repeat, RequestSpec};
use template::{Escape, Scope};

/// What the operator decides about every call.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Where relative URLs go.
    pub base_url: Option<Url>,
    /// The longest one attempt may take.
    pub call_timeout: Duration,
}

/// What is asked for, by whom, with which data.
#[derive(Debug)]
pub struct Asked<'a> {
    /// The engine, for the idempotency key.
    pub engine: &'a str,
    /// The job id, for the idempotency key.
    pub job_id: &'a str,
    /// Request data overlaid by variables.
    pub data: &'a Map<String, Value>,
    /// The element's configuration.
    pub element: &'a ElementConfig,
    /// The element's error handling (sheet 1.5).
    pub handling: &'a Map<String, Value>,
    /// W3C trace context.
    pub traceparent: Option<&'a str>,
}

/// A request and the policy it is made under.
#[derive(Debug)]
pub struct Plan {
    /// The request.
    pub request: RequestSpec,
    /// How often and when it is tried.
    pub policy: Policy,
}

/// Plans the request of a job.
///
/// # Errors
/// What cannot be planned, by its place in connector, resource or element: `CONFIGURATION`.
pub fn plan(
    asked: &Asked<'_>,
    prepared: &Prepared,
    credentials: &Credentials,
    limits: &Limits,
) -> Result<Plan, Invalid> {
    let connector = &prepared.connector;
    if !connector.active {
        return Err(Invalid::new("status", "the connector is INACTIVE; activate it or choose another one"));
    }
    let (resource, templates) = prepared
        .resource(&asked.element.resource)
        .ok_or_else(|| unknown_resource(connector, &asked.element.resource))?;
    let templates = templates.as_ref().map_err(Clone::clone)?;
    let html = rule(asked.element, resource, connector, |rules| rules.escape_html).unwrap_or(false);
    let outbound = asked.element.outbound.as_deref();
    let data = Scope::new(asked.data);
    let params = rendered_rows(outbound, OutboundKind::Param, &data, html)?;
    let fields = rendered_rows(outbound, OutboundKind::Body, &data, html)?;

    let mut url = templates.url.render(&data.clone().over(&params), html, limits.base_url.as_ref())?;
    let query_string = asked.element.query_string.as_deref();
    query::set(&mut url, templates.params.as_deref(), &params, query_string, &data)?;
    let mut headers = headers::headers(&templates.headers, outbound, &data)?;
    let body =
        body::body(templates.body.as_ref(), resource.body_type, html, &data.clone().over(&fields), &mut headers)?;
    let request = RequestSpec {
        repeat: repeat(asked.element, resource, connector),
        idempotency_key: key(&resource.method, asked)?,
        authorization: authorization(credentials, &url)?,
        verify_certificate: credentials.verify_certificate,
        traceparent: asked.traceparent.and_then(|value| HeaderValue::from_str(value).ok()),
        timeout: effective_timeout(asked.handling, asked.element, resource, limits.call_timeout)?,
        method: resource.method.clone(),
        url,
        headers,
        body,
    };
    Ok(Plan { request, policy: effective_policy(asked.handling, asked.element, resource, connector)? })
}

fn unknown_resource(connector: &Connector, name: &str) -> Invalid {
    let known: Vec<&str> = connector.resources.iter().map(|resource| resource.name.as_str()).collect();
    Invalid::new("endpoint", format!("Endpoint '{name}' not found; the connector has: {}", known.join(", ")))
}

/// A rule of CONTRACT 7: the element decides, then the resource, then the connector.
pub(crate) fn rule<T>(
    element: &ElementConfig,
    resource: &Resource,
    connector: &Connector,
    of: impl Fn(&crate::connector::Rules) -> Option<T>,
) -> Option<T> {
    of(&element.rules).or_else(|| of(&resource.rules)).or_else(|| of(&connector.rules))
}

/// The rows of one kind as neutral text: escaped only where they are finally inserted (CONTRACT 6).
fn rendered_rows(
    rows: Option<&[OutboundRow]>,
    kind: OutboundKind,
    data: &Scope<'_>,
    html: bool,
) -> Result<Map<String, Value>, Invalid> {
    let escape = if html { Escape::Html } else { Escape::None };
    let rows = rows.unwrap_or_default().iter().enumerate().filter(|(_, row)| row.kind == kind);
    rows.map(|(index, row)| {
        let place = format!("outboundConfig.{index} ({})", row.key);
        let template = prepared::parse(&row.value, &place)?;
        let text = template.render(data, escape).map_err(|e| Invalid::new(place, e.to_string()))?;
        Ok((row.key.clone(), Value::from(text)))
    })
    .collect()
}

fn repeat(element: &ElementConfig, resource: &Resource, connector: &Connector) -> Repeat {
    match rule(element, resource, connector, |rules| rules.repeat) {
        Some(RepeatRule::Safe) => Repeat::Safe,
        None if resource.method.is_idempotent() => Repeat::Safe,
        Some(RepeatRule::Unsafe) | None => Repeat::Unsafe,
    }
}

fn key(method: &Method, asked: &Asked<'_>) -> Result<Option<HeaderValue>, Invalid> {
    if [Method::GET, Method::HEAD, Method::OPTIONS].contains(method) {
        return Ok(None);
    }
    let key = idempotency_key(asked.engine, asked.job_id);
    HeaderValue::from_str(&key).map(Some).map_err(|e| Invalid::new("Idempotency-Key", e.to_string()))
}

fn authorization(credentials: &Credentials, url: &Url) -> Result<Authorization, Invalid> {
    let host = url.host_str().unwrap_or_default();
    let authorization = match &credentials.scheme {
        Scheme::None => return Ok(Authorization::None),
        Scheme::Basic { username, password } => {
            Authorization::Basic { username: username.clone(), password: password.clone() }
        }
        Scheme::Bearer { token } => Authorization::Bearer(token.clone()),
    };
    if credentials.may_go_to(host, url.port_or_known_default()) {
        return Ok(authorization);
    }
    let problem =
        format!("the credential may not be sent to `{host}`; add it to `credentials.hosts` or change the URL");
    Err(Invalid::new("credentials.hosts", problem))
}

#[cfg(test)]
mod tests;
