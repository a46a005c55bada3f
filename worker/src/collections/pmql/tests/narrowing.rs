use super::{NOW, Query};
use crate::collections::pmql::{Bind, Dialect};

fn sql_of(query: &str) -> Option<(String, Vec<Bind>, bool)> {
    let columns = super::generator::columns();
    let query = Query::parse(query).unwrap();
    let narrowing = query.at(NOW).unwrap().narrow(Dialect::Sqlite, &columns, 2)?;
    // The beginning of each look-up is the same.
    let sql = narrowing
        .sql
        .replace("id IN (SELECT record_id FROM collection_index WHERE collection_id = $1 AND slot = ", "ROW(");
    Some((sql, narrowing.binds, narrowing.is_exact))
}

fn text(text: &str) -> Bind {
    Bind::Text(text.to_owned())
}

#[test]
fn values_are_bound_and_never_written() {
    let (sql, binds, is_exact) = sql_of("data.s = \"'; DROP TABLE\" AND data.n >= 5 AND id < 7.5").unwrap();
    assert_eq!(
        sql,
        "((ROW($2 AND (kind = 4 AND text = $3))) AND (ROW($4 AND (kind = 3 AND number >= $5))) AND id <= $6)"
    );
    assert_eq!(binds, [Bind::Integer(2), text("'; DROP TABLE"), Bind::Integer(1), Bind::Real(5.0), Bind::Integer(7)]);
    assert!(is_exact);
}

#[test]
fn postgresql_joins_the_index() {
    let query = Query::parse("data.n != 1").unwrap();
    let narrowing = query.narrow(Dialect::Postgres, &super::generator::columns(), 5).unwrap();
    assert_eq!(
        narrowing.sql,
        "NOT ((EXISTS (SELECT 1 FROM collection_index WHERE collection_id = $1 AND record_id = id AND slot = $5 AND (kind = 3 \
         AND number = $6))))"
    );
    assert!(narrowing.is_exact);
}

#[test]
fn what_sql_decides_and_what_it_only_narrows() {
    for (query, exact) in [
        ("data.n = 1", Some(true)),
        ("data.n = '10.5'", Some(true)),
        ("data.n = 'x'", Some(true)),
        ("data.n != 9007199254740991", Some(true)),
        ("data.n = 9007199254740993", Some(false)),
        ("data.n < 9007199254740993", Some(false)),
        ("data.n != 9007199254740993", None),
        ("data.n IN [1, null, 'x']", Some(true)),
        ("data.n LIKE '1%'", None),
        ("data.s = 'x' OR data.b = true", Some(true)),
        ("data.s = 10", None),
        ("data.s = true", Some(true)),
        ("data.s = '10'", Some(true)),
        ("data.s = '2024-01-01'", Some(false)),
        ("data.s != '2024-01-01'", None),
        ("data.s LIKE 'ab%'", Some(true)),
        ("data.s LIKE 'ab%c'", Some(false)),
        ("data.s NOT LIKE 'ab%'", Some(true)),
        ("data.s NOT LIKE 'ab%c'", None),
        ("data.s > NOW", Some(false)),
        ("data.s = '\\u0000'", None),
        ("data.d >= NOW - 1 month", Some(true)),
        ("data.d >= '2024'", Some(true)),
        ("data.t < '2024-01-01 12:00+02:00'", Some(true)),
        ("data.b IS NULL", Some(true)),
        ("NOT (data.n = 1 AND data.x = 2)", None),
        ("NOT (data.n = 1 OR data.x = 2)", Some(false)),
        ("data.n = 1 AND data.x = 2", Some(false)),
        ("data.n = 1 OR data.x = 2", None),
        ("data.n = 'x' AND data.x = 2", Some(true)),
        ("data.n != 'x' OR data.x = 2", Some(true)),
        ("data.x = 1", None),
        ("lower(data.s) = 'x'", None),
        ("data.n[0] = 1", None),
        ("created > NOW - 1 day AND modified < '2024-01-01' AND id IN [1, 2]", Some(true)),
        ("created_by = 'token:7' AND modified_by IN ['cli:ada', true]", Some(true)),
        ("created_by > 'token:7'", None),
        ("created_by = 7", None),
    ] {
        assert_eq!(sql_of(query).map(|(_, _, is_exact)| is_exact), exact, "{query}");
    }
    // Without a moment, its tests do not narrow.
    let query = Query::parse("created > NOW AND data.n = 1").unwrap();
    assert!(!query.narrow(Dialect::Sqlite, &super::generator::columns(), 2).unwrap().is_exact);
}

