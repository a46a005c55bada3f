//! Paths into the data of a record: `data.address.city`, `data."first name"`, `data.tags[0]`.

use std::fmt;

use serde_json::Value;

use super::quoted;

/// How many steps a path may have.
pub const MAX_STEPS: usize = 16;

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A member of an object.
    Member(String),
    /// An element of a list, from 0.
    Element(usize),
}

/// A path from `data`, with at least one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path(Vec<Step>);

/// Where a text stops being a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{expected} is expected")]
pub struct PathError {
    /// Bytes before the character that cannot be; the text's length at its end.
    pub offset: usize,
    /// What could stand there.
    pub expected: &'static str,
}

impl Path {
    /// Reads a whole text as a path.
    ///
    /// # Errors
    /// Where it stops being one.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        let (path, length) = Self::read(text)?;
        if length < text.len() {
            return Err(PathError { offset: length, expected: "`.`, `[` or the end" });
        }
        Ok(path)
    }

    /// Reads the path that a text begins with, and how many bytes it takes.
    ///
    /// # Errors
    /// Where it stops being one.
    pub fn read(text: &str) -> Result<(Self, usize), PathError> {
        let Some(steps) = text.strip_prefix("data") else {
            return Err(PathError { offset: 0, expected: "`data.`" });
        };
        let mut at = "data".len();
        let mut found = Vec::new();
        let mut rest = steps;
        while let Some(kind) = rest.chars().next().filter(|first| matches!(first, '.' | '[')) {
            if found.len() == MAX_STEPS {
                return Err(PathError { offset: at, expected: "the end of a path of at most 16 steps" });
            }
            let read = if kind == '.' { member(rest) } else { element(rest) };
            let (step, length) = read.map_err(|error| PathError { offset: at + error.offset, ..error })?;
            found.push(step);
            at += length;
            rest = text.get(at..).unwrap_or_default();
        }
        if found.is_empty() {
            return Err(PathError { offset: at, expected: "`.` and a name" });
        }
        Ok((Self(found), at))
    }

    /// What a path leads to in the data of a record; `None` where it leads nowhere.
    pub fn find<'a>(&self, data: &'a Value) -> Option<&'a Value> {
        self.0.iter().try_fold(data, |value, step| match step {
            Step::Member(name) => value.as_object()?.get(name),
            Step::Element(index) => value.as_array()?.get(*index),
        })
    }

    /// The steps from `data`.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// Whether it consists of these members of objects.
    pub fn is_members(&self, names: &[String]) -> bool {
        self.0.len() == names.len()
            && self.0.iter().zip(names).all(|(step, name)| matches!(step, Step::Member(member) if member == name))
    }
}

/// `.name` or `."name"` at the beginning of `text`.
fn member(text: &str) -> Result<(Step, usize), PathError> {
    let name = text.get(1..).unwrap_or_default();
    if name.starts_with(['"', '\'']) {
        let Some((name, length)) = quoted::read(name) else {
            return Err(PathError { offset: text.len(), expected: "a quote that ends the name" });
        };
        return Ok((Step::Member(name), 1 + length));
    }
    let length = bare_length(name);
    match name.get(..length) {
        Some(name) if length > 0 => Ok((Step::Member(name.to_owned()), 1 + length)),
        _ => Err(PathError {
            offset: 1,
            expected: "a name (in quotes if it has other characters than letters, digits and `_`)",
        }),
    }
}

/// `[0]` at the beginning of `text`.
fn element(text: &str) -> Result<(Step, usize), PathError> {
    let digits = text.bytes().skip(1).take_while(u8::is_ascii_digit).count();
    if digits == 0 {
        return Err(PathError { offset: 1, expected: "the number of an element, from 0" });
    }
    if text.as_bytes().get(1 + digits) != Some(&b']') {
        return Err(PathError { offset: 1 + digits, expected: "`]`" });
    }
    // No list has as many elements as the largest number.
    let index = text.get(1..=digits).and_then(|digits| digits.parse().ok()).unwrap_or(usize::MAX);
    Ok((Step::Element(index), digits + 2))
}

/// How many bytes at the beginning of `text` are a bare name: letters, digits, `_`, any character from U+0080.
pub fn bare_length(text: &str) -> usize {
    text.find(|character: char| character.is_ascii() && !character.is_ascii_alphanumeric() && character != '_')
        .unwrap_or(text.len())
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("data")?;
        self.0.iter().try_for_each(|step| match step {
            Step::Member(name) if !name.is_empty() && bare_length(name) == name.len() => write!(f, ".{name}"),
            Step::Member(name) => write!(f, ".{}", Value::from(name.as_str())),
            Step::Element(index) => write!(f, "[{index}]"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_path_finds_members_and_elements() {
        let data = json!({"a": {"b": [10, {"c": 20}], "0": "zero"}, "first name": "Ada", "größe": 3, "": "empty", "l": [[1]], "n": null});
        for (path, expected) in [
            ("data.a.b[0]", Some(json!(10))),
            ("data.a.b[1].c", Some(json!(20))),
            ("data.a.b[0001].c", Some(json!(20))),
            ("data.a.0", Some(json!("zero"))),
            ("data.\"first name\"", Some(json!("Ada"))),
            ("data.'first name'", Some(json!("Ada"))),
            ("data.größe", Some(json!(3))),
            ("data.\"\"", Some(json!("empty"))),
            ("data.l[0][0]", Some(json!(1))),
            ("data.n", Some(json!(null))),
            ("data.n.x", None),
            ("data.a[0]", None),
            ("data.a.b.0", None),
            ("data.A", None),
            ("data.a.b[99999999999999999999999999]", None),
        ] {
            assert_eq!(Path::parse(path).unwrap().find(&data), expected.as_ref(), "{path}");
        }
    }

    #[test]
    fn what_is_no_path_tells_where() {
        for (text, offset) in [
            ("", 0),
            ("dat", 0),
            ("Data.a", 0),
            ("data", 4),
            ("database", 4),
            ("data.", 5),
            ("data. a", 5),
            ("data.a b", 6),
            ("data.a.", 7),
            ("data..a", 5),
            ("data.a-b", 6),
            ("data[", 5),
            ("data[x]", 5),
            ("data[ 0]", 5),
            ("data[0", 6),
            ("data[-1]", 5),
            ("data[0]x", 7),
            ("data.\"a", 7),
            ("data.é+", 7),
        ] {
            assert_eq!(Path::parse(text).unwrap_err().offset, offset, "{text}");
        }
    }

    #[test]
    fn sixteen_steps_are_a_path_and_seventeen_are_not() {
        let path = format!("data{}", ".a".repeat(15));
        assert!(Path::parse(&format!("{path}[0]")).is_ok());
        assert_eq!(Path::parse(&format!("{path}[0].b")).unwrap_err().offset, 4 + 30 + 3);
    }

    #[test]
    fn a_path_is_written_as_it_is_read() {
        for (text, written) in [
            ("data.a[00].0", "data.a[0].0"),
            ("data.\"first name\".'a\"b'", "data.\"first name\".\"a\\\"b\""),
            ("data.\"plain\".''", "data.plain.\"\""),
        ] {
            let path = Path::parse(text).unwrap();
            assert_eq!(path.to_string(), written);
            assert_eq!(Path::parse(written).unwrap(), path);
        }
    }
}
