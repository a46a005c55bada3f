//! Making, changing, removing and importing connectors: what is given is laid over what is stored, judged, and stored with its
//! row in the audit log, in one transaction.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use url::Url;

use super::credentials::{Merged, merged};
use super::record::{authtype, category_ids, problems, settle_categories, strip_computed};
use super::{usage, warnings};
use crate::admin::By;
use crate::connector::Invalid;
use crate::store::{
    self, Conflict, Current, Draft, Existing, Identification, Store, StoredConnector, Subject, Written,
};

/// Why a connector is not written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Refusal {
    /// It is not there any more.
    #[error("there is no such connector")]
    Gone,
    /// It was changed since.
    #[error("it was changed since; read it again")]
    Stale,
    /// Another connector has the name; the text is the one that ProcessMaker's pages look for.
    #[error("The Name has already been taken.")]
    NameTaken,
    /// A member that cannot be used.
    #[error("{0}")]
    Invalid(Invalid),
    /// Models use it.
    #[error("{0}")]
    InUse(String),
    /// The database, or a key.
    #[error(transparent)]
    Store(store::Error),
}

impl From<Conflict> for Refusal {
    fn from(conflict: Conflict) -> Self {
        match conflict {
            Conflict::Gone => Self::Gone,
            Conflict::NameTaken => Self::NameTaken,
            Conflict::UuidTaken => Self::Invalid(Invalid::new("uuid", "a connector with this uuid is there already")),
            Conflict::IdTaken(problem) => Self::Invalid(Invalid::new("id", problem)),
        }
    }
}

impl From<store::Error> for Refusal {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}

/// How a record is taken.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// What is done with a record that is about a connector that is there.
    pub existing: Existing,
    /// Whether credentials may lack members.
    pub incomplete: Incomplete,
}

/// Whether credentials may lack members; until they are set, calls fail as `AUTH`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Incomplete {
    /// They may not.
    #[default]
    Refused,
    /// Those of records that hold none at all, as exports of the command line do.
    WhereAbsent,
    /// They may.
    Allowed,
}

impl Incomplete {
    fn is_allowed(self, given: Option<&Value>) -> bool {
        match self {
            Self::Refused => false,
            Self::WhereAbsent => !matches!(given, Some(Value::Object(members)) if !members.is_empty()),
            Self::Allowed => true,
        }
    }
}

/// Whether a URL without variables would be let out, and why not.
pub type Judge<'a> = &'a (dyn Fn(&Url) -> Option<String> + Send + Sync);

/// Makes a connector; id and uuid are new.
///
/// # Errors
/// What cannot be used, or that the database cannot be reached.
pub async fn create(
    store: &Store,
    record: Map<String, Value>,
    options: Options,
    (judge, by): (Judge<'_>, &By),
) -> Result<Written, Vec<Refusal>> {
    let draft = |_: usize, _: Option<&Current<'_>>, categories: &BTreeSet<i64>| {
        let mut record = record.clone();
        let given = record.remove("credentials");
        strip_computed(&mut record);
        drafted(record, given.as_ref(), None, (options, categories, judge))
    };
    let entry = |written: &Written| by.entry("connector.created", &written.imported.uuid, changed(written));
    let written = store.connectors().write(&[Subject::New], draft, entry).await.map_err(|error| vec![error.into()])?;
    one(written)
}

/// Lays members over the connector with this uuid, if `is_current` says that it is the one that is meant.
///
/// # Errors
/// What cannot be used, or that the database cannot be reached.
pub async fn update(
    store: &Store,
    uuid: &str,
    members: Map<String, Value>,
    is_current: impl Fn(&StoredConnector) -> bool + Send + Sync,
    (judge, by): (Judge<'_>, &By),
) -> Result<Written, Vec<Refusal>> {
    let draft = |_: usize, current: Option<&Current<'_>>, categories: &BTreeSet<i64>| {
        let current = current.ok_or_else(|| vec![Refusal::Gone])?;
        if !is_current(&current.stored) {
            return Err(vec![Refusal::Stale]);
        }
        let mut members = members.clone();
        let given = members.remove("credentials");
        strip_computed(&mut members);
        let mut record = current.stored.record.clone();
        // A category that is gone does not keep anybody from changing something else.
        let mut categories = categories.clone();
        if members.get("data_source_category_id") == record.get("data_source_category_id") {
            categories.extend(category_ids(&record).unwrap_or_default());
        }
        record.extend(members);
        drafted(record, given.as_ref(), Some(current), (Options::default(), &categories, judge))
    };
    let entry = |written: &Written| by.entry("connector.updated", uuid, changed(written));
    let subject = [Subject::Of(uuid.to_owned())];
    one(store.connectors().write(&subject, draft, entry).await.map_err(|error| vec![error.into()])?)
}

