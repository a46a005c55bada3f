//! The body of a request (COMPATIBILITY 4.5).

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue};
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use crate::connector::{Arrays, BodyType, Invalid, Space};

use super::form_fields;
use super::multipart::Multipart;
use super::query::parameter;
use super::template::{Escape, Scope, Template};

/// A body that is whole, or one whose files have to be fetched first.
#[derive(Debug, Default)]
pub(super) struct Planned {
    pub(super) bytes: Bytes,
    pub(super) multipart: Option<Multipart>,
    /// What its designer should know.
    pub(super) warning: Option<String>,
}

/// How a body is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    pub(super) kind: BodyType,
    pub(super) arrays: Arrays,
    /// ProcessMaker's escaping.
    pub(super) html: bool,
}

/// The rendered body; a form adds its content type where the resource configures none, a multipart form always, for its boundary.
pub(super) fn body(
    template: Option<&Template>,
    Style { kind, arrays, html }: Style,
    scope: &Scope<'_>,
    headers: &mut Vec<(HeaderName, HeaderValue)>,
    seed: &str,
) -> Result<Planned, Invalid> {
    let Some(template) = template else { return Ok(Planned::default()) };
    let slot = slot(kind, headers);
    let escape = if html { Escape::Html } else { slot };
    let text = template.render(scope, escape).map_err(|e| Invalid::new("body", e.to_string()))?;
    match kind {
        BodyType::Json | BodyType::Xml | BodyType::Raw => {
            let warning = if slot == Escape::Json { no_json(&text) } else { None };
            Ok(Planned { bytes: Bytes::from(text), warning, ..Planned::default() })
        }
        BodyType::Form => {
            if !headers.iter().any(|(name, _)| name == CONTENT_TYPE) {
                headers.push((CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded")));
            }
            Ok(Planned { bytes: Bytes::from(form(&members(&text)?, arrays)), ..Planned::default() })
        }
        BodyType::Multipart => {
            let multipart = Multipart::of(&members(&text)?, arrays, seed)?;
            headers.retain(|(name, _)| name != CONTENT_TYPE);
            let content_type = HeaderValue::from_str(&multipart.content_type());
            headers.push((CONTENT_TYPE, content_type.map_err(|e| Invalid::new("body", e.to_string()))?));
            if multipart.urls().next().is_some() {
                return Ok(Planned { multipart: Some(multipart), ..Planned::default() });
            }
            Ok(Planned { bytes: multipart.assemble([]), ..Planned::default() })
        }
    }
}

/// How values are escaped: by body type, else by content type.
fn slot(kind: BodyType, headers: &[(HeaderName, HeaderValue)]) -> Escape {
    match kind {
        BodyType::Json | BodyType::Form | BodyType::Multipart => return Escape::Json,
        BodyType::Xml => return Escape::Xml,
        BodyType::Raw => {}
    }
    let content_type = headers.iter().rev().find(|(name, _)| name == CONTENT_TYPE);
    let media = content_type.and_then(|(_, value)| value.to_str().ok()).unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if media == "application/x-www-form-urlencoded" {
        Escape::Form
    } else if media.ends_with("/json") || media.ends_with("+json") {
        Escape::Json
    } else if media.ends_with("/xml") || media.ends_with("+xml") {
        Escape::Xml
    } else {
        Escape::None
    }
}

/// A warning where a JSON body is none; it quotes nothing of it.
fn no_json(text: &str) -> Option<String> {
    let error = serde_json::from_str::<IgnoredAny>(text).err()?;
    Some(format!(
        "the body rendered to a text that is no JSON ({error}), and is sent as it is: a variable without a value leaves a \
         gap, and a text needs its quotes; {{{{{{name | json}}}}}} always inserts JSON"
    ))
}

/// What a form's body renders to.
fn members(text: &str) -> Result<Map<String, Value>, Invalid> {
    let problem =
        |what: String| Invalid::new("body", format!("a form's body must render to a JSON object, and {what}"));
    match serde_json::from_str(text) {
        Ok(Value::Object(fields)) => {
            fields.iter().try_for_each(|(name, value)| form_fields::check("body", name, value))?;
            Ok(fields)
        }
        Ok(other) => Err(problem(format!("this is {}", crate::job::kind_of(&other)))),
        Err(error) => Err(problem(format!("this is not JSON: {error}"))),
    }
}

/// Form fields; nested values in brackets, as PHP writes them.
fn form(fields: &Map<String, Value>, arrays: Arrays) -> String {
    let mut pairs: Vec<String> = Vec::new();
    for (name, value) in fields {
        form_fields::push(name, value, arrays, &mut |name, texts| pairs.push(parameter(&name, &texts, Space::Plus)));
    }
    pairs.join("&")
}
