//! The rules of an element, a resource or a connector with their templates, expressions and paths parsed.

use http::Method;
use serde_json::{Map, Value};

use crate::connector::{AnswerKind, Connector, ErrorRow, Invalid, NextPage, Pagination, Poll, Rules};
use crate::plan::expression::Surroundings;
use crate::plan::template::Template;

use super::condition::{self, Prepared};
use super::mapping::Mapping;
use super::source::DotPath;

/// Rules that are ready to read answers with.
#[derive(Debug)]
pub struct PreparedRules {
    pub(super) success: Option<Prepared>,
    pub(super) errors: Vec<PreparedError>,
    pub(super) pagination: Option<PreparedPagination>,
    pub(super) poll: Option<PreparedPoll>,
    pub(super) answer: Option<AnswerKind>,
    pub(super) escape_html: Option<bool>,
}

#[derive(Debug)]
pub(super) struct PreparedError {
    pub(super) when: Prepared,
    pub(super) code: String,
    pub(super) message: Option<Template>,
}

#[derive(Debug)]
pub(super) struct PreparedPagination {
    pub(super) next: PreparedNext,
    pub(super) until: Option<Prepared>,
    pub(super) pages: u32,
}

#[derive(Debug)]
pub(super) enum PreparedNext {
    Path(DotPath),
    Parameter(String),
    Link,
}

#[derive(Debug)]
pub(super) struct PreparedPoll {
    pub(super) poll: Poll,
    pub(super) until: Option<Prepared>,
}

impl PreparedRules {
    /// Parses what the rules hold; `place` is the path of whatever has them.
    ///
    /// # Errors
    /// The first rule that does not parse, by its path.
    pub fn new(rules: &Rules, place: &str) -> Result<Self, Invalid> {
        let at = |name: &str| if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") };
        let condition = |of: Option<&crate::connector::Condition>, name: &str| {
            of.map(|of| condition::prepare(of).map_err(|e| Invalid::new(at(name), e))).transpose()
        };
        let errors = rules.error_mapping.iter().enumerate();
        let errors = errors.map(|(index, row)| error(row, &at(&format!("errorMapping.{index}"))));
        Ok(Self {
            success: condition(rules.success.as_ref(), "success")?,
            errors: errors.collect::<Result<Vec<_>, _>>()?,
            pagination: rules.pagination.as_ref().map(|p| pagination(p, &at("pagination"))).transpose()?,
            poll: match &rules.poll {
                None => None,
                Some(poll) => {
                    let until = condition(poll.until.as_ref(), "poll.until")?;
                    Some(PreparedPoll { poll: poll.clone(), until })
                }
            },
            answer: rules.answer,
            escape_html: rules.escape_html,
        })
    }
}

fn error(row: &ErrorRow, place: &str) -> Result<PreparedError, Invalid> {
    let message = row.message.as_deref().map(Template::parse).transpose();
    Ok(PreparedError {
        when: condition::prepare(&row.when).map_err(|e| Invalid::new(format!("{place}.when"), e))?,
        code: row.code.clone(),
        message: message.map_err(|e| Invalid::new(format!("{place}.message"), e.to_string()))?,
    })
}

fn pagination(of: &Pagination, place: &str) -> Result<PreparedPagination, Invalid> {
    let next = match &of.next {
        NextPage::Path(path) => {
            PreparedNext::Path(DotPath::parse(path).map_err(|e| Invalid::new(format!("{place}.next"), e.to_string()))?)
        }
        NextPage::Parameter(name) => PreparedNext::Parameter(name.clone()),
        NextPage::Link => PreparedNext::Link,
    };
    let until = of.until.as_ref().map(condition::prepare).transpose();
    let until = until.map_err(|e| Invalid::new(format!("{place}.until"), e))?;
    Ok(PreparedPagination { next, until, pages: of.pages })
}

/// A connector's rules and those of its resources; a resource whose rules do not parse fails its own jobs only.
#[derive(Debug)]
pub struct PreparedConnector {
    rules: Result<PreparedRules, Invalid>,
    resources: Vec<(String, Result<PreparedRules, Invalid>)>,
}

impl PreparedConnector {
    /// Parses every rule of a connector.
    pub fn new(connector: &Connector) -> Self {
        let resources = connector.resources.iter().map(|resource| {
            let place = format!("endpoints.{}", resource.name);
            (resource.name.clone(), PreparedRules::new(&resource.rules, &place))
        });
        Self { rules: PreparedRules::new(&connector.rules, ""), resources: resources.collect() }
    }

    /// The rules of a resource and of its connector.
    ///
    /// # Errors
    /// What does not parse, by its path.
    pub fn of(&self, resource: &str) -> Result<[&PreparedRules; 2], Invalid> {
        let own = self.resources.iter().find(|(name, _)| name == resource);
        let own = own.ok_or_else(|| Invalid::new("endpoint", "is not a resource of the connector"))?;
        Ok([own.1.as_ref().map_err(Clone::clone)?, self.rules.as_ref().map_err(Clone::clone)?])
    }

    /// What does not parse; for imports.
    pub fn problems(&self) -> impl Iterator<Item = &Invalid> {
        let resources = self.resources.iter().filter_map(|(_, rules)| rules.as_ref().err());
        self.rules.as_ref().err().into_iter().chain(resources)
    }
}

/// What an answer is read with.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'a> {
    /// Request data overlaid by variables.
    pub data: &'a Map<String, Value>,
    /// The element's mapping rows.
    pub mapping: &'a Mapping,
    /// The rules of the element, the resource and the connector: the first that says something decides.
    pub rules: [&'a PreparedRules; 3],
    /// The method that was sent.
    pub method: &'a Method,
    /// The time, and what `env` reads.
    pub around: Surroundings<'a>,
    /// How many bytes of an answer that is not text become base64.
    pub inline_bytes: usize,
}

impl<'a> Reading<'a> {
    pub(super) fn rule<T>(&self, of: impl Fn(&'a PreparedRules) -> Option<T>) -> Option<T> {
        self.rules.into_iter().find_map(of)
    }
}
