//! The headers of a request (COMPATIBILITY 4.5).

use std::collections::HashMap;

use http::{HeaderName, HeaderValue};

use crate::connector::{Invalid, OutboundKind};

use super::element::PreparedRow;
use super::prepared::NamedTemplate;
use super::template::{Escape, Scope};

/// Headers that belong to the connection, to proxies or to metadata services.
const RESERVED: [&str; 14] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "upgrade",
    "te",
    "trailer",
    "expect",
    "forwarded",
    "metadata",
    "metadata-flavor",
    "x-aws-ec2-metadata-token",
    "x-aws-ec2-metadata-token-ttl-seconds",
];

/// The header that every request has, unless a row is named exactly so (COMPATIBILITY 4.5).
const ACCEPT: &str = "Accept";

/// What all headers of a request may take, bytes; servers take no more than some of it.
const BYTES: usize = 128 * 1024;

/// Headers with their names as they were written.
pub(super) type Written = (Vec<(HeaderName, HeaderValue)>, Vec<String>);

/// Rendered headers in order: `Accept`, the resource's, the element's rows over them.
///
/// An element with rows, even none, gets only the resource's required headers. What renders empty is left out, and of two rows
/// with one name, in whatever case, the later counts (CONTRACT 6).
pub(super) fn headers(
    declared: &[NamedTemplate],
    rows: Option<&[PreparedRow]>,
    data: &Scope<'_>,
) -> Result<Written, Invalid> {
    let mut named = Named::default();
    for (index, header) in declared.iter().enumerate().filter(|(_, header)| rows.is_none() || header.required) {
        let invalid = |e| Invalid::new(format!("headers.{index}"), format!("{e}"));
        let key = header.key.render(data, Escape::None).map_err(invalid)?;
        let value = header.value.render(data, Escape::None).map_err(invalid)?;
        named.set(key, value).map_err(|problem| Invalid::new(format!("headers.{index}"), problem))?;
    }
    for row in rows.unwrap_or_default().iter().filter(|row| row.kind == OutboundKind::Header) {
        let (name, value) = row.header(data)?;
        named.set(name, value).map_err(|problem| row.refused(problem))?;
    }
    let mut headers = Vec::new();
    if !named.list.iter().any(|(name, _)| name == ACCEPT) {
        headers.push(header(ACCEPT, "application/json")?);
    }
    for (name, value) in &named.list {
        headers.push(header(name, value)?);
    }
    Ok((headers, named.list.into_iter().map(|(name, _)| name).collect()))
}

/// Names and values in the order in which the names came first.
#[derive(Default)]
struct Named {
    list: Vec<(String, String)>,
    /// The places of names in lower case.
    places: HashMap<String, usize>,
    bytes: usize,
}

impl Named {
    fn set(&mut self, name: String, value: String) -> Result<(), String> {
        if value.trim().is_empty() {
            return Ok(());
        }
        self.bytes = self.bytes.saturating_add(name.len() + value.len());
        if self.bytes > BYTES {
            return Err(format!("the headers up to this one take more than {BYTES} bytes; send less"));
        }
        let place = *self.places.entry(name.to_ascii_lowercase()).or_insert(self.list.len());
        match self.list.get_mut(place) {
            Some(known) => *known = (name, value),
            None => self.list.push((name, value)),
        }
        Ok(())
    }
}

/// Whether a header, its name in lower case, belongs to the connection, to proxies or to metadata services.
pub fn is_reserved_header(lower: &str) -> bool {
    RESERVED.contains(&lower) || lower.starts_with("proxy-") || lower.starts_with("x-forwarded-")
}

pub(super) fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), Invalid> {
    let path = || format!("header `{}`", name.escape_debug());
    let parsed = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| Invalid::new(path(), "is not a header name: letters, digits and - only"))?;
    let lower = parsed.as_str();
    if is_reserved_header(lower) {
        return Err(Invalid::new(path(), "is reserved: the connection or a proxy sets it, a connector cannot"));
    }
    match HeaderValue::from_bytes(value.as_bytes()) {
        Ok(value) => Ok((parsed, value)),
        Err(_) => Err(Invalid::new(path(), "has a value with a line break or another control character")),
    }
}
