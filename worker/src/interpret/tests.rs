//! One row a rule of COMPATIBILITY 4.7, and of the retry table.

mod answers;
mod masks;
mod outcomes;
mod pages;

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::*;
use crate::connector::{Connector, ElementConfig};
use crate::plan::expression::EvalContext;
use crate::testing::bounds::{TIME, UNOPTIMISED, within};

/// A credential that was sent.
const CANARY: &str = "Bearer-Canary-AbC123xyz";

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("{other}"),
    }
}

struct Case {
    element: Value,
    resource: Value,
    data: Value,
}

impl Case {
    fn mapping(rows: &[(&str, &str)]) -> Self {
        let rows: Vec<Value> = rows.iter().map(|(key, value)| json!({"key": key, "value": value})).collect();
        Self { element: json!({"dataMapping": rows}), resource: json!({}), data: json!({"index": 1, "name": "mine"}) }
    }

    fn read(&self, status: u16, headers: &[(&'static str, &'static str)], body: &[u8]) -> Result<MappedData, Failure> {
        self.with(|context| {
            let headers = headers.iter().map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v)));
            let headers: HeaderMap = headers.collect();
            interpret(&Response { status, headers, body: Bytes::copy_from_slice(body), warnings: Vec::new() }, context)
        })
    }

    fn with<T>(&self, then: impl FnOnce(&ResponseContext<'_>) -> T) -> T {
        let mut resource = object(self.resource.clone());
        resource.insert("url".to_owned(), json!("https://h/"));
        let record = object(json!({"name": "A", "endpoints": {"r": resource}}));
        let connector = Connector::read(&record).unwrap();
        let mut config = object(self.element.clone());
        config.extend(object(json!({"dataSource": "A", "endpoint": "r"})));
        let element = ElementConfig::read(&config).unwrap();
        let (data, env) = (object(self.data.clone()), BTreeMap::new());
        let prepared = ConnectorRules::new(&connector);
        let [of_resource, of_connector] = prepared.of("r").unwrap();
        then(&ResponseContext {
            data: &data,
            mapping: &Mapping::new(element.mapping.as_deref()).unwrap(),
            rules: [&CompiledRules::new(&element.rules, "").unwrap(), of_resource, of_connector],
            method: &connector.resource("r").unwrap().method,
            ctx: EvalContext { now_ms: 0, env: &env },
            inline_bytes: 1_000,
            redactor: &crate::plan::Redactor::of([&CANARY.into()]),
        })
    }

    fn data(&self, headers: &[(&'static str, &'static str)], body: &Value) -> Value {
        Value::Object(self.read(200, headers, body.to_string().as_bytes()).unwrap().data)
    }
}

#[test]
fn sources_of_a_row() {
    let body = json!({"id": "11", "data": [{"name": "a"}, {"name": "b"}], "x.y": 1, "name": "theirs", "date": "today", "n": null});
    let headers = [("x-quote-id", "q1"), ("date", "Mon"), ("etag", "e1")];
    for (source, expected) in [
        ("id", json!("11")),
        ("", body.clone()),
        ("0", body.clone()),
        ("$status", json!(200)),
        ("data.1.name", json!("b")),
        ("data.{{index}}.name", json!("b")),
        ("data.9.name", json!("")),
        ("gone", json!("")),
        ("n", json!(null)),
        ("x.y", json!(1)),
        ("name", json!("theirs")),
        ("index", json!(1)),
        ("X-Quote-Id", json!("q1")),
        ("x-quote-id", json!("q1")),
        ("date", json!("today")),
        ("Date", json!("Mon")),
        ("etag", json!("e1")),
    ] {
        let mapped = Case::mapping(&[("v", source)]).data(&headers, &body);
        assert_eq!(mapped, json!({"v": expected}), "{source}");
    }
    let list = Case::mapping(&[("v", "1.a")]).data(&[], &json!([{"a": 1}, {"a": 2}]));
    assert_eq!(list, json!({"v": 2}));
    assert_eq!(Case::mapping(&[("v", "")]).data(&[], &json!("bare")), json!({"v": "bare"}));
}

/// Rows with their format.
fn rows(rows: &[(&str, &str, &str)]) -> Case {
    let rows: Vec<Value> =
        rows.iter().map(|(key, value, format)| json!({"key": key, "value": value, "format": format})).collect();
    Case {
        element: json!({"dataMapping": rows}),
        resource: json!({}),
        data: json!({"index": 1, "field": "name", "name": "mine"}),
    }
}

