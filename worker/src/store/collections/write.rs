//! One transaction that writes to a collection: what it changes, what the index and the events have to know of it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::{Map, Value};
use tokio::sync::SemaphorePermit;

use super::entries::NewEntries;
use super::events::Told;
use super::load::Loaded;
use super::rows::{COLLECTION, CollectionRow};
use super::session::{Bind, Session, binds, values_of};
use super::{Actor, Collection, CollectionError, Idempotency, Shared, StoredRecord};
use crate::collections::merge::{merge, same_members};
use crate::collections::problems::Problems;
use crate::collections::rules::{DataError, Entry, Prepared, Rules};
use crate::store::{Error, Inner};

/// What is to be done with one record.
#[derive(Debug, Clone)]
pub(super) enum Change {
    Create(Map<String, Value>),
    /// The data of this record becomes that.
    Replace(i64, Map<String, Value>),
    /// A merge patch.
    Merge(i64, Map<String, Value>),
}

/// What became of it.
#[derive(Debug, Clone)]
pub(super) enum Applied {
    Created(StoredRecord),
    Updated(StoredRecord),
    /// Its data is what it was.
    Unchanged(StoredRecord),
    Refused(DataError),
    Missing,
}

/// A transaction that holds its collection.
pub(super) struct Writing<'a> {
    shared: &'a Shared,
    pub(super) session: Session,
    pub(super) row: CollectionRow,
    pub(super) rules: Arc<Rules>,
    pub(super) now: i64,
    pub(super) actor: &'a Actor,
    pub(super) told: Vec<Told>,
    _turn: Option<SemaphorePermit<'a>>,
}

/// A change that will be written.
struct Accepted {
    change: Change,
    before: Option<Loaded>,
    after: StoredRecord,
    prepared: Prepared,
}

const NAME_ACTOR: &str = "INSERT INTO collection_actors (id, name) VALUES ($1, $2)
    ON CONFLICT (id) DO UPDATE SET name = excluded.name WHERE collection_actors.name <> excluded.name";
const INSERT_RECORD: &str = "INSERT INTO collection_records
    (collection_id, id, data, version, created_at, updated_at, created_by, updated_by, import_id)";
const UPDATE_RECORD: &str = "UPDATE collection_records SET data = $3, version = $4, updated_at = $5, updated_by = $6
    WHERE collection_id = $1 AND id = $2";
const PATCH_RECORD: &str =
    "UPDATE collection_records SET import_id = $3, patches = $4 WHERE collection_id = $1 AND id = $2";
const COUNT: &str = "UPDATE collections SET next_id = $2, records = $3 WHERE id = $1";

impl<'a> Writing<'a> {
    /// Begins, and waits for the collection's turn.
    ///
    /// # Errors
    /// When there is no such collection, or the database cannot be reached.
    pub(super) async fn begin(inner: &'a Inner, id: i64, actor: &'a Actor) -> Result<Self, CollectionError> {
        let turn = Self::turn(inner).await?;
        let session = Session::begin(&inner.database).await?;
        Self::lock(inner, session, Some(turn), id, actor).await
    }

    /// The same for rows that nobody sees yet: [`Session::begin_unsynced`].
    pub(super) async fn begin_unseen(inner: &'a Inner, id: i64, actor: &'a Actor) -> Result<Self, CollectionError> {
        let turn = Self::turn(inner).await?;
        let session = Session::begin_unsynced(&inner.database).await?;
        Self::lock(inner, session, Some(turn), id, actor).await
    }

    /// The same, unless the same request was answered before.
    pub(super) async fn begin_once<T: serde::de::DeserializeOwned>(
        inner: &'a Inner,
        id: i64,
        actor: &'a Actor,
        request: Option<&Idempotency>,
    ) -> Result<Result<Self, T>, CollectionError> {
        let turn = Self::turn(inner).await?;
        let mut session = Session::begin(&inner.database).await?;
        if let Some(answer) = session.earlier(request).await? {
            return Ok(Err(answer));
        }
        Self::lock(inner, session, Some(turn), id, actor).await.map(Ok)
    }

