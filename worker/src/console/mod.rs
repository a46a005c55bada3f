//! The console's files and its page, for everything that is neither API nor probe.
//!
//! Knows what `worker/console/dist` holds and the headers that go with it (UI 1); knows no data, and nothing of who asks.

mod files;
mod page;

#[cfg(test)]
mod tests;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, Method, Response, StatusCode, Uri};

/// Where the built files are; each has its content's hash in its name.
const ASSETS: &str = "/assets/";
/// The pages of ProcessMaker that ours stand in for (COMPATIBILITY 3).
const THEIR_PAGES: &str = "/designer/data-sources";

/// The answer to a request that is none of the API's: a file, the page at any other address, or a way to it.
pub fn answer(method: &Method, uri: &Uri, headers: &HeaderMap) -> Response<Bytes> {
    if method != Method::GET && method != Method::HEAD {
        return with(StatusCode::METHOD_NOT_ALLOWED, &[(ALLOW, HeaderValue::from_static("GET, HEAD"))], Bytes::new());
    }
    let mut response = if let Some(name) = uri.path().strip_prefix(ASSETS) {
        files::asset(name, headers).unwrap_or_else(nothing_here)
    } else if let Some(rest) = uri.path().strip_prefix(THEIR_PAGES) {
        redirect(rest, uri.query())
    } else {
        page::answer()
    };
    if method == Method::HEAD {
        *response.body_mut() = Bytes::new();
    }
    response
}

/// `/{id}/edit` and `/{id}/resources/{endpoint}` are ours without `edit`.
fn redirect(rest: &str, query: Option<&str>) -> Response<Bytes> {
    let rest = rest.strip_suffix("/edit").unwrap_or(rest);
    let target = query.map_or_else(|| format!("/connectors{rest}"), |query| format!("/connectors{rest}?{query}"));
    match HeaderValue::from_str(&target) {
        Ok(target) if rest.is_empty() || rest.starts_with('/') => {
            with(StatusCode::FOUND, &[(LOCATION, target)], Bytes::new())
        }
        _ => nothing_here(),
    }
}

/// For a file of an older or newer version: a page in its place would be read as a script.
fn nothing_here() -> Response<Bytes> {
    let text = (CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    with(StatusCode::NOT_FOUND, &[text], Bytes::from_static(b"there is no such file; reload the page\n"))
}

/// An answer with the headers that all of them have.
fn with(status: StatusCode, headers: &[(HeaderName, HeaderValue)], body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let all = response.headers_mut();
    all.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    all.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    all.extend(headers.iter().cloned());
    response
}
