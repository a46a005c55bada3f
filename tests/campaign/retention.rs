//! Scenario G6: old rows are deleted while jobs run.

use std::time::{Duration, Instant};

use harness::third_party::Reply;
use serde_json::json;

use crate::cluster::{Cluster, USUAL};
use crate::scenario::{Findings, Scenario, Settings};

pub(crate) fn scenarios() -> Vec<Scenario> {
    vec![Scenario {
        name: "G6",
        promise: "old rows and payloads of ten million are deleted, and no job waits for it",
        run: |s| Box::pin(retention(s)),
    }]
}

/// Of each thousand rows one is parked and one has an undelivered result, which are never deleted; a hundred are two days old and
/// lose their payload only; all others are old enough to be deleted.
const FILL: &str = "WITH rows AS (
        SELECT gen_random_uuid()::TEXT AS id, n % 10 = 0 AS is_young,
            CASE n % 1000 WHEN 1 THEN 'parked' WHEN 2 THEN 'answered' ELSE 'published' END AS state,
            now_ms() - CASE WHEN n % 10 = 0 THEN 2 ELSE 40 END * 86400000::BIGINT AS at
        FROM generate_series(1, $ROWS) AS n),
    jobs AS (
        INSERT INTO jobs (id, job_hash, state, attempt, fence, worker_id, repeat_safe, idempotency_key, request_hash, engine,
            process, request, element, connector, resource, http_status, duration_ms, created_at, updated_at, send_at)
        SELECT id, sha256(id::BYTEA), state, 1, 1, 'gone', 0, id, sha256(id::BYTEA), 'gone', 'p', 'r1', 'call', 'API',
            'r', 200, 100, at, at, CASE state WHEN 'answered' THEN now_ms() + 86400000 END
        FROM rows)
    INSERT INTO payloads (job_id, result, reply_address, stored_at, job, queue)
    SELECT id, convert_to(repeat(id, 20), 'UTF8'), '{\"routing_key\":\"result.default.r1\"}', at, convert_to(repeat(id, 30), 'UTF8'), 'default'
    FROM rows WHERE is_young OR state <> 'published'";

/// How often the scenario checks whether all of them were deleted.
const CHECK: Duration = Duration::from_secs(5);

async fn retention(settings: Settings) -> Findings {
    let mut findings = Findings::default();
    let mut cluster = Cluster::new(USUAL, 16, json!({}), |_, _| Reply::json(&json!({}))).await;
    let thousands = settings.of(10_000, 20);
    let begun = Instant::now();
    // In portions, so that a statement spills little and ends within its timeout.
    for filled in (0..thousands).step_by(200) {
        let rows = (thousands - filled).min(200) * 1_000;
        cluster.app.sql(&FILL.replace("$ROWS", &rows.to_string())).await;
    }
    findings.figure("rows", thousands * 1_000);
    findings.figure("inserted in, s", begun.elapsed().as_secs());
    cluster.start_workers(2).await;
    let mut waits = Vec::new();
    let begun = Instant::now();
    // The first clean-up begins soon after the start; a thousand rows may take a sixth of a second.
    let patience = Duration::from_mins(1) + Duration::from_millis(160) * thousands;
    let (mut checked, mut done) = (Instant::now(), false);
    while !done && begun.elapsed() < patience {
        waits.push(one_job(&cluster, waits.len()).await);
        if checked.elapsed() > CHECK {
            done = nothing_is_old(&cluster).await;
            checked = Instant::now();
        }
    }
    findings.figure("deleted within, s", begun.elapsed().as_secs());
    let slowest = findings.spread("jobs meanwhile", waits);
    findings.holds("no job takes more than a second", slowest <= 1_000.0);
    let remaining =
        cluster.app.sql("SELECT state, COUNT(*) FROM jobs WHERE worker_id = 'gone' GROUP BY 1 ORDER BY 1").await;
    let expected = format!("answered|{thousands}\nparked|{thousands}\npublished|{}\n", thousands * 100);
    findings.holds(
        &format!("young and unsettled rows remain ({})", remaining.trim().replace('\n', " ")),
        remaining == expected,
    );
    let payloads = cluster.app.sql("SELECT COUNT(*) FROM payloads WHERE stored_at < now_ms() - 86400000").await;
    findings.holds(
        &format!("payloads of what is unsettled alone ({})", payloads.trim()),
        payloads.trim() == (thousands * 2).to_string(),
    );
    cluster.ended(Duration::from_mins(1)).await.judge(&mut findings);
    cluster.judge_logs(&mut findings);
    findings
}

/// How long one job takes from publishing to its result, milliseconds.
async fn one_job(cluster: &Cluster, n: usize) -> f64 {
    let name = format!("j{n}-");
    let begun = Instant::now();
    cluster.submit(&name, 1, 0).await;
    while !cluster.engine.history().results.contains_key(&format!("{name}0"))
        && begun.elapsed() < Duration::from_secs(30)
    {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    begun.elapsed().as_secs_f64() * 1e3
}

/// Whether no row is left that is old enough.
async fn nothing_is_old(cluster: &Cluster) -> bool {
    let old = "SET enable_seqscan = off; SET jit = off;
        SELECT EXISTS (SELECT FROM jobs WHERE created_at < now_ms() - 30 * 86400000::BIGINT AND state = 'published'
                ORDER BY created_at LIMIT 1)
            OR EXISTS (SELECT FROM payloads p JOIN jobs j ON j.id = p.job_id
                WHERE p.stored_at < now_ms() - 86400000 AND j.state = 'published' ORDER BY p.stored_at LIMIT 1)";
    cluster.app.sql(old).await.trim() == "f"
}
