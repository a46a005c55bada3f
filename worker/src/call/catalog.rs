//! Where a job's connector and configuration are looked up: in the store, or in a file for `run`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use serde_json::{Map, Value};

use super::element_cache::{Element, Elements, Unready};
use crate::connector::{Connector, Credentials, Invalid};
use crate::interpret::PreparedConnector;
use crate::job::Given;
use crate::plan::{CredentialId, Prepared, PreparedCredentials, Secret, Secrets};
use crate::store::{self, OpenedSecret, Store};

/// How old a cached connector may be: workers see a change within 5 seconds (CONTRACT 7).
const FRESH: Duration = Duration::from_secs(3);
/// Connectors that are kept prepared.
const KEPT: u64 = 10_000;

/// A connector that was found: ready to plan with, or with what is wrong about it.
#[derive(Debug)]
pub struct Known {
    /// Its templates, parsed.
    pub prepared: Result<Prepared, Invalid>,
    /// Its rules, parsed.
    pub rules: Result<PreparedConnector, Invalid>,
    /// The secrets that its record names.
    pub secrets: BTreeSet<String>,
    /// Its credentials.
    pub credentials: Result<PreparedCredentials, Invalid>,
}

impl Known {
    /// Prepares a record and its credentials.
    pub fn new(record: &Map<String, Value>, credentials: &Map<String, Value>, id: CredentialId) -> Self {
        let connector = Connector::read(record);
        let authtype = record.get("authtype").and_then(Value::as_str).unwrap_or_default().to_ascii_uppercase();
        let rules = connector.as_ref().map(PreparedConnector::new).map_err(Clone::clone);
        let secrets = Secrets::named_in(&serde_json::to_string(record).unwrap_or_default())
            .union(&Secrets::named_in(&serde_json::to_string(credentials).unwrap_or_default()))
            .cloned()
            .collect();
        let credentials = Credentials::read(&authtype, credentials).and_then(|read| PreparedCredentials::new(read, id));
        Self { rules, secrets, credentials, prepared: connector.map(Prepared::new) }
    }
}

/// Finds connectors and deployed configurations.
#[derive(Debug, Clone)]
pub enum Directory {
    /// The store, through a short-lived cache; any number of waiting jobs make one look-up.
    Store {
        /// Where records are.
        store: Store,
        /// By the reference that models carry.
        cache: Cache<String, Option<Arc<Known>>>,
        /// Configurations of elements that jobs carried.
        elements: Elements,
        /// Secrets by name.
        opened: Arc<Cache<String, Option<Arc<OpenedSecret>>>>,
    },
    /// A connectors file, for `run`.
    File(Arc<Vec<Map<String, Value>>>),
}

impl Known {
    /// The first text of the record that does not parse; for imports.
    pub fn problem(&self) -> Option<&Invalid> {
        let of_plan = self.prepared.as_ref().map_or_else(Some, |prepared| prepared.problems().next());
        of_plan.or_else(|| self.rules.as_ref().map_or_else(Some, |rules| rules.problems().next()))
    }
}

impl Directory {
    /// Looks up in `store`.
    pub fn of_store(store: Store) -> Self {
        let cache = Cache::builder().max_capacity(KEPT).time_to_live(FRESH).build();
        let opened = Arc::new(Cache::builder().max_capacity(KEPT).time_to_live(FRESH).build());
        Self::Store { store, cache, elements: Elements::default(), opened }
    }

    /// The store that it looks up in, where it does.
    pub fn store(&self) -> Option<&Store> {
        match self {
            Self::Store { store, .. } => Some(store),
            Self::File(_) => None,
        }
    }

    /// The connector that a model calls `reference`: by uuid, id or name.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn connector(&self, reference: &str) -> Result<Option<Arc<Known>>, Arc<store::Error>> {
        match self {
            Self::Store { store, cache, .. } => match cache.get(reference).await {
                Some(known) => Ok(known),
                // What is seldom done must not make every job's task as large as this is.
                None => Box::pin(cache.try_get_with_by_ref(reference, load(store, reference))).await,
            },
            Self::File(records) => Ok(in_file(records, reference)),
        }
    }

    /// An element's configuration with everything in it parsed, the same one for all jobs that carry it.
    pub(super) async fn element(&self, config: &Given) -> Result<Arc<Element>, Unready> {
        match self {
            Self::Store { elements, .. } => elements.get(config).await,
            Self::File(_) => Elements::default().get(config).await,
        }
    }

    /// What these names stand for, as far as there are such secrets; a connectors file has none.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn secrets(&self, names: impl Iterator<Item = &String> + Send) -> Result<Secrets, Arc<store::Error>> {
        let Self::Store { store, opened, .. } = self else { return Ok(Secrets::default()) };
        let mut found = BTreeMap::new();
        for name in names {
            let secret = match opened.get(name).await {
                Some(secret) => secret,
                None => Box::pin(opened.try_get_with_by_ref(name, open(store, name))).await?,
            };
            if let Some(secret) = secret {
                found.insert(name.clone(), Secret::new(&secret.value, secret.hosts.clone()));
            }
        }
        Ok(Secrets::new(found))
    }

    /// The configuration that was deployed for an element.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn deployed(
        &self,
        process: &str,
        version: Option<&str>,
        element: &str,
    ) -> Result<Option<Value>, store::Error> {
        match self {
            Self::Store { store, .. } => store.models().find_task(process, version, element).await,
            Self::File(_) => Ok(None),
        }
    }
}

async fn open(store: &Store, name: &String) -> Result<Option<Arc<OpenedSecret>>, store::Error> {
    Ok(store.secrets().open([name]).await?.remove(name).map(Arc::new))
}

async fn load(store: &Store, reference: &str) -> Result<Option<Arc<Known>>, store::Error> {
    let Some(found) = store.connectors().find(reference).await? else { return Ok(None) };
    let credentials = store.connectors().credentials(&found.uuid).await?.unwrap_or_default();
    let id = CredentialId { connector: found.uuid, version: found.credentials_version };
    Ok(Some(Arc::new(Known::new(&found.record, &credentials, id))))
}

fn in_file(records: &[Map<String, Value>], reference: &str) -> Option<Arc<Known>> {
    let text = |record: &Map<String, Value>, name: &str| match record.get(name) {
        Some(Value::String(text)) => text == reference,
        Some(Value::Number(number)) => number.to_string() == reference,
        _ => false,
    };
    let by = |name: &'static str| records.iter().find(move |record| text(record, name));
    let record = by("uuid").or_else(|| by("id")).or_else(|| by("name"))?;
    let credentials = record.get("credentials").and_then(Value::as_object).cloned().unwrap_or_default();
    let id = CredentialId { connector: reference.to_owned(), version: 0 };
    Some(Arc::new(Known::new(record, &credentials, id)))
}