/// Adds records, or replaces the connectors that they are about: all of them or none.
///
/// # Errors
/// What cannot be used, by the record's position from 0, or that the database cannot be reached.
pub async fn import(
    store: &Store,
    records: Vec<Map<String, Value>>,
    options: Options,
    (judge, by): (Judge<'_>, &By),
) -> Result<Vec<Written>, Vec<(usize, Refusal)>> {
    let prepared: Vec<(Subject, Map<String, Value>)> = records
        .into_iter()
        .map(|mut record| {
            let given = Identification::take(&mut record);
            (Subject::Record(given, options.existing), record)
        })
        .collect();
    let (subjects, records): (Vec<Subject>, Vec<Map<String, Value>>) = prepared.into_iter().unzip();
    let draft = |index: usize, current: Option<&Current<'_>>, categories: &BTreeSet<i64>| {
        let mut record = records.get(index).cloned().unwrap_or_default();
        let given = record.remove("credentials");
        strip_computed(&mut record);
        let (kept, gone) = known_categories(&record, categories);
        settle_categories(&mut record, &kept);
        let mut draft = drafted(record, given.as_ref(), current, (options, categories, judge))?;
        draft.warnings.extend(
            gone.into_iter()
                .map(|id| format!("connector `{}`: there is no category {id} here; it is left out", draft.name)),
        );
        Ok(draft)
    };
    let entry = |written: &Written| {
        let detail = json!({"created": written.imported.created, "changed": written.changed});
        by.entry("connector.imported", &written.imported.uuid, detail)
    };
    match store.connectors().write(&subjects, draft, entry).await {
        Ok(outcome) => outcome,
        Err(error) => Err(vec![(0, error.into())]),
    }
}

/// Removes the connector with this uuid; unless `forced`, not while the newest version of a model uses it.
///
/// # Errors
/// Why not, or that the database cannot be reached.
pub async fn remove(
    store: &Store,
    connector: &StoredConnector,
    forced: bool,
    is_current: impl Fn(&StoredConnector) -> bool + Send + Sync,
    by: &By,
) -> Result<(), Refusal> {
    let uses = if forced { Vec::new() } else { usage::of_models(store).await?.of(connector) };
    let refuse = |stored: &StoredConnector, owner: Option<&str>| {
        if !is_current(stored) {
            return Some(Refusal::Stale);
        }
        if let Some(owner) = owner {
            let name = &stored.name;
            return Some(Refusal::InUse(format!(
                "connector `{name}` was made with the collection `{owner}` and goes with it; remove the collection"
            )));
        }
        let first = uses.first()?;
        Some(Refusal::InUse(format!(
            "process `{}` version {} uses this connector in {}; change and deploy the model first, or add force=1",
            first.process,
            first.version,
            first.elements.join(", ")
        )))
    };
    let entry = by.entry("connector.deleted", &connector.uuid, json!({"name": connector.name}));
    store.connectors().remove(&connector.uuid, refuse, &entry).await?.unwrap_or(Err(Refusal::Gone))
}

fn one(written: Result<Vec<Written>, Vec<(usize, Refusal)>>) -> Result<Written, Vec<Refusal>> {
    let written = written.map_err(|refused| refused.into_iter().map(|(_, refusal)| refusal).collect::<Vec<_>>())?;
    written.into_iter().next().ok_or_else(|| vec![Refusal::Gone])
}

fn changed(written: &Written) -> Value {
    json!({"name": written.imported.name, "changed": written.changed})
}

/// The categories of a record that there are, and those that there are not: a number means something in one installation only.
fn known_categories(record: &Map<String, Value>, known: &BTreeSet<i64>) -> (Vec<i64>, Vec<i64>) {
    category_ids(record).unwrap_or_default().into_iter().partition(|id| known.contains(id))
}

/// A whole record with its credentials, judged.
fn drafted(
    mut record: Map<String, Value>,
    given: Option<&Value>,
    current: Option<&Current<'_>>,
    (options, categories, judge): (Options, &BTreeSet<i64>, Judge<'_>),
) -> Result<Draft, Vec<Refusal>> {
    let invalid = |all: Vec<Invalid>| all.into_iter().map(Refusal::Invalid).collect::<Vec<_>>();
    let mut found = problems(&record, categories);
    // Whoever can say whole credentials anew need not be able to open the old ones.
    let needs_stored =
        !matches!(given, Some(Value::Object(members)) if !members.values().any(|value| value == super::MASK));
    let stored = match current.filter(|_| needs_stored).map(Current::credentials).transpose() {
        Ok(stored) => stored.flatten(),
        Err(error) => return Err(vec![error.into()]),
    };
    let authtype = authtype(&record);
    let merged = match merged(given, stored.as_ref(), &authtype, options.incomplete.is_allowed(given)) {
        Ok(merged) => merged,
        Err(problems) => {
            found.extend(problems);
            return Err(invalid(found));
        }
    };
    if !found.is_empty() {
        return Err(invalid(found));
    }
    if let Some(ids) = category_ids(&record) {
        settle_categories(&mut record, &ids);
    }
    let name = record.get("name").map(text).unwrap_or_default();
    let before = current.map(|current| &current.stored.record);
    let mut changed = differing(before, &record);
    let Merged { credentials, changed: credentials_changed, missing } = merged;
    if credentials_changed {
        changed.push("credentials".to_owned());
    }
    let mut all = warnings::of_urls(&record, judge);
    all.extend(warnings::of_credentials(&record, credentials.as_ref()));
    all.extend(missing.iter().map(|member| {
        format!("connector `{name}`: credentials.{member} is missing; until it is set its calls fail as AUTH")
    }));
    Ok(Draft { name, record, credentials, credentials_changed, changed, warnings: all })
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

/// The members that are not the same in both.
fn differing(before: Option<&Map<String, Value>>, after: &Map<String, Value>) -> Vec<String> {
    let names: BTreeSet<&String> = before.into_iter().flat_map(Map::keys).chain(after.keys()).collect();
    let differs = |name: &&String| before.and_then(|before| before.get(*name)) != after.get(*name);
    names.into_iter().filter(differs).cloned().collect()
}
