//! `multipart/form-data` (RFC 7578): fields and files, some of which have to be fetched first.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use url::Url;

use super::form_fields;
use crate::connector::{Arrays, Invalid};
use crate::job::kind_of;

/// The parts of a body, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Multipart {
    boundary: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    head: String,
    content: Content,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Content {
    Here(Bytes),
    /// Fetched by the guarded client, without the connector's credentials.
    At(Url),
}

/// What a boundary begins with, and how many digits follow.
const PREFIX: &str = "data-connector-";
const DIGITS: usize = 32;

/// Base64, padded or not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

impl Multipart {
    /// The parts that a body's members stand for; `seed` makes the boundary, the same in every attempt.
    ///
    /// # Errors
    /// A member that is neither a field nor a file.
    pub(super) fn of(members: &Map<String, Value>, arrays: Arrays, seed: &str) -> Result<Self, Invalid> {
        let mut parts = Vec::new();
        for (name, value) in members {
            push(&mut parts, name, value, arrays)?;
        }
        let mut multipart = Self { boundary: String::new(), parts };
        let taken = multipart.mentioned();
        let free =
            (0..=u32::MAX).map(|round| boundary(seed, round)).find(|boundary| !taken.contains(boundary.as_bytes()));
        multipart.boundary = free.unwrap_or_default();
        Ok(multipart)
    }

    /// `multipart/form-data; boundary=…`.
    pub(super) fn content_type(&self) -> String {
        format!("multipart/form-data; boundary={}", self.boundary)
    }

    /// What has to be fetched, in order.
    pub(super) fn urls(&self) -> impl Iterator<Item = &Url> {
        self.parts.iter().filter_map(|part| match &part.content {
            Content::At(url) => Some(url),
            Content::Here(_) => None,
        })
    }

    /// The body; `fetched` holds what [`Multipart::urls`] named, in its order.
    pub(super) fn assemble(&self, fetched: impl IntoIterator<Item = Bytes>) -> Bytes {
        let mut fetched = fetched.into_iter();
        let contents = self.parts.iter().map(|part| match &part.content {
            Content::Here(bytes) => bytes.clone(),
            Content::At(_) => fetched.next().unwrap_or_default(),
        });
        let contents: Vec<Bytes> = contents.collect();
        // At once: what grows is there twice in between.
        let head = |part: &Part| self.boundary.len() + part.head.len() + 10;
        let length: usize = self.parts.iter().zip(&contents).map(|(part, content)| head(part) + content.len()).sum();
        let mut body = Vec::with_capacity(length + self.boundary.len() + 6);
        for (part, content) in self.parts.iter().zip(&contents) {
            body.extend_from_slice(format!("--{}\r\n{}\r\n\r\n", self.boundary, part.head).as_bytes());
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{}--\r\n", self.boundary).as_bytes());
        Bytes::from(body)
    }

    /// What looks like one of our boundaries in a content, found in one pass: whoever knows the job's id can write down any
    /// number of them. What is fetched later is not checked.
    fn mentioned(&self) -> HashSet<&[u8]> {
        let mut found = HashSet::new();
        for part in &self.parts {
            if let Content::Here(bytes) = &part.content {
                let places = memchr::memmem::find_iter(bytes, PREFIX);
                found.extend(places.filter_map(|at| bytes.get(at..at + PREFIX.len() + DIGITS)));
            }
        }
        found
    }
}

/// 128 bits of a hash: unpredictable without the job's id, and the same in every attempt.
fn boundary(seed: &str, round: u32) -> String {
    let hash = Sha256::digest(format!("{round} {seed}"));
    let half: [u8; 16] = std::array::from_fn(|index| hash.get(index).copied().unwrap_or_default());
    format!("{PREFIX}{:0DIGITS$x}", u128::from_be_bytes(half))
}

/// A list is the same name several times, an object with `base64`, `url` or `text` a file, everything else fields.
fn push(parts: &mut Vec<Part>, name: &str, value: &Value, arrays: Arrays) -> Result<(), Invalid> {
    match value {
        Value::Array(list) if list.iter().any(is_file) => {
            list.iter().try_for_each(|item| push(parts, name, item, arrays))
        }
        Value::Object(file) if is_file(value) => {
            parts.push(file_part(name, file)?);
            Ok(())
        }
        other => {
            form_fields::push(name, other, arrays, &mut |name, texts| {
                let head = format!("Content-Disposition: form-data; name=\"{}\"", quoted(&name));
                parts.push(Part { head, content: Content::Here(Bytes::from(texts.join(","))) });
            });
            Ok(())
        }
    }
}

fn is_file(value: &Value) -> bool {
    ["base64", "url", "text"].iter().any(|name| value.get(name).is_some())
}

fn file_part(name: &str, file: &Map<String, Value>) -> Result<Part, Invalid> {
    let wrong = |problem: String| Invalid::new(format!("body.{name}"), problem);
    let text = |member: &str| match file.get(member) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str())),
        Some(other) => Err(wrong(format!("{member} is {}, not a text", kind_of(other)))),
    };
    let content = match (text("base64")?, text("url")?, text("text")?) {
        (Some(encoded), None, None) => Content::Here(decoded(encoded).map_err(wrong)?),
        (None, Some(url), None) => Content::At(address(url).map_err(wrong)?),
        (None, None, Some(text)) => Content::Here(Bytes::copy_from_slice(text.as_bytes())),
        _ => return Err(wrong("a file has one of base64, url and text".to_owned())),
    };
    let of_url = || match &content {
        Content::At(url) => url.path_segments()?.next_back().filter(|last| !last.is_empty()).map(ToOwned::to_owned),
        Content::Here(_) => None,
    };
    let file_name = text("filename")?.map(ToOwned::to_owned).or_else(of_url).unwrap_or_else(|| name.to_owned());
    let kind = text("contentType")?.unwrap_or("application/octet-stream");
    if kind.chars().any(char::is_control) {
        return Err(wrong("contentType holds a line break or another control character".to_owned()));
    }
    let head = format!(
        "Content-Disposition: form-data; name=\"{}\"; filename=\"{}\"\r\nContent-Type: {kind}",
        quoted(name),
        quoted(&file_name)
    );
    Ok(Part { head, content })
}

/// Base64, also behind `data:…;base64,` and broken into lines.
fn decoded(encoded: &str) -> Result<Bytes, String> {
    let encoded = encoded.split_once(";base64,").filter(|_| encoded.starts_with("data:")).map_or(encoded, |(_, e)| e);
    let plain: String = encoded.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    BASE64.decode(plain).map(Bytes::from).map_err(|_| "base64 is not base64".to_owned())
}

fn address(url: &str) -> Result<Url, String> {
    match Url::parse(url) {
        Ok(parsed) if !parsed.username().is_empty() || parsed.password().is_some() => {
            Err("user name or password stand in the file's URL".to_owned())
        }
        Ok(parsed) if matches!(parsed.scheme(), "http" | "https") => Ok(parsed),
        _ => Err("url is not an http or https URL".to_owned()),
    }
}

/// As browsers write names: quotes and line breaks percent-encoded (WHATWG HTML, multipart form data).
fn quoted(name: &str) -> String {
    name.chars().fold(String::with_capacity(name.len()), |mut out, character| {
        match character {
            '"' => out.push_str("%22"),
            '\r' => out.push_str("%0D"),
            '\n' => out.push_str("%0A"),
            '\0' => out.push_str("%00"),
            other => out.push(other),
        }
        out
    })
}
