//! What designers write in `feel` rows, as COMPATIBILITY 4.6 has it; and what they must not be able to do.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::*;
use crate::plan::template::Scope;
use crate::testing::bounds::{TIME, within};

/// 2026-11-23T18:00:00Z, a Monday.
const NOW_MS: i64 = 1_795_456_800_000;

fn data() -> Map<String, Value> {
    let data = json!({
        "amount": 120, "rate": "1.5", "name": "Élan", "empty_text": "", "nothing": null, "yes": true, "zero": "0",
        "user": {"name": "Ada", "tags": ["a", "b"], "address": {"city": "Paris"}, "a.b": 1},
        "items": [{"sku": "l", "price": 2.5}, {"sku": "d", "price": 4}], "list": [3, 1, 2], "object": {},
    });
    data.as_object().cloned().unwrap()
}

fn evaluate_with(source: &str, missing: Missing) -> Result<Value, String> {
    let data = data();
    let env = BTreeMap::from_iter([("REGION".to_owned(), "eu-1".to_owned())]);
    let ctx = EvalContext { now_ms: NOW_MS, env: &env };
    let expression = Expression::parse(source).map_err(|e| e.to_string())?;
    expression.evaluate(&Scope::new(&data), ctx, missing).map_err(|e| e.to_string())
}

fn evaluate(source: &str) -> Value {
    evaluate_with(source, Missing::Refused).unwrap_or_else(|problem| panic!("{source}: {problem}"))
}

/// COMPATIBILITY 4.6.
#[test]
fn values_and_paths() {
    for (source, expected) in [
        ("", json!(true)),
        ("  ", json!(true)),
        ("amount", json!(120)),
        ("user.name", json!("Ada")),
        ("user['name']", json!("Ada")),
        ("user.address.city", json!("Paris")),
        ("items[1].price", json!(4)),
        ("items.0.sku", json!("l")),
        ("items[amount - 119].sku", json!("d")),
        ("user?.name", json!("Ada")),
        ("nothing?.name", json!(null)),
        ("gone?.name", json!(null)),
        ("gone ?? 'x'", json!("x")),
        ("user.gone ?? user.name", json!("Ada")),
        ("nothing ?? 1", json!(1)),
        ("empty_text ?: 'x'", json!("x")),
        ("name ?: 'x'", json!("Élan")),
        ("[1, 'a', null, true, 2.5]", json!([1, "a", null, true, 2.5])),
        ("{a: 1, 'b c': [2], (name): {d: amount}}", json!({"a": 1, "b c": [2], "Élan": {"d": 120}})),
        ("{a: 1}.a", json!(1)),
        ("[1, 2,]", json!([1, 2])),
        ("1..3", json!([1, 2, 3])),
        ("3..1", json!([3, 2, 1])),
        ("TRUE", json!(true)),
        ("'it\\'s' ~ \"\\n\"", json!("it's\n")),
    ] {
        assert_eq!(evaluate(source), expected, "{source}");
    }
}

/// COMPATIBILITY 4.6.
#[test]
fn operators() {
    for (source, expected) in [
        ("1 + 2 * 3", json!(7)),
        ("(1 + 2) * 3", json!(9)),
        ("7 / 2", json!(3.5)),
        ("6 / 2", json!(3)),
        ("7 % 4", json!(3)),
        ("2 ** 3 ** 2", json!(512)),
        ("-2 ** 2", json!(4)),
        ("- amount + 1", json!(-119)),
        ("amount * rate", json!(180.0)),
        ("9223372036854775807 + 1", json!(9_223_372_036_854_775_808_u64)),
        ("1.5e3", json!(1500.0)),
        ("'a' ~ 1 ~ 2.0 ~ true ~ null", json!("a121")),
        ("1 + 2 ~ 'x'", json!(3)),
        ("amount == '120'", json!(true)),
        ("amount === '120'", json!(false)),
        ("amount === 120.0", json!(true)),
        ("'1e1' == '10'", json!(true)),
        ("'abc' == 0", json!(false)),
        ("null == ''", json!(true)),
        ("null == 0", json!(true)),
        ("null != 'a'", json!(true)),
        ("yes == 1", json!(true)),
        ("[1, 2] == [1, '2']", json!(true)),
        ("'b' > 'a'", json!(true)),
        ("'10' > '9'", json!(true)),
        ("amount >= 120 and amount < 121", json!(true)),
        ("nothing < 1", json!(false)),
        ("not yes", json!(false)),
        ("!yes || yes && true", json!(true)),
        ("true or gone", json!(true)),
        ("1 in list", json!(true)),
        ("'1' in list", json!(false)),
        ("4 not in list", json!(true)),
        ("'a' in user.tags", json!(true)),
        ("name matches '/^é/i'", json!(true)),
        ("name matches '^\\w+$'", json!(true)),
        ("name contains 'la'", json!(true)),
        ("name starts with 'É'", json!(true)),
        ("name ends with 'É'", json!(false)),
        ("amount > 100 ? 'big' : 'small'", json!("big")),
        ("amount > 200 ? 'big'", json!(null)),
        ("amount > 200 ? 'big' : amount > 100 ? 'mid' : 'small'", json!("mid")),
    ] {
        let found = evaluate_with(source, Missing::Refused);
        // `+` binds weaker than `~`, so that this one is 1 + '2x'.
        if source == "1 + 2 ~ 'x'" {
            assert!(found.unwrap_err().contains("`2x` is not a number"));
            continue;
        }
        assert_eq!(found.as_ref(), Ok(&expected), "{source}");
    }
}

