//! Collections themselves: found, made, changed and removed.

use std::collections::BTreeMap;

use serde_json::json;

use super::connector;
use super::entries::NewEntries;
use super::rows::{COLLECTION, CollectionRow, RECORD, RecordRow, VISIBLE};
use super::session::{Session, binds, in_time, in_time_of, read};
use super::trail::entry_of;
use super::write::Writing;
use super::{Actor, Collection, CollectionError, Collections};
use crate::collections::definition::{Column, Definition};
use crate::collections::problems::Problems;
use crate::collections::rules::{DataError, Rules};
use crate::store::Error;
use crate::store::dead_letters::without_nul;

/// A collection to be made.
#[derive(Debug, Clone)]
pub struct NewCollection {
    /// A new one unless it is given.
    pub uuid: Option<String>,
    /// Its name.
    pub name: String,
    /// All else.
    pub definition: Definition,
}

/// How long new columns may take to go over the records that are there.
const LAYOUT: std::time::Duration = std::time::Duration::from_mins(10);
/// How many records are read at once for that.
const CHUNK: i64 = 500;
/// How many records that do not fit are named.
const NAMED: usize = 10;

const BY_REFERENCE: &str = " WHERE c.uuid = $1 OR c.id = $2 OR c.name = $3
    ORDER BY CASE WHEN c.uuid = $1 THEN 0 WHEN c.id = $2 THEN 1 ELSE 2 END LIMIT 1";
const INSERT: &str =
    "INSERT INTO collections (uuid, name, definition, slots, next_slot, connector, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $7) RETURNING id";
const UPDATE: &str =
    "UPDATE collections SET name = $2, definition = $3, slots = $4, next_slot = $5, revision = revision + 1,
    updated_at = $6 WHERE id = $1";
const REMAINS: &str = "INSERT INTO collection_remains (id, floor) VALUES ($1, $2) ON CONFLICT (id, floor) DO NOTHING";

/// The numbers of indexed columns by field, and the next one.
type Slots = (BTreeMap<String, i64>, i64);

/// Which records do not fit.
#[derive(Debug, Default)]
struct Misfits {
    count: u64,
    first: Vec<i64>,
}

impl Misfits {
    fn add(&mut self, record: i64) {
        self.count += 1;
        if self.first.len() < NAMED {
            self.first.push(record);
        }
    }

    fn problem(&self) -> String {
        let first: Vec<String> = self.first.iter().map(ToString::to_string).collect();
        let (verb, plural) = if self.count == 1 { ("does", "") } else { ("do", "s") };
        format!("{} stored record{plural} {verb} not fit: {}; change them first", self.count, first.join(", "))
    }
}

