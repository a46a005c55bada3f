use serde_json::json;

use super::{error_of, selects};
use crate::collections::pmql::Query;

#[test]
fn queries_in_many_spellings() {
    let data = json!({"a": 1, "b": "x", "first name": "Ada", "größe": 2, "l": [{"0": 5}], "data": "d", "": 0});
    for query in [
        "data.a=1",
        "data.a == 1",
        "data.a!=2",
        "data.a <> 2",
        "\t\r\n data.a\n=\n1 ",
        "data.a < 1.5e0 AND data.a >= 0.1E+1 AND data.a > -10e-1",
        "data.b = 'x'",
        "data.b like \"x\"",
        "data.b NOT LIKE \"y\"",
        "data.b NoT iN ['y']",
        "data.b IN(\"x\")",
        "data.b IN (\"x\",\"y\")",
        "data.b not in []",
        "data.b NOT IN ()",
        "data.c is null",
        "data.b IS NOT NULL",
        "data.c = NULL",
        "data.b = \"x\"AND data.a = 1OR data.a = 2",
        "NOT data.a = 2",
        "NOT NOT data.a = 1",
        "NOT(data.a = 2)",
        "((data.a = 1))",
        "data.a = 2 OR data.a = 1 AND data.b = \"x\"",
        "NOT data.a = 2 AND data.b = \"x\"",
        "data.\"first name\" = \"Ada\"",
        "data.'first name' = 'Ada'",
        "data.größe = 2",
        "data.l[0].0 = 5",
        "data.data = 'd'",
        "data.\"\" = 0",
        "LOWER ( data.\"first name\" ) = 'ada'",
        "cast(data.a as Text) = '1'",
        "ID = 10 and Created_By = 'token:7' and MODIFIED_BY = 'cli:ada' and created_by_id = 'token:7'",
        "updated_by = 'cli:ada' and Updated_By_Id = 'cli:ada'",
        "CREATED < '2024-01-01' and created_at < '2024-01-01' and modified >= '2024-01-01' and updated = '2024-01-01' and updated_at = '2024-01-01'",
        "data.b = \"\\u0078\" AND data.b != \"\\\\x\" AND data.b = '\\u0078'",
        "created < NOW and created<now-1second and created < Now - 1.5 HOURS +2days - 1 week+1 month- 1 YEAR + 1 minutes + 1 years",
    ] {
        assert!(selects(query, &data), "{query}");
    }
}

#[test]
fn precedence_is_not_and_or() {
    let data = json!({"t": 1});
    for (query, expected) in [
        ("data.t = 1 OR data.t = 1 AND data.t = 2", true),
        ("(data.t = 1 OR data.t = 1) AND data.t = 2", false),
        ("NOT data.t = 2 AND data.t = 2", false),
        ("NOT (data.t = 2 AND data.t = 2)", true),
        ("NOT data.t = 1 OR data.t = 1", true),
        ("data.t = 2 AND data.t = 2 OR data.t = 1", true),
    ] {
        assert_eq!(selects(query, &data), expected, "{query}");
    }
}

