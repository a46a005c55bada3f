//! Where a mapping row takes its value from (COMPATIBILITY 4.7, CONTRACT 6).

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::BTreeSet;

use jmespath::Rcvar;
use serde_json::{Map, Value};

use super::path_error::PathError;
use super::projection::Projection;
use super::{Response, jmes_path, json_path};
use crate::connector::{MappingRow, RowFormat};
use crate::job::member_through_text;
use crate::plan::expression::EvalContext;
use crate::plan::template::{Escape, Scope, Template};
use crate::plan::value::member;
use crate::plan::{Feel, Secrets};

/// A text without the blanks around it, among them those that have no width: web pages put them into what is copied.
fn without_blanks(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}'))
}

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
    /// Blanks around a path are pasted with it.
    pub(super) fn parse(text: &str) -> Result<Self, PathError> {
        let text = without_blanks(text);
        if let Some(name) = text.strip_prefix("$headers.") {
            return Ok(Self::Header(name.to_ascii_lowercase()));
        }
        let is_json_path = text == "$" || text.starts_with("$.") || text.starts_with("$[");
        if is_json_path { json_path::parse(text).map(Self::Json) } else { Ok(Self::Dots(text.to_owned())) }
    }

    fn needs_data(&self, answer: &Answer<'_>) -> bool {
        match self {
            Self::Json(_) => true,
            Self::Dots(path) => !answer.response.headers.contains_key(path.to_ascii_lowercase()),
            Self::Header(_) => false,
        }
    }

    /// The value; `""` where there is none.
    pub(super) fn find(&self, answer: &Answer<'_>) -> Result<Value, String> {
        match self {
            Self::Json(path) => path.find(answer.body),
            Self::Dots(path) => Ok(answer.lookup(path).map_or_else(|| Value::from(""), Cow::into_owned)),
            Self::Header(name) => Ok(answer.whole_header(name).unwrap_or_else(|| Value::from(""))),
        }
    }
}

