//! JSON values as they come: the items of a list, or one value a line.

use serde_json::{Map, Value};

use super::header::RECORD_MEMBERS;

/// The longest item, bytes.
const LONGEST: usize = 8 * 1024 * 1024;

/// How values follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// The items of one list.
    List,
    /// One a line.
    Lines,
}

/// Why reading ends before the end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Broken(pub String);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Before,
    /// Behind `[`: an item, or the end.
    First,
    Item,
    /// Behind the list.
    After,
}

/// Reads values from bytes as they come.
#[derive(Debug)]
pub struct Reader {
    layout: Layout,
    place: Place,
    item: Vec<u8>,
    depth: usize,
    is_text: bool,
    is_escaped: bool,
    items: std::collections::VecDeque<Value>,
    read: u64,
    broken: Option<Broken>,
}

impl Reader {
    /// A reader of such a file.
    pub fn new(layout: Layout) -> Self {
        let place = if layout == Layout::List { Place::Before } else { Place::Item };
        let items = std::collections::VecDeque::new();
        Self {
            layout,
            place,
            item: Vec::new(),
            depth: 0,
            is_text: false,
            is_escaped: false,
            items,
            read: 0,
            broken: None,
        }
    }

    /// Takes the next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if self.broken.is_some() {
                return;
            }
            match self.layout {
                Layout::Lines if *byte == b'\n' => self.end_line(),
                Layout::Lines => self.item.push(*byte),
                Layout::List => self.take(*byte),
            }
            if self.item.len() > LONGEST {
                self.break_off("it has more than 8 MiB");
            }
        }
    }

    /// There are no more bytes.
    pub fn finish(&mut self) {
        match (self.layout, self.place) {
            _ if self.broken.is_some() => {}
            (Layout::Lines, _) => self.end_line(),
            (Layout::List, Place::After) => {}
            (Layout::List, Place::Before) => self.break_off("there is no list"),
            (Layout::List, _) => self.break_off("the list has no end"),
        }
    }

    /// Whether the list has come to its end.
    pub fn is_at_end(&self) -> bool {
        self.place == Place::After
    }

    /// The next value; none until more is pushed, or at the end.
    ///
    /// # Errors
    /// What ends the reading.
    pub fn next_item(&mut self) -> Result<Option<Value>, Broken> {
        match (self.items.pop_front(), &self.broken) {
            (Some(item), _) => Ok(Some(item)),
            (None, Some(broken)) => Err(broken.clone()),
            (None, None) => Ok(None),
        }
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.item);
        let line = without_mark(&line, self.read).trim_ascii();
        if !line.is_empty() {
            self.parse(line);
        }
    }

    fn take(&mut self, byte: u8) {
        if self.is_text {
            self.item.push(byte);
            self.is_text = self.is_escaped || byte != b'"';
            self.is_escaped = !self.is_escaped && byte == b'\\';
            return;
        }
        match (self.place, byte) {
            (Place::Before, 0xef | 0xbb | 0xbf)
            | (Place::Before | Place::After | Place::First, b' ' | b'\t' | b'\r' | b'\n') => {}
            (Place::Before, b'[') => self.place = Place::First,
            (Place::Before, _) => self.break_off("it does not begin with `[`"),
            (Place::After, _) => self.break_off("there is something behind the list"),
            (Place::First, b']') => self.place = Place::After,
            (Place::First | Place::Item, b',' | b']') if self.depth == 0 => {
                let item = std::mem::take(&mut self.item);
                self.parse(&item);
                self.place = if byte == b']' { Place::After } else { Place::Item };
            }
            (Place::First | Place::Item, _) => {
                self.place = Place::Item;
                self.is_text = byte == b'"';
                match byte {
                    b'{' | b'[' => self.depth += 1,
                    b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                    _ => {}
                }
                self.item.push(byte);
            }
        }
    }

    fn parse(&mut self, item: &[u8]) {
        match serde_json::from_slice(item) {
            Ok(value) => {
                self.read += 1;
                self.items.push_back(value);
            }
            Err(error) => self.break_off(&format!("is no JSON: {error}")),
        }
    }

    fn break_off(&mut self, problem: &str) {
        self.broken = Some(Broken(format!("record {}: {problem}", self.read + 1)));
        self.item.clear();
    }
}

