//! Which index rows of a typed column belong to records that a check selects.

use super::like::{Beginning, Pattern};
use super::operand::{Literal, Operand, TextLiteral};
use super::tree::{Check, Comparison};
use crate::collections::column::ColumnKind;
use crate::collections::date;
use crate::collections::index_row::{FALSE, TEXT, TRUE};
use crate::collections::number::Number;
use crate::collections::value::boolean_text;

/// The doubles below it are the integers themselves; from here on two integers may share a double.
const EXACT_INTEGERS: f64 = 9_007_199_254_740_992.0;

/// A condition on one index row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Row {
    /// It is of this kind.
    Kind(i16),
    /// Its number compares.
    Number(Comparison, f64),
    /// Its text compares by code points.
    Text(Comparison, String),
    /// Its text is at least the first, and below the second.
    Range(Option<String>, Option<String>),
}

/// The index rows of one column that a check selects: any of these conditions, or none of the column's rows.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Selection {
    pub(super) rows: Vec<Row>,
    /// Records without a row are selected too.
    pub(super) has_missing: bool,
    /// It selects further rows, which the check does not.
    pub(super) is_superset: bool,
}

impl Selection {
    fn never() -> Self {
        Self::default()
    }

    fn missing() -> Self {
        Self { has_missing: true, ..Self::default() }
    }

    fn exactly(row: Row) -> Self {
        Self { rows: vec![row], ..Self::default() }
    }

    fn superset(row: Row) -> Self {
        Self { rows: vec![row], is_superset: true, ..Self::default() }
    }
}

/// The rows that a check of a column selects; `None` where the index does not tell.
pub(super) fn selection(kind: ColumnKind, check: &Check, instants: &[i64]) -> Option<Selection> {
    let selection = match check {
        Check::In(literals) => {
            let mut all = Selection::never();
            for literal in literals {
                let one = compared(kind, Comparison::Equal, literal)?;
                all.rows.extend(one.rows);
                all.has_missing |= one.has_missing;
                all.is_superset |= one.is_superset;
            }
            all
        }
        Check::Compare(comparison, Operand::Literal(literal)) => compared(kind, *comparison, literal)?,
        Check::Compare(comparison, Operand::Now(place)) => {
            compared_to_instant(kind, *comparison, *instants.get(*place)?, "")?
        }
        Check::Like(pattern) => like(kind, pattern)?,
    };
    // PostgreSQL takes no NUL, and no record holds one.
    let has_nul = |text: &String| text.contains('\0');
    let binds_nul = selection.rows.iter().any(|row| match row {
        Row::Text(_, text) => has_nul(text),
        Row::Range(from, below) => from.iter().chain(below).any(has_nul),
        Row::Kind(_) | Row::Number(..) => false,
    });
    (!binds_nul).then_some(selection)
}

fn compared(kind: ColumnKind, comparison: Comparison, literal: &Literal) -> Option<Selection> {
    if *literal == Literal::Null {
        return Some(Selection::missing());
    }
    match kind {
        ColumnKind::Json => None,
        ColumnKind::Number => {
            Some(literal.number().map_or_else(Selection::never, |number| numbers(comparison, number)))
        }
        ColumnKind::Boolean => Some(booleans(comparison, literal)),
        ColumnKind::String => match literal {
            Literal::Text(text) => texts(kind, comparison, text),
            Literal::Boolean(boolean) => {
                Some(Selection::exactly(Row::Text(comparison, boolean_text(*boolean).to_owned())))
            }
            // Any of many numeric texts.
            Literal::Number(_) | Literal::Null => None,
        },
        ColumnKind::Date | ColumnKind::Datetime => match literal {
            Literal::Text(text) => texts(kind, comparison, text),
            Literal::Boolean(_) | Literal::Number(_) | Literal::Null => Some(Selection::never()),
        },
    }
}

/// The index holds the nearest double of each number.
fn numbers(comparison: Comparison, number: Number) -> Selection {
    let double = number.to_f64();
    if double.abs() < EXACT_INTEGERS {
        return Selection::exactly(Row::Number(comparison, double));
    }
    Selection::superset(Row::Number(
        match comparison {
            Comparison::Less => Comparison::AtMost,
            Comparison::Greater => Comparison::AtLeast,
            other => other,
        },
        double,
    ))
}

