//! Reads a response body: counted before and after decompression, so that a small one cannot become a large one.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use brotli_decompressor::DecompressorWriter;
use bytes::{Bytes, BytesMut};
use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use zstd::stream::raw;
use zstd::stream::zio::Writer as ZstdWriter;
use zstd::zstd_safe::DParameter;

use crate::memory::PATIENCE;

/// What is asked for; each of these is read.
pub(super) const ACCEPTED: &str = "gzip, deflate, br, zstd";
/// From this size on, a body that grows more than `RATIO`-fold by decompression is an attack.
const RATIO_FROM: usize = 1024 * 1024;
const RATIO: usize = 100;
/// The largest window of zstd, 8 MiB, which RFC 9659 lets everybody count on.
const ZSTD_WINDOW_LOG: u32 = 23;
const BROTLI_BUFFER: usize = 16 * 1024;

/// Why a body cannot be used; continues "its body".
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    #[error("is larger than limits.response_bytes ({0} bytes)")]
    TooLarge(usize),
    #[error("grows more than {RATIO}-fold when it is decompressed")]
    DecompressionBomb,
    #[error("is encoded more than once")]
    SeveralEncodings,
    #[error("is not the {encoding} it says it is: {error}")]
    Corrupt { encoding: &'static str, error: io::Error },
    #[error("broke off: {0}")]
    BrokeOff(String),
    #[error("had not come within {0:?}")]
    Late(Duration),
    #[error("found no room in memory within {PATIENCE:?}: raise limits.memory, or ask for less")]
    NoRoom,
}

/// A body that grows by chunks.
pub(super) struct BodyReader {
    decoder: Decoder,
    encoding: &'static str,
    received: Arc<AtomicUsize>,
    limit: usize,
    /// What people should know about the encoding.
    pub(super) warning: Option<String>,
}

enum Decoder {
    Plain(Limited),
    Gzip(Box<MultiGzDecoder<Limited>>),
    /// `deflate` before its first two bytes: servers send it with the header of zlib and without.
    Deflate {
        start: Vec<u8>,
        limited: Limited,
    },
    Zlib(Box<ZlibDecoder<Limited>>),
    RawDeflate(Box<DeflateDecoder<Limited>>),
    Brotli(Box<DecompressorWriter<Limited>>),
    Zstd(Box<ZstdWriter<Limited, raw::Decoder<'static>>>),
}

/// Bytes up to a limit.
struct Limited {
    bytes: BytesMut,
    limit: usize,
    /// What came over the network for them; `None` where it was not compressed.
    received: Option<Arc<AtomicUsize>>,
}

impl Write for Limited {
    fn write(&mut self, chunk: &[u8]) -> io::Result<usize> {
        let size = self.bytes.len() + chunk.len();
        if size > self.limit {
            return Err(io::Error::other(BodyError::TooLarge(self.limit)));
        }
        if size > RATIO_FROM
            && self.received.as_ref().is_some_and(|received| size / RATIO > received.load(Ordering::Relaxed))
        {
            return Err(io::Error::other(BodyError::DecompressionBomb));
        }
        self.bytes.extend_from_slice(chunk);
        Ok(chunk.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl BodyReader {
    /// A body with these headers; `limit` holds for it compressed and decompressed.
    pub(super) fn new(headers: &HeaderMap, limit: usize) -> Result<Self, BodyError> {
        let named = headers.get_all(CONTENT_ENCODING).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
        let named = named.collect::<Vec<_>>().join(",").to_ascii_lowercase();
        let named = named.split(',').map(str::trim).filter(|one| !one.is_empty() && *one != "identity");
        // What is no encoding, such as a character set, did not encode anything either.
        let (known, unknown): (Vec<_>, Vec<_>) = named.map(|one| (one, known(one))).partition(|(_, of)| of.is_some());
        let encoding = match known.as_slice() {
            [] => "",
            [(_, of)] => of.unwrap_or_default(),
            _ => return Err(BodyError::SeveralEncodings),
        };
        let warning = unknown.first().map(|(name, _)| {
            format!("the answer's Content-Encoding `{name}` is not known; its body was read as if it were not there")
        });
        let received = Arc::<AtomicUsize>::default();
        let counted = (!encoding.is_empty()).then(|| Arc::clone(&received));
        let decoder = Decoder::new(encoding, Limited { bytes: BytesMut::new(), limit, received: counted });
        let decoder = decoder.map_err(|error| BodyError::Corrupt { encoding, error })?;
        Ok(Self { decoder, encoding, received, limit, warning })
    }

    /// Takes a chunk as it came over the network.
    pub(super) fn push(&mut self, chunk: &[u8]) -> Result<(), BodyError> {
        let received = self.received.fetch_add(chunk.len(), Ordering::Relaxed) + chunk.len();
        if received > self.limit {
            return Err(BodyError::TooLarge(self.limit));
        }
        self.decoder.write(chunk).map_err(|error| body_error(self.encoding, error))
    }

    /// What it takes in memory so far, bytes.
    pub(super) fn takes(&self) -> usize {
        self.decoder.limited().bytes.capacity()
    }

    /// The whole body.
    pub(super) fn finish(self) -> Result<Bytes, BodyError> {
        // The response to HEAD, or a 204, is encoded and empty.
        if self.received.load(Ordering::Relaxed) == 0 {
            return Ok(Bytes::new());
        }
        let encoding = self.encoding;
        self.decoder.finish().map(|limited| limited.bytes.freeze()).map_err(|error| body_error(encoding, error))
    }
}

/// An encoding of RFC 9110, 8.4.1, RFC 7932 and RFC 8878 by its own name.
fn known(name: &str) -> Option<&'static str> {
    Some(match name {
        "gzip" | "x-gzip" => "gzip",
        "deflate" => "deflate",
        "br" => "br",
        "zstd" => "zstd",
        _ => return None,
    })
}

impl Decoder {
    fn new(encoding: &str, limited: Limited) -> io::Result<Self> {
        Ok(match encoding {
            "gzip" => Self::Gzip(Box::new(MultiGzDecoder::new(limited))),
            "deflate" => Self::Deflate { start: Vec::new(), limited },
            "br" => Self::Brotli(Box::new(DecompressorWriter::new(limited, BROTLI_BUFFER))),
            "zstd" => {
                let mut decoder = raw::Decoder::new()?;
                decoder.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW_LOG))?;
                Self::Zstd(Box::new(ZstdWriter::new(limited, decoder)))
            }
            _ => Self::Plain(limited),
        })
    }

