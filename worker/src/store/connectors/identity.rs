//! Which connector a record is about: by uuid, id or name.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value};

use crate::store::dead_letters::without_nul;

/// What identifies a connector.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct Identity {
    pub(super) id: i64,
    pub(super) uuid: String,
    pub(super) name: String,
}

/// What a record says about its identity, as far as it does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identification {
    /// `id`.
    pub id: Option<i64>,
    /// `uuid`.
    pub uuid: Option<String>,
    /// `name`.
    pub name: String,
}

/// What an import does with a record that is about a connector that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Existing {
    /// Updates it.
    #[default]
    Update,
    /// Refuses the record.
    Refuse,
}

/// Why a record cannot be stored beside those that are there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Conflict {
    /// The connector that was to be changed is gone.
    Gone,
    /// Another connector has the name.
    NameTaken,
    /// A connector has the uuid, and none may be updated.
    UuidTaken,
    /// The id belongs to another connector; a sentence for people.
    IdTaken(String),
}

/// The connector that a record becomes.
#[derive(Debug, Clone)]
pub(super) struct Settled {
    pub(super) id: i64,
    pub(super) uuid: String,
    /// It was not there before.
    pub(super) created: bool,
    /// What the record asked for and did not get: sentences.
    pub(super) warnings: Vec<String>,
}

impl Identification {
    /// Takes `id` and `uuid` out of a record, and reads its name; blank where there is none.
    pub fn take(record: &mut Map<String, Value>) -> Self {
        let uuid = text(record.remove("uuid").as_ref()).map(|uuid| without_nul(&uuid));
        let id = text(record.remove("id").as_ref()).and_then(|id| id.parse().ok());
        Self { id, uuid, name: text(record.get("name")).unwrap_or_default() }
    }
}

/// The connectors that are there.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// By uuid in lower case.
    by_uuid: HashMap<String, Identity>,
    /// The uuid of each number, in lower case.
    ids: BTreeMap<i64, String>,
    /// The uuid of each name, in lower case.
    names: HashMap<String, String>,
}

impl Known {
    /// Those that are stored.
    pub(super) fn new(identities: Vec<Identity>) -> Self {
        let mut known = Self::default();
        for identity in identities {
            known.note(identity);
        }
        known
    }

    /// Notes what a connector is called from now on.
    pub(super) fn note(&mut self, now: Identity) {
        let key = now.uuid.to_ascii_lowercase();
        if let Some(before) = self.by_uuid.get(&key) {
            self.names.remove(&before.name);
        }
        self.ids.insert(now.id, key.clone());
        self.names.insert(now.name.clone(), key.clone());
        self.by_uuid.insert(key, now);
    }

    fn with_uuid(&self, uuid: &str) -> Option<&Identity> {
        self.by_uuid.get(&uuid.to_ascii_lowercase())
    }

    fn with_id(&self, id: i64) -> Option<&Identity> {
        self.by_uuid.get(self.ids.get(&id)?)
    }

    fn with_name(&self, name: &str) -> Option<&Identity> {
        self.by_uuid.get(self.names.get(name)?)
    }

    /// Whether another connector than `uuid` has the name.
    pub(super) fn has_name(&self, name: &str, uuid: &str) -> bool {
        self.with_name(name).is_some_and(|known| !known.uuid.eq_ignore_ascii_case(uuid))
    }

    /// The connector with this uuid, as it is there.
    pub(super) fn of(&self, uuid: &str) -> Result<Settled, Conflict> {
        let found = self.with_uuid(uuid).ok_or(Conflict::Gone)?;
        Ok(Settled { id: found.id, uuid: found.uuid.clone(), created: false, warnings: Vec::new() })
    }

    /// A connector that is not there yet; with its id and uuid where they are given and free.
    pub(super) fn added(&self, given: &Identification) -> Settled {
        let (mut id, mut warnings) = (given.id, Vec::new());
        if let Some(other) = id.and_then(|id| self.with_id(id)) {
            let problem =
                format!("connector `{}`: id {} belongs to `{}`; it gets another one", given.name, other.id, other.name);
            warnings.push(problem);
            id = None;
        }
        let next = self.ids.last_key_value().map_or(0, |(id, _)| *id).max(0).saturating_add(1);
        Settled {
            id: id.unwrap_or(next),
            uuid: given.uuid.clone().unwrap_or_else(|| uuid::Uuid::new_v4().to_string()),
            created: true,
            warnings,
        }
    }

    /// The connector that a record of an import is about.
    pub(super) fn settle(&self, given: &Identification, existing: Existing) -> Result<Settled, Conflict> {
        let by_uuid = given.uuid.as_deref().and_then(|uuid| self.with_uuid(uuid));
        let by_id = given.id.and_then(|id| self.with_id(id));
        let by_name = self.with_name(&given.name);
        if existing == Existing::Refuse {
            return match (by_name, by_uuid) {
                (Some(_), _) => Err(Conflict::NameTaken),
                (None, Some(_)) => Err(Conflict::UuidTaken),
                (None, None) => Ok(self.added(given)),
            };
        }
        let found = by_uuid.or(by_id).or(by_name);
        if by_name.is_some_and(|other| found.is_some_and(|found| found.uuid != other.uuid)) {
            return Err(Conflict::NameTaken);
        }
        // A number means something in one installation only: with another uuid and another name it is another connector,
        // whose credentials must not go where this record points.
        if let (None, Some(other), None, Some(uuid)) = (by_uuid, by_id, by_name, &given.uuid) {
            return Err(Conflict::IdTaken(format!(
                "id {} belongs to connector `{}` (uuid {}), not to `{}` (uuid {uuid}); leave `id` out of the record",
                other.id, other.name, other.uuid, given.name
            )));
        }
        let Some(found) = found else { return Ok(self.added(given)) };
        let other = given.uuid.as_ref().filter(|uuid| !found.uuid.eq_ignore_ascii_case(uuid));
        let kept = other
            .map(|uuid| format!("connector `{}` keeps its uuid {}; the record had {uuid}", given.name, found.uuid));
        Ok(Settled { id: found.id, uuid: found.uuid.clone(), created: false, warnings: kept.into_iter().collect() })
    }
}

fn text(value: Option<&Value>) -> Option<String> {
    match value {
        Some(Value::String(text)) if !text.is_empty() => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    }
}
