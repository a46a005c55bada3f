//! Answers as the API gives them.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// JSON with a status.
pub(super) fn json(status: StatusCode, value: &Value) -> Response {
    json_text(status, value.to_string())
}

/// JSON that is text already, with a status.
pub(super) fn json_text(status: StatusCode, text: String) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// 200 with JSON.
pub(super) fn ok(value: &Value) -> Response {
    json(StatusCode::OK, value)
}

/// 204.
pub(super) fn no_content() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// Adds a header whose value is made of text; one that cannot be a header is left out.
pub(super) fn with_header(mut response: Response, name: HeaderName, value: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
    response
}

/// A strong validator of some content.
pub(super) fn etag_of(content: &[u8]) -> String {
    let hash = Sha256::digest(content);
    let hex = hash.iter().take(16).fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    format!("\"{hex}\"")
}

/// 200 with JSON and its `ETag`, or 304 where the caller has it already.
pub(super) fn cacheable(headers: &HeaderMap, value: &Value) -> Response {
    let text = value.to_string();
    let tag = etag_of(text.as_bytes());
    cached(headers, text, &tag)
}

/// The same where the tag is made of something else.
pub(super) fn cacheable_by(headers: &HeaderMap, value: &Value, validated: &Value) -> Response {
    cached(headers, value.to_string(), &etag_of(validated.to_string().as_bytes()))
}

/// JSON that is text already with its `ETag`, or 304.
pub(super) fn cached(headers: &HeaderMap, text: String, tag: &str) -> Response {
    if is_known(headers, tag) {
        return not_modified(tag);
    }
    with_header(json_text(StatusCode::OK, text), header::ETAG, tag)
}

/// 304 with the tag.
pub(super) fn not_modified(tag: &str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    with_header(response, header::ETAG, tag)
}

/// Whether `If-None-Match` names the tag (RFC 9110 13.1.2, weak comparison).
pub(super) fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let mut values = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    values.any(|value| {
        value.split(',').map(str::trim).any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
    })
}

/// Whether `If-Match` is absent or names the tag (RFC 9110 13.1.1, strong comparison).
pub(super) fn may_change(headers: &HeaderMap, tag: &str) -> bool {
    let mut values = headers.get_all(header::IF_MATCH).iter().peekable();
    if values.peek().is_none() {
        return true;
    }
    let mut values = values.filter_map(|value| value.to_str().ok());
    values.any(|value| value.split(',').map(str::trim).any(|known| known == "*" || known == tag))
}
