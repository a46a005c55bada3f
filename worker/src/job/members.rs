//! A message's members: each read once, and the text of those that are echoed or known by it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Error, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::canonical::Part;

/// Echoed byte for byte: a second one would make the echo ambiguous.
const ECHOED: [&str; 4] = ["id", "process", "request", "element"];
/// The same in all jobs of an element, and known by its text.
pub(super) const CONFIG: &str = "config";

/// One member.
enum Member<'a> {
    /// Read.
    Value(Value),
    /// Read, and its text.
    Echoed(Value, &'a RawValue),
    /// Only its text.
    Text(&'a RawValue),
}

/// A JSON object's members by name; of those that come twice the last one counts, as readers of JSON have it.
pub(super) struct Members<'a>(HashMap<Cow<'a, str>, Member<'a>>);

impl<'a> Members<'a> {
    /// A member that was read and is not null.
    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        match self.0.get(name) {
            Some(Member::Value(value) | Member::Echoed(value, _)) => Some(value).filter(|value| !value.is_null()),
            Some(Member::Text(_)) | None => None,
        }
    }

    /// Takes a member out that was read and is not null.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        match self.0.remove(name) {
            Some(Member::Value(value) | Member::Echoed(value, _)) => Some(value).filter(|value| !value.is_null()),
            Some(Member::Text(_)) | None => None,
        }
    }

    /// A member's text, where that is kept.
    pub(super) fn text(&self, name: &str) -> Option<&'a RawValue> {
        match self.0.get(name) {
            Some(Member::Text(text) | Member::Echoed(_, text)) => Some(text),
            Some(Member::Value(_)) | None => None,
        }
    }

    /// What each is written from in the canonical JSON; `config` is that of the one known by its text.
    pub(super) fn parts<'b>(&'b self, config: &'b [u8]) -> impl Iterator<Item = (&'b str, Part<'b>)> {
        self.0.iter().map(move |(name, member)| match member {
            Member::Value(value) | Member::Echoed(value, _) => (name.as_ref(), Part::Value(value)),
            Member::Text(_) => (name.as_ref(), Part::Written(config)),
        })
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Object)
    }
}

struct Object;

#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Visitor<'de> for Object {
    type Value = Members<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Members<'de>, A::Error> {
        let mut members = HashMap::new();
        while let Some(Name(name)) = object.next_key()? {
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
        Ok(Members(members))
    }
}
