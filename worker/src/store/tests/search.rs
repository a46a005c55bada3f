//! Searching the ledger: what is found among the newest jobs and what is found by reading all of them are one list.

use super::contract;
use super::test_store::TestStore;
use crate::store::ledger::{JobRow, JobSearch};

/// Two jobs a millisecond, more of them than are read in the list's order; the few that are searched for are at both ends.
const JOBS: &str = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 10200)
    INSERT INTO jobs (id, state, attempt, fence, request, process, code, due_at, send_at, created_at, updated_at)
    SELECT 'j' || (100000 + n),
        CASE n WHEN 7 THEN 'sending' WHEN 8 THEN 'parked' WHEN 9 THEN 'waiting' WHEN 10 THEN 'answered' ELSE 'published' END,
        1, 1, 'r' || n, CASE WHEN n < 21 THEN 'old' ELSE 'new' END, CASE WHEN n IN (3, 4, 50, 10150) THEN 'MAPPING' END,
        CASE n WHEN 9 THEN 1 END, CASE n WHEN 10 THEN 1 END, n / 2, n / 2 FROM n";

fn search() -> JobSearch {
    JobSearch { limit: 100, ..JobSearch::default() }
}

async fn found(fixture: &TestStore, search: &JobSearch) -> Vec<i64> {
    let number = |row: &JobRow| row.id.trim_start_matches('j').parse::<i64>().unwrap() - 100_000;
    fixture.store.jobs().search(search).await.unwrap().iter().map(number).collect()
}

contract! {
    async fn what_few_jobs_have_is_found_wherever_they_are(fixture: TestStore) {
        fixture.sql(JOBS).await;
        let old: Vec<i64> = (1..=9).rev().flat_map(|half| [2 * half, 2 * half + 1]).chain([1]).collect();
        let cases: [(JobSearch, &[i64]); 9] = [
            (JobSearch { code: Some("MAPPING".to_owned()), ..search() }, &[10_150, 50, 4, 3]),
            (JobSearch { status: Some("failed".to_owned()), to: Some(26), ..search() }, &[50, 4, 3]),
            (JobSearch { code: Some("MAPPING".to_owned()), from: Some(25), ..search() }, &[10_150, 50]),
            (JobSearch { state: Some("sending".to_owned()), ..search() }, &[7]),
            (JobSearch { state: Some("parked".to_owned()), ..search() }, &[8]),
            (JobSearch { state: Some("waiting".to_owned()), ..search() }, &[9]),
            (JobSearch { state: Some("answered".to_owned()), ..search() }, &[10]),
            (JobSearch { beginning: Some("r1015".to_owned()), ..search() }, &[10_150, 10_151, 10_152, 10_153, 10_154, 10_155, 10_156,
                10_157, 10_158, 10_159, 1_015]),
            (JobSearch { process: Some("old".to_owned()), to: Some(9), ..search() }, &old),
        ];
        for (search, expected) in cases {
            let mut expected = expected.to_vec();
            if search.beginning.is_some() {
                // Pairs come in one millisecond, and the smaller id first.
                expected.sort_by_key(|n| (-(n / 2), *n));
            }
            assert_eq!(found(&fixture, &search).await, expected, "{search:?}");
            let counted = fixture.store.jobs().count(&search).await.unwrap();
            assert_eq!(usize::try_from(counted), Ok(expected.len()), "{search:?}");
        }
    }
}

contract! {
    async fn pages_follow_each_other_from_the_newest_jobs_to_the_others(fixture: TestStore) {
        fixture.sql(JOBS).await;
        let mut search = JobSearch { code: Some("MAPPING".to_owned()), limit: 1, ..search() };
        let mut all = Vec::new();
        loop {
            let page = fixture.store.jobs().search(&search).await.unwrap();
            let Some(last) = page.last() else { break };
            search.after = Some((last.created_at, last.id.clone()));
            all.extend(page.into_iter().map(|row| row.id));
        }
        assert_eq!(all, ["j110150", "j100050", "j100004", "j100003"]);
        let newest = found(&fixture, &JobSearch { limit: 3, ..JobSearch::default() }).await;
        assert_eq!(newest, [10_200, 10_198, 10_199]);
    }
}
