//! Statements whose text and number of arguments depend on what is asked, on both databases.
//!
//! Texts are made of constants and placeholders only: every value is an argument.

use std::time::Duration;

use sqlx::{AssertSqlSafe, PgConnection, Postgres, Sqlite, SqliteConnection, Transaction};
use tokio::time::timeout;

use super::CollectionError;
use crate::store::Error;
use crate::store::audit::{self, Entry};
use crate::store::database::{
    AnyRow, Database, ONE_RECORD, POSTGRES_BEGIN, POSTGRES_NOW, SQLITE_NOW, STATEMENT, on, too_slow,
};
use crate::store::sqlite_writer::Turn;

/// An argument of a statement.
#[derive(Debug, Clone)]
pub(super) enum Bind {
    Int(Option<i64>),
    Real(Option<f64>),
    Text(Option<String>),
    Bytes(Vec<u8>),
}

impl Bind {
    /// What it takes in a list of PostgreSQL's protocol: its length and its value.
    fn bytes(&self) -> usize {
        4 + match self {
            Self::Int(_) | Self::Real(_) => 8,
            Self::Text(text) => text.as_ref().map_or(0, String::len),
            Self::Bytes(bytes) => bytes.len(),
        }
    }
}

impl From<i64> for Bind {
    fn from(value: i64) -> Self {
        Self::Int(Some(value))
    }
}

impl From<Option<i64>> for Bind {
    fn from(value: Option<i64>) -> Self {
        Self::Int(value)
    }
}

impl From<Option<f64>> for Bind {
    fn from(value: Option<f64>) -> Self {
        Self::Real(value)
    }
}

impl From<&str> for Bind {
    fn from(value: &str) -> Self {
        Self::Text(Some(value.to_owned()))
    }
}

impl From<String> for Bind {
    fn from(value: String) -> Self {
        Self::Text(Some(value))
    }
}

impl From<Option<String>> for Bind {
    fn from(value: Option<String>) -> Self {
        Self::Text(value)
    }
}

impl From<Vec<u8>> for Bind {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(value)
    }
}

/// Arguments in the order of their placeholders.
macro_rules! binds {
    ($($value:expr),* $(,)?) => { vec![$($crate::store::collections::session::Bind::from($value)),*] };
}
pub(super) use binds;

macro_rules! bound {
    ($query:expr, $binds:expr) => {{
        let mut query = $query;
        for bind in $binds {
            query = match bind {
                Bind::Int(value) => query.bind(value),
                Bind::Real(value) => query.bind(value),
                Bind::Text(value) => query.bind(value),
                Bind::Bytes(value) => query.bind(value),
            };
        }
        query
    }};
}

