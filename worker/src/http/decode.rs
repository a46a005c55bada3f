//! Reads a response body: counted before and after decompression, so that a small one cannot become a large one.

use std::io::Write;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use flate2::write::MultiGzDecoder;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;

/// From this size on, a body that grows more than `RATIO`-fold by decompression is an attack.
const RATIO_FROM: usize = 1024 * 1024;
const RATIO: usize = 100;

/// Why a body cannot be used; continues "its body".
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    #[error("is larger than limits.response_bytes ({0} bytes)")]
    TooLarge(usize),
    #[error("grows more than {RATIO}-fold when it is decompressed")]
    DecompressionBomb,
    #[error("is encoded as `{0}`, and only gzip was asked for")]
    Encoding(String),
    #[error("is encoded more than once")]
    SeveralEncodings,
    #[error("is not the gzip it says it is: {0}")]
    NotGzip(std::io::Error),
    #[error("broke off: {0}")]
    BrokeOff(String),
    #[error("had not come within {0:?}")]
    Late(Duration),
}

/// A body that grows by chunks.
pub(super) enum BodyReader {
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
            return Err(std::io::Error::other(BodyError::TooLarge(self.limit)));
        }
        if size > RATIO_FROM && size / RATIO > self.received {
            return Err(std::io::Error::other(BodyError::DecompressionBomb));
        }
        self.bytes.extend_from_slice(chunk);
        Ok(chunk.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl BodyReader {
    /// A body with these headers; `limit` holds for it compressed and decompressed.
    pub(super) fn new(headers: &HeaderMap, limit: usize) -> Result<Self, BodyError> {
        let encodings = headers.get_all(CONTENT_ENCODING).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
        let encodings = encodings.collect::<Vec<_>>().join(",").to_ascii_lowercase();
        let encodings: Vec<&str> =
            encodings.split(',').map(str::trim).filter(|one| !one.is_empty() && *one != "identity").collect();
        let limited = |received| Limited { bytes: BytesMut::new(), limit, received };
        match encodings.as_slice() {
            [] => Ok(Self::Plain(limited(usize::MAX))),
            ["gzip" | "x-gzip"] => Ok(Self::Gzip { decoder: Box::new(MultiGzDecoder::new(limited(0))), received: 0 }),
            [other] => Err(BodyError::Encoding((*other).to_owned())),
            _ => Err(BodyError::SeveralEncodings),
        }
    }

    /// Takes a chunk as it came over the network.
    pub(super) fn push(&mut self, chunk: &[u8]) -> Result<(), BodyError> {
        match self {
            Self::Plain(limited) => limited.write_all(chunk).map_err(body_error),
            Self::Gzip { decoder, received } => {
                *received += chunk.len();
                let limited = decoder.get_mut();
                limited.received = *received;
                if *received > limited.limit {
                    return Err(BodyError::TooLarge(limited.limit));
                }
                decoder.write_all(chunk).map_err(body_error)
            }
        }
    }

    /// The whole body.
    pub(super) fn finish(self) -> Result<Bytes, BodyError> {
        match self {
            Self::Plain(limited) => Ok(limited.bytes.freeze()),
            // The response to HEAD, or a 204, is encoded and empty.
            Self::Gzip { received: 0, .. } => Ok(Bytes::new()),
            Self::Gzip { decoder, .. } => decoder.finish().map(|limited| limited.bytes.freeze()).map_err(body_error),
        }
    }
}

/// The error of our own writer, which the decoder passes on; else its own, about the format.
fn body_error(error: std::io::Error) -> BodyError {
    error.downcast().unwrap_or_else(BodyError::NotGzip)
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
        let mut reader = BodyReader::new(&headers, limit).map_err(|e| e.to_string())?;
        for chunk in body.chunks(1_000) {
            reader.push(chunk).map_err(|e| e.to_string())?;
        }
        reader.finish().map_err(|e| e.to_string())
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
