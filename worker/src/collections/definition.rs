//! What a collection is besides its records: texts, screens, signals, columns and a schema, read from what people write.

use serde_json::{Map, Number, Value};

use super::column::ColumnKind;
use super::field::Field;
use super::problems::Problems;
use crate::plan::template::Template;

/// How many columns a collection may have (COLLECTIONS 8).
const COLUMNS: usize = 200;
/// How many of them may be indexed or unique.
const INDEXED: usize = 16;
/// The largest schema, bytes.
const SCHEMA_BYTES: usize = 64 * 1024;
/// The longest name, characters.
const NAME: usize = 255;

/// A column of a collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// What people call it.
    pub label: String,
    /// Where its values are.
    pub field: Field,
    /// What they are.
    pub kind: ColumnKind,
    /// Whether missing, null and empty text are refused.
    pub required: bool,
    /// Whether no two records may hold the same value.
    pub unique: bool,
    /// Whether filters find values quickly.
    pub indexed: bool,
}

impl Column {
    /// Whether its values are in the index.
    pub fn is_indexed(&self) -> bool {
        self.indexed || self.unique
    }

    fn to_json(&self) -> Value {
        serde_json::json!({
            "label": self.label, "field": self.field.to_string(), "type": self.kind.name(), "required": self.required,
            "unique": self.unique, "indexed": self.indexed,
        })
    }
}

/// Everything about a collection that people decide, but its name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Definition {
    /// For people.
    pub description: Option<String>,
    /// The mustache template of a record's title.
    pub custom_title: Option<String>,
    /// Screens of ProcessMaker, which are only kept: for creating, reading and updating records.
    pub screens: [Option<Number>; 3],
    /// Whether creating, updating and deleting records is told.
    pub signals: [bool; 3],
    /// The columns, in order.
    pub columns: Vec<Column>,
    /// A JSON Schema of the records' data.
    pub schema: Option<Value>,
}

/// The members of [`Definition::screens`].
const SCREENS: [&str; 3] = ["create_screen_id", "read_screen_id", "update_screen_id"];
/// The members of [`Definition::signals`].
const SIGNALS: [&str; 3] = ["signal_create", "signal_update", "signal_delete"];

impl Definition {
    /// The members as the API shows them.
    pub fn to_json(&self) -> Map<String, Value> {
        let mut map = Map::new();
        map.insert("description".to_owned(), self.description.clone().into());
        map.insert("custom_title".to_owned(), self.custom_title.clone().into());
        map.extend(
            SCREENS
                .iter()
                .zip(&self.screens)
                .map(|(name, id)| ((*name).to_owned(), id.clone().map_or(Value::Null, Value::Number))),
        );
        map.extend(SIGNALS.iter().zip(self.signals).map(|(name, on)| ((*name).to_owned(), Value::Bool(on))));
        map.insert("columns".to_owned(), self.columns.iter().map(Column::to_json).collect());
        map.insert("schema".to_owned(), self.schema.clone().unwrap_or_default());
        map
    }

    /// The same with the members that are given; absent ones stay, computed ones are ignored.
    ///
    /// # Errors
    /// What cannot be used, by path.
    pub fn updated(&self, given: &Map<String, Value>) -> Result<Self, Problems> {
        let (mut new, mut problems) = (self.clone(), Problems::default());
        if let Some(value) = given.get("description") {
            set(&mut new.description, text_or_null("description", value), &mut problems);
        }
        if let Some(value) = given.get("custom_title") {
            set(&mut new.custom_title, title(value), &mut problems);
        }
        for (name, screen) in SCREENS.iter().zip(&mut new.screens) {
            match given.get(*name) {
                None => {}
                Some(Value::Null) => *screen = None,
                Some(Value::Number(id)) => *screen = Some(id.clone()),
                Some(_) => problems.add(*name, "must be the number of a screen, or null"),
            }
        }
        for (name, signal) in SIGNALS.iter().zip(&mut new.signals) {
            if let Some(value) = given.get(*name) {
                set(signal, flag(name, value), &mut problems);
            }
        }
        if let Some(value) = given.get("columns") {
            set(&mut new.columns, columns(value), &mut problems);
        }
        if let Some(value) = given.get("schema") {
            set(&mut new.schema, schema(value), &mut problems);
        }
        problems.into_result().map(|()| new)
    }
}