/// A transaction that writes; without a commit nothing of it is stored.
pub(super) enum Session {
    Sqlite(Transaction<'static, Sqlite>, Turn),
    Postgres(Transaction<'static, Postgres>),
}

impl Session {
    pub(super) async fn begin(database: &Database) -> Result<Self, Error> {
        Ok(match database {
            Database::Sqlite { writer, .. } => {
                let (transaction, turn) = writer.begin().await?;
                Self::Sqlite(transaction, turn)
            }
            Database::Postgres(pool) => Self::Postgres(pool.begin_with(POSTGRES_BEGIN).await?),
        })
    }

    /// The same for what need not outlast a power failure by itself. On SQLite its commit waits for no disk: whatever is committed
    /// later and does wait makes this durable first, since one log has both.
    pub(super) async fn begin_unsynced(database: &Database) -> Result<Self, Error> {
        let Database::Sqlite { writer, .. } = database else { return Self::begin(database).await };
        let (transaction, turn) = writer.begin_unsynced().await?;
        Ok(Self::Sqlite(transaction, turn))
    }

    pub(super) async fn commit(self) -> Result<(), Error> {
        match self {
            Self::Sqlite(transaction, _turn) => transaction.commit().await?,
            Self::Postgres(transaction) => transaction.commit().await?,
        }
        Ok(())
    }

    /// Whether a row that is read has to be locked, since others write at the same time.
    pub(super) fn for_update(&self) -> &'static str {
        match self {
            Self::Sqlite(..) => "",
            Self::Postgres(_) => " FOR UPDATE",
        }
    }

    /// Epoch milliseconds by the database's clock.
    pub(super) async fn now(&mut self) -> Result<i64, Error> {
        let clock = match self {
            Self::Sqlite(..) => SQLITE_NOW,
            Self::Postgres(_) => POSTGRES_NOW,
        };
        let (now,) = self.row::<(i64,)>(clock, Vec::new()).await?.unwrap_or_default();
        Ok(now)
    }

    /// Appends an entry to the audit log, which is locked until the transaction ends.
    pub(super) async fn append(&mut self, entry: &Entry, now: i64) -> Result<(), Error> {
        match self {
            Self::Sqlite(transaction, _) => audit::append!(*transaction, entry, now),
            Self::Postgres(transaction) => audit::append!(*transaction, entry, now),
        }
        Ok(())
    }

    /// How many rows a statement changed.
    pub(super) async fn execute(&mut self, statement: impl Into<String>, binds: Vec<Bind>) -> Result<u64, Error> {
        let statement = AssertSqlSafe(statement.into());
        Ok(match self {
            Self::Sqlite(db, _) => bound!(sqlx::query(statement), binds).execute(&mut **db).await?.rows_affected(),
            Self::Postgres(db) => bound!(sqlx::query(statement), binds).execute(&mut **db).await?.rows_affected(),
        })
    }

    /// All rows of a statement.
    pub(super) async fn rows<T: AnyRow>(
        &mut self,
        statement: impl Into<String>,
        binds: Vec<Bind>,
    ) -> Result<Vec<T>, Error> {
        let statement = AssertSqlSafe(statement.into());
        Ok(match self {
            Self::Sqlite(db, _) => bound!(sqlx::query_as(statement), binds).fetch_all(&mut **db).await?,
            Self::Postgres(db) => bound!(sqlx::query_as(statement), binds).fetch_all(&mut **db).await?,
        })
    }

    /// The first row of a statement.
    pub(super) async fn row<T: AnyRow>(
        &mut self,
        statement: impl Into<String>,
        binds: Vec<Bind>,
    ) -> Result<Option<T>, Error> {
        Ok(self.rows(statement, binds).await?.into_iter().next())
    }

    /// Writes many rows with one statement: `begin`, the rows, `end`.
    pub(super) async fn insert(&mut self, begin: &str, rows: Vec<Vec<Bind>>, end: &str) -> Result<(), Error> {
        match self {
            Self::Sqlite(db, _) => insert_values(db, begin, rows, end).await,
            Self::Postgres(db) => insert_lists(db, begin, rows, end).await,
        }
    }
}

/// How many rows one statement of SQLite inserts.
const ROWS: usize = 250;

async fn insert_values(db: &mut SqliteConnection, begin: &str, rows: Vec<Vec<Bind>>, end: &str) -> Result<(), Error> {
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let (mut statement, mut binds) = (String::from(begin), Vec::new());
        for row in rows.by_ref().take(ROWS) {
            statement.push_str(if binds.is_empty() { " VALUES (" } else { "), (" });
            // SQLite looks a numbered placeholder up among all of the statement, each time.
            statement.push_str(&vec!["?"; row.len()].join(", "));
            binds.extend(row);
        }
        statement.push_str(") ");
        statement.push_str(end);
        bound!(sqlx::query(AssertSqlSafe(statement)), binds).execute(&mut *db).await?;
    }
    Ok(())
}

/// A list a column: PostgreSQL plans a statement for each number of values otherwise, which takes longer than to insert them.
async fn insert_lists(db: &mut PgConnection, begin: &str, rows: Vec<Vec<Bind>>, end: &str) -> Result<(), Error> {
    let Some(width) = rows.first().map(Vec::len) else { return Ok(()) };
    let mut statement = format!("{begin} SELECT * FROM unnest(");
    push_placeholders(&mut statement, 1, width);
    statement.push_str(") ");
    statement.push_str(end);
    for columns in lists(rows) {
        let mut query = sqlx::query(AssertSqlSafe(statement.clone()));
        for column in columns {
            query = match column {
                Column::Int(values) => query.bind(values),
                Column::Real(values) => query.bind(values),
                Column::Text(values) => query.bind(values),
                Column::Bytes(values) => query.bind(values),
            };
        }
        query.execute(&mut *db).await?;
    }
    Ok(())
}

