//! Records and queries by chance, from few enough values that they meet.

use fastrand::Rng;
use serde_json::{Map, Value, json};

use super::plain::{Base, Plain, PlainCheck, PlainField};
use super::spelling;
use crate::collections::column::ColumnKind;
use crate::collections::pmql::{IndexedColumn, Query, RecordView};

/// A record with its values.
#[derive(Debug, Clone)]
pub(crate) struct OwnedRecord {
    pub(crate) id: i64,
    pub(crate) data: Value,
    pub(crate) created: i64,
    pub(crate) updated: i64,
    pub(crate) created_by: String,
    pub(crate) updated_by: String,
}

impl OwnedRecord {
    pub(crate) fn view(&self) -> RecordView<'_> {
        RecordView {
            id: self.id,
            data: &self.data,
            created_at_ms: self.created,
            updated_at_ms: self.updated,
            created_by: &self.created_by,
            updated_by: &self.updated_by,
        }
    }
}

/// The seed of a run, which its failures name: `PMQL_SEED`, or chance.
pub(crate) fn seed() -> u64 {
    std::env::var("PMQL_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| fastrand::u64(..))
}

/// The typed columns of the records.
pub(crate) fn columns() -> Vec<IndexedColumn> {
    let kinds = [
        ("n", ColumnKind::Number),
        ("s", ColumnKind::String),
        ("b", ColumnKind::Boolean),
        ("d", ColumnKind::Date),
        ("t", ColumnKind::Datetime),
        ("o.n", ColumnKind::Number),
        ("o.s", ColumnKind::String),
    ];
    let column = |(slot, (path, kind)): (i16, (&str, _))| IndexedColumn {
        path: path.split('.').map(str::to_owned).collect(),
        slot,
        kind,
    };
    (1..).zip(kinds).map(column).collect()
}

const ACTORS: [&str; 4] = ["token:7", "token:71", "cli:ada", "oidc:10"];

/// Around each other, and around a day's and a year's end; epoch milliseconds.
const TIMES: [i64; 7] = [
    1_704_067_199_999,
    1_704_067_200_000,
    1_711_880_430_456,
    1_711_843_200_000,
    1_709_164_800_000,
    1_711_880_430_455,
    -1,
];

const NUMBERS: [&str; 22] = [
    "0",
    "-0.0",
    "1",
    "5",
    "7",
    "9",
    "10",
    "10.0",
    "10.5",
    "-1",
    "2024",
    "0.1",
    "1e1",
    "9007199254740991",
    "9007199254740992",
    "9007199254740993",
    "9007199254740992.0",
    "-9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "1e300",
    "-1e300",
];

const TEXTS: [&str; 56] = [
    "",
    "0",
    "9",
    "10",
    "10.0",
    "10.5",
    "-0",
    "007",
    " 10 ",
    "1e1",
    "9007199254740993",
    "999999999999999",
    "true",
    "false",
    "True",
    "null",
    "a",
    "A",
    "ab",
    "abc",
    "ABC",
    "Straße",
    "STRASSE",
    "é",
    "É",
    "İ",
    "ΟΔΟΣ",
    "😀",
    "\u{ffff}",
    "a%b",
    "a_b",
    "a\\b",
    "a\nb",
    "\"",
    "'",
    "token:7",
    "2024",
    "2024-01-01",
    "2024-01-01T00:00:00Z",
    "2024-01-01T00:00:00.000Z",
    "2024-01-01 02:00+02:00",
    "2023-12-31T23:59:59.999Z",
    "2023-12-31",
    "2024-01-01T01:00+02:00",
    "2024-02-29",
    "2024-02-30",
    "2024-03-31T10:20:30.456Z",
    "2024-03-31 10:20:30",
    "2024-03-31",
    "0001-01-01",
    "9999-12-31T23:59:59.999Z",
    "1969-12-31T23:59:59.999",
    "2024-1-1",
    "2023-12-31T23:00:00-01:00",
    "2023-12-31T23:00",
    "2024-01-01x",
];

const PATTERNS: [&str; 22] = [
    "%",
    "_",
    "",
    "a%",
    "%a",
    "a_b",
    r"a\_b",
    r"a\%b",
    "%b%",
    "1_",
    "10%",
    "t%e",
    "TRUE",
    "2024%",
    "2024-01-01%",
    "2024-01-01",
    "%00:00%",
    "a__%b%",
    r"\",
    r"a\\b",
    "😀%",
    "\u{10ffff}%",
];

fn number(rng: &mut Rng) -> Value {
    serde_json::from_str(pick(rng, &NUMBERS)).unwrap()
}

fn text(rng: &mut Rng) -> Value {
    json!(pick(rng, &TEXTS))
}

pub(super) fn pick<T: Copy>(rng: &mut Rng, from: &[T]) -> T {
    from[rng.usize(..from.len())]
}

fn scalar(rng: &mut Rng) -> Value {
    match rng.u8(..10) {
        0 => Value::Null,
        1 | 2 => json!(rng.bool()),
        3..=5 => number(rng),
        _ => text(rng),
    }
}

fn any_value(rng: &mut Rng, depth: usize) -> Value {
    match rng.u8(..10) {
        0 | 1 if depth > 0 => (0..rng.usize(..4)).map(|_| any_value(rng, depth - 1)).collect(),
        2 if depth > 0 => json!({"n": any_value(rng, depth - 1), "0": scalar(rng)}),
        _ => scalar(rng),
    }
}

/// What a column of the kind stores, or null.
fn typed(rng: &mut Rng, kind: ColumnKind) -> Value {
    loop {
        let value = if kind == ColumnKind::Number { number(rng) } else { scalar(rng) };
        if let Ok(stored) = kind.coerce(value)
            && (!stored.is_null() || rng.u8(..4) == 0)
        {
            return stored;
        }
    }
}

pub(crate) fn record(rng: &mut Rng, id: i64) -> OwnedRecord {
    let mut data = Map::new();
    let mut nested = Map::new();
    for column in columns() {
        // Some are missing.
        if rng.u8(..8) > 0 {
            let value = typed(rng, column.kind);
            match column.path.as_slice() {
                [name] => data.insert(name.clone(), value),
                path => nested.insert(path[1].clone(), value),
            };
        }
    }
    data.insert("o".to_owned(), Value::Object(nested));
    for name in ["x", "l", "first name"] {
        if rng.u8(..6) > 0 {
            data.insert(name.to_owned(), any_value(rng, 2));
        }
    }
    OwnedRecord {
        id,
        data: Value::Object(data),
        created: pick(rng, &TIMES),
        updated: pick(rng, &TIMES),
        created_by: pick(rng, &ACTORS).to_owned(),
        updated_by: pick(rng, &ACTORS).to_owned(),
    }
}

/// A query as a tree, and one of its spellings.
pub(crate) fn query(rng: &mut Rng) -> (Plain, String) {
    let depth = rng.usize(..4);
    let plain = expression(rng, depth);
    let text = spelling::of(rng, &plain);
    (plain, text)
}

/// Every comparison of a typed column or an own field with every value there is here.
pub(crate) fn single_tests() -> Vec<String> {
    let texts = TEXTS.iter().map(|text| json!(text).to_string());
    let words = ["true", "false", "null", "NOW", "NOW - 3 months"];
    let values: Vec<String> = NUMBERS.iter().chain(&words).copied().map(str::to_owned).chain(texts).collect();
    let mut tests = Vec::new();
    for field in ["data.n", "data.s", "data.b", "data.d", "data.t", "id", "created", "modified_by"] {
        for operator in ["=", "!=", "<", "<=", ">", ">="] {
            tests.extend(values.iter().map(|value| format!("{field} {operator} {value}")));
        }
        tests.extend(PATTERNS.iter().map(|pattern| format!("{field} LIKE {}", json!(pattern))));
    }
    // The rest are values that a field cannot meet.
    tests.retain(|test| Query::parse(test).is_ok());
    tests
}

fn expression(rng: &mut Rng, depth: usize) -> Plain {
    if depth == 0 {
        return test(rng);
    }
    let mut part = || Box::new(expression(rng, depth - 1));
    let (left, right) = (part(), part());
    match rng.u8(..5) {
        0 | 1 => Plain::And(left, right),
        2 | 3 => Plain::Or(left, right),
        _ => Plain::Not(left),
    }
}

fn test(rng: &mut Rng) -> Plain {
    let base = match rng.u8(..10) {
        0..=5 => Base::Data(pick(rng, &["/n", "/s", "/b", "/d", "/t", "/o/n", "/o/s"])),
        6 | 7 => {
            Base::Data(pick(rng, &["/x", "/l", "/first name", "/l/#0", "/x/n", "/x/0", "/missing", "/o", "/n/#0"]))
        }
        _ => Base::Own(pick(
            rng,
            &[
                "id",
                "created",
                "created_at",
                "modified",
                "updated",
                "updated_at",
                "created_by",
                "created_by_id",
                "modified_by",
                "updated_by",
            ],
        )),
    };
    let functions = if rng.u8(..4) > 0 {
        Vec::new()
    } else {
        let names =
            ["lower", "upper", "trim", "length", "date", "year", "month", "day", "AS number", "AS text", "AS date"];
        (0..=rng.usize(..2)).map(|_| pick(rng, &names)).collect()
    };
    let is_time = functions.is_empty()
        && matches!(base, Base::Own("created" | "created_at" | "modified" | "updated" | "updated_at"));
    let check = check(rng, is_time);
    Plain::Test(PlainField { base, functions }, check)
}

/// Something that a time can meet, and anything for the others.
fn literal(rng: &mut Rng, is_time: bool) -> Value {
    loop {
        let literal = scalar(rng);
        let is_date = || literal.as_str().is_some_and(|text| crate::collections::date::parse(text).is_some());
        if !is_time || literal.is_null() || is_date() {
            return literal;
        }
    }
}

fn check(rng: &mut Rng, is_time: bool) -> PlainCheck {
    match rng.u8(..12) {
        0 => PlainCheck::Is(pick(rng, &["IS NULL", "IS NOT NULL"])),
        1 => PlainCheck::Like(pick(rng, &["LIKE", "NOT LIKE"]), pick(rng, &PATTERNS).to_owned()),
        2 | 3 => {
            let list = (0..rng.usize(..5)).map(|_| literal(rng, is_time)).collect();
            PlainCheck::In(pick(rng, &["IN", "NOT IN"]), list)
        }
        4 => {
            let units = [
                "second", "seconds", "minute", "minutes", "hour", "hours", "day", "days", "week", "weeks", "month",
                "months", "year", "years",
            ];
            let steps =
                (0..rng.usize(..3)).map(|_| (pick(rng, &['+', '-']), rng.i64(0..5), pick(rng, &units))).collect();
            PlainCheck::CompareNow(pick(rng, &["=", "==", "!=", "<>", "<", "<=", ">", ">="]), steps)
        }
        _ => {
            let literal = literal(rng, is_time);
            let has_no_order = literal.is_null() || literal.is_boolean();
            let operators = if has_no_order {
                &["=", "==", "!=", "<>"][..]
            } else {
                &["=", "==", "!=", "<>", "<", "<=", ">", ">="][..]
            };
            PlainCheck::Compare(pick(rng, operators), literal)
        }
    }
}
