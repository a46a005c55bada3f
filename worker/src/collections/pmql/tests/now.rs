use serde_json::json;

use super::{NOW, record, selects};
use crate::collections::date;
use crate::collections::pmql::Query;

/// `NOW` is 2024-03-31T10:20:30.456Z here.
#[test]
fn steps_lead_to_instants() {
    for (now, expected) in [
        ("NOW", "2024-03-31T10:20:30.456"),
        ("NOW - 1 second", "2024-03-31T10:20:29.456"),
        ("NOW-30seconds", "2024-03-31T10:20:00.456"),
        ("NOW +0.5 second", "2024-03-31T10:20:30.956"),
        ("NOW + 0.0009 seconds", "2024-03-31T10:20:30.456"),
        ("NOW - 1.5 hours", "2024-03-31T08:50:30.456"),
        ("NOW - 90 minutes", "2024-03-31T08:50:30.456"),
        ("NOW + 1 day", "2024-04-01T10:20:30.456"),
        ("NOW - 0.25 days", "2024-03-31T04:20:30.456"),
        ("NOW - 2 weeks", "2024-03-17T10:20:30.456"),
        ("NOW - 1 month", "2024-02-29T10:20:30.456"),
        ("NOW + 1 month", "2024-04-30T10:20:30.456"),
        ("NOW + 1.0 month", "2024-04-30T10:20:30.456"),
        ("NOW - 1 month - 1 month", "2024-01-29T10:20:30.456"),
        ("NOW - 2 months", "2024-01-31T10:20:30.456"),
        ("NOW - 1 month - 1 year", "2023-02-28T10:20:30.456"),
        ("NOW - 1 year - 1 month", "2023-02-28T10:20:30.456"),
        ("NOW - 1 day + 1 month", "2024-04-30T10:20:30.456"),
        ("NOW + 007 days", "2024-04-07T10:20:30.456"),
        ("NOW - 2023 years", "0001-03-31T10:20:30.456"),
    ] {
        let data = json!({"x": expected});
        assert!(selects(&format!("data.x = {now}"), &data), "{now}");
        assert!(selects(&format!("data.x IS NOT NULL AND data.x >= {now} AND NOT data.x > {now}"), &data), "{now}");
    }
}

#[test]
fn beside_a_day_it_is_the_day() {
    let data = json!({"d": "2024-03-31T23:00:00Z", "l": ["2024-03-31"]});
    for (query, expected) in [
        ("date(data.d) = NOW", true),
        ("CAST(data.d AS date) = NOW", true),
        ("date(data.d) > NOW - 1 hour", false),
        ("date(data.d) > NOW - 11 hours", true),
        ("data.d = NOW", false),
        ("date(data.l) = NOW", true),
        ("lower(date(data.d)) = NOW", false),
        ("date(created) < NOW", true),
    ] {
        assert_eq!(selects(query, &data), expected, "{query}");
    }
}

#[test]
fn outside_of_the_years_is_an_error_at_the_sign() {
    let data = json!({});
    for marked in [
        "created > NOW ▲- 2024 years",
        "created > NOW ▲+ 7976 years",
        "created > NOW ▲+ 99999999999999999999999999 years - 1 day",
        "created > NOW ▲- 99999999999999999999999999 seconds",
        "created > NOW + 1 day ▲- 3000 years + 3000 years",
        "data.\"é\" = 1 OR created > NOW▲-1000000 days",
        "date(created) > NOW ▲+ 9999 year",
    ] {
        let at = marked.chars().position(|c| c == '▲').unwrap() + 1;
        let query = Query::parse(&marked.replace('▲', "")).unwrap();
        assert_eq!(query.matches(&record(&data), NOW).unwrap_err().at, at, "{marked}");
        // No record is needed for that, and none hides it.
        assert_eq!(query.at(NOW).unwrap_err().at, at, "{marked}");
    }
    let query = Query::parse("created > NOW + 1 second").unwrap();
    assert!(query.at(date::LAST - 1_000).is_ok() && query.at(date::LAST - 999).is_err());
}

#[test]
fn only_queries_with_now_need_a_clock() {
    assert!(Query::parse("data.a = 1 AND NOT (created < now)").unwrap().uses_now());
    assert!(!Query::parse("data.now = 'NOW'").unwrap().uses_now());
}
