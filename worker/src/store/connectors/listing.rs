//! A page of connectors, found and ordered by the database.

use super::{COLUMNS, Connectors, Row, StoredConnector};
use crate::store::Error;
use crate::store::database::{Database, on};
use crate::store::dead_letters::without_nul;

/// What connectors can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListOrder {
    /// The number.
    Id,
    /// The identity.
    Uuid,
    /// The name.
    Name,
    /// The description.
    Description,
    /// `type`.
    Kind,
    /// `authtype`.
    Authtype,
    /// `status`.
    Status,
    /// When it was made.
    CreatedAt,
    /// When it was changed last.
    UpdatedAt,
}

/// Whether the records of a page are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Record {
    /// As they are stored.
    Read,
    /// They are empty: nothing of them is looked at, and reading thousands of them takes longer than all the rest.
    LeftOut,
}

/// Which connectors, in which order, which part of them.
#[derive(Debug, Clone)]
pub struct ListQuery<'a> {
    /// Part of name, description or authtype, in lower case; all where empty.
    pub needle: &'a str,
    /// What they are ordered by; then by id.
    pub order: ListOrder,
    /// The last one first.
    pub descending: bool,
    /// Rows of the page.
    pub limit: i64,
    /// Rows before the page.
    pub offset: i64,
    /// Those of this kind beside those that are not hidden.
    pub asset_type: &'a str,
    /// Of this category only.
    pub category: Option<i64>,
    /// Of this status only, in capitals; any where empty.
    pub status: &'a str,
    /// Of these uuids only.
    pub uuids: Option<&'a [String]>,
    /// Whether their records are read.
    pub record: Record,
}

impl ListOrder {
    /// The column, compared byte by byte on either database.
    fn column(self, database: &Database) -> String {
        let collation = match database {
            Database::Sqlite { .. } => "BINARY",
            Database::Postgres(_) => "\"C\"",
        };
        let text = |name: &str| format!("{name} COLLATE {collation}");
        match self {
            Self::Id => "id".to_owned(),
            Self::Uuid => text("uuid"),
            Self::Name => text("name"),
            Self::Description => text("description"),
            Self::Kind => text("type"),
            Self::Authtype => text("authtype"),
            Self::Status => text("status"),
            Self::CreatedAt => "created_at".to_owned(),
            Self::UpdatedAt => "updated_at".to_owned(),
        }
    }
}

/// The condition of a query: its parameters are always the first five.
fn condition(database: &Database) -> String {
    let position = match database {
        Database::Sqlite { .. } => "instr",
        Database::Postgres(_) => "strpos",
    };
    format!(
        "($1 = '' OR {position}(search, $1) > 0) AND (asset_type IS NULL OR asset_type = $2)
         AND ($3 = '' OR {position}(categories, $3) > 0) AND ($4 = '' OR status = $4)
         AND ($5 = '' OR {position}($5, ',' || LOWER(uuid) || ',') > 0)"
    )
}

impl Connectors<'_> {
    /// A page of connectors, and how many there are in all.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn page(self, query: &ListQuery<'_>) -> Result<(Vec<StoredConnector>, i64), Error> {
        let database = &self.0.database;
        let (condition, column) = (condition(database), query.order.column(database));
        let direction = if query.descending { "DESC" } else { "ASC" };
        let record = match query.record {
            Record::Read => "record",
            Record::LeftOut => "CAST('{}' AS TEXT) AS record",
        };
        // The page is found without its records, which may be large.
        let statement = sqlx::AssertSqlSafe(format!(
            "SELECT {record}, {COLUMNS} FROM connectors WHERE id IN (SELECT id FROM connectors WHERE {condition}
             ORDER BY {column} {direction}, id {direction} LIMIT $6 OFFSET $7)
             ORDER BY {column} {direction}, id {direction}"
        ));
        let count = sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM connectors WHERE {condition}"));
        let (needle, status) = (without_nul(query.needle), without_nul(query.status));
        let category = query.category.map(|id| format!(",{id},")).unwrap_or_default();
        // One that names nothing still has a comma, so that it means none and not all.
        let uuids = query.uuids.map(|uuids| format!(",{},", uuids.join(",").to_ascii_lowercase())).unwrap_or_default();
        let asset_type = without_nul(query.asset_type);
        let (rows, total): (Vec<Row>, i64) = on!(database, read db => {
            let total = sqlx::query_scalar(count)
                .bind(&needle).bind(&asset_type).bind(&category).bind(&status).bind(&uuids)
                .fetch_one(&mut *db).await?;
            let rows = sqlx::query_as(statement)
                .bind(&needle).bind(&asset_type).bind(&category).bind(&status).bind(&uuids)
                .bind(query.limit).bind(query.offset)
                .fetch_all(&mut *db).await?;
            (rows, total)
        })?;
        Ok((rows.into_iter().map(Row::stored).collect::<Result<_, _>>()?, total))
    }
}
