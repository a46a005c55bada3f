//! Which records, in which order, a few at a time: what lists, exports and queries have in common.
//!
//! Records in the order of their ids are read as they are asked for. For any other order the sort keys of all that are
//! selected are kept, and no more of the records.

use std::collections::{HashSet, VecDeque};

use sha2::{Digest, Sha256};

use super::sorted_ids::SortedIds;
use super::{Collection, Error, StoredRecord};
use crate::collections::path::Path;
use crate::collections::pmql::{Query, RecordView};
use crate::collections::value::{GroupKey, SortKey, contains_text};
use crate::store::Store;
use crate::store::collections::{Narrowed, Scan};

/// What a chunk of records may take in memory, bytes as JSON.
const CHUNK_BYTES: usize = 2 * 1024 * 1024;
/// How many records are read at once, at first and at most.
const FIRST_CHUNK: i64 = 32;
const LONGEST_CHUNK: i64 = 1_000;
/// What the sort keys of a selection may take in memory, bytes.
const KEY_BYTES: usize = 80 * 1024 * 1024;

/// What records are ordered by.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum OrderKey {
    Id,
    CreatedAt,
    UpdatedAt,
    Path(Path),
}

/// What is asked for.
#[derive(Debug, Default)]
pub(super) struct Criteria {
    pub(super) pmql: Option<Query>,
    /// The same as it was written.
    pub(super) pmql_text: Option<String>,
    /// Lower-cased.
    pub(super) filter: Option<String>,
    pub(super) group_by: Option<Path>,
    /// By id where it is empty.
    pub(super) order_by: Vec<OrderKey>,
    pub(super) is_descending: bool,
    pub(super) offset: u64,
    pub(super) limit: u64,
}

/// Records that are selected, read as they are asked for.
pub(super) struct Selection {
    store: Store,
    collection: Collection,
    criteria: Criteria,
    now: i64,
    state: State,
    /// How many records the criteria select; complete at the end.
    total: u64,
    given: u64,
    chunk: i64,
}

enum State {
    /// What the database selects is what was asked for.
    Exact(Scan),
    /// Each record is looked at.
    Scan {
        scan: Scan,
        groups: HashSet<[u8; 16]>,
    },
    /// These records.
    Picked(VecDeque<i64>),
    Done,
}

impl Criteria {
    /// The same records, all of them and in any order. A query is parsed from its text again.
    pub(super) fn for_names(&self) -> Self {
        let pmql = self.pmql_text.as_deref().and_then(|text| Query::parse(text).ok());
        Self { pmql, filter: self.filter.clone(), limit: u64::MAX, ..Self::default() }
    }

    fn is_by_id(&self) -> bool {
        matches!(self.order_by.as_slice(), [] | [OrderKey::Id])
    }

    fn selects(&self, record: &StoredRecord, now: i64) -> Result<bool, Error> {
        if let Some(query) = &self.pmql {
            let view = RecordView {
                id: record.id,
                data: &record.data,
                created_at_ms: record.created_at,
                updated_at_ms: record.updated_at,
                created_by: &record.created_by,
                updated_by: &record.updated_by,
            };
            if !query.matches(&view, now)? {
                return Ok(false);
            }
        }
        Ok(self.filter.as_deref().is_none_or(|text| contains_text(&record.data, text)))
    }

    fn key(&self, record: &StoredRecord) -> Vec<SortKey> {
        let number = |number: i64| SortKey::Number(crate::collections::number::Number::Integer(number));
        let key = |order: &OrderKey| match order {
            OrderKey::Id => number(record.id),
            OrderKey::CreatedAt => number(record.created_at),
            OrderKey::UpdatedAt => number(record.updated_at),
            OrderKey::Path(path) => SortKey::of(path.find(&record.data)),
        };
        if self.order_by.is_empty() { vec![number(record.id)] } else { self.order_by.iter().map(key).collect() }
    }

    /// Of each value the record with the smallest id: the first that is met.
    fn is_first_of_group(&self, record: &StoredRecord, groups: &mut HashSet<[u8; 16]>) -> bool {
        let Some(path) = &self.group_by else { return true };
        let digest = Sha256::digest(format!("{:?}", canonical(&GroupKey::of(path.find(&record.data)))));
        let mut short = [0; 16];
        short.iter_mut().zip(digest.iter()).for_each(|(to, from)| *to = *from);
        groups.insert(short)
    }
}

