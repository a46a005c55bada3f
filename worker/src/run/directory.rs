//! Where a job's connector and configuration are looked up: in the store, or in a file for `run`.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use serde_json::{Map, Value};

use super::elements::{Element, Elements, Unready};
use crate::connector::{Connector, Credentials, Invalid};
use crate::interpret::PreparedConnector;
use crate::plan::Prepared;
use crate::store::{self, Store};

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
    /// Its credentials.
    pub credentials: Result<Credentials, Invalid>,
}

impl Known {
    /// Prepares a record and its credentials.
    pub fn new(record: &Map<String, Value>, credentials: &Map<String, Value>) -> Self {
        let connector = Connector::read(record);
        let authtype = record.get("authtype").and_then(Value::as_str).unwrap_or_default().to_ascii_uppercase();
        let rules = connector.as_ref().map(PreparedConnector::new).map_err(Clone::clone);
        Self { rules, credentials: Credentials::read(&authtype, credentials), prepared: connector.map(Prepared::new) }
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
        Self::Store { store, cache, elements: Elements::default() }
    }

    /// The connector that a model calls `reference`: by uuid, id or name.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn connector(&self, reference: &str) -> Result<Option<Arc<Known>>, Arc<store::Error>> {
        match self {
            Self::Store { store, cache, .. } => cache.try_get_with_by_ref(reference, load(store, reference)).await,
            Self::File(records) => Ok(in_file(records, reference)),
        }
    }

    /// An element's configuration with everything in it parsed, the same one for all jobs that carry it.
    pub(super) async fn element(&self, config: &Map<String, Value>) -> Result<Arc<Element>, Unready> {
        match self {
            Self::Store { elements, .. } => elements.get(config).await,
            Self::File(_) => Elements::default().get(config).await,
        }
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
            Self::Store { store, .. } => store.find_task(process, version, element).await,
            Self::File(_) => Ok(None),
        }
    }
}

async fn load(store: &Store, reference: &str) -> Result<Option<Arc<Known>>, store::Error> {
    let Some(found) = store.connector(reference).await? else { return Ok(None) };
    let credentials = store.credentials(&found.uuid).await?.unwrap_or_default();
    Ok(Some(Arc::new(Known::new(&found.record, &credentials))))
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
    Some(Arc::new(Known::new(record, &credentials)))
}
