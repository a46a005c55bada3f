//! What an answer's body is taken for (COMPATIBILITY 4.7, CONTRACT 6, and the rule `answer`).

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};

use super::charset::{self, Decoded};
use super::projection::Projection;
use super::{Response, xml};
use crate::connector::AnswerKind;
use crate::job::{excerpt, without_lone_surrogates, without_mark};
use crate::plan::Redactor;

/// A body as data or as text.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Body {
    /// JSON.
    Data(Value),
    Xml(Value),
    /// Bytes as `{contentType, size, base64}`.
    Bytes(Value),
    Text(String),
}

impl Body {
    /// What rows and conditions read.
    pub(super) fn into_value(self) -> Value {
        match self {
            Self::Data(value) | Self::Xml(value) | Self::Bytes(value) => value,
            Self::Text(text) => Value::from(text),
        }
    }
}

impl Body {
    /// Masks the secrets in it.
    pub(super) fn redact(&mut self, redactor: &Redactor) {
        match self {
            Self::Data(value) | Self::Xml(value) | Self::Bytes(value) => redactor.redact_value(value),
            Self::Text(text) => redactor.redact_text(text),
        }
    }
}

/// How a body is decoded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ask<'a> {
    /// What of it is read, where it is JSON.
    pub(super) projection: &'a Projection,
    /// Whether any row, rule or person reads it as data.
    pub(super) is_read: bool,
    /// How many bytes that are no text become base64.
    pub(super) inline: usize,
}

/// What a content type says about the bytes that follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Media {
    /// Nothing that can be used.
    Unnamed,
    Text,
    Xml,
    /// Bytes, unless they are JSON: what nothing else is known of is often sent so.
    Opaque,
    /// Bytes, whatever they look like.
    Bytes,
}

/// Reads a body; what people should know is added to `warnings`.
///
/// # Errors
/// Why nothing but status and headers can be mapped.
pub(super) fn decode(
    response: &Response,
    kind: AnswerKind,
    ask: Ask<'_>,
    warnings: &mut Vec<String>,
) -> Result<Body, String> {
    if kind == AnswerKind::Binary {
        return binary(response, ask.inline).map(Body::Bytes);
    }
    if is_empty(&response.body) {
        return Ok(Body::Text(text(response).text.into_owned()));
    }
    let media = Media::of(&response.headers);
    if kind == AnswerKind::Auto && media == Media::Bytes {
        return binary(response, ask.inline).map(Body::Bytes);
    }
    let Decoded { text, warning } = text(response);
    let is_bytes = match media {
        Media::Opaque => true,
        // Control characters that no text has (the WHATWG's MIME Sniffing Standard, 3).
        Media::Unnamed => text.bytes().any(|b| matches!(b, 0..=8 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f)),
        _ => false,
    };
    match kind {
        AnswerKind::Auto => match json(&text, ask.projection) {
            Ok(value) => {
                warnings.extend(warning);
                return Ok(Body::Data(value));
            }
            Err(NotJson::TooDeep) => return Err(TOO_DEEP.to_owned()),
            Err(NotJson::Other(_)) if is_bytes => return binary(response, ask.inline).map(Body::Bytes),
            Err(NotJson::Other(_)) => {}
        },
        AnswerKind::Json => {
            warnings.extend(warning);
            return json(&text, ask.projection).map(Body::Data).map_err(|why| match why {
                NotJson::TooDeep => TOO_DEEP.to_owned(),
                NotJson::Other(error) => format!("it is not JSON: {error}"),
            });
        }
        _ => {}
    }
    warnings.extend(warning);
    if kind == AnswerKind::Xml || kind == AnswerKind::Auto && media == Media::Xml && ask.is_read {
        return xml::read(&text).map(Body::Xml);
    }
    Ok(Body::Text(text.into_owned()))
}

/// Whether a body is blank, also behind a byte order mark.
fn is_empty(body: &[u8]) -> bool {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii().is_empty()
}

/// Why an answer that calls itself JSON is none.
pub(super) fn why_no_json(response: &Response) -> Option<String> {
    let is_json = media_type(&response.headers).contains("json") && !response.body.trim_ascii().is_empty();
    let error = is_json.then(|| json(&text(response).text, &Projection::default()).err()).flatten()?;
    match error {
        NotJson::TooDeep => None,
        NotJson::Other(error) => Some(format!("it is not the JSON it says it is: {error}")),
    }
}

/// What an answer is, for people.
pub(super) fn described(response: &Response) -> String {
    match media_type(&response.headers) {
        _ if response.body.is_empty() => "no content".to_owned(),
        media if media.is_empty() => "a text without a content type".to_owned(),
        media => media,
    }
}

/// Whether an answer's content type is one of bytes.
pub(super) fn is_bytes(response: &Response) -> bool {
    matches!(Media::of(&response.headers), Media::Bytes | Media::Opaque)
}

/// What a body is, without making data of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Json,
    Xml,
    Text,
    Bytes,
}

/// What an answer's body is.
pub(super) fn kind(response: &Response) -> Kind {
    let media = Media::of(&response.headers);
    if media == Media::Bytes {
        return Kind::Bytes;
    }
    let text = text(response).text;
    if !text.trim().is_empty() && json(&text, &Projection::default()).is_ok() {
        return Kind::Json;
    }
    let is_text = std::str::from_utf8(&response.body).is_ok() && !text.contains('\0');
    match media {
        Media::Opaque if !is_text => Kind::Bytes,
        Media::Xml => Kind::Xml,
        _ => Kind::Text,
    }
}

