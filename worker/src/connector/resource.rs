//! A resource: one call of a connector, as designers configured it (COMPATIBILITY 4.3).

use std::time::Duration;

use http::Method;

use super::lenient::Reader;
use super::{Invalid, Rules};

/// A parameter or a header of a resource; key and value are mustache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedValue {
    /// The name.
    pub key: String,
    /// The default.
    pub value: String,
    /// A parameter is sent even when empty, a header also by elements that configure rows of their own (COMPATIBILITY 4.4, 4.5).
    pub required: bool,
}

/// How a rendered body is sent (COMPATIBILITY 4.5).
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
    /// Any method, in capitals; GET where the method is a template.
    pub method: Method,
    /// The method where it is mustache (COMPATIBILITY 4.4).
    pub method_template: Option<String>,
    /// Mustache; `None` and empty mean no body.
    pub body: Option<String>,
    /// How the body is sent.
    pub body_type: BodyType,
    /// Declared parameters; `None` when the resource has no such list (COMPATIBILITY 4.4).
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
    pub(super) fn read(name: &str, of: &Reader<'_>) -> Result<Self, Invalid> {
        let method_template = of.text("method")?.filter(|method| method.contains("{{"));
        Ok(Self {
            name: name.to_owned(),
            url: of.required_text("url")?,
            method: if method_template.is_some() { Method::GET } else { method(of)? },
            method_template,
            body: of.text("body")?.filter(|body| !body.is_empty()),
            body_type: body_type(of)?,
            params: named_values(of, "params")?,
            headers: named_values(of, "headers")?.unwrap_or_default(),
            timeout: of.duration("timeout")?.filter(|t| !t.is_zero()),
            retry_attempts: of.whole("retry_attempts")?,
            retry_wait: of.duration("retry_wait_time")?,
            rules: Rules::read(of)?,
        })
    }
}

fn method(of: &Reader<'_>) -> Result<Method, Invalid> {
    let text = of.text("method")?.unwrap_or_default();
    callable_method(&text).map_err(|problem| of.invalid("method", problem))
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

fn body_type(of: &Reader<'_>) -> Result<BodyType, Invalid> {
    match of.text("body_type")?.unwrap_or_default().to_ascii_lowercase().as_str() {
        "json" => Ok(BodyType::Json),
        "form-data" | "form" | "x-www-form-urlencoded" => Ok(BodyType::Form),
        "multipart" | "multipart/form-data" => Ok(BodyType::Multipart),
        "xml" => Ok(BodyType::Xml),
        "" | "raw" | "text" => Ok(BodyType::Raw),
        other => {
            let problem = format!("`{other}` is not known; write json, form-data, multipart, xml or raw");
            Err(of.invalid("body_type", problem))
        }
    }
}

fn named_values(of: &Reader<'_>, name: &str) -> Result<Option<Vec<NamedValue>>, Invalid> {
    let value = |row: Reader<'_>| {
        Ok(NamedValue {
            key: row.required_text("key")?,
            value: row.text("value")?.unwrap_or_default(),
            required: row.flag("required")?.unwrap_or(false),
        })
    };
    of.rows(name)?.map(|rows| rows.into_iter().map(value).collect()).transpose()
}
