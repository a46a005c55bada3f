//! Connectors as rules ask about them, from a file or from the store.

use std::collections::BTreeSet;
use std::path::Path;

use bpmn_ext::lint::{Connectors, Key, KnownConnector, KnownResource};
use secrecy::ExposeSecret;
use serde_json::{Map, Value};

use crate::cli::output;
use crate::cli::settings::Settings;
use crate::config::Config;
use crate::connector::{Connector, NamedValue, RepeatRule, Resource, usual_attempts};
use crate::plan::template::Template;
use crate::store::StoredConnector;

/// All connectors, with what they are referred to by.
pub(super) struct Lookup(Vec<Entry>);

struct Entry {
    /// In the order in which they are looked for.
    uuid: String,
    id: String,
    connector: KnownConnector,
}

impl Lookup {
    /// Connectors of a file or of the store; those that cannot be used are named and have no resources.
    pub(super) fn of_records(records: &[Map<String, Value>]) -> Self {
        Self(records.iter().map(entry).collect())
    }
}

impl Connectors for Lookup {
    fn find(&self, reference: &str) -> Option<KnownConnector> {
        let by = |key: fn(&Entry) -> &str| self.0.iter().find(|entry| key(entry) == reference);
        let found = by(|entry| &entry.uuid).or_else(|| by(|entry| &entry.id)).or_else(|| by(|e| &e.connector.name));
        found.map(|entry| entry.connector.clone())
    }

    fn names(&self) -> Vec<String> {
        self.0.iter().map(|entry| entry.connector.name.clone()).collect()
    }
}

/// The connectors of the store, where there is one and it has any; nothing is made for this.
pub(super) async fn of_store(settings: &Settings, config: &Config) -> Option<Lookup> {
    let url = config.database.url.expose_secret();
    if url.strip_prefix("sqlite:").is_some_and(|file| !Path::new(file).exists()) {
        return None;
    }
    let records = match settings.store(config).await {
        Ok(store) => store.connectors().list().await,
        Err(error) => Err(error),
    };
    match records {
        Ok(records) if records.is_empty() => None,
        Ok(records) => Some(Lookup::of_records(&records.iter().map(StoredConnector::export).collect::<Vec<_>>())),
        Err(error) => {
            output::note(&format!("warning: connectors are not checked: {error}"));
            None
        }
    }
}

fn entry(record: &Map<String, Value>) -> Entry {
    let text = |name: &str| match record.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    let resources = match Connector::read(record) {
        Ok(connector) => connector.resources.iter().map(|resource| known(resource, &connector)).collect(),
        Err(error) => {
            output::note(&format!("warning: connector `{}` is not usable: {error}", text("name")));
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
