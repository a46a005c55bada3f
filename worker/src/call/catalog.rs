//! Where connectors, secrets and deployed configurations are found: in the store, or in a connectors file.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use serde_json::{Map, Value};

use super::element_cache::{Element, ElementCache, InvalidElement};
use crate::connector::{Connector, Credentials, Invalid};
use crate::interpret::ConnectorRules;
use crate::job::ConfigObject;
use crate::plan::{CredentialId, PreparedConnector, PreparedCredentials, Secret, Secrets};
use crate::store::{self, Store};

/// How old a cached connector may be: workers see a change within 5 seconds (CONTRACT 7).
const FRESH: Duration = Duration::from_secs(3);
/// Connectors, and secrets, that are cached.
const CAPACITY: u64 = 10_000;

/// A connector that was found: ready to plan with, or with what is wrong about it.
#[derive(Debug)]
pub struct ResolvedConnector {
    /// Its templates, parsed.
    pub prepared: Result<PreparedConnector, Invalid>,
    /// Its rules, parsed.
    pub rules: Result<ConnectorRules, Invalid>,
    /// The secrets that its record names.
    pub secrets: BTreeSet<String>,
    /// Its credentials.
    pub credentials: Result<PreparedCredentials, Invalid>,
}

impl ResolvedConnector {
    /// Prepares a record and its credentials.
    pub fn new(record: &Map<String, Value>, credentials: &Map<String, Value>, id: CredentialId) -> Self {
        let connector = Connector::read(record);
        let authtype = record.get("authtype").and_then(Value::as_str).unwrap_or_default().to_ascii_uppercase();
        let rules = connector.as_ref().map(ConnectorRules::new).map_err(Clone::clone);
        let secrets = Secrets::named_in(&serde_json::to_string(record).unwrap_or_default())
            .union(&Secrets::named_in(&serde_json::to_string(credentials).unwrap_or_default()))
            .cloned()
            .collect();
        let credentials = Credentials::read(&authtype, credentials).and_then(|read| PreparedCredentials::new(read, id));
        Self { rules, secrets, credentials, prepared: connector.map(PreparedConnector::new) }
    }
}

/// Finds connectors, secrets and deployed configurations; cheap to clone.
#[derive(Debug, Clone)]
pub struct Catalog(Source);

#[derive(Debug, Clone)]
enum Source {
    Store(Arc<CachedStore>),
    /// The records of a connectors file.
    File(Arc<Vec<Map<String, Value>>>),
    /// One connector as somebody is editing it, whatever it is called; everything else is looked up in the store.
    Edited(Arc<CachedStore>, Arc<ResolvedConnector>),
}

/// The store, through a short-lived cache; any number of waiting calls make one look-up.
#[derive(Debug)]
struct CachedStore {
    store: Store,
    /// By the reference that models carry.
    connectors: Cache<String, Option<Arc<ResolvedConnector>>>,
    /// By name.
    secrets: Cache<String, Option<Arc<Secret>>>,
    elements: ElementCache,
}

impl ResolvedConnector {
    /// The first text of the record that does not parse; for imports.
    pub fn problem(&self) -> Option<&Invalid> {
        let of_plan = self.prepared.as_ref().map_or_else(Some, |prepared| prepared.problems().next());
        of_plan.or_else(|| self.rules.as_ref().map_or_else(Some, |rules| rules.problems().next()))
    }
}

impl Catalog {
    /// Looks up in `store`.
    pub fn of_store(store: Store) -> Self {
        let connectors = Cache::builder().max_capacity(CAPACITY).time_to_live(FRESH).build();
        let secrets = Cache::builder().max_capacity(CAPACITY).time_to_live(FRESH).build();
        let cached = CachedStore { store, connectors, secrets, elements: ElementCache::default() };
        Self(Source::Store(Arc::new(cached)))
    }

    /// Looks up among the records of a connectors file; there are no secrets and no deployed models.
    pub fn of_records(records: Vec<Map<String, Value>>) -> Self {
        Self(Source::File(Arc::new(records)))
    }

