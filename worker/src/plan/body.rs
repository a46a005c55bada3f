//! The body of a request (sheet 4.5).

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue};
use serde_json::Value;
use url::form_urlencoded;

use crate::connector::{BodyType, Invalid};

use super::template::{Escape, Scope, Template};

/// The rendered body; a form adds its content type where the resource configures none.
pub(super) fn body(
    template: Option<&Template>,
    kind: BodyType,
    html: bool,
    scope: &Scope<'_>,
    headers: &mut Vec<(HeaderName, HeaderValue)>,
) -> Result<Bytes, Invalid> {
    let Some(template) = template else { return Ok(Bytes::new()) };
    let escape = if html { Escape::Html } else { slot(kind, headers) };
    let text = template.render(scope, escape).map_err(|e| Invalid::new("body", e.to_string()))?;
    if kind != BodyType::Form {
        return Ok(Bytes::from(text));
    }
    if !headers.iter().any(|(name, _)| name == CONTENT_TYPE) {
        headers.push((CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded")));
    }
    form(&text).map(Bytes::from)
}

/// How values are escaped: by body type, else by content type.
fn slot(kind: BodyType, headers: &[(HeaderName, HeaderValue)]) -> Escape {
    if kind != BodyType::Raw {
        return Escape::Json;
    }
    let content_type = headers.iter().rev().find(|(name, _)| name == CONTENT_TYPE);
    let media = content_type.and_then(|(_, value)| value.to_str().ok()).unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if media.ends_with("/json") || media.ends_with("+json") {
        Escape::Json
    } else if media.ends_with("/xml") || media.ends_with("+xml") {
        Escape::Xml
    } else {
        Escape::None
    }
}

/// A JSON object as form fields; nested values in brackets, as PHP writes them.
fn form(text: &str) -> Result<String, Invalid> {
    let problem =
        |what: String| Invalid::new("body", format!("a form's body must render to a JSON object, and {what}"));
    let fields = match serde_json::from_str(text) {
        Ok(Value::Object(fields)) => fields,
        Ok(other) => return Err(problem(format!("this is {}", crate::job::kind_of(&other)))),
        Err(error) => return Err(problem(format!("this is not JSON: {error}"))),
    };
    let mut pairs = form_urlencoded::Serializer::new(String::new());
    for (name, value) in &fields {
        push_field(&mut pairs, name, value);
    }
    Ok(pairs.finish())
}

fn push_field(pairs: &mut form_urlencoded::Serializer<'_, String>, name: &str, value: &Value) {
    match value {
        Value::Null => {}
        Value::Bool(flag) => drop(pairs.append_pair(name, if *flag { "1" } else { "0" })),
        Value::String(text) => drop(pairs.append_pair(name, text)),
        Value::Number(number) => drop(pairs.append_pair(name, &number.to_string())),
        Value::Array(list) => {
            for (index, item) in list.iter().enumerate() {
                push_field(pairs, &format!("{name}[{index}]"), item);
            }
        }
        Value::Object(map) => {
            for (key, item) in map {
                push_field(pairs, &format!("{name}[{key}]"), item);
            }
        }
    }
}