/// COMPATIBILITY 4.6.
#[test]
fn functions() {
    for (source, expected) in [
        ("get(user, 'name')", json!("Ada")),
        ("get(user, 'a.b')", json!(1)),
        ("get(user, 'gone')", json!(null)),
        ("arrayget(user, 'address.city', 'x')", json!("Paris")),
        ("arrayget(items, '1.sku', 'x')", json!("d")),
        ("arrayget(items, '7.sku', 'x')", json!("x")),
        ("arrayget({a: [1]}, 'a.0')", json!(1)),
        ("empty(gone)", json!(true)),
        ("empty(user.gone.more)", json!(true)),
        ("empty(zero)", json!(true)),
        ("empty([])", json!(true)),
        ("empty(user)", json!(false)),
        ("env('REGION')", json!("eu-1")),
        ("env('region')", json!("eu-1")),
        ("lowercase(name)", json!("élan")),
        ("UPPERCASE(name)", json!("ÉLAN")),
        ("count(items)", json!(2)),
        ("count(user)", json!(4)),
        ("date('Y-m-d')", json!("2026-11-23")),
        ("date('D, d M Y H:i:s')", json!("Mon, 23 Nov 2026 18:00:00")),
        ("date('c', 0)", json!("1970-01-01T00:00:00+00:00")),
        ("date('Y-m-d H:i T P', '1795456800', 'Europe/Berlin')", json!("2026-11-23 19:00 CET +01:00")),
        ("date('jS F y, g:i a', '2026-03-01T15:04:05Z')", json!("1st March 26, 3:04 pm")),
        ("date('N w z W t L o U e', 1795456800)", json!("1 1 326 48 30 0 2026 1795456800 UTC")),
        ("date('\\\\Y\\\\Y Y')", json!("YY 2026")),
        ("date('Y-m-d', '2026-02-03 04:05:06')", json!("2026-02-03")),
    ] {
        assert_eq!(evaluate(source), expected, "{source}");
    }
}

#[test]
fn mistakes_are_told_with_their_place_and_what_to_write() {
    for (source, expected) in [
        ("user.nam", "at character 1 of `user.nam`: `user` has no member `nam`; it has: name, tags, address, a.b"),
        (
            "amount + user.tags[7]",
            "at character 10 of `amount + user.tags[7]`: `user.tags` has no item `7`; it has 2 items",
        ),
        ("name.x", "at character 1 of `name.x`: `name` is a string and has no member `x`"),
        (
            "gone",
            "at character 1 of `gone`: there is no variable `gone`; `gone ?? ''` stands for nothing where it is missing",
        ),
        ("amount +", "at character 9 of `amount +`: a value is expected here, and the expression ends"),
        ("amount = 1", "at character 8 of `amount = 1`: `=` assigns nothing here; `==` compares"),
        ("(1", "at character 3 of `(1`: `)` is expected here"),
        ("'a", "at character 1 of `'a`: the text that begins here is never closed"),
        ("1 / 0", "at character 1 of `1 / 0`: is divided by zero"),
        ("user ~ ''", "at character 1 of `user ~ ''`: an object is no text"),
        ("user < 1", "at character 1 of `user < 1`: an object is neither smaller nor greater"),
        ("name + 1", "at character 1 of `name + 1`: `Élan` is not a number"),
        ("user.name()", "at character 10 of `user.name()`: values have no methods: `name` cannot be called"),
        ("system('x')", "at character 1 of `system('x')`: there is no function `system`; there are: get, "),
        ("request(1)", "at character 1 of `request(1)`: `request` looks into the engine's database"),
        ("count()", "at character 1 of `count()`: takes other arguments: write count(list)"),
        ("env('PATH')", "at character 1 of `env('PATH')`: the operator has not listed `PATH` in [expressions.env]"),
        ("name matches '('", "at character 14 of `name matches '('`: the pattern cannot be used: unclosed group"),
        ("name matches '/a/e'", "at character 14 of `name matches '/a/e'`: the pattern has the flag `e`"),
        ("date('Y', 'soon')", "at character 1 of `date('Y', 'soon')`: `soon` is not a time; write seconds"),
        ("date('Y', 0, 'Mars')", "at character 1 of `date('Y', 0, 'Mars')`: `Mars` is not a time zone"),
        ("a $ b", "at character 3 of `a $ b`: an operator or the end is expected"),
        ("é ÷ b", "at character 3 of `é ÷ b`: `÷` is not part of the language"),
        ("1 in 'text'", "at character 1 of `1 in 'text'`: `in` looks into a list, not into a string"),
    ] {
        let problem = evaluate_with(source, Missing::Refused).unwrap_err();
        assert!(problem.starts_with(expected), "{source}: {problem}");
    }
    assert_eq!(evaluate_with("gone.more[3] == null", Missing::Null), Ok(json!(true)), "conditions look at every shape");
}