impl Source {
    pub(super) fn parse(row: &MappingRow) -> Result<Self, String> {
        let has_mustache = row.value.contains("{{");
        // A source is pasted with blanks around it; in a template they are text.
        let written = if row.format == RowFormat::Mustache { row.value.as_str() } else { without_blanks(&row.value) };
        Ok(match (written, row.format) {
            // For PHP "0" is empty, which designers may rely on.
            ("" | "0", _) | ("$", RowFormat::DotPath) | ("@", RowFormat::JmesPath) => Self::Whole,
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

    /// The path, where it names a member of a member.
    pub(super) fn members(&self) -> Option<&str> {
        match self {
            Self::Path(DotPath::Dots(path)) if path.contains('.') => Some(path),
            _ => None,
        }
    }

    /// Whether it renders request data, which may be much however small the answer is.
    pub(super) fn renders(&self) -> bool {
        matches!(self, Self::Mustache(_) | Self::Feel(_) | Self::Rendered(..))
    }

    /// Whether it goes through a value again and again: what it costs is then no question of the answer's size.
    pub(super) fn is_long(&self) -> bool {
        match self {
            Self::Path(DotPath::Json(path)) => path.is_long(),
            Self::Whole | Self::Status | Self::Headers | Self::Path(_) => false,
            Self::JmesPath(path) => path.is_long(),
            Self::Mustache(template) | Self::Feel(Feel::Rendered(template)) => template.has_sections(),
            Self::Feel(Feel::Parsed(expression)) => expression.is_long(),
            Self::Rendered(..) => true,
        }
    }

    /// Whether it cannot be evaluated because the answer is no data.
    pub(super) fn needs_data(&self, answer: &Answer<'_>) -> bool {
        let is_text = match answer.kind {
            Kind::Data | Kind::Xml => return false,
            Kind::Text => true,
            Kind::Unreadable => false,
        };
        match self {
            Self::Status | Self::Headers => false,
            Self::Whole => !is_text,
            Self::Path(path) => path.needs_data(answer),
            Self::JmesPath(_) => true,
            Self::Mustache(template) | Self::Feel(Feel::Rendered(template)) => !answer.has_all(&template.variables()),
            Self::Feel(Feel::Parsed(expression)) => !answer.has_all(&expression.variables()),
            Self::Rendered(template, format) => {
                let path = template.render(&answer.scope, answer.escape).ok();
                let path = path.filter(|_| *format == RowFormat::DotPath).and_then(|path| DotPath::parse(&path).ok());
                path.is_none_or(|path| path.needs_data(answer))
            }
        }
    }

    pub(super) fn value(&self, answer: &Answer<'_>) -> Result<Value, String> {
        match self {
            Self::Whole => Ok(answer.body.clone()),
            Self::Status => Ok(Value::from(answer.response.status)),
            Self::Headers => Ok(Value::Object(answer.response.all_headers())),
            Self::Path(path) => path.find(answer),
            Self::JmesPath(path) => answer.search(path),
            Self::Mustache(template) => {
                let scope = answer.whole_scope();
                template.render(&scope, answer.escape).map(Value::from).map_err(|e| e.to_string())
            }
            Self::Feel(feel) => {
                let scope = answer.whole_scope();
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

/// What an answer's body is to rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Data,
    /// Data, in which a list of one element is that element.
    Xml,
    Text,
    Unreadable,
}

/// An answer as rows see it.
#[derive(Debug)]
pub(super) struct Answer<'a> {
    body: &'a Value,
    kind: Kind,
    response: &'a Response,
    /// The first value of each, made for the first row that needs one.
    headers: OnceCell<Map<String, Value>>,
    /// The same and the status by the names that conditions know them by.
    named: OnceCell<Map<String, Value>>,
    /// Request data overlaid by the answer's members.
    scope: Scope<'a>,
    escape: Escape,
    ctx: EvalContext<'a>,
    /// The body as JMESPath reads it, made for the first row that needs it.
    variable: OnceCell<Rcvar>,
    /// How many values it has.
    size: OnceCell<f64>,
}

impl<'a> Answer<'a> {
    /// `members` are the body's top-level members, over the request's data.
    pub(super) fn new(
        body: &'a Value,
        kind: Kind,
        members: &'a Map<String, Value>,
        response: &'a Response,
        data: &'a Map<String, Value>,
        escape: Escape,
        ctx: EvalContext<'a>,
    ) -> Self {
        let scope = Scope::new(data).over(members);
        Self {
            body,
            kind,
            response,
            headers: OnceCell::new(),
            named: OnceCell::new(),
            scope: if kind == Kind::Xml { scope.with_lists_of_one() } else { scope },
            escape,
            ctx,
            variable: OnceCell::new(),
            size: OnceCell::new(),
        }
    }

    /// What templates and expressions read: where neither answer nor request data has a name, a header, `headers` or `status`.
    fn whole_scope(&self) -> Scope<'_> {
        let named = self.named.get_or_init(|| {
            Map::from_iter([
                ("headers".to_owned(), Value::Object(self.headers().clone())),
                ("status".to_owned(), Value::from(self.response.status)),
            ])
        });
        self.scope.clone().under_headers(self.headers()).under(named)
    }

    fn headers(&self) -> &Map<String, Value> {
        self.headers.get_or_init(|| self.response.first_headers())
    }

    fn search(&self, path: &jmes_path::Path) -> Result<Value, String> {
        // Measured before it is copied.
        path.check(*self.size.get_or_init(|| jmes_path::size(self.body)))?;
        path.find(self.variable.get_or_init(|| jmes_path::variable(self.body)))
    }

    /// A header written with a capital, as in `X-Quote-Id`, is the header; otherwise answer and request data come first,
    /// since HTTP clients lower-case header names and an answer's `date` or `location` must not be hidden by them.
    fn lookup(&self, path: &str) -> Option<Cow<'_, Value>> {
        let header = || self.headers().get(&path.to_ascii_lowercase()).map(Cow::Borrowed);
        let capital = path.bytes().any(|b| b.is_ascii_uppercase());
        let named = capital.then(header).flatten();
        named.or_else(|| self.scope.get(path).map(Cow::Borrowed)).or_else(|| self.walk(path)).or_else(header)
    }

    fn walk(&self, path: &str) -> Option<Cow<'_, Value>> {
        let mut parts = path.split('.');
        let first = Cow::Borrowed(self.scope.get(parts.next()?)?);
        parts.try_fold(first, |value, part| match &*value {
            // XML does not say that an element is one of a list before there is a second one.
            one if self.kind == Kind::Xml && part == "0" && !one.is_array() => Some(value),
            _ => member_through_text(value, |value| member(value, part)),
        })
    }

    /// A header, all values of it where there are several; `name.1` is the second one.
    fn whole_header(&self, name: &str) -> Option<Value> {
        self.response.header(name).or_else(|| {
            let (name, number) = name.rsplit_once('.')?;
            match (self.response.header(name)?, number.parse::<usize>().ok()?) {
                (Value::Array(values), number) => values.get(number).cloned(),
                (value, 0) => Some(value),
                _ => None,
            }
        })
    }

    /// Whether the request's data or the headers have all these names.
    fn has_all(&self, names: &BTreeSet<String>) -> bool {
        let scope = self.whole_scope();
        names.iter().all(|name| Secrets::is_reference(name) || scope.get(name).is_some())
    }
}

/// What conditions see of an answer: `status`, `headers` and `body`.
pub(super) fn condition_members(response: &Response, body: Value) -> Map<String, Value> {
    Map::from_iter([
        ("status".to_owned(), Value::from(response.status)),
        ("headers".to_owned(), Value::Object(response.first_headers())),
        ("body".to_owned(), body),
    ])
}
