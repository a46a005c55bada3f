//! Turns a job, its connector and its resource into the request that will be sent, or into the failure that says why not.
//!
//! Pure: knows templates and encodings; must not know the network, the clock or the database.

mod authorization;
mod body;
mod element;
mod escapes;
pub mod expression;
mod feel;
mod form_fields;
mod headers;
mod multipart;
mod ordered_pairs;
pub(crate) mod pattern;
mod prepared;
mod query;
mod rate_limit;
pub mod redacted;
mod redactor;
mod request;
mod secrets;
pub mod template;
mod url_template;
pub(crate) mod value;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Method};
use serde_json::{Map, Value};
use url::Url;

use crate::connector::{
    Connector, ElementConfig, Invalid, NextPage, OutboundKind, Policy, RepeatRule, Resource, Scheme, Space,
    callable_method, effective_policy, effective_timeout,
};
use crate::job::idempotency_key;

pub use authorization::{Authorization, CredentialId, PreparedCredentials, secret_values};
pub use element::PreparedElement;
pub use feel::{Feel, FeelError};
pub use headers::is_reserved_header;
pub use prepared::PreparedConnector;
pub use rate_limit::RateLimit;
pub use redacted::Redacted;
pub use redactor::{MASK, Redactor, SHORTEST};
pub use request::{FollowUp, Repeat, RequestSpec};
pub use secrets::{Secret, Secrets};
pub(crate) use template::UNRESERVED;
pub use url_template::host_is_variable;
// A request authenticates with what the connector configures.
pub use crate::connector::{AwsKeys, ClientIdentity, ClientProof, Grant, OAuth2};

use expression::EvalContext;
use multipart::Multipart;
use template::{Escape, Scope, Template};

/// What the operator decides about every call.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Where relative URLs go.
    pub base_url: Option<Url>,
    /// The longest one attempt may take.
    pub call_timeout: Duration,
    /// The longest time in which an accepted request is polled.
    pub poll_time: Duration,
    /// The largest answer, all its pages together, bytes.
    pub response_bytes: usize,
    /// The largest answer that is mapped as base64, bytes.
    pub inline_bytes: usize,
    /// What `env` reads in expressions.
    pub env: Arc<BTreeMap<String, String>>,
}

impl Limits {
    /// The context of an evaluation at `now_ms`, epoch milliseconds.
    pub fn eval_context(&self, now_ms: i64) -> EvalContext<'_> {
        EvalContext { now_ms, env: &self.env }
    }
}

/// One job or invocation, as far as planning depends on it.
#[derive(Debug)]
pub struct PlanInput<'a> {
    /// The engine, for the idempotency key.
    pub engine: &'a str,
    /// The job id, for the idempotency key.
    pub job_id: &'a str,
    /// Request data overlaid by variables.
    pub data: &'a Map<String, Value>,
    /// The element's configuration.
    pub element: &'a PreparedElement,
    /// The element's error handling (COMPATIBILITY 1.5).
    pub handling: &'a Map<String, Value>,
    /// The time, and what `env` reads.
    pub ctx: EvalContext<'a>,
    /// W3C trace context.
    pub traceparent: Option<&'a str>,
    /// What `{{secret:NAME}}` stands for.
    pub secrets: &'a Secrets,
}

/// A request and the policy it is made under.
#[derive(Debug)]
pub struct Plan {
    /// The request.
    pub request: RequestSpec,
    /// How often and when it is tried.
    pub policy: Policy,
    /// The interval between such calls, where the connector has a rate.
    pub rate_limit: Option<RateLimit>,
    /// What its designer should know, for `call.warnings`.
    pub warnings: Vec<String>,
}