impl Collections<'_> {
    /// The collection of a reference: uuid before number before name.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn find(self, reference: &str) -> Result<Option<Collection>, Error> {
        let id: Option<i64> = reference.parse().ok();
        let uuid = uuid::Uuid::parse_str(reference).map_or_else(|_| without_nul(reference), |uuid| uuid.to_string());
        let binds = binds![uuid, id, without_nul(reference)];
        let found: Vec<CollectionRow> = read(&self.0.database, format!("{COLLECTION}{BY_REFERENCE}"), binds).await?;
        found.into_iter().next().map(|row| row.collection(&self.0.collections)).transpose()
    }

    /// All collections, by id.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn list(self) -> Result<Vec<Collection>, Error> {
        let rows: Vec<CollectionRow> =
            read(&self.0.database, format!("{COLLECTION} ORDER BY c.id"), Vec::new()).await?;
        rows.into_iter().map(|row| row.collection(&self.0.collections)).collect()
    }

    /// The collection whose connector has this uuid: it is removed with the collection only.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn of_connector(self, uuid: &str) -> Result<Option<Collection>, Error> {
        let statement = format!("{COLLECTION} WHERE c.connector = $1");
        let rows: Vec<CollectionRow> = read(&self.0.database, statement, binds![without_nul(uuid)]).await?;
        rows.into_iter().next().map(|row| row.collection(&self.0.collections)).transpose()
    }

    /// Makes a collection and its connector.
    ///
    /// # Errors
    /// When its name or uuid is taken, or the database cannot be reached.
    pub async fn create(self, new: NewCollection, actor: &Actor) -> Result<Collection, CollectionError> {
        let work = async {
            let mut session = Session::begin(&self.0.database).await?;
            let now = session.now().await?;
            let category = connector::category(&mut session, now).await?;
            connector::lock(&mut session).await?;
            free_name(&mut session, &new.name, 0, "").await?;
            let uuid = new.uuid.clone().unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
            let taken = "SELECT id FROM collections WHERE uuid = $1";
            if session.row::<(i64,)>(taken, binds![uuid.as_str()]).await?.is_some() {
                return Err(Problems::one("uuid", "The uuid has already been taken.").into());
            }
            let connector = uuid::Uuid::new_v4().to_string();
            let (slots, next) = slots(&new.definition, None, (BTreeMap::new(), 1));
            let definition = serde_json::Value::Object(new.definition.to_json()).to_string();
            let row = binds![
                uuid.as_str(),
                new.name.as_str(),
                definition,
                json!(slots).to_string(),
                next,
                connector.as_str(),
                now
            ];
            let (id,) = session.row::<(i64,)>(INSERT, row).await?.unwrap_or_default();
            connector::make(&mut session, (id, &new.name), (&connector, category), now).await?;
            if let Some(entry) = entry_of(actor, "collection.created", &uuid, json!({})) {
                session.append(&entry, now).await?;
            }
            session.commit().await?;
            Ok(uuid)
        };
        let uuid: String = in_time(work).await?;
        self.find(&uuid).await?.ok_or(CollectionError::NoCollection)
    }

    /// Renames and redefines a collection. New columns and a new schema go over its records.
    ///
    /// # Errors
    /// When the name is taken, records do not fit (nothing changes then), an import is under way, or the database cannot be
    /// reached.
    pub async fn update(
        self,
        id: i64,
        name: Option<String>,
        given: &serde_json::Map<String, serde_json::Value>,
        actor: &Actor,
    ) -> Result<(), CollectionError> {
        let work = async {
            let mut session = Session::begin(&self.0.database).await?;
            connector::lock(&mut session).await?;
            let mut writing = Writing::lock_in(self.0, session, id, actor).await?;
            let old = writing.rules.definition().clone();
            let new = old.updated(given)?;
            let name = name.unwrap_or_else(|| writing.row.name.clone());
            if new == old && name == writing.row.name {
                return Ok(());
            }
            if name != writing.row.name {
                let own = writing.row.connector.clone();
                free_name(&mut writing.session, &name, id, &own).await?;
                connector::rename(&mut writing.session, &own, &name, writing.now).await?;
            }
            let mut layout = (writing.row.slots()?, writing.row.next_slot);
            if new.columns != old.columns || new.schema != old.schema {
                layout = slots(&new, Some(&old), layout);
                writing.change_layout(&new, &layout.0).await?;
            }
            let definition = serde_json::Value::Object(new.to_json()).to_string();
            let slots = json!(layout.0).to_string();
            let row = binds![id, name.as_str(), definition, slots, layout.1, writing.now];
            writing.session.execute(UPDATE, row).await?;
            let changed = changed(&old, &new, name != writing.row.name);
            writing.note("collection.updated", json!({"changed": changed})).await?;
            writing.commit_and_wake().await
        };
        in_time_of(LAYOUT, work).await
    }

    /// Removes a collection with its records and its connector.
    ///
    /// # Errors
    /// When a deployed model uses it and this is not `forced`, or the database cannot be reached.
    pub async fn remove(self, id: i64, forced: bool, actor: &Actor) -> Result<(), CollectionError> {
        let work = async {
            let mut session = Session::begin(&self.0.database).await?;
            connector::lock(&mut session).await?;
            let mut writing = Writing::lock_in(self.0, session, id, actor).await?;
            let own = writing.row.connector.clone();
            let users = connector::users(&mut writing.session, &own).await?;
            if !users.is_empty() && !forced {
                let problem = format!(
                    "the newest version of a deployed model uses it ({}); remove it from there, or force it",
                    users.join(", ")
                );
                return Err(Problems::one("delete", problem).into());
            }
            connector::remove(&mut writing.session, &own).await?;
            writing.session.execute("DELETE FROM collections WHERE id = $1", binds![id]).await?;
            writing.session.execute(REMAINS, binds![id, i64::MAX]).await?;
            writing.note("collection.deleted", json!({"forced": forced})).await?;
            writing.commit_and_wake().await
        };
        in_time(work).await
    }

    /// Removes all records of a collection. They are gone at once; their rows go in the background.
    ///
    /// # Errors
    /// When an import is under way, or the database cannot be reached.
    pub async fn truncate(
        self,
        id: i64,
        actor: &Actor,
        request: Option<&super::Idempotency>,
    ) -> Result<bool, CollectionError> {
        let work = async {
            let Ok(mut writing) = Writing::begin_once::<()>(self.0, id, actor, request).await? else {
                return Ok(true);
            };
            writing.refuse_unfinished().await?;
            let (next, count) = (writing.row.next_id, writing.row.records);
            let empty = "UPDATE collections SET floor = next_id, records = 0 WHERE id = $1";
            writing.session.execute(empty, binds![id]).await?;
            if count > 0 {
                writing.session.execute(REMAINS, binds![id, next]).await?;
                writing.tell_truncated(count);
            }
            writing.session.keep(request, &()).await?;
            writing.note("collection.truncated", json!({"records": count})).await?;
            writing.commit_and_wake().await?;
            Ok(false)
        };
        in_time(work).await
    }
}

