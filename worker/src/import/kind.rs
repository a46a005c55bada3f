//! What a text is.

use serde::Serialize;
use serde_json::{Map, Value};

use super::processmaker;

/// What a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// cURL commands, as shells and browsers write them.
    Curl,
    /// OpenAPI 3.0 or 3.1, or Swagger 2.
    OpenApi,
    /// A Postman collection 2.0 or 2.1.
    Postman,
    /// An export of ProcessMaker.
    ProcessMaker,
    /// Records of connectors.
    Records,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Curl, Self::OpenApi, Self::Postman, Self::ProcessMaker, Self::Records];

    /// The kind that is called so: `curl`, `openapi`, `postman`, `processmaker`, `records`.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What it is called in requests and answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Curl => "curl",
            Self::OpenApi => "openapi",
            Self::Postman => "postman",
            Self::ProcessMaker => "processmaker",
            Self::Records => "records",
        }
    }

    /// What it is called in sentences.
    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::Curl => "a cURL command",
            Self::OpenApi => "an OpenAPI document",
            Self::Postman => "a Postman collection",
            Self::ProcessMaker => "an export of ProcessMaker",
            Self::Records => "a file of connector records",
        }
    }

    /// Whether what was recognized can be read as this kind: a list of ProcessMaker's API is one of records, too.
    pub(super) fn may_be(self, found: Self) -> bool {
        self == found || self == Self::ProcessMaker && found == Self::Records
    }
}

/// The kind of a JSON or YAML document.
pub(super) fn recognized(root: &Value) -> Option<Kind> {
    if let Some(root) = root.as_object() {
        if root.contains_key("openapi") || root.contains_key("swagger") {
            return Some(Kind::OpenApi);
        }
        if is_collection(root) || root.get("collection").and_then(Value::as_object).is_some_and(is_collection) {
            return Some(Kind::Postman);
        }
    }
    if processmaker::is_package(root) {
        return Some(Kind::ProcessMaker);
    }
    looks_like_records(root).then_some(Kind::Records)
}

/// Also collections of the first version, in order to say that those are not read.
fn is_collection(root: &Map<String, Value>) -> bool {
    let info = root.get("info").and_then(Value::as_object);
    let of_postman = |info: &Map<String, Value>| {
        info.contains_key("_postman_id") || info.get("schema").and_then(Value::as_str).is_some_and(is_postman_schema)
    };
    info.is_some_and(|info| of_postman(info) || root.get("item").is_some_and(Value::is_array))
        || root.get("requests").is_some_and(Value::is_array) && root.contains_key("order")
}

fn is_postman_schema(schema: &str) -> bool {
    schema.contains("postman.com/") || schema.contains("getpostman.com")
}

fn looks_like_records(root: &Value) -> bool {
    let is_record = |value: &Value| {
        value.as_object().is_some_and(|record| {
            record.contains_key("endpoints") || record.contains_key("name") && record.contains_key("authtype")
        })
    };
    match root {
        Value::Array(list) => list.first().is_some_and(is_record),
        Value::Object(page) => {
            let data = page.get("data").and_then(Value::as_array);
            is_record(root) || data.and_then(|data| data.first()).is_some_and(is_record)
        }
        _ => false,
    }
}
