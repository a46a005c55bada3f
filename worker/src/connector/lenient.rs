//! Reads members of records that PHP, people and YAML write in several ways.

use std::time::Duration;

use serde_json::{Map, Value};

use super::{Invalid, duration};
use crate::job::kind_of;

/// An object and its path in the record; errors name the path of the member.
#[derive(Debug, Clone)]
pub(super) struct Reader<'a> {
    members: &'a Map<String, Value>,
    path: String,
}

impl<'a> Reader<'a> {
    /// A reader of the object at `path`; empty for the record itself.
    pub(super) fn new(members: &'a Map<String, Value>, path: impl Into<String>) -> Self {
        Self { members, path: path.into() }
    }

    /// The path of a member.
    pub(super) fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// A problem of a member.
    pub(super) fn invalid(&self, name: &str, problem: impl Into<String>) -> Invalid {
        Invalid::new(self.path_of(name), problem)
    }

    /// A problem of the object itself.
    pub(super) fn invalid_object(&self, problem: impl Into<String>) -> Invalid {
        Invalid::new(self.path.as_str(), problem)
    }

    /// A member as it is.
    pub(super) fn value(&self, name: &str) -> Option<&'a Value> {
        self.members.get(name)
    }

    /// The names of all members.
    pub(super) fn names(&self) -> impl Iterator<Item = &'a String> {
        self.members.keys()
    }

    /// A text member: absent and null are `None`, numbers are text.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, Invalid> {
        match self.value(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(other) => Err(self.wrong(name, "a text", other)),
        }
    }

    /// A text member; a blank one is `None`, since designers' tools write every field.
    pub(super) fn filled_text(&self, name: &str) -> Result<Option<String>, Invalid> {
        Ok(self.text(name)?.filter(|text| !text.trim().is_empty()))
    }

    /// A text member that must be there and not be blank.
    pub(super) fn required_text(&self, name: &str) -> Result<String, Invalid> {
        self.filled_text(name)?.ok_or_else(|| self.invalid(name, "is missing"))
    }

    /// One of a few words, in any case.
    pub(super) fn choice<T: Copy>(&self, name: &str, choices: &[(&str, T)]) -> Result<Option<T>, Invalid> {
        let Some(text) = self.filled_text(name)? else { return Ok(None) };
        if let Some((_, chosen)) = choices.iter().find(|(word, _)| word.eq_ignore_ascii_case(text.trim())) {
            return Ok(Some(*chosen));
        }
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        Err(self.invalid(name, format!("`{text}` is not {}", words.join(" or "))))
    }

    /// A whole number; PHP and number inputs write 3 as 3.0 now and then.
    pub(super) fn whole(&self, name: &str) -> Result<Option<u32>, Invalid> {
        let Some(text) = self.filled_text(name)? else { return Ok(None) };
        let trimmed = text.trim();
        let zeros = |fraction: &str| fraction.bytes().all(|digit| digit == b'0');
        let digits =
            trimmed.split_once('.').filter(|(_, fraction)| zeros(fraction)).map_or(trimmed, |(whole, _)| whole);
        digits.parse().map(Some).map_err(|_| self.invalid(name, format!("`{text}` is not a whole number")))
    }

    /// A length of time.
    pub(super) fn duration(&self, name: &str) -> Result<Option<Duration>, Invalid> {
        duration(self.value(name)).map_err(|problem| self.invalid(name, problem))
    }

    /// A yes or no; 0 and 1 and their texts are accepted.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Invalid> {
        match self.value(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(value) => match value.to_string().trim_matches('"') {
                "1" | "true" => Ok(Some(true)),
                "0" | "false" | "" => Ok(Some(false)),
                _ => Err(self.wrong(name, "true or false", value)),
            },
        }
    }

    /// A list of objects; absent and null are `None`.
    pub(super) fn rows(&self, name: &str) -> Result<Option<Vec<Self>>, Invalid> {
        match self.value(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Array(list)) => self.objects(name, list).map(Some),
            // PHP writes a list with gaps as an object; its values are the rows.
            Some(Value::Object(map)) => self.objects(name, map.values()).map(Some),
            Some(other) => Err(self.wrong(name, "a list", other)),
        }
    }

    fn objects(&self, name: &str, values: impl IntoIterator<Item = &'a Value>) -> Result<Vec<Self>, Invalid> {
        let object = |(index, value): (usize, &'a Value)| {
            let name = format!("{name}.{index}");
            let members = value.as_object().ok_or_else(|| self.wrong(&name, "an object", value))?;
            Ok(Self::new(members, self.path_of(&name)))
        };
        values.into_iter().enumerate().map(object).collect()
    }

    /// An object member; `[]` is an empty one, absent and null are `None`.
    pub(super) fn object(&self, name: &str) -> Result<Option<Self>, Invalid> {
        match self.value(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Array(list)) if list.is_empty() => Ok(None),
            Some(Value::Object(map)) => Ok(Some(Self::new(map, self.path_of(name)))),
            Some(other) => Err(self.wrong(name, "an object", other)),
        }
    }

    fn wrong(&self, name: &str, expected: &str, found: &Value) -> Invalid {
        self.invalid(name, format!("must be {expected}, not {}", kind_of(found)))
    }
}
