//! Whether a query holds for one record (the table of comparisons).

use std::cmp::Ordering;

use super::RecordView;
use super::cell::Cell;
use super::operand::{Literal, Operand, TextLiteral};
use super::tree::{Check, Comparison, Expression, Test};
use crate::collections::date;
use crate::collections::number::Number;
use crate::collections::value::boolean_text;

/// How a value stands to another one.
enum Relation {
    /// They do not meet: no comparison holds.
    None,
    /// They are the same, and have no order.
    Same,
    /// They have an order.
    Ordered(Ordering),
}

impl Expression {
    /// Whether it holds for a record; `instants` are those of the query's `NOW`s.
    pub(super) fn holds(&self, record: &RecordView<'_>, instants: &[i64]) -> bool {
        match self {
            Self::And(all) => all.iter().all(|one| one.holds(record, instants)),
            Self::Or(any) => any.iter().any(|one| one.holds(record, instants)),
            Self::Not(opposite) => !opposite.holds(record, instants),
            Self::Test(test) => test.holds(record, instants),
        }
    }
}

impl Test {
    fn holds(&self, record: &RecordView<'_>, instants: &[i64]) -> bool {
        self.check.holds(&self.field.of(record), instants) != self.is_negated
    }
}

impl Check {
    /// For a list, it holds if it does for one scalar element, and never as a comparison of order.
    fn holds(&self, cell: &Cell<'_>, instants: &[i64]) -> bool {
        let has_order = matches!(self, Self::Compare(comparison, _) if *comparison != Comparison::Equal);
        let holds_for_element =
            |element: &Cell<'_>| !matches!(element, Cell::Null) && self.holds_for_scalar(element, instants);
        match cell {
            Cell::List(values) => !has_order && values.iter().any(|value| holds_for_element(&Cell::of(value))),
            Cell::Results(cells) => !has_order && cells.iter().any(holds_for_element),
            scalar => self.holds_for_scalar(scalar, instants),
        }
    }

    fn holds_for_scalar(&self, cell: &Cell<'_>, instants: &[i64]) -> bool {
        match self {
            Self::Compare(comparison, operand) => comparison.accepts(&relation(cell, operand, instants)),
            Self::In(literals) => {
                literals.iter().any(|literal| Comparison::Equal.accepts(&relation_to_literal(cell, literal)))
            }
            Self::Like(pattern) => cell.text().is_some_and(|text| pattern.matches(&text)),
        }
    }
}

impl Comparison {
    fn accepts(self, relation: &Relation) -> bool {
        match relation {
            Relation::None => false,
            Relation::Same => self == Self::Equal,
            Relation::Ordered(order) => self.accepts_order(*order),
        }
    }

    /// Whether it holds for two values of this order.
    pub(super) fn accepts_order(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::Less => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::AtLeast => order.is_ge(),
        }
    }
}

fn relation(cell: &Cell<'_>, operand: &Operand, instants: &[i64]) -> Relation {
    match operand {
        Operand::Literal(literal) => relation_to_literal(cell, literal),
        Operand::Now(place) => {
            let instant = match cell {
                Cell::Time(instant) => Some(*instant),
                Cell::Text(text) => date::parse(text),
                _ => None,
            };
            ordered(instant, instants.get(*place).copied())
        }
    }
}

fn relation_to_literal(cell: &Cell<'_>, literal: &Literal) -> Relation {
    match (cell, literal) {
        (Cell::Null, Literal::Null) => Relation::Same,
        (Cell::Number(left), Literal::Number(right)) => Relation::Ordered(left.cmp(right)),
        (Cell::Number(left), Literal::Text(right)) => ordered(Some(*left), right.number),
        (Cell::Text(left), Literal::Number(right)) => ordered(Number::parse_numeric_text(left), Some(*right)),
        (Cell::Text(left), Literal::Text(right)) => relation_of_texts(left, right),
        (Cell::Text(left), Literal::Boolean(right)) => same(left == boolean_text(*right)),
        (Cell::Boolean(left), Literal::Text(right)) => same(boolean_text(*left) == right.text),
        (Cell::Boolean(left), Literal::Boolean(right)) => same(left == right),
        (Cell::Time(left), Literal::Text(right)) => ordered(Some(*left), right.instant),
        _ => Relation::None,
    }
}

fn relation_of_texts(left: &str, right: &TextLiteral) -> Relation {
    let instants = right.instant.and_then(|right| Some(date::parse(left)?.cmp(&right)));
    Relation::Ordered(instants.unwrap_or_else(|| left.cmp(&right.text)))
}

fn ordered<T: Ord>(left: Option<T>, right: Option<T>) -> Relation {
    match (left, right) {
        (Some(left), Some(right)) => Relation::Ordered(left.cmp(&right)),
        _ => Relation::None,
    }
}

fn same(is_same: bool) -> Relation {
    if is_same { Relation::Same } else { Relation::None }
}
