use serde_json::{Value, json};

use super::selects;

/// Which of `= != < <= > >=` hold, in this order: 1 for yes.
fn holding(data: &Value, field: &str, right: &str) -> String {
    let holds = |operator: &str| selects(&format!("{field} {operator} {right}"), data);
    ["=", "!=", "<", "<=", ">", ">="].map(|operator| if holds(operator) { '1' } else { '0' }).iter().collect()
}

const NO: &str = "010000";
const LESS: &str = "011100";
const SAME: &str = "100101";
const MORE: &str = "010011";

#[test]
fn values_compare_by_the_table() {
    for (left, right, expected) in [
        // null on the left
        (json!(null), "0", NO),
        (json!(null), "''", NO),
        (json!(null), "'null'", NO),
        (json!(null), "NOW", NO),
        // number and number
        (json!(9), "10", LESS),
        (json!(10), "10.0", SAME),
        (json!(10), "1e1", SAME),
        (json!(10.5), "10", MORE),
        (json!(-0.0), "0", SAME),
        (json!(9_007_199_254_740_993_i64), "9007199254740992", MORE),
        (json!(9_007_199_254_740_993_i64), "9007199254740993", SAME),
        (json!(9_007_199_254_740_993_i64), "9007199254740992.0", MORE),
        (json!(i64::MAX), "9223372036854775807", SAME),
        (json!(i64::MAX), "9223372036854775808", LESS),
        (json!(0.1), "0.1", SAME),
        (json!(i64::MIN), "-9223372036854775808.0", SAME),
        // number and text
        (json!(9), "'10'", LESS),
        (json!(10), "'10.00'", SAME),
        (json!(10), "'9'", MORE),
        (json!(7), "'007'", NO),
        (json!(10), "' 10'", NO),
        (json!(10), "'1e1'", NO),
        (json!(0), "''", NO),
        (json!(0), "'abc'", NO),
        (json!(10), "NOW", NO),
        (json!(1_000_000_000_000_000_i64), "'1000000000000000'", NO),
        // text and number
        (json!("9"), "10", LESS),
        (json!("10.0"), "10", SAME),
        (json!("10"), "9.5", MORE),
        (json!("abc"), "0", NO),
        (json!(""), "0", NO),
        (json!("007"), "7", NO),
        (json!("1e1"), "10", NO),
        (json!("-0"), "0", SAME),
        (json!("+1"), "1", NO),
        (json!("9007199254740993"), "9007199254740993", NO),
        // text and text
        (json!("9"), "'10'", MORE),
        (json!("10"), "'10'", SAME),
        (json!("10"), "'10.0'", LESS),
        (json!("Z"), "'a'", LESS),
        (json!("é"), "'z'", MORE),
        (json!("\u{ffff}"), "'\u{10000}'", LESS),
        (json!("a"), "'ab'", LESS),
        (json!(""), "'a'", LESS),
        (json!(""), "''", SAME),
        (json!("a"), "'A'", MORE),
        // date texts
        (json!("2024-01-01"), "'2024-01-01T00:00:00Z'", SAME),
        (json!("2024-01-01T02:00+02:00"), "'2024-01-01'", SAME),
        (json!("2024-01-01 00:00:00.0009"), "'2024-01-01'", SAME),
        (json!("2023-12-31T23:30-01:00"), "'2024-01-01'", MORE),
        (json!("2024-01-01T01:00+02:00"), "'2024-01-01'", LESS),
        (json!("2024-1-1"), "'2024-01-01'", MORE),
        (json!("2024-02-30"), "'2024-02-29'", MORE),
        (json!("2024-01-01x"), "'2024-01-01'", MORE),
        (json!("2024-01-01"), "'2024'", MORE),
        (json!("2024-01-01"), "20240101", NO),
        // text and words
        (json!("2024-03-31T10:20:30.456Z"), "NOW", SAME),
        (json!("2024-03-31"), "NOW", LESS),
        (json!("2024-03-31T10:20:30.457"), "NOW", MORE),
        (json!("now"), "NOW", NO),
        // booleans
        (json!(true), "1", NO),
        (json!(true), "NOW", NO),
        // objects
        (json!({}), "1", NO),
        (json!({"a": 1}), "'x'", NO),
        (json!({}), "NOW", NO),
    ] {
        assert_eq!(holding(&json!({"x": left}), "data.x", right), expected, "{left} {right}");
    }
    assert_eq!(holding(&json!({}), "data.x", "1"), NO);
}

