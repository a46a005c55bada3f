//! The document of an exported collection as it comes: `{"type", "collection", "records": [{"data"}]}` in any order, its records
//! one by one.

use serde_json::{Map, Value};

use super::items::{self, Layout};

/// The longest value that is not a record, bytes.
const LONGEST: usize = 1024 * 1024;

/// Why a document cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// It is JSON, but no object.
    #[error("the body must be a JSON object")]
    NoObject,
    /// It is not JSON.
    #[error("the body is not JSON: {0}")]
    NoJson(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Before,
    /// Behind `{`: a member, or the end.
    First,
    /// A member's name, up to the colon.
    Name,
    /// Behind the colon of `records`.
    Records,
    /// In the list of records.
    List,
    /// Any other value.
    Value,
    /// Behind the list of records.
    Behind,
    After,
}

/// Reads a document from bytes as they come.
#[derive(Debug)]
pub struct Reader {
    place: Place,
    /// Of a name or a value.
    text: Vec<u8>,
    depth: usize,
    is_text: bool,
    is_escaped: bool,
    name: String,
    members: Map<String, Value>,
    records: items::Reader,
    broken: Option<Broken>,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            place: Place::Before,
            text: Vec::new(),
            depth: 0,
            is_text: false,
            is_escaped: false,
            name: String::new(),
            members: Map::new(),
            records: items::Reader::new(Layout::List),
            broken: None,
        }
    }
}

impl Reader {
    /// Takes the next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if self.broken.is_some() {
                return;
            }
            if let Err(broken) = self.take(*byte) {
                self.broken = Some(broken);
            }
        }
    }

    /// There are no more bytes.
    pub fn finish(&mut self) {
        if self.place != Place::After && self.broken.is_none() {
            self.broken = Some(Broken::NoJson("it ends too early".to_owned()));
        }
    }

    /// Whether it can be read so far.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self) -> Result<(), Broken> {
        self.broken.clone().map_or(Ok(()), Err)
    }

    /// A member other than `records`, once it was read.
    pub fn member(&self, name: &str) -> Option<&Value> {
        self.members.get(name)
    }

    /// The next record; none until more is pushed, or at the end.
    ///
    /// # Errors
    /// What ends the reading.
    pub fn next_record(&mut self) -> Result<Option<Value>, Broken> {
        match (self.records.next_item(), &self.broken) {
            (Ok(Some(record)), _) => Ok(Some(record)),
            (Err(broken), _) => Err(Broken::NoJson(broken.0)),
            (Ok(None), Some(broken)) => Err(broken.clone()),
            (Ok(None), None) => Ok(None),
        }
    }

    fn take(&mut self, byte: u8) -> Result<(), Broken> {
        let is_space = matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
        match (self.place, byte) {
            (Place::List, _) => {
                self.records.push(&[byte]);
                if self.records.is_at_end() {
                    self.place = Place::Behind;
                }
            }
            (Place::Name | Place::Value, _) if self.is_text || self.depth > 0 => self.go_on(byte)?,
            (_, _) if is_space => {}
            (Place::Before, b'{') => self.place = Place::First,
            (Place::First | Place::Behind, b'}') => self.place = Place::After,
            (Place::First, _) => {
                self.place = Place::Name;
                return self.take(byte);
            }
            (Place::Behind, b',') => self.place = Place::Name,
            (Place::Before, b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n') => return Err(Broken::NoObject),
            (Place::Name, b':') => {
                self.name = parsed(&std::mem::take(&mut self.text))?;
                self.place = if self.name == "records" { Place::Records } else { Place::Value };
            }
            (Place::Records, b'[') => {
                self.records = items::Reader::new(Layout::List);
                self.place = Place::List;
                self.records.push(b"[");
            }
            (Place::Records, _) => {
                self.place = Place::Value;
                self.go_on(byte)?;
            }
            (Place::Value, b',' | b'}') => {
                let value = parsed(&std::mem::take(&mut self.text))?;
                self.members.insert(std::mem::take(&mut self.name), value);
                self.place = if byte == b',' { Place::Name } else { Place::After };
            }
            (Place::Name | Place::Value, _) => self.go_on(byte)?,
            (Place::Before | Place::Behind | Place::After, _) => {
                return Err(Broken::NoJson(format!("there is {:?} where it should not be", char::from(byte))));
            }
        }
        Ok(())
    }

    /// One more byte of a name or a value.
    fn go_on(&mut self, byte: u8) -> Result<(), Broken> {
        self.text.push(byte);
        if self.text.len() > LONGEST {
            return Err(Broken::NoJson(format!("a member that is not `records` has more than {LONGEST} bytes")));
        }
        if self.is_text {
            self.is_text = self.is_escaped || byte != b'"';
            self.is_escaped = !self.is_escaped && byte == b'\\';
            return Ok(());
        }
        match byte {
            b'"' => self.is_text = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        Ok(())
    }
}

fn parsed<T: serde::de::DeserializeOwned>(text: &[u8]) -> Result<T, Broken> {
    serde_json::from_slice(text).map_err(|error| Broken::NoJson(error.to_string()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Type, collection and records of a document, whatever the pieces in which it comes.
    fn read(text: &str) -> Result<(Value, Value, Vec<Value>), Broken> {
        let of_pieces = |piece: usize| {
            let (mut reader, mut records) = (Reader::default(), Vec::new());
            for piece in text.as_bytes().chunks(piece) {
                reader.push(piece);
                while let Some(record) = reader.next_record()? {
                    records.push(record);
                }
            }
            reader.finish();
            while let Some(record) = reader.next_record()? {
                records.push(record);
            }
            let member = |name: &str| reader.member(name).cloned().unwrap_or_default();
            Ok((member("type"), member("collection"), records))
        };
        assert_eq!(of_pieces(1), of_pieces(1_000), "{text}");
        of_pieces(3)
    }

    #[test]
    fn members_come_in_any_order() {
        let (one, other) = (json!({"data": {"a": "}],\"\\"}}), json!({"data": {}}));
        for text in [
            format!(r#"{{"type":"t","collection":{{"name":"n,}}"}},"records":[{one},{other}]}}"#),
            format!(
                " {{ \"records\" : [ {one} , {other} ] ,\n\"x\": [1, {{}}], \"collection\": {{\"name\": \"n,}}\"}}, \"type\": \"t\" }} "
            ),
        ] {
            let expected = (json!("t"), json!({"name": "n,}"}), vec![one.clone(), other.clone()]);
            assert_eq!(read(&text), Ok(expected));
        }
        assert_eq!(read("{}"), Ok((Value::Null, Value::Null, vec![])));
        assert_eq!(read(r#"{"records": null, "type": 1}"#), Ok((json!(1), Value::Null, vec![])));
        assert_eq!(read(r#"{"records": []}"#), Ok((Value::Null, Value::Null, vec![])));
    }

    #[test]
    fn what_is_no_document_is_told() {
        for text in ["[]", "5", "\"x\"", "null", " true"] {
            assert_eq!(read(text), Err(Broken::NoObject), "{text}");
        }
        for text in [
            "",
            "{",
            "x",
            r#"{"a"}"#,
            r#"{"a":1"#,
            r#"{"a":1}}"#,
            r#"{"a":1,}"#,
            r#"{"records":[1"#,
            r#"{"records":[1]"#,
            r#"{"records":[1] 2}"#,
            r#"{"records":[1,]}"#,
            "{a:1}",
            r#"{"a":b}"#,
            "{,}",
        ] {
            assert!(matches!(read(text), Err(Broken::NoJson(_))), "{text}: {:?}", read(text));
        }
    }
}
