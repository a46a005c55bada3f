//! A body as it comes in: counted before and after decompression, so that a small one cannot become a large one.

use std::io::Write;

use bytes::{Bytes, BytesMut};
use flate2::write::MultiGzDecoder;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;

/// Below this a ratio says nothing; above it, more than this many bytes out of one is an attack.
const RATIO_FROM: usize = 1024 * 1024;
const RATIO: usize = 100;

/// A body that grows by chunks.
pub(super) enum Incoming {
    Plain(Limited),
    Gzip { decoder: Box<MultiGzDecoder<Limited>>, received: usize },
}

/// Bytes up to a limit.
pub(super) struct Limited {
    bytes: BytesMut,
    limit: usize,
    received: usize,
}

impl Write for Limited {
    fn write(&mut self, chunk: &[u8]) -> std::io::Result<usize> {
        let size = self.bytes.len() + chunk.len();
        if size > self.limit {
            return Err(std::io::Error::other(format!("is larger than limits.response_bytes ({} bytes)", self.limit)));
        }
        if size > RATIO_FROM && size / RATIO > self.received {
            return Err(std::io::Error::other(format!("grows more than {RATIO}-fold when it is decompressed")));
        }
        self.bytes.extend_from_slice(chunk);
        Ok(chunk.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Incoming {
    /// A body with these headers; `limit` holds for it compressed and decompressed.
    pub(super) fn new(headers: &HeaderMap, limit: usize) -> Result<Self, String> {
        let encodings = headers.get_all(CONTENT_ENCODING).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
        let encodings = encodings.collect::<Vec<_>>().join(",").to_ascii_lowercase();
        let encodings: Vec<&str> =
            encodings.split(',').map(str::trim).filter(|one| !one.is_empty() && *one != "identity").collect();
        let limited = |received| Limited { bytes: BytesMut::new(), limit, received };
        match encodings.as_slice() {
            [] => Ok(Self::Plain(limited(usize::MAX))),
            ["gzip" | "x-gzip"] => Ok(Self::Gzip { decoder: Box::new(MultiGzDecoder::new(limited(0))), received: 0 }),
            [other] => Err(format!("is encoded as `{other}`, and only gzip was asked for")),
            _ => Err("is encoded more than once".to_owned()),
        }
    }

    /// Takes a chunk as it came over the network.
    pub(super) fn push(&mut self, chunk: &[u8]) -> Result<(), String> {
        match self {
            Self::Plain(limited) => limited.write_all(chunk).map_err(|e| e.to_string()),
            Self::Gzip { decoder, received } => {
                *received += chunk.len();
                let limited = decoder.get_mut();
                limited.received = *received;
                if *received > limited.limit {
                    return Err(format!("is larger than limits.response_bytes ({} bytes)", limited.limit));
                }
                decoder.write_all(chunk).map_err(|e| undecodable(&e))
            }
        }
    }

    /// The whole body.
    pub(super) fn finish(self) -> Result<Bytes, String> {
        match self {
            Self::Plain(limited) => Ok(limited.bytes.freeze()),
            // The answer to HEAD, or a 204, is encoded and empty.
            Self::Gzip { received: 0, .. } => Ok(Bytes::new()),
            Self::Gzip { decoder, .. } => {
                decoder.finish().map(|limited| limited.bytes.freeze()).map_err(|e| undecodable(&e))
            }
        }
    }
}

fn undecodable(error: &std::io::Error) -> String {
    let text = error.to_string();
    if text.starts_with("is ") || text.starts_with("grows ") {
        text
    } else {
        format!("is not the gzip it says it is: {text}")
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzipped(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn decoded(encoding: &str, body: &[u8], limit: usize) -> Result<Bytes, String> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, encoding.parse().unwrap());
        let mut incoming = Incoming::new(&headers, limit)?;
        for chunk in body.chunks(1_000) {
            incoming.push(chunk)?;
        }
        incoming.finish()
    }

    #[test]
    fn every_limit_at_its_edge() {
        let text = b"0123456789".repeat(100);
        for (encoding, body, limit, expected) in [
            ("", text.clone(), 1_000, ""),
            ("", text.clone(), 999, "larger than limits.response_bytes"),
            ("identity", text.clone(), 1_000, ""),
            ("gzip", gzipped(&text), 1_000, ""),
            ("GZIP", gzipped(&text), 999, "larger than limits.response_bytes"),
            ("gzip", [gzipped(b"0123"), gzipped(&text[4..])].concat(), 1_000, ""),
            ("gzip, gzip", gzipped(&gzipped(&text)), 1_000, "more than once"),
            ("br", text.clone(), 1_000, "encoded as `br`"),
            ("gzip", text.clone(), 1_000, "not the gzip"),
            ("gzip", gzipped(&text)[..20].to_vec(), 1_000, "not the gzip"),
            ("gzip", gzipped(&vec![0; RATIO_FROM]), 100_000_000, ""),
            ("gzip", gzipped(&vec![0; 20_000_000]), 100_000_000, "more than 100-fold"),
        ] {
            let length = if limit == 100_000_000 { RATIO_FROM } else { 1_000 };
            match decoded(encoding, &body, limit) {
                Ok(bytes) => assert!(expected.is_empty() && bytes.len() == length, "{encoding} {limit} {expected}"),
                Err(problem) => assert!(!expected.is_empty() && problem.contains(expected), "{encoding}: {problem}"),
            }
        }
        assert_eq!(decoded("gzip", b"", 10), Ok(Bytes::new()));
    }
}