#[test]
fn json_path_jmes_path_and_feel_sources() {
    let body = json!({"data": [{"name": "a", "n": 1}, {"name": "b", "n": 3}], "total": 4, "x y": {"z": null}});
    for (source, format, expected) in [
        ("$", "dotNotation", body.clone()),
        ("$.total", "dotNotation", json!(4)),
        ("$.gone", "dotNotation", json!("")),
        ("$['x y'].z", "dotNotation", json!(null)),
        ("$[\"x y\"]['z']", "dotNotation", json!(null)),
        ("$.data[1].name", "dotNotation", json!("b")),
        ("$.data[-1].name", "dotNotation", json!("b")),
        ("$.data[{{index}}].{{field}}", "dotNotation", json!("b")),
        ("$.data[*].name", "dotNotation", json!(["a", "b"])),
        ("$.data[?@.n > 2].name", "dotNotation", json!(["b"])),
        ("$..name", "dotNotation", json!(["a", "b"])),
        ("$.data[0:1].n", "dotNotation", json!([1])),
        ("$.data[?@.n > 9]", "dotNotation", json!([])),
        ("$headers", "dotNotation", json!({"x-quote-id": "q1"})),
        ("$headers.X-Quote-Id", "dotNotation", json!("q1")),
        ("$headers.gone", "dotNotation", json!("")),
        ("data[?n > `2`].name | [0]", "jmespath", json!("b")),
        ("data[].{who: name, many: n}", "jmespath", json!([{"who": "a", "many": 1}, {"who": "b", "many": 3}])),
        ("sum(data[].n)", "jmespath", json!(4.0)),
        ("data[{{index}}].name", "jmespath", json!("b")),
        ("gone", "jmespath", json!(null)),
        ("count(data) ~ '/' ~ total", "feel", json!("2/4")),
        ("data[index].n + 1", "feel", json!(4)),
        ("data.{{index}}.n == 3", "feel", json!(true)),
        ("{first: data[0].name, who: name}", "feel", json!({"first": "a", "who": "mine"})),
    ] {
        let mapped = rows(&[("v", source, format)]).data(&[("x-quote-id", "q1")], &body);
        assert_eq!(mapped, json!({"v": expected}), "{source}");
    }
}

#[test]
fn a_row_that_cannot_be_evaluated_keeps_the_answer_and_says_what_is_missing() {
    let body = json!({"data": {"name": "a"}, "list": [1]});
    for (source, format, expected) in [
        (
            "data.nam",
            "feel",
            "dataMapping.0 (v): at character 1 of `data.nam`: `data` has no member `nam`; it has: name; the call was made",
        ),
        ("{{list}}", "mustache", "dataMapping.0 (v): `list` is a list; write {{{list | json}}}"),
        ("$.{{name}}[", "dotNotation", "dataMapping.0 (v): `$.mine[` is not a JSONPath"),
        ("length(`1`)", "jmespath", "dataMapping.0 (v): `length(`1`)`: at character"),
    ] {
        let failure = rows(&[("v", source, format)]).read(200, &[], body.to_string().as_bytes()).unwrap_err();
        assert_eq!((failure.code, failure.retriable), (Code::Mapping, Retriable::Final));
        assert!(failure.message.starts_with(expected), "{source}: {}", failure.message);
        assert_eq!(failure.body.as_deref(), Some(body.to_string().as_str()));
    }
    for (source, format) in
        [("$.[", "dotNotation"), ("$..*[?", "dotNotation"), ("a[", "jmespath"), ("a +", "feel"), ("{{#a}}", "mustache")]
    {
        let element =
            json!({"dataSource": 1, "endpoint": "r", "dataMapping": [{"key": "v", "value": source, "format": format}]});
        let element = ElementConfig::read(&object(element)).unwrap();
        let problem = Mapping::new(element.mapping.as_deref()).unwrap_err().to_string();
        assert!(problem.starts_with("dataMapping.0 (v): "), "{source}: {problem}");
    }
}