fn set<T>(target: &mut T, read: Result<T, Problems>, problems: &mut Problems) {
    match read {
        Ok(value) => *target = value,
        Err(found) => found.iter().for_each(|(path, problem)| problems.add(path, problem)),
    }
}

/// The name that is given, where one is.
///
/// # Errors
/// When it is none, or, where it `is_required`, absent.
pub fn name(given: &Map<String, Value>, is_required: bool) -> Result<Option<String>, Problems> {
    match given.get("name") {
        None if !is_required => Ok(None),
        None => Err(Problems::one("name", "The name field is required.")),
        Some(Value::String(name)) if !name.is_empty() && name.chars().count() <= NAME => {
            if name.chars().any(char::is_control) {
                return Err(Problems::one("name", "must not hold control characters"));
            }
            Ok(Some(name.clone()))
        }
        Some(_) => Err(Problems::one("name", format!("must be a text of 1 to {NAME} characters"))),
    }
}

fn text_or_null(name: &str, value: &Value) -> Result<Option<String>, Problems> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) if text.contains('\0') => Err(Problems::one(name, "must not hold a NUL")),
        Value::String(text) => Ok(Some(text.clone())),
        _ => Err(Problems::one(name, "must be a text or null")),
    }
}

fn title(value: &Value) -> Result<Option<String>, Problems> {
    let text = text_or_null("custom_title", value)?.filter(|text| !text.is_empty());
    if let Some(Err(error)) = text.as_deref().map(Template::parse) {
        return Err(Problems::one("custom_title", format!("is no mustache template: {error}")));
    }
    Ok(text)
}

/// A boolean, which PHP also writes as 0, 1 or null.
fn flag(name: &str, value: &Value) -> Result<bool, Problems> {
    match value {
        Value::Null => Ok(false),
        Value::Bool(on) => Ok(*on),
        Value::Number(number) if number.as_i64() == Some(0) => Ok(false),
        Value::Number(number) if number.as_i64() == Some(1) => Ok(true),
        _ => Err(Problems::one(name, "must be true or false")),
    }
}

fn schema(value: &Value) -> Result<Option<Value>, Problems> {
    match value {
        Value::Null => Ok(None),
        Value::Object(_) | Value::Bool(_) if value.to_string().len() > SCHEMA_BYTES => {
            Err(Problems::one("schema", format!("has more than {SCHEMA_BYTES} bytes")))
        }
        Value::Object(_) | Value::Bool(_) => super::schema::compile(value).map(|_| Some(value.clone())),
        _ => Err(Problems::one("schema", "must be a JSON Schema, that is an object, or null")),
    }
}

fn columns(value: &Value) -> Result<Vec<Column>, Problems> {
    let rows = match value {
        Value::Null => return Ok(Vec::new()),
        Value::Array(rows) => rows,
        _ => return Err(Problems::one("columns", "must be a list of columns")),
    };
    if rows.len() > COLUMNS {
        return Err(Problems::one("columns", format!("are more than {COLUMNS}")));
    }
    let (mut columns, mut problems) = (Vec::<Column>::new(), Problems::default());
    for (at, row) in rows.iter().enumerate() {
        match column(&format!("columns.{at}"), row) {
            Ok(column) => {
                if let Some(other) = columns.iter().find(|other| other.field.overlaps(&column.field)) {
                    let (field, other) = (&column.field, &other.field);
                    let problem = format!("`{field}` and `{other}` are the same place, or one inside of the other");
                    problems.add(format!("columns.{at}.field"), problem);
                }
                columns.push(column);
            }
            Err(found) => found.iter().for_each(|(path, problem)| problems.add(path, problem)),
        }
    }
    if columns.iter().filter(|column| column.is_indexed()).count() > INDEXED {
        problems.add("columns", format!("have more than {INDEXED} that are indexed or unique"));
    }
    problems.into_result().map(|()| columns)
}

