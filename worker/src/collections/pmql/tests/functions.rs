use serde_json::json;

use super::selects;

#[test]
fn functions_of_scalars() {
    let data = json!({
        "t": " \t\r\nStraße ÀÉ\u{a0}", "i": "İ", "s": "ΟΔΟΣ", "n": 10.0, "b": true, "d": "2024-02-29T23:30:00-01:00", "e": "", "num": " 10.5\n",
        "big": 9_007_199_254_740_993_i64, "o": {}, "emoji": "a😀", "bad": "2024-02-30"
    });
    for (query, expected) in [
        ("lower(data.t) LIKE '%straße àé%'", true),
        ("upper(data.t) LIKE '%STRASSE ÀÉ%'", true),
        ("lower(data.i) = 'i\u{307}'", true),
        ("lower(data.s) = 'οδος'", true),
        ("trim(data.t) = 'Straße ÀÉ\u{a0}'", true),
        ("length(data.t) = 14", true),
        ("length(trim(data.t)) = 10", true),
        ("length(data.emoji) = 2", true),
        ("length(data.e) = 0", true),
        ("length(data.n) = 2", true),
        ("lower(data.n) = '10'", true),
        ("upper(data.b) = 'TRUE'", true),
        ("lower(data.b) = true", true),
        ("length(data.missing) = null", true),
        ("lower(data.o) = null", true),
        ("lower(data.missing) != 'x'", true),
        ("trim(data.e) IS NULL", false),
        ("date(data.d) = '2024-03-01'", true),
        ("date(data.d) LIKE '2024-03-01'", true),
        ("year(data.d) = 2024", true),
        ("month(data.d) = 3", true),
        ("day(data.d) = '1'", true),
        ("date(data.bad) IS NULL", true),
        ("year(data.n) = null", true),
        ("month(data.b) IS NULL", true),
        ("day(data.missing) IS NULL", true),
        ("date(created) = '2023-12-31'", true),
        ("year(created) = 2023", true),
        ("day(modified) = 1", true),
        ("length(created) = 19", true),
        ("lower(created) = '2023-12-31 23:59:59'", true),
        ("lower(created) = 5", false),
        ("date(created) = 'x'", false),
        ("date(created) > 'x'", false),
        ("date(created) = true", false),
        ("length(id) = 2", true),
        ("upper(created_by) = 'TOKEN:7'", true),
        ("CAST(data.num AS number) = 10.5", true),
        ("CAST(data.n AS number) = 10", true),
        ("CAST(data.t AS number) IS NULL", true),
        ("CAST(data.b AS number) IS NULL", true),
        ("CAST(data.e AS number) IS NULL", true),
        ("CAST(created AS number) IS NULL", true),
        ("CAST(data.big AS text) = '9007199254740993'", true),
        ("CAST(data.n AS text) = '10'", true),
        ("CAST(data.n AS text) < '9'", true),
        ("CAST(data.b AS text) LIKE 't%'", true),
        ("CAST(data.o AS text) IS NULL", true),
        ("CAST(created AS text) = '2023-12-31 23:59:59'", true),
        ("CAST(data.d AS date) = '2024-03-01'", true),
        ("CAST(CAST(data.num AS number) AS text) = '10.5'", true),
        ("year(date(data.d)) = 2024", true),
        ("lower(upper(data.i)) = 'i\u{307}'", true),
    ] {
        assert_eq!(selects(query, &data), expected, "{query}");
    }
}

#[test]
fn functions_of_lists_are_lists() {
    let data = json!({"l": ["Ab", 10, null, {}, ["Cd"], true, "2024-02-03"], "years": [10]});
    for (query, expected) in [
        ("lower(data.l) = 'ab'", true),
        ("lower(data.l) = '10'", true),
        ("lower(data.l) = 'cd'", false),
        ("lower(data.l) LIKE 'a%'", true),
        ("lower(data.l) IN ['x', 'true']", true),
        ("lower(data.l) = null", false),
        ("lower(data.l) != 'ab'", false),
        ("length(data.l) > 0", false),
        ("length(data.l) = 2", true),
        ("upper(lower(data.l)) = 'AB'", true),
        ("year(data.years) = null", false),
        ("year(data.l) = 2024", true),
        ("CAST(data.l AS number) = 10", true),
        ("date(data.l) = '2024-02-03'", true),
        ("date(data.l) < NOW", false),
    ] {
        assert_eq!(selects(query, &data), expected, "{query}");
    }
}