/// Paths that ask for more work than an answer is worth: refused before the work is done.
#[test]
fn hostile_paths_end() {
    let answer = json!({"l": vec![json!({"a": {"b": {"c": [1, 2, 3]}}, "t": "x\"y"}); 2_000], "deep": (0..100).fold(json!(1), |v, _| json!([v]))});
    let body = answer.to_string();
    let mut hostile: Vec<(String, &str)> = vec![
        ("[@,@]".to_owned() + &"|[]|[@,@]".repeat(80), "jmespath"),
        ("[l,l]".to_owned() + &"[].[@,@]".repeat(60), "jmespath"),
        ("@".to_owned() + &"|{a:@,b:@}".repeat(90), "jmespath"),
        ("to_string(".repeat(24) + "[l]" + &")".repeat(24), "jmespath"),
        ("map(&[@,@]|[]|[@,@]|[]|[@,@]|[]|[@,@]|[]|[@,@]|[], l)".to_owned(), "jmespath"),
        ("sort_by(l, &".repeat(20) + "t" + &")".repeat(20), "jmespath"),
        ("!".repeat(2_000) + "l", "jmespath"),
        ("[".repeat(1_000), "jmespath"),
        ("(".repeat(1_000), "jmespath"),
        ("$..*".to_owned() + &"..*".repeat(300), "dotNotation"),
        ("$".to_owned() + &"[?$..*]".repeat(20), "dotNotation"),
        ("$..[?count($..*) > 1]".to_owned(), "dotNotation"),
        ("$..[?@..c == $..c]".to_owned(), "dotNotation"),
        ("$[?".to_owned() + &"(".repeat(900) + "@" + &")".repeat(900) + "]", "dotNotation"),
        ("$[?".to_owned() + &"!".repeat(900) + "@.a]", "dotNotation"),
        ("$".to_owned() + &"[?@".repeat(8) + &"]".repeat(8), "dotNotation"),
        ("$[?match(@.t, '(a{1,1000}){1,1000}')]".to_owned(), "dotNotation"),
        ("$..[?search(@.t, '((a+)+)+$')]".to_owned(), "dotNotation"),
        ("$[?@.a && ".to_owned() + &"@.a && ".repeat(120) + "@.a]", "dotNotation"),
        ("$[?((((((((@.a))))))) == 1]".to_owned(), "dotNotation"),
    ];
    for times in 1..70 {
        hostile.push(("[@,@]".to_owned() + &"|[@,@][]".repeat(times), "jmespath"));
        hostile.push(("$".to_owned() + &"..[?@.*]".repeat(times), "dotNotation"));
        hostile.push((format!("$[?{}@{}]", "(".repeat(times), ")".repeat(times)), "dotNotation"));
    }
    assert!(hostile.len() > 200);
    for (path, format) in hostile {
        within(TIME * UNOPTIMISED, &path, || {
            let element = json!({"dataSource": 1, "endpoint": "r",
                "dataMapping": [{"key": "v", "value": path, "format": format}]});
            let element = ElementConfig::read(&object(element)).unwrap();
            if Mapping::new(element.mapping.as_deref()).is_ok() {
                drop(rows(&[("v", &path, format)]).read(200, &[], body.as_bytes()));
            }
        });
    }
}

#[test]
fn keys_are_rendered_literal_and_never_reserved() {
    let mapped = Case::mapping(&[("a.b", "id"), ("v{{index}}", "id"), ("_user", "id"), ("loopCounter", "id")])
        .read(200, &[], br#"{"id":1}"#)
        .unwrap();
    assert_eq!(Value::Object(mapped.data), json!({"a.b": 1, "v1": 1}));
    assert_eq!(mapped.warnings.len(), 2);
    assert!(mapped.warnings[0].contains("`_user`"));
}

#[test]
fn templates_are_texts_of_answer_data_and_headers() {
    let mut case = Case::mapping(&[]);
    case.element =
        json!({"dataMapping": [{"key": "v", "value": "{{id}} {{index}} {{etag}} {{x}}", "format": "mustache"}]});
    assert_eq!(case.data(&[("etag", "e1")], &json!({"id": "a&b", "x": "<"})), json!({"v": "a&b 1 e1 <"}));
    case.resource = json!({"escape": "html"});
    assert_eq!(case.data(&[], &json!({"id": "a&b", "x": "<"})), json!({"v": "a&amp;b 1  &lt;"}));
    case.element = json!({"dataMapping": [{"key": "v", "value": "{{list}}", "format": "mustache"}]});
    let failure = case.read(200, &[], br#"{"list":[1]}"#).unwrap_err();
    assert_eq!((failure.code, failure.retriable), (Code::Mapping, Retriable::Final));
    assert!(failure.message.starts_with("dataMapping.0 (v): `list` is a list"), "{}", failure.message);
    assert_eq!(failure.body.as_deref(), Some(r#"{"list":[1]}"#));
}

#[test]
fn no_mapping_merges_nothing_and_text_skips_it() {
    let none = Case { element: json!({}), resource: json!({}), data: json!({}) };
    assert_eq!(none.data(&[], &json!({"a": 1})), json!({}));
    for (status, body) in [(200, "No Json response"), (204, ""), (302, "")] {
        let mapped = Case::mapping(&[("v", "a")]).read(status, &[], body.as_bytes()).unwrap();
        assert_eq!(Value::Object(mapped.data), json!({"response": body, "status": status}));
    }
    let created = Case::mapping(&[("v", "a")]).read(201, &[], br#"{"a":1}"#).unwrap();
    assert_eq!(Value::Object(created.data), json!({"v": 1}));
}
