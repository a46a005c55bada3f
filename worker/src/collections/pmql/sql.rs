//! Conditions as SQL. Every value is bound; `$1` is the collection.

use std::fmt::Write;

use super::narrow::{Bind, Dialect, IndexPart, What};
use super::rows::Row;
use super::tree::Comparison;
use crate::collections::index_row::{FALSE, NUMBER, TEXT, TRUE};

/// The SQL of a condition, and what its placeholders stand for from the first one on.
pub(super) fn write(what: &What, dialect: Dialect, first_placeholder: usize) -> (String, Vec<Bind>) {
    let mut writer = Writer { sql: String::new(), binds: Vec::new(), dialect, first_placeholder };
    writer.what(what);
    (writer.sql, writer.binds)
}

/// The same of rows of the index, where all that is asked is that a record has such rows; with the same placeholders.
pub(super) fn write_parts(what: &What, dialect: Dialect, first_placeholder: usize) -> Vec<IndexPart> {
    let parts = match what {
        What::All(parts) => parts.as_slice(),
        other => std::slice::from_ref(other),
    };
    let mut writer = Writer { sql: String::new(), binds: Vec::new(), dialect, first_placeholder };
    let part = |part: &What| {
        let What::Indexed(slot, lists) = part else { return None };
        writer.slot(*slot, lists);
        Some(IndexPart { sql: std::mem::take(&mut writer.sql), is_one_value: is_one_value(lists) })
    };
    parts.iter().map(part).collect::<Option<_>>().unwrap_or_default()
}

fn is_one_value(lists: &[Vec<Row>]) -> bool {
    let [list] = lists else { return false };
    let [row] = list.as_slice() else { return false };
    match row {
        Row::Number(comparison, _) | Row::Text(comparison, _) => *comparison == Comparison::Equal,
        Row::Kind(kind) => matches!(*kind, FALSE | TRUE),
        Row::Range(..) => false,
    }
}

struct Writer {
    sql: String,
    binds: Vec<Bind>,
    dialect: Dialect,
    first_placeholder: usize,
}

impl Writer {
    fn what(&mut self, what: &What) {
        match what {
            What::Always => self.push("1 = 1"),
            What::Never => self.push("1 = 0"),
            What::All(parts) => self.joined(" AND ", parts, Self::what),
            What::Any(parts) => self.joined(" OR ", parts, Self::what),
            What::Not(what) => {
                self.push("NOT (");
                self.what(what);
                self.push(")");
            }
            What::Indexed(slot, lists) => self.index_row(*slot, lists),
            What::Missing(slot) => {
                self.push("NOT ");
                self.index_row(*slot, &[]);
            }
            What::Own(column, comparison, values) => {
                self.push(column);
                self.compared(*comparison, values.clone());
            }
        }
    }

    /// There is an index row of the record. SQLite collects the records of an uncorrelated query once; PostgreSQL does so only
    /// while they fit into its memory for that, and joins what is correlated.
    fn index_row(&mut self, slot: i16, lists: &[Vec<Row>]) {
        self.push(match self.dialect {
            Dialect::Sqlite => "(id IN (SELECT record_id FROM collection_index WHERE collection_id = $1 AND ",
            Dialect::Postgres => {
                "(EXISTS (SELECT 1 FROM collection_index WHERE collection_id = $1 AND record_id = id AND "
            }
        });
        self.slot(slot, lists);
        self.push("))");
    }

    fn slot(&mut self, slot: i16, lists: &[Vec<Row>]) {
        self.push("slot = ");
        self.bind(Bind::Integer(slot.into()));
        for rows in lists {
            self.push(" AND ");
            self.rows(rows);
        }
    }

    fn rows(&mut self, rows: &[Row]) {
        let mut numbers = Vec::new();
        let mut texts = Vec::new();
        let mut others = Vec::new();
        for row in rows {
            match row {
                Row::Number(Comparison::Equal, number) => numbers.push(Bind::Real(*number)),
                Row::Text(Comparison::Equal, text) => texts.push(Bind::Text(text.clone())),
                other => others.push(RowTest::Other(other)),
            }
        }
        let lists = [("number", NUMBER, numbers), ("text", TEXT, texts)];
        let lists = lists.into_iter().filter(|(.., values)| !values.is_empty());
        let tests: Vec<_> =
            lists.map(|(column, kind, values)| RowTest::Equal(column, kind, values)).chain(others).collect();
        self.joined(" OR ", &tests, Self::row);
    }

    fn row(&mut self, test: &RowTest<'_>) {
        match test {
            RowTest::Equal(column, kind, values) => self.row_compared(column, *kind, Comparison::Equal, values.clone()),
            RowTest::Other(Row::Kind(kind)) => self.kind(*kind),
            RowTest::Other(Row::Number(comparison, number)) => {
                self.row_compared("number", NUMBER, *comparison, vec![Bind::Real(*number)]);
            }
            RowTest::Other(Row::Text(comparison, text)) => {
                self.row_compared("text", TEXT, *comparison, vec![Bind::Text(text.clone())]);
            }
            RowTest::Other(Row::Range(from, below)) => {
                self.kind(TEXT);
                for (comparison, bound) in [(Comparison::AtLeast, from), (Comparison::Less, below)] {
                    if let Some(bound) = bound {
                        self.push(" AND text");
                        self.compared(comparison, vec![Bind::Text(bound.clone())]);
                    }
                }
            }
        }
    }

    fn row_compared(&mut self, column: &str, kind: i16, comparison: Comparison, values: Vec<Bind>) {
        self.kind(kind);
        self.push(" AND ");
        self.push(column);
        self.compared(comparison, values);
    }

    fn kind(&mut self, kind: i16) {
        self.push("kind = ");
        self.push(&kind.to_string());
    }

    fn compared(&mut self, comparison: Comparison, values: Vec<Bind>) {
        let is_list = values.len() != 1;
        self.push(match comparison {
            Comparison::Equal if is_list => " IN (",
            Comparison::Equal => " = ",
            Comparison::Less => " < ",
            Comparison::AtMost => " <= ",
            Comparison::Greater => " > ",
            Comparison::AtLeast => " >= ",
        });
        for (place, value) in values.into_iter().enumerate() {
            if place > 0 {
                self.push(", ");
            }
            self.bind(value);
        }
        if is_list {
            self.push(")");
        }
    }

    fn joined<T>(&mut self, separator: &str, parts: &[T], mut write: impl FnMut(&mut Self, &T)) {
        self.push("(");
        for (place, part) in parts.iter().enumerate() {
            if place > 0 {
                self.push(separator);
            }
            write(self, part);
        }
        self.push(")");
    }

    fn bind(&mut self, value: Bind) {
        // Writing into a text cannot fail.
        write!(self.sql, "${}", self.first_placeholder + self.binds.len()).unwrap_or_default();
        self.binds.push(value);
    }

    fn push(&mut self, sql: &str) {
        self.sql.push_str(sql);
    }
}

/// One of the alternatives for an index row.
enum RowTest<'a> {
    /// The column is one of these values.
    Equal(&'static str, i16, Vec<Bind>),
    Other(&'a Row),
}
