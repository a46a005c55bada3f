//! Mapping rows: a path, a template or the whole answer to one top-level variable each (sheet 4.7).

use http::HeaderMap;
use serde_json::{Map, Value};

use crate::connector::{MappingRow, RowFormat};
use crate::job::{Code, Failure, Retriable, is_reserved};
use crate::plan::rule;
use crate::plan::template::{Escape, Scope, Template, TemplateError};

use super::{Mapped, Reading, Response, answered};

/// Maps a JSON answer; no mapping at all merges nothing.
pub(super) fn map(body: &Value, response: &Response, reading: &Reading<'_>) -> Result<Mapped, Failure> {
    let mut mapped = Mapped { data: Map::new(), warnings: response.warnings.clone() };
    let html = rule(reading.element, reading.resource, reading.connector, |rules| rules.escape_html).unwrap_or(false);
    let members = members_of(body);
    let headers = first_values(&response.headers);
    let source = Source {
        body,
        status: response.status,
        headers: &headers,
        scope: Scope::new(reading.data).over(&members),
        escape: if html { Escape::Html } else { Escape::None },
    };
    for (index, row) in reading.element.mapping.iter().flatten().enumerate() {
        let fail = |problem: String| {
            let message =
                format!("dataMapping.{index} ({}): {problem}; the call was made and is not repeated", row.key);
            answered(Failure::of_attempt(Code::Mapping, message, Retriable::Final), response)
        };
        let key = render(&row.key, &Scope::new(reading.data), source.escape).map_err(|e| fail(e.to_string()))?;
        if key.is_empty() {
            return Err(fail("the variable's name is empty".to_owned()));
        }
        let value = source.value(row).map_err(|e| fail(e.to_string()))?;
        if is_reserved(&key) {
            mapped
                .warnings
                .push(format!("the mapping onto `{key}` was dropped: the engine keeps that name for itself"));
        } else {
            mapped.data.insert(key, value);
        }
    }
    Ok(mapped)
}

fn render(template: &str, scope: &Scope<'_>, escape: Escape) -> Result<String, TemplateError> {
    if template.contains("{{") { Template::parse(template)?.render(scope, escape) } else { Ok(template.to_owned()) }
}

/// The answer's top-level members; a list's items go by their numbers.
fn members_of(body: &Value) -> std::borrow::Cow<'_, Map<String, Value>> {
    use std::borrow::Cow;
    match body {
        Value::Object(map) => Cow::Borrowed(map),
        Value::Array(list) => {
            Cow::Owned(list.iter().enumerate().map(|(i, item)| (i.to_string(), item.clone())).collect())
        }
        _ => Cow::Owned(Map::new()),
    }
}

/// The first value of each header, by lower-case name.
fn first_values(headers: &HeaderMap) -> Map<String, Value> {
    headers
        .keys()
        .filter_map(|name| Some((name.as_str().to_owned(), headers.get(name)?)))
        .map(|(name, value)| (name, Value::from(String::from_utf8_lossy(value.as_bytes()).into_owned())))
        .collect()
}

struct Source<'a> {
    body: &'a Value,
    status: u16,
    headers: &'a Map<String, Value>,
    scope: Scope<'a>,
    escape: Escape,
}

impl<'a> Source<'a> {
    fn value(&self, row: &MappingRow) -> Result<Value, TemplateError> {
        match (row.value.as_str(), row.format) {
            // PHP takes "0" for nothing, which designers may rely on.
            ("" | "0", _) => Ok(self.body.clone()),
            ("$status", _) => Ok(Value::from(self.status)),
            // Templates see headers where neither answer nor request data has the name.
            (template, RowFormat::Mustache) => {
                render(template, &self.scope.clone().under(self.headers), self.escape).map(Value::from)
            }
            (path, RowFormat::DotPath) => {
                let path = render(path, &self.scope, self.escape)?;
                Ok(self.lookup(&path).cloned().unwrap_or_else(|| Value::from("")))
            }
        }
    }

    /// A header written with a capital, as in `X-Quote-Id`, is the header; otherwise answer and request data come first,
    /// since HTTP clients lower-case header names and an answer's `date` or `location` must not be hidden by them.
    fn lookup(&self, path: &str) -> Option<&'a Value> {
        let header = || self.headers.get(&path.to_ascii_lowercase());
        let capital = path.bytes().any(|b| b.is_ascii_uppercase());
        let named = capital.then(header).flatten();
        named.or_else(|| self.scope.get(path)).or_else(|| self.walk(path)).or_else(header)
    }

    fn walk(&self, path: &str) -> Option<&'a Value> {
        let mut parts = path.split('.');
        let first = self.scope.get(parts.next()?)?;
        parts.try_fold(first, |value, part| match value {
            Value::Object(map) => map.get(part),
            Value::Array(list) => list.get(part.parse::<usize>().ok()?),
            _ => None,
        })
    }
}
