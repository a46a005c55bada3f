//! Queries that each database narrows by SQL select the records that they select in memory.

use std::collections::BTreeSet;

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};

use super::test_store::on_empty_postgresql;
use crate::collections::index_row::IndexRow;
use crate::collections::pmql::tests::NOW;
use crate::collections::pmql::tests::generator::{OwnedRecord, columns, query, record, seed, single_tests};
use crate::collections::pmql::{Bind, Dialect, Query};

const GENERATED: usize = 600;
/// Few enough for a scan, enough that most conditions select some of them and leave some out.
const RECORDS: i64 = 150;
const COLLECTION: i64 = 7;

/// What narrowing takes for granted.
const TABLES: [&str; 4] = [
    "CREATE TABLE collection_records (collection_id BIGINT NOT NULL, id BIGINT NOT NULL, data TEXT NOT NULL, \
     created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, created_by TEXT NOT NULL, updated_by TEXT NOT NULL, \
     PRIMARY KEY (collection_id, id))",
    "CREATE TABLE collection_index (collection_id BIGINT NOT NULL, slot SMALLINT NOT NULL, kind SMALLINT NOT NULL, \
     number DOUBLE PRECISION NULL, text TEXT {by_bytes} NULL, record_id BIGINT NOT NULL, \
     PRIMARY KEY (collection_id, record_id, slot))",
    "CREATE INDEX collection_index_numbers ON collection_index (collection_id, slot, kind, number, record_id)",
    "CREATE INDEX collection_index_texts ON collection_index (collection_id, slot, kind, text, record_id)",
];

/// The tests of one database; the two differ in sqlx by their types alone.
macro_rules! narrowing_on {
    ($connection:ident, $dialect:expr, $by_bytes:literal) => {{
        for table in TABLES {
            $connection.execute(AssertSqlSafe(table.replace("{by_bytes}", $by_bytes))).await.unwrap();
        }
        let seed = seed();
        let mut rng = fastrand::Rng::with_seed(seed);
        let records: Vec<OwnedRecord> = (1..=RECORDS).map(|id| record(&mut rng, id)).collect();
        // The records of another collection have the same numbers and other values.
        let others: Vec<OwnedRecord> = (1..=RECORDS).map(|id| record(&mut rng, id)).collect();
        for (collection, records) in [(COLLECTION, &records), (COLLECTION + 1, &others)] {
            for record in records {
                sqlx::query("INSERT INTO collection_records VALUES ($1, $2, $3, $4, $5, $6, $7)")
                    .bind(collection)
                    .bind(record.id)
                    .bind(record.data.to_string())
                    .bind(record.created)
                    .bind(record.updated)
                    .bind(&record.created_by)
                    .bind(&record.updated_by)
                    .execute(&mut $connection)
                    .await
                    .unwrap();
                for (slot, row) in index_rows(record) {
                    sqlx::query("INSERT INTO collection_index VALUES ($1, $2, $3, $4, $5, $6)")
                        .bind(collection)
                        .bind(slot)
                        .bind(row.kind)
                        .bind(row.number)
                        .bind(row.text)
                        .bind(record.id)
                        .execute(&mut $connection)
                        .await
                        .unwrap();
                }
            }
        }
        let mut queries = single_tests();
        queries.extend((0..GENERATED).map(|_| query(&mut rng).1));
        let (mut narrowed, mut exact) = (0, 0);
        for text in &queries {
            let parsed = Query::parse(text).unwrap();
            let filter = parsed.at(NOW).unwrap();
            let Some(narrowing) = filter.narrow($dialect, &columns(), 2) else { continue };
            let statement =
                format!("SELECT id FROM collection_records WHERE collection_id = $1 AND {} ORDER BY id", narrowing.sql);
            let mut select = sqlx::query_scalar::<_, i64>(AssertSqlSafe(statement)).bind(COLLECTION);
            for bind in narrowing.binds.clone() {
                select = match bind {
                    Bind::Integer(integer) => select.bind(integer),
                    Bind::Real(real) => select.bind(real),
                    Bind::Text(text) => select.bind(text),
                };
            }
            let found: BTreeSet<i64> = select
                .fetch_all(&mut $connection)
                .await
                .unwrap_or_else(|error| panic!("PMQL_SEED={seed} {text}\n{narrowing:?}\n{error}"))
                .into_iter()
                .collect();
            for record in &records {
                let context = || format!("PMQL_SEED={seed} {text}\n{narrowing:?}\n{record:?}");
                let selects = filter.matches(&record.view());
                let is_found = found.contains(&record.id);
                assert!(is_found || !selects, "SQL leaves out what the query selects: {}", context());
                assert!(!narrowing.is_exact || is_found == selects, "SQL is not exact: {}", context());
            }
            narrowed += 1;
            exact += usize::from(narrowing.is_exact);
        }
        assert!(
            narrowed > queries.len() / 4 && exact > queries.len() / 8,
            "PMQL_SEED={seed}: {narrowed} narrowed, {exact} exact"
        );
    }};
}

/// The rows of `collection_index` for a record.
fn index_rows(record: &OwnedRecord) -> Vec<(i16, IndexRow<'_>)> {
    let row = |column: &crate::collections::pmql::IndexedColumn| {
        let value = column.path.iter().try_fold(&record.data, |value, name| value.get(name));
        IndexRow::of(value).map(|row| (column.slot, row))
    };
    columns().iter().filter_map(row).collect()
}

#[tokio::test]
async fn sqlite_narrows_without_losing_a_record() {
    let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
    narrowing_on!(connection, Dialect::Sqlite, "COLLATE BINARY");
}

#[tokio::test]
async fn postgresql_narrows_without_losing_a_record() {
    on_empty_postgresql(|url, _folder| async move {
        let mut connection = PgConnection::connect(&url).await.unwrap();
        narrowing_on!(connection, Dialect::Postgres, "COLLATE \"C\"");
        connection.close().await.unwrap();
    })
    .await;
}
