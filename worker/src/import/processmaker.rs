//! Exports of ProcessMaker: packages of a process or of connectors, in the old and the new form (COMPATIBILITY 4.1).
//!
//! Their connectors are found by what they are, wherever they stand: the old form has lists of them, the new one entries under
//! `export` whose `attributes` are records.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::document::Document;
use super::fields::text;
use super::report::{Report, quoted};

/// Members that say nothing about calls, or that only the installation that exported them knows.
const COMPUTED: [&str; 12] = [
    "created_at",
    "updated_at",
    "validationStatus",
    "operations",
    "files",
    "localCertificateFile",
    "wsdlFile",
    "xsdFiles",
    "categories",
    "category",
    "data_source_category_id",
    "project_assets",
];

/// Whether a document is a package.
pub(super) fn is_package(root: &Value) -> bool {
    let Some(root) = root.as_object() else { return false };
    let kind = root.get("type").and_then(Value::as_str).unwrap_or_default();
    let is_new = root.get("export").is_some() && (root.contains_key("root") || root.contains_key("encrypted"));
    let lists = ["data_sources", "dataSources", "data_source", "dataSource"];
    kind.ends_with("_package") || is_new || lists.iter().any(|name| root.get(*name).is_some_and(|of| !of.is_string()))
}

/// The JSON in an export that is written in Base64.
pub(super) fn unwrapped(text: &str) -> Option<String> {
    let text = text.trim().trim_matches('"');
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'\n' | b'\r');
    if !text.bytes().all(is_base64) {
        return None;
    }
    let joined: String = text.split_whitespace().collect();
    let decoded = String::from_utf8(STANDARD.decode(joined).ok()?).ok()?;
    decoded.trim_start().starts_with('{').then_some(decoded)
}

/// The connectors of a package.
pub(super) fn read(document: &Document<'_>, report: &mut Report) -> Vec<Map<String, Value>> {
    let root = document.root();
    if root.get("encrypted").and_then(Value::as_bool) == Some(true) || root.get("export").is_some_and(Value::is_string)
    {
        report.left_out("the package", "it is encrypted: export it without a password");
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut others: BTreeMap<String, (usize, String)> = BTreeMap::new();
    collect(root, &mut found, &mut others);
    for (kind, (count, first)) in others {
        let what = match count {
            1 if first.is_empty() => format!("one {kind}"),
            1 => format!("{kind} {}", quoted(&first)),
            _ => format!("{count} of the kind {kind}, such as {}", quoted(&first)),
        };
        report.left_out(what, "only connectors are imported");
    }
    let mut names = std::collections::HashSet::new();
    found.retain(|record| {
        let key = record.get("uuid").or_else(|| record.get("id")).or_else(|| record.get("name"));
        names.insert(key.map(ToString::to_string).unwrap_or_default())
    });
    found.into_iter().filter_map(|record| made(record, report)).collect()
}

fn is_connector(of: &Map<String, Value>) -> bool {
    let is_endpoints = |value: &Value| match value {
        Value::Object(_) | Value::Array(_) | Value::Null => true,
        Value::String(text) => text.trim_start().starts_with(['{', '[']),
        _ => false,
    };
    of.get("name").is_some_and(Value::is_string)
        && of.get("endpoints").is_some_and(is_endpoints)
        && (of.contains_key("authtype") || of.contains_key("type") || of.get("endpoints").is_some_and(Value::is_object))
}

/// Finds connectors; counts what else a package names.
fn collect(value: &Value, found: &mut Vec<Map<String, Value>>, others: &mut BTreeMap<String, (usize, String)>) {
    match value {
        Value::Array(list) => list.iter().for_each(|item| collect(item, found, others)),
        Value::Object(of) if is_connector(of) => found.push(of.clone()),
        Value::Object(of) => {
            if let Some(attributes) = of.get("attributes").and_then(Value::as_object)
                && of.contains_key("exporter")
                && !is_connector(attributes)
            {
                let kind = text(value, "type").unwrap_or("entry");
                note(others, kind, attributes.get("name").or_else(|| attributes.get("title")));
                return;
            }
            for (name, member) in of {
                match (name.as_str(), member) {
                    ("process", Value::Object(_)) => note(others, "process", member.get("name")),
                    (
                        "screens"
                        | "scripts"
                        | "environment_variables"
                        | "process_categories"
                        | "screen_categories"
                        | "script_categories"
                        | "signals"
                        | "subprocesses",
                        Value::Array(list),
                    ) => {
                        for item in list {
                            note(others, name, item.get("name").or_else(|| item.get("title")));
                        }
                    }
                    _ => collect(member, found, others),
                }
            }
        }
        _ => {}
    }
}

fn note(others: &mut BTreeMap<String, (usize, String)>, kind: &str, name: Option<&Value>) {
    let (count, first) = others.entry(kind.to_owned()).or_default();
    *count += 1;
    if first.is_empty() {
        name.and_then(Value::as_str).unwrap_or_default().clone_into(first);
    }
}

/// The record of a connector; one that calls by SOAP does not come over.
fn made(mut record: Map<String, Value>, report: &mut Report) -> Option<Map<String, Value>> {
    let name = record.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let what = format!("the connector {}", quoted(&name));
    let is_soap =
        |value: Option<&Value>| value.and_then(Value::as_str).is_some_and(|kind| kind.eq_ignore_ascii_case("soap"));
    if is_soap(record.get("type")) {
        report.left_out(what, "it calls by SOAP, which is not supported");
        return None;
    }
    for member in ["endpoints", "mappings", "credentials"] {
        let Some(Value::String(text)) = record.get(member) else { continue };
        if let Ok(value @ (Value::Object(_) | Value::Array(_) | Value::Null)) = serde_json::from_str(text) {
            record.insert(member.to_owned(), value);
        }
    }
    match record.get("credentials") {
        Some(Value::Object(_)) => report.changed(format!("The credentials of {} went into the record", quoted(&name))),
        Some(Value::String(_)) => {
            let why = "ProcessMaker exports them encrypted, and only its own installation opens them: set them anew";
            report.left_out(format!("the credentials of {}", quoted(&name)), why);
            record.remove("credentials");
        }
        Some(_) => drop(record.remove("credentials")),
        None => {}
    }
    if record.get("data_source_category_id").is_some_and(|ids| !ids.is_null() && ids.as_str() != Some("")) {
        report.left_out(format!("the category of {}", quoted(&name)), "categories have other numbers here");
    }
    record.retain(|member, _| !COMPUTED.contains(&member.as_str()));
    record.entry("type").or_insert_with(|| "REST".into());
    record.entry("status").or_insert_with(|| "ACTIVE".into());
    if let Some(Value::Object(endpoints)) = record.get_mut("endpoints") {
        endpoints.values_mut().for_each(plain_resource);
    }
    Some(record)
}

/// PHP writes lists with gaps as objects, and numbers of rows with them.
fn plain_resource(resource: &mut Value) {
    if let Some(params @ Value::Object(_)) = resource.get_mut("params") {
        let rows: Vec<Value> = params.as_object().into_iter().flat_map(Map::values).cloned().collect();
        *params = Value::Array(rows);
    }
}
