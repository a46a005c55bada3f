//! What both databases decide alike, as SQL: a condition that holds at least for every record that a query selects.
//!
//! Negation is pushed down to the tests, so that a test which SQL does not decide can be left out on either side of a `NOT`.

use super::like::Beginning;
use super::operand::{Literal, Operand};
use super::rows::{self, Row};
use super::sql;
use super::tree::{Check, Comparison, Expression, Field, OwnField, Test};
use crate::collections::column::ColumnKind;
use crate::collections::number::{Number, whole};
use crate::collections::value::boolean_text;

/// Whose SQL is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

/// A column with rows in `collection_index`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexedColumn {
    /// The members from `data`.
    pub path: Vec<String>,
    /// `collection_index.slot`.
    pub slot: i16,
    /// Its type.
    pub kind: ColumnKind,
}

/// A condition in SQL.
#[derive(Debug, Clone, PartialEq)]
pub struct Narrowing {
    /// An expression for `WHERE`.
    pub sql: String,
    /// What its placeholders stand for, from the first one on.
    pub binds: Vec<Bind>,
    /// It holds for no other records than the query selects, so that pages can be cut and counted in SQL.
    pub is_exact: bool,
    /// The same in parts, each a condition on rows of `collection_index` of one slot, with the same values. Records that have such
    /// a row of each part are those that are selected. Empty where more than that is asked.
    pub parts: Vec<IndexPart>,
}

/// A condition on rows of `collection_index`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexPart {
    /// An expression for `WHERE`.
    pub sql: String,
    /// It holds for one value, whose rows an index has in the order of their records.
    pub is_one_value: bool,
}

/// A value for a placeholder.
#[derive(Debug, Clone, PartialEq)]
pub enum Bind {
    /// A `BIGINT`.
    Integer(i64),
    /// A `DOUBLE PRECISION`.
    Real(f64),
    /// A `TEXT` without NUL.
    Text(String),
}

/// A condition, and whether it is exactly what was asked.
#[derive(Debug)]
struct Condition {
    what: What,
    is_exact: bool,
}

/// A condition on a row of `collection_records`.
#[derive(Debug)]
pub(super) enum What {
    /// Every row.
    Always,
    /// No row.
    Never,
    All(Vec<What>),
    Any(Vec<What>),
    /// There is an index row of the slot for which one of the conditions of each list holds.
    Indexed(i16, Vec<Vec<Row>>),
    /// There is no index row of the slot.
    Missing(i16),
    /// A column compares; with several values it equals one of them.
    Own(&'static str, Comparison, Vec<Bind>),
    Not(Box<What>),
}

struct Scope<'a> {
    columns: &'a [IndexedColumn],
    instants: &'a [i64],
}

/// The condition of an expression; `instants` are those of its `NOW`s, or none of them.
pub(super) fn narrow(
    expression: &Expression,
    instants: &[i64],
    dialect: Dialect,
    columns: &[IndexedColumn],
    first_placeholder: usize,
) -> Option<Narrowing> {
    let condition = Scope { columns, instants }.expression(expression, Sense::AsItIs);
    if matches!(condition.what, What::Always) && !condition.is_exact {
        return None;
    }
    let (sql, binds) = sql::write(&condition.what, dialect, first_placeholder);
    let parts = sql::write_parts(&condition.what, dialect, first_placeholder);
    Some(Narrowing { sql, binds, is_exact: condition.is_exact, parts })
}

/// Whether an expression is meant or its opposite.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sense {
    AsItIs,
    Opposite,
}

impl Sense {
    fn turned(self, is_negated: bool) -> Self {
        match (self, is_negated) {
            (sense, false) => sense,
            (Self::AsItIs, true) => Self::Opposite,
            (Self::Opposite, true) => Self::AsItIs,
        }
    }
}

impl Scope<'_> {
    fn expression(&self, expression: &Expression, sense: Sense) -> Condition {
        match (expression, sense) {
            (Expression::Not(opposite), _) => self.expression(opposite, sense.turned(true)),
            (Expression::And(parts), Sense::AsItIs) | (Expression::Or(parts), Sense::Opposite) => {
                all(parts.iter().map(|part| self.expression(part, sense)))
            }
            (Expression::Or(parts), Sense::AsItIs) | (Expression::And(parts), Sense::Opposite) => {
                any(parts.iter().map(|part| self.expression(part, sense)))
            }
            (Expression::Test(test), _) => {
                let condition = self.test(test).unwrap_or(Condition { what: What::Always, is_exact: false });
                match sense.turned(test.is_negated) {
                    Sense::AsItIs => condition,
                    Sense::Opposite => opposite(condition),
                }
            }
        }
    }

    /// The condition of a test that is not negated; `None` where SQL tells nothing.
    fn test(&self, test: &Test) -> Option<Condition> {
        match &test.field {
            Field::Path(path) => {
                let column = self.columns.iter().find(|column| path.is_members(&column.path))?;
                let selection = rows::selection(column.kind, &test.check, self.instants)?;
                let missing = selection.has_missing.then_some(What::Missing(column.slot));
                let indexed = (!selection.rows.is_empty()).then_some(What::Indexed(column.slot, vec![selection.rows]));
                let what = any_of(missing.into_iter().chain(indexed).collect());
                Some(Condition { what, is_exact: !selection.is_superset })
            }
            Field::Own(own) => {
                let what = match &test.check {
                    Check::In(literals) => {
                        let each = literals.iter().map(|literal| own_compared(*own, Comparison::Equal, literal));
                        together(each.collect::<Option<Vec<_>>>()?)
                    }
                    Check::Compare(comparison, Operand::Literal(literal)) => own_compared(*own, *comparison, literal)?,
                    Check::Compare(comparison, Operand::Now(place)) => match own_time(*own) {
                        Some(column) => own_value(column, *comparison, Bind::Integer(*self.instants.get(*place)?)),
                        None => return None,
                    },
                    Check::Like(pattern) => match (own_actor(*own)?, pattern.beginning()) {
                        (column, Beginning::Whole(text)) => own_text(column, text)?,
                        _ => return None,
                    },
                };
                Some(Condition { what, is_exact: true })
            }
            Field::Call(..) => None,
        }
    }
}

