//! Bytes to text, and back. Knows byte order marks, the XML declaration and character encodings; must not know elements.

use std::borrow::Cow;
use std::ops::Range;

use encoding_rs::{DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE};

use crate::diagnostic::{Finding, quote};
use crate::limits;
use crate::offsets::{Offsets, Widths};
use crate::position::Position;

/// How files in UTF-32 start, with a byte order mark and without (XML 1.0, appendix F).
const UTF_32_STARTS: [&[u8]; 4] = [b"\xff\xfe\0\0", b"\0\0\xfe\xff", b"<\0\0\0", b"\0\0\0<"];

/// Bytes in which the XML declaration ends, if there is one.
const MAX_DECLARATION: usize = 1024;

/// A file as text, up to the first byte that its encoding does not know.
///
/// The encoding is the one of the byte order mark, else UTF-16 where every other byte at the start is NUL, else the one that
/// the XML declaration names, else UTF-8 (XML 1.0, appendix F).
#[derive(Debug)]
pub struct FileText<'a> {
    file: &'a [u8],
    /// Without the byte order mark.
    text: Cow<'a, str>,
    offsets: Offsets,
    charset: Charset,
    findings: Vec<(Range<usize>, Finding)>,
    is_complete: bool,
}

/// An encoding, and which of its characters are written.
#[derive(Debug, Clone, Copy)]
struct Charset {
    encoding: &'static Encoding,
    repertoire: Repertoire,
}

/// Which bytes of an encoding are used: readers do not agree on all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Repertoire {
    /// All.
    Full,
    /// 80 to 9F are read, because files that declare ISO 8859 hold windows-125x, but they are not written, because other
    /// readers take them for control characters.
    ReadC1,
    /// 80 to FF are refused.
    Ascii,
}

/// The encoding that an XML declaration names.
#[derive(Debug, PartialEq, Eq)]
struct Declared<'t> {
    label: &'t str,
    /// Where the label is.
    span: Range<usize>,
}

impl<'a> FileText<'a> {
    /// Decodes a file.
    pub fn of(file: &'a [u8]) -> Self {
        if file.len() > limits::SIZE {
            return Self::refused(file, "", 0..0, too_large(&format!("the file has {} bytes", file.len())));
        }
        if UTF_32_STARTS.iter().any(|start| file.starts_with(start)) {
            return Self::refused(file, "", 0..0, unknown_encoding("the file is in UTF-32, which is not read"));
        }
        let sniffed = Encoding::for_bom(file).or(match file {
            [0, _, ..] => Some((UTF_16BE, 0)),
            [_, 0, ..] => Some((UTF_16LE, 0)),
            _ => None,
        });
        match sniffed {
            Some((encoding, skipped)) => Self::sniffed(file, encoding, skipped),
            None => Self::declared(file),
        }
    }

    /// A file whose first bytes say in which encoding it is, whatever it declares.
    fn sniffed(file: &'a [u8], encoding: &'static Encoding, skipped: usize) -> Self {
        let mut decoded = Self::decoded(file, skipped, Charset { encoding, repertoire: Repertoire::Full });
        let mismatch = declaration(&decoded.text).filter(|declared| !names(declared.label, encoding)).map(|declared| {
            let (is, says) = (encoding.name(), quote(declared.label));
            (declared.span, mismatch(&format!("the file is in {is} but declares encoding {says}; it is read as {is}")))
        });
        decoded.findings.splice(0..0, mismatch);
        decoded
    }

    /// A file in UTF-8, or in the encoding that it declares.
    fn declared(file: &'a [u8]) -> Self {
        let utf_8 = Charset { encoding: UTF_8, repertoire: Repertoire::Full };
        let head = file.get(..MAX_DECLARATION).unwrap_or(file);
        let head = head.utf8_chunks().next().map_or("", |chunk| chunk.valid());
        let Some(Declared { label, span }) = declaration(head) else { return Self::decoded(file, 0, utf_8) };
        match Encoding::for_label_no_replacement(label.as_bytes()) {
            Some(encoding) if encoding.is_ascii_compatible() => {
                let mut decoded = Self::decoded(file, 0, Charset { encoding, repertoire: repertoire(label, encoding) });
                if encoding.is_single_byte() && !file.is_ascii() && std::str::from_utf8(file).is_ok() {
                    let what = format!(
                        "the file declares encoding {}, but its bytes are UTF-8; they are read as declared",
                        quote(label)
                    );
                    decoded.findings.insert(0, (span, mismatch(&what)));
                }
                decoded
            }
            // Tools that make a text first and encode it later declare the encoding of their memory.
            Some(encoding) if encoding == UTF_16LE || encoding == UTF_16BE => {
                let mut decoded = Self::decoded(file, 0, utf_8);
                let what = format!("the file declares encoding {} but is not in it; it is read as UTF-8", quote(label));
                decoded.findings.insert(0, (span, mismatch(&what)));
                decoded
            }
            _ => {
                let what = format!("the file declares encoding {}, which is not read", quote(label));
                let read = head.get(..span.end).unwrap_or_default();
                Self::refused(file, read, span, unknown_encoding(&what))
            }
        }
    }

