//! `LANGUAGES.md` is what designers learn from: every example on it is run here.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::ResolvedConnector;
use crate::connector::{ElementConfig, connector_records};
use crate::interpret::{CompiledRules, Mapping, Response, ResponseContext, interpret};
use crate::plan::expression::EvalContext;
use crate::plan::template::{Escape, Scope, Template};
use crate::plan::{CredentialId, Feel};

const PAGE: &str = include_str!("../../LANGUAGES.md");

/// What stands behind each mark of a kind, up to the next empty line or the end of its fence.
fn blocks(kind: &str) -> Vec<&'static str> {
    let mark = format!("<!-- checked: {kind} -->\n");
    let found: Vec<&str> = PAGE.split(mark.as_str()).skip(1).collect();
    assert!(!found.is_empty(), "the page has no examples of {kind}");
    let block = |text: &'static str| match text.strip_prefix("```") {
        Some(fenced) => {
            fenced.split_once('\n').and_then(|(_, rest)| rest.split_once("```")).map_or("", |(inside, _)| inside)
        }
        None => text.split("\n\n").next().unwrap_or_default(),
    };
    found.into_iter().map(block).collect()
}

/// The cells of a table's rows, without their quotes.
fn table(kind: &str) -> Vec<Vec<String>> {
    let rows = blocks(kind).into_iter().flat_map(|block| block.lines().skip(2));
    let cell = |cell: &str| {
        let cell = cell.trim().replace('\u{0}', "|");
        cell.strip_prefix('`').and_then(|cell| cell.strip_suffix('`')).map_or(cell.clone(), ToOwned::to_owned)
    };
    let cells = |row: &str| {
        let row = row.replace("\\|", "\u{0}");
        row.trim().trim_matches('|').split(" | ").map(cell).collect()
    };
    rows.map(cells).collect()
}

fn object(kind: &str) -> Map<String, Value> {
    serde_json::from_str(blocks(kind)[0]).unwrap()
}

#[test]
fn mustache_of_the_page() {
    let data = object("data");
    let rows = table("mustache");
    for row in &rows {
        let [write, get] = &row[..] else { panic!("{row:?}") };
        let template = Template::parse(write).unwrap_or_else(|e| panic!("{write}: {e}"));
        assert_eq!(&template.render(&Scope::new(&data), Escape::None).unwrap(), get, "{write}");
    }
    assert!(rows.len() > 12);
}

#[test]
fn expressions_of_the_page() {
    let data = object("data");
    let env = BTreeMap::from_iter([("REGION".to_owned(), "eu-1".to_owned())]);
    let rows = table("feel");
    for row in &rows {
        let [write, get] = &row[..] else { panic!("{row:?}") };
        let feel = Feel::parse(write).unwrap_or_else(|e| panic!("{write}: {e}"));
        let found = feel.evaluate(&Scope::new(&data), EvalContext { now_ms: 0, env: &env });
        let found = found.unwrap_or_else(|e| panic!("{write}: {e}"));
        assert_eq!(&found.to_string(), get, "{write}");
    }
    for function in ["get", "arrayget", "date", "empty", "env", "lowercase", "uppercase", "count", "json"] {
        assert!(rows.iter().any(|row| row[0].contains(&format!("{function}("))), "{function} has no example");
    }
}

#[test]
fn mappings_of_the_page() {
    let (data, answer, env) = (object("data"), Value::Object(object("answer")), BTreeMap::new());
    let rules = CompiledRules::new(&crate::connector::Rules::default(), "").unwrap();
    let rows = table("mapping");
    for row in &rows {
        let [format, write, get] = &row[..] else { panic!("{row:?}") };
        let config =
            json!({"dataSource": 1, "endpoint": "r", "dataMapping": [{"key": "v", "value": write, "format": format}]});
        let element = ElementConfig::read(config.as_object().unwrap()).unwrap();
        let headers = http::HeaderMap::from_iter([("x-quote-id".parse().unwrap(), "q-1".parse().unwrap())]);
        let response = Response { status: 200, headers, body: answer.to_string().into(), warnings: Vec::new() };
        let context = ResponseContext {
            data: &data,
            mapping: &Mapping::new(element.mapping.as_deref()).unwrap(),
            rules: [&rules, &rules, &rules],
            method: &http::Method::GET,
            ctx: EvalContext { now_ms: 0, env: &env },
            inline_bytes: 0,
            redactor: &crate::plan::Redactor::default(),
        };
        let mapped = interpret(&response, &context).unwrap_or_else(|failure| panic!("{write}: {}", failure.message));
        assert_eq!(&mapped.data["v"].to_string(), get, "{write}");
    }
    assert!(rows.len() > 15);
}

#[test]
fn records_of_the_page() {
    for block in blocks("record") {
        let file: Value = serde_saphyr::from_str(block).unwrap_or_else(|e| panic!("{block}\n{e}"));
        for record in connector_records(file).unwrap() {
            let resolved = ResolvedConnector::new(&record, &Map::new(), CredentialId::default());
            assert_eq!(resolved.problem(), None, "{block}");
        }
    }
}
