//! The functions of COMPATIBILITY 4.6 that need nothing but the job's own data.

use std::borrow::Cow;

use serde_json::Value;

use super::evaluate::{Evaluation, Found};
use super::parse::{Kind, Node};
use super::{Problem, compare, date};
use crate::job::{kind_of, value_in};
use crate::plan::pattern::{Flags, compiled};
use crate::plan::value::member;

/// What can be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Get,
    ArrayGet,
    Date,
    Empty,
    Env,
    Lowercase,
    Uppercase,
    Count,
    Json,
}

/// Name, least and most arguments, and how it is written.
const KNOWN: [(&str, Function, usize, usize, &str); 9] = [
    ("get", Function::Get, 2, 2, "get(object, 'member')"),
    ("arrayget", Function::ArrayGet, 2, 3, "arrayget(list, 'path.to.it', default)"),
    ("date", Function::Date, 1, 3, "date('Y-m-d', seconds, 'Europe/Berlin')"),
    ("empty", Function::Empty, 1, 1, "empty(value)"),
    ("env", Function::Env, 1, 1, "env('NAME')"),
    ("lowercase", Function::Lowercase, 1, 1, "lowercase(text)"),
    ("uppercase", Function::Uppercase, 1, 1, "uppercase(text)"),
    ("count", Function::Count, 1, 1, "count(list)"),
    ("json", Function::Json, 1, 1, "json(text)"),
];

/// Functions of ProcessMaker that look into its own database (COMPATIBILITY 4.6).
const ELSEWHERE: [&str; 8] =
    ["process", "request", "user", "group_manager", "getactivetaskat", "escalatetask", "delegatetask", "reassigntasks"];

pub(super) fn known(name: &str) -> Result<Function, String> {
    let lower = name.to_ascii_lowercase();
    if let Some((_, function, ..)) = KNOWN.iter().find(|(known, ..)| *known == lower) {
        return Ok(*function);
    }
    if ELSEWHERE.contains(&lower.as_str()) {
        return Err(format!(
            "`{name}` looks into the engine's database, which a worker does not see; put what it gives into the request's data"
        ));
    }
    let names: Vec<&str> = KNOWN.iter().map(|(name, ..)| *name).collect();
    Err(format!("there is no function `{name}`; there are: {}", names.join(", ")))
}

impl Function {
    pub(super) fn check(self, arguments: usize) -> Result<(), String> {
        match KNOWN.iter().find(|(_, function, ..)| *function == self) {
            Some((_, _, least, most, written)) if !(*least..=*most).contains(&arguments) => {
                Err(format!("takes other arguments: write {written}"))
            }
            _ => Ok(()),
        }
    }
}

pub(super) fn call<'a>(
    evaluation: &mut Evaluation<'a, '_>,
    function: Function,
    arguments: &[Node],
    at: usize,
) -> Found<'a> {
    let problem = |text: String| Problem::new(at, text);
    if function == Function::Empty {
        let value = arguments.first().map(|node| evaluation.leniently(node)).transpose()?;
        return Ok(Cow::Owned(Value::Bool(value.is_none_or(|value| !compare::is_truthy(&value)))));
    }
    let mut values = Vec::with_capacity(arguments.len());
    for argument in arguments {
        values.push(evaluation.value(argument)?);
    }
    let mut values = values.into_iter();
    let first = values.next().unwrap_or_default();
    match function {
        Function::Get | Function::ArrayGet => {
            let path = values.next().unwrap_or_default();
            let path = compare::text(&path).map_err(problem)?;
            let default = values.next().unwrap_or_default();
            let path = match arguments.first().map(|node| &node.kind) {
                // Headers go by lower-case names, and are found in any case.
                Some(Kind::Name(variable)) if variable == "headers" && walk(&first, &path).is_none() => {
                    Cow::Owned(path.to_ascii_lowercase())
                }
                _ => path,
            };
            got(evaluation, first, &path, default, at)
        }
        Function::Date => {
            let format = compare::text(&first).map_err(problem)?;
            let (time, zone) = (values.next().unwrap_or_default(), values.next().unwrap_or_default());
            let written = date::date(&format, &time, &zone, evaluation.ctx.now_ms).map_err(problem)?;
            evaluation.produce(written.len(), at)?;
            Ok(Cow::Owned(Value::from(written)))
        }
        Function::Env => env(evaluation, &compare::text(&first).map_err(problem)?).map_err(problem),
        Function::Lowercase | Function::Uppercase => {
            let text = compare::text(&first).map_err(problem)?;
            evaluation.produce(text.len() * 3, at)?;
            let changed = if function == Function::Lowercase { text.to_lowercase() } else { text.to_uppercase() };
            Ok(Cow::Owned(Value::from(changed)))
        }
        Function::Json => match &*first {
            Value::String(text) => read_json(evaluation, text, at).map(Cow::Owned),
            // What is data already stays what it is.
            _ => Ok(first),
        },
        Function::Count | Function::Empty => match &*first {
            Value::Array(list) => Ok(Cow::Owned(list.len().into())),
            Value::Object(map) => Ok(Cow::Owned(map.len().into())),
            other => Err(problem(format!("a list is counted, not {}", kind_of(other)))),
        },
    }
}