    /// The same with one connector as somebody is editing it, which every reference finds.
    #[must_use]
    pub fn with_edited(&self, connector: ResolvedConnector) -> Self {
        match &self.0 {
            Source::Store(cached) | Source::Edited(cached, _) => {
                Self(Source::Edited(Arc::clone(cached), Arc::new(connector)))
            }
            Source::File(_) => self.clone(),
        }
    }

    fn cached(&self) -> Option<&CachedStore> {
        match &self.0 {
            Source::Store(cached) | Source::Edited(cached, _) => Some(cached),
            Source::File(_) => None,
        }
    }

    /// The store that it looks up in, where it does.
    pub fn store(&self) -> Option<&Store> {
        self.cached().map(|cached| &cached.store)
    }

    /// The connector that a model calls `reference`: by uuid, id or name.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn connector(&self, reference: &str) -> Result<Option<Arc<ResolvedConnector>>, Arc<store::Error>> {
        match &self.0 {
            Source::Store(cached) => {
                if let Some(resolved) = cached.connectors.get(reference).await {
                    return Ok(resolved);
                }
                // Boxed, since a look-up is rare and would make every job's task larger.
                let load = load(&cached.store, reference);
                Box::pin(cached.connectors.try_get_with_by_ref(reference, load)).await
            }
            Source::File(records) => Ok(in_file(records, reference)),
            Source::Edited(_, connector) => Ok(Some(Arc::clone(connector))),
        }
    }

    /// An element's configuration with everything in it parsed, the same one for all jobs that carry it.
    pub(super) async fn element(&self, config: &ConfigObject) -> Result<Arc<Element>, InvalidElement> {
        match self.cached() {
            Some(cached) => cached.elements.get(config).await,
            None => ElementCache::default().get(config).await,
        }
    }

    /// What these names stand for, as far as there are such secrets.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn secrets(&self, names: impl Iterator<Item = &String> + Send) -> Result<Secrets, Arc<store::Error>> {
        let Some(cached) = self.cached() else { return Ok(Secrets::default()) };
        let mut found = BTreeMap::new();
        for name in names {
            let secret = match cached.secrets.get(name).await {
                Some(secret) => secret,
                None => Box::pin(cached.secrets.try_get_with_by_ref(name, open(&cached.store, name))).await?,
            };
            if let Some(secret) = secret {
                found.insert(name.clone(), secret);
            }
        }
        Ok(Secrets::new(found))
    }

    /// The configuration that was deployed for an element.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn deployed(
        &self,
        process: &str,
        version: Option<&str>,
        element: &str,
    ) -> Result<Option<Value>, store::Error> {
        match self.store() {
            Some(store) => store.models().find_task(process, version, element).await,
            None => Ok(None),
        }
    }
}

async fn open(store: &Store, name: &String) -> Result<Option<Arc<Secret>>, store::Error> {
    let opened = store.secrets().open([name]).await?.remove(name);
    Ok(opened.map(|secret| Arc::new(Secret::new(&secret.value, secret.hosts))))
}

async fn load(store: &Store, reference: &str) -> Result<Option<Arc<ResolvedConnector>>, store::Error> {
    let Some(found) = store.connectors().find(reference).await? else { return Ok(None) };
    let credentials = store.connectors().credentials(&found.uuid).await?.unwrap_or_default();
    let id = CredentialId { connector: found.uuid, version: found.credentials_version };
    Ok(Some(Arc::new(ResolvedConnector::new(&found.record, &credentials, id))))
}

fn in_file(records: &[Map<String, Value>], reference: &str) -> Option<Arc<ResolvedConnector>> {
    let text = |record: &Map<String, Value>, name: &str| match record.get(name) {
        Some(Value::String(text)) => text == reference,
        Some(Value::Number(number)) => number.to_string() == reference,
        _ => false,
    };
    let by = |name: &'static str| records.iter().find(move |record| text(record, name));
    let record = by("uuid").or_else(|| by("id")).or_else(|| by("name"))?;
    let credentials = record.get("credentials").and_then(Value::as_object).cloned().unwrap_or_default();
    let id = CredentialId { connector: reference.to_owned(), version: 0 };
    Some(Arc::new(ResolvedConnector::new(record, &credentials, id)))
}
