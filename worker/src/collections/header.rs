//! What the header of a CSV file says of its columns, and what a row under it is.

use serde_json::{Map, Value};

use super::column::ColumnKind;
use super::csv::RawCell;
use super::definition::Column;
use super::field::Field;
use super::path::{Path, Step};
use super::problems::Problems;

/// Members of a record beside its id and its data: an import ignores them.
pub const RECORD_MEMBERS: [&str; 10] = [
    "collection_id",
    "title",
    "version",
    "created_by_id",
    "updated_by_id",
    "created_by",
    "updated_by",
    "created_at",
    "updated_at",
    "collection",
];

/// What a column of the file is.
#[derive(Debug, Clone, PartialEq)]
enum Target {
    Id,
    Ignored,
    Value(Field, Option<ColumnKind>),
}

/// The header of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Header(Vec<Target>);

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowProblem {
    /// Where; `None` for the whole row.
    pub field: Option<String>,
    /// What.
    pub message: String,
}

/// A row under its header.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Values {
    /// What stands under `id`.
    pub id: Option<String>,
    /// Everything else.
    pub data: Map<String, Value>,
}

impl Header {
    /// Reads a header against the columns of a collection.
    ///
    /// # Errors
    /// Problems of `header`: an empty name, two for the same place, one inside of another.
    pub fn read(names: &[RawCell], columns: &[Column]) -> Result<Self, Problems> {
        let (mut targets, mut problems) = (Vec::<Target>::new(), Problems::default());
        for RawCell { text: name, .. } in names {
            if name.is_empty() {
                problems.add("header", "a name is empty; name every column, or leave it out");
                continue;
            }
            let target = target(name, columns);
            let is_taken = targets.iter().any(|other| match (other, &target) {
                (Target::Id, Target::Id) => true,
                (Target::Value(one, _), Target::Value(other, _)) => one.overlaps(other),
                _ => false,
            });
            if is_taken {
                problems
                    .add("header", format!("`{name}` is the same as another column, or one is inside of the other"));
            }
            targets.push(target);
        }
        problems.into_result().map(|()| Self(targets))
    }

    /// A row under this header.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn values(&self, cells: &[RawCell]) -> Result<Values, Vec<RowProblem>> {
        if cells.len() != self.0.len() {
            let message = format!("it has {} cells, and the header has {}", cells.len(), self.0.len());
            return Err(vec![RowProblem { field: None, message }]);
        }
        let (mut values, mut problems) = (Values::default(), Vec::new());
        for (cell, target) in cells.iter().zip(&self.0) {
            let is_absent = cell.text.is_empty() && !cell.is_quoted;
            match target {
                Target::Ignored => {}
                _ if is_absent => {}
                Target::Id => values.id = Some(cell.text.clone()),
                Target::Value(field, kind) => match value(cell, *kind) {
                    Ok(value) => field.set(&mut values.data, value),
                    Err(message) => problems.push(RowProblem { field: Some(field.to_string()), message }),
                },
            }
        }
        if problems.is_empty() { Ok(values) } else { Err(problems) }
    }
}

fn target(name: &str, columns: &[Column]) -> Target {
    let of = |column: &Column| Target::Value(column.field.clone(), Some(column.kind));
    if name == "id" {
        return Target::Id;
    }
    if let Some(column) = columns.iter().find(|c| c.field.bare() == name || c.field.to_string() == name) {
        return of(column);
    }
    if RECORD_MEMBERS.contains(&name) {
        return Target::Ignored;
    }
    if let Some(column) = columns.iter().find(|column| column.label == name) {
        return of(column);
    }
    Target::Value(field(name), None)
}

/// The place of a name, with or without `data.`; what is no path is one member's name.
pub fn field(name: &str) -> Field {
    let path = Path::parse(name).or_else(|_| Path::parse(&format!("data.{name}")));
    let member = |step: &Step| match step {
        Step::Member(name) => Some(name.clone()),
        Step::Element(_) => None,
    };
    let names: Option<Vec<String>> = path.ok().and_then(|path| path.steps().iter().map(member).collect());
    names.map_or_else(|| Field::member(name), Field::of_names)
}

/// A cell follows the type of its column; without a column it is text, and nothing is guessed.
fn value(cell: &RawCell, kind: Option<ColumnKind>) -> Result<Value, String> {
    let text = cell.text.as_str();
    match kind {
        Some(ColumnKind::Json) if !text.is_empty() => {
            serde_json::from_str(text).map_err(|error| format!("is no JSON: {error}"))
        }
        Some(ColumnKind::Boolean) => Ok(match text.to_ascii_lowercase().as_str() {
            "1" | "yes" | "true" => Value::Bool(true),
            "0" | "no" | "false" => Value::Bool(false),
            _ => text.into(),
        }),
        _ => Ok(text.into()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::collections::definition::Definition;

    fn columns() -> Vec<Column> {
        let given = json!({"columns": [{"field": "data.n", "type": "number", "label": "Number"}, {"field": "data.b", "type": "boolean"},
            {"field": "data.j"}, {"field": "data.a.c", "type": "string"}, {"field": "data.title", "type": "string"}]});
        Definition::default().updated(given.as_object().unwrap()).unwrap().columns
    }

    fn cells(row: &str) -> Vec<RawCell> {
        let cell = |text: &str| RawCell { text: text.trim_matches('"').to_owned(), is_quoted: text.starts_with('"') };
        row.split('|').map(cell).collect()
    }

    #[test]
    fn cells_go_where_the_header_says() {
        let header = Header::read(&cells("id|Number|data.b|j|a.c|version|first name|x.y|title"), &columns()).unwrap();
        let values = header.values(&cells("7|5|YES|[1]|007|9|Ada|z|t")).unwrap();
        assert_eq!(values.id.as_deref(), Some("7"));
        let expected = json!({"n": "5", "b": true, "j": [1], "a": {"c": "007"}, "first name": "Ada", "x": {"y": "z"}, "title": "t"});
        assert_eq!(Value::Object(values.data), expected);
        let values = header.values(&cells("||\"\"||\"\"||\"\"||")).unwrap();
        assert_eq!((values.id, Value::Object(values.data)), (None, json!({"b": "", "a": {"c": ""}, "first name": ""})));
        let problems = header.values(&cells("1|2|x|{|||||")).unwrap_err();
        assert_eq!(problems.iter().map(|p| p.field.as_deref()).collect::<Vec<_>>(), [Some("data.j")]);
        assert_eq!(header.values(&cells("1|2")).unwrap_err()[0].field, None);
    }

    #[test]
    fn a_header_that_means_two_things_is_refused() {
        for names in ["a|", "a|a", "a|data.a", "n|Number", "a|a.b", "x.y|x", "id|id", "a.c|a"] {
            assert!(Header::read(&cells(names), &columns()).is_err(), "{names}");
        }
        assert!(Header::read(&cells("a b|a.b|\"\"x|version|version"), &columns()).is_ok());
    }
}