    async fn turn(inner: &'a Inner) -> Result<SemaphorePermit<'a>, CollectionError> {
        let closed = |_| CollectionError::Store(Error::Ledger("the process ends"));
        inner.collections.writers.acquire().await.map_err(closed)
    }

    /// The same in a transaction that was begun, which holds what comes before collections.
    pub(super) async fn lock_in(
        inner: &'a Inner,
        session: Session,
        id: i64,
        actor: &'a Actor,
    ) -> Result<Self, CollectionError> {
        // Nobody waits for a turn with a transaction in hand, which those whose turn it is may need.
        Self::lock(inner, session, None, id, actor).await
    }

    async fn lock(
        inner: &'a Inner,
        mut session: Session,
        turn: Option<SemaphorePermit<'a>>,
        id: i64,
        actor: &'a Actor,
    ) -> Result<Self, CollectionError> {
        // Connectors change under their own lock.
        let statement = match session.for_update() {
            "" => format!("{COLLECTION} WHERE c.id = $1"),
            lock => format!("{COLLECTION} WHERE c.id = $1{lock} OF c"),
        };
        let row: Option<CollectionRow> = session.row(statement, binds![id]).await?;
        let row = row.ok_or(CollectionError::NoCollection)?;
        let rules = row.rules(&inner.collections)?;
        let now = session.now().await?;
        if let Some(name) = &actor.name {
            session.execute(NAME_ACTOR, binds![actor.id.as_str(), name.as_str()]).await?;
        }
        let shared = &inner.collections;
        Ok(Self { shared, session, row, rules, now, actor, told: Vec::new(), _turn: turn })
    }

    /// The collection, as far as this transaction has come.
    pub(super) fn collection(&self) -> Result<Collection, Error> {
        self.row.clone().collection(self.shared)
    }

    /// Makes it all durable.
    pub(super) async fn commit(mut self) -> Result<(), CollectionError> {
        let is_told = !self.told.is_empty();
        self.store_events().await?;
        self.session.commit().await?;
        if is_told {
            self.shared.changed.notify_one();
        }
        Ok(())
    }

    /// The title of a record.
    pub(super) fn title(&self, record: &StoredRecord) -> String {
        record.data.as_object().map(|data| self.rules.title(data)).unwrap_or_default()
    }

    /// Wakes whoever has work to do after this transaction.
    pub(super) async fn commit_and_wake(self) -> Result<(), CollectionError> {
        let shared = self.shared;
        self.commit().await?;
        shared.changed.notify_one();
        Ok(())
    }

    /// Applies changes, each of another record. Those of an import stay invisible until it is.
    pub(super) async fn apply(&mut self, changes: Vec<Change>, import: Option<i64>) -> Result<Vec<Applied>, Error> {
        let ids: Vec<i64> = changes.iter().filter_map(Change::id).collect();
        let mut loaded = self.load(&ids, import).await?;
        let mut planned = Vec::with_capacity(changes.len());
        for change in changes {
            planned.push(self.plan(change, &mut loaded));
        }
        let mut holders = self.holders(planned.iter().filter_map(|plan| plan.as_ref().ok())).await?;
        let (mut applied, mut accepted) = (Vec::with_capacity(planned.len()), Vec::new());
        for plan in planned {
            let settled = plan.and_then(|plan| self.accept(plan, &mut holders, import));
            applied.push(match settled {
                Ok(change) => {
                    let done = change.applied();
                    accepted.push(change);
                    done
                }
                Err(refused) => *refused,
            });
        }
        self.write(accepted, import).await?;
        Ok(applied)
    }

    fn plan(&self, change: Change, loaded: &mut HashMap<i64, Loaded>) -> Result<Accepted, Box<Applied>> {
        let before = match change.id() {
            None => None,
            Some(id) => Some(loaded.remove(&id).ok_or_else(|| Box::new(Applied::Missing))?),
        };
        let old = before.as_ref().and_then(|before| before.record.data.as_object());
        let data = match (&change, old) {
            (Change::Merge(_, patch), Some(old)) => {
                let mut data = old.clone();
                merge(&mut data, patch.clone());
                data
            }
            (Change::Create(data) | Change::Replace(_, data) | Change::Merge(_, data), _) => data.clone(),
        };
        let prepared = self.rules.prepare(data).map_err(|error| Box::new(Applied::Refused(error)))?;
        if let Some(before) = &before
            && old.is_some_and(|old| same_members(old, &prepared.data))
        {
            return Err(Box::new(Applied::Unchanged(before.record.clone())));
        }
        let after = self.written(before.as_ref().map(|before| &before.record), &prepared);
        Ok(Accepted { change, before, after, prepared })
    }

    /// The record after its change; a new one has no id yet.
    fn written(&self, before: Option<&StoredRecord>, prepared: &Prepared) -> StoredRecord {
        let actor = &self.actor.id;
        StoredRecord {
            id: before.map_or(0, |before| before.id),
            data: Value::Object(prepared.data.clone()),
            version: before.map_or(1, |before| before.version + 1),
            created_at: before.map_or(self.now, |before| before.created_at),
            updated_at: self.now,
            created_by: before.map_or(actor, |before| &before.created_by).clone(),
            updated_by: actor.clone(),
            bytes: prepared.text.len(),
        }
    }

    /// Who holds the unique values of these changes now.
    async fn holders(
        &mut self,
        planned: impl Iterator<Item = &Accepted>,
    ) -> Result<HashMap<(i64, String), i64>, Error> {
        let mut wanted: HashMap<i64, HashSet<&str>> = HashMap::new();
        for entry in planned.flat_map(|plan| &plan.prepared.entries) {
            if let Some(value) = &entry.unique {
                wanted.entry(entry.slot).or_default().insert(value);
            }
        }
        let mut holders = HashMap::new();
        for (slot, values) in wanted {
            // One look-up a value: PostgreSQL, which may know nothing of the table yet, would read all of the slot for a list.
            let statement = format!(
                "SELECT w.column1, (SELECT record_id FROM collection_unique
                WHERE collection_id = $1 AND slot = $2 AND value = w.column1 AND record_id >= $3) FROM (VALUES {}) AS w",
                values_of(4, values.len())
            );
            let mut binds = binds![self.row.id, slot, self.row.floor];
            binds.extend(values.into_iter().map(Bind::from));
            let found: Vec<(String, Option<i64>)> = self.session.rows(statement, binds).await?;
            holders.extend(found.into_iter().filter_map(|(value, record)| Some(((slot, value), record?))));
        }
        Ok(holders)
    }

