//! Imports in stages: rows are stored a few at a time and stay invisible until all of them are seen at once.

use std::collections::{BTreeSet, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::time::{Instant, sleep_until};

use super::matching::find_matches;
use super::read::Scan;
use super::session::{binds, in_time};
use super::tasks::{checkpoint_at_times, refresh_statistics, vacuum, write_once};
use super::write::{Applied, Change, Writing};
use super::{Actor, Collection, CollectionError, Collections, StoredRecord};
use crate::collections::field::Field;
use crate::collections::rules::{DataError, Slot};
use crate::collections::value::GroupKey;
use crate::fault;
use crate::store::Error;
use crate::store::database::Database;

/// How long an import counts as alive after it was last heard of.
const ALIVE: Duration = Duration::from_secs(10);
/// After how many staged rows the database first looks at its tables; then after four times as many, and so on.
const FIRST_LOOK: usize = 1_000;
/// How many records are read at once to learn who has which key.
const CHUNK: i64 = 1_000;
/// How many rows are staged at once. Of SQLite's one writer that is a few milliseconds; PostgreSQL keeps nobody waiting but other
/// writers of the collection.
const SQLITE_ROWS: usize = 50;
const POSTGRES_ROWS: usize = 250;
/// How long a row takes at least while this process works on jobs, which would take several times as long otherwise: 6,000 rows
/// a second.
pub(in crate::store) const ROW_WITH_JOBS: Duration = Duration::from_micros(166);
/// What an import that was slower may make up for.
const BEHIND: Duration = Duration::from_secs(1);

/// What a row is about.
#[derive(Debug, Clone, PartialEq)]
pub enum Match {
    /// A new record.
    None,
    /// The record with this id.
    Id(i64),
    /// The record that holds this value at the import's key.
    Value(Value),
}

/// One row of an import.
#[derive(Debug, Clone)]
pub struct Row {
    /// What it is about.
    pub key: Match,
    /// Its data, merged into a record that it matches.
    pub data: Map<String, Value>,
}

/// What a row does to a record that it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnMatch {
    /// It is merged into it.
    Update,
    /// Nothing.
    Skip,
    /// It fails.
    Fail,
}

/// What became of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum RowOutcome {
    /// It made a record.
    Created,
    /// It changed one.
    Updated,
    /// It would have left one as it was.
    Unchanged,
    /// It was passed over.
    Skipped,
    /// It does not fit.
    Failed(DataError),
    /// It matches no record, or several, or one that it must not match.
    NoMatch(String),
}

/// An import that is open.
#[derive(Debug)]
pub struct Import {
    pub(super) number: i64,
    collection: Collection,
    on_match: OnMatch,
    pub(super) key: Option<Key>,
    made: i64,
    staged: usize,
    /// After how many rows the database looks at its tables again.
    next_look: usize,
    /// Until when jobs have the processors and the disk.
    gives_way: Instant,
}

/// Where the value is that rows are matched by, and who has which.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) field: Field,
    pub(super) slot: Option<Slot>,
    /// Without an index: the hashes of values, each with a record that holds it.
    known: BTreeSet<(u64, i64)>,
    hasher: RandomState,
}

impl Key {
    fn hash(&self, value: &Value) -> u64 {
        self.hasher.hash_one(GroupKey::of(Some(value)))
    }

    /// Notes that a record has a value, unless an index knows.
    fn learn(&mut self, record: &StoredRecord) {
        let value = record.data.as_object().and_then(|data| self.field.find(data)).filter(|value| !value.is_null());
        if let (None, Some(value)) = (&self.slot, value) {
            self.known.insert((self.hash(value), record.id));
        }
    }

    /// Records that may have a value.
    pub(super) fn candidates(&self, value: &Value) -> Vec<i64> {
        let hash = self.hash(value);
        self.known.range((hash, i64::MIN)..=(hash, i64::MAX)).map(|(_, id)| *id).collect()
    }
}

const OPEN: &str = "INSERT INTO collection_imports (target, state, actor, alive_until, first_id, next_id, told_id, at)
    VALUES ($1, 0, $2, $3, $4, $4, $4 - 1, $5) RETURNING number";
const GO_ON: &str = "UPDATE collection_imports SET alive_until = $2, next_id = $3 WHERE number = $1 AND state = 0";

