//! A connector with its templates parsed, once for all jobs that use this version of it.

use crate::connector::{Connector, Invalid, NamedValue, Resource};

use super::rate_limit::RateLimitTemplate;
use super::template::Template;
use super::url_template::UrlTemplate;

/// A connector that is ready to be planned with. A resource whose templates do not parse fails its own jobs only.
#[derive(Debug)]
pub struct PreparedConnector {
    /// The record.
    pub connector: Connector,
    resources: Vec<Result<PreparedResource, Invalid>>,
}

/// A resource with its templates parsed.
#[derive(Debug)]
pub(super) struct PreparedResource {
    pub(super) method: Option<Template>,
    pub(super) url: UrlTemplate,
    pub(super) params: Option<Vec<NamedTemplate>>,
    pub(super) headers: Vec<NamedTemplate>,
    pub(super) body: Option<Template>,
    pub(super) rate_limit: Option<RateLimitTemplate>,
}

/// A parameter or header with its templates parsed.
#[derive(Debug)]
pub(super) struct NamedTemplate {
    pub(super) key: Template,
    pub(super) value: Template,
    pub(super) required: bool,
}

impl PreparedConnector {
    /// Parses the templates of every resource.
    pub fn new(connector: Connector) -> Self {
        let resources = connector.resources.iter().map(|resource| prepare(resource, &connector)).collect();
        Self { connector, resources }
    }

    /// The resource of that name with its templates.
    pub(super) fn resource(&self, name: &str) -> Option<(&Resource, &Result<PreparedResource, Invalid>)> {
        self.connector.resources.iter().zip(&self.resources).find(|(resource, _)| resource.name == name)
    }

    /// What does not parse, by its path; for imports.
    pub fn problems(&self) -> impl Iterator<Item = &Invalid> {
        self.resources.iter().filter_map(|resource| resource.as_ref().err())
    }
}

fn prepare(resource: &Resource, connector: &Connector) -> Result<PreparedResource, Invalid> {
    let path = |slot: &str| format!("endpoints.{}.{slot}", resource.name);
    Ok(PreparedResource {
        method: resource
            .method_template
            .as_deref()
            .map(|method| closed(method, &path("method"), "a method"))
            .transpose()?,
        url: UrlTemplate::parse(&resource.url).map_err(|e| Invalid::new(path("url"), e.to_string()))?,
        params: resource.params.as_ref().map(|params| values(params, &path("params"))).transpose()?,
        headers: values(&resource.headers, &path("headers"))?,
        body: resource.body.as_deref().map(|body| parse(body, &path("body"))).transpose()?,
        rate_limit: RateLimitTemplate::of(resource, connector)?,
    })
}

fn values(of: &[NamedValue], path: &str) -> Result<Vec<NamedTemplate>, Invalid> {
    of.iter()
        .enumerate()
        .map(|(index, row)| {
            Ok(NamedTemplate {
                key: closed(&row.key, &format!("{path}.{index}.key"), "a name")?,
                value: parse(&row.value, &format!("{path}.{index}.value"))?,
                required: row.required,
            })
        })
        .collect()
}

pub(super) fn parse(source: &str, path: &str) -> Result<Template, Invalid> {
    Template::parse(source).map_err(|e| Invalid::new(path, e.to_string()))
}

/// A template of a text that no secret may be a part of.
pub(super) fn closed(source: &str, path: &str, what: &'static str) -> Result<Template, Invalid> {
    parse(source, path)?.closed_to_secrets(what).map_err(|e| Invalid::new(path, e.to_string()))
}
