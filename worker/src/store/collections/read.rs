//! Reading many records: a chunk at a time by id, counted, or picked.

use super::by_index::{self, IndexRows};
use super::rows::{RECORD, RecordRow, VISIBLE};
use super::session::{Bind, binds, list, read};
use super::{Collection, Collections, StoredRecord};
use crate::collections::pmql::{self, Dialect, IndexedColumn};
use crate::store::Error;
use crate::store::database::Database;

/// The first placeholder of a condition, after the collection, its floor and where a chunk begins.
const FIRST_PLACEHOLDER: usize = 4;

/// A condition that the database decides.
#[derive(Debug, Clone, PartialEq)]
pub struct Narrowed {
    pub(super) narrowing: pmql::Narrowing,
    /// Which of its parts is read first.
    pub(super) first_part: usize,
}

impl Narrowed {
    /// Whether it selects exactly what was asked for.
    pub fn is_exact(&self) -> bool {
        self.narrowing.is_exact
    }
}

/// Which records, in the order of their ids.
#[derive(Debug, Clone, Default)]
pub struct Scan {
    /// Behind this id; from the first one otherwise.
    pub after: Option<i64>,
    /// From the largest id to the smallest.
    pub is_descending: bool,
    /// How many of them are passed over.
    pub offset: i64,
    /// How many at most.
    pub limit: i64,
    /// Only these, where there is a condition.
    pub narrowed: Option<Narrowed>,
}

