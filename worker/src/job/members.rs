//! The members of a job's JSON object: each parsed once, with the text of those that are echoed or cached by it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Error, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::canonical::Fragment;

/// Echoed byte for byte, so that a second one of the same name is an error.
const ECHOED: [&str; 4] = ["id", "process", "request", "element"];
/// The same in all jobs of an element, and cached by its text.
pub(super) const CONFIG: &str = "config";

/// One member.
enum Member<'a> {
    /// Parsed.
    Value(Value),
    /// Parsed, and its text.
    Echoed(Value, &'a RawValue),
    /// Only its text.
    Text(&'a RawValue),
}

/// Members by name; of two with one name the last one counts, as in most JSON parsers.
pub(super) struct JobMembers<'a>(BTreeMap<Cow<'a, str>, Member<'a>>);

impl<'a> JobMembers<'a> {
    /// A parsed member that is not null.
    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        match self.0.get(name) {
            Some(Member::Value(value) | Member::Echoed(value, _)) => Some(value).filter(|value| !value.is_null()),
            Some(Member::Text(_)) | None => None,
        }
    }

    /// Takes a parsed member out that is not null.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        match self.0.remove(name) {
            Some(Member::Value(value) | Member::Echoed(value, _)) => Some(value).filter(|value| !value.is_null()),
            Some(Member::Text(_)) | None => None,
        }
    }

    /// The text of an echoed or cached member.
    pub(super) fn text(&self, name: &str) -> Option<&'a RawValue> {
        match self.0.get(name) {
            Some(Member::Text(text) | Member::Echoed(_, text)) => Some(text),
            Some(Member::Value(_)) | None => None,
        }
    }

    /// Every member as a fragment of the canonical JSON; `config` is the canonical text of the one that is cached.
    pub(super) fn fragments<'b>(&'b self, config: &'b [u8]) -> impl Iterator<Item = (&'b str, Fragment<'b>)> {
        self.0.iter().map(move |(name, member)| match member {
            Member::Value(value) | Member::Echoed(value, _) => (name.as_ref(), Fragment::Value(value)),
            Member::Text(_) => (name.as_ref(), Fragment::Canonical(config)),
        })
    }
}

impl<'de> Deserialize<'de> for JobMembers<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(JobMembersVisitor)
    }
}

struct JobMembersVisitor;

#[derive(Deserialize)]
struct MemberName<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Visitor<'de> for JobMembersVisitor {
    type Value = JobMembers<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<JobMembers<'de>, A::Error> {
        let mut members = BTreeMap::new();
        while let Some(MemberName(name)) = object.next_key()? {
            let echoed = ECHOED.into_iter().find(|echoed| *echoed == name);
            let member = if echoed.is_some() {
                let text: &RawValue = object.next_value()?;
                Member::Echoed(serde_json::from_str(text.get()).map_err(A::Error::custom)?, text)
            } else if name == CONFIG {
                Member::Text(object.next_value()?)
            } else {
                Member::Value(object.next_value()?)
            };
            if members.insert(name, member).is_some()
                && let Some(name) = echoed
            {
                return Err(A::Error::duplicate_field(name));
            }
        }
        Ok(JobMembers(members))
    }
}
