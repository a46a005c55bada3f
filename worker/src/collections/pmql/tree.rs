//! A query as a tree: every name is known, every value can meet its left side.

use super::like::Pattern;
use super::operand::{Literal, Operand};
use crate::collections::number::Number;
use crate::collections::path::Path;

/// A condition on a record.
#[derive(Debug)]
pub(super) enum Expression {
    /// All hold.
    And(Vec<Expression>),
    /// At least one holds.
    Or(Vec<Expression>),
    /// It does not hold.
    Not(Box<Expression>),
    /// One test.
    Test(Test),
}

/// A check of a field, or its exact opposite.
#[derive(Debug)]
pub(super) struct Test {
    pub(super) field: Field,
    pub(super) check: Check,
    pub(super) is_negated: bool,
}

/// What a field is held against.
#[derive(Debug)]
pub(super) enum Check {
    /// `= < <= > >=` a value.
    Compare(Comparison, Operand),
    /// `LIKE` a pattern.
    Like(Pattern),
    /// `=` one of these.
    In(Vec<Literal>),
}

/// How a field is compared; `!=` is the opposite of `Equal`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    /// `=`
    Equal,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
}

/// The left side of a test.
#[derive(Debug)]
pub(super) enum Field {
    /// A value of the record's data.
    Path(Path),
    /// A member of the record itself.
    Own(OwnField),
    /// A function of a field.
    Call(Function, Box<Field>),
}

impl Field {
    /// Whether it is `created` or `modified`, which only times can meet.
    pub(super) fn is_instant(&self) -> bool {
        matches!(self, Self::Own(OwnField::Created | OwnField::Updated))
    }

    /// Whether it is a day, beside which `NOW` is one too.
    pub(super) fn is_day(&self) -> bool {
        matches!(self, Self::Call(Function::Date, _))
    }
}

/// A member of the record itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OwnField {
    /// `id`
    Id,
    /// `created`
    Created,
    /// `modified`
    Updated,
    /// `created_by`
    CreatedBy,
    /// `modified_by`
    UpdatedBy,
}

impl OwnField {
    /// The field of a name in any case.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "id" => Self::Id,
            "created" | "created_at" => Self::Created,
            "modified" | "updated" | "updated_at" => Self::Updated,
            "created_by" | "created_by_id" => Self::CreatedBy,
            "modified_by" | "updated_by" | "updated_by_id" => Self::UpdatedBy,
            _ => return None,
        })
    }
}

/// A function, or a cast, which is one with another spelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    /// `lower`
    Lower,
    /// `upper`
    Upper,
    /// `trim`
    Trim,
    /// `length`
    Length,
    /// `date`, `CAST … AS date`
    Date,
    /// `year`
    Year,
    /// `month`
    Month,
    /// `day`
    Day,
    /// `CAST … AS number`
    Number,
    /// `CAST … AS text`
    Text,
}

impl Function {
    /// The function of a name in any case.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "lower" => Self::Lower,
            "upper" => Self::Upper,
            "trim" => Self::Trim,
            "length" => Self::Length,
            "date" => Self::Date,
            "year" => Self::Year,
            "month" => Self::Month,
            "day" => Self::Day,
            _ => return None,
        })
    }

    /// The cast to a type in any case.
    pub(super) fn cast_to(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "number" => Self::Number,
            "text" => Self::Text,
            "date" => Self::Date,
            _ => return None,
        })
    }
}

impl Literal {
    /// The number that it is, or that its text is.
    pub(super) fn number(&self) -> Option<Number> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.number,
            Self::Null | Self::Boolean(_) => None,
        }
    }
}
