//! AWS Signature Version 4: a request signed with keys that are not sent.
//!
//! Follows the published description (AWS General Reference, "Signature Version 4 signing process") and its test suite.

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use percent_encoding::{percent_decode_str, percent_encode, utf8_percent_encode};
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use url::Url;

use crate::job::hex;
use crate::plan::{AwsKeys, UNRESERVED};

const DATE: HeaderName = HeaderName::from_static("x-amz-date");
const TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");
const CONTENT: HeaderName = HeaderName::from_static("x-amz-content-sha256");
/// Headers that proxies and connections change on the way are not signed.
const UNSIGNED: [&str; 5] = ["user-agent", "connection", "expect", "x-amzn-trace-id", "traceparent"];

/// Signs a request as it is about to be sent.
pub(super) fn sign(
    built: &mut reqwest::Request,
    body: &Bytes,
    keys: &AwsKeys,
    now_ms: i64,
) -> Result<(), &'static str> {
    let unusable = |_| "holds a character that a header cannot carry";
    // A `+` is a space to some services and itself to others; what is signed has to be what is sent.
    if let Some(query) = built.url().query().filter(|query| query.contains('+')).map(|query| query.replace('+', "%20"))
    {
        built.url_mut().set_query(Some(&query));
    }
    let time = timestamp(now_ms);
    let content = hex(&Sha256::digest(body));
    let mut set = |name: HeaderName, text: &str| {
        let mut value = HeaderValue::from_str(text).map_err(unusable)?;
        value.set_sensitive(name == TOKEN || name == AUTHORIZATION);
        built.headers_mut().insert(name, value);
        Ok::<_, &'static str>(())
    };
    set(DATE, &time)?;
    if let Some(token) = &keys.session_token {
        set(TOKEN, token.expose_secret())?;
    }
    if keys.service == "s3" {
        set(CONTENT, &content)?;
    }
    let authorization = authorization(built.method(), built.url(), built.headers(), &content, keys, &time);
    let mut value = HeaderValue::from_str(&authorization).map_err(unusable)?;
    value.set_sensitive(true);
    built.headers_mut().insert(AUTHORIZATION, value);
    Ok(())
}

/// The header's text for a request at `time`, such as `20150830T123600Z`.
fn authorization(method: &Method, url: &Url, headers: &HeaderMap, content: &str, keys: &AwsKeys, time: &str) -> String {
    let (names, lines) = canonical_headers(url, headers);
    let path = canonical_path(url, &keys.service);
    let request = format!("{method}\n{path}\n{}\n{lines}\n{names}\n{content}", canonical_query(url));
    let day = time.split('T').next().unwrap_or_default();
    let scope = format!("{day}/{}/{}/aws4_request", keys.region, keys.service);
    let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", hex(&Sha256::digest(request.as_bytes())));
    let first = format!("AWS4{}", keys.secret_access_key.expose_secret());
    let key = [day, &keys.region, &keys.service, "aws4_request"]
        .iter()
        .fold(first.into_bytes(), |key, part| mac(&key, part.as_bytes()));
    let signature = hex(&mac(&key, text.as_bytes()));
    format!("AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={signature}", keys.access_key_id)
}

/// Names and lines, sorted; several values of one name in one line.
fn canonical_headers(url: &Url, headers: &HeaderMap) -> (String, String) {
    let host = url.host_str().unwrap_or_default();
    let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let mut lines = vec![("host".to_owned(), host)];
    for name in headers.keys().filter(|name| !UNSIGNED.contains(&name.as_str()) && **name != AUTHORIZATION) {
        let values = headers.get_all(name).iter().map(|value| trimmed(&String::from_utf8_lossy(value.as_bytes())));
        lines.push((name.as_str().to_owned(), values.collect::<Vec<_>>().join(",")));
    }
    lines.sort();
    let names: Vec<&str> = lines.iter().map(|(name, _)| name.as_str()).collect();
    let block: Vec<String> = lines.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    (names.join(";"), block.concat())
}