/// Plans the request of a job.
///
/// # Errors
/// What cannot be planned, by its path in connector, resource or element: `CONFIGURATION`.
pub fn plan(
    input: &PlanInput<'_>,
    prepared: &PreparedConnector,
    credentials: &PreparedCredentials,
    limits: &Limits,
) -> Result<Plan, Invalid> {
    let (connector, element) = (&prepared.connector, &input.element.config);
    if !connector.active {
        return Err(Invalid::new("status", "the connector is INACTIVE; activate it or choose another one"));
    }
    let (resource, templates) =
        prepared.resource(&element.resource).ok_or_else(|| unknown_resource(connector, &element.resource))?;
    let templates = templates.as_ref().map_err(Clone::clone)?;
    let html = rule(element, resource, connector, |rules| rules.escape_html).unwrap_or(false);
    let rows = input.element.rows();
    let data = Scope::new(input.data).with_secrets(input.secrets);
    let params = element::rendered(rows, OutboundKind::Param, &data, input.ctx, html)?;
    let fields = element::rendered(rows, OutboundKind::Body, &data, input.ctx, html)?;

    let url_scope = data.clone().over_rows(&params.members, &params.secret);
    let method = method(resource, templates.method.as_ref(), &url_scope)?;
    let arrays = rule(element, resource, connector, |rules| rules.arrays).unwrap_or_default();
    let space = match credentials.credentials.scheme {
        // What is signed has no `+` for a space, and strict servers take it for itself.
        Scheme::Aws(_) => Space::Percent,
        _ => rule(element, resource, connector, |rules| rules.space).unwrap_or_default(),
    };
    let mut url = templates.url.render(&url_scope, html, limits.base_url.as_ref(), space)?;
    let style = query::Style { arrays, space };
    let query_string = element.query_string.as_deref();
    query::set(&mut url, templates.params.as_deref(), &params.list, query_string, &data, style)?;
    let (mut headers, mut written) = headers::headers(&templates.headers, rows, &data)?;
    written.extend(credentials.header_names().map(ToOwned::to_owned));
    let body_scope = data.clone().over_rows(&fields.members, &fields.secret);
    let style = body::Style { kind: resource.body_type, arrays, html };
    let body = body::body(templates.body.as_ref(), style, &body_scope, &mut headers, input.job_id)?;
    let authorization = credentials.authorization(&url, &data)?;
    let bounds = input.secrets.bounds()?;
    body.multipart.iter().flat_map(Multipart::urls).chain([&url]).try_for_each(|url| bounds.check(url))?;
    let redactor = input.secrets.redactor().with_base(&credentials.redactor);
    authorization.mask_rendered(&redactor, credentials);
    for (_, value) in &mut headers {
        value.set_sensitive(redactor.finds(&String::from_utf8_lossy(value.as_bytes())));
    }
    let is_in_process = url_template::is_in_process(&url);
    let request = RequestSpec {
        // What this process answers itself heeds the idempotency key.
        repeat: if is_in_process { Repeat::Safe } else { repeat(element, resource, connector, &method) },
        idempotency_key: key(&method, input)?,
        authorization,
        credential: Arc::clone(&credentials.id),
        identity: credentials.identity.clone(),
        bounds,
        redactor: Arc::new(redactor),
        verify_certificate: credentials.credentials.verify_certificate,
        traceparent: input.traceparent.and_then(|value| HeaderValue::from_str(value).ok()),
        in_process: is_in_process.then(|| input.job_id.into()),
        timeout: effective_timeout(input.handling, element, resource, limits.call_timeout)?,
        method,
        url,
        headers,
        written: written.into(),
        body: body.bytes,
        multipart: body.multipart,
    };
    check_pagination(element, resource, connector, &request)?;
    let rate_limit = templates.rate_limit.as_ref().map(|limit| limit.render(&data)).transpose()?;
    let policy = effective_policy(input.handling, element, resource, connector)?;
    Ok(Plan { request, policy, rate_limit, warnings: body.warning.into_iter().collect() })
}

/// The method, rendered where it is mustache (COMPATIBILITY 4.4).
fn method(resource: &Resource, template: Option<&Template>, scope: &Scope<'_>) -> Result<Method, Invalid> {
    let Some(template) = template else { return Ok(resource.method.clone()) };
    let scope = scope.closed_to_secrets("a method");
    let text = template.render(&scope, Escape::None).map_err(|e| Invalid::new("method", e.to_string()))?;
    callable_method(&text).map_err(|problem| Invalid::new("method", problem))
}

/// Pages are fetched one after the other, by a request that may be repeated.
fn check_pagination(
    element: &ElementConfig,
    resource: &Resource,
    connector: &Connector,
    request: &RequestSpec,
) -> Result<(), Invalid> {
    let paged: Option<NextPage> =
        rule(element, resource, connector, |rules| rules.pagination.as_ref().map(|pages| pages.next.clone()));
    if paged.is_some() && request.repeat == Repeat::Unsafe {
        let problem = format!("a {} is not sent page by page; use GET, or write `repeat: safe`", request.method);
        return Err(Invalid::new("pagination", problem));
    }
    Ok(())
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

fn repeat(element: &ElementConfig, resource: &Resource, connector: &Connector, method: &Method) -> Repeat {
    match rule(element, resource, connector, |rules| rules.repeat) {
        Some(RepeatRule::Safe) => Repeat::Safe,
        None if method.is_idempotent() => Repeat::Safe,
        Some(RepeatRule::Unsafe) | None => Repeat::Unsafe,
    }
}

fn key(method: &Method, input: &PlanInput<'_>) -> Result<Option<HeaderValue>, Invalid> {
    if [Method::GET, Method::HEAD, Method::OPTIONS].contains(method) {
        return Ok(None);
    }
    let key = idempotency_key(input.engine, input.job_id);
    HeaderValue::from_str(&key).map(Some).map_err(|e| Invalid::new("Idempotency-Key", e.to_string()))
}

#[cfg(test)]
mod tests;
