//! What pages and imports cost each database, in rows that it reads and in turns that others get.

use std::time::Instant;

use serde_json::json;

use super::super::contract;
use super::super::test_store::{TestStore, claim_of, on_postgresql, on_sqlite};
use super::{ids, imported, made};
use crate::admin::collections::{self as admin, Collection};
use crate::collections::pmql::Query;
use crate::store::collections::{ROW_WITH_JOBS, Scan};
use crate::store::database::Database;

/// A collection whose records no statistics know of: a tenth is of each kind, and five are of each country.
async fn filled(fixture: &TestStore) -> Collection {
    let columns = json!([{"field": "data.country", "type": "string", "indexed": true}, {"field": "data.kind", "type": "number", "indexed": true}]);
    let collection = made(&fixture.store, json!({"name": "c", "columns": columns})).await;
    fixture
        .sql(
            "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 5000)
            INSERT INTO collection_records (collection_id, id, data, version, created_at, updated_at, created_by, updated_by)
            SELECT 1, n, '{\"country\": \"C' || (n % 1000) || '\", \"kind\": ' || (n % 10) || '}', 1, 0, 0, 'a', 'a' FROM numbers",
        )
        .await;
    for statement in [
        "INSERT INTO collection_index (collection_id, slot, kind, text, record_id) SELECT 1, 1, 4, 'C' || (id % 1000), id FROM collection_records",
        "INSERT INTO collection_index (collection_id, slot, kind, number, record_id) SELECT 1, 2, 3, id % 10, id FROM collection_records",
        "UPDATE collections SET records = 5000, next_id = 5001",
    ] {
        fixture.sql(statement).await;
    }
    admin::find(&fixture.store, &collection.uuid).await.unwrap()
}

/// How a page of a query is found, a line a step.
async fn plan_of(fixture: &TestStore, collection: &Collection, query: &str) -> Vec<String> {
    let collections = fixture.store.collections();
    let query = Query::parse(query).unwrap();
    let narrowed = collections.narrow(collection, &query.at(0).unwrap()).await.unwrap();
    let scan = Scan { narrowed, limit: 20, ..Scan::default() };
    collections.explain(collection, &scan).await.unwrap()
}

/// The most rows that a step of a plan of PostgreSQL found or passed over.
fn most_rows(plan: &[String]) -> usize {
    let number = |text: &str, name: &str| -> Option<usize> {
        let digits: String = text.split_once(name)?.1.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    };
    let rows = plan.iter().filter_map(|line| match line.split_once("(actual") {
        Some((_, actual)) => Some(number(actual, "rows=")? * number(actual, "loops=")?),
        None => number(line, "Rows Removed by Filter: "),
    });
    rows.max().expect("a step that found rows")
}

contract! {
    async fn a_page_reads_no_more_of_the_index_than_it_shows(fixture: TestStore) {
        let collection = filled(&fixture).await;
        assert_eq!(ids(&fixture.store, &collection, &[("pmql", "data.kind = 3"), ("per_page", "2")]).await, (vec![3, 13], 500));
        let both = "data.kind = 3 AND data.country = \"C3\"";
        assert_eq!(ids(&fixture.store, &collection, &[("pmql", both)]).await, (vec![3, 1003, 2003, 3003, 4003], 5));
        for query in ["data.kind = 3", "data.country = \"C3\"", both, "data.kind >= 3 AND data.kind < 4 AND data.country = \"C3\""] {
            let plan = plan_of(&fixture, &collection, query).await;
            match &fixture.store.0.database {
                Database::Sqlite { .. } => {
                    let page: Vec<&String> = plan.iter().filter(|step| step.contains("SEARCH found")).collect();
                    assert!(page.len() == 1 && page[0].contains("record_id>"), "{query}: {plan:#?}");
                    assert!(!plan.iter().any(|step| step.contains("SCAN")), "{query}: {plan:#?}");
                }
                Database::Postgres(_) => assert!(most_rows(&plan) <= 20, "{query}: {plan:#?}"),
            }
        }
    }
}

/// Parts are counted, not time: each is a turn of the one writer.
#[tokio::test]
async fn jobs_are_claimed_between_the_parts_of_an_import_on_sqlite() {
    on_sqlite(|fixture| async move {
        let (store, worker) = (&fixture.store, fixture.worker("w").await);
        let collection =
            made(store, json!({"name": "c", "columns": [{"field": "data.k", "type": "string", "unique": true}]})).await;
        let file: String = (0..1_000).fold("k\n".to_owned(), |file, n| format!("{file}{n}\n"));
        let mut import = Box::pin(imported(store, &collection, &[], file.as_bytes()));
        let mut claimed = 0;
        let report = loop {
            tokio::select! {
                biased;
                report = &mut import => break report,
                claim = worker.claim(claim_of(&format!("job-{claimed}"), 1)) => {
                    claim.unwrap();
                    claimed += 1;
                }
            }
        };
        assert_eq!(report.unwrap().created, 1_000);
        assert!(claimed >= 10, "{claimed} jobs were claimed meanwhile");
        let Database::Sqlite { writer, .. } = &store.0.database else { panic!("not SQLite") };
        for (pool, expected) in [(&writer.connection, 2), (&writer.stager, 1)] {
            let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(pool).await.unwrap();
            assert_eq!(synchronous, expected, "the ledger's commits wait for the disk, those of an import do not");
        }
    })
    .await;
}

contract! {
    async fn an_import_leaves_time_to_jobs(fixture: TestStore) {
        let (store, worker) = (&fixture.store, fixture.worker("w").await);
        let collection = made(store, json!({"name": "c"})).await;
        let file: String = (0..2_000).fold("k\n".to_owned(), |file, n| format!("{file}{n}\n"));
        worker.claim(claim_of("job", 1)).await.unwrap();
        let begun = Instant::now();
        imported(store, &collection, &[], file.as_bytes()).await.unwrap();
        assert!(begun.elapsed() >= ROW_WITH_JOBS * 2_000);
    }
}

#[tokio::test]
async fn after_an_import_postgresql_counts_in_the_index_alone() {
    on_postgresql(|fixture| async move {
        let collection = made(
            &fixture.store,
            json!({"name": "c", "columns": [{"field": "data.k", "type": "string", "indexed": true}]}),
        )
        .await;
        let file: String = (0..2_000).fold("k\n".to_owned(), |file, n| format!("{file}{n}\n"));
        imported(&fixture.store, &collection, &[], file.as_bytes()).await.unwrap();
        let unseen = "SELECT relpages::BIGINT - relallvisible FROM pg_class WHERE relname = 'collection_index'";
        assert_eq!(fixture.number(unseen).await, 0, "each page of it is noted as seen by everybody");
    })
    .await;
}
