//! What a collection makes of the data of a record before it is stored, and where the index has its values.
//!
//! The stages, in order: shape and size, the columns' types, what is required, the schema. Each tells all of its problems;
//! whether values are unique is the database's question.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::definition::{Column, Definition};
use super::field::Field;
use super::index_row::IndexRow;
use super::number::Number;
use super::problems::Problems;
use super::schema::{self, Schema};
use super::value::{NumberTooLarge, normalize_numbers};
use crate::plan::template::{Escape, Scope, Template};

/// The largest data of a record as JSON, bytes (COLLECTIONS 8).
pub const RECORD_BYTES: usize = 1024 * 1024;
/// How deep objects and lists may be in each other, the data itself included.
const DEPTH: usize = 64;
/// The longest text in a column that is indexed or unique, characters: PostgreSQL's index refuses rows above 2,704 bytes.
const INDEXED_TEXT: usize = 500;
/// The longest title, characters.
const TITLE: usize = 255;

/// Why data is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DataError {
    /// It does not fit the collection.
    #[error(transparent)]
    Invalid(#[from] Problems),
    /// It holds a number that cannot be stored.
    #[error(transparent)]
    Number(#[from] NumberTooLarge),
}

/// A value in the index.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Which column.
    pub slot: i64,
    /// 1 false, 2 true, 3 a number, 4 a text.
    pub kind: i64,
    /// The number, as the nearest double.
    pub number: Option<f64>,
    /// The text.
    pub text: Option<String>,
    /// What stands for exactly this value, where no two records may hold it.
    pub unique: Option<String>,
}

/// Data that fits its collection.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The data.
    pub data: Map<String, Value>,
    /// The same as JSON.
    pub text: String,
    /// What the index holds of it.
    pub entries: Vec<Entry>,
}

/// A column in the index.
#[derive(Debug, Clone)]
pub struct Slot {
    /// Its number, which no other column of the collection ever has.
    pub number: i64,
    /// The column.
    pub column: Column,
}

/// A collection's rules, ready to be applied.
#[derive(Debug)]
pub struct Rules {
    definition: Definition,
    schema: Option<Schema>,
    title: Option<Template>,
    slots: Vec<Slot>,
}

impl Rules {
    /// Prepares the rules of a definition; `slots` are the numbers of the indexed columns, by field.
    ///
    /// # Errors
    /// A schema that cannot be used.
    pub fn new(definition: Definition, slots: &BTreeMap<String, i64>) -> Result<Self, Problems> {
        let schema = definition.schema.as_ref().map(schema::compile).transpose()?;
        let title = definition.custom_title.as_deref().and_then(|title| Template::parse(title).ok());
        let slot = |column: &Column| {
            let number = *slots.get(&column.field.to_string())?;
            Some(Slot { number, column: column.clone() })
        };
        let slots = definition.columns.iter().filter(|column| column.is_indexed()).filter_map(slot).collect();
        Ok(Self { definition, schema, title, slots })
    }

    /// What they were made of.
    pub fn definition(&self) -> &Definition {
        &self.definition
    }

    /// The indexed columns.
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// The slot of the column at a field, where it is indexed.
    pub fn slot_of(&self, field: &Field) -> Option<&Slot> {
        self.slots.iter().find(|slot| slot.column.field == *field)
    }

    /// The column at a field.
    pub fn column_of(&self, field: &Field) -> Option<&Column> {
        self.definition.columns.iter().find(|column| column.field == *field)
    }

    /// Brings data into the form that is stored.
    ///
    /// # Errors
    /// All problems of the first stage that has any.
    pub fn prepare(&self, data: Map<String, Value>) -> Result<Prepared, DataError> {
        let mut value = Value::Object(data);
        well_formed(&value)?;
        normalize_numbers(&mut value)?;
        if let Value::Object(data) = &mut value {
            self.coerce(data)?;
            self.check_required(data)?;
        }
        if let Some(schema) = &self.schema {
            schema.check(&value).into_result()?;
        }
        let text = value.to_string();
        if text.len() > RECORD_BYTES {
            let problem = format!("has {} bytes as JSON; at most {RECORD_BYTES} are stored", text.len());
            return Err(Problems::one("data", problem).into());
        }
        let Value::Object(data) = value else { return Err(Problems::one("data", "must be an object").into()) };
        Ok(Prepared { entries: self.entries(&data), text, data })
    }

    fn coerce(&self, data: &mut Map<String, Value>) -> Result<(), Problems> {
        let mut problems = Problems::default();
        for column in &self.definition.columns {
            let Some(value) = column.field.find_mut(data) else { continue };
            match column.kind.coerce(std::mem::take(value)) {
                Ok(Value::String(text)) if column.is_indexed() && text.chars().count() > INDEXED_TEXT => {
                    let problem =
                        format!("is longer than {INDEXED_TEXT} characters, and the column is indexed or unique");
                    problems.add(column.field.to_string(), problem);
                }
                Ok(coerced) => *value = coerced,
                Err(error) => problems.add(column.field.to_string(), error.to_string()),
            }
        }
        problems.into_result()
    }