    /// A file of which nothing but `text` is there, for positions.
    fn refused(file: &'a [u8], text: &'a str, span: Range<usize>, finding: Finding) -> Self {
        Self {
            file,
            text: Cow::Borrowed(text),
            offsets: Offsets::new(text, 0, Widths::Utf8),
            charset: Charset { encoding: UTF_8, repertoire: Repertoire::Full },
            findings: vec![(span, finding)],
            is_complete: false,
        }
    }

    fn decoded(file: &'a [u8], skipped: usize, charset: Charset) -> Self {
        let content = file.get(skipped..).unwrap_or_default();
        let (text, widths, is_complete) = match charset.encoding {
            _ if charset.repertoire == Repertoire::Ascii => {
                let text = ascii_start(content);
                (Cow::Borrowed(text), Widths::Utf8, text.len() == content.len())
            }
            encoding if encoding == UTF_8 => {
                let text = content.utf8_chunks().next().map_or("", |chunk| chunk.valid());
                (Cow::Borrowed(text), Widths::Utf8, text.len() == content.len())
            }
            encoding if encoding.is_single_byte() => {
                let (text, is_complete) = at_once(content, encoding);
                (Cow::Owned(text), Widths::One, is_complete)
            }
            encoding if encoding.is_ascii_compatible() => {
                let (text, widths, is_complete) = one_by_one(content, encoding);
                (Cow::Owned(text), Widths::Each(widths), is_complete)
            }
            encoding => {
                let (text, is_complete) = at_once(content, encoding);
                (Cow::Owned(text), Widths::Utf16, is_complete)
            }
        };
        if text.len() > limits::SIZE {
            let finding = too_large(&format!("the file has more than {} bytes in UTF-8", limits::SIZE));
            return Self::refused(file, "", 0..0, finding);
        }
        let offsets = Offsets::new(&text, skipped, widths);
        let end = text.len();
        let findings = if is_complete { Vec::new() } else { vec![(end..end, undecodable(charset))] };
        Self { file, text, offsets, charset, findings, is_complete }
    }

    /// The text, without a byte order mark.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The bytes of [`Self::text`] at a position of the file.
    pub fn range(&self, position: Position) -> Range<usize> {
        self.offsets.in_text(&self.text, position.start)..self.offsets.in_text(&self.text, position.end)
    }

    /// What is wrong with the encoding, by bytes of [`Self::text`].
    pub(crate) fn findings(&self) -> &[(Range<usize>, Finding)] {
        &self.findings
    }

    /// Whether the file was decoded to its end.
    pub(crate) fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// The byte of the file for a byte of the text.
    pub(crate) fn in_file(&self, at: usize) -> usize {
        self.offsets.in_file(&self.text, at)
    }

    pub(crate) fn byte_order_mark(&self) -> &'a [u8] {
        self.file.get(..self.in_file(0)).unwrap_or_default()
    }

    /// The bytes of the file for a range of the text.
    pub(crate) fn bytes(&self, span: Range<usize>) -> &'a [u8] {
        self.file.get(self.in_file(span.start)..self.in_file(span.end)).unwrap_or_default()
    }

    /// Encodes a text as the file is; characters that its encoding does not have become character references.
    pub(crate) fn encode(&self, text: &str, into: &mut Vec<u8>) {
        match self.charset.encoding {
            encoding if encoding == UTF_16LE => into.extend(text.encode_utf16().flat_map(u16::to_le_bytes)),
            encoding if encoding == UTF_16BE => into.extend(text.encode_utf16().flat_map(u16::to_be_bytes)),
            _ if self.charset.repertoire == Repertoire::Full && self.charset.encoding == UTF_8 => {
                into.extend_from_slice(text.as_bytes());
            }
            _ => {
                for character in text.chars() {
                    match self.charset.bytes(character.encode_utf8(&mut [0; 4])) {
                        Some(bytes) => into.extend_from_slice(&bytes),
                        None => into.extend_from_slice(format!("&#{};", u32::from(character)).as_bytes()),
                    }
                }
            }
        }
    }
}

impl Charset {
    /// The bytes of a character, if all readers take them for it.
    fn bytes<'t>(&self, character: &'t str) -> Option<Cow<'t, [u8]>> {
        if character.is_ascii() {
            return Some(Cow::Borrowed(character.as_bytes()));
        }
        let (bytes, _, is_lost) = self.encoding.encode(character);
        let is_written = match self.repertoire {
            Repertoire::Full => true,
            Repertoire::ReadC1 => bytes.iter().all(|byte| *byte >= 0xa0),
            Repertoire::Ascii => false,
        };
        // Some encoders replace characters by others that look alike.
        let is_same =
            || self.encoding.decode_without_bom_handling_and_without_replacement(&bytes).as_deref() == Some(character);
        (is_written && !is_lost && is_same()).then_some(bytes)
    }

    /// Its name in messages.
    fn name(&self) -> &'static str {
        match self.repertoire {
            Repertoire::Ascii => "US-ASCII",
            _ => self.encoding.name(),
        }
    }
}