    /// Gives a new record its id, and refuses values that another record holds.
    fn accept(
        &mut self,
        mut plan: Accepted,
        holders: &mut HashMap<(i64, String), i64>,
        import: Option<i64>,
    ) -> Result<Accepted, Box<Applied>> {
        let mut problems = Problems::default();
        let unique = |entry: &Entry| entry.unique.clone().map(|value| (entry.slot, value));
        for entry in &plan.prepared.entries {
            let Some(value) = unique(entry) else { continue };
            if holders.get(&value).is_some_and(|holder| plan.before.is_none() || *holder != plan.after.id) {
                let column = self.rules.slots().iter().find(|slot| slot.number == entry.slot).map(|slot| &slot.column);
                if let Some(column) = column {
                    let problem = format!("The {} has already been taken.", column.label);
                    problems.add(column.field.to_string(), problem);
                }
            }
        }
        problems.into_result().map_err(|problems| Box::new(Applied::Refused(problems.into())))?;
        match &plan.before {
            None => {
                plan.after.id = self.row.next_id;
                self.row.next_id += 1;
                // What an import makes is counted when it is seen.
                self.row.records += i64::from(import.is_none());
            }
            // What an import changes is still there as it was.
            Some(before) if import.is_none() || before.is_own => {
                for value in before.base.iter().filter_map(unique) {
                    holders.remove(&value);
                }
            }
            Some(_) => {}
        }
        holders.extend(plan.prepared.entries.iter().filter_map(unique).map(|value| (value, plan.after.id)));
        Ok(plan)
    }

