use std::io::Read as _;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONTENT_SECURITY_POLICY, HeaderValue};
use http::{HeaderMap, Method, Response, StatusCode, Uri};

use super::{answer, files};

fn get(path: &str) -> Response<Bytes> {
    asked(&Method::GET, path, "")
}

fn asked(method: &Method, path: &str, encoding: &'static str) -> Response<Bytes> {
    let mut headers = HeaderMap::new();
    if !encoding.is_empty() {
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(encoding));
    }
    answer(method, &path.parse::<Uri>().expect("a path"), &headers)
}

fn header<'a>(response: &'a Response<Bytes>, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().expect("text"))
}

/// The script that the page loads.
fn script() -> String {
    let page = String::from_utf8(get("/").into_body().to_vec()).expect("UTF-8");
    let at = page.find("/assets/index-").expect("a script");
    page.get(at..).and_then(|rest| rest.split('"').next()).expect("an address").to_owned()
}

#[test]
fn every_address_shows_the_page_with_a_nonce_of_its_own() {
    let nonce_of = |path: &str| {
        let response = get(path);
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert_eq!(header(&response, "cache-control"), "no-cache");
        assert_eq!(header(&response, "x-content-type-options"), "nosniff");
        assert_eq!(header(&response, "referrer-policy"), "no-referrer");
        let policy = header(&response, CONTENT_SECURITY_POLICY.as_str()).to_owned();
        assert!(policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"), "{policy}");
        let nonce =
            policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).expect("a nonce").to_owned();
        let page = String::from_utf8(response.into_body().to_vec()).expect("UTF-8");
        assert!(page.contains(&format!("nonce=\"{nonce}\"")) && !page.contains("__NONCE__"));
        nonce
    };
    assert_ne!(nonce_of("/"), nonce_of("/jobs/a%2Fb?state=failed"));
    nonce_of("/no/such/page");
}

#[test]
fn files_are_kept_for_ever_and_compressed_for_those_who_take_it() {
    let path = script();
    let plain = get(&path);
    assert_eq!(plain.status(), StatusCode::OK);
    assert_eq!(header(&plain, "cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(header(&plain, "content-type"), "text/javascript; charset=utf-8");
    assert_eq!(header(&plain, "content-encoding"), "");

    let compressed = asked(&Method::GET, &path, "br, gzip;q=0.8");
    assert_eq!(header(&compressed, "content-encoding"), "gzip");
    assert_eq!(header(&compressed, "vary"), "Accept-Encoding");
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(compressed.body().as_ref()).read_to_end(&mut text).expect("gzip");
    assert_eq!(text, plain.body().as_ref());

    assert_eq!(header(&asked(&Method::GET, &path, "gzip;q=0"), "content-encoding"), "");
}

#[test]
fn a_file_of_another_version_is_not_the_page() {
    assert_eq!(get("/assets/index-0000.js").status(), StatusCode::NOT_FOUND);
    assert_eq!(get("/assets/../csp.json").status(), StatusCode::NOT_FOUND);
}

#[test]
fn their_addresses_lead_to_ours() {
    for (theirs, ours) in [
        ("/designer/data-sources", "/connectors"),
        ("/designer/data-sources/7/edit", "/connectors/7"),
        ("/designer/data-sources/7/resources/a%20b?x=1", "/connectors/7/resources/a%20b?x=1"),
    ] {
        let response = get(theirs);
        assert_eq!((response.status(), header(&response, "location")), (StatusCode::FOUND, ours));
    }
    assert_eq!(get("/designer/data-sourcesx").status(), StatusCode::NOT_FOUND);
}

#[test]
fn only_reading_is_allowed() {
    let refused = asked(&Method::POST, "/jobs", "");
    assert_eq!((refused.status(), header(&refused, "allow")), (StatusCode::METHOD_NOT_ALLOWED, "GET, HEAD"));
    let head = asked(&Method::HEAD, "/jobs", "");
    assert!(head.status() == StatusCode::OK && head.body().is_empty());
}

/// Everything that the page and its files name is there.
#[test]
fn the_build_is_whole() {
    let page = String::from_utf8(files::text("index.html").expect("a page").to_vec()).expect("UTF-8");
    let named: Vec<&str> = page.split('"').filter(|part| part.starts_with("/assets/")).collect();
    assert!(named.len() > 2, "{page}");
    for path in named {
        assert_eq!(get(path).status(), StatusCode::OK, "{path}");
    }
}