/// Which bytes of an encoding are used where it is declared by this name.
fn repertoire(label: &str, encoding: &'static Encoding) -> Repertoire {
    let label = label.to_ascii_lowercase();
    let is_windows = ["windows-", "cp125", "x-cp125", "cp874", "dos-874"].iter().any(|start| label.starts_with(start));
    match label.as_str() {
        "us-ascii" | "ascii" | "ansi_x3.4-1968" => Repertoire::Ascii,
        _ if encoding.name().starts_with("windows-") && !is_windows => Repertoire::ReadC1,
        _ => Repertoire::Full,
    }
}

/// Whether a declared label names this encoding, which the first bytes of the file show.
fn names(label: &str, encoding: &'static Encoding) -> bool {
    let is_utf_16 = |encoding| encoding == UTF_16LE || encoding == UTF_16BE;
    let has_order = label.to_ascii_lowercase().ends_with("be") || label.to_ascii_lowercase().ends_with("le");
    Encoding::for_label(label.as_bytes())
        .is_some_and(|named| named == encoding || (is_utf_16(named) && is_utf_16(encoding) && !has_order))
}

/// The encoding that the XML declaration at the start of a text names.
fn declaration(text: &str) -> Option<Declared<'_>> {
    let declaration = text.trim_start().strip_prefix("<?xml")?.split_once("?>")?.0;
    let declaration = declaration.strip_prefix(|c: char| c.is_ascii_whitespace())?;
    let value = declaration.split_once("encoding")?.1.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let label = value.strip_prefix(quote)?.split_once(quote)?.0;
    let start = label.as_ptr().addr() - text.as_ptr().addr();
    Some(Declared { label: label.trim(), span: start..start + label.len() })
}

fn ascii_start(content: &[u8]) -> &str {
    let ascii = content.get(..Encoding::ascii_valid_up_to(content)).unwrap_or_default();
    std::str::from_utf8(ascii).unwrap_or_default()
}

/// The text up to the first byte that cannot be decoded or somewhat more than the limit, and whether that is all.
fn at_once(content: &[u8], encoding: &'static Encoding) -> (String, bool) {
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let most = decoder.max_utf8_buffer_length_without_replacement(content.len()).unwrap_or(usize::MAX);
    let mut text = String::with_capacity(most.min(limits::SIZE + 16));
    let (result, _) = decoder.decode_to_string_without_replacement(content, &mut text, true);
    (text, result == DecoderResult::InputEmpty)
}

/// As [`at_once`], with the bytes that each character takes.
fn one_by_one(content: &[u8], encoding: &'static Encoding) -> (String, Vec<u8>, bool) {
    let (mut text, mut widths) = (String::new(), Vec::new());
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let mut rest = content;
    loop {
        let ascii = ascii_start(rest);
        text.push_str(ascii);
        widths.resize(widths.len() + ascii.len(), 1);
        rest = rest.get(ascii.len()..).unwrap_or_default();
        if rest.is_empty() || text.len() > limits::SIZE {
            return (text, widths, true);
        }
        let mut decoded = [0; 16];
        let mut character = 0;
        let mut width = 0;
        while character == 0 {
            let Some(byte) = rest.get(usize::from(width)..=usize::from(width)) else { return (text, widths, false) };
            let (result, _, written) = decoder.decode_to_utf8_without_replacement(byte, &mut decoded, false);
            if result != DecoderResult::InputEmpty {
                return (text, widths, false);
            }
            (character, width) = (written, width + 1);
        }
        let decoded = decoded.get(..character).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default();
        text.push_str(decoded);
        widths.push(width);
        // Few sequences of bytes mean two characters.
        widths.resize(widths.len() + decoded.chars().count().saturating_sub(1), 0);
        rest = rest.get(usize::from(width)..).unwrap_or_default();
    }
}

fn undecodable(charset: Charset) -> Finding {
    let what = format!("the bytes here are not {}; the rest of the file is not read", charset.name());
    Finding::error("undecodable", what).help("save the file as UTF-8, or declare the encoding that it is in")
}

fn unknown_encoding(what: &str) -> Finding {
    Finding::error("unknown-encoding", what).help("save the file as UTF-8")
}

fn mismatch(what: &str) -> Finding {
    Finding::warning("encoding-mismatch", what).help("declare the encoding that the file is in")
}

fn too_large(what: &str) -> Finding {
    Finding::error("too-large", format!("{what}; at most {} are read", limits::SIZE))
        .help("split the model into several files")
}
