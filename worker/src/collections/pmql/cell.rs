//! The value of a field for one record, and the functions of it.

use std::borrow::Cow;

use serde_json::Value;

use super::RecordView;
use super::tree::{Field, Function, OwnField};
use crate::collections::date;
use crate::collections::number::Number;
use crate::collections::value::boolean_text;

/// What stands on the left of a test.
#[derive(Debug, Clone)]
pub(super) enum Cell<'a> {
    /// Null, or a path to nowhere.
    Null,
    Boolean(bool),
    Number(Number),
    Text(Cow<'a, str>),
    /// Epoch milliseconds.
    Time(i64),
    Object,
    /// A list as it is stored.
    List(&'a [Value]),
    /// What a function made of each element.
    Results(Vec<Cell<'a>>),
}

impl<'a> Cell<'a> {
    pub(super) fn of(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(boolean) => Self::Boolean(*boolean),
            Value::Number(number) => Self::Number(Number::of(number)),
            Value::String(text) => Self::Text(Cow::Borrowed(text)),
            Value::Array(values) => Self::List(values),
            Value::Object(_) => Self::Object,
        }
    }

    /// The text that patterns and functions see; null, objects and lists have none.
    pub(super) fn text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Text(text) => Some(Cow::Borrowed(text)),
            Self::Number(number) => Some(Cow::Owned(number.text())),
            Self::Boolean(boolean) => Some(Cow::Borrowed(boolean_text(*boolean))),
            Self::Time(instant) => Some(Cow::Owned(date::second_text(*instant))),
            Self::Null | Self::Object | Self::List(_) | Self::Results(_) => None,
        }
    }

    fn instant(&self) -> Option<i64> {
        match self {
            Self::Time(instant) => Some(*instant),
            Self::Text(text) => date::parse(text),
            _ => None,
        }
    }

    fn number(&self) -> Option<Number> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => Number::parse_numeric_text(trim(text)),
            _ => None,
        }
    }
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\r', '\n'])
}

impl Field {
    /// The value of the field for a record.
    pub(super) fn of<'a>(&self, record: &RecordView<'a>) -> Cell<'a> {
        match self {
            Self::Path(path) => path.find(record.data).map_or(Cell::Null, Cell::of),
            Self::Own(own) => own.of(record),
            Self::Call(function, field) => function.of(&field.of(record)),
        }
    }
}

impl OwnField {
    fn of<'a>(self, record: &RecordView<'a>) -> Cell<'a> {
        match self {
            Self::Id => Cell::Number(Number::Integer(record.id)),
            Self::Created => Cell::Time(record.created_at_ms),
            Self::Updated => Cell::Time(record.updated_at_ms),
            Self::CreatedBy => Cell::Text(Cow::Borrowed(record.created_by)),
            Self::UpdatedBy => Cell::Text(Cow::Borrowed(record.updated_by)),
        }
    }
}

impl Function {
    /// The function of a value; of a list, the list of results.
    fn of<'a>(self, cell: &Cell<'_>) -> Cell<'a> {
        match cell {
            Cell::List(values) => Cell::Results(values.iter().map(|value| self.of(&Cell::of(value))).collect()),
            Cell::Results(cells) => Cell::Results(cells.iter().map(|cell| self.of(cell)).collect()),
            scalar => self.of_scalar(scalar).unwrap_or(Cell::Null),
        }
    }

    fn of_scalar<'a>(self, cell: &Cell<'_>) -> Option<Cell<'a>> {
        let text = |text: String| Some(Cell::Text(Cow::Owned(text)));
        let integer = |integer: i64| Some(Cell::Number(Number::Integer(integer)));
        match self {
            Self::Lower => text(cell.text()?.to_lowercase()),
            Self::Upper => text(cell.text()?.to_uppercase()),
            Self::Trim => text(trim(&cell.text()?).to_owned()),
            Self::Text => text(cell.text()?.into_owned()),
            Self::Length => integer(i64::try_from(cell.text()?.chars().count()).ok()?),
            Self::Date => text(date::day_text(cell.instant()?)),
            Self::Year => integer(date::civil(cell.instant()?).year().into()),
            Self::Month => integer(date::civil(cell.instant()?).month().into()),
            Self::Day => integer(date::civil(cell.instant()?).day().into()),
            Self::Number => cell.number().map(Cell::Number),
        }
    }
}