    async fn write(&mut self, accepted: Vec<Accepted>, import: Option<i64>) -> Result<(), Error> {
        let (mut records, mut index) = (Vec::new(), NewEntries::default());
        for Accepted { change, before, after, prepared } in accepted {
            match before {
                None => {
                    records.push(self.record_row(&after, prepared.text, import));
                    index.add(after.id, 0, prepared.entries);
                    if import.is_none() {
                        self.tell_created(&after);
                    }
                }
                Some(before) if import.is_none() || before.is_own => {
                    let version = if before.is_own { 1 } else { after.version };
                    self.update_row(&after, prepared.text, version).await?;
                    if before.base != prepared.entries {
                        self.forget_entries(after.id, 0).await?;
                        index.add(after.id, 0, prepared.entries);
                    }
                    if import.is_none() {
                        self.tell_updated(&before.record, &after);
                    }
                }
                Some(mut before) => {
                    let number = import.unwrap_or_default();
                    if let Change::Replace(_, patch) | Change::Merge(_, patch) = change {
                        before.patches.push(patch);
                    }
                    self.patch_row(after.id, number, &before.patches).await?;
                    self.forget_entries(after.id, number).await?;
                    // What the record holds now stays its own, also where the import fails.
                    let new = prepared.entries.into_iter().filter(|entry| !before.base.contains(entry)).collect();
                    index.add(after.id, number, new);
                }
            }
        }
        self.session.insert(INSERT_RECORD, records, "").await?;
        self.add_entries(index).await?;
        let counted = binds![self.row.id, self.row.next_id, self.row.records];
        self.session.execute(COUNT, counted).await.map(drop)
    }

    fn record_row(&self, record: &StoredRecord, text: String, import: Option<i64>) -> Vec<Bind> {
        binds![
            self.row.id,
            record.id,
            text,
            record.version,
            record.created_at,
            record.updated_at,
            record.created_by.as_str(),
            record.updated_by.as_str(),
            import,
        ]
    }

    pub(super) async fn update_row(&mut self, record: &StoredRecord, text: String, version: i64) -> Result<(), Error> {
        let row = binds![self.row.id, record.id, text, version, record.updated_at, record.updated_by.as_str()];
        self.session.execute(UPDATE_RECORD, row).await.map(drop)
    }

    async fn patch_row(&mut self, id: i64, import: i64, patches: &[Map<String, Value>]) -> Result<(), Error> {
        let patches = serde_json::to_string(patches).map_err(|source| Error::damaged("a change".to_owned(), source))?;
        self.session.execute(PATCH_RECORD, binds![self.row.id, id, import, patches]).await.map(drop)
    }

    /// Removes a record, whatever imports have in store for it.
    pub(super) async fn remove(&mut self, record: &StoredRecord) -> Result<(), Error> {
        for statement in [
            "DELETE FROM collection_records WHERE collection_id = $1 AND id = $2",
            "DELETE FROM collection_index WHERE collection_id = $1 AND record_id = $2",
            "DELETE FROM collection_unique WHERE collection_id = $1 AND record_id = $2",
        ] {
            self.session.execute(statement, binds![self.row.id, record.id]).await?;
        }
        self.row.records -= 1;
        self.tell_deleted(record);
        let counted = binds![self.row.id, self.row.next_id, self.row.records];
        self.session.execute(COUNT, counted).await.map(drop)
    }
}

impl Change {
    fn id(&self) -> Option<i64> {
        match self {
            Self::Create(_) => None,
            Self::Replace(id, _) | Self::Merge(id, _) => Some(*id),
        }
    }
}

impl Accepted {
    fn applied(&self) -> Applied {
        let after = self.after.clone();
        if self.before.is_some() { Applied::Updated(after) } else { Applied::Created(after) }
    }
}
