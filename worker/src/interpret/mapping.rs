//! Mapping rows: a path, an expression, a template or the whole answer to one top-level variable each (COMPATIBILITY 4.7).

use std::borrow::Cow;

use bpmn_ext::names::is_reserved_variable;
use serde_json::{Map, Value};

use crate::connector::{Invalid, MappingRow};
use crate::job::{Code, Failure, Retriable};
use crate::plan::template::{Escape, Scope, Template};

use super::projection::Projection;
use super::source::{Answer, Source};
use super::{MappedData, Response, ResponseContext, answered};

/// An element's mapping rows, parsed once for all jobs that carry them.
#[derive(Debug)]
pub struct Mapping {
    rows: Vec<Row>,
    projection: Projection,
}

#[derive(Debug)]
struct Row {
    /// As written, for messages.
    name: String,
    key: Key,
    source: Source,
}

#[derive(Debug)]
enum Key {
    Plain(String),
    Template(Template),
}

impl Mapping {
    /// Parses rows; none at all merge nothing (COMPATIBILITY 4.7).
    ///
    /// # Errors
    /// The first row that does not parse, by its path in the configuration.
    pub fn new(rows: Option<&[MappingRow]>) -> Result<Self, Invalid> {
        let rows = rows.unwrap_or_default().iter().enumerate().map(|(index, row)| {
            let wrong = |problem: String| Invalid::new(format!("dataMapping.{index} ({})", row.key), problem);
            let key = if row.key.contains("{{") {
                Key::Template(Template::parse(&row.key).map_err(|e| wrong(e.to_string()))?)
            } else {
                Key::Plain(row.key.clone())
            };
            Ok(Row { name: row.key.clone(), key, source: Source::parse(row).map_err(wrong)? })
        });
        let rows = rows.collect::<Result<Vec<_>, _>>()?;
        let mut projection = Projection::default();
        for row in &rows {
            row.source.add_to(&mut projection);
        }
        Ok(Self { rows, projection })
    }

    /// What the rows read of an answer.
    pub(super) fn projection(&self) -> &Projection {
        &self.projection
    }

    /// Whether there are no rows.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

/// Maps an answer's data.
pub(super) fn map(body: &Value, response: &Response, context: &ResponseContext<'_>) -> Result<MappedData, Failure> {
    let mut mapped = MappedData { data: Map::new(), warnings: response.warnings.clone() };
    if context.mapping.is_empty() {
        return Ok(mapped);
    }
    let html = context.rule(|rules| rules.escape_html).unwrap_or(false);
    let escape = if html { Escape::Html } else { Escape::None };
    let members = members_of(body);
    let answer = Answer::new(body, &members, response, context.data, escape, context.ctx);
    for (index, row) in context.mapping.rows.iter().enumerate() {
        let fail = |problem: String| {
            let message =
                format!("dataMapping.{index} ({}): {problem}; the call was made and is not repeated", row.name);
            answered(Failure::of_attempt(Code::Mapping, message, Retriable::Final), response)
        };
        let key = match &row.key {
            Key::Plain(key) => Cow::Borrowed(key.as_str()),
            Key::Template(template) => {
                Cow::Owned(template.render(&Scope::new(context.data), escape).map_err(|e| fail(e.to_string()))?)
            }
        };
        if key.is_empty() {
            return Err(fail("the variable's name is empty".to_owned()));
        }
        let value = row.source.value(&answer).map_err(fail)?;
        if is_reserved_variable(&key) {
            mapped.warnings.push(format!("the mapping onto `{key}` was dropped: that name is reserved for the engine"));
        } else {
            mapped.data.insert(key.into_owned(), value);
        }
    }
    Ok(mapped)
}

/// The answer's top-level members; a list's items go by their numbers.
pub(super) fn members_of(body: &Value) -> Cow<'_, Map<String, Value>> {
    match body {
        Value::Object(map) => Cow::Borrowed(map),
        Value::Array(list) => {
            Cow::Owned(list.iter().enumerate().map(|(i, item)| (i.to_string(), item.clone())).collect())
        }
        _ => Cow::Owned(Map::new()),
    }
}
