//! JSON inside an attribute. Knows which JSON the worker accepts and the position of a syntax error; must not know what
//! the members mean.

use std::borrow::Cow;

use serde_json::{Error, Map, Value};

use crate::attribute::Attribute;
use crate::diagnostic::{Finding, Report};
use crate::limits;

/// An attribute that holds JSON, for messages and diagnostics.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AttributeKind {
    /// Its name with the usual prefix.
    pub(crate) name: &'static str,
    /// The code of the diagnostic about invalid JSON.
    pub(crate) code: &'static str,
}

/// The JSON object in an attribute, or the unparsed text (CONTRACT 5).
pub(crate) fn read(attribute: &Attribute<'_>, kind: AttributeKind, label: &str, report: &mut Report<'_>) -> Value {
    let text = attribute.text();
    if report.json_memory.saturating_add(memory(&text)) > limits::JSON_MEMORY {
        report.add(attribute.span(), too_much(kind, label));
        return Value::String(text.into_owned());
    }
    report.json_memory += memory(&text);
    match serde_json::from_str(&text) {
        Ok(Value::Object(members)) => return Value::Object(members),
        // PHP encodes an empty object as `[]` (CONTRACT 2).
        Ok(Value::Array(list)) if list.is_empty() => return Value::Object(Map::new()),
        Ok(_) => report.add(attribute.span(), not_an_object(kind, label)),
        Err(error) => report.add(attribute.char_span(offset(&text, &error)), broken(kind, label, &text, &error)),
    }
    Value::String(text.into_owned())
}

/// An estimate of the memory that the parsed text takes: its bytes, and an allowance for each structural character, as
/// measured on lists and objects of one small member each.
fn memory(text: &str) -> usize {
    let cost = |byte: &u8| match byte {
        b'{' => 200,
        b'[' => 250,
        b',' => 120,
        b':' => 80,
        _ => 1,
    };
    text.as_bytes().iter().map(cost).sum()
}

/// The byte of the text at which parsing failed.
fn offset(text: &str, error: &Error) -> usize {
    if error.is_eof() {
        return text.len();
    }
    let before: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    text.floor_char_boundary(before + error.column().saturating_sub(1))
}

fn broken(kind: AttributeKind, label: &str, text: &str, error: &Error) -> Finding {
    let near = text.get(offset(text, error)..).and_then(|rest| rest.chars().next());
    let near = near.map_or(Cow::Borrowed("at its end"), |c| Cow::Owned(format!("at `{}`", c.escape_debug())));
    let AttributeKind { name, code } = kind;
    let problem = error.to_string();
    let problem = problem.rsplit_once(" at line ").map_or(problem.as_str(), |(problem, _)| problem);
    Finding::error(code, format!("{label}: {name} is not JSON: {problem}, {near}"))
        .help("correct the JSON; until then the worker gets the unparsed text and refuses it")
}

fn not_an_object(AttributeKind { name, code }: AttributeKind, label: &str) -> Finding {
    Finding::error(code, format!("{label}: {name} is JSON but not an object"))
        .help("write an object: {\"name\": value, …}")
}

fn too_much(AttributeKind { name, .. }: AttributeKind, label: &str) -> Finding {
    Finding::error(
        "too-much-json",
        format!("{label}: {name} is not parsed: the JSON of this file takes too much memory"),
    )
    .help("split the model into several files")
}