impl Collections<'_> {
    /// Opens an import. One at a time into a collection does, and after what earlier ones left to be done.
    ///
    /// # Errors
    /// [`CollectionError::Busy`] while another one is under way, or the database cannot be reached.
    pub async fn open_import(
        self,
        collection: &Collection,
        key: Option<&Field>,
        on_match: OnMatch,
        actor: &Actor,
    ) -> Result<Import, CollectionError> {
        let work = async {
            let mut writing = Writing::begin(self.0, collection.id, actor).await?;
            // One that was given up holds its unique values until it is cleared away.
            let earlier = "SELECT number FROM collection_imports WHERE target = $1";
            if writing.session.row::<(i64,)>(earlier, binds![collection.id]).await?.is_some() {
                return Err(CollectionError::Busy);
            }
            let alive = writing.now.saturating_add(millis(ALIVE));
            let row = binds![collection.id, actor.id.as_str(), alive, writing.row.next_id, writing.now];
            let (number,) = writing.session.row::<(i64,)>(OPEN, row).await?.unwrap_or_default();
            let collection = writing.collection()?;
            writing.commit().await?;
            Ok((number, collection))
        };
        let (number, collection) = match in_time(work).await {
            Err(CollectionError::Store(Error::Rejected(error))) if is_taken(&error) => {
                return Err(CollectionError::Busy);
            }
            opened => opened?,
        };
        let (made, staged, gives_way) = (0, 0, Instant::now());
        let mut import =
            Import { number, collection, on_match, key: None, made, staged, next_look: FIRST_LOOK, gives_way };
        if let Some(field) = key {
            import.key = Some(self.learn_key(&mut import, field).await?);
        }
        Ok(import)
    }

    /// Who has which value of the key: from the index, else from all records.
    async fn learn_key(self, import: &mut Import, field: &Field) -> Result<Key, CollectionError> {
        let slot = import.collection.rules.slot_of(field).cloned();
        let mut key = Key { field: field.clone(), slot, known: BTreeSet::new(), hasher: RandomState::new() };
        if key.slot.is_some() {
            return Ok(key);
        }
        let mut scan = Scan { limit: CHUNK, ..Scan::default() };
        loop {
            let records = self.scan(&import.collection, &scan).await?;
            for record in &records {
                key.learn(record);
            }
            let Some(last) = records.last() else { return Ok(key) };
            scan.after = Some(last.id);
            self.keep_alive(import).await?;
        }
    }

    /// Says that an import goes on.
    ///
    /// # Errors
    /// When it was given up meanwhile, or the database cannot be reached.
    pub async fn keep_alive(self, import: &Import) -> Result<(), CollectionError> {
        let until = self.0.database.now().await?.saturating_add(millis(ALIVE));
        let statement = "UPDATE collection_imports SET alive_until = $2 WHERE number = $1 AND state = 0";
        let kept = write_once(self.0, statement.to_owned(), binds![import.number, until]).await?;
        if kept == 1 { Ok(()) } else { Err(given_up()) }
    }

    /// How many rows should be staged at once.
    pub fn rows_at_once(self) -> usize {
        match &self.0.database {
            Database::Sqlite { .. } => SQLITE_ROWS,
            Database::Postgres(_) => POSTGRES_ROWS,
        }
    }

    /// Stores rows, invisibly; what became of each.
    ///
    /// # Errors
    /// When the collection is gone, the import was given up, or the database cannot be reached.
    pub async fn stage(
        self,
        import: &mut Import,
        rows: Vec<Row>,
        actor: &Actor,
    ) -> Result<Vec<RowOutcome>, CollectionError> {
        let count = rows.len();
        let work = async {
            // A process that goes on has all that it staged: only what SQLite writes may go with a power failure, and it with that.
            let mut writing = Writing::begin_unseen(self.0, import.collection.id, actor).await?;
            let mut outcomes = Vec::with_capacity(count);
            let mut learned = Vec::new();
            for part in distinct(rows) {
                outcomes.extend(stage_part(&mut writing, import, part, &mut learned).await?);
            }
            let alive = writing.now.saturating_add(millis(ALIVE));
            let going = binds![import.number, alive, writing.row.next_id];
            if writing.session.execute(GO_ON, going).await? != 1 {
                return Err(given_up());
            }
            writing.commit().await?;
            Ok((outcomes, learned))
        };
        let (outcomes, learned) = in_time(work).await?;
        import.made += i64::try_from(learned.len()).unwrap_or(i64::MAX);
        import.staged += count;
        checkpoint_at_times(self.0).await;
        if import.staged >= import.next_look {
            import.next_look *= 4;
            refresh_statistics(self.0).await;
        }
        self.give_way(import, count).await;
        fault::at("collections staged").await;
        Ok(outcomes)
    }

    /// Waits after so many rows, while there are jobs.
    async fn give_way(self, import: &mut Import, rows: usize) {
        let now = Instant::now();
        if self.0.activity.is_recent() {
            let earliest = now.checked_sub(BEHIND).unwrap_or(now);
            let rows = u32::try_from(rows).unwrap_or(u32::MAX);
            import.gives_way = import.gives_way.max(earliest) + ROW_WITH_JOBS * rows;
            sleep_until(import.gives_way).await;
        } else {
            import.gives_way = now;
        }
    }

    /// Ends an import: from now on all of it is seen, or nothing ever.
    ///
    /// # Errors
    /// When the collection is gone, the import was given up, or the database cannot be reached.
    pub async fn close_import(self, import: Import, is_kept: bool, actor: &Actor) -> Result<(), CollectionError> {
        let staged = import.staged;
        let work = async {
            let mut writing = Writing::begin(self.0, import.collection.id, actor).await?;
            let state: i64 = if is_kept { 1 } else { 2 };
            let statement = "UPDATE collection_imports SET state = $2, at = $3 WHERE number = $1 AND state = 0";
            let closed = writing.session.execute(statement, binds![import.number, state, writing.now]).await?;
            if closed != 1 {
                return Err(given_up());
            }
            if is_kept {
                let statement = "UPDATE collections SET records = records + $2 WHERE id = $1";
                writing.session.execute(statement, binds![import.collection.id, import.made]).await?;
                writing.note("collection.imported", json!({"created": import.made})).await?;
            }
            writing.commit_and_wake().await
        };
        in_time(work).await?;
        if staged >= FIRST_LOOK {
            vacuum(self.0).await;
        }
        fault::at("collections closed").await;
        Ok(())
    }
}

