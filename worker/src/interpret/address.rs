//! Addresses in headers of an answer: `Location`, `Operation-Location`, `Link`.

use http::HeaderValue;
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};

/// The address that a header holds. Bytes that are not ASCII are percent-encoded as they are, so that raw UTF-8 and latin-1
/// both name what the server wrote (the way of browsers and curl).
pub fn address(value: &HeaderValue) -> String {
    let bytes = value.as_bytes().trim_ascii();
    let encoded = bytes.chunk_by(|a, b| a.is_ascii() == b.is_ascii()).map(|run| {
        if run.is_ascii() {
            String::from_utf8_lossy(run).into_owned()
        } else {
            percent_encode(run, NON_ALPHANUMERIC).to_string()
        }
    });
    encoded.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_stay_what_they_are() {
        for (bytes, expected) in [
            (&b"/a?b=c#d"[..], "/a?b=c#d"),
            (b" /a \t", "/a"),
            ("/café?q=ü&x=1".as_bytes(), "/caf%C3%A9?q=%C3%BC&x=1"),
            (b"/caf\xe9/x", "/caf%E9/x"),
            ("http://müller.example/".as_bytes(), "http://m%C3%BCller.example/"),
            (b"/a%20b", "/a%20b"),
        ] {
            assert_eq!(address(&HeaderValue::from_bytes(bytes).unwrap()), expected);
        }
    }
}
