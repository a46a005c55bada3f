//! Records as a transaction that writes finds them.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::StoredRecord;
use super::rows::{RECORD, RecordRow};
use super::session::{Bind, binds, list};
use super::write::Writing;
use crate::collections::rules::Entry;
use crate::store::Error;

/// A record as this transaction finds it.
pub(super) struct Loaded {
    pub(super) record: StoredRecord,
    pub(super) patches: Vec<Map<String, Value>>,
    /// The import of this transaction made it.
    pub(super) is_own: bool,
    /// What the index has of it beside what the import of this transaction put there.
    pub(super) base: Vec<Entry>,
}

impl Writing<'_> {
    /// Records by id; what visible imports have left to do with them is done first.
    pub(super) async fn load(&mut self, ids: &[i64], import: Option<i64>) -> Result<HashMap<i64, Loaded>, Error> {
        let mut loaded = HashMap::new();
        for row in self.locked_rows(ids).await? {
            let is_own = import.is_some() && row.import_id == import && row.state == Some(0);
            let patches = row.patches.as_deref().map(serde_json::from_str).transpose();
            let patches = patches.map_err(|source| Error::damaged(format!("a change of record {}", row.id), source))?;
            let record = match (row.state, &row.patches) {
                (Some(1), _) => self.settle_row(&row).await?,
                (Some(0), Some(_)) if is_own => row.patched(&self.rules)?,
                (Some(0 | 2), None) if !is_own => continue,
                _ => row.base()?,
            };
            let patches = if is_own { patches.unwrap_or_default() } else { Vec::new() };
            let seen = if is_own && row.patches.is_some() { row.base()?.data } else { record.data.clone() };
            let base = seen.as_object().map(|data| self.rules.entries(data)).unwrap_or_default();
            loaded.insert(record.id, Loaded { record, patches, is_own: is_own && row.patches.is_none(), base });
        }
        Ok(loaded)
    }

    async fn locked_rows(&mut self, ids: &[i64]) -> Result<Vec<RecordRow>, Error> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let statement = format!("{RECORD} WHERE collection_id = $1 AND id >= $2 AND id IN {}", list(3, ids.len()));
        let mut binds = binds![self.row.id, self.row.floor];
        binds.extend(ids.iter().map(|id| Bind::from(*id)));
        self.session.rows(statement, binds).await
    }

    /// Records as an import finds them, its own changes included.
    pub(super) async fn current(&mut self, ids: &[i64], import: i64) -> Result<HashMap<i64, StoredRecord>, Error> {
        let loaded = self.load(ids, Some(import)).await?;
        Ok(loaded.into_iter().map(|(id, loaded)| (id, loaded.record)).collect())
    }

    /// One record, as everybody sees it; what a visible import has left to do with it is done.
    pub(super) async fn find(&mut self, id: i64) -> Result<Option<StoredRecord>, Error> {
        Ok(self.load(&[id], None).await?.remove(&id).map(|loaded| loaded.record))
    }
}
