//! Where a job's connector and configuration are looked up: in the store, or in a file for `run`.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use serde_json::{Map, Value};

use crate::connector::{Connector, Credentials, Invalid};
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
    /// Its credentials.
    pub credentials: Result<Credentials, Invalid>,
}

impl Known {
    /// Prepares a record and its credentials.
    pub fn new(record: &Map<String, Value>, credentials: &Map<String, Value>) -> Self {
        let connector = Connector::read(record);
        let authtype = record.get("authtype").and_then(Value::as_str).unwrap_or_default().to_ascii_uppercase();
        Self { credentials: Credentials::read(&authtype, credentials), prepared: connector.map(Prepared::new) }
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
    },
    /// A connectors file, for `run`.
    File(Arc<Vec<Map<String, Value>>>),
}

impl Directory {
    /// Looks up in `store`.
    pub fn of_store(store: Store) -> Self {
        Self::Store { store, cache: Cache::builder().max_capacity(KEPT).time_to_live(FRESH).build() }
    }

    /// The connector that a model calls `reference`: by uuid, id or name.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn connector(&self, reference: &str) -> Result<Option<Arc<Known>>, Arc<store::Error>> {
        match self {
            Self::Store { store, cache } => cache.try_get_with_by_ref(reference, load(store, reference)).await,
            Self::File(records) => Ok(in_file(records, reference)),
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