fn without_mark(line: &[u8], read: u64) -> &[u8] {
    let mark = "\u{feff}".as_bytes();
    if read == 0 { line.strip_prefix(mark).unwrap_or(line) } else { line }
}

/// The id and the data of an item: `{"data": {}, …}` with otherwise only members of a record, or the bare fields. Bare fields
/// have an id where `is_by_id`.
///
/// # Errors
/// What it is instead.
pub fn record_of(item: Value, is_by_id: bool) -> Result<(Option<Value>, Map<String, Value>), String> {
    let Value::Object(mut map) = item else { return Err("it is no object".to_owned()) };
    let is_record = |name: &String| name == "data" || name == "id" || RECORD_MEMBERS.contains(&name.as_str());
    let has_data = match map.get("data") {
        Some(Value::Object(_)) => true,
        Some(Value::Array(list)) => list.is_empty(),
        _ => false,
    };
    if has_data && map.keys().all(is_record) {
        let id = map.remove("id");
        let data = match map.remove("data") {
            Some(Value::Object(data)) => data,
            _ => Map::new(),
        };
        return Ok((id, data));
    }
    let id = if is_by_id { map.remove("id") } else { None };
    Ok((id, map))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(text: &str, layout: Layout) -> (Vec<Value>, bool) {
        let of_pieces = |piece: usize| {
            let mut reader = Reader::new(layout);
            text.as_bytes().chunks(piece).for_each(|piece| reader.push(piece));
            reader.finish();
            let mut items = Vec::new();
            loop {
                match reader.next_item() {
                    Ok(Some(item)) => items.push(item),
                    Ok(None) => return (items, false),
                    Err(_) => return (items, true),
                }
            }
        };
        assert_eq!(of_pieces(1), of_pieces(1_000));
        of_pieces(3)
    }

    #[test]
    fn the_items_of_a_list() {
        for (text, items, is_broken) in [
            ("[]", vec![], false),
            ("\u{feff} [ ] \n", vec![], false),
            (r#"[{"a": "],[\"\\"}, [1, 2] ,3]"#, vec![json!({"a": "],[\"\\"}), json!([1, 2]), json!(3)], false),
            ("[1, {\"a\": 1}", vec![json!(1)], true),
            ("[1, 2", vec![json!(1)], true),
            ("[1, nonsense, 3]", vec![json!(1)], true),
            ("[1,]", vec![json!(1)], true),
            ("[,1]", vec![], true),
            ("[1] 2", vec![json!(1)], true),
            ("{\"a\": 1}", vec![], true),
            ("", vec![], true),
        ] {
            assert_eq!(read(text, Layout::List), (items, is_broken), "{text}");
        }
    }

    #[test]
    fn one_value_a_line() {
        for (text, items, is_broken) in [
            ("", vec![], false),
            ("\u{feff}{\"a\": 1}\r\n\n[2]", vec![json!({"a": 1}), json!([2])], false),
            ("1\n{\n2\n", vec![json!(1)], true),
        ] {
            assert_eq!(read(text, Layout::Lines), (items, is_broken), "{text}");
        }
    }

    #[test]
    fn an_item_is_a_record_or_its_bare_fields() {
        for (item, is_by_id, id, data) in [
            (json!({"data": {"a": 1}, "id": 5, "title": "t"}), true, Some(json!(5)), json!({"a": 1})),
            (json!({"data": [], "id": 5}), false, Some(json!(5)), json!({})),
            (json!({"data": {"a": 1}, "other": 5}), false, None, json!({"data": {"a": 1}, "other": 5})),
            (json!({"a.b": 1, "id": 5}), false, None, json!({"a.b": 1, "id": 5})),
            (json!({"a": 1, "id": 5}), true, Some(json!(5)), json!({"a": 1})),
            (json!({"data": "text"}), false, None, json!({"data": "text"})),
        ] {
            let (found_id, found) = record_of(item.clone(), is_by_id).unwrap();
            assert_eq!((found_id, Value::Object(found)), (id, data), "{item}");
        }
        assert!(record_of(json!([1]), false).is_err());
    }
}
