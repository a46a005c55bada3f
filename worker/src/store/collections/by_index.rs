//! Conditions that rows of the index tell alone: how the rows are found, whatever a database knows of its tables.
//!
//! Rows of one part of the condition are read, and for each of them the other parts are looked up. Which part is read is decided
//! by counting, up to a limit, since a planner without statistics would join all rows of all parts.

use super::read::{Narrowed, Scan, bound, place};
use super::session::{Bind, binds, read};
use super::{Collection, Collections};
use crate::collections::pmql::{IndexPart, Narrowing};
use crate::store::Error;

/// How far the rows of each part are counted; among larger ones any will do.
const COUNTED: i64 = 1_000;

/// Of which records [`super::rows::VISIBLE`] lets be seen: where records have changes in store, nothing is narrowed. All that an
/// import made has larger ids than there were when it began, and only then records are looked at.
const VISIBLE_ROWS: &str =
    "(record_id < COALESCE((SELECT MIN(first_id) FROM collection_imports WHERE target = $1 AND state <> 1), 9223372036854775807)
    OR EXISTS (SELECT 1 FROM collection_records LEFT JOIN collection_imports ON number = collection_records.import_id
    WHERE collection_records.collection_id = $1 AND id = record_id AND (state IS NULL OR state = 1)))";

/// `FROM` and `WHERE` for rows of the index, and how their records are called in an order.
pub(super) struct IndexRows {
    pub(super) sql: String,
    pub(super) binds: Vec<Bind>,
    /// An index has the rows in the order of `record_id`; ids are compared as expressions otherwise, so that the index of ids is
    /// not read in their order until enough of them fit.
    pub(super) id: &'static str,
}

/// The rows of the index that tell all that is asked for; `None` where records have to be looked at.
pub(super) fn rows(collection: &Collection, scan: &Scan) -> Option<IndexRows> {
    let Narrowed { narrowing, first_part } = scan.narrowed.as_ref()?;
    let first = narrowing.parts.get(*first_part)?;
    let id = if first.is_one_value { "record_id" } else { "+record_id" };
    let (comparison, place) = place(scan);
    let mut sql = format!(
        "FROM collection_index AS found WHERE collection_id = $1 AND {id} >= $2 AND {id} {comparison} $3 AND {}",
        first.sql
    );
    for (number, part) in narrowing.parts.iter().enumerate() {
        if number != *first_part {
            // PostgreSQL joins what has no limit.
            sql.push_str(" AND EXISTS (SELECT 1 FROM collection_index WHERE collection_id = $1 AND record_id = found.record_id AND ");
            sql.push_str(&part.sql);
            sql.push_str(" LIMIT 1 OFFSET 0)");
        }
    }
    let mut binds = binds![collection.id, collection.floor, place];
    binds.extend(narrowing.binds.iter().map(bound));
    Some(IndexRows { sql: format!("{sql} AND {VISIBLE_ROWS}"), binds, id })
}

impl Collections<'_> {
    /// The part of a condition that the fewest rows fit.
    pub(super) async fn first_part(self, collection: &Collection, narrowing: &Narrowing) -> Result<usize, Error> {
        if narrowing.parts.len() < 2 {
            return Ok(0);
        }
        let count = |(number, part): (usize, &IndexPart)| {
            format!(
                "SELECT CAST({number} AS BIGINT) AS part, (SELECT COUNT(*) FROM (SELECT 1 FROM collection_index
                WHERE collection_id = $1 AND +record_id >= $2 AND +record_id > $3 AND {} LIMIT {COUNTED}) AS few) AS counted",
                part.sql
            )
        };
        let counts: Vec<String> = narrowing.parts.iter().enumerate().map(count).collect();
        let statement =
            format!("SELECT part FROM ({}) AS parts ORDER BY counted, part LIMIT 1", counts.join(" UNION ALL "));
        let mut binds = binds![collection.id, collection.floor, 0];
        binds.extend(narrowing.binds.iter().map(bound));
        let parts: Vec<(i64,)> = read(&self.0.database, statement, binds).await?;
        let first = parts.first().and_then(|(part,)| usize::try_from(*part).ok());
        Ok(first.unwrap_or_default())
    }
}
