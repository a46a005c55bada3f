//! Values that a document gives as examples, and what a schema says where it gives none.

use serde_json::{Map, Number, Value};

use super::super::fields::{is_true, list, members, text};
use super::super::position::Fault;
use super::Api;

/// The deepest nesting of a sample.
const DEPTH: usize = 6;
/// Bytes of an example that is taken, roughly.
const BYTES: usize = 128 * 1024;

/// The example that a parameter, media type or schema gives.
pub(super) fn given<'a>(api: &mut Api<'a>, of: &'a Value) -> Result<Option<Value>, Fault> {
    if let Some(example) = of.get("example") {
        return taken(api, example);
    }
    let first = match of.get("examples") {
        // A schema's.
        Some(Value::Array(list)) => return list.first().map_or(Ok(None), |first| taken(api, first)),
        Some(Value::Object(named)) => named.iter().next(),
        _ => None,
    };
    let Some((name, first)) = first else { return Ok(None) };
    let Some(example) = api.resolved(first)? else { return Ok(None) };
    if let Some(url) = text(example, "externalValue") {
        api.report.left_out(format!("the example `{name}`"), format!("it is at {url}, and nothing is fetched"));
        return Ok(None);
    }
    match example.get("value") {
        Some(value) => taken(api, value),
        None => Ok(None),
    }
}

/// A copy, unless the example is too large to be one.
fn taken(api: &mut Api<'_>, example: &Value) -> Result<Option<Value>, Fault> {
    let mut left = BYTES;
    if !fits(example, &mut left) {
        api.report.left_out("an example", format!("it has more than {BYTES} bytes"));
        return Ok(None);
    }
    let document = api.document;
    api.budget.steps(1 + (BYTES - left) / 64, || document.place_of("example"))?;
    Ok(Some(example.clone()))
}

fn fits(value: &Value, left: &mut usize) -> bool {
    let take = |left: &mut usize, bytes: usize| match left.checked_sub(bytes) {
        Some(rest) => {
            *left = rest;
            true
        }
        None => false,
    };
    match value {
        Value::String(text) => take(left, text.len() + 2),
        Value::Array(list) => take(left, 2) && list.iter().all(|item| fits(item, left)),
        Value::Object(map) => {
            take(left, 2) && map.iter().all(|(name, item)| take(left, name.len() + 4) && fits(item, left))
        }
        _ => take(left, 8),
    }
}

/// What a schema itself gives: an example, its default, or the first of its values.
pub(super) fn of_schema<'a>(api: &mut Api<'a>, schema: &'a Value) -> Result<Option<Value>, Fault> {
    if let Some(example) = given(api, schema)? {
        return Ok(Some(example));
    }
    let first = schema.get("const").or_else(|| schema.get("default")).or_else(|| list(schema, "enum").first());
    match first {
        Some(value) => taken(api, value),
        None => Ok(None),
    }
}

/// The type of a schema, also where it is one of several or shows by its members.
pub(super) fn type_of(schema: &Value) -> Option<&str> {
    match schema.get("type") {
        Some(Value::String(name)) => Some(name),
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).find(|name| *name != "null"),
        _ if schema.get("properties").is_some() => Some("object"),
        _ if schema.get("items").is_some() => Some("array"),
        _ => None,
    }
}

/// The properties of an object's schema: name, schema, whether it is required. Those of `allOf` and of the first of `oneOf`
/// and `anyOf` among them.
pub(super) fn properties<'a>(api: &mut Api<'a>, schema: &'a Value) -> Result<Vec<(&'a str, &'a Value, bool)>, Fault> {
    let mut found = Vec::new();
    let mut required = Vec::new();
    collect(api, schema, DEPTH, &mut found, &mut required)?;
    let required: std::collections::HashSet<&str> = required.into_iter().collect();
    let mut seen = std::collections::HashSet::new();
    found.retain(|(name, _)| seen.insert(*name));
    Ok(found.into_iter().map(|(name, schema)| (name, schema, required.contains(name))).collect())
}

fn collect<'a>(
    api: &mut Api<'a>,
    schema: &'a Value,
    depth: usize,
    found: &mut Vec<(&'a str, &'a Value)>,
    required: &mut Vec<&'a str>,
) -> Result<(), Fault> {
    api.step("schema")?;
    let Some(schema) = api.resolved(schema)? else { return Ok(()) };
    required.extend(list(schema, "required").iter().filter_map(Value::as_str));
    for (name, property) in members(schema, "properties") {
        api.step(name)?;
        let Some(property) = api.resolved(property)? else { continue };
        if !is_true(property, "readOnly") {
            found.push((name, property));
        }
    }
    if depth == 0 {
        return Ok(());
    }
    for part in list(schema, "allOf") {
        collect(api, part, depth - 1, found, required)?;
    }
    for choice in ["oneOf", "anyOf"] {
        if let Some(first) = list(schema, choice).first() {
            collect(api, first, depth - 1, found, required)?;
        }
    }
    Ok(())
}

/// A value that fits a schema: its examples where it has some, else something of its type.
pub(super) fn sample<'a>(api: &mut Api<'a>, schema: &'a Value, depth: usize) -> Result<Value, Fault> {
    api.step("schema")?;
    let Some(schema) = api.resolved(schema)? else { return Ok(Value::Null) };
    if let Some(example) = of_schema(api, schema)? {
        return Ok(example);
    }
    if depth >= DEPTH || api.sample_left == 0 {
        return Ok(Value::Null);
    }
    api.sample_left -= 1;
    let alternatives = ["allOf", "oneOf", "anyOf"].into_iter().find_map(|name| list(schema, name).first());
    Ok(match (type_of(schema), alternatives) {
        (Some("object"), _) => object(api, schema, depth)?,
        (None, Some(first)) => {
            let object = object(api, schema, depth)?;
            if object.as_object().is_some_and(Map::is_empty) { sample(api, first, depth + 1)? } else { object }
        }
        (Some("array"), _) => match schema.get("items") {
            Some(items) => Value::Array(vec![sample(api, items, depth + 1)?]),
            None => Value::Array(Vec::new()),
        },
        (Some("string"), _) => of_format(text(schema, "format").unwrap_or_default()).into(),
        (Some("integer" | "number"), _) => {
            schema.get("minimum").and_then(Value::as_number).cloned().unwrap_or_else(|| Number::from(0)).into()
        }
        (Some("boolean"), _) => Value::Bool(false),
        _ => Value::Null,
    })
}

fn object<'a>(api: &mut Api<'a>, schema: &'a Value, depth: usize) -> Result<Value, Fault> {
    let mut members = Map::new();
    for (name, property, required) in properties(api, schema)? {
        if required {
            members.insert(name.to_owned(), sample(api, property, depth + 1)?);
        }
    }
    Ok(Value::Object(members))
}

fn of_format(format: &str) -> &'static str {
    match format {
        "date-time" => "2026-01-31T12:00:00Z",
        "date" => "2026-01-31",
        "time" => "12:00:00Z",
        "uuid" => "00000000-0000-4000-8000-000000000000",
        "email" => "someone@example.com",
        "uri" | "url" => "https://example.com/",
        "hostname" => "example.com",
        "ipv4" => "192.0.2.1",
        "ipv6" => "2001:db8::1",
        _ => "text",
    }
}
