//! Where connectors, secrets and deployed configurations are found: in the store, or in a connectors file.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use serde_json::{Map, Value};

use super::attempt::Attempt;
use super::element_cache::{Element, ElementCache, InvalidElement, Work};
use super::last_calls::LastCalls;
use crate::connector::{AUTHORIZATION_CODE, Connector, Credentials, Invalid, UNSET, missing_members};
use crate::interpret::ConnectorRules;
use crate::job::ConfigObject;
use crate::plan::{CredentialId, PreparedConnector, PreparedCredentials, Secret, Secrets};
use crate::store::{self, Account, Store, StoredConnector};

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
    /// The members that its credentials lack: until they are set, nothing is sent.
    pub lacking: Vec<String>,
    /// Its uuid, where it is stored.
    pub uuid: String,
    /// How much work the templates of each resource may make.
    works: BTreeMap<String, Work>,
    /// Whether the requests and answers of all of its jobs are kept for people: `debug_mode`.
    pub keeps_exchanges: bool,
}

impl ResolvedConnector {
    /// Prepares a record and its credentials.
    pub fn new(record: &Map<String, Value>, credentials: &Map<String, Value>, id: CredentialId) -> Self {
        Self::with_account(record, credentials, id, None)
    }

    /// The same with the account that was connected for it.
    pub fn with_account(
        record: &Map<String, Value>,
        credentials: &Map<String, Value>,
        id: CredentialId,
        account: Option<&Account>,
    ) -> Self {
        let connector = Connector::read(record);
        let authtype = record.get("authtype").and_then(Value::as_str).unwrap_or_default().to_ascii_uppercase();
        let rules = connector.as_ref().map(ConnectorRules::new).map_err(Clone::clone);
        let secrets = Secrets::named_in(&serde_json::to_string(record).unwrap_or_default())
            .union(&Secrets::named_in(&serde_json::to_string(credentials).unwrap_or_default()))
            .cloned()
            .collect();
        let uuid = id.connector.clone();
        let mut read = Credentials::read(&authtype, credentials);
        if let Some(account) = account {
            read = read.map(|read| read.with_account(&account.settings, account.connection));
        }
        let is_whole = read.is_ok() && !credentials.values().any(|value| value == UNSET);
        let lacking = if is_whole { Vec::new() } else { missing_members(&authtype, credentials).unwrap_or_default() };
        let credentials = read.and_then(|read| PreparedCredentials::new(read, id));
        // 1 and its text are flags as PHP writes them.
        let is_on = |flag: &Value| matches!(flag.to_string().trim_matches('"'), "true" | "1");
        let keeps_exchanges = record.get("debug_mode").is_some_and(is_on);
        let resources = record.get("endpoints").and_then(Value::as_object).into_iter().flatten();
        let works = resources.map(|(name, resource)| (name.clone(), Work::of(&resource.to_string()))).collect();
        let prepared = connector.map(PreparedConnector::new);
        Self { prepared, rules, secrets, credentials, lacking, uuid, works, keeps_exchanges }
    }

    /// How much work the templates of a resource may make.
    pub(super) fn work(&self, resource: &str) -> Work {
        self.works.get(resource).copied().unwrap_or_default()
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
    connectors: Cache<String, Seen<Option<Arc<ResolvedConnector>>>>,
    /// By name.
    secrets: Cache<String, Seen<Option<Arc<Secret>>>>,
    elements: ElementCache,
    calls: LastCalls,
}

/// What was looked up, and how much this process had changed before.
#[derive(Debug, Clone)]
struct Seen<T> {
    changes: u64,
    found: T,
}

/// What is known under a name, or looked up anew: never older than the last change that this process made, wherever in it.
async fn seen<T, F>(cache: &Cache<String, Seen<T>>, name: &str, load: impl Fn() -> F) -> Result<T, Arc<store::Error>>
where
    T: Clone + Send + Sync + 'static,
    F: Future<Output = Result<T, store::Error>>,
{
    let wanted = store::changes_here();
    loop {
        if let Some(seen) = cache.get(name).await {
            if seen.changes >= wanted {
                return Ok(seen.found);
            }
            cache.invalidate(name).await;
        }
        let load = async {
            let changes = store::changes_here();
            Ok(Seen { changes, found: load().await? })
        };
        // Boxed, since a look-up is rare and would make every job's task larger. It may be one that began before the change.
        let seen = Box::pin(cache.try_get_with_by_ref(name, load)).await?;
        if seen.changes >= wanted {
            return Ok(seen.found);
        }
    }
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
        let (elements, calls) = (ElementCache::default(), LastCalls::default());
        let cached = CachedStore { store, connectors, secrets, elements, calls };
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
            Source::Store(cached) => seen(&cached.connectors, reference, || load(&cached.store, reference)).await,
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

    /// Notes when a stored connector was called, if it was; nobody waits for it.
    pub(super) fn note_call(&self, connector: &ResolvedConnector, attempt: &Attempt) {
        if let Source::Store(cached) = &self.0
            && attempt.was_sent()
            && !connector.uuid.is_empty()
        {
            cached.calls.note(&cached.store, &connector.uuid, attempt.started_ms);
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
            if let Some(secret) = seen(&cached.secrets, name, || open(&cached.store, name)).await? {
                found.insert(name.clone(), secret);
            }
        }
        Ok(Secrets::new(found))
    }

    /// The configuration that was deployed for an element, and with which version of its process.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn deployed(
        &self,
        process: &str,
        version: Option<&str>,
        element: &str,
    ) -> Result<Option<(String, Value)>, store::Error> {
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
    let account = account_of(store, &found).await?;
    let id = CredentialId { connector: found.uuid, version: found.credentials_version };
    Ok(Some(Arc::new(ResolvedConnector::with_account(&found.record, &credentials, id, account.as_ref()))))
}

/// The account of a connector that calls in the name of one.
///
/// # Errors
/// When the database cannot be reached.
pub async fn account_of(store: &Store, connector: &StoredConnector) -> Result<Option<Account>, store::Error> {
    let authtype = connector.record.get("authtype").and_then(Value::as_str).unwrap_or_default();
    if !authtype.eq_ignore_ascii_case(AUTHORIZATION_CODE) {
        return Ok(None);
    }
    store.accounts().find(&connector.uuid).await
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
