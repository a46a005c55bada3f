//! Filters, which follow a `|`: a value in another format, inserted without escaping (COMPATIBILITY 4.6).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::super::value::{json_text, number_text};
use super::Escape;
use super::parse::Filter;
use super::render::LIMIT;

/// A value through a filter.
pub(super) fn value(filter: Filter, value: &Value) -> String {
    match (filter, value) {
        (Filter::Json, value) => json_text(value),
        (Filter::Serialize, value) => serialized(value),
        // PHP's `key`: the name of the first member.
        (Filter::Key, Value::Object(map)) => map.keys().next().cloned().unwrap_or_default(),
        (Filter::Key, Value::Array(list)) => {
            if list.is_empty() {
                String::new()
            } else {
                "0".to_owned()
            }
        }
        (Filter::Xml, Value::Array(_) | Value::Object(_)) => {
            let mut out = String::new();
            push_elements(&mut out, "item", value);
            out
        }
        (filter, scalar) => text(filter, plain(scalar)),
    }
}

/// A text through a filter.
pub(super) fn text(filter: Filter, text: String) -> String {
    match filter {
        Filter::Json => Value::from(text).to_string(),
        Filter::Xml => escaped(Escape::Xml, &text),
        Filter::Serialize => serialized(&Value::from(text)),
        Filter::Base64 => STANDARD.encode(text),
        Filter::Html64 => STANDARD.encode(escaped(Escape::Html, &text)),
        Filter::Key => text,
    }
}

fn escaped(escape: Escape, text: &str) -> String {
    let mut out = String::new();
    escape.push(&mut out, text);
    out
}

/// A value as text; lists and objects as JSON.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Number(number) => number_text(number),
        other => json_text(other),
    }
}

/// Members as elements; the items of a list as one element each, named like the list.
fn push_elements(out: &mut String, name: &str, value: &Value) {
    match value {
        Value::Object(map) => map.iter().for_each(|(name, value)| push_element(out, name, value)),
        Value::Array(list) => list.iter().for_each(|item| push_element(out, name, item)),
        scalar => Escape::Xml.push(out, &plain(scalar)),
    }
}

fn push_element(out: &mut String, name: &str, value: &Value) {
    if let Value::Array(_) = value {
        return push_elements(out, name, value);
    }
    // A list repeats its name for every item; what is too long is not rendered, however long it would be.
    if out.len() > LIMIT {
        return;
    }
    let name: String =
        name.chars().map(|c| if c.is_alphanumeric() || matches!(c, '_' | '-' | '.') { c } else { '_' }).collect();
    let name = if name.starts_with(|c: char| c.is_alphabetic() || c == '_') { name } else { format!("_{name}") };
    out.push('<');
    out.push_str(&name);
    out.push('>');
    push_elements(out, "item", value);
    out.push_str("</");
    out.push_str(&name);
    out.push('>');
}

/// PHP's `serialize`; lengths count bytes.
fn serialized(value: &Value) -> String {
    let mut out = String::new();
    push_serialized(&mut out, value);
    out
}

fn push_serialized(out: &mut String, value: &Value) {
    let scalar = match value {
        Value::Null => "N;".to_owned(),
        Value::Bool(flag) => format!("b:{};", u8::from(*flag)),
        Value::Number(number) if number.is_f64() => format!("d:{};", number_text(number)),
        Value::Number(number) => format!("i:{number};"),
        Value::String(text) => serialized_text(text),
        Value::Array(list) => format!("a:{}:{{", list.len()),
        Value::Object(map) => format!("a:{}:{{", map.len()),
    };
    out.push_str(&scalar);
    match value {
        Value::Array(list) => {
            for (index, item) in list.iter().enumerate() {
                push_serialized(out, &Value::from(index));
                push_serialized(out, item);
            }
            out.push('}');
        }
        Value::Object(map) => {
            for (name, item) in map {
                out.push_str(&serialized_text(name));
                push_serialized(out, item);
            }
            out.push('}');
        }
        _ => {}
    }
}

fn serialized_text(text: &str) -> String {
    format!("s:{}:\"{text}\";", text.len())
}
