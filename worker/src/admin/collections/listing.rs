//! Lists of records (COLLECTIONS 3): what their parameters mean, and their pages as a stream.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::selection::{Criteria, OrderKey, Selection};
use super::{Collection, Error, Names, embedded, record_json};
use crate::collections::path::Path;
use crate::collections::pmql::Query;
use crate::collections::problems::Problems;
use crate::store::Store;

/// Everything on one page: what ProcessMaker shows for it.
const EVERYTHING: u64 = i64::MAX.unsigned_abs();

/// What a list is asked for.
#[derive(Debug)]
pub struct ListQuery {
    pub(super) criteria: Criteria,
    filter: String,
    sort_by: String,
    per_page: u64,
    page: u64,
    includes_collection: bool,
}

impl ListQuery {
    /// Reads the parameters of a list; unknown ones are ignored, blank ones are as if they were absent.
    ///
    /// # Errors
    /// What cannot be used, by parameter, and where a `pmql` stops being one.
    pub fn parse<'a>(parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, Error> {
        let mut query = Self {
            criteria: Criteria::default(),
            filter: String::new(),
            sort_by: "id".to_owned(),
            per_page: EVERYTHING,
            page: 1,
            includes_collection: false,
        };
        let mut problems = Problems::default();
        for (name, value) in parameters {
            // A space may be looked for; of everything else nothing is left of blanks.
            let is_blank = if name == "filter" { value.is_empty() } else { value.trim().is_empty() };
            if is_blank {
                continue;
            }
            if let Err(problem) = query.set(name, value)? {
                problems.add(name, problem);
            }
        }
        problems.into_result()?;
        query.criteria.limit = query.per_page;
        query.criteria.offset = (query.page - 1).saturating_mul(query.per_page);
        Ok(query)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<Result<(), String>, Error> {
        match name {
            "pmql" => {
                self.criteria.pmql = Some(Query::parse(value)?);
                self.criteria.pmql_text = Some(value.to_owned());
            }
            "filter" => {
                value.clone_into(&mut self.filter);
                self.criteria.filter = Some(value.to_lowercase());
            }
            "groupBy" => match Path::parse(value) {
                Ok(path) => self.criteria.group_by = Some(path),
                Err(error) => return Ok(Err(format!("must be a path such as data.country: {error}"))),
            },
            "order_by" => match order_by(value) {
                Ok(keys) => {
                    self.criteria.order_by = keys;
                    value.clone_into(&mut self.sort_by);
                }
                Err(problem) => return Ok(Err(problem)),
            },
            "order_direction" => match value.to_ascii_lowercase().as_str() {
                "asc" => self.criteria.is_descending = false,
                "desc" => self.criteria.is_descending = true,
                _ => return Ok(Err("must be asc or desc".to_owned())),
            },
            "per_page" => match from_one(value) {
                Some(number) => self.per_page = number,
                None => return Ok(Err("must be a number from 1".to_owned())),
            },
            "page" => match from_one(value) {
                Some(number) => self.page = number,
                None => return Ok(Err("must be a number from 1".to_owned())),
            },
            "include" => self.includes_collection = value.split(',').any(|word| word.trim() == "collection"),
            _ => {}
        }
        Ok(Ok(()))
    }

    /// How many records a page has.
    pub fn per_page(&self) -> u64 {
        self.per_page
    }
}

fn from_one(value: &str) -> Option<u64> {
    let value = value.trim();
    let is_number = value.bytes().all(|byte| byte.is_ascii_digit());
    // Any number is taken as it is; one that no collection reaches is everything.
    let number = if is_number { value.parse().unwrap_or(EVERYTHING) } else { 0 };
    (number > 0).then_some(number.min(EVERYTHING))
}

/// Paths, or `id`, `created_at`, `updated_at`, with commas.
fn order_by(value: &str) -> Result<Vec<OrderKey>, String> {
    let key = |part: &str| match part {
        "id" => Ok(OrderKey::Id),
        "created_at" => Ok(OrderKey::CreatedAt),
        "updated_at" => Ok(OrderKey::UpdatedAt),
        path => Path::parse(path)
            .map(OrderKey::Path)
            .map_err(|_| format!("`{path}` is neither id, created_at, updated_at nor a path such as data.country")),
    };
    parts(value).into_iter().map(key).collect()
}

