use super::error_of;
use crate::collections::pmql::Query;

#[test]
fn a_query_has_at_most_16384_bytes() {
    let query = |length: usize| {
        let query = "data.a = 'é'";
        format!("{query}{}", " ".repeat(length - query.len()))
    };
    assert!(Query::parse(&query(16_384)).is_ok());
    assert_eq!(error_of(&query(16_385)).at, 16_384);
}

#[test]
fn brackets_and_not_have_64_levels() {
    let queries: [fn(usize) -> String; 3] = [
        |levels| format!("{}data.a = 1{}", "(".repeat(levels), ")".repeat(levels)),
        |levels| format!("{}data.a = 1", "NOT ".repeat(levels)),
        |levels| format!("{}data.a{} = 1", "lower(".repeat(levels), ")".repeat(levels)),
    ];
    for (query, at) in queries.into_iter().zip([65, 64 * 4 + 1, 65 * 6]) {
        assert!(Query::parse(&query(64)).is_ok(), "{}", query(64));
        assert_eq!(error_of(&query(65)).at, at, "{}", query(65));
    }
    assert!(Query::parse(&format!("{}data.a = 1{}", "NOT(".repeat(32), ")".repeat(32))).is_ok());
    assert!(Query::parse(&format!("{}data.a = 1{}", "NOT(".repeat(33), ")".repeat(33))).is_err());
    // One after another they are not inside one another.
    let test = "NOT (lower(data.a) = 1) OR NOT CAST(data.a AS text) = 2";
    assert!(Query::parse(&vec![test; 100].join(" AND ")).is_ok());
}

#[test]
fn a_query_has_at_most_500_tests() {
    let query = |tests: usize| vec!["data.a = 1"; tests].join(" OR ");
    assert!(Query::parse(&query(500)).is_ok());
    assert_eq!(error_of(&query(501)).at, 500 * "data.a = 1 OR ".len() + 1);
}

#[test]
fn a_list_has_at_most_1000_values() {
    let query = |values: usize| format!("data.a IN [{}]", vec!["1"; values].join(","));
    assert!(Query::parse(&query(1_000)).is_ok());
    assert_eq!(error_of(&query(1_001)).at, "data.a IN [".len() + 2_000 + 1);
    assert!(Query::parse(&format!("{} OR {}", query(1_000), query(1_000))).is_ok());
}

#[test]
fn a_path_has_at_most_16_steps() {
    let query = |steps: usize| format!("data{} = 1", "[0]".repeat(steps));
    assert!(Query::parse(&query(16)).is_ok());
    assert_eq!(error_of(&query(17)).at, 4 + 16 * 3 + 1);
}
