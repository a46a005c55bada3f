//! Reads texts of other tools and makes records of connectors (CONTRACT 7): cURL commands, OpenAPI documents, Postman
//! collections, ProcessMaker exports, and records themselves.
//!
//! Pure: knows those formats and what a record looks like; must not know files, databases or HTTP. Texts are foreign: each is
//! bounded in size, depth and in what it may be made into.

mod budget;
mod curl;
mod document;
mod fields;
mod headers;
mod kind;
mod marked;
mod openapi;
mod position;
mod postman;
mod processmaker;
mod record;
mod records;
mod report;
mod url_parts;
mod verify;

use serde::Serialize;
use serde_json::{Map, Value};

pub use kind::Kind;
pub use position::Position;
pub use report::LeftOut;

use document::Document;
use position::Fault;
use report::Report;

/// The longest text that is read, bytes.
pub const TEXT_BYTES: usize = 32 * 1024 * 1024;

/// The records that a text was made into, and what did not come over.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Conversion {
    /// What the text is.
    pub kind: Kind,
    /// The name of the first record.
    pub name: String,
    /// As import takes them.
    pub records: Vec<Map<String, Value>>,
    /// What is written in another way than it was: sentences.
    pub changed: Vec<String>,
    /// What a record cannot hold.
    pub left_out: Vec<LeftOut>,
}

/// Why a text was not converted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A mistake in the text, or nothing in it that makes a call.
    #[error("Line {}, column {}: {problem}", position.line, position.column)]
    Text {
        /// Where it begins.
        position: Position,
        /// What it is, and what to change.
        problem: String,
    },
    /// It is not what it was said to be.
    #[error("this is {found}, not {}; choose the kind that it is, or none", given.noun())]
    Kind {
        /// What it was said to be.
        given: Kind,
        /// What it looks like.
        found: &'static str,
    },
}

impl Error {
    fn of(fault: Fault, text: &str) -> Self {
        Self::Text { position: Position::of(text, fault.at), problem: fault.problem }
    }
}

/// Converts a text of a kind, or of the kind that it looks like; `name` names the first record.
///
/// # Errors
/// A mistake in the text with its place, or that it is of another kind.
pub fn convert(text: &str, kind: Option<Kind>, name: Option<&str>) -> Result<Conversion, Error> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut report = Report::default();
    let (kind, records) = read(text, kind, &mut report)?;
    let mut records = records;
    record::name_all(&mut records, name, &mut report);
    let records = verify::usable(records, &mut report);
    if records.is_empty() {
        let why = report.first_reason().map(|why| format!(": {why}")).unwrap_or_default();
        let problem = format!("nothing was found in {} that makes a call{why}", kind.noun());
        return Err(Error::of(Fault::new(0, problem), text));
    }
    let name = records.first().and_then(|record| record.get("name")).and_then(Value::as_str).unwrap_or_default();
    let name = name.to_owned();
    let (changed, left_out) = report.finish();
    Ok(Conversion { kind, name, records, changed, left_out })
}

/// What a JSON or YAML text says.
///
/// # Errors
/// The mistake in it, with its place.
pub fn data(text: &str) -> Result<Value, Error> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    Document::read(text).map(Document::into_root).map_err(|fault| Error::of(fault, text))
}

type Records = Vec<Map<String, Value>>;

fn read(text: &str, given: Option<Kind>, report: &mut Report) -> Result<(Kind, Records), Error> {
    let located = |fault: Fault| Error::of(fault, text);
    if text.len() > TEXT_BYTES {
        let problem = format!("the text has {} bytes; at most {TEXT_BYTES} are read", text.len());
        return Err(located(Fault::new(0, problem)));
    }
    if text.trim().is_empty() {
        return Err(located(Fault::new(0, "there is nothing to read: the text is empty")));
    }
    let is_curl = curl::looks_like(text);
    match given {
        Some(Kind::Curl) if !is_curl => {
            if let Some(found) = Document::read(text).ok().and_then(|document| kind::recognized(document.root())) {
                return Err(Error::Kind { given: Kind::Curl, found: found.noun() });
            }
        }
        Some(given) if given != Kind::Curl && is_curl => {
            return Err(Error::Kind { given, found: Kind::Curl.noun() });
        }
        _ => {}
    }
    if given == Some(Kind::Curl) || is_curl {
        return curl::read(text, report).map(|records| (Kind::Curl, records)).map_err(located);
    }
    // Older exports of ProcessMaker are wrapped in Base64.
    if let Some(unwrapped) = processmaker::unwrapped(text) {
        return read_document(&unwrapped, given, report);
    }
    read_document(text, given, report)
}

fn read_document(text: &str, given: Option<Kind>, report: &mut Report) -> Result<(Kind, Records), Error> {
    let located = |fault: Fault| Error::of(fault, text);
    let document = Document::read(text).map_err(located)?;
    let found = kind::recognized(document.root());
    let kind = match (given, found) {
        (Some(given), Some(found)) if !given.may_be(found) => {
            return Err(Error::Kind { given, found: found.noun() });
        }
        (Some(given), None) => return Err(Error::Kind { given, found: "something else" }),
        (Some(given), Some(_)) => given,
        (None, Some(found)) => found,
        (None, None) => {
            let problem = "nothing was recognized: paste cURL commands, an OpenAPI document, a Postman collection, an \
                           export of ProcessMaker or records of connectors";
            return Err(located(Fault::new(0, problem)));
        }
    };
    let records = match kind {
        Kind::OpenApi => openapi::read(&document, report),
        Kind::Postman => postman::read(&document, report),
        Kind::ProcessMaker => Ok(processmaker::read(&document, report)),
        Kind::Records | Kind::Curl => records::read(&document, report),
    };
    Ok((kind, records.map_err(located)?))
}

#[cfg(test)]
mod tests;
