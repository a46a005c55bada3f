//! A connector's record as people write and read it (COMPATIBILITY 4.1): which members are computed, what each may be.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::credentials::MASK;
use crate::call::ResolvedConnector;
use crate::clock;
use crate::connector::{Connector, Invalid};
use crate::plan::CredentialId;
use crate::store::StoredConnector;

/// The longest name, characters.
const LONGEST_NAME: usize = 255;
/// Members that are made when a record is read; what is written there is ignored.
const COMPUTED: [&str; 19] = [
    "id",
    "uuid",
    "created_at",
    "updated_at",
    "credentials_set",
    "validationStatus",
    "operations",
    "files",
    "localCertificateFile",
    "wsdlFile",
    "xsdFiles",
    "warnings",
    "used_by",
    "last_call_at",
    "updated_by",
    "settings",
    "categories",
    "categoryCount",
    "resources",
];

/// Members that are always there, in their order.
const SHOWN: [&str; 22] = [
    "id",
    "uuid",
    "name",
    "description",
    "type",
    "authtype",
    "credentials",
    "credentials_set",
    "endpoints",
    "mappings",
    "status",
    "data_source_category_id",
    "debug_mode",
    "is_template",
    "asset_type",
    "validationStatus",
    "operations",
    "files",
    "localCertificateFile",
    "wsdlFile",
    "xsdFiles",
    "warnings",
];

/// Takes out what a writer cannot say.
pub(super) fn strip_computed(record: &mut Map<String, Value>) {
    for name in COMPUTED {
        record.remove(name);
    }
}

/// The record's `authtype`, in capitals.
pub fn authtype(record: &Map<String, Value>) -> String {
    word(record, "authtype", "NONE")
}

/// The first part of each member that cannot be used, by path; `categories` are those that there are.
pub(super) fn problems(record: &Map<String, Value>, categories: &BTreeSet<i64>) -> Vec<Invalid> {
    let mut found: Vec<Invalid> =
        [name(record), texts(record), status(record), flags(record)].into_iter().flatten().collect();
    found.extend(category_problem(record, categories));
    let connector = Connector::read(record).err();
    let connector =
        connector.or_else(|| ResolvedConnector::new(record, &Map::new(), CredentialId::default()).problem().cloned());
    // What has been said of a member is not said twice.
    found.extend(connector.filter(|invalid| found.iter().all(|other| other.path != invalid.path)));
    found
}

fn name(record: &Map<String, Value>) -> Option<Invalid> {
    let problem = |problem: &str| Some(Invalid::new("name", problem));
    let text = match record.get("name") {
        None | Some(Value::Null) => return problem("is missing"),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        Some(_) => return problem("must be a text"),
    };
    let is_usable = !text.trim().is_empty() && text.chars().count() <= LONGEST_NAME;
    if is_usable && !text.chars().any(char::is_control) {
        return None;
    }
    problem("must have 1 to 255 characters, and no control characters")
}

fn texts(record: &Map<String, Value>) -> Option<Invalid> {
    let wrong = ["description", "asset_type"]
        .into_iter()
        .find(|name| !matches!(record.get(*name), None | Some(Value::Null | Value::String(_) | Value::Number(_))))?;
    Some(Invalid::new(wrong, "must be a text or null"))
}

fn status(record: &Map<String, Value>) -> Option<Invalid> {
    let is_usable = matches!(record.get("status"), None | Some(Value::Null | Value::String(_)))
        && ["ACTIVE", "INACTIVE"].contains(&word(record, "status", "ACTIVE").as_str());
    (!is_usable).then(|| Invalid::new("status", "must be ACTIVE or INACTIVE"))
}

fn flags(record: &Map<String, Value>) -> Option<Invalid> {
    let wrong = ["debug_mode", "is_template"].into_iter().find(|name| flag(record, name).is_none())?;
    Some(Invalid::new(wrong, "must be true or false"))
}

/// 0 and 1, and their texts, are flags as PHP writes them.
fn flag(record: &Map<String, Value>, name: &str) -> Option<bool> {
    match record.get(name) {
        None | Some(Value::Null) => Some(false),
        Some(Value::Bool(flag)) => Some(*flag),
        Some(other) => match other.to_string().trim_matches('"') {
            "1" | "true" => Some(true),
            "0" | "false" | "" => Some(false),
            _ => None,
        },
    }
}

/// The ids of a record's categories; `None` where they are written in no known way.
pub(super) fn category_ids(record: &Map<String, Value>) -> Option<Vec<i64>> {
    let text = match record.get("data_source_category_id") {
        None | Some(Value::Null) => return Some(Vec::new()),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::String(text)) if text.trim().is_empty() => return Some(Vec::new()),
        Some(Value::String(text)) => text.clone(),
        Some(_) => return None,
    };
    text.split(',').map(|id| id.trim().parse().ok()).collect()
}

fn category_problem(record: &Map<String, Value>, known: &BTreeSet<i64>) -> Option<Invalid> {
    let invalid = |problem: String| Some(Invalid::new("data_source_category_id", problem));
    let Some(ids) = category_ids(record) else {
        return invalid("must be the number of a category, or numbers with commas".to_owned());
    };
    let unknown = ids.into_iter().find(|id| !known.contains(id))?;
    invalid(format!("there is no category {unknown}"))
}

