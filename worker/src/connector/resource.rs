//! A resource: one call of a connector, as designers configured it (sheet 4.3).

use std::time::Duration;

use http::Method;
use serde_json::{Map, Value};

use super::spelling::{flag, member, required_text, rows, text};
use super::{Invalid, Rules, duration};

/// A parameter or a header of a resource; key and value are mustache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedValue {
    /// The name.
    pub key: String,
    /// The default.
    pub value: String,
    /// Sent even when empty, and also by elements that configure rows of their own (sheet 4.4, 4.5).
    pub required: bool,
}

/// How a rendered body is sent (sheet 4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyType {
    /// As it is; values are escaped as JSON strings.
    Json,
    /// A JSON object sent as `application/x-www-form-urlencoded`.
    Form,
    /// A JSON object sent as `multipart/form-data`: fields and files.
    Multipart,
    /// As it is; values are escaped as XML text.
    Xml,
    /// As it is; the content type decides how values are escaped.
    Raw,
}

/// One call of a connector.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    /// What elements call it by.
    pub name: String,
    /// Mustache; absolute, or relative to `http.base_url`.
    pub url: String,
    /// Any method, in capitals; GET where only the template tells.
    pub method: Method,
    /// The method where it is mustache (sheet 4.4).
    pub method_template: Option<String>,
    /// Mustache; `None` and empty mean no body.
    pub body: Option<String>,
    /// How the body is sent.
    pub body_type: BodyType,
    /// Declared parameters; `None` when the resource has no such list (sheet 4.4).
    pub params: Option<Vec<NamedValue>>,
    /// Declared headers.
    pub headers: Vec<NamedValue>,
    /// `timeout`; `None` and zero mean the operator's cap.
    pub timeout: Option<Duration>,
    /// `retry_attempts`: attempts after the first.
    pub retry_attempts: Option<u32>,
    /// `retry_wait_time`.
    pub retry_wait: Option<Duration>,
    /// Members of CONTRACT 7.
    pub rules: Rules,
}

impl Resource {
    /// Reads one member of a connector's `endpoints`.
    ///
    /// # Errors
    /// The first member that cannot be used, by its path.
    pub fn read(name: &str, of: &Map<String, Value>, place: &str) -> Result<Self, Invalid> {
        let time = |key: &str| duration(of.get(key)).map_err(|problem| Invalid::new(member(place, key), problem));
        let method_template = text(of, "method", place)?.filter(|method| method.contains("{{"));
        let retry_attempts = text(of, "retry_attempts", place)?.filter(|t| !t.is_empty());
        Ok(Self {
            name: name.to_owned(),
            url: required_text(of, "url", place)?,
            method: if method_template.is_some() { Method::GET } else { method(of, place)? },
            method_template,
            body: text(of, "body", place)?.filter(|body| !body.is_empty()),
            body_type: body_type(of, place)?,
            params: named_values(of, "params", place)?,
            headers: named_values(of, "headers", place)?.unwrap_or_default(),
            timeout: time("timeout")?.filter(|t| !t.is_zero()),
            retry_attempts: retry_attempts.map(|t| whole(&t, &member(place, "retry_attempts"))).transpose()?,
            retry_wait: time("retry_wait_time")?,
            rules: Rules::read(of, place)?,
        })
    }
}

/// A whole number from text.
pub(super) fn whole(text: &str, place: &str) -> Result<u32, Invalid> {
    // PHP and number inputs write 3 as 3.0 now and then.
    let digits =
        text.trim().split_once('.').filter(|(_, rest)| rest.bytes().all(|b| b == b'0')).map_or(text.trim(), |(w, _)| w);
    digits.parse().map_err(|_| Invalid::new(place, format!("`{text}` is not a whole number")))
}

fn method(of: &Map<String, Value>, place: &str) -> Result<Method, Invalid> {
    let text = text(of, "method", place)?.unwrap_or_default();
    callable_method(&text).map_err(|problem| Invalid::new(member(place, "method"), problem))
}

/// A method that can be called; none is GET.
///
/// # Errors
/// A sentence for people.
pub fn callable_method(text: &str) -> Result<Method, String> {
    let upper = text.trim().to_ascii_uppercase();
    match Method::from_bytes(upper.as_bytes()) {
        _ if upper.is_empty() => Ok(Method::GET),
        Ok(method) if method != Method::CONNECT && method != Method::TRACE && upper != "SOAP" => Ok(method),
        _ => Err(format!(
            "`{}` is not a method that can be called; write GET, POST, PUT, PATCH, DELETE, HEAD or OPTIONS",
            text.escape_debug()
        )),
    }
}

fn body_type(of: &Map<String, Value>, place: &str) -> Result<BodyType, Invalid> {
    match text(of, "body_type", place)?.unwrap_or_default().to_ascii_lowercase().as_str() {
        "json" => Ok(BodyType::Json),
        "form-data" | "form" | "x-www-form-urlencoded" => Ok(BodyType::Form),
        "multipart" | "multipart/form-data" => Ok(BodyType::Multipart),
        "xml" => Ok(BodyType::Xml),
        "" | "raw" | "text" => Ok(BodyType::Raw),
        other => Err(Invalid::new(
            member(place, "body_type"),
            format!("`{other}` is not known; write json, form-data, multipart, xml or raw"),
        )),
    }
}

fn named_values(of: &Map<String, Value>, name: &str, place: &str) -> Result<Option<Vec<NamedValue>>, Invalid> {
    let Some(rows) = rows(of, name, place)? else { return Ok(None) };
    rows.into_iter()
        .enumerate()
        .map(|(index, row)| {
            let place = member(place, &format!("{name}.{index}"));
            Ok(NamedValue {
                key: required_text(row, "key", &place)?,
                value: text(row, "value", &place)?.unwrap_or_default(),
                required: flag(row, "required", &place)?.unwrap_or(false),
            })
        })
        .collect::<Result<Vec<_>, _>>()
        .map(Some)
}