    /// Brings data that fitted before a change, and fits after it, into the form that is stored.
    pub fn form(&self, data: &mut Map<String, Value>) {
        for column in &self.definition.columns {
            if let Some(value) = column.field.find_mut(data)
                && let Ok(coerced) = column.kind.coerce(value.clone())
            {
                *value = coerced;
            }
        }
        for value in data.values_mut() {
            normalize_numbers(value).unwrap_or_default();
        }
    }

    fn check_required(&self, data: &Map<String, Value>) -> Result<(), Problems> {
        let mut problems = Problems::default();
        for column in self.definition.columns.iter().filter(|column| column.required) {
            let is_missing = match column.field.find(data) {
                None | Some(Value::Null) => true,
                Some(Value::String(text)) => text.is_empty(),
                Some(_) => false,
            };
            if is_missing {
                problems.add(column.field.to_string(), format!("The {} field is required.", column.label));
            }
        }
        problems.into_result()
    }

    /// What the index holds of data.
    pub fn entries(&self, data: &Map<String, Value>) -> Vec<Entry> {
        self.slots.iter().filter_map(|slot| entry(slot, slot.column.field.find(data)?)).collect()
    }

    /// The title of a record with this data.
    pub fn title(&self, data: &Map<String, Value>) -> String {
        let rendered = self.title.as_ref().and_then(|title| title.render(&Scope::new(data), Escape::None).ok());
        let title = rendered.unwrap_or_default();
        match title.char_indices().nth(TITLE) {
            Some((end, _)) => title.get(..end).unwrap_or_default().to_owned(),
            None => title,
        }
    }
}

