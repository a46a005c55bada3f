//! A URL in its parts, of a marked text, byte for byte as it is written.

use percent_encoding::percent_decode_str;

use super::marked;
use super::record::Row;

/// The parts of a URL; the fragment is not sent and not kept.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct UrlParts {
    /// In lower case; empty where none is written.
    pub(super) scheme: String,
    pub(super) user_info: Option<String>,
    /// Host and port.
    pub(super) authority: String,
    pub(super) path: String,
    /// Pairs as they are written; `None` in place of a value where there is no `=`.
    pub(super) query: Vec<(String, Option<String>)>,
}

impl UrlParts {
    pub(super) fn of(text: &str) -> Self {
        let text = text.trim();
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) if is_scheme(scheme) => (scheme.to_ascii_lowercase(), rest),
            _ => (String::new(), text),
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let (address, query) = rest.split_once('?').map_or((rest, None), |(address, query)| (address, Some(query)));
        let (authority, path) = match address.find('/') {
            Some(at) => address.split_at_checked(at).unwrap_or((address, "")),
            None => (address, ""),
        };
        let (user_info, authority) = match authority.rsplit_once('@') {
            Some((user_info, authority)) => (Some(user_info.to_owned()), authority),
            None => (None, authority),
        };
        Self {
            scheme,
            user_info,
            authority: authority.to_owned(),
            path: path.to_owned(),
            query: query.map(pairs).unwrap_or_default(),
        }
    }

    /// `https://host:8443`; nothing where no host is written.
    pub(super) fn origin(&self) -> String {
        match (self.scheme.as_str(), self.authority.as_str()) {
            (_, "") => String::new(),
            ("", authority) => authority.to_owned(),
            (scheme, authority) => format!("{scheme}://{authority}"),
        }
    }

    /// The template of a resource's URL without its query.
    pub(super) fn template(&self) -> String {
        let path: Vec<String> = self.path.split('/').map(segment).collect();
        marked::template(&format!("{}{}", self.origin(), path.join("/")))
    }

    /// The template of a resource's URL and its parameters: a query that parameters could not write is left in the URL.
    pub(super) fn template_and_params(&self) -> (String, Vec<Row>) {
        if self
            .query
            .iter()
            .all(|(name, value)| !name.trim().is_empty() && is_text(name) && value.as_deref().is_some_and(is_text))
        {
            return (self.template(), rows(&self.query));
        }
        let pair = |(name, value): &(String, Option<String>)| match value {
            Some(value) => format!("{}={}", segment(name), segment(value)),
            None => segment(name),
        };
        let query: Vec<String> = self.query.iter().map(pair).collect();
        (format!("{}?{}", self.template(), marked::template(&query.join("&"))), Vec::new())
    }
}

fn is_scheme(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

/// The pairs of a query as they are written.
pub(super) fn pairs(query: &str) -> Vec<(String, Option<String>)> {
    let pair = |pair: &str| match pair.split_once('=') {
        Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
        None => (pair.to_owned(), None),
    };
    query.split('&').filter(|text| !text.is_empty()).map(pair).collect()
}

/// Parameters that are always sent, of pairs as a query writes them.
pub(super) fn rows(pairs: &[(String, Option<String>)]) -> Vec<Row> {
    let row = |(name, value): &(String, Option<String>)| {
        Row::fixed(&decoded(name), &decoded(value.as_deref().unwrap_or_default()))
    };
    pairs.iter().map(row).filter(|row| !row.key.trim().is_empty()).collect()
}

/// Whether what is percent-encoded is text.
fn is_text(encoded: &str) -> bool {
    percent_decode_str(encoded).decode_utf8().is_ok()
}

/// A name or value of a query or form, as it was before it was encoded.
pub(super) fn decoded(text: &str) -> String {
    let text = text.replace('+', " ");
    percent_decode_str(&text).decode_utf8_lossy().into_owned()
}

/// A part of a path in which nothing is taken for a tag, a query or a fragment.
fn segment(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '{' => out.push_str("%7B"),
            '}' => out.push_str("%7D"),
            '?' => out.push_str("%3F"),
            '#' => out.push_str("%23"),
            ' ' => out.push_str("%20"),
            '\\' => out.push_str("%5C"),
            other if other.is_control() => {
                let mut buffer = [0; 4];
                for byte in other.encode_utf8(&mut buffer).bytes() {
                    out.extend(["%", &format!("{byte:02X}")]);
                }
            }
            other => out.push(other),
        }
    }
    out
}