/// The columns of rows, for each statement as many rows as one record carries, at least one.
fn lists(rows: Vec<Vec<Bind>>) -> Vec<Vec<Column>> {
    let (mut statements, mut carried): (Vec<Vec<Column>>, usize) = (Vec::new(), 0);
    for row in rows {
        let bytes: usize = row.iter().map(Bind::bytes).sum();
        carried += bytes;
        match statements.last_mut() {
            Some(columns) if carried <= ONE_RECORD => {
                columns.iter_mut().zip(row).for_each(|(column, value)| column.push(value));
            }
            _ => {
                statements.push(row.into_iter().map(Column::of).collect());
                carried = bytes;
            }
        }
    }
    statements
}

/// The values of a column, all of one type.
enum Column {
    Int(Vec<Option<i64>>),
    Real(Vec<Option<f64>>),
    Text(Vec<Option<String>>),
    Bytes(Vec<Vec<u8>>),
}

impl Column {
    fn of(value: Bind) -> Self {
        match value {
            Bind::Int(value) => Self::Int(vec![value]),
            Bind::Real(value) => Self::Real(vec![value]),
            Bind::Text(value) => Self::Text(vec![value]),
            Bind::Bytes(value) => Self::Bytes(vec![value]),
        }
    }

    /// A value of another type would be a defect, which the database rejects: lists of several lengths are filled up with nulls.
    fn push(&mut self, value: Bind) {
        match (self, value) {
            (Self::Int(values), Bind::Int(value)) => values.push(value),
            (Self::Real(values), Bind::Real(value)) => values.push(value),
            (Self::Text(values), Bind::Text(value)) => values.push(value),
            (Self::Bytes(values), Bind::Bytes(value)) => values.push(value),
            _ => debug_assert!(false, "a column has one type"),
        }
    }
}

/// Appends `$first, …`, `count` of them.
fn push_placeholders(statement: &mut String, first: usize, count: usize) {
    for number in first..first + count {
        statement.push_str(if number == first { "$" } else { ", $" });
        statement.push_str(&number.to_string());
    }
}

/// `($first, …)`, for `IN`; an empty list is in the middle of nothing, so callers have at least one.
pub(super) fn list(first: usize, count: usize) -> String {
    let mut text = String::from("(");
    push_placeholders(&mut text, first, count);
    text.push(')');
    text
}

/// `($first), …`, for `VALUES` of one column.
pub(super) fn values_of(first: usize, count: usize) -> String {
    let rows: Vec<String> = (first..first + count).map(|number| format!("(${number})")).collect();
    rows.join(", ")
}

/// All rows of a statement that reads, over any connection.
pub(super) async fn read<T: AnyRow>(database: &Database, statement: String, binds: Vec<Bind>) -> Result<Vec<T>, Error> {
    on!(database, read db => bound!(sqlx::query_as(AssertSqlSafe(statement)), binds).fetch_all(db).await?)
}

/// A transaction in its time, as every statement has one.
pub(super) async fn in_time<T>(work: impl Future<Output = Result<T, CollectionError>>) -> Result<T, CollectionError> {
    in_time_of(STATEMENT, work).await
}

/// The same with another time.
pub(super) async fn in_time_of<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, CollectionError>>,
) -> Result<T, CollectionError> {
    timeout(limit, Box::pin(work)).await.unwrap_or_else(|_| Err(too_slow().into()))
}

/// The same for what only the database can refuse.
pub(super) async fn in_time_of_statement<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    timeout(STATEMENT, Box::pin(work)).await.unwrap_or_else(|_| Err(too_slow()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_carries_what_fits_into_one_record() {
        let text = |length: usize| vec![Bind::from(1), Bind::from("x".repeat(length))];
        let lengths = |rows: Vec<Vec<Bind>>| -> Vec<usize> {
            let ids = |columns: &Vec<Column>| match &columns[0] {
                Column::Int(ids) => ids.len(),
                _ => 0,
            };
            lists(rows).iter().map(ids).collect()
        };
        assert_eq!(lengths(Vec::new()), [0; 0]);
        // A row takes 16 bytes next to its text.
        assert_eq!(lengths(vec![text(1_008); 25]), [12, 12, 1]);
        assert_eq!(lengths(vec![text(10), text(2 * ONE_RECORD), text(10), text(10)]), [1, 1, 2]);
    }
}
