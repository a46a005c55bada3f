//! Connectors as rules ask about them, from a file or from the store.

use std::collections::BTreeSet;

use bpmn_ext::lint::{Connectors, Key, KnownConnector, KnownResource};
use serde_json::{Map, Value};

use crate::connector::{Connector, NamedValue, RepeatRule, Resource, usual_attempts};
use crate::plan::template::Template;

/// All connectors, with what they are referred to by.
pub struct Lookup {
    entries: Vec<Entry>,
    /// Those that cannot be used, and why.
    pub warnings: Vec<String>,
}

struct Entry {
    /// In the order in which they are looked for.
    uuid: String,
    id: String,
    connector: KnownConnector,
}

impl Lookup {
    /// Connectors of a file or of the store; those that cannot be used are named and have no resources.
    pub fn of_records<'r>(records: impl IntoIterator<Item = &'r Map<String, Value>>) -> Self {
        let mut warnings = Vec::new();
        let entries = records.into_iter().map(|record| entry(record, &mut warnings)).collect();
        Self { entries, warnings }
    }

    /// Whether there is no connector.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl Connectors for Lookup {
    fn find(&self, reference: &str) -> Option<KnownConnector> {
        let by = |key: fn(&Entry) -> &str| self.entries.iter().find(|entry| key(entry) == reference);
        let found = by(|entry| &entry.uuid).or_else(|| by(|entry| &entry.id)).or_else(|| by(|e| &e.connector.name));
        found.map(|entry| entry.connector.clone())
    }

    fn names(&self) -> Vec<String> {
        self.entries.iter().map(|entry| entry.connector.name.clone()).collect()
    }
}

fn entry(record: &Map<String, Value>, warnings: &mut Vec<String>) -> Entry {
    let text = |name: &str| match record.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    let resources = match Connector::read(record) {
        Ok(connector) => connector.resources.iter().map(|resource| known(resource, &connector)).collect(),
        Err(error) => {
            warnings.push(format!("connector `{}` is not usable: {error}", text("name")));
            Vec::new()
        }
    };
    Entry { uuid: text("uuid"), id: text("id"), connector: KnownConnector { name: text("name"), resources } }
}

fn known(resource: &Resource, connector: &Connector) -> KnownResource {
    let is_fixed = |rows: &[NamedValue]| !rows.iter().any(|row| row.key.contains("{{"));
    let rules = [&resource.rules, &connector.rules];
    let errors = rules.iter().flat_map(|rules| &rules.error_mapping);
    KnownResource {
        name: resource.name.clone(),
        method: resource.method.to_string(),
        // A name that is a template can be any.
        params: resource.params.as_deref().filter(|rows| is_fixed(rows)).map(keys),
        headers: keys(&resource.headers),
        url_variables: variables(&resource.url).into_iter().collect(),
        body_variables: resource.body.as_deref().map(|body| variables(body).into_iter().collect()),
        error_codes: errors.map(|row| row.code.clone()).collect(),
        is_repeat_safe: rules.iter().find_map(|rules| rules.repeat) == Some(RepeatRule::Safe),
        attempts: usual_attempts(resource, connector).into(),
    }
}

fn keys(rows: &[NamedValue]) -> Vec<Key> {
    let key =
        |row: &NamedValue| Key { name: row.key.clone(), is_required: row.required, has_default: !row.value.is_empty() };
    rows.iter().map(key).collect()
}

/// Of a text that does not parse, none: imports have told so.
fn variables(text: &str) -> BTreeSet<String> {
    Template::parse(text).map(|template| template.all_variables()).unwrap_or_default()
}
