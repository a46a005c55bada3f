//! Where a mapping row takes its value from (COMPATIBILITY 4.7, CONTRACT 6).

use std::cell::OnceCell;

use http::HeaderMap;
use jmespath::Rcvar;
use serde_json::{Map, Value};

use super::path_error::PathError;
use super::projection::Projection;
use super::{Response, jmes_path, json_path};
use crate::connector::{MappingRow, RowFormat};
use crate::plan::Feel;
use crate::plan::expression::EvalContext;
use crate::plan::template::{Escape, Scope, Template};
use crate::plan::value::member;

/// A parsed source.
#[derive(Debug)]
pub(super) enum Source {
    Whole,
    Status,
    Headers,
    Path(DotPath),
    JmesPath(jmes_path::Path),
    Mustache(Template),
    Feel(Feel),
    /// A path with mustache in it is one only once it is rendered.
    Rendered(Template, RowFormat),
}

/// A dot path, a header, or a JSONPath where it begins with `$`.
#[derive(Debug)]
pub(super) enum DotPath {
    Json(json_path::Path),
    Dots(String),
    /// `$headers.Name`.
    Header(String),
}

impl DotPath {
    pub(super) fn parse(text: &str) -> Result<Self, PathError> {
        if let Some(name) = text.strip_prefix("$headers.") {
            return Ok(Self::Header(name.to_ascii_lowercase()));
        }
        let is_json_path = text == "$" || text.starts_with("$.") || text.starts_with("$[");
        if is_json_path { json_path::parse(text).map(Self::Json) } else { Ok(Self::Dots(text.to_owned())) }
    }

    /// The value; `""` where there is none.
    pub(super) fn find(&self, answer: &Answer<'_>) -> Result<Value, String> {
        match self {
            Self::Json(path) => path.find(answer.body),
            Self::Dots(path) => Ok(answer.lookup(path).cloned().unwrap_or_else(|| Value::from(""))),
            Self::Header(name) => Ok(answer.headers.get(name).cloned().unwrap_or_else(|| Value::from(""))),
        }
    }
}

impl Source {
    pub(super) fn parse(row: &MappingRow) -> Result<Self, String> {
        let has_mustache = row.value.contains("{{");
        Ok(match (row.value.as_str(), row.format) {
            // For PHP "0" is empty, which designers may rely on.
            ("" | "0", _) => Self::Whole,
            ("$status", _) => Self::Status,
            ("$headers", RowFormat::DotPath) => Self::Headers,
            (template, RowFormat::Mustache) => Self::Mustache(Template::parse(template).map_err(|e| e.to_string())?),
            (expression, RowFormat::Feel) => Self::Feel(Feel::parse(expression).map_err(|e| e.to_string())?),
            (template, format) if has_mustache => {
                Self::Rendered(Template::parse(template).map_err(|e| e.to_string())?, format)
            }
            (path, RowFormat::JmesPath) => Self::JmesPath(jmes_path::parse(path).map_err(|e| e.to_string())?),
            (path, RowFormat::DotPath) => Self::Path(DotPath::parse(path).map_err(|e| e.to_string())?),
        })
    }

    /// Adds what it reads of an answer; everything where that is known only when it is evaluated.
    pub(super) fn add_to(&self, projection: &mut Projection) {
        match self {
            Self::Status | Self::Headers | Self::Path(DotPath::Header(_)) => {}
            Self::Path(DotPath::Dots(path)) => {
                projection.add(path.split('.'));
                // A member may be named like the whole path.
                projection.add(std::iter::once(path.as_str()));
            }
            Self::Path(DotPath::Json(path)) => projection.add(path.beginning()),
            Self::Whole | Self::JmesPath(_) | Self::Mustache(_) | Self::Feel(_) | Self::Rendered(..) => {
                projection.add(std::iter::empty());
            }
        }
    }

    pub(super) fn value(&self, answer: &Answer<'_>) -> Result<Value, String> {
        match self {
            Self::Whole => Ok(answer.body.clone()),
            Self::Status => Ok(Value::from(answer.status)),
            Self::Headers => Ok(Value::Object(answer.headers.clone())),
            Self::Path(path) => path.find(answer),
            Self::JmesPath(path) => answer.search(path),
            // Templates see headers where neither answer nor request data has the name.
            Self::Mustache(template) => {
                let scope = answer.scope.clone().under(&answer.headers);
                template.render(&scope, answer.escape).map(Value::from).map_err(|e| e.to_string())
            }
            Self::Feel(feel) => {
                let scope = answer.scope.clone().under(&answer.headers);
                feel.evaluate(&scope, answer.ctx).map_err(|e| e.to_string())
            }
            Self::Rendered(template, format) => {
                let path = template.render(&answer.scope, answer.escape).map_err(|e| e.to_string())?;
                match format {
                    RowFormat::JmesPath => answer.search(&jmes_path::parse(&path).map_err(|e| e.to_string())?),
                    _ => DotPath::parse(&path).map_err(|e| e.to_string())?.find(answer),
                }
            }
        }
    }
}

/// An answer as rows see it.
#[derive(Debug)]
pub(super) struct Answer<'a> {
    body: &'a Value,
    status: u16,
    headers: Map<String, Value>,
    /// Request data overlaid by the answer's members.
    scope: Scope<'a>,
    escape: Escape,
    ctx: EvalContext<'a>,
    /// The body as JMESPath reads it, made for the first row that needs it.
    variable: OnceCell<(Rcvar, f64)>,
}

impl<'a> Answer<'a> {
    /// `members` are the body's top-level members, over the request's data.
    pub(super) fn new(
        body: &'a Value,
        members: &'a Map<String, Value>,
        response: &Response,
        data: &'a Map<String, Value>,
        escape: Escape,
        ctx: EvalContext<'a>,
    ) -> Self {
        Self {
            body,
            status: response.status,
            headers: first_values(&response.headers),
            scope: Scope::new(data).over(members),
            escape,
            ctx,
            variable: OnceCell::new(),
        }
    }

    fn search(&self, path: &jmes_path::Path) -> Result<Value, String> {
        let (variable, size) = self.variable.get_or_init(|| jmes_path::variable(self.body));
        path.find(variable, *size)
    }

    /// A header written with a capital, as in `X-Quote-Id`, is the header; otherwise answer and request data come first,
    /// since HTTP clients lower-case header names and an answer's `date` or `location` must not be hidden by them.
    fn lookup(&self, path: &str) -> Option<&Value> {
        let header = || self.headers.get(&path.to_ascii_lowercase());
        let capital = path.bytes().any(|b| b.is_ascii_uppercase());
        let named = capital.then(header).flatten();
        named.or_else(|| self.scope.get(path)).or_else(|| self.walk(path)).or_else(header)
    }

    fn walk(&self, path: &str) -> Option<&Value> {
        let mut parts = path.split('.');
        let first = self.scope.get(parts.next()?)?;
        parts.try_fold(first, member)
    }
}

/// What conditions see of an answer: `status`, `headers` and `body`.
pub(super) fn condition_members(response: &Response, body: Value) -> Map<String, Value> {
    Map::from_iter([
        ("status".to_owned(), Value::from(response.status)),
        ("headers".to_owned(), Value::Object(first_values(&response.headers))),
        ("body".to_owned(), body),
    ])
}

/// The first value of each header, by lower-case name.
fn first_values(headers: &HeaderMap) -> Map<String, Value> {
    headers
        .keys()
        .filter_map(|name| Some((name.as_str().to_owned(), headers.get(name)?)))
        .map(|(name, value)| (name, Value::from(String::from_utf8_lossy(value.as_bytes()).into_owned())))
        .collect()
}
