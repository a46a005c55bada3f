//! What a designer configured on one element: `pm:config`, or our extension turned into the same (COMPATIBILITY 1.3).

use bpmn_ext::names::bare_resource;
use serde_json::{Map, Value};

use super::lenient::Reader;
use super::{Invalid, Rules};
use std::time::Duration;

/// Where an outbound row goes (COMPATIBILITY 1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutboundKind {
    /// A URL variable or a query parameter.
    Param,
    /// A header.
    Header,
    /// A variable of the body template.
    Body,
}

/// The language of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowFormat {
    /// Mustache; the default of outbound rows.
    Mustache,
    /// A dot path, or a JSONPath where it begins with `$`; the default of mapping rows.
    DotPath,
    /// Mustache, then an expression (COMPATIBILITY 4.6).
    Feel,
    /// JMESPath.
    JmesPath,
}

/// Request data to the call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboundRow {
    /// Where it goes.
    pub kind: OutboundKind,
    /// The name declared in the resource.
    pub key: String,
    /// A constant, mustache or an expression.
    pub value: String,
    /// `Mustache` or `Feel`.
    pub format: RowFormat,
}

/// The answer to request data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappingRow {
    /// The target variable; mustache.
    pub key: String,
    /// The source.
    pub value: String,
    /// How the source is read.
    pub format: RowFormat,
}

/// One element's configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct ElementConfig {
    /// The connector by name, uuid or id.
    pub connector: String,
    /// The resource's name.
    pub resource: String,
    /// `None` is not the same as empty (COMPATIBILITY 4.5).
    pub outbound: Option<Vec<OutboundRow>>,
    /// `None` merges nothing (COMPATIBILITY 4.7).
    pub mapping: Option<Vec<MappingRow>>,
    /// A raw query that overrides (COMPATIBILITY 4.4).
    pub query_string: Option<String>,
    /// `timeout` of our extension; zero means the operator's cap.
    pub timeout: Option<Duration>,
    /// Members of CONTRACT 7.
    pub rules: Rules,
}

impl ElementConfig {
    /// Reads `config` of a job.
    ///
    /// # Errors
    /// The first member that cannot be used, by its path inside `config`.
    pub fn read(of: &Map<String, Value>) -> Result<Self, Invalid> {
        let of = &Reader::new(of, "");
        let connector = of
            .required_text("dataSource")
            .map_err(|e| Invalid::new(e.path, format!("{}; choose a connector", e.problem)))?;
        let resource = of
            .required_text("endpoint")
            .map_err(|e| Invalid::new(e.path, format!("{}; choose a resource", e.problem)))?;
        if of.flag("callback")?.unwrap_or(false) {
            return Err(Invalid::new("callback", "waiting for a callback is not supported by this version"));
        }
        if of.value("rate").is_some() {
            return Err(Invalid::new("rate", "is for all who call: write it into the connector or its resource"));
        }
        Ok(Self {
            connector,
            resource: bare_resource(&resource).to_owned(),
            outbound: outbound_rows(of)?,
            mapping: mapping_rows(of)?,
            query_string: of.text("queryString")?.filter(|q| !q.is_empty()),
            timeout: of.duration("timeout")?,
            rules: Rules::read(of)?,
        })
    }
}

/// `outboundConfig`.
fn outbound_rows(of: &Reader<'_>) -> Result<Option<Vec<OutboundRow>>, Invalid> {
    of.rows("outboundConfig")?.map(|rows| rows.iter().map(outbound_row).collect()).transpose()
}

fn outbound_row(row: &Reader<'_>) -> Result<OutboundRow, Invalid> {
    let kind = match row.required_text("type")?.to_ascii_uppercase().as_str() {
        "PARAM" => OutboundKind::Param,
        "HEADER" => OutboundKind::Header,
        "BODY" => OutboundKind::Body,
        other => return Err(row.invalid("type", format!("`{other}` is not PARAM, HEADER or BODY"))),
    };
    let format = match row.text("format")?.as_deref() {
        None | Some("" | "mustache") => RowFormat::Mustache,
        // `feel` has no effect on headers (COMPATIBILITY 4.5).
        Some(_) if kind == OutboundKind::Header => RowFormat::Mustache,
        Some("feel") => RowFormat::Feel,
        Some(other) => return Err(unknown_format(row, other, "mustache or feel")),
    };
    Ok(OutboundRow { kind, key: row.required_text("key")?.trim().to_owned(), value: any_text(row, "value"), format })
}

/// `dataMapping`.
fn mapping_rows(of: &Reader<'_>) -> Result<Option<Vec<MappingRow>>, Invalid> {
    of.rows("dataMapping")?.map(|rows| rows.iter().map(mapping_row).collect()).transpose()
}

fn mapping_row(row: &Reader<'_>) -> Result<MappingRow, Invalid> {
    let format = match row.text("format")?.as_deref() {
        None | Some("" | "dotNotation") => RowFormat::DotPath,
        Some("mustache") => RowFormat::Mustache,
        Some("feel") => RowFormat::Feel,
        Some("jmespath") => RowFormat::JmesPath,
        Some(other) => return Err(unknown_format(row, other, "dotNotation, mustache, feel or jmespath")),
    };
    Ok(MappingRow { key: row.required_text("key")?.trim().to_owned(), value: any_text(row, "value"), format })
}

fn unknown_format(row: &Reader<'_>, found: &str, known: &str) -> Invalid {
    row.invalid("format", format!("`{found}` is not a format; write {known}"))
}

/// A constant of any kind as text; null is empty.
fn any_text(row: &Reader<'_>, name: &str) -> String {
    match row.value(name) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}