/// Runs of blanks are collapsed into one.
fn trimmed(value: &str) -> String {
    value.split(' ').filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Encoded twice, as every service but S3 expects it: what is on the wire is encoded once more.
fn canonical_path(url: &Url, service: &str) -> String {
    let part = |part: &str| {
        let decoded = percent_decode_str(part).collect::<Vec<u8>>();
        let once = percent_encode(&decoded, UNRESERVED).to_string();
        if service == "s3" { once } else { utf8_percent_encode(&once, UNRESERVED).to_string() }
    };
    url.path().split('/').map(part).collect::<Vec<_>>().join("/")
}

fn canonical_query(url: &Url) -> String {
    // Byte by byte: what is no UTF-8 is signed as it is sent.
    let encoded = |text: &str| percent_encode(&percent_decode_str(text).collect::<Vec<u8>>(), UNRESERVED).to_string();
    let parameters = url.query().unwrap_or_default().split('&').filter(|parameter| !parameter.is_empty());
    let parts = parameters.map(|parameter| parameter.split_once('=').unwrap_or((parameter, "")));
    let mut pairs: Vec<(String, String)> = parts.map(|(key, value)| (encoded(key), encoded(value))).collect();
    pairs.sort();
    pairs.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join("&")
}

fn timestamp(now_ms: i64) -> String {
    let now = jiff::Timestamp::from_millisecond(now_ms).unwrap_or_default();
    now.strftime("%Y%m%dT%H%M%SZ").to_string()
}

fn mac(key: &[u8], text: &[u8]) -> Vec<u8> {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;

    fn keys(id: &str, secret: &str, service: &str) -> AwsKeys {
        AwsKeys {
            access_key_id: id.to_owned(),
            secret_access_key: SecretString::from(secret),
            session_token: None,
            region: "us-east-1".to_owned(),
            service: service.to_owned(),
        }
    }

    /// The test suite that AWS publishes: name, method, URL, further headers, body, signature.
    #[test]
    fn the_published_vectors() {
        let keys = keys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "service");
        let form = ("content-type", "application/x-www-form-urlencoded");
        for (name, method, path, headers, body, signature) in [
            ("get-vanilla", "GET", "/", vec![], "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
            (
                "get-vanilla-query-order-key-case",
                "GET",
                "/?Param2=value2&Param1=value1",
                vec![],
                "",
                "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
            ),
            (
                "get-vanilla-utf8-query",
                "GET",
                "/?ሴ=bar",
                vec![],
                "",
                "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
            ),
            (
                "post-vanilla",
                "POST",
                "/",
                vec![],
                "",
                "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
            ),
            (
                "post-x-www-form-urlencoded",
                "POST",
                "/",
                vec![form],
                "Param1=value1",
                "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
            ),
            (
                "get-header-value-trim",
                "GET",
                "/",
                vec![("my-header1", "value1"), ("my-header2", "\"a   b   c\"")],
                "",
                "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
            ),
        ] {
            let url = Url::parse(&format!("https://example.amazonaws.com{path}")).unwrap();
            let mut built = reqwest::Request::new(method.parse().unwrap(), url);
            for (name, value) in headers {
                built.headers_mut().append(HeaderName::from_static(name), value.parse().unwrap());
            }
            sign(&mut built, &Bytes::from_static(body.as_bytes()), &keys, 1_440_938_160_000).unwrap();
            assert_eq!(built.headers()["x-amz-date"], "20150830T123600Z");
            let text = built.headers()["authorization"].to_str().unwrap();
            assert!(text.ends_with(signature), "{name}: {text}");
        }
    }

    /// The suite's paths are raw on the wire; ours are encoded there, and services encode what they were sent once more.
    #[test]
    fn a_path_is_encoded_twice_but_for_s3() {
        let url = Url::parse("https://h.example/a b/ሴ/c%2Fd").unwrap();
        assert_eq!(canonical_path(&url, "execute-api"), "/a%2520b/%25E1%2588%25B4/c%252Fd");
        assert_eq!(canonical_path(&url, "s3"), "/a%20b/%E1%88%B4/c%2Fd");
    }

    /// The worked example of the general reference.
    #[test]
    fn the_example_of_iam() {
        let keys = keys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "iam");
        let url = Url::parse("https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08").unwrap();
        let mut built = reqwest::Request::new(Method::GET, url);
        let form = HeaderValue::from_static("application/x-www-form-urlencoded; charset=utf-8");
        built.headers_mut().insert("content-type", form);
        sign(&mut built, &Bytes::new(), &keys, 1_440_938_160_000).unwrap();
        assert_eq!(
            built.headers()["authorization"],
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
             SignedHeaders=content-type;host;x-amz-date, \
             Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
        );
    }

    /// The worked example of S3, whose paths are encoded once and whose content is signed by a header.
    #[test]
    fn the_example_of_s3() {
        let keys = keys("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "s3");
        let url = Url::parse("https://examplebucket.s3.amazonaws.com/test.txt").unwrap();
        let mut built = reqwest::Request::new(Method::GET, url);
        built.headers_mut().insert("range", HeaderValue::from_static("bytes=0-9"));
        sign(&mut built, &Bytes::new(), &keys, 1_369_353_600_000).unwrap();
        let text = built.headers()["authorization"].to_str().unwrap();
        assert!(text.ends_with("f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"), "{text}");
    }

    /// The signature is over the bytes that are sent, whatever they stand for, and a space is never `+`.
    #[test]
    fn a_query_is_signed_as_it_is_sent() {
        let keys = keys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "service");
        for (written, sent, canonical) in [
            ("a=1+2&b=%20", "a=1%202&b=%20", "a=1%202&b=%20"),
            ("wiki=Gesch%E4ft", "wiki=Gesch%E4ft", "wiki=Gesch%E4ft"),
            ("b=%2b%7e&a=x:y&flag", "b=%2b%7e&a=x:y&flag", "a=x%3Ay&b=%2B~&flag="),
        ] {
            let url = Url::parse(&format!("https://h.example/?{written}")).unwrap();
            let mut built = reqwest::Request::new(Method::GET, url);
            sign(&mut built, &Bytes::new(), &keys, 0).unwrap();
            assert_eq!(built.url().query(), Some(sent), "{written}");
            assert_eq!(canonical_query(built.url()), canonical, "{written}");
        }
    }

    #[test]
    fn a_session_token_travels_and_is_signed() {
        let mut keys = keys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "service");
        keys.session_token = Some(SecretString::from("session"));
        let mut built = reqwest::Request::new(Method::GET, Url::parse("https://h.example:8443/").unwrap());
        sign(&mut built, &Bytes::new(), &keys, 1_440_938_160_000).unwrap();
        assert!(built.headers()["x-amz-security-token"].is_sensitive());
        let text = built.headers()["authorization"].to_str().unwrap();
        assert!(text.contains("SignedHeaders=host;x-amz-date;x-amz-security-token"), "{text}");
    }
}