#[test]
fn two_bounds_are_one_range() {
    let (sql, binds, is_exact) = sql_of("data.n >= 5 AND data.s = 'x' AND data.n < 7 AND data.n IS NOT NULL").unwrap();
    assert_eq!(
        sql,
        "((ROW($2 AND (kind = 3 AND number >= $3) AND (kind = 3 AND number < $4))) AND (ROW($5 AND (kind = 4 AND text = $6))) \
         AND NOT (NOT (ROW($7))))"
    );
    assert_eq!(binds[..3], [Bind::Integer(1), Bind::Real(5.0), Bind::Real(7.0)]);
    assert!(is_exact);
}

/// The parts of a query on the index, and whether each is about one value.
fn parts_of(query: &str) -> Vec<(String, bool)> {
    let narrowing = Query::parse(query).unwrap().narrow(Dialect::Postgres, &super::generator::columns(), 4).unwrap();
    narrowing.parts.into_iter().map(|part| (part.sql, part.is_one_value)).collect()
}

#[test]
fn what_the_index_tells_is_written_in_parts() {
    let part = |sql: &str, is_one_value| (sql.to_owned(), is_one_value);
    for (query, expected) in [
        (
            "data.n >= 5 AND data.n < 7",
            vec![part("slot = $4 AND (kind = 3 AND number >= $5) AND (kind = 3 AND number < $6)", false)],
        ),
        ("data.n = 5", vec![part("slot = $4 AND (kind = 3 AND number = $5)", true)]),
        ("data.b = true", vec![part("slot = $4 AND (kind = 2)", true)]),
        ("data.s IN ['a', 'b']", vec![part("slot = $4 AND (kind = 4 AND text IN ($5, $6))", false)]),
        (
            "data.s = 'x' AND data.n > 5 AND data.b = true",
            vec![
                part("slot = $4 AND (kind = 4 AND text = $5)", true),
                part("slot = $6 AND (kind = 3 AND number > $7)", false),
                part("slot = $8 AND (kind = 2)", true),
            ],
        ),
        ("data.n >= 5 AND id = 7", vec![]),
        ("data.n = null", vec![]),
        ("data.n = 1 OR data.s = 'x'", vec![]),
        ("data.n != 1", vec![]),
    ] {
        assert_eq!(parts_of(query), expected, "{query}");
    }
}

#[test]
fn lists_are_one_look_up() {
    let (sql, binds, _) = sql_of("data.s IN ['a', 'b', null, '2024-01-01']").unwrap();
    assert_eq!(
        sql,
        "(NOT (ROW($2)) OR (ROW($3 AND (kind = 4 AND text IN ($4, $5) OR kind = 4 AND text >= $6 AND text < $7))))"
    );
    assert_eq!(binds[2..], [text("a"), text("b"), text("2023-12-31"), text("2024-01-03")]);
}

#[test]
fn days_are_rounded_to_midnight() {
    for (test, expected) in [
        ("= '2024-01-01T00:00Z'", Some("text = 2024-01-01")),
        ("= '2024-01-01T01:00Z'", None),
        ("< '2024-01-01'", Some("text < 2024-01-01")),
        ("< '2024-01-01T01:00'", Some("text <= 2024-01-01")),
        ("<= '2024-01-01T01:00'", Some("text <= 2024-01-01")),
        ("> '2024-01-01T01:00'", Some("text > 2024-01-01")),
        (">= '2024-01-01T01:00'", Some("text > 2024-01-01")),
        (">= '2024-01-01'", Some("text >= 2024-01-01")),
    ] {
        let (sql, binds, is_exact) = sql_of(&format!("data.d {test}")).unwrap();
        assert!(is_exact);
        let Some(expected) = expected else {
            assert_eq!(sql, "1 = 0", "{test}");
            continue;
        };
        let (comparison, day) = expected.rsplit_once(' ').unwrap();
        assert!(sql.contains(&format!("{comparison} $3")), "{test}: {sql}");
        assert_eq!(binds[1], text(day), "{test}");
    }
}
