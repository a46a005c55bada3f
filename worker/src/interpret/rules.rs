//! The rules of an element, a resource or a connector with their templates, expressions and paths parsed.

use http::Method;
use serde_json::{Map, Value};

use crate::connector::{AnswerKind, Connector, ErrorRow, Invalid, NextPage, Pagination, Poll, Rules};
use crate::plan::Redactor;
use crate::plan::expression::EvalContext;
use crate::plan::template::Template;

use super::condition::CompiledCondition;
use super::mapping::Mapping;
use super::source::DotPath;

/// Rules with their conditions, templates and paths parsed.
#[derive(Debug)]
pub struct CompiledRules {
    pub(super) success: Option<CompiledCondition>,
    pub(super) errors: Vec<CompiledErrorRow>,
    pub(super) pagination: Option<CompiledPagination>,
    pub(super) poll: Option<CompiledPoll>,
    pub(super) answer: Option<AnswerKind>,
    pub(super) escape_html: Option<bool>,
}

#[derive(Debug)]
pub(super) struct CompiledErrorRow {
    pub(super) when: CompiledCondition,
    pub(super) code: String,
    pub(super) message: Option<Template>,
}

#[derive(Debug)]
pub(super) struct CompiledPagination {
    pub(super) next: CompiledNextPage,
    pub(super) until: Option<CompiledCondition>,
    pub(super) pages: u32,
}

#[derive(Debug)]
pub(super) enum CompiledNextPage {
    Path(DotPath),
    Cursor { path: DotPath, parameter: String },
    Parameter(String),
    Offset(String),
    Link,
}

#[derive(Debug)]
pub(super) struct CompiledPoll {
    pub(super) poll: Poll,
    pub(super) until: Option<CompiledCondition>,
}

impl CompiledRules {
    /// Parses what the rules hold; `path` is the path of whatever has them.
    ///
    /// # Errors
    /// The first rule that does not parse, by its path.
    pub fn new(rules: &Rules, path: &str) -> Result<Self, Invalid> {
        let at = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        let condition = |of: Option<&crate::connector::Condition>, name: &str| {
            of.map(|of| CompiledCondition::new(of).map_err(|e| Invalid::new(at(name), e))).transpose()
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
                    Some(CompiledPoll { poll: poll.clone(), until })
                }
            },
            answer: rules.answer,
            escape_html: rules.escape_html,
        })
    }
}

fn error(row: &ErrorRow, path: &str) -> Result<CompiledErrorRow, Invalid> {
    let message = row.message.as_deref().map(Template::parse).transpose();
    let when = CompiledCondition::new(&row.when).and_then(|when| match &when {
        // A number or a text is always true, so that every failure would fit.
        CompiledCondition::Expression(expression)
            if !expression.can_be_truth() || ["status", "code"].contains(&expression.source().trim()) =>
        {
            let written = expression.source();
            Err(format!(
                "`{written}` is neither a list of statuses (404, 4xx, 400-404) nor a condition that is true or false"
            ))
        }
        _ => Ok(when),
    });
    Ok(CompiledErrorRow {
        when: when.map_err(|e| Invalid::new(format!("{path}.when"), e))?,
        code: row.code.clone(),
        message: message.map_err(|e| Invalid::new(format!("{path}.message"), e.to_string()))?,
    })
}

fn pagination(of: &Pagination, path: &str) -> Result<CompiledPagination, Invalid> {
    let parsed = |next: &str| DotPath::parse(next).map_err(|e| Invalid::new(format!("{path}.next"), e.to_string()));
    let next = match &of.next {
        NextPage::Path(next) => CompiledNextPage::Path(parsed(next)?),
        NextPage::Cursor { path: next, parameter } => {
            CompiledNextPage::Cursor { path: parsed(next)?, parameter: parameter.clone() }
        }
        NextPage::Offset(name) => CompiledNextPage::Offset(name.clone()),
        NextPage::Parameter(name) => CompiledNextPage::Parameter(name.clone()),
        NextPage::Link => CompiledNextPage::Link,
    };
    let until = of.until.as_ref().map(CompiledCondition::new).transpose();
    let until = until.map_err(|e| Invalid::new(format!("{path}.until"), e))?;
    Ok(CompiledPagination { next, until, pages: of.pages })
}

/// A connector's rules and those of its resources; a resource whose rules do not parse fails its own jobs only.
#[derive(Debug)]
pub struct ConnectorRules {
    rules: Result<CompiledRules, Invalid>,
    resources: Vec<(String, Result<CompiledRules, Invalid>)>,
}

impl ConnectorRules {
    /// Parses every rule of a connector.
    pub fn new(connector: &Connector) -> Self {
        let resources = connector.resources.iter().map(|resource| {
            let path = format!("endpoints.{}", resource.name);
            (resource.name.clone(), CompiledRules::new(&resource.rules, &path))
        });
        Self { rules: CompiledRules::new(&connector.rules, ""), resources: resources.collect() }
    }

    /// The rules of a resource and of its connector.
    ///
    /// # Errors
    /// What does not parse, by its path.
    pub fn of(&self, resource: &str) -> Result<[&CompiledRules; 2], Invalid> {
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

/// What an answer is interpreted with.
#[derive(Debug, Clone, Copy)]
pub struct ResponseContext<'a> {
    /// Request data overlaid by variables.
    pub data: &'a Map<String, Value>,
    /// The element's mapping rows.
    pub mapping: &'a Mapping,
    /// The rules of the element, the resource and the connector: the first that has the rule decides.
    pub rules: [&'a CompiledRules; 3],
    /// The method that was sent.
    pub method: &'a Method,
    /// The time, and what `env` reads.
    pub ctx: EvalContext<'a>,
    /// How many bytes of an answer that is not text become base64.
    pub inline_bytes: usize,
    /// Masks what was sent, before anything reads the answer: whatever a row makes of it afterwards is made of the mask.
    pub redactor: &'a Redactor,
}

impl<'a> ResponseContext<'a> {
    pub(super) fn rule<T>(&self, of: impl Fn(&'a CompiledRules) -> Option<T>) -> Option<T> {
        self.rules.into_iter().find_map(of)
    }
}