fn all(conditions: impl Iterator<Item = Condition>) -> Condition {
    let mut is_exact = true;
    let mut parts = Vec::new();
    for condition in conditions {
        match condition.what {
            What::Never => return Condition { what: What::Never, is_exact: true },
            What::Always => {}
            what => add(&mut parts, what),
        }
        is_exact &= condition.is_exact;
    }
    let what = match parts.len() {
        0 => What::Always,
        1 => parts.remove(0),
        _ => What::All(parts),
    };
    Condition { what, is_exact }
}

/// Adds a condition. A record has one row of a slot, so that several conditions on it are about the same row: both ends of a
/// range are one part of the index.
fn add(parts: &mut Vec<What>, what: What) {
    let What::Indexed(slot, lists) = what else { return parts.push(what) };
    let same = parts.iter_mut().find_map(|part| match part {
        What::Indexed(other, lists) if *other == slot => Some(lists),
        _ => None,
    });
    match same {
        Some(all) => all.extend(lists),
        None => parts.push(What::Indexed(slot, lists)),
    }
}

fn any(conditions: impl Iterator<Item = Condition>) -> Condition {
    let (mut is_exact, mut is_always) = (true, false);
    let mut parts = Vec::new();
    for condition in conditions {
        match condition.what {
            What::Always if condition.is_exact => return condition,
            What::Always => is_always = true,
            What::Never => {}
            what => parts.push(what),
        }
        is_exact &= condition.is_exact;
    }
    let what = if is_always { What::Always } else { any_of(parts) };
    Condition { what, is_exact }
}

fn any_of(mut parts: Vec<What>) -> What {
    match parts.len() {
        0 => What::Never,
        1 => parts.remove(0),
        _ => What::Any(parts),
    }
}

/// Nothing is known of the records outside of more than was asked.
fn opposite(condition: Condition) -> Condition {
    let what = match condition.what {
        _ if !condition.is_exact => What::Always,
        What::Always => What::Never,
        What::Never => What::Always,
        what => What::Not(Box::new(what)),
    };
    Condition { what, is_exact: condition.is_exact }
}

/// Any of several equalities of one column.
fn together(equalities: Vec<What>) -> What {
    let mut values = Vec::new();
    let mut column = None;
    for what in equalities {
        if let What::Own(name, _, binds) = what {
            column = Some(name);
            values.extend(binds);
        }
    }
    column.map_or(What::Never, |column| What::Own(column, Comparison::Equal, values))
}

fn own_compared(own: OwnField, comparison: Comparison, literal: &Literal) -> Option<What> {
    if *literal == Literal::Null {
        return Some(What::Never);
    }
    if let Some(column) = own_time(own) {
        return match literal {
            Literal::Text(text) => Some(own_value(column, comparison, Bind::Integer(text.instant?))),
            _ => None,
        };
    }
    let Some(column) = own_actor(own) else {
        return Some(literal.number().map_or(What::Never, |number| id_compared(comparison, number)));
    };
    match literal {
        // A database's collation orders texts by other rules.
        _ if comparison != Comparison::Equal => None,
        Literal::Text(text) if text.instant.is_none() => own_text(column, &text.text),
        Literal::Boolean(boolean) => own_text(column, boolean_text(*boolean)),
        _ => None,
    }
}

/// The column of a time.
fn own_time(own: OwnField) -> Option<&'static str> {
    match own {
        OwnField::Created => Some("created_at"),
        OwnField::Updated => Some("updated_at"),
        OwnField::Id | OwnField::CreatedBy | OwnField::UpdatedBy => None,
    }
}

/// The column of an actor.
fn own_actor(own: OwnField) -> Option<&'static str> {
    match own {
        OwnField::CreatedBy => Some("created_by"),
        OwnField::UpdatedBy => Some("updated_by"),
        OwnField::Id | OwnField::Created | OwnField::Updated => None,
    }
}

fn own_value(column: &'static str, comparison: Comparison, value: Bind) -> What {
    What::Own(column, comparison, vec![value])
}

/// PostgreSQL takes no NUL.
fn own_text(column: &'static str, text: &str) -> Option<What> {
    (!text.contains('\0')).then(|| own_value(column, Comparison::Equal, Bind::Text(text.to_owned())))
}

fn id_compared(comparison: Comparison, number: Number) -> What {
    if let Some(integer) = number.as_integer() {
        return own_value("id", comparison, Bind::Integer(integer));
    }
    let double = number.to_f64();
    match (whole(double.floor()), comparison) {
        (_, Comparison::Equal) => What::Never,
        (Some(below), Comparison::Less | Comparison::AtMost) => {
            own_value("id", Comparison::AtMost, Bind::Integer(below))
        }
        (Some(below), Comparison::Greater | Comparison::AtLeast) => {
            own_value("id", Comparison::Greater, Bind::Integer(below))
        }
        (None, comparison) => {
            let order = if double > 0.0 { std::cmp::Ordering::Less } else { std::cmp::Ordering::Greater };
            if comparison.accepts_order(order) { What::Always } else { What::Never }
        }
    }
}
