//! Resources and credentials as readers collect them, and the records that they become.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::marked;
use super::report::{Report, quoted};
use crate::job::{Limit, brief};

/// Characters of a record's name.
const NAME: usize = 255;
/// Bytes of a description.
const DESCRIPTION: usize = 2_000;
/// What stands for a credential's member that the text does not hold.
pub(super) const UNKNOWN: &str = "********";

/// A parameter or header; the value is a template.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub(super) key: String,
    pub(super) value: String,
    pub(super) required: bool,
}

impl Row {
    /// A row that is always sent, of marked texts.
    pub(super) fn fixed(key: &str, value: &str) -> Self {
        Self { key: marked::template(key), value: marked::template(value), required: true }
    }
}

/// How a body is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyType {
    Json,
    Form,
    Multipart,
    Xml,
    Raw,
}

impl BodyType {
    fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Form => "form-data",
            Self::Multipart => "multipart",
            Self::Xml => "xml",
            Self::Raw => "raw",
        }
    }

    /// The type of a body that is sent as it is written, by its media type.
    pub(super) fn of_media(media: &str) -> Self {
        let media = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if media.ends_with("/json") || media.ends_with("+json") {
            Self::Json
        } else if media.ends_with("/xml") || media.ends_with("+xml") {
            Self::Xml
        } else {
            Self::Raw
        }
    }
}

/// One call.
#[derive(Debug, Default)]
pub(super) struct Resource {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) method: String,
    /// A template.
    pub(super) url: String,
    pub(super) params: Vec<Row>,
    pub(super) headers: Vec<Row>,
    /// A template.
    pub(super) body: Option<(BodyType, String)>,
    /// Values for variables and parameters, to try it with.
    pub(super) test_data: Map<String, Value>,
    /// Members of CONTRACT 7, and times.
    pub(super) further: Map<String, Value>,
}

impl Resource {
    /// Adds a header that is always sent, unless one of that name is there; the value is a template.
    pub(super) fn default_header(&mut self, name: &str, value: &str) {
        if !self.has_header(name) {
            self.headers.push(Row { key: name.to_owned(), value: value.to_owned(), required: true });
        }
    }

    pub(super) fn has_header(&self, name: &str) -> bool {
        self.headers.iter().any(|row| row.key.eq_ignore_ascii_case(name))
    }

    /// Bytes in the record, roughly.
    pub(super) fn weight(&self) -> usize {
        let rows = self.params.iter().chain(&self.headers).map(|row| row.key.len() + row.value.len() + 48);
        let body = self.body.as_ref().map_or(0, |(_, body)| body.len());
        256 + self.name.len() + self.url.len() + self.description.len() + body + rows.sum::<usize>()
    }

    fn into_value(self, name: &str) -> Value {
        let row = |row: Row| json!({"key": row.key, "value": row.value, "required": row.required});
        let mut of = Map::new();
        of.insert("purpose".to_owned(), name.into());
        if !self.description.trim().is_empty() {
            of.insert("description".to_owned(), description(&self.description).into());
        }
        of.insert("method".to_owned(), self.method.into());
        of.insert("url".to_owned(), self.url.into());
        of.insert("params".to_owned(), self.params.into_iter().map(row).collect());
        of.insert("headers".to_owned(), self.headers.into_iter().map(row).collect());
        if let Some((kind, body)) = self.body {
            of.insert("body".to_owned(), body.into());
            of.insert("body_type".to_owned(), kind.name().into());
        }
        if !self.test_data.is_empty() {
            of.insert("testData".to_owned(), Value::Object(self.test_data).to_string().into());
        }
        of.extend(self.further);
        Value::Object(of)
    }
}

/// How the calls of a record prove who is asking.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Auth {
    pub(super) authtype: &'static str,
    /// None where nothing of them is known.
    pub(super) credentials: Option<Map<String, Value>>,
}

impl Default for Auth {
    fn default() -> Self {
        Self { authtype: "NONE", credentials: None }
    }
}

