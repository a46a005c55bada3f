//! What the index has of records, and who holds which unique value.

use super::session::binds;
use super::write::Writing;
use crate::collections::rules::Entry;
use crate::store::Error;

const INSERT_INDEX: &str =
    "INSERT INTO collection_index (collection_id, slot, kind, number, text, record_id, import_id)";
const INSERT_UNIQUE: &str = "INSERT INTO collection_unique (collection_id, slot, value, record_id, import_id)";
/// The one that held it before the collection was emptied does not count.
const TAKE_UNIQUE: &str = "ON CONFLICT (collection_id, slot, value)
    DO UPDATE SET record_id = excluded.record_id, import_id = excluded.import_id";

/// Values for the index: the record, the import or 0, the value.
#[derive(Default)]
pub(super) struct NewEntries(Vec<(i64, i64, Entry)>);

impl NewEntries {
    pub(super) fn add(&mut self, record: i64, import: i64, entries: Vec<Entry>) {
        self.0.extend(entries.into_iter().map(|entry| (record, import, entry)));
    }

    /// Whether a unique value is among them.
    pub(super) fn holds(&self, slot: i64, value: &str) -> bool {
        self.0.iter().any(|(_, _, entry)| entry.slot == slot && entry.unique.as_deref() == Some(value))
    }
}

impl Writing<'_> {
    /// Takes what an import (or 0) has put into the index out of it.
    pub(super) async fn forget_entries(&mut self, record: i64, import: i64) -> Result<(), Error> {
        for table in ["collection_index", "collection_unique"] {
            let statement =
                format!("DELETE FROM {table} WHERE collection_id = $1 AND record_id = $2 AND import_id = $3");
            self.session.execute(statement, binds![self.row.id, record, import]).await?;
        }
        Ok(())
    }

    pub(super) async fn add_entries(&mut self, NewEntries(entries): NewEntries) -> Result<(), Error> {
        let (mut index, mut unique) = (Vec::new(), Vec::new());
        for (record, import, entry) in entries {
            if let Some(value) = entry.unique {
                unique.push(binds![self.row.id, entry.slot, value, record, import]);
            }
            index.push(binds![self.row.id, entry.slot, entry.kind, entry.number, entry.text, record, import]);
        }
        self.session.insert(INSERT_INDEX, index, "").await?;
        self.session.insert(INSERT_UNIQUE, unique, TAKE_UNIQUE).await
    }
}
