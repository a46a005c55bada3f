//! What a visible import leaves to be done, in small transactions: its patches are merged into their records, and its events are
//! told. Rows of imports that were given up, of removed collections and of emptied ones go the same way.

use super::entries::NewEntries;
use super::rows::{RECORD, RecordRow};
use super::session::{Session, binds, in_time, in_time_of_statement, read};
use super::tasks::{checkpoint_at_times, write_once};
use super::write::Writing;
use super::{Actor, CollectionError, Collections, StoredRecord, answers};
use crate::fault;
use crate::store::Error;

/// How many records one transaction settles.
const PATCHES: i64 = 200;
const CREATED: i64 = 500;
/// How many rows one transaction deletes.
const ROWS: i64 = 250;

/// Changes nothing of its own: its events are those of imports.
static NOBODY: Actor = Actor { id: String::new(), name: None, trail: None };

#[derive(Debug, Clone, sqlx::FromRow)]
struct ImportRow {
    number: i64,
    target: i64,
    state: i64,
    next_id: i64,
    told_id: i64,
}

impl Writing<'_> {
    /// Does what a visible import has left to do with a record, and returns the record.
    pub(super) async fn settle_row(&mut self, row: &RecordRow) -> Result<StoredRecord, Error> {
        let before = row.base()?;
        if row.is_patched() {
            let after = row.patched(&self.rules)?;
            self.update_row(&after, after.data.to_string(), after.version).await?;
            for import in [0, row.import_id.unwrap_or_default()] {
                self.forget_entries(row.id, import).await?;
            }
            let mut entries = NewEntries::default();
            let values = after.data.as_object().map(|data| self.rules.entries(data)).unwrap_or_default();
            entries.add(row.id, 0, values);
            self.add_entries(entries).await?;
            self.tell_updated(&before, &after);
            self.release(row.id).await?;
            return Ok(after);
        }
        if row.told_id.is_some_and(|told| row.id > told) {
            self.tell_created(&before);
        }
        self.release(row.id).await?;
        Ok(before)
    }

    /// Its import has nothing to do with a record any more.
    async fn release(&mut self, record: i64) -> Result<(), Error> {
        let statement =
            "UPDATE collection_records SET import_id = NULL, patches = NULL WHERE collection_id = $1 AND id = $2";
        self.session.execute(statement, binds![self.row.id, record]).await.map(drop)
    }

    /// One step of what a visible import has left; whether there is more.
    async fn settle_import(&mut self, import: &ImportRow) -> Result<bool, Error> {
        let patched =
            format!("{RECORD} WHERE import_id = $1 AND patches IS NOT NULL AND collection_id = $2 LIMIT {PATCHES}");
        let rows: Vec<RecordRow> = self.session.rows(patched, binds![import.number, import.target]).await?;
        for row in &rows {
            self.settle_row(row).await?;
        }
        if !rows.is_empty() {
            return Ok(true);
        }
        if self.rules.definition().signals[0] && import.told_id + 1 < import.next_id {
            return self.tell_some_created(import).await.map(|()| true);
        }
        let statement = "DELETE FROM collection_imports WHERE number = $1";
        self.session.execute(statement, binds![import.number]).await?;
        Ok(false)
    }

    async fn tell_some_created(&mut self, import: &ImportRow) -> Result<(), Error> {
        let created = format!(
            "{RECORD} WHERE collection_id = $1 AND id > $2 AND id < $3 AND id >= $4 AND import_id = $5 ORDER BY id LIMIT {CREATED}"
        );
        let binds = binds![import.target, import.told_id, import.next_id, self.row.floor, import.number];
        let rows: Vec<RecordRow> = self.session.rows(created, binds).await?;
        for row in &rows {
            let record = row.base()?;
            self.tell_created(&record);
        }
        let told = rows.last().map_or(import.next_id - 1, |row| row.id);
        let statement = "UPDATE collection_imports SET told_id = $2 WHERE number = $1";
        self.session.execute(statement, binds![import.number, told]).await.map(drop)
    }
}