/// What has no order is only the same or not.
#[test]
fn words_and_null_are_the_same_or_not() {
    for (left, right, is_same) in [
        (json!(null), "null", true),
        (json!(null), "true", false),
        (json!(null), "false", false),
        (json!(0), "null", false),
        (json!(0), "false", false),
        (json!(1), "true", false),
        (json!("null"), "null", false),
        (json!(""), "null", false),
        (json!("true"), "true", true),
        (json!("false"), "false", true),
        (json!("True"), "true", false),
        (json!("true"), "false", false),
        (json!("1"), "true", false),
        (json!(true), "true", true),
        (json!(true), "false", false),
        (json!(false), "false", true),
        (json!(false), "null", false),
        (json!({}), "null", false),
        (json!({}), "true", false),
        (json!([]), "null", false),
    ] {
        let data = json!({"x": left});
        assert_eq!(selects(&format!("data.x = {right}"), &data), is_same, "{left} {right}");
        assert_eq!(selects(&format!("data.x != {right}"), &data), !is_same, "{left} {right}");
    }
    for (text, is_same) in [("'true'", true), ("'True'", false), ("'false'", false), ("''", false)] {
        let expected = if is_same { "100000" } else { NO };
        assert_eq!(holding(&json!({"x": true}), "data.x", text), expected, "{text}");
    }
    assert!(selects("data.x = null AND data.x IS NULL AND NOT data.x IS NOT NULL AND data.x != 1", &json!({})));
}

#[test]
fn instants_compare_with_times() {
    let data = json!({});
    for (field, right, expected) in [
        ("created", "'2024-01-01'", LESS),
        ("created", "'2023-12-31 23:59:59'", MORE),
        ("created", "'2024-01-01T00:59:59.999+01:00'", SAME),
        ("modified", "'2024-01-01'", SAME),
        ("modified", "NOW", LESS),
        ("created", "NOW - 1 year", MORE),
    ] {
        assert_eq!(holding(&data, field, right), expected, "{field} {right}");
    }
    for (query, expected) in [
        ("created = null", false),
        ("created != null", true),
        ("created IS NULL", false),
        ("created IS NOT NULL", true),
        ("created IN [null]", false),
        ("created IN [null, '2023-12-31T23:59:59.999']", true),
        ("created NOT IN ['2024-01-01']", true),
        ("created LIKE '2023-12-31 23:59:59'", true),
        ("created LIKE '2023-%'", true),
        ("created LIKE '%999%'", false),
        ("modified LIKE '2024-01-01 00:__:__'", true),
    ] {
        assert_eq!(selects(query, &data), expected, "{query}");
    }
}

#[test]
fn own_fields_are_a_number_and_texts() {
    let data = json!({"id": 99, "created": "x"});
    for (query, expected) in [
        ("id = 10", true),
        ("id = '10'", true),
        ("id = '10.0'", true),
        ("id = 'x'", false),
        ("id < 10.5", true),
        ("id LIKE '1_'", true),
        ("id = true", false),
        ("id = null", false),
        ("id IN [1, 10]", true),
        ("id = NOW", false),
        ("created_by = 'token:7'", true),
        ("created_by LIKE 'token:%'", true),
        ("created_by = 7", false),
        ("modified_by > 'cli:'", true),
    ] {
        assert_eq!(selects(query, &data), expected, "{query}");
    }
}