/// The value that a text holds as JSON; in a condition a text that holds none is null.
fn read_json(evaluation: &mut Evaluation<'_, '_>, text: &str, at: usize) -> Result<Value, Problem> {
    // A value takes several times the bytes of its text.
    evaluation.produce(text.len().saturating_mul(8), at)?;
    match value_in(text) {
        Ok(value) => {
            evaluation.copy(&value, at)?;
            Ok(value)
        }
        Err(_) if evaluation.is_lenient() => Ok(Value::Null),
        Err(error) => Err(Problem::new(at, format!("the text is not JSON: {error}"))),
    }
}

/// The member of exactly that name, else the one at the dotted path, else the default.
fn got<'a>(
    evaluation: &mut Evaluation<'a, '_>,
    value: Cow<'a, Value>,
    path: &str,
    default: Cow<'a, Value>,
    at: usize,
) -> Found<'a> {
    match value {
        Cow::Borrowed(value) => Ok(walk(value, path).map_or(default, Cow::Borrowed)),
        Cow::Owned(value) => {
            let Some(found) = walk(&value, path) else { return Ok(default) };
            evaluation.copy(found, at)?;
            Ok(Cow::Owned(found.clone()))
        }
    }
}

fn walk<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    member(value, path).or_else(|| path.split('.').try_fold(value, member))
}

fn env<'a>(evaluation: &Evaluation<'a, '_>, name: &str) -> Result<Cow<'a, Value>, String> {
    let listed = evaluation.ctx.env;
    let found = listed
        .get(name)
        .or_else(|| listed.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value));
    found.map(|value| Cow::Owned(Value::from(value.clone()))).ok_or_else(|| {
        format!(
            "the operator has not listed `{name}` in [expressions.env]; nothing else of the environment can be read"
        )
    })
}

/// A pattern with PHP's delimiters and flags, or without: `/^a\d+$/i`. Linear in time, limited in size.
pub(super) fn pattern(written: &str) -> Result<regex::Regex, String> {
    let (pattern, flags) = match written.chars().next() {
        Some(mark @ ('/' | '#' | '~' | '%' | '!' | '@')) if written.len() > 1 => {
            let (inside, flags) = written
                .strip_prefix(mark)
                .and_then(|rest| rest.rsplit_once(mark))
                .ok_or_else(|| format!("the pattern begins with `{mark}` and does not end with it"))?;
            (if mark == '/' { inside.replace("\\/", "/") } else { inside.to_owned() }, flags)
        }
        _ => (written.to_owned(), ""),
    };
    let mut set = Flags::default();
    for flag in flags.chars() {
        match flag {
            'i' => set.case_insensitive = true,
            'm' => set.multi_line = true,
            's' => set.dot_matches_new_line = true,
            'x' => set.ignore_white_space = true,
            'U' => set.swap_greed = true,
            'u' | 'D' => {}
            other => return Err(format!("the pattern has the flag `{other}`; i, m, s, x, u and U are known")),
        }
    }
    compiled(&pattern, set).map_err(|error| {
        let why = error.to_string();
        format!("the pattern cannot be used: {}", why.lines().last().unwrap_or_default().trim_start_matches("error: "))
    })
}
