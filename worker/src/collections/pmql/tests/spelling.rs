//! One of the spellings of a query, by chance: cases, spaces, quotes, escapes and brackets.

use std::fmt::Write;

use fastrand::Rng;
use serde_json::Value;

use super::generator::pick;
use super::plain::{Base, Plain, PlainCheck, PlainField};

/// A query's text.
pub(super) fn of(rng: &mut Rng, plain: &Plain) -> String {
    let mut text = String::new();
    write_expression(rng, plain, &mut text);
    text
}

fn write_expression(rng: &mut Rng, plain: &Plain, text: &mut String) {
    let bracketed = |rng: &mut Rng, inside: &Plain, text: &mut String| {
        let needs_none = matches!(inside, Plain::Test(..)) && rng.bool();
        if needs_none {
            write_expression(rng, inside, text);
        } else {
            text.push('(');
            write_expression(rng, inside, text);
            text.push(')');
        }
    };
    match plain {
        Plain::And(left, right) | Plain::Or(left, right) => {
            bracketed(rng, left, text);
            word(rng, if matches!(plain, Plain::And(..)) { "AND" } else { "OR" }, text);
            bracketed(rng, right, text);
        }
        Plain::Not(inside) => {
            word(rng, "NOT", text);
            bracketed(rng, inside, text);
        }
        Plain::Test(field, check) => {
            write_field(rng, field, text);
            write_check(rng, check, text);
        }
    }
}

/// A keyword in any case, with spaces around.
fn word(rng: &mut Rng, keyword: &str, text: &mut String) {
    let space = pick(rng, &[" ", "  ", "\n", "\t", "\r\n"]);
    text.push_str(space);
    for character in keyword.chars() {
        text.push(if rng.u8(..4) == 0 { character.to_ascii_lowercase() } else { character });
    }
    text.push_str(space);
}

fn write_field(rng: &mut Rng, field: &PlainField, text: &mut String) {
    let mut written = match field.base {
        Base::Own(name) => {
            if rng.bool() {
                name.to_owned()
            } else {
                name.to_uppercase()
            }
        }
        Base::Data(pointer) => {
            pointer.split('/').skip(1).fold("data".to_owned(), |path, name| match name.strip_prefix('#') {
                Some(index) => format!("{path}[{index}]"),
                None if name.contains(' ') || rng.u8(..8) == 0 => format!("{path}.{}", quoted(rng, name)),
                None => format!("{path}.{name}"),
            })
        }
    };
    for function in &field.functions {
        written = match function.strip_prefix("AS ") {
            Some(kind) => format!("CAST( {written} AS {kind})"),
            None => format!("{function} ({written} )"),
        };
    }
    text.push_str(&written);
}

fn write_check(rng: &mut Rng, check: &PlainCheck, text: &mut String) {
    match check {
        PlainCheck::Compare(operator, literal) => {
            text.push_str(operator);
            text.push_str(&written(rng, literal));
        }
        PlainCheck::CompareNow(operator, steps) => {
            text.push_str(operator);
            text.push_str(pick(rng, &["NOW", " now", "Now "]));
            for (sign, amount, unit) in steps {
                write!(text, "{sign}{amount} {unit}").unwrap();
            }
        }
        PlainCheck::Like(keyword, pattern) => {
            word(rng, keyword, text);
            text.push_str(&quoted(rng, pattern));
        }
        PlainCheck::In(keyword, list) => {
            word(rng, keyword, text);
            let values: Vec<String> = list.iter().map(|literal| written(rng, literal)).collect();
            let (open, close) = pick(rng, &[("[", "]"), ("(", ")")]);
            write!(text, "{open}{}{close}", values.join(pick(rng, &[",", " , "]))).unwrap();
        }
        PlainCheck::Is(keyword) => word(rng, keyword, text),
    }
}

fn written(rng: &mut Rng, literal: &Value) -> String {
    match literal {
        Value::String(text) => quoted(rng, text),
        other => other.to_string(),
    }
}

/// In either quotes, some characters as escapes.
fn quoted(rng: &mut Rng, text: &str) -> String {
    let quote = pick(rng, &['"', '\'']);
    let mut written = String::from(quote);
    for character in text.chars() {
        match character {
            '\\' => written.push_str("\\\\"),
            same if same == quote => written.extend(['\\', same]),
            '\n' if rng.bool() => written.push_str("\\n"),
            other if rng.u8(..10) == 0 => {
                for unit in other.encode_utf16(&mut [0; 2]) {
                    write!(written, "\\u{unit:04x}").unwrap();
                }
            }
            other => written.push(other),
        }
    }
    written.push(quote);
    written
}
