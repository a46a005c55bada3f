//! Rows of collections and of records, and what is made of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Collection, Shared, StoredRecord};
use crate::collections::definition::Definition;
use crate::collections::merge::merge;
use crate::collections::rules::Rules;
use crate::store::Error;

/// Columns of [`CollectionRow`].
pub(super) const COLLECTION: &str =
    "SELECT c.id, c.uuid, c.name, c.definition, c.slots, c.next_slot, c.revision, c.connector,
    c.next_id, c.floor, c.records, c.created_at, c.updated_at,
    (SELECT n.id FROM connectors n WHERE n.uuid = c.connector) AS connector_id FROM collections c";

#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct CollectionRow {
    pub(super) id: i64,
    pub(super) uuid: String,
    pub(super) name: String,
    pub(super) definition: String,
    pub(super) slots: String,
    pub(super) next_slot: i64,
    pub(super) revision: i64,
    pub(super) connector: String,
    pub(super) next_id: i64,
    pub(super) floor: i64,
    pub(super) records: i64,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
    pub(super) connector_id: Option<i64>,
}

impl CollectionRow {
    pub(super) fn slots(&self) -> Result<BTreeMap<String, i64>, Error> {
        serde_json::from_str(&self.slots).map_err(|source| self.damaged(source))
    }

    pub(super) fn definition(&self) -> Result<Definition, Error> {
        let map: Map<String, Value> = serde_json::from_str(&self.definition).map_err(|source| self.damaged(source))?;
        Definition::default().updated(&map).map_err(|problems| self.unusable(&problems))
    }

    pub(super) fn rules(&self, shared: &Shared) -> Result<Arc<Rules>, Error> {
        let key = (self.id, self.revision);
        if let Some(rules) = shared.rules.get(&key) {
            return Ok(rules);
        }
        let rules = Rules::new(self.definition()?, &self.slots()?).map_err(|problems| self.unusable(&problems))?;
        let rules = Arc::new(rules);
        shared.rules.insert(key, Arc::clone(&rules));
        Ok(rules)
    }

    pub(super) fn collection(self, shared: &Shared) -> Result<Collection, Error> {
        let rules = self.rules(shared)?;
        let Self { id, uuid, name, connector_id, records, created_at, updated_at, floor, .. } = self;
        Ok(Collection { id, uuid, name, rules, connector_id, records, created_at, updated_at, floor })
    }

    fn damaged(&self, source: serde_json::Error) -> Error {
        Error::damaged(format!("collection `{}`", self.name), source)
    }

    fn unusable(&self, problems: &dyn std::fmt::Display) -> Error {
        Error::Contradiction(format!("collection `{}` cannot be used as it is stored: {problems}", self.name))
    }
}

/// Columns of [`RecordRow`], without an alias, as conditions of queries name them.
pub(super) const RECORD: &str =
    "SELECT id, data, version, created_at, updated_at, created_by, updated_by, import_id, patches,
    state, at, actor, told_id FROM collection_records LEFT JOIN collection_imports ON number = import_id";
/// Which of them anybody sees: none that an import made which is not visible, or will never be.
pub(super) const VISIBLE: &str = "(state IS NULL OR state = 1 OR patches IS NOT NULL)";

/// A record and what an unfinished import does to it.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct RecordRow {
    pub(super) id: i64,
    data: String,
    version: i64,
    created_at: i64,
    updated_at: i64,
    created_by: String,
    updated_by: String,
    pub(super) import_id: Option<i64>,
    pub(super) patches: Option<String>,
    /// The import's.
    pub(super) state: Option<i64>,
    at: Option<i64>,
    actor: Option<String>,
    pub(super) told_id: Option<i64>,
}

impl RecordRow {
    /// Whether an import that is visible changed it.
    pub(super) fn is_patched(&self) -> bool {
        self.state == Some(1) && self.patches.is_some()
    }

    /// The record as the row holds it.
    pub(super) fn base(&self) -> Result<StoredRecord, Error> {
        Ok(StoredRecord {
            id: self.id,
            data: serde_json::from_str(&self.data)
                .map_err(|source| Error::damaged(format!("record {}", self.id), source))?,
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
            created_by: self.created_by.clone(),
            updated_by: self.updated_by.clone(),
            bytes: self.data.len(),
        })
    }

    /// The record with the changes that its import has in store.
    pub(super) fn patched(&self, rules: &Rules) -> Result<StoredRecord, Error> {
        let mut record = self.base()?;
        if let (Value::Object(data), Some(patches)) = (&mut record.data, &self.patches) {
            let patches: Vec<Map<String, Value>> = serde_json::from_str(patches)
                .map_err(|source| Error::damaged(format!("a change of record {}", self.id), source))?;
            for patch in patches {
                merge(data, patch);
            }
            rules.form(data);
            record.version += 1;
            record.updated_at = self.at.unwrap_or(record.updated_at);
            record.updated_by = self.actor.clone().unwrap_or(record.updated_by);
        }
        Ok(record)
    }

    /// The record as everybody sees it.
    pub(super) fn seen(&self, rules: &Rules) -> Result<StoredRecord, Error> {
        if self.is_patched() { self.patched(rules) } else { self.base() }
    }
}