/// An answer as text, whatever it is.
pub(super) fn as_text(response: &Response) -> String {
    text(response).text.into_owned()
}

/// The first 2,000 characters of an answer (CONTRACT 3, `error.body`).
pub(super) fn beginning(response: &Response) -> String {
    if is_bytes(response) {
        return excerpt(&response.body);
    }
    // A character has at most four bytes, so that the rest of a large answer is not decoded.
    let head = response.body.get(..8_000).unwrap_or(&response.body);
    let whole = match std::str::from_utf8(head) {
        Err(cut) if cut.error_len().is_none() && head.len() < response.body.len() => {
            head.get(..cut.valid_up_to()).unwrap_or(head)
        }
        _ => head,
    };
    excerpt(in_charset(&response.headers, whole).text.as_bytes())
}

const TOO_DEEP: &str = "its JSON nests deeper than 127 levels";

enum NotJson {
    TooDeep,
    Other(serde_json::Error),
}

/// JSON, also behind a byte order mark (RFC 8259, 8.1) and with cut characters.
fn json(text: &str, projection: &Projection) -> Result<Value, NotJson> {
    let text = without_mark(text);
    let read = projection.read(text).or_else(|error| match without_lone_surrogates(text) {
        Some(repaired) => projection.read(&repaired),
        None => Err(error),
    });
    read.map_err(|error| if nests_too_deep(text.as_bytes()) { NotJson::TooDeep } else { NotJson::Other(error) })
}

/// Whether brackets outside of strings nest beyond what the JSON parser takes.
fn nests_too_deep(body: &[u8]) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in body {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => depth += 1,
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > 127 {
            return true;
        }
    }
    false
}

fn text(response: &Response) -> Decoded<'_> {
    in_charset(&response.headers, &response.body)
}

fn in_charset<'a>(headers: &HeaderMap, body: &'a [u8]) -> Decoded<'a> {
    let content_type = content_type(headers);
    let label = content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches(['"', '\'']))
    });
    charset::decode(body, label.filter(|label| !label.is_empty()), Media::of(headers) == Media::Xml)
}

fn content_type(headers: &HeaderMap) -> Cow<'_, str> {
    headers.get(CONTENT_TYPE).map_or(Cow::Borrowed(""), |value| String::from_utf8_lossy(value.as_bytes()))
}

/// `type/subtype` in small letters; empty where there is none.
fn media_type(headers: &HeaderMap) -> String {
    content_type(headers).split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

impl Media {
    fn of(headers: &HeaderMap) -> Self {
        const TEXTS: [&str; 16] = [
            "x-www-form-urlencoded",
            "javascript",
            "x-javascript",
            "ecmascript",
            "graphql",
            "sql",
            "x-sql",
            "csv",
            "yaml",
            "x-yaml",
            "toml",
            "jwt",
            "jose",
            "x-sh",
            "x-pem-file",
            "pem-certificate-chain",
        ];
        let media = media_type(headers);
        let Some((kind, subtype)) = media.split_once('/').filter(|(kind, _)| !matches!(*kind, "" | "*")) else {
            return Self::Unnamed;
        };
        match (kind, subtype) {
            _ if subtype.contains("json") => Self::Text,
            (_, "xml") => Self::Xml,
            _ if subtype.ends_with("+xml") => Self::Xml,
            ("text" | "message" | "multipart", _) => Self::Text,
            ("image" | "audio" | "video" | "font" | "model", _) | (_, "pdf" | "zip" | "gzip") => Self::Bytes,
            _ if subtype.ends_with("+yaml") || TEXTS.contains(&subtype) => Self::Text,
            _ => Self::Opaque,
        }
    }
}

fn binary(response: &Response, inline: usize) -> Result<Value, String> {
    let bytes = response.body.len();
    if bytes > inline {
        return Err(format!(
            "it has {bytes} bytes that are not text, and limits.inline_bytes is {inline}; raise it, or ask for less"
        ));
    }
    let media = media_type(&response.headers);
    let media = if media.is_empty() { "application/octet-stream".to_owned() } else { media };
    Ok(json!({"contentType": media, "size": bytes, "base64": STANDARD.encode(&response.body)}))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    /// Every case of the JSON parsing suite: `y_` is data, `n_` is not, `i_` does no harm.
    #[test]
    fn suite_of_json_parsing() {
        let Some(folder) = crate::testing::suites::folder("json/test_parsing") else { return };
        let mut cases = 0;
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let name = entry.file_name().into_string().unwrap();
            let body = Bytes::from(std::fs::read(entry.path()).unwrap());
            let response = Response { status: 200, headers: HeaderMap::new(), body, warnings: Vec::new() };
            let (all, nothing) = (Projection::All, Projection::default());
            for (kind, projection) in [
                (AnswerKind::Auto, &all),
                (AnswerKind::Json, &all),
                (AnswerKind::Auto, &nothing),
                (AnswerKind::Json, &nothing),
            ] {
                let ask = Ask { projection, is_read: true, inline: 0 };
                let is_data = matches!(decode(&response, kind, ask, &mut Vec::new()), Ok(Body::Data(_)));
                match name.as_bytes().first() {
                    Some(b'y') => assert!(is_data, "{name}"),
                    Some(b'n') => assert!(!is_data, "{name}"),
                    _ => {}
                }
            }
            cases += 1;
        }
        assert!(cases > 300, "{cases} cases");
    }
}