fn given_up() -> CollectionError {
    CollectionError::Store(Error::Ledger("the import was given up, since it was silent for too long"))
}

fn is_taken(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// Rows in parts in which no two are about the same record.
fn distinct(rows: Vec<Row>) -> Vec<Vec<Row>> {
    let (mut parts, mut part, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
    for row in rows {
        let about = match &row.key {
            Match::None => None,
            Match::Id(id) => Some(GroupKey::of(Some(&Value::from(*id)))),
            Match::Value(value) => Some(GroupKey::of(Some(value))),
        };
        if about.is_some_and(|about| !seen.insert(about)) {
            parts.push(std::mem::take(&mut part));
            seen.clear();
            seen.extend(match &row.key {
                Match::None => None,
                Match::Id(id) => Some(GroupKey::of(Some(&Value::from(*id)))),
                Match::Value(value) => Some(GroupKey::of(Some(value))),
            });
        }
        part.push(row);
    }
    parts.push(part);
    parts
}

async fn stage_part(
    writing: &mut Writing<'_>,
    import: &mut Import,
    rows: Vec<Row>,
    made: &mut Vec<i64>,
) -> Result<Vec<RowOutcome>, Error> {
    let matches = find_matches(writing, import, &rows).await?;
    let (mut outcomes, mut changes, mut places) = (Vec::new(), Vec::new(), Vec::new());
    for (row, found) in rows.into_iter().zip(matches) {
        let change = match (found.as_slice(), &row.key, import.on_match) {
            ([], Match::Id(id), _) => Err(RowOutcome::NoMatch(format!("there is no record {id}"))),
            ([], ..) => Ok(Change::Create(row.data)),
            ([_], _, OnMatch::Skip) => Err(RowOutcome::Skipped),
            ([id], _, OnMatch::Fail) => Err(RowOutcome::NoMatch(format!("record {id} is there already"))),
            ([id], _, OnMatch::Update) => Ok(Change::Merge(*id, row.data)),
            (several, ..) => {
                let problem = format!("{} records have this key; it must be one", several.len());
                Err(RowOutcome::NoMatch(problem))
            }
        };
        match change {
            Ok(change) => {
                places.push(outcomes.len());
                changes.push(change);
                outcomes.push(RowOutcome::Skipped);
            }
            Err(outcome) => outcomes.push(outcome),
        }
    }
    let applied = writing.apply(changes, Some(import.number)).await?;
    for (place, applied) in places.into_iter().zip(applied) {
        let outcome = match applied {
            Applied::Created(record) => {
                made.push(record.id);
                if let Some(key) = &mut import.key {
                    key.learn(&record);
                }
                RowOutcome::Created
            }
            Applied::Updated(_) => RowOutcome::Updated,
            Applied::Unchanged(_) => RowOutcome::Unchanged,
            Applied::Refused(error) => RowOutcome::Failed(error),
            Applied::Missing => RowOutcome::NoMatch("the record was removed meanwhile".to_owned()),
        };
        if let Some(slot) = outcomes.get_mut(place) {
            *slot = outcome;
        }
    }
    Ok(outcomes)
}
