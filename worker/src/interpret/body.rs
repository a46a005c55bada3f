//! What an answer's body is taken for (COMPATIBILITY 4.7, and the rule `answer`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use encoding_rs::{Encoding, UTF_8};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};

use super::projection::Projection;
use super::{Response, xml};
use crate::connector::AnswerKind;

/// A body as data, as text, or as bytes that no row maps.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Body {
    Data(Value),
    Text(String),
    /// Bytes that no row maps.
    Unread {
        kind: String,
        bytes: usize,
    },
}

/// How a body is decoded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ask<'a> {
    /// What of it is read, where it is JSON.
    pub(super) projection: &'a Projection,
    /// Whether any row maps it.
    pub(super) mapped: bool,
    /// How many bytes that are no text become base64.
    pub(super) inline: usize,
}

/// Reads a body.
pub(super) fn decode(response: &Response, kind: AnswerKind, ask: Ask<'_>) -> Result<Body, String> {
    match kind {
        AnswerKind::Auto => guessed(response, ask),
        AnswerKind::Json => json(&response.body, ask.projection).map(Body::Data).map_err(|why| match why {
            NotJson::TooDeep => TOO_DEEP.to_owned(),
            NotJson::Other(error) => format!("it is not JSON: {error}"),
        }),
        AnswerKind::Text => text(response).map(Body::Text).ok_or_else(|| NOT_TEXT.to_owned()),
        AnswerKind::Xml => xml::read(&text(response).ok_or(NOT_TEXT)?).map(Body::Data),
        AnswerKind::Binary => binary(response, ask.inline).map(Body::Data),
    }
}

const TOO_DEEP: &str = "its JSON nests deeper than 127 levels";
const NOT_TEXT: &str = "it is neither JSON nor text; `answer: binary` hands it on as base64";

fn guessed(response: &Response, ask: Ask<'_>) -> Result<Body, String> {
    match json(&response.body, ask.projection) {
        Ok(value) => return Ok(Body::Data(value)),
        Err(NotJson::TooDeep) => return Err(TOO_DEEP.to_owned()),
        Err(NotJson::Other(_)) => {}
    }
    let media = media_type(&response.headers);
    let is_xml = media == "application/xml" || media == "text/xml" || media.ends_with("+xml");
    if ask.mapped
        && is_xml
        && let Some(text) = text(response)
    {
        return xml::read(&text).map(Body::Data);
    }
    let is_bytes = !media.is_empty() && !media.starts_with("text/") && !media.ends_with("json") && !is_xml;
    match text(response) {
        Some(text) => Ok(Body::Text(text)),
        None if is_bytes && ask.mapped => binary(response, ask.inline).map(Body::Data),
        None if is_bytes => Ok(Body::Unread { kind: media, bytes: response.body.len() }),
        None => Err(NOT_TEXT.to_owned()),
    }
}

enum NotJson {
    TooDeep,
    Other(serde_json::Error),
}

/// JSON, also behind a byte order mark (RFC 8259, 8.1).
fn json(body: &[u8], projection: &Projection) -> Result<Value, NotJson> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    projection.read(body).map_err(|error| if nests_too_deep(body) { NotJson::TooDeep } else { NotJson::Other(error) })
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

/// UTF-8, or the character set that the content type names.
fn text(response: &Response) -> Option<String> {
    if let Ok(text) = std::str::from_utf8(&response.body) {
        return Some(text.to_owned());
    }
    let encoding = charset(&response.headers).filter(|encoding| *encoding != UTF_8)?;
    let (text, _, is_broken) = encoding.decode(&response.body);
    (!is_broken).then(|| text.into_owned())
}

fn charset(headers: &HeaderMap) -> Option<&'static Encoding> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let label = value.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
    })?;
    Encoding::for_label(label.as_bytes())
}

/// `type/subtype` in small letters; empty where there is none.
fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
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
                let ask = Ask { projection, mapped: true, inline: 0 };
                let is_data = matches!(decode(&response, kind, ask), Ok(Body::Data(_)));
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