#[test]
fn lists_hold_if_one_scalar_element_does() {
    let data = json!({"x": ["a", 10, true, null, ["deep"], {"k": "in"}, "2024-01-01"], "empty": [], "nulls": [null]});
    for (query, expected) in [
        ("data.x = 'a'", true),
        ("data.x = 10", true),
        ("data.x = '10'", true),
        ("data.x = true", true),
        ("data.x = 'true'", true),
        ("data.x = false", false),
        ("data.x = 'deep'", false),
        ("data.x = 'in'", false),
        ("data.x = null", false),
        ("data.x IS NULL", false),
        ("data.x IS NOT NULL", true),
        ("data.x != 'a'", false),
        ("data.x != 'b'", true),
        ("NOT data.x = 'a'", false),
        ("data.x = '2024-01-01T00:00Z'", true),
        ("data.x = NOW", false),
        ("data.x < 11", false),
        ("data.x >= 10", false),
        ("data.x > 'A'", false),
        ("NOT data.x < 11", true),
        ("data.x <= NOW", false),
        ("data.x LIKE 'a'", true),
        ("data.x LIKE '1%'", true),
        ("data.x LIKE 'tr_e'", true),
        ("data.x LIKE 'null'", false),
        ("data.x LIKE 'deep'", false),
        ("data.x NOT LIKE 'a'", false),
        ("data.x LIKE '%'", true),
        ("data.empty LIKE '%'", false),
        ("data.nulls LIKE '%'", false),
        ("data.nulls = null", false),
        ("data.x IN ['z', 10]", true),
        ("data.x IN ['z', null]", false),
        ("data.x NOT IN ['z']", true),
        ("data.x IN ['deep']", false),
        ("data.nulls IN [null]", false),
        ("data.empty = null", false),
        ("data.empty != 1", true),
        ("data.x[0] = 'a'", true),
        ("data.x[4] = 'deep'", true),
        ("data.x[3] = null", true),
        ("data.x[5].k = 'in'", true),
        ("data.x.0 = null", true),
        ("data.x[9] = null", true),
    ] {
        assert_eq!(selects(query, &data), expected, "{query}");
    }
}

#[test]
fn in_is_equality_with_one() {
    let data = json!({"n": 10, "t": "10", "b": false, "d": "2024-01-01", "o": {}});
    for (query, expected) in [
        ("data.n IN [1, '10.0']", true),
        ("data.t IN [10]", true),
        ("data.t IN ['10.0']", false),
        ("data.b IN [0, '', null]", false),
        ("data.b IN ['false']", true),
        ("data.missing IN [null]", true),
        ("data.missing IN [1, null]", true),
        ("data.missing IN [1]", false),
        ("data.missing NOT IN [1]", true),
        ("data.missing IN []", false),
        ("data.missing NOT IN ()", true),
        ("data.d IN ['2024-01-01 00:00']", true),
        ("data.o IN [null, 1]", false),
        ("data.n NOT IN [10]", false),
    ] {
        assert_eq!(selects(query, &data), expected, "{query}");
    }
}

#[test]
fn like_is_of_the_whole_text_of_a_scalar() {
    let data = json!({"t": "Line one\nLine_two 100%", "n": 10.50, "i": 5.0, "b": true, "o": {"a": "x"}, "q": "a\"b", "s": "back\\slash"});
    for (query, expected) in [
        ("data.t LIKE 'Line%'", true),
        ("data.t LIKE 'line%'", false),
        ("data.t LIKE 'Line'", false),
        ("data.t LIKE '%one_Line%'", true),
        (r"data.t LIKE '%Line\_two%'", true),
        (r"data.t LIKE '%one\_Line%'", false),
        (r"data.t LIKE '%100\%'", true),
        (r"data.t LIKE '%100\\%'", true),
        ("data.n LIKE '10.5'", true),
        ("data.n LIKE '10.50'", false),
        ("data.i LIKE '5'", true),
        ("data.b LIKE 't%'", true),
        ("data.o LIKE '%'", false),
        ("data.o NOT LIKE '%'", true),
        ("data.missing LIKE '%'", false),
        ("data.missing NOT LIKE '%'", true),
        (r#"data.q LIKE "a\"b""#, true),
        (r"data.s LIKE 'back\\\\slash'", true),
        (r"data.s LIKE 'back\\slash'", false),
        (r"data.s = 'back\\slash'", true),
        (r"data.s = 'back\slash'", true),
    ] {
        assert_eq!(selects(query, &data), expected, "{query}");
    }
}