impl Auth {
    /// Of marked texts: a member with a variable is not known, and without any that is, there are no credentials.
    pub(super) fn new(authtype: &'static str, members: &[(&str, &str)]) -> Self {
        let mut credentials = Map::new();
        let mut is_known = false;
        for (name, value) in members {
            let unknown = marked::has_variable(value) || *value == UNKNOWN;
            is_known |= !unknown;
            credentials.insert((*name).to_owned(), if unknown { UNKNOWN } else { value }.into());
        }
        Self { authtype, credentials: Some(credentials).filter(|_| is_known) }
    }

    pub(super) fn is_none(&self) -> bool {
        self.authtype == "NONE"
    }

    /// Members that the text does not hold.
    pub(super) fn unknown(&self) -> Vec<&str> {
        let members = self.credentials.iter().flatten();
        members.filter(|(_, value)| *value == UNKNOWN).map(|(name, _)| name.as_str()).collect()
    }

    /// Adds a member to what is known.
    pub(super) fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.credentials.get_or_insert_default().insert(name.to_owned(), value.into());
    }

    /// What tells two of them apart.
    pub(super) fn key(&self) -> String {
        format!("{} {}", self.authtype, Value::Object(self.credentials.clone().unwrap_or_default()))
    }
}

/// A record in the making.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) auth: Auth,
    pub(super) resources: Vec<Resource>,
}

impl Draft {
    pub(super) fn into_record(self, report: &mut Report) -> Map<String, Value> {
        let mut of = Map::new();
        of.insert("name".to_owned(), self.name.into());
        if !self.description.trim().is_empty() {
            of.insert("description".to_owned(), description(&self.description).into());
        }
        of.insert("type".to_owned(), "REST".into());
        of.insert("authtype".to_owned(), self.auth.authtype.into());
        if let Some(credentials) = self.auth.credentials {
            of.insert("credentials".to_owned(), Value::Object(credentials));
        }
        let mut names = Names::default();
        let mut endpoints = Map::new();
        for resource in self.resources {
            let name = names.unique(&resource_name(&resource.name), report);
            endpoints.insert(name.clone(), resource.into_value(&name));
        }
        of.insert("endpoints".to_owned(), Value::Object(endpoints));
        of.insert("status".to_owned(), "ACTIVE".into());
        of
    }
}

/// Names that were given, and how often each was asked for.
#[derive(Debug, Default)]
struct Names(HashMap<String, usize>);

impl Names {
    /// The name, with a number where it is taken.
    fn unique(&mut self, name: &str, report: &mut Report) -> String {
        let mut count = self.0.get(name).copied().unwrap_or(0) + 1;
        let mut unique = name.to_owned();
        while count > 1 {
            unique = format!("{name}-{count}");
            if !self.0.contains_key(&unique) {
                break;
            }
            count += 1;
        }
        self.0.insert(name.to_owned(), count);
        if unique != name {
            report.changed(format!("{} is called {}: the name is taken", quoted(name), quoted(&unique)));
            self.0.entry(unique.clone()).or_insert(1);
        }
        unique
    }
}

/// A name that elements can call: `GET: list` would be read as `list`.
fn resource_name(name: &str) -> String {
    let clean = clean_name(name);
    let bare = bpmn_ext::names::bare_resource(&clean);
    let name = if bare == clean { clean } else { clean.replacen(':', "", 1) };
    if name.is_empty() { "call".to_owned() } else { name }
}

fn clean_name(name: &str) -> String {
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    let name: String = name.trim().chars().take(NAME - 5).map(printable).collect();
    name.trim().to_owned()
}

/// Gives each record a name that can be stored: the first one the name that was asked for.
pub(super) fn name_all(records: &mut [Map<String, Value>], first: Option<&str>, report: &mut Report) {
    let mut names = Names::default();
    for (index, record) in records.iter_mut().enumerate() {
        let asked = first.filter(|_| index == 0).map(ToOwned::to_owned);
        let own = record.get("name").and_then(Value::as_str).map(ToOwned::to_owned);
        let name = clean_name(&asked.or(own).unwrap_or_default());
        let name = names.unique(if name.is_empty() { "Imported connector" } else { &name }, report);
        record.insert("name".to_owned(), name.into());
    }
}

fn description(text: &str) -> String {
    brief(text.trim(), Limit::Bytes(DESCRIPTION)).into_owned()
}
