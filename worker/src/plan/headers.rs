//! The headers of a request (COMPATIBILITY 4.5).

use http::{HeaderName, HeaderValue};

use crate::connector::{Invalid, OutboundKind};

use super::element::PreparedRow;
use super::ordered_pairs::override_with;
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

/// Rendered headers in order: `Accept`, the resource's, the element's rows over them.
///
/// An element with rows, even none, gets only the resource's required headers; names are matched by their exact case. A name
/// that is written twice in one list is sent twice.
pub(super) fn headers(
    declared: &[NamedTemplate],
    rows: Option<&[PreparedRow]>,
    data: &Scope<'_>,
) -> Result<Vec<(HeaderName, HeaderValue)>, Invalid> {
    let mut named = vec![("Accept".to_owned(), "application/json".to_owned())];
    let mut of_resource = Vec::new();
    for (index, header) in declared.iter().enumerate().filter(|(_, header)| rows.is_none() || header.required) {
        let invalid = |e| Invalid::new(format!("headers.{index}"), format!("{e}"));
        let key = header.key.render(data, Escape::None).map_err(invalid)?;
        of_resource.push((key, header.value.render(data, Escape::None).map_err(invalid)?));
    }
    override_with(&mut named, &of_resource);
    let of_element = rows.unwrap_or_default().iter().filter(|row| row.kind == OutboundKind::Header);
    override_with(&mut named, &of_element.map(|row| row.header(data)).collect::<Result<Vec<_>, _>>()?);
    named.into_iter().map(|(name, value)| header(&name, &value)).collect()
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
