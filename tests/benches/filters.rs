//! Filters over a large ledger, and what else reads it for people.

use std::time::Instant;

use anyhow::{Result, ensure};
use harness::api::Api;
use harness::test_app::TestApp;
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};

use crate::api::at;
use crate::page::Figure;

/// Rows of the ledger: a month of jobs, of which few wait, failed or were cancelled.
const ROWS: u64 = 1_000_000;

/// What they are asked for: each filter by itself, with what many, few and no jobs have, and some together.
const FILTERS: [&str; 32] = [
    "",
    "state=queued",
    "state=sending",
    "state=waiting",
    "state=answered",
    "state=published",
    "state=cancelled",
    "state=parked",
    "status=completed",
    "status=failed",
    "status=cancelled",
    "code=HTTP_503",
    "code=MAPPING",
    "code=NONE",
    "process=process_7",
    "process=none",
    "version=1",
    "element=node_7",
    "element=none",
    "request=r1000",
    "request=none",
    "engine=default",
    "engine=rare",
    "connector=Connector%207",
    "connector=none",
    "resource=resource_3",
    "from=2025-10-20T00:00:00Z&to=2025-10-21T00:00:00Z",
    "q=r1000",
    "q=none",
    "element=node_7&process=process_8",
    "to=2025-10-20T00:00:00Z&process=process_3&status=failed&q=r",
    "process=process_7&element=node_57&connector=Connector%2057&resource=resource_1&engine=default&code=HTTP_503&status=failed",
];

/// The rows by one statement, the same on both databases but for the id.
fn rows(id: &str) -> String {
    format!(
        "WITH RECURSIVE s (n) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT n + 1 FROM s WHERE n < {ROWS})
        INSERT INTO jobs (id, state, attempt, fence, worker_id, idempotency_key, engine, process, request, element, connector,
            resource, code, http_status, duration_ms, created_at, updated_at, due_at, send_at, crashes)
        SELECT {id}, CASE WHEN n % 50000 = 7 THEN 'waiting' WHEN n % 200000 = 11 THEN 'sending' WHEN n % 100000 = 13 THEN 'parked'
                WHEN n % 20000 = 17 THEN 'cancelled' WHEN n % 100000 = 19 THEN 'answered' ELSE 'published' END,
            1, 1, 'worker-1', {id}, CASE WHEN n % 10000 = 3 THEN 'rare' ELSE 'default' END,
            'process_' || (n % 50), 'r' || (n / 3), 'node_' || (n % 500), 'Connector ' || (n % 100), 'resource_' || (n % 7),
            CASE WHEN n % 100 = 5 THEN 'HTTP_503' WHEN n % 100000 = 6 THEN 'MAPPING' END, 200, n % 1000,
            1760000000000 + n * 2592, 1760000000500 + n * 2592, CASE WHEN n % 50000 = 7 THEN 1 END,
            CASE WHEN n % 100000 = 19 THEN 1 END, 0
        FROM s"
    )
}

/// Both databases.
pub(crate) async fn measure() -> Result<Vec<Figure>> {
    let sqlite = TestApp::new();
    sqlite.cli(&["migrate"]).await;
    let mut file = SqliteConnection::connect(&format!("sqlite:{}", sqlite.sqlite_file().display())).await?;
    sqlx::query(AssertSqlSafe(rows("lower(hex(randomblob(16)))"))).execute(&mut file).await?;
    file.close().await?;
    let mut figures = on(&sqlite, "SQLite").await?;
    let postgres = TestApp::new().with_postgres().await;
    postgres.cli(&["migrate"]).await;
    postgres.sql(&rows("md5(n::TEXT)")).await;
    postgres.sql("VACUUM ANALYZE jobs").await;
    figures.extend(on(&postgres, "PostgreSQL").await?);
    Ok(figures)
}

async fn on(app: &TestApp, database: &str) -> Result<Vec<Figure>> {
    let (process, api) = app.serve(&["serve"]).await;
    let filters: Vec<String> = FILTERS.iter().map(|filter| format!("/jobs?{filter}")).collect();
    let (took, slowest) = slowest(&api, &filters).await?;
    let what = format!("{} filters over 1,000,000 jobs, {database}: the slowest", FILTERS.len());
    let figure = Figure::new(what, "500 ms", format!("{took:.0} ms (`{slowest}`)"), took <= 500.0);
    let others = ["/stats?period=7d", "/workers", "/dead_letters"].map(ToOwned::to_owned);
    let (took, slowest) = self::slowest(&api, &others).await?;
    let what = format!("statistics, workers and dead letters beside them, {database}: the slowest");
    let other = Figure::new(what, "500 ms", format!("{took:.0} ms (`{slowest}`)"), took <= 500.0);
    process.terminate().await;
    Ok(vec![figure, other])
}

/// The slowest by its median, milliseconds; of each list the first page and the one after it.
async fn slowest(api: &Api, paths: &[String]) -> Result<(f64, String)> {
    let mut slowest = (0.0, String::new());
    for path in paths {
        let mut times = Vec::new();
        let mut next = path.clone();
        for _ in 0..3 {
            let begun = Instant::now();
            let answer = api.get(&next).await;
            ensure!(answer.status == 200, "{next}: {}", answer.body);
            times.push(begun.elapsed().as_secs_f64() * 1e3);
            if let Some(after) = answer.json()["meta"]["next"].as_str() {
                next = format!("{path}&after={after}");
            }
        }
        let middle = at(&mut times, 500);
        if middle > slowest.0 {
            slowest = (middle, path.clone());
        }
    }
    Ok(slowest)
}