/// Parts between commas that are not in quotes.
pub(super) fn parts(text: &str) -> Vec<&str> {
    let (mut parts, mut begin, mut quote, mut escaped) = (Vec::new(), 0, None, false);
    for (at, character) in text.char_indices() {
        match (quote, character) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), character) if character == open => quote = None,
            (None, '"' | '\'') => quote = Some(character),
            (None, ',') => {
                parts.push(text.get(begin..at).unwrap_or_default());
                begin = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text.get(begin..).unwrap_or_default());
    parts.into_iter().map(str::trim).collect()
}

/// A page of records as a stream of JSON: `{"data": [records], "meta": {…}}`.
pub struct Listing {
    selection: Selection,
    query: Shown,
    names: Names,
    state: State,
}

/// Records that a query selects, a few at a time, each as the API shows it.
pub struct Records {
    selection: Selection,
    names: Names,
}

impl Records {
    /// Begins to read.
    ///
    /// # Errors
    /// When the query cannot be answered, or the database cannot be reached.
    pub async fn begin(store: &Store, collection: Collection, query: ListQuery) -> Result<Self, Error> {
        let names = Names::of(store).await?;
        Ok(Self { selection: Selection::new(store.clone(), collection, query.criteria).await?, names })
    }

    /// The next few records; none at the end.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn next(&mut self) -> Result<Option<Vec<Map<String, Value>>>, Error> {
        let Some(records) = self.selection.next().await? else { return Ok(None) };
        let collection = self.selection.collection();
        Ok(Some(records.iter().map(|record| record_json(collection, record, &self.names)).collect()))
    }
}

/// What `meta` says of the query.
struct Shown {
    filter: String,
    sort_by: String,
    is_descending: bool,
    per_page: u64,
    page: u64,
    path: String,
    includes_collection: bool,
}

#[derive(PartialEq, Eq)]
enum State {
    Begin,
    Records,
    End,
}

/// Begins a list; `path` is what `meta` shows as the path that was asked.
///
/// # Errors
/// When the query cannot be answered, or the database cannot be reached.
pub async fn list_records(
    store: &Store,
    collection: Collection,
    query: ListQuery,
    path: &str,
) -> Result<Listing, Error> {
    let shown = Shown {
        filter: query.filter,
        sort_by: query.sort_by,
        is_descending: query.criteria.is_descending,
        per_page: query.per_page,
        page: query.page,
        path: path.to_owned(),
        includes_collection: query.includes_collection,
    };
    let names = Names::of(store).await?;
    let selection = Selection::new(store.clone(), collection, query.criteria).await?;
    Ok(Listing { selection, query: shown, names, state: State::Begin })
}

impl Listing {
    /// The next part of the JSON; none at the end.
    ///
    /// # Errors
    /// When the database cannot be reached: the answer is not whole.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        if self.state == State::End {
            return Ok(None);
        }
        let mut text = String::new();
        let is_first = std::mem::replace(&mut self.state, State::Records) == State::Begin;
        if is_first {
            text.push_str("{\"data\":[");
        }
        if let Some(records) = self.selection.next().await? {
            let collection = self.selection.collection();
            let embedded = self.query.includes_collection.then(|| embedded(collection));
            for (at, record) in records.iter().enumerate() {
                let mut record = record_json(collection, record, &self.names);
                if let Some(collection) = &embedded {
                    record.insert("collection".to_owned(), collection.clone());
                }
                if at > 0 || !is_first {
                    text.push(',');
                }
                text.push_str(&Value::Object(record).to_string());
            }
        } else {
            text.push_str("],\"meta\":");
            text.push_str(&self.meta().to_string());
            text.push('}');
            self.state = State::End;
        }
        Ok(Some(Bytes::from(text)))
    }

    fn meta(&self) -> Value {
        let (total, count, per_page) = (self.selection.total(), self.selection.given(), self.query.per_page);
        let pages = total.div_ceil(per_page).max(1);
        let from = (self.query.page - 1).saturating_mul(per_page).saturating_add(1);
        let range = (count > 0).then(|| (from, from + count - 1));
        json!({
            "filter": self.query.filter, "sort_by": self.query.sort_by,
            "sort_order": if self.query.is_descending { "desc" } else { "asc" },
            "count": count, "total_pages": pages, "current_page": self.query.page, "from": range.map(|range| range.0),
            "last_page": pages, "path": self.query.path, "per_page": per_page, "to": range.map(|range| range.1),
            "total": total,
        })
    }
}
