//! The one page of the console, and the policy that a browser holds it to (UI 1).

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use serde::Deserialize;

use super::{files, with};

/// Stands in the built page for the nonce of an answer.
const NONCE: &str = "__NONCE__";

/// What the build found out for the policy.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Built {
    /// Hashes of the literal style attributes in libraries.
    style_attributes: Vec<String>,
}

struct Page {
    html: String,
    /// The sources of style attributes, quoted.
    style_attributes: String,
}

static PAGE: LazyLock<Option<Page>> = LazyLock::new(|| {
    let html = String::from_utf8(files::text("index.html")?.to_vec()).ok()?;
    let built: Built = serde_json::from_slice(&files::text("csp.json")?).ok()?;
    let hashes = built.style_attributes.iter().map(|hash| format!(" '{hash}'"));
    Some(Page { html, style_attributes: hashes.collect() })
});

/// The page, with a nonce of its own. It does not depend on what was asked for: the page reads its address itself.
pub(super) fn answer() -> Response<Bytes> {
    let page = PAGE.as_ref().zip(nonce());
    let Some((page, nonce)) = page else { return with(StatusCode::INTERNAL_SERVER_ERROR, &[], Bytes::new()) };
    let policy = policy(&nonce, &page.style_attributes);
    let Ok(policy) = HeaderValue::from_str(&policy) else {
        return with(StatusCode::INTERNAL_SERVER_ERROR, &[], Bytes::new());
    };
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (CONTENT_SECURITY_POLICY, policy),
    ];
    with(StatusCode::OK, &headers, Bytes::from(page.html.replace(NONCE, &nonce)))
}

fn policy(nonce: &str, style_attributes: &str) -> String {
    format!(
        "default-src 'self'; img-src 'self' data:; style-src 'self' 'nonce-{nonce}'; \
         style-src-attr 'unsafe-hashes'{style_attributes}; object-src 'none'; base-uri 'none'; form-action 'self'; \
         frame-ancestors 'none'"
    )
}

/// 128 random bits; `None` when the operating system has none.
fn nonce() -> Option<String> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).ok()?;
    Some(STANDARD.encode(bytes))
}
