//! Which parts of an answer its mapping reads: of a large one, no more than those are built in memory.
//!
//! What is left out is parsed all the same, so that a body that is not JSON is none whatever the mapping reads.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// All of a value, or some of its members.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Projection {
    All,
    Members(BTreeMap<String, Projection>),
}

impl Default for Projection {
    /// Nothing.
    fn default() -> Self {
        Self::Members(BTreeMap::new())
    }
}

impl Projection {
    /// Adds the part at this path of names.
    pub(super) fn add<'a>(&mut self, mut names: impl Iterator<Item = &'a str>) {
        match (names.next(), &mut *self) {
            (_, Self::All) => {}
            (None, Self::Members(_)) => *self = Self::All,
            (Some(name), Self::Members(members)) => members.entry(name.to_owned()).or_default().add(names),
        }
    }

    /// Reads JSON.
    ///
    /// # Errors
    /// What is no JSON, read or left out.
    pub(super) fn read(&self, json: &str) -> serde_json::Result<Value> {
        let mut deserializer = serde_json::Deserializer::from_str(json);
        let value = self.deserialize(&mut deserializer)?;
        deserializer.end().map(|()| value)
    }
}

impl<'de> DeserializeSeed<'de> for &Projection {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        match self {
            Projection::All => serde::Deserialize::deserialize(deserializer),
            Projection::Members(members) => deserializer.deserialize_any(Members(members)),
        }
    }
}

/// An object of which some members are projected; a list, whose items have no names, is read whole.
struct Members<'a>(&'a BTreeMap<String, Projection>);

impl<'de> Visitor<'de> for Members<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let mut read = Map::new();
        while let Some(found) = object.next_key_seed(Name(self.0))? {
            match found {
                Member::Projected(name, projection) => {
                    let value = object.next_value_seed(projection)?;
                    read.insert(name, value);
                }
                Member::LeftOut => object.next_value_seed(LeftOut)?,
                Member::Number => {
                    let digits: String = object.next_value()?;
                    return digits.parse().map(Value::Number).map_err(Error::custom);
                }
            }
        }
        Ok(Value::Object(read))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut read = Vec::new();
        while let Some(item) = list.next_element()? {
            read.push(item);
        }
        Ok(Value::Array(read))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
}

/// As what `serde_json` hands on a number with all its digits: an object with this one member.
pub(super) const NUMBER: &str = "$serde_json::private::Number";

/// What a member's name says.
enum Member<'a> {
    Projected(String, &'a Projection),
    LeftOut,
    /// The object is a number.
    Number,
}

struct Name<'a>(&'a BTreeMap<String, Projection>);

impl<'de, 'a> DeserializeSeed<'de> for Name<'a> {
    type Value = Member<'a>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'a> Visitor<'_> for Name<'a> {
    type Value = Member<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(match self.0.get(name) {
            Some(projection) => Member::Projected(name.to_owned(), projection),
            None if name == NUMBER => Member::Number,
            None => Member::LeftOut,
        })
    }
}

/// A value that is not projected: parsed as strictly as any other one, and dropped.
struct LeftOut;

impl<'de> DeserializeSeed<'de> for LeftOut {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for LeftOut {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        while object.next_key_seed(LeftOut)?.is_some() {
            object.next_value_seed(LeftOut)?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(LeftOut)?.is_some() {}
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn projection(paths: &[&str]) -> Projection {
        let mut projection = Projection::default();
        for path in paths {
            projection.add(path.split('.'));
        }
        projection
    }

    #[test]
    fn no_more_than_the_projection_is_built() {
        let answer = json!({
            "a": {"b": {"c": 1, "d": 2}, "e": [1, 2]}, "f": [{"g": 1, "h": 2}], "i": "text", "j": null, "k": -1.5});
        let text = &answer.to_string();
        for (paths, expected) in [
            (&["a.b.c"][..], json!({"a": {"b": {"c": 1}}})),
            (&["a.b.c", "a.b"], json!({"a": {"b": {"c": 1, "d": 2}}})),
            (&["a.b", "a.b.c"], json!({"a": {"b": {"c": 1, "d": 2}}})),
            (&["a.e.0", "i.x"], json!({"a": {"e": [1, 2]}, "i": "text"})),
            (&["f.0.g"], json!({"f": [{"g": 1, "h": 2}]})),
            (&["j.x", "k.x"], json!({"j": null, "k": -1.5})),
            (&["x.y"], json!({})),
            (&[], json!({})),
        ] {
            assert_eq!(projection(paths).read(text).unwrap(), expected, "{paths:?}");
        }
        let mut all = projection(&["a.b"]);
        all.add(std::iter::empty());
        assert_eq!((&all, all.read(text).unwrap()), (&Projection::All, answer));
    }

    #[test]
    fn the_last_of_two_members_with_one_name_counts() {
        assert_eq!(projection(&["a.b"]).read(r#"{"a": {"b": 1}, "a": {"b": 2}}"#).unwrap(), json!({"a": {"b": 2}}));
    }

    #[test]
    fn what_is_left_out_has_to_be_json_too() {
        let deep = format!(r#"{{"x": {}}}"#, "[".repeat(200) + &"]".repeat(200));
        for text in [r#"{"x": [1,]}"#, r#"{"x": "\ud800"}"#, r#"{"x": 1} {}"#, r#"{"x": nul}"#, &deep] {
            let (whole, part) = (Projection::All.read(text), projection(&["a"]).read(text));
            assert_eq!(part.unwrap_err().to_string(), whole.unwrap_err().to_string(), "{text}");
        }
    }
}