    fn write(&mut self, chunk: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(limited) => limited.write_all(chunk),
            Self::Gzip(decoder) => decoder.write_all(chunk),
            Self::Zlib(decoder) => decoder.write_all(chunk),
            Self::RawDeflate(decoder) => decoder.write_all(chunk),
            Self::Brotli(decoder) => decoder.write_all(chunk),
            Self::Zstd(decoder) => decoder.write_all(chunk),
            Self::Deflate { start, limited } => {
                start.extend_from_slice(chunk);
                let [first, second, ..] = start.as_slice() else { return Ok(()) };
                // RFC 1950, 2.2: the method is 8, and both bytes are a multiple of 31.
                let is_zlib = first & 0x0f == 8 && (u16::from(*first) * 256 + u16::from(*second)).is_multiple_of(31);
                let start = std::mem::take(start);
                let limited =
                    Limited { bytes: BytesMut::new(), limit: limited.limit, received: limited.received.clone() };
                *self = if is_zlib {
                    Self::Zlib(Box::new(ZlibDecoder::new(limited)))
                } else {
                    Self::RawDeflate(Box::new(DeflateDecoder::new(limited)))
                };
                self.write(&start)
            }
        }
    }

    fn limited(&self) -> &Limited {
        match self {
            Self::Plain(limited) | Self::Deflate { limited, .. } => limited,
            Self::Gzip(decoder) => decoder.get_ref(),
            Self::Zlib(decoder) => decoder.get_ref(),
            Self::RawDeflate(decoder) => decoder.get_ref(),
            Self::Brotli(decoder) => decoder.get_ref(),
            Self::Zstd(decoder) => decoder.writer(),
        }
    }