/// The place is written as `▲` in front of the character that the error is about.
const BROKEN: &[&str] = &[
    "▲",
    "   ▲",
    "▲country = 1",
    "data.a = 1 AND ▲country = 1",
    "▲größe = 1",
    "▲Data.a = 1",
    "▲1 = data.a",
    "▲\"a\" = 1",
    "▲= 1",
    "▲AND data.a = 1",
    "▲IN [1]",
    "▲NULL = 1",
    "▲NOW > 1",
    "▲[1]",
    "data▲",
    "data▲ .a = 1",
    "data▲ = 1",
    "data.▲",
    "data.▲ a = 1",
    "data.▲.a = 1",
    "data.▲-a = 1",
    "data.a.▲ = 1",
    "data.a ▲.b = 1",
    "data.a▲-b = 1",
    "data.é▲-b = 1",
    "data.a[▲x] = 1",
    "data.a[▲\"x\"] = 1",
    "data.a[▲ 0] = 1",
    "data.a[0▲ ] = 1",
    "data.a[0▲",
    "data.a[▲] = 1",
    "data.a[▲-1] = 1",
    "data[0]▲x = 1",
    "data.\"a▲",
    "data.a▲",
    "data.a ▲1",
    "data.a ▲data.b",
    "data.a ▲! = 1",
    "data.a =▲> 1",
    "data.a ==▲= 1",
    "data.a = ▲= 1",
    "data.a ▲~ 1",
    "data.a =▲",
    "data.a = ▲abc",
    "data.a = ▲data.b",
    "data.a = ▲AND data.b = 1",
    "data.a = ▲[1]",
    "data.a = ▲(1)",
    "data.a = ▲+1",
    "data.a = ▲- 1",
    "data.a = ▲.5",
    "data.a = ▲\"abc",
    "data.a = ▲'abc\"",
    "data.a = 0▲1",
    "data.a = 1▲.",
    "data.a = 1▲e",
    "data.a = 1 ▲data.b = 2",
    "data.a = 1 ▲,",
    "data.a = 1 ▲)",
    "(data.a = 1▲",
    "(data.a = 1 ▲]",
    "(▲)",
    "data.a = 1 AND▲",
    "data.a = 1 OR ▲OR data.b = 1",
    "NOT▲",
    "data.a NOT ▲= 1",
    "data.a NOT▲",
    "data.a IS ▲1",
    "data.a IS NOT ▲true",
    "data.a IS ▲NOTNULL",
    "data.a LIKE ▲1",
    "data.a LIKE ▲abc",
    "data.a NOT LIKE▲",
    "data.a IN ▲1",
    "data.a IN [1▲",
    "data.a IN [1▲)",
    "data.a IN (1▲]",
    "data.a IN [▲,1]",
    "data.a IN [1, ▲]",
    "data.a IN [1 ▲2]",
    "data.a IN [1, ▲NOW]",
    "data.a IN [▲data.b]",
    "data.a IN [▲[1]]",
    "▲foo(data.a) = 1",
    "▲created(data.a) = 1",
    "date ▲= 1",
    "lower ▲data.a = 'x'",
    "lower(▲) = 'x'",
    "lower(data.a▲",
    "lower(data.a▲, data.b) = 1",
    "lower(▲\"A\") = 'a'",
    "lower(▲country) = 'a'",
    "CAST▲",
    "CAST(data.a ▲) = 1",
    "CAST(data.a AS ▲int) = 1",
    "CAST(data.a AS ▲) = 1",
    "CAST(data.a AS number▲, 2) = 1",
    "data.a = NOW -▲",
    "data.a = NOW - ▲x day",
    "data.a = NOW - ▲-1 day",
    "data.a = NOW - 1▲",
    "data.a = NOW - 1 ▲fortnight",
    "data.a = NOW - 1 ▲AND",
    "data.a = NOW - 1▲. day",
    "data.a = NOW - ▲1.5 months",
    "data.a = NOW ▲1 day",
    "data.a < ▲true",
    "data.a >= ▲null",
    "data.a > ▲FALSE",
    "created = ▲5",
    "created != ▲true",
    "created > ▲'yesterday'",
    "modified IN ['2024-01-01', ▲5]",
    "created IN [null, ▲'x']",
    "created < ▲null",
    "id > ▲null",
    "data.a = ▲1e999",
    "data.a IN [1, ▲-1e400]",
    "data.a = 1 ▲; DROP TABLE records",
    "data.a = \"é😀\" ▲§",
    "id▲.x = 1",
];

#[test]
fn errors_tell_where() {
    for marked in BROKEN {
        let at = marked.chars().position(|c| c == '▲').unwrap() + 1;
        let query = marked.replacen('▲', "", 1);
        let error = error_of(&query);
        assert_eq!(error.at, at, "{marked}: {}", error.message);
    }
}

#[test]
fn errors_tell_what_stood_there_and_what_was_expected() {
    for (query, parts) in [
        ("country = 1", &["`country`", "a field", "`data.country`"][..]),
        ("data.a = ", &["ends", "a value"]),
        ("data.a = abc", &["`abc`", "a value", "\"abc\""]),
        ("data.a like 5", &["the number 5", "a pattern in quotes"]),
        ("data.a = 1 2", &["the number 2", "`AND`, `OR` or the end"]),
        ("data.first-name = 1", &["`-`", "an operator", "quotes"]),
        ("data.a = data.b", &["`data`", "only stand on the left"]),
        ("foo(data.a) = 1", &["`foo`", "a function", "`lower`"]),
        ("date = 1", &["`=`", "`(`", "`data.date`"]),
        ("CAST(data.a AS int) = 1", &["`int`", "a type", "`number`"]),
        ("Data.a = 1", &["`Data`", "lower case"]),
        ("data. a = 1", &["' '", "a name"]),
        ("data.a = NOW - 1 fortnight", &["`fortnight`", "a unit", "`week`"]),
        ("created = 5", &["a time", "NOW"]),
        ("data.a = \"x", &["without a quote at its end"]),
    ] {
        let message = error_of(query).message;
        for part in parts {
            assert!(message.contains(part), "{query}: {message}");
        }
    }
}

#[test]
fn a_message_cuts_what_is_long() {
    let message = error_of(&"x".repeat(10_000)).message;
    assert!(message.len() < 20_500, "{}", message.len());
    assert!(error_of(&format!("data.a '{}'", "x".repeat(10_000))).message.len() < 300);
}

/// Whatever is cut out of a query, the parser ends, and the place is inside the text.
#[test]
fn broken_queries_have_a_place() {
    let query = "NOT (data.\"ä b\"[0].c >= -1.5e3 AND lower(data.t) NOT LIKE '%\\u00e9😀\\_') OR CAST(id AS text) IN [1, \"x\", null] \
                 OR created <> NOW - 1.5 hours + 2 months OR data.x IS NOT NULL";
    let characters: Vec<char> = query.chars().collect();
    assert!(Query::parse(query).is_ok());
    for from in 0..characters.len() {
        for to in from + 1..=characters.len().min(from + 12) {
            let broken: String = characters[..from].iter().chain(&characters[to..]).collect();
            if let Err(error) = Query::parse(&broken) {
                assert!((1..=broken.chars().count() + 1).contains(&error.at), "{broken}: {error:?}");
            }
        }
    }
}