/// What the index holds of a column's value: nothing of null.
pub fn entry(slot: &Slot, value: &Value) -> Option<Entry> {
    let row = IndexRow::of(Some(value))?;
    let exact = match value {
        Value::Number(number) => {
            let number = Number::of(number);
            number.as_integer().map_or_else(|| number.text(), |integer| integer.to_string())
        }
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let unique = slot.column.unique.then_some(exact);
    Some(Entry {
        slot: slot.number,
        kind: row.kind.into(),
        number: row.number,
        text: row.text.map(ToOwned::to_owned),
        unique,
    })
}

/// Neither too deep nor with a NUL in it.
fn well_formed(value: &Value) -> Result<(), Problems> {
    match first_defect(value, DEPTH) {
        None => Ok(()),
        Some(defect) => Err(Problems::one("data", defect)),
    }
}

fn first_defect(value: &Value, levels: usize) -> Option<String> {
    let nul = || "holds a NUL in a name or a text, which cannot be stored".to_owned();
    if levels == 0 && matches!(value, Value::Array(_) | Value::Object(_)) {
        return Some(format!("is deeper than {DEPTH} levels"));
    }
    match value {
        Value::String(text) => text.contains('\0').then(nul),
        Value::Array(list) => list.iter().find_map(|item| first_defect(item, levels - 1)),
        Value::Object(map) => map
            .iter()
            .find_map(|(name, value)| name.contains('\0').then(nul).or_else(|| first_defect(value, levels - 1))),
        _ => None,
    }
}

/// The data that the body of a request holds: an object, JSON text of one, or `[]`, which PHP writes for `{}`.
///
/// # Errors
/// A problem of `data`.
pub fn data_in(body: &Value) -> Result<Map<String, Value>, Problems> {
    let wrong = || Problems::one("data", "must be an object, or the JSON text of one");
    match body.get("data") {
        None => Err(Problems::one("data", "The data field is required.")),
        Some(Value::String(text)) => object(serde_json::from_str(text).map_err(|_| wrong())?).ok_or_else(wrong),
        Some(value) => object(value.clone()).ok_or_else(wrong),
    }
}

/// An object, for which PHP may have written `[]`.
fn object(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(map) => Some(map),
        Value::Array(list) if list.is_empty() => Some(Map::new()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rules(definition: &Value) -> Rules {
        let definition = Definition::default().updated(definition.as_object().unwrap()).unwrap();
        let indexed = definition.columns.iter().filter(|column| column.is_indexed());
        let slots = indexed.zip(1..).map(|(column, slot)| (column.field.to_string(), slot)).collect();
        Rules::new(definition, &slots).unwrap()
    }

    fn object(value: Value) -> Map<String, Value> {
        super::object(value).unwrap()
    }

    fn paths(rules: &Rules, data: Value) -> Vec<String> {
        match rules.prepare(object(data)) {
            Err(DataError::Invalid(problems)) => problems.iter().map(|(path, _)| path.to_owned()).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn data_is_coerced_and_indexed() {
        let rules = rules(&json!({"columns": [
            {"field": "data.n", "type": "number", "unique": true}, {"field": "data.a.t", "type": "string", "indexed": true},
            {"field": "data.b", "type": "boolean", "indexed": true}, {"field": "data.d", "type": "date"}]}));
        let given = json!({"n": "9007199254740993", "a": {"t": 5, "u": [1]}, "b": "true", "d": "2024-02-29", "x": 1e2});
        let prepared = rules.prepare(object(given)).unwrap();
        let expected = json!({"n": 9_007_199_254_740_993_i64, "a": {"t": "5", "u": [1]}, "b": true, "d": "2024-02-29", "x": 100.0});
        assert_eq!(serde_json::from_str::<Value>(&prepared.text).unwrap(), expected);
        let entries: Vec<_> =
            prepared.entries.iter().map(|e| (e.slot, e.kind, e.text.as_deref(), e.unique.as_deref())).collect();
        assert_eq!(entries, [(1, 3, None, Some("9007199254740993")), (2, 4, Some("5"), None), (3, 2, None, None)]);
        assert!(rules.prepare(object(json!({"n": null, "a": "no object"}))).unwrap().entries.is_empty());
    }

    #[test]
    fn each_stage_tells_all_of_its_problems_and_ends_there() {
        let rules = rules(&json!({"schema": {"required": ["z"]}, "columns": [
            {"field": "data.a", "type": "number"}, {"field": "data.b", "type": "date"},
            {"field": "data.c", "type": "string", "required": true}, {"field": "data.d.e", "required": true}]}));
        assert_eq!(paths(&rules, json!({"a": "x", "b": "y"})), ["data.a", "data.b"]);
        assert_eq!(paths(&rules, json!({"a": 1, "c": ""})), ["data.c", "data.d.e"]);
        assert_eq!(paths(&rules, json!({"c": "x", "d": {"e": false}})), ["data"]);
        assert!(rules.prepare(object(json!({"c": "x", "d": {"e": false}, "z": null}))).is_ok());
    }

    #[test]
    fn limits_hold_at_their_edge() {
        let rules = rules(&json!({"columns": [{"field": "data.t", "type": "string", "indexed": true}]}));
        let deep = |levels: usize| (1..levels).fold(json!(1), |inner, _| json!([inner]));
        assert!(rules.prepare(object(json!({"a": deep(64)}))).is_ok());
        assert_eq!(paths(&rules, json!({"a": deep(65)})), ["data"]);
        assert!(rules.prepare(object(json!({"t": "ü".repeat(500)}))).is_ok());
        assert_eq!(paths(&rules, json!({"t": "ü".repeat(501)})), ["data.t"]);
        let overhead = "{\"a\":\"\"}".len();
        assert!(rules.prepare(object(json!({"a": "x".repeat(RECORD_BYTES - overhead)}))).is_ok());
        assert_eq!(paths(&rules, json!({"a": "x".repeat(RECORD_BYTES - overhead + 1)})), ["data"]);
        for nul in [json!({"a\0": 1}), json!({"a": ["\0"]})] {
            assert_eq!(paths(&rules, nul), ["data"]);
        }
        let beyond: Value = serde_json::from_str(r#"{"a": [1e999]}"#).unwrap();
        assert!(matches!(rules.prepare(object(beyond)), Err(DataError::Number(_))));
    }

    #[test]
    fn a_title_is_rendered_and_cut() {
        let rules = rules(&json!({"custom_title": "{{name}} & {{a.b}}"}));
        assert_eq!(rules.title(&object(json!({"name": "<Ada>", "a": {"b": 1}}))), "<Ada> & 1");
        assert_eq!(rules.title(&object(json!({"name": "ü".repeat(300)}))).chars().count(), 255);
        assert_eq!(rules.title(&object(json!({"name": [1]}))), "", "a list is no text");
    }

    #[test]
    fn data_comes_as_an_object_as_its_text_or_from_php() {
        for (body, expected) in [
            (json!({"data": {"a": 1}, "x": 1}), Some(json!({"a": 1}))),
            (json!({"data": "{\"a\": 1}"}), Some(json!({"a": 1}))),
            (json!({"data": []}), Some(json!({}))),
            (json!({"data": "[]"}), Some(json!({}))),
            (json!({"data": [1]}), None),
            (json!({"data": "x"}), None),
            (json!({"data": null}), None),
            (json!({}), None),
            (json!([]), None),
        ] {
            assert_eq!(data_in(&body).ok().map(Value::Object), expected, "{body}");
        }
    }
}