fn booleans(comparison: Comparison, literal: &Literal) -> Selection {
    let is_word = |boolean: &bool| match literal {
        Literal::Boolean(literal) => literal == boolean,
        Literal::Text(text) => text.text == boolean_text(*boolean),
        Literal::Number(_) | Literal::Null => false,
    };
    match [false, true].iter().find(|boolean| is_word(boolean)) {
        Some(boolean) if comparison == Comparison::Equal => Selection::exactly(boolean_row(*boolean)),
        _ => Selection::never(),
    }
}

fn boolean_row(boolean: bool) -> Row {
    Row::Kind(if boolean { TRUE } else { FALSE })
}

fn texts(kind: ColumnKind, comparison: Comparison, literal: &TextLiteral) -> Option<Selection> {
    match literal.instant {
        None => Some(Selection::exactly(Row::Text(comparison, literal.text.clone()))),
        Some(instant) => compared_to_instant(kind, comparison, instant, &literal.text),
    }
}

/// Texts that are compared as instants; those of columns of dates have one form only, in which their order is that of time.
fn compared_to_instant(kind: ColumnKind, comparison: Comparison, instant: i64, literal: &str) -> Option<Selection> {
    match kind {
        ColumnKind::Json => None,
        ColumnKind::Number | ColumnKind::Boolean => Some(Selection::never()),
        ColumnKind::Datetime => Some(Selection::exactly(Row::Text(comparison, date::millisecond_text(instant)))),
        ColumnKind::Date => Some(days(comparison, instant)),
        ColumnKind::String => Some(Selection::superset(texts_near(comparison, instant, literal))),
    }
}

/// Days, each of which is its midnight.
fn days(comparison: Comparison, instant: i64) -> Selection {
    let is_midnight = date::midnight(instant) == instant;
    let comparison = match comparison {
        Comparison::Equal if !is_midnight => return Selection::never(),
        Comparison::Less if !is_midnight => Comparison::AtMost,
        Comparison::AtLeast if !is_midnight => Comparison::Greater,
        other => other,
    };
    Selection::exactly(Row::Text(comparison, date::day_text(instant)))
}

/// Date texts of any form: by their zone, each begins with a day that is at most one away from its instant's. What is no date text
/// is compared with the literal, which begins with such a day as well.
fn texts_near(comparison: Comparison, instant: i64, literal: &str) -> Row {
    let day = |instant: i64| (date::FIRST..=date::LAST).contains(&instant).then(|| date::day_text(instant));
    let from = day(instant - date::DAY);
    let below = day(instant + 2 * date::DAY);
    debug_assert!(literal.is_empty() || from.as_deref().is_none_or(|from| from <= literal), "{literal}");
    match comparison {
        Comparison::Equal => Row::Range(from, below),
        Comparison::Less | Comparison::AtMost => Row::Range(None, below),
        Comparison::Greater | Comparison::AtLeast => Row::Range(from, None),
    }
}

fn like(kind: ColumnKind, pattern: &Pattern) -> Option<Selection> {
    match kind {
        ColumnKind::Json | ColumnKind::Number => None,
        ColumnKind::Boolean => {
            let matching = [false, true].into_iter().filter(|boolean| pattern.matches(boolean_text(*boolean)));
            Some(Selection { rows: matching.map(boolean_row).collect(), ..Selection::default() })
        }
        ColumnKind::String | ColumnKind::Date | ColumnKind::Datetime => Some(match pattern.beginning() {
            Beginning::Whole(text) => Selection::exactly(Row::Text(Comparison::Equal, text.to_owned())),
            Beginning::Any(beginning) => Selection::exactly(beginning_with(beginning)),
            Beginning::AndMore(beginning) => Selection::superset(beginning_with(&beginning)),
        }),
    }
}

/// The texts that begin with a text.
fn beginning_with(beginning: &str) -> Row {
    if beginning.is_empty() { Row::Kind(TEXT) } else { Row::Range(Some(beginning.to_owned()), after(beginning)) }
}

/// The first text, by code points, after all that begin with `beginning`.
fn after(beginning: &str) -> Option<String> {
    let mut next: Vec<char> = beginning.chars().collect();
    while let Some(last) = next.pop() {
        if let Some(higher) = (last..=char::MAX).nth(1) {
            next.push(higher);
            return Some(next.into_iter().collect());
        }
    }
    None
}