/// More than 200 hostile expressions: each ends within its processor time and memory, with a message that says why.
#[test]
fn hostile_expressions_end() {
    let mut hostile: Vec<String> = vec![
        "0..1000000000000".into(),
        "-9223372036854775807..9223372036854775807".into(),
        "9223372036854775807 ** 9223372036854775807".into(),
        "count(0..99999)".into(),
        format!("{}1", "1 ** ".repeat(250)),
        format!("{}{}", "(".repeat(4_000), ")".repeat(4_000)),
        format!("{}1", "!".repeat(8_000)),
        format!("{}1", "-".repeat(8_000)),
        format!("{}1", "not ".repeat(2_000)),
        format!("1{}", " + 1".repeat(2_000)),
        format!("a{}", ".a".repeat(4_000)),
        format!("a{}", "[0]".repeat(2_500)),
        format!("{}1", "1 ? 1 : ".repeat(1_000)),
        format!("{}1", "a ?? ".repeat(1_500)),
        "'x' ".repeat(2_000),
        format!("'{}'", "\\".repeat(8_001)),
        "x".repeat(9_000),
        "date('".to_owned() + &"r".repeat(5_000) + "')",
        "'a' matches '((a{1,1000}){1,1000}){1,1000}'".into(),
        "'a' matches '(?:a{100000})'".into(),
        "'\u{0}' matches '\\x{110000}'".into(),
        "[{".repeat(2_000),
        "{a:".repeat(2_000),
        "get(".repeat(2_000),
        "empty(".repeat(1_000) + &")".repeat(1_000),
    ];
    for depth in 1..60 {
        hostile.push(format!("{}1{}", "[".repeat(depth * 3), ", 1]".repeat(depth * 3)));
        hostile.push(format!("'{}' matches '{}$'", "a".repeat(depth * 30), "(a+)+".repeat(depth)));
        hostile.push(format!(
            "'{}!' matches '^(([a-z])+.)+[A-Z]([a-z])+${}'",
            "a".repeat(depth * 30),
            "|a?".repeat(depth)
        ));
        let pile = "big ~ ".repeat(depth * 4);
        hostile.push(format!("{pile}big"));
        hostile.push(format!("[{}]", "everything, ".repeat(depth * 4)));
        hostile.push(format!("{} == everything", "everything == ".repeat(depth * 2)));
    }
    let big = json!({"big": "x".repeat(1 << 20), "everything": vec![json!({"a": [1, 2, 3]}); 20_000], "a": {}});
    let (big, env) = (big.as_object().cloned().unwrap(), BTreeMap::new());
    let ctx = EvalContext { now_ms: 0, env: &env };
    assert!(hostile.len() > 300, "{}", hostile.len());
    for source in &hostile {
        let _ended = within(TIME, source, || {
            Expression::parse(source).map(|parsed| parsed.evaluate(&Scope::new(&big), ctx, Missing::Null))
        });
    }
    for (source, expected) in [
        ("0..1000000000000", "takes more than 100000 steps"),
        ("0..99999", "takes more than 100000 steps"),
        ("[everything, everything, everything, everything]", "produces more than 8388608 bytes"),
        ("big ~ big ~ big ~ big ~ big ~ big", "produces more than 8388608 bytes"),
    ] {
        let ended = Expression::parse(source).unwrap().evaluate(&Scope::new(&big), ctx, Missing::Refused);
        assert!(ended.clone().unwrap_err().problem.contains(expected), "{source}: {ended:?}");
    }
}