impl Collections<'_> {
    /// The condition by which this database finds what a filter selects, where it helps.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn narrow(self, collection: &Collection, filter: &pmql::Filter<'_>) -> Result<Option<Narrowed>, Error> {
        let dialect = match &self.0.database {
            Database::Sqlite { .. } => Dialect::Sqlite,
            Database::Postgres(_) => Dialect::Postgres,
        };
        let column = |slot: &crate::collections::rules::Slot| {
            let path = slot.column.field.names().to_vec();
            Some(IndexedColumn { path, slot: i16::try_from(slot.number).ok()?, kind: slot.column.kind })
        };
        let columns: Vec<IndexedColumn> = collection.rules.slots().iter().filter_map(column).collect();
        let Some(narrowing) = filter.narrow(dialect, &columns, FIRST_PLACEHOLDER) else { return Ok(None) };
        let first_part = self.first_part(collection, &narrowing).await?;
        Ok(Some(Narrowed { narrowing, first_part }))
    }

    /// Records in the order of their ids.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn scan(self, collection: &Collection, scan: &Scan) -> Result<Vec<StoredRecord>, Error> {
        let (statement, binds) = self.page(collection, scan);
        let rows: Vec<RecordRow> = read(&self.0.database, statement, binds).await?;
        rows.iter().map(|row| row.seen(&collection.rules)).collect()
    }

    /// The statement that reads records in the order of their ids.
    fn page(self, collection: &Collection, scan: &Scan) -> (String, Vec<Bind>) {
        let order = if scan.is_descending { "DESC" } else { "ASC" };
        let (limit, offset) = (scan.limit, scan.offset);
        let page = |id: &str| format!("ORDER BY {id} {order} LIMIT {limit} OFFSET {offset}");
        if let Some(IndexRows { sql, binds, id }) = by_index::rows(collection, scan) {
            // The page is cut in the index, and its records are looked up: a planner that joins both may read all records.
            let ids = format!("SELECT record_id {sql} {}", page(id));
            let records = match &self.0.database {
                Database::Sqlite { .. } => format!("IN ({ids})"),
                Database::Postgres(_) => format!("= ANY (ARRAY({ids}))"),
            };
            (format!("{RECORD} WHERE collection_id = $1 AND id {records} AND {VISIBLE} ORDER BY id {order}"), binds)
        } else {
            let (condition, binds) = condition(collection, scan);
            (format!("{RECORD} {condition} {}", page("id")), binds)
        }
    }

    /// How the database finds these records, a line a step.
    #[cfg(test)]
    pub(in crate::store) async fn explain(self, collection: &Collection, scan: &Scan) -> Result<Vec<String>, Error> {
        let (statement, binds) = self.page(collection, scan);
        if let Database::Postgres(_) = &self.0.database {
            let lines: Vec<(String,)> = read(&self.0.database, format!("EXPLAIN (ANALYZE) {statement}"), binds).await?;
            return Ok(lines.into_iter().map(|(line,)| line).collect());
        }
        let steps: Vec<(i64, i64, i64, String)> =
            read(&self.0.database, format!("EXPLAIN QUERY PLAN {statement}"), binds).await?;
        Ok(steps.into_iter().map(|(.., step)| step).collect())
    }

    /// How many there are; place and limit of the scan play no part.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn count(self, collection: &Collection, scan: &Scan) -> Result<i64, Error> {
        let scan = Scan { after: None, ..scan.clone() };
        let (statement, binds) = if let Some(IndexRows { sql, binds, .. }) = by_index::rows(collection, &scan) {
            (format!("SELECT COUNT(*) {sql}"), binds)
        } else {
            let (condition, binds) = condition(collection, &scan);
            let joined = "collection_records LEFT JOIN collection_imports ON number = import_id";
            (format!("SELECT COUNT(*) FROM {joined} {condition}"), binds)
        };
        let counts: Vec<(i64,)> = read(&self.0.database, statement, binds).await?;
        Ok(counts.first().map_or(0, |(count,)| *count))
    }

    /// These records, those that are still there, in any order.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn pick(self, collection: &Collection, ids: &[i64]) -> Result<Vec<StoredRecord>, Error> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let statement =
            format!("{RECORD} WHERE collection_id = $1 AND id >= $2 AND id IN {} AND {VISIBLE}", list(3, ids.len()));
        let mut binds = binds![collection.id, collection.floor];
        binds.extend(ids.iter().map(|id| Bind::from(*id)));
        let rows: Vec<RecordRow> = read(&self.0.database, statement, binds).await?;
        rows.iter().map(|row| row.seen(&collection.rules)).collect()
    }

    /// Whether an import has changes in store for records, of which the index has the old and the new values: conditions that
    /// the database decides are wrong then.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn has_patches(self, collection: &Collection) -> Result<bool, Error> {
        let statement = "SELECT target FROM collection_imports WHERE target = $1 AND EXISTS
            (SELECT 1 FROM collection_records WHERE import_id = number AND patches IS NOT NULL) LIMIT 1";
        let found: Vec<(i64,)> = read(&self.0.database, statement.to_owned(), binds![collection.id]).await?;
        Ok(!found.is_empty())
    }

    /// The names of those who write records, by actor.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn actor_names(self) -> Result<std::collections::HashMap<String, String>, Error> {
        let names: Vec<(String, String)> =
            read(&self.0.database, "SELECT id, name FROM collection_actors".to_owned(), Vec::new()).await?;
        Ok(names.into_iter().collect())
    }

    /// The time by the database's clock, epoch milliseconds.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn now(self) -> Result<i64, Error> {
        self.0.database.now().await
    }
}

fn condition(collection: &Collection, scan: &Scan) -> (String, Vec<Bind>) {
    let (comparison, place) = place(scan);
    let mut sql = format!("WHERE collection_id = $1 AND id >= $2 AND id {comparison} $3 AND {VISIBLE}");
    let mut binds = binds![collection.id, collection.floor, place];
    if let Some(Narrowed { narrowing, .. }) = &scan.narrowed {
        sql = format!("{sql} AND ({})", narrowing.sql);
        binds.extend(narrowing.binds.iter().map(bound));
    }
    (sql, binds)
}

/// Behind which id, and in which direction.
pub(super) fn place(scan: &Scan) -> (&'static str, i64) {
    let (comparison, nowhere) = if scan.is_descending { ("<", i64::MAX) } else { (">", 0) };
    (comparison, scan.after.unwrap_or(nowhere))
}

pub(super) fn bound(bind: &pmql::Bind) -> Bind {
    match bind {
        pmql::Bind::Integer(value) => Bind::from(*value),
        pmql::Bind::Real(value) => Bind::from(Some(*value)),
        pmql::Bind::Text(value) => Bind::from(value.as_str()),
    }
}