/// Writes the categories as they are stored: ids with commas, or null.
pub(super) fn settle_categories(record: &mut Map<String, Value>, ids: &[i64]) {
    if !record.contains_key("data_source_category_id") {
        return;
    }
    let text: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let value = if text.is_empty() { Value::Null } else { Value::String(text.join(",")) };
    record.insert("data_source_category_id".to_owned(), value);
}

/// A word in capitals; `usual` where there is none.
fn word(record: &Map<String, Value>, name: &str, usual: &str) -> String {
    let text = record.get(name).and_then(Value::as_str).unwrap_or_default().trim().to_ascii_uppercase();
    if text.is_empty() { usual.to_owned() } else { text }
}

/// Those members that are wanted of the record as it is read: with its defaults and what is computed, without a value of its
/// credentials.
pub fn shown(stored: &StoredConnector, warnings: &[String], wants: &dyn Fn(&str) -> bool) -> Map<String, Value> {
    let known = SHOWN.iter().filter(|name| wants(name));
    let known = known.map(|name| ((*name).to_owned(), member(stored, warnings, name)));
    let own = |name: &str| !SHOWN.contains(&name) && !COMPUTED.contains(&name);
    let others = stored.record.iter().filter(|(name, _)| own(name) && wants(name));
    let others = others.map(|(name, value)| (name.clone(), value.clone()));
    let times = [("created_at", stored.created_at), ("updated_at", stored.updated_at)].into_iter();
    let times = times.filter(|(name, _)| wants(name)).map(|(name, at)| (name.to_owned(), json!(clock::rfc3339(at))));
    known.chain(others).chain(times).collect()
}

fn member(stored: &StoredConnector, warnings: &[String], name: &str) -> Value {
    let of = &stored.record;
    match name {
        "id" => json!(stored.id),
        "uuid" => json!(stored.uuid),
        "name" => json!(stored.name),
        "type" => json!(word(of, name, "REST")),
        "authtype" => json!(authtype(of)),
        "credentials" => json!(stored.has_credentials.then_some(MASK)),
        "credentials_set" => json!(stored.credentials_set),
        "endpoints" => of.get(name).filter(|value| value.is_object()).cloned().unwrap_or_else(|| json!({})),
        "status" => json!(word(of, name, "ACTIVE")),
        "data_source_category_id" => category_text(of),
        "debug_mode" | "is_template" => json!(flag(of, name).unwrap_or(false)),
        "validationStatus" | "operations" | "files" | "xsdFiles" => json!([]),
        "localCertificateFile" | "wsdlFile" => Value::Null,
        "warnings" => json!(warnings),
        other => of.get(other).cloned().unwrap_or(Value::Null),
    }
}

fn category_text(record: &Map<String, Value>) -> Value {
    match record.get("data_source_category_id") {
        Some(Value::Number(number)) => Value::String(number.to_string()),
        Some(Value::String(text)) if !text.trim().is_empty() => Value::String(text.clone()),
        _ => Value::Null,
    }
}

/// A record as it can be imported again: as it is stored, its credentials masked.
pub fn exported(stored: &StoredConnector) -> Map<String, Value> {
    let mut record = stored.export();
    if stored.has_credentials {
        let masked = stored.credentials_set.iter().map(|name| (name.clone(), json!(MASK)));
        record.insert("credentials".to_owned(), Value::Object(masked.collect()));
    }
    record
}

/// The names, methods and descriptions of a record's resources.
pub fn resources(stored: &StoredConnector) -> Value {
    let endpoints = stored.record.get("endpoints").and_then(Value::as_object);
    let one = |(name, resource): (&String, &Value)| {
        let method = resource.get("method").and_then(Value::as_str).map(str::to_ascii_uppercase);
        json!({
            "name": name, "method": method.filter(|method| !method.is_empty()).unwrap_or_else(|| "GET".to_owned()),
            "description": resource.get("description").filter(|value| value.is_string()),
        })
    };
    endpoints.into_iter().flatten().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_member_says_what_is_wrong_with_it() {
        let known = BTreeSet::from([1, 4]);
        for (record, paths) in [
            (json!({"name": "A", "data_source_category_id": "1, 4", "debug_mode": "0", "status": "inactive"}), vec![]),
            (json!({"name": 7, "data_source_category_id": 4, "authtype": null, "endpoints": []}), vec![]),
            (json!({}), vec!["name"]),
            (json!({"name": "a\nb"}), vec!["name"]),
            (json!({"name": "a".repeat(256)}), vec!["name"]),
            (json!({"name": "A", "status": "SLEEPING", "description": [1]}), vec!["description", "status"]),
            (json!({"name": "A", "debug_mode": "perhaps"}), vec!["debug_mode"]),
            (json!({"name": "A", "data_source_category_id": "1,5"}), vec!["data_source_category_id"]),
            (json!({"name": "A", "data_source_category_id": "x"}), vec!["data_source_category_id"]),
            (json!({"name": "A", "type": "SOAP"}), vec!["type"]),
            (json!({"name": "A", "endpoints": {"list": {"method": "GET"}}}), vec!["endpoints.list.url"]),
            (
                // Neither statuses nor a condition: it would be true of every answer.
                json!({"name": "A", "endpoints": {"list": {"url": "u", "errorMapping": [{"when": "40", "code": "B"}]}}}),
                vec!["endpoints.list.errorMapping.0.when"],
            ),
        ] {
            let Value::Object(record) = record else { unreachable!() };
            let found: Vec<String> = problems(&record, &known).into_iter().map(|invalid| invalid.path).collect();
            assert_eq!(found, paths, "{record:?}");
        }
    }
}
