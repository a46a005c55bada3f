//! The built files, inside the binary: as they are, and compressed once.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Write as _;
use std::sync::{LazyLock, OnceLock};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, VARY};
use http::{HeaderMap, Response, StatusCode};
use rust_embed::Embed;

use super::with;

/// What `npm run build` made of `worker/console`.
#[derive(Embed)]
#[folder = "console/dist/"]
struct Dist;

/// Below this a file is not worth the header that says it is compressed, bytes.
const SMALL: usize = 512;

struct File {
    kind: &'static str,
    plain: Bytes,
    /// Made when it is first asked for; `None` where compressing gains nothing.
    gzip: OnceLock<Option<Bytes>>,
}

static ASSETS: LazyLock<HashMap<String, File>> = LazyLock::new(|| {
    let named = Dist::iter().filter_map(|path| {
        let name = path.strip_prefix("assets/")?.to_owned();
        let plain = text(&path)?;
        Some((name.clone(), File { kind: kind(&name), plain, gzip: OnceLock::new() }))
    });
    named.collect()
});

/// A file of `dist`, by its path in it.
pub(super) fn text(path: &str) -> Option<Bytes> {
    Some(match Dist::get(path)?.data {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => Bytes::from(bytes),
    })
}

/// A file with its hash in its name: it never changes, so that nobody asks for it twice.
pub(super) fn asset(name: &str, headers: &HeaderMap) -> Option<Response<Bytes>> {
    let file = ASSETS.get(name)?;
    let always = [
        (CONTENT_TYPE, HeaderValue::from_static(file.kind)),
        (CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
        (VARY, HeaderValue::from_static("Accept-Encoding")),
    ];
    let compressed = if takes_gzip(headers) { file.gzip.get_or_init(|| compress(&file.plain)).clone() } else { None };
    let Some(body) = compressed else { return Some(with(StatusCode::OK, &always, file.plain.clone())) };
    let mut response = with(StatusCode::OK, &always, body);
    response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    Some(response)
}

/// Whether the answer may be compressed (RFC 9110, 12.5.3): named, and not with weight 0.
pub(super) fn takes_gzip(headers: &HeaderMap) -> bool {
    let named = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    named.flat_map(|value| value.split(',')).any(|item| {
        let mut parts = item.split(';').map(str::trim);
        let is_gzip = parts.next().is_some_and(|coding| coding.eq_ignore_ascii_case("gzip"));
        let is_refused = parts.any(|weight| {
            weight.strip_prefix("q=").is_some_and(|weight| weight.parse::<f32>().is_ok_and(|weight| weight <= 0.0))
        });
        is_gzip && !is_refused
    })
}

pub(super) fn compress(plain: &Bytes) -> Option<Bytes> {
    if plain.len() < SMALL {
        return None;
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain).ok()?;
    let compressed = encoder.finish().ok()?;
    (compressed.len() < plain.len()).then(|| Bytes::from(compressed))
}

fn kind(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("json") => "application/json",
        Some("woff2") => "font/woff2",
        Some("woff") => "font/woff",
        Some("png") => "image/png",
        _ => "application/octet-stream",
    }
}