impl Collections<'_> {
    /// Does a part of what imports, removed and emptied collections have left to be done; whether there may be more.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn settle(self) -> Result<bool, Error> {
        let now = self.0.database.now().await?;
        self.give_up_abandoned(now).await?;
        let imports = "SELECT number, target, state, next_id, told_id FROM collection_imports WHERE state > 0 ORDER BY number LIMIT 20";
        let imports: Vec<ImportRow> = read(&self.0.database, imports.to_owned(), Vec::new()).await?;
        let mut more = false;
        for import in &imports {
            more |= match import.state {
                1 => self.settle_visible(import.number, import.target).await?,
                _ => self.clear_import(import).await?,
            };
        }
        more |= self.clear_removed().await?;
        more |= self.forget_answers(now).await?;
        Ok(more)
    }

    /// One step of a visible import; whether there is more.
    pub(super) async fn settle_visible(self, number: i64, target: i64) -> Result<bool, Error> {
        let step = async {
            let mut writing = match Writing::begin(self.0, target, &NOBODY).await {
                Err(CollectionError::NoCollection) => return Ok(None),
                begun => begun?,
            };
            let again = "SELECT number, target, state, next_id, told_id FROM collection_imports WHERE number = $1";
            let import: Option<ImportRow> = writing.session.row(again, binds![number]).await?;
            let Some(import) = import else { return Ok(Some(false)) };
            let more = writing.settle_import(&import).await?;
            fault::at("collections settled").await;
            writing.commit().await?;
            Ok(Some(more))
        };
        match in_time(step).await {
            Ok(Some(more)) => Ok(more),
            Ok(None) => {
                let statement = "DELETE FROM collection_imports WHERE number = $1";
                write_once(self.0, statement.to_owned(), binds![number]).await.map(|_| false)
            }
            Err(CollectionError::Store(error)) => Err(error),
            Err(error) => Err(Error::Contradiction(error.to_string())),
        }
    }

    /// An import whose process is gone will never be seen.
    async fn give_up_abandoned(self, now: i64) -> Result<(), Error> {
        let find = "SELECT number FROM collection_imports WHERE state = 0 AND alive_until < $1";
        let found: Vec<(i64,)> = read(&self.0.database, find.to_owned(), binds![now]).await?;
        for (number,) in found {
            let statement =
                "UPDATE collection_imports SET state = 2 WHERE number = $1 AND state = 0 AND alive_until < $2";
            write_once(self.0, statement.to_owned(), binds![number, now]).await?;
        }
        Ok(())
    }

    /// Answers are kept for a day.
    async fn forget_answers(self, now: i64) -> Result<bool, Error> {
        let before = now - answers::KEPT;
        let find = "SELECT answered_at FROM collection_answers WHERE answered_at < $1 ORDER BY answered_at LIMIT 1";
        let found: Vec<(i64,)> = read(&self.0.database, find.to_owned(), binds![before]).await?;
        if found.is_empty() {
            return Ok(false);
        }
        let statement = format!(
            "DELETE FROM collection_answers WHERE (caller, key) IN
            (SELECT caller, key FROM collection_answers WHERE answered_at < $1 ORDER BY answered_at LIMIT {ROWS})"
        );
        write_once(self.0, statement, binds![before]).await.map(|_| true)
    }

    /// One step of removing what an import has left that was given up; whether there is more.
    async fn clear_import(self, import: &ImportRow) -> Result<bool, Error> {
        let step = async {
            // What a power failure undoes is found and done again.
            let mut session = Session::begin_unsynced(&self.0.database).await?;
            let made: Vec<(i64,)> = session
                .rows(
                    format!(
                        "SELECT id FROM collection_records WHERE collection_id = $1 AND id >= $2 AND id < $3
                        AND import_id = $4 AND patches IS NULL ORDER BY id LIMIT {ROWS}"
                    ),
                    binds![import.target, import.told_id, import.next_id, import.number],
                )
                .await?;
            let mut gone = 0;
            if let (Some((first,)), Some((last,))) = (made.first(), made.last()) {
                for table in ["collection_index", "collection_unique"] {
                    let statement = format!(
                        "DELETE FROM {table} WHERE collection_id = $1 AND record_id BETWEEN $2 AND $3 AND record_id IN
                        (SELECT id FROM collection_records WHERE collection_id = $1 AND id BETWEEN $2 AND $3
                        AND import_id = $4 AND patches IS NULL)"
                    );
                    session.execute(statement, binds![import.target, *first, *last, import.number]).await?;
                }
                let statement = "DELETE FROM collection_records WHERE collection_id = $1 AND id BETWEEN $2 AND $3
                    AND import_id = $4 AND patches IS NULL";
                gone += session.execute(statement, binds![import.target, *first, *last, import.number]).await?;
            }
            gone += clear_patches(&mut session, import).await?;
            if gone == 0 {
                let statement = "DELETE FROM collection_imports WHERE number = $1";
                session.execute(statement, binds![import.number]).await?;
            }
            session.commit().await?;
            checkpoint_at_times(self.0).await;
            Ok(gone > 0)
        };
        in_time_of_statement(step).await
    }

    /// One step of removing the rows of collections that are gone, and of records that were there before one was emptied.
    async fn clear_removed(self) -> Result<bool, Error> {
        let found = "SELECT d.id, d.floor FROM collection_remains d ORDER BY d.id LIMIT 5";
        let remains: Vec<(i64, i64)> = read(&self.0.database, found.to_owned(), Vec::new()).await?;
        for (collection, floor) in &remains {
            self.clear_below(*collection, *floor).await?;
        }
        Ok(!remains.is_empty())
    }

    async fn clear_below(self, collection: i64, floor: i64) -> Result<(), Error> {
        let step = async {
            let mut session = Session::begin_unsynced(&self.0.database).await?;
            let ids = format!(
                "SELECT id FROM collection_records WHERE collection_id = $1 AND id < $2 ORDER BY id LIMIT {ROWS}"
            );
            let ids: Vec<(i64,)> = session.rows(ids, binds![collection, floor]).await?;
            if let Some((last,)) = ids.last() {
                for (table, id) in [
                    ("collection_index", "record_id"),
                    ("collection_unique", "record_id"),
                    ("collection_records", "id"),
                ] {
                    let statement = format!("DELETE FROM {table} WHERE collection_id = $1 AND {id} <= $2");
                    session.execute(statement, binds![collection, *last]).await?;
                }
            } else {
                let statement = "DELETE FROM collection_remains WHERE id = $1 AND floor = $2";
                session.execute(statement, binds![collection, floor]).await?;
            }
            session.commit().await?;
            checkpoint_at_times(self.0).await;
            Ok(())
        };
        in_time_of_statement(step).await
    }
}

/// Removes what a given-up import has in store for records of others; how many rows that were.
async fn clear_patches(session: &mut Session, import: &ImportRow) -> Result<u64, Error> {
    let statement = format!(
        "UPDATE collection_records SET import_id = NULL, patches = NULL WHERE collection_id = $1 AND id IN
        (SELECT id FROM collection_records WHERE import_id = $2 AND patches IS NOT NULL AND collection_id = $1 LIMIT {ROWS})"
    );
    let rows: Vec<(i64,)> = session
        .rows(
            format!("SELECT id FROM collection_records WHERE import_id = $1 AND patches IS NOT NULL AND collection_id = $2 LIMIT {ROWS}"),
            binds![import.number, import.target],
        )
        .await?;
    for (record,) in &rows {
        for table in ["collection_index", "collection_unique"] {
            let forget = format!("DELETE FROM {table} WHERE collection_id = $1 AND record_id = $2 AND import_id = $3");
            session.execute(forget, binds![import.target, *record, import.number]).await?;
        }
    }
    if rows.is_empty() {
        return Ok(0);
    }
    session.execute(statement, binds![import.target, import.number]).await
}
