//! An answer as people see it: masked, decoded, not interpreted.

use super::body::{self, Kind};
use super::{Response, masked_headers};
use crate::plan::Redactor;

/// An answer as it came, with the secrets of its call masked.
#[derive(Debug, Clone)]
pub struct SeenAnswer {
    /// The status line's number.
    pub status: u16,
    /// Names in lower case and values, in the order of coming.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: SeenBody,
    /// How many bytes the body has, decompressed.
    pub bytes: usize,
}

/// A body as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SeenBody {
    /// A text that is JSON: as it was decoded, so that numbers have all their digits.
    Json(String),
    /// A text that is XML.
    Xml(String),
    /// Another text.
    Text(String),
    /// No text.
    Binary,
}

impl SeenBody {
    /// `json`, `xml`, `text` or `binary`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Json(_) => "json",
            Self::Xml(_) => "xml",
            Self::Text(_) => "text",
            Self::Binary => "binary",
        }
    }

    /// The text, where it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Json(text) | Self::Xml(text) | Self::Text(text) => Some(text),
            Self::Binary => None,
        }
    }
}

impl SeenAnswer {
    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// An answer with everything masked that `redactor` knows.
pub fn seen(response: &Response, redactor: &Redactor) -> SeenAnswer {
    let text = || redactor.redacted_text(&body::as_text(response));
    let body = match body::kind(response) {
        Kind::Json => SeenBody::Json(text()),
        Kind::Xml => SeenBody::Xml(text()),
        Kind::Text => SeenBody::Text(text()),
        Kind::Bytes => SeenBody::Binary,
    };
    SeenAnswer {
        status: response.status,
        headers: masked_headers(response, redactor),
        body,
        bytes: response.body.len(),
    }
}
