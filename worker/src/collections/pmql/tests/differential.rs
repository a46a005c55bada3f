use super::generator::{query, record, seed};
use super::plain::time_of;
use super::{NOW, Query};

const QUERIES: usize = 10_000;
const RECORDS_A_QUERY: usize = 12;

/// Two evaluators that share nothing but the page agree.
#[test]
fn a_plain_evaluator_agrees() {
    let seed = seed();
    let mut rng = fastrand::Rng::with_seed(seed);
    let records: Vec<_> = (1..=500).map(|id| record(&mut rng, id)).collect();
    let mut selected = 0;
    for _ in 0..QUERIES {
        let (plain, text) = query(&mut rng);
        let parsed = Query::parse(&text).unwrap_or_else(|error| panic!("PMQL_SEED={seed} {text}: {error:?} {plain:?}"));
        let filter = parsed.at(NOW).unwrap();
        for _ in 0..RECORDS_A_QUERY {
            let record = &records[rng.usize(..records.len())];
            let expected = plain.holds(record, time_of(NOW));
            assert_eq!(filter.matches(&record.view()), expected, "PMQL_SEED={seed}\n{text}\n{plain:?}\n{record:?}");
            selected += usize::from(expected);
        }
    }
    // Neither everything nor nothing is selected.
    let all = QUERIES * RECORDS_A_QUERY;
    assert!((all / 5..all * 4 / 5).contains(&selected), "PMQL_SEED={seed}: {selected} of {all}");
}