fn column(path: &str, row: &Value) -> Result<Column, Problems> {
    let at = |member: &str| format!("{path}.{member}");
    let Some(row) = row.as_object() else { return Err(Problems::one(path, "must be an object")) };
    let field = row.get("field").and_then(Value::as_str).and_then(Field::parse).ok_or_else(|| {
        Problems::one(
            at("field"),
            "must be `data.` and a name of letters, digits and `_`; with dots for members inside",
        )
    })?;
    let kind = match row.get("type") {
        None | Some(Value::Null) => ColumnKind::Json,
        Some(value) => value
            .as_str()
            .and_then(ColumnKind::named)
            .ok_or_else(|| Problems::one(at("type"), "must be json, string, number, boolean, date or datetime"))?,
    };
    let label = text_or_null(&at("label"), row.get("label").unwrap_or(&Value::Null))?;
    let flag = |name: &str| flag(&at(name), row.get(name).unwrap_or(&Value::Null));
    let column = Column {
        label: label.filter(|label| !label.is_empty()).unwrap_or_else(|| field.bare()),
        field,
        kind,
        required: flag("required")?,
        unique: flag("unique")?,
        indexed: flag("indexed")?,
    };
    if column.kind == ColumnKind::Json && column.is_indexed() {
        let member = if column.unique { "unique" } else { "indexed" };
        return Err(Problems::one(at(member), "needs another type than json"));
    }
    Ok(column)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn updated(given: &Value) -> Result<Definition, Problems> {
        Definition::default().updated(given.as_object().unwrap())
    }

    #[test]
    fn a_definition_is_read_and_written() {
        let given = json!({"description": "d", "custom_title": "{{a}}", "create_screen_id": 7, "signal_create": 1,
            "signal_update": null, "columns": [{"field": "data.a.b", "type": "number", "unique": true}],
            "schema": {"type": "object"}, "records_count": 9, "connector_id": 4});
        let definition = updated(&given).unwrap();
        let written = Value::Object(definition.to_json());
        assert_eq!(
            written["columns"],
            json!([{"label": "a.b", "field": "data.a.b", "type": "number", "required": false,
            "unique": true, "indexed": false}])
        );
        assert_eq!((&written["signal_create"], &written["signal_update"]), (&json!(true), &json!(false)));
        assert_eq!((&written["create_screen_id"], &written["read_screen_id"]), (&json!(7), &Value::Null));
        assert_eq!(updated(&written).unwrap(), definition);
        let kept = definition.updated(json!({"description": null}).as_object().unwrap()).unwrap();
        assert_eq!(kept, Definition { description: None, ..definition });
    }

    #[test]
    fn what_cannot_be_used_is_told_by_its_path() {
        let many = |count: usize| -> Value { (0..count).map(|n| json!({"field": format!("data.c{n}")})).collect() };
        let indexed: Value =
            (0..17).map(|n| json!({"field": format!("data.c{n}"), "type": "string", "indexed": true})).collect();
        for (given, path) in [
            (json!({"description": 1}), "description"),
            (json!({"custom_title": "{{#a}}"}), "custom_title"),
            (json!({"update_screen_id": "7"}), "update_screen_id"),
            (json!({"signal_delete": "yes"}), "signal_delete"),
            (json!({"columns": {}}), "columns"),
            (json!({"columns": many(201)}), "columns"),
            (json!({"columns": indexed}), "columns"),
            (json!({"columns": [{"field": "a"}]}), "columns.0.field"),
            (json!({"columns": [{"field": "data.a", "type": "text"}]}), "columns.0.type"),
            (json!({"columns": [{"field": "data.a", "unique": true}]}), "columns.0.unique"),
            (json!({"columns": [{"field": "data.a"}, {"field": "data.a.b"}]}), "columns.1.field"),
            (json!({"schema": "x"}), "schema"),
            (json!({"schema": {"type": "nonsense"}}), "schema"),
            (json!({"schema": {"$ref": "https://example.com/schema.json"}}), "schema"),
            (json!({"schema": {"description": "x".repeat(70_000)}}), "schema"),
        ] {
            let problems = updated(&given).unwrap_err();
            assert_eq!(problems.iter().map(|(path, _)| path).collect::<Vec<_>>(), [path], "{given:.100}");
        }
        assert!(updated(&json!({"columns": many(200)})).is_ok());
    }

    #[test]
    fn a_name_has_one_to_255_characters() {
        let name = |value: Value, required| name(json!({"name": value}).as_object().unwrap(), required);
        assert_eq!(name(json!("ü".repeat(255)), true).unwrap().map(|name| name.chars().count()), Some(255));
        for bad in [json!(""), json!("a\nb"), json!("x".repeat(256)), json!(7), Value::Null] {
            assert!(name(bad.clone(), false).is_err(), "{bad}");
        }
        assert_eq!(super::name(&Map::new(), false), Ok(None));
        assert!(super::name(&Map::new(), true).is_err());
    }
}
