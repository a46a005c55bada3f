//! Where a column's values are in the data of a record: bare names with dots, below `data`.

use std::fmt;

use serde_json::{Map, Value};

/// A column's place: at least one name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Field(Vec<String>);

impl Field {
    /// Reads `data.` and bare names with dots.
    pub fn parse(text: &str) -> Option<Self> {
        Self::parse_bare(text.strip_prefix("data.")?)
    }

    /// Reads bare names with dots, without `data.`.
    pub fn parse_bare(text: &str) -> Option<Self> {
        let names: Vec<String> = text.split('.').map(ToOwned::to_owned).collect();
        names.iter().all(|name| is_bare(name)).then_some(Self(names))
    }

    /// A member of the data itself, whatever its name.
    pub fn member(name: &str) -> Self {
        Self(vec![name.to_owned()])
    }

    /// Members inside each other, whatever their names.
    pub(super) fn of_names(names: Vec<String>) -> Self {
        Self(names)
    }

    /// Its names, from the outside to the inside.
    pub fn names(&self) -> &[String] {
        &self.0
    }

    /// Without `data.`.
    pub fn bare(&self) -> String {
        self.0.join(".")
    }

    /// Whether one of the two is inside of the other, or they are the same.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0) || other.0.starts_with(&self.0)
    }

    /// The value there; `None` where the path leads nowhere.
    pub fn find<'a>(&self, data: &'a Map<String, Value>) -> Option<&'a Value> {
        let (last, parents) = self.0.split_last()?;
        parents.iter().try_fold(data, |map, name| map.get(name)?.as_object())?.get(last)
    }

    /// The value there, to be changed.
    pub fn find_mut<'a>(&self, data: &'a mut Map<String, Value>) -> Option<&'a mut Value> {
        let (last, parents) = self.0.split_last()?;
        parents.iter().try_fold(data, |map, name| map.get_mut(name)?.as_object_mut())?.get_mut(last)
    }

    /// Puts a value there, making the objects on the way. What is in the way and no object is replaced.
    pub fn set(&self, data: &mut Map<String, Value>, value: Value) {
        let Some((last, parents)) = self.0.split_last() else { return };
        let mut map = data;
        for name in parents {
            let inner = map.entry(name.clone()).or_insert_with(|| Value::Object(Map::new()));
            if !inner.is_object() {
                *inner = Value::Object(Map::new());
            }
            match inner.as_object_mut() {
                Some(object) => map = object,
                None => return,
            }
        }
        map.insert(last.clone(), value);
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "data.{}", self.bare())
    }
}

/// `[A-Za-z0-9_]` and every character from U+0080.
fn is_bare(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || u32::from(c) >= 0x80)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_are_bare_names_below_data() {
        for (text, expected) in [
            ("data.a", Some("data.a")),
            ("data.Größe.0_x", Some("data.Größe.0_x")),
            ("a", None),
            ("data.", None),
            ("data", None),
            ("data.a..b", None),
            ("data.a b", None),
            ("data.a-b", None),
            ("Data.a", None),
        ] {
            assert_eq!(Field::parse(text).map(|field| field.to_string()).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn values_are_found_set_and_changed_where_the_path_leads() {
        let Value::Object(mut data) = json!({"a": {"b": 1}, "t": "x"}) else { panic!("an object") };
        let field = |text: &str| Field::parse_bare(text).unwrap();
        assert_eq!(field("a.b").find(&data), Some(&json!(1)));
        assert_eq!((field("a.c").find(&data), field("t.b").find(&data)), (None, None));
        field("t.b").set(&mut data, json!(2));
        field("n.m").set(&mut data, json!(3));
        *field("a.b").find_mut(&mut data).unwrap() = json!(4);
        assert_eq!(Value::Object(data), json!({"a": {"b": 4}, "t": {"b": 2}, "n": {"m": 3}}));
        assert!(field("a").overlaps(&field("a.b")) && !field("a.b").overlaps(&field("a.bc")));
    }
}