    fn finish(self) -> io::Result<Limited> {
        let ends_early = || io::Error::from(io::ErrorKind::UnexpectedEof);
        match self {
            Self::Plain(limited) => Ok(limited),
            Self::Gzip(decoder) => decoder.finish(),
            Self::Zlib(decoder) => decoder.finish(),
            Self::RawDeflate(decoder) => decoder.finish(),
            Self::Brotli(decoder) => decoder.into_inner().map_err(|_| ends_early()),
            Self::Zstd(mut decoder) => {
                decoder.finish()?;
                Ok(decoder.into_inner().0)
            }
            Self::Deflate { .. } => Err(ends_early()),
        }
    }
}

/// The error of our own writer, which the decoder passes on; else its own, about the format.
fn body_error(encoding: &'static str, error: io::Error) -> BodyError {
    error.downcast().unwrap_or_else(|error| BodyError::Corrupt { encoding, error })
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    fn gzipped(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn raw_deflate(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zstandard(bytes: &[u8]) -> Vec<u8> {
        zstd::bulk::compress(bytes, 3).unwrap()
    }

    /// A hundred times `0123456789`, as the program `brotli` writes it.
    const BROTLI: &[u8] = &[
        0x1b, 0xe7, 0x03, 0xf8, 0xc5, 0x0d, 0xc6, 0xe6, 0x25, 0x8d, 0x28, 0x30, 0x14, 0x00, 0x33, 0x28, 0xa7, 0xb3,
        0xf7,
    ];

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
            ("deflate", zlib(&text), 1_000, ""),
            ("deflate", raw_deflate(&text), 1_000, ""),
            ("Deflate", zlib(&text), 999, "larger than limits.response_bytes"),
            ("deflate", zlib(&text)[..10].to_vec(), 1_000, "not the deflate"),
            ("deflate", b"x".to_vec(), 1_000, "not the deflate"),
            ("br", BROTLI.to_vec(), 1_000, ""),
            ("br", BROTLI.to_vec(), 999, "larger than limits.response_bytes"),
            ("br", BROTLI[..12].to_vec(), 1_000, "not the br"),
            ("br", text.clone(), 1_000, "not the br"),
            ("zstd", zstandard(&text), 1_000, ""),
            ("zstd", [zstandard(b"0123"), zstandard(&text[4..])].concat(), 1_000, ""),
            ("zstd", zstandard(&text), 999, "larger than limits.response_bytes"),
            ("zstd", zstandard(&text)[..12].to_vec(), 1_000, "not the zstd"),
            ("zstd", text.clone(), 1_000, "not the zstd"),
            ("zstd", zstandard(&vec![0; 20_000_000]), 100_000_000, "more than 100-fold"),
            ("deflate", zlib(&vec![0; 20_000_000]), 100_000_000, "more than 100-fold"),
            ("utf-8", text.clone(), 1_000, ""),
            ("utf-8, gzip", gzipped(&text), 1_000, ""),
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
        for encoding in ["gzip", "deflate", "br", "zstd"] {
            assert_eq!(decoded(encoding, b"", 10), Ok(Bytes::new()));
        }
    }

    #[test]
    fn chunks_of_any_size_are_the_same_body() {
        let text = b"0123456789".repeat(100);
        for (encoding, body) in [
            ("gzip", gzipped(&text)),
            ("deflate", zlib(&text)),
            ("deflate", raw_deflate(&text)),
            ("br", BROTLI.to_vec()),
            ("zstd", zstandard(&text)),
        ] {
            let headers = HeaderMap::from_iter([(CONTENT_ENCODING, encoding.parse().unwrap())]);
            let mut reader = BodyReader::new(&headers, 1_000).unwrap();
            body.chunks(1).for_each(|byte| reader.push(byte).unwrap());
            assert_eq!(reader.finish().unwrap(), text, "{encoding}");
        }
    }

    #[test]
    fn what_is_no_encoding_is_passed_over_and_noted() {
        for (named, noted) in [("utf-8", Some("`utf-8`")), ("gzip, aws-chunked", Some("`aws-chunked`")), ("gzip", None)]
        {
            let headers = HeaderMap::from_iter([(CONTENT_ENCODING, named.parse().unwrap())]);
            let warning = BodyReader::new(&headers, 1).unwrap().warning;
            assert_eq!(warning.is_some(), noted.is_some(), "{named}");
            assert!(warning.unwrap_or_default().contains(noted.unwrap_or_default()), "{named}");
        }
    }
}