/// A text that is the same for the same values, and for no others.
fn canonical(key: &GroupKey) -> String {
    match key {
        GroupKey::Null => "null".to_owned(),
        GroupKey::Boolean(on) => on.to_string(),
        GroupKey::Number(number) => number.as_integer().map_or_else(|| number.text(), |integer| integer.to_string()),
        GroupKey::Text(text) => format!("{text:?}"),
        GroupKey::List(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        GroupKey::Object(members) => {
            let members = members.iter().map(|(name, value)| format!("{name:?}:{}", canonical(value)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
    }
}

impl Selection {
    /// Begins to select.
    pub(super) async fn new(store: Store, collection: Collection, criteria: Criteria) -> Result<Self, Error> {
        let collections = store.collections();
        let now = match &criteria.pmql {
            Some(query) if query.uses_now() => collections.now().await?,
            _ => 0,
        };
        let mut scan = Scan { is_descending: criteria.is_descending, ..Scan::default() };
        if let Some(query) = &criteria.pmql {
            let filter = query.at(now)?;
            if !collections.has_patches(&collection).await? {
                scan.narrowed = collections.narrow(&collection, &filter).await?;
            }
        }
        let decides = criteria.pmql.is_none() || scan.narrowed.as_ref().is_some_and(Narrowed::is_exact);
        let is_plain = criteria.filter.is_none() && criteria.group_by.is_none() && criteria.is_by_id();
        let mut total = 0;
        let state = if is_plain && decides {
            let count = match criteria.pmql {
                None => collection.records,
                Some(_) => collections.count(&collection, &scan).await?,
            };
            total = u64::try_from(count).unwrap_or(0);
            State::Exact(scan)
        } else if criteria.is_by_id() && (criteria.group_by.is_none() || !criteria.is_descending) {
            State::Scan { scan, groups: HashSet::new() }
        } else {
            State::Picked(VecDeque::new())
        };
        let sorts = matches!(state, State::Picked(_));
        let mut selection = Self { store, collection, criteria, now, state, total, given: 0, chunk: FIRST_CHUNK };
        if sorts {
            let narrowed = selection.narrowed_anew().await?;
            selection.state = State::Picked(selection.sorted(narrowed).await?);
        }
        Ok(selection)
    }

    async fn narrowed_anew(&self) -> Result<Option<Narrowed>, Error> {
        let Some(query) = &self.criteria.pmql else { return Ok(None) };
        let collections = self.store.collections();
        if collections.has_patches(&self.collection).await? {
            return Ok(None);
        }
        Ok(collections.narrow(&self.collection, &query.at(self.now)?).await?)
    }

    /// The collection.
    pub(super) fn collection(&self) -> &Collection {
        &self.collection
    }

    /// How many records are selected on all pages together; known at the end.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// How many were given.
    pub(super) fn given(&self) -> u64 {
        self.given
    }

    /// The next few records; none at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<StoredRecord>>, Error> {
        loop {
            let records = match &self.state {
                State::Exact(_) => self.next_exact().await?,
                State::Scan { .. } => self.next_scanned().await?,
                State::Picked(_) => self.next_picked().await?,
                State::Done => return Ok(None),
            };
            if !records.is_empty() {
                self.given += count(records.len());
                return Ok(Some(records));
            }
        }
    }

    async fn next_exact(&mut self) -> Result<Vec<StoredRecord>, Error> {
        let wanted = self.criteria.limit - self.given;
        let State::Exact(mut scan) = std::mem::replace(&mut self.state, State::Done) else { return Ok(Vec::new()) };
        if wanted == 0 {
            return Ok(Vec::new());
        }
        scan.limit = i64::try_from(wanted).unwrap_or(i64::MAX).min(self.chunk);
        scan.offset = if scan.after.is_none() { i64::try_from(self.criteria.offset).unwrap_or(i64::MAX) } else { 0 };
        let collections = self.store.collections();
        let mut records = collections.scan(&self.collection, &scan).await?;
        let mut last = records.last().map(|record| record.id);
        if scan.narrowed.is_some() && collections.has_patches(&self.collection).await? {
            // An import began to change records: the index does not tell any more which ones are selected.
            scan.narrowed = None;
            if self.given == 0 {
                (self.total, scan.after, scan.offset) = (0, None, 0);
                self.state = State::Scan { scan, groups: HashSet::new() };
                return Ok(Vec::new());
            }
            records = collections.scan(&self.collection, &scan).await?;
            last = records.last().map(|record| record.id);
        }
        self.adapt(&records);
        let mut selected = Vec::new();
        for record in records {
            if self.criteria.selects(&record, self.now)? {
                selected.push(record);
            }
        }
        // The last statement of a page is not asked whether there is another record.
        if last.is_some() && self.given + count(selected.len()) < self.criteria.limit {
            scan.after = last;
            self.state = State::Exact(scan);
        }
        Ok(selected)
    }

    async fn next_scanned(&mut self) -> Result<Vec<StoredRecord>, Error> {
        let State::Scan { mut scan, mut groups } = std::mem::replace(&mut self.state, State::Done) else {
            return Ok(Vec::new());
        };
        scan.limit = self.chunk;
        let records = self.read(&scan).await?;
        let Some(last) = records.last() else { return Ok(records) };
        scan.after = Some(last.id);
        let end = self.criteria.offset.saturating_add(self.criteria.limit);
        let mut selected = Vec::new();
        for record in records {
            if self.criteria.selects(&record, self.now)? && self.criteria.is_first_of_group(&record, &mut groups) {
                if (self.criteria.offset..end).contains(&self.total) {
                    selected.push(record);
                }
                self.total += 1;
            }
        }
        self.state = State::Scan { scan, groups };
        Ok(selected)
    }

    async fn next_picked(&mut self) -> Result<Vec<StoredRecord>, Error> {
        let State::Picked(ids) = &mut self.state else { return Ok(Vec::new()) };
        let some: Vec<i64> = ids.drain(..ids.len().min(usize::try_from(self.chunk).unwrap_or(1))).collect();
        if some.is_empty() {
            self.state = State::Done;
            return Ok(Vec::new());
        }
        let mut records = self.store.collections().pick(&self.collection, &some).await?;
        let place = |record: &StoredRecord| some.iter().position(|id| *id == record.id);
        records.sort_by_key(place);
        self.adapt(&records);
        Ok(records)
    }

    /// The ids of the page, in order; the total with them.
    async fn sorted(&mut self, narrowed: Option<Narrowed>) -> Result<VecDeque<i64>, Error> {
        let mut scan = Scan { narrowed, ..Scan::default() };
        let (mut groups, mut ids) = (HashSet::new(), SortedIds::new(self.criteria.is_descending));
        let end = self.criteria.offset.saturating_add(self.criteria.limit);
        loop {
            scan.limit = self.chunk;
            let records = self.read(&scan).await?;
            let Some(last) = records.last() else { break };
            scan.after = Some(last.id);
            for record in &records {
                if self.criteria.selects(record, self.now)? && self.criteria.is_first_of_group(record, &mut groups) {
                    self.total += 1;
                    ids.push(&self.criteria.key(record), record.id);
                }
            }
            // Behind the end of the page nothing is needed.
            if count(ids.len()) / 2 > end || ids.bytes() > KEY_BYTES {
                ids.keep_first(usize::try_from(end).unwrap_or(usize::MAX));
                if ids.bytes() > KEY_BYTES / 2 {
                    return Err(too_much_to_sort());
                }
            }
        }
        Ok(ids.page(self.criteria.offset, self.criteria.limit).into())
    }

    async fn read(&mut self, scan: &Scan) -> Result<Vec<StoredRecord>, Error> {
        let collections = self.store.collections();
        let mut records = collections.scan(&self.collection, scan).await?;
        if scan.narrowed.is_some() && collections.has_patches(&self.collection).await? {
            // An import began to change records: the index does not tell any more which ones are selected.
            records = collections.scan(&self.collection, &Scan { narrowed: None, ..scan.clone() }).await?;
        }
        self.adapt(&records);
        Ok(records)
    }

    /// Large records are read few at a time.
    fn adapt(&mut self, records: &[StoredRecord]) {
        let bytes: usize = records.iter().map(|record| record.bytes).sum();
        if bytes > CHUNK_BYTES {
            self.chunk = (self.chunk / 4).max(1);
        } else if bytes < CHUNK_BYTES / 8 && i64::try_from(records.len()).is_ok_and(|length| length >= self.chunk) {
            self.chunk = (self.chunk * 4).min(LONGEST_CHUNK);
        }
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

fn too_much_to_sort() -> Error {
    let problem = "holds too long texts to sort so many records; select fewer of them, or ask for pages";
    Error::invalid("order_by", problem)
}