impl Writing<'_> {
    /// What goes over all records, or goes with all of them, waits for imports.
    pub(super) async fn refuse_unfinished(&mut self) -> Result<(), CollectionError> {
        let statement = "SELECT number FROM collection_imports WHERE target = $1 AND state < 2";
        let found: Option<(i64,)> = self.session.row(statement, binds![self.row.id]).await?;
        if found.is_some() { Err(CollectionError::Busy) } else { Ok(()) }
    }

    /// Brings all records into the form that new columns and a new schema ask for, and the index with them.
    async fn change_layout(&mut self, new: &Definition, slots: &BTreeMap<String, i64>) -> Result<(), CollectionError> {
        self.refuse_unfinished().await?;
        let columns_only = Rules::new(Definition { schema: None, ..new.clone() }, slots)?;
        let rules = Rules::new(new.clone(), slots)?;
        let old_slots = self.row.slots()?;
        for table in ["collection_index", "collection_unique"] {
            for slot in old_slots.values().filter(|slot| !slots.values().any(|kept| kept == *slot)) {
                let statement = format!("DELETE FROM {table} WHERE collection_id = $1 AND slot = $2");
                self.session.execute(statement, binds![self.row.id, *slot]).await?;
            }
        }
        let kept: Vec<i64> =
            slots.values().filter(|slot| old_slots.values().any(|old| old == *slot)).copied().collect();
        let (mut columns, mut schema, mut after) = (Misfits::default(), Misfits::default(), self.row.floor - 1);
        loop {
            let statement =
                format!("{RECORD} WHERE collection_id = $1 AND id > $2 AND {VISIBLE} ORDER BY id LIMIT {CHUNK}");
            let rows: Vec<RecordRow> = self.session.rows(statement, binds![self.row.id, after]).await?;
            let Some(last) = rows.last() else { break };
            after = last.id;
            self.change_rows(&rows, (&columns_only, &rules), &kept, (&mut columns, &mut schema)).await?;
        }
        let mut problems = Problems::default();
        for (path, misfits) in [("columns", columns), ("schema", schema)] {
            if misfits.count > 0 {
                problems.add(path, misfits.problem());
            }
        }
        Ok(problems.into_result()?)
    }

    async fn change_rows(
        &mut self,
        rows: &[RecordRow],
        (columns_only, rules): (&Rules, &Rules),
        kept: &[i64],
        (columns, schema): (&mut Misfits, &mut Misfits),
    ) -> Result<(), CollectionError> {
        let mut index = NewEntries::default();
        for row in rows {
            let before = row.base()?;
            let Some(data) = before.data.as_object().cloned() else { continue };
            let prepared = match columns_only.prepare(data.clone()).map(|_| rules.prepare(data)) {
                Err(_) => {
                    columns.add(row.id);
                    continue;
                }
                Ok(Err(DataError::Invalid(_) | DataError::Number(_))) => {
                    schema.add(row.id);
                    continue;
                }
                Ok(Ok(prepared)) => prepared,
            };
            let changed = !before
                .data
                .as_object()
                .is_some_and(|old| crate::collections::merge::same_members(old, &prepared.data));
            let entries: Vec<_> =
                prepared.entries.into_iter().filter(|entry| changed || !kept.contains(&entry.slot)).collect();
            if self.is_taken(row.id, &entries, &index).await? {
                columns.add(row.id);
                continue;
            }
            if changed {
                let mut now = before.clone();
                now.data = serde_json::Value::Object(prepared.data);
                now.version += 1;
                now.updated_at = self.now;
                now.updated_by.clone_from(&self.actor.id);
                self.update_row(&now, prepared.text, now.version).await?;
                self.forget_entries(row.id, 0).await?;
                self.tell_updated(&before, &now);
            }
            index.add(row.id, 0, entries);
        }
        self.add_entries(index).await?;
        Ok(self.store_events().await?)
    }

    /// Whether a unique value of these is another record's already.
    async fn is_taken(
        &mut self,
        record: i64,
        entries: &[crate::collections::rules::Entry],
        new: &NewEntries,
    ) -> Result<bool, Error> {
        for entry in entries {
            let Some(value) = &entry.unique else { continue };
            if new.holds(entry.slot, value) {
                return Ok(true);
            }
            let statement = "SELECT record_id FROM collection_unique
                WHERE collection_id = $1 AND slot = $2 AND value = $3 AND record_id >= $4";
            let binds = binds![self.row.id, entry.slot, value.as_str(), self.row.floor];
            let holder: Option<(i64,)> = self.session.row(statement, binds).await?;
            if holder.is_some_and(|(holder,)| holder != record) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The members that are not what they were, for the audit log.
fn changed(old: &Definition, new: &Definition, is_renamed: bool) -> Vec<String> {
    let old = old.to_json();
    let differs = |(name, value): (String, serde_json::Value)| (old.get(&name) != Some(&value)).then_some(name);
    let members = new.to_json().into_iter().filter_map(differs);
    is_renamed.then(|| "name".to_owned()).into_iter().chain(members).collect()
}

/// Refuses a name that another collection or connector has.
async fn free_name(session: &mut Session, name: &str, own: i64, connector: &str) -> Result<(), CollectionError> {
    let statement = "SELECT id FROM collections WHERE name = $1 AND id <> $2";
    let found: Option<(i64,)> = session.row(statement, binds![name, own]).await?;
    if found.is_some() || connector::has_name(session, name, connector).await? {
        return Err(connector::name_taken().into());
    }
    Ok(())
}

/// The numbers of a definition's indexed columns: a column that is what it was keeps its number.
fn slots(new: &Definition, old: Option<&Definition>, (known, mut next): Slots) -> Slots {
    let old_columns = old.map(|old| old.columns.as_slice()).unwrap_or_default();
    let is_same = |column: &Column| {
        let same = |old: &&Column| old.field == column.field && old.kind == column.kind && old.unique == column.unique;
        old_columns.iter().find(same).is_some_and(Column::is_indexed)
    };
    let mut slots = BTreeMap::new();
    for column in new.columns.iter().filter(|column| column.is_indexed()) {
        let field = column.field.to_string();
        let number = known.get(&field).copied().filter(|_| is_same(column)).unwrap_or_else(|| {
            next += 1;
            next - 1
        });
        slots.insert(field, number);
    }
    (slots, next)
}
