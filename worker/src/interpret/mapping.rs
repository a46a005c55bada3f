//! Mapping rows: a path, an expression, a template or the whole answer to one top-level variable each (COMPATIBILITY 4.7).

use std::borrow::Cow;
use std::collections::BTreeSet;

use bpmn_ext::names::is_reserved_variable;
use serde_json::{Map, Value};

use crate::connector::{Invalid, MappingRow};
use crate::job::{Code, Failure, Retriable};
use crate::plan::template::{Escape, Scope, Template};
use crate::plan::value::weight;

use super::body::{self, Body};
use super::projection::Projection;
use super::source::{Answer, Kind, Source};
use super::{MappedData, Response, ResponseContext, answered, bad_response, text_variables};

/// What all rows may take in memory, bytes: each of them may name the whole answer.
pub const MAPPED_BYTES: usize = 64 * 1024 * 1024;
/// Mapping rows of one element.
const ROWS: usize = 1_000;

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
        if rows.is_some_and(|rows| rows.len() > ROWS) {
            return Err(Invalid::new("dataMapping", format!("has more than {ROWS} rows")));
        }
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

    /// How many times at most the rows copy the whole answer: those that name different members share it.
    pub fn copies(&self) -> usize {
        let members = self.rows.iter().filter_map(|row| row.source.members()).collect::<BTreeSet<_>>().len();
        self.rows.len() - members + usize::from(members > 0)
    }

    /// Whether the rows make much work of a small answer, too.
    pub fn is_long(&self) -> bool {
        self.rows.iter().any(|row| row.source.is_long())
    }

    /// Whether rows render request data, which may be much however small the answer is.
    pub fn renders(&self) -> bool {
        self.rows.iter().any(|row| row.source.renders())
    }

    /// Whether there are no rows.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

/// Maps an answer: all rows of data; of a text, 204 or HEAD those that read no data of it (CONTRACT 6).
pub(super) fn map(
    body: Result<Body, String>,
    warnings: Vec<String>,
    response: &Response,
    context: &ResponseContext<'_>,
) -> Result<MappedData, Failure> {
    let mut mapped = MappedData { data: Map::new(), warnings };
    if context.mapping.is_empty() {
        unmapped(body, response, &mut mapped);
        return Ok(mapped);
    }
    let (value, kind) = match body {
        Ok(Body::Data(value) | Body::Bytes(value)) => (value, Kind::Data),
        Ok(Body::Xml(value)) => (value, Kind::Xml),
        Ok(Body::Text(text)) => {
            mapped.data = text_variables(&text, response);
            (Value::from(text), Kind::Text)
        }
        Err(problem) => {
            let skipped = rows(&Value::Null, Kind::Unreadable, &mut mapped, response, context)?;
            return if skipped.is_empty() { Ok(mapped) } else { Err(bad_response(response, context, &problem)) };
        }
    };
    let skipped = rows(&value, kind, &mut mapped, response, context)?;
    if !skipped.is_empty() {
        let why = body::why_no_json(response).unwrap_or_else(|| "it is no data".to_owned());
        let (rows, what) = (skipped.join(", "), body::described(response));
        mapped.warnings.push(format!("the answer ({what}) was not mapped by {rows}: {why}"));
    }
    Ok(mapped)
}

/// An answer that no row maps merges nothing; what is no data gives two variables all the same.
fn unmapped(body: Result<Body, String>, response: &Response, mapped: &mut MappedData) {
    let text = match body {
        Ok(Body::Data(_)) => return,
        Ok(Body::Text(text)) => text,
        Ok(Body::Xml(_)) => body::as_text(response),
        Ok(Body::Bytes(_)) => {
            let (what, bytes) = (body::described(response), response.body.len());
            mapped.warnings.push(format!("the answer ({what}, {bytes} bytes) is not text, and no row maps it"));
            return;
        }
        Err(problem) => {
            mapped.warnings.push(format!("the answer cannot be read: {problem}; no row maps it"));
            if body::is_bytes(response) {
                return;
            }
            body::as_text(response)
        }
    };
    mapped.data = text_variables(&text, response);
}

/// Evaluates rows; the names of those that read data where there is none.
fn rows(
    body: &Value,
    kind: Kind,
    mapped: &mut MappedData,
    response: &Response,
    context: &ResponseContext<'_>,
) -> Result<Vec<String>, Failure> {
    let html = context.rule(|rules| rules.escape_html).unwrap_or(false);
    let escape = if html { Escape::Html } else { Escape::None };
    let members = members_of(body);
    let answer = Answer::new(body, kind, &members, response, context.data, escape, context.ctx);
    let (mut skipped, mut bytes) = (Vec::new(), 0_usize);
    for (index, row) in context.mapping.rows.iter().enumerate() {
        if row.source.needs_data(&answer) {
            skipped.push(format!("dataMapping.{index} ({})", row.name));
            continue;
        }
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
        bytes = bytes.saturating_add(weight(&value, MAPPED_BYTES));
        if bytes > MAPPED_BYTES {
            let problem = format!("the rows up to this one take more than {MAPPED_BYTES} bytes; map fewer fields");
            return Err(Failure { code: Code::ResultTooLarge, ..fail(problem) });
        }
        if is_reserved_variable(&key) {
            mapped.warnings.push(format!("the mapping onto `{key}` was dropped: that name is reserved for the engine"));
        } else {
            mapped.data.insert(key.into_owned(), value);
        }
    }
    Ok(skipped)
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
