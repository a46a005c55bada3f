//! Bytes to text. Knows byte order marks and the encoding declaration; must not know elements.

use crate::diagnostic::{Finding, quote};
use crate::limits;

/// The byte order mark of UTF-8, which a file may start with.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// How files in UTF-16 and UTF-32 start, with a byte order mark and without (XML 1.0, appendix F).
const UTF_16_AND_32_STARTS: [&[u8]; 4] = [b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0"];

/// The text of a file up to the first byte that is not UTF-8, without a byte order mark.
#[derive(Debug)]
pub(crate) struct Decoded<'a> {
    pub(crate) text: &'a str,
    /// Bytes before the text: those of the byte order mark.
    pub(crate) skipped: usize,
    /// Why the file was not decoded completely; its position is the end of the text.
    pub(crate) problem: Option<Finding>,
}

/// Decodes a file up to the first byte that is not UTF-8.
pub(crate) fn decode(bytes: &[u8]) -> Decoded<'_> {
    let nothing = |finding| Decoded { text: "", skipped: 0, problem: Some(finding) };
    if bytes.len() > limits::SIZE {
        return nothing(too_large(bytes.len()));
    }
    if UTF_16_AND_32_STARTS.iter().any(|start| bytes.starts_with(start)) {
        return nothing(not_utf8("the file is in UTF-16 or UTF-32"));
    }
    let content = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let skipped = bytes.len() - content.len();
    let text = content.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    let problem = (text.len() < content.len()).then(|| not_utf8("the bytes here are not UTF-8"));
    Decoded { text, skipped, problem }
}

/// The finding about an encoding that the XML declaration names, unless decoding as UTF-8 is right.
pub(crate) fn declared(label: &str, text: &str) -> Option<Finding> {
    let label = label.to_ascii_lowercase();
    let is_superset = ["us-ascii", "ascii", "iso-8859-", "windows-125"].iter().any(|known| label.starts_with(known));
    let is_fine = matches!(label.as_str(), "utf-8" | "utf8") || (is_superset && text.is_ascii());
    (!is_fine).then(|| not_utf8(&format!("the file declares encoding {}", quote(&label))))
}

fn not_utf8(what: &str) -> Finding {
    Finding::error("not-utf8", format!("{what}; only UTF-8 is read")).help("save the file as UTF-8")
}

fn too_large(size: usize) -> Finding {
    Finding::error("too-large", format!("the file has {size} bytes; at most {} are read", limits::SIZE))
        .help("split the model into several files")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_decoded_up_to_the_first_byte_that_is_not_utf8() {
        let cases: [(&[u8], &str, usize, Option<&str>); 7] = [
            (b"<a/>", "<a/>", 0, None),
            (b"\xef\xbb\xbf<a/>", "<a/>", 3, None),
            (b"<a>\xff</a>", "<a>", 0, Some("the bytes here are not UTF-8; only UTF-8 is read")),
            (b"\xff\xfe<\0a\0", "", 0, Some("the file is in UTF-16 or UTF-32; only UTF-8 is read")),
            (b"\xfe\xff\0<\0a", "", 0, Some("the file is in UTF-16 or UTF-32; only UTF-8 is read")),
            (b"<\0a\0", "", 0, Some("the file is in UTF-16 or UTF-32; only UTF-8 is read")),
            (b"\0<\0a", "", 0, Some("the file is in UTF-16 or UTF-32; only UTF-8 is read")),
        ];
        for (bytes, text, skipped, problem) in cases {
            let decoded = decode(bytes);
            let message = decoded.problem.map(|finding| finding.message);
            assert_eq!((decoded.text, decoded.skipped, message.as_deref()), (text, skipped, problem), "{bytes:?}");
        }
    }

    #[test]
    fn one_byte_too_many_is_too_many() {
        assert!(decode(&vec![b' '; limits::SIZE]).problem.is_none());
        assert!(decode(&vec![b' '; limits::SIZE + 1]).problem.is_some());
    }

    #[test]
    fn a_declared_encoding_must_be_the_one_that_is_read() {
        for (label, text, fine) in [
            ("UTF-8", "ä", true),
            ("ISO-8859-1", "a", true),
            ("ISO-8859-1", "ä", false),
            ("UTF-7", "+ADw-", false),
            ("UTF-16", "a", false),
        ] {
            assert_eq!(declared(label, text).is_none(), fine, "{label} {text}");
        }
    }
}
