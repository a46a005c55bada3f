//! One row a rule of the compatibility sheet, section 4.7, and of the retry table.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::*;

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

    fn read(&self, status: u16, headers: &[(&'static str, &'static str)], body: &[u8]) -> Result<Mapped, Failure> {
        self.with(|reading| {
            let headers = headers.iter().map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v)));
            let headers: HeaderMap = headers.collect();
            interpret(&Response { status, headers, body: Bytes::copy_from_slice(body), warnings: Vec::new() }, reading)
        })
    }

    fn with<T>(&self, then: impl FnOnce(&Reading<'_>) -> T) -> T {
        let mut resource = object(self.resource.clone());
        resource.insert("url".to_owned(), json!("https://h/"));
        let record = object(json!({"name": "A", "endpoints": {"r": resource}}));
        let connector = Connector::read(&record).unwrap();
        let mut config = object(self.element.clone());
        config.extend(object(json!({"dataSource": "A", "endpoint": "r"})));
        let element = ElementConfig::read(&config).unwrap();
        let data = object(self.data.clone());
        let resource = connector.resource("r").unwrap();
        then(&Reading { data: &data, element: &element, resource, connector: &connector, now_ms: 0 })
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

/// Every status there can be: what is a success, what is tried again, what is final (CONTRACT 6).
#[test]
fn statuses() {
    let case = Case::mapping(&[]);
    for status in 100..=999_u16 {
        let retried =
            matches!(status, 408 | 425 | 429) || ((500..600).contains(&status) && status != 501 && status != 505);
        match case.read(status, &[], b"{}") {
            Ok(_) => assert!((200..300).contains(&status), "{status}"),
            Err(failure) => {
                assert!(!(200..300).contains(&status), "{status}");
                assert_eq!(failure.code, Code::Http(status));
                assert_eq!(matches!(failure.retriable, Retriable::Retry { .. }), retried, "{status}");
                assert_eq!((failure.status, failure.body.as_deref()), (Some(status), Some("{}")));
            }
        }
    }
    let after = case.read(429, &[("retry-after", "7")], b"slow down").unwrap_err();
    assert_eq!(after.retriable, Retriable::Retry { after: Some(std::time::Duration::from_secs(7)) });
    assert_eq!(after.message, "Unexpected response (status=429)");
}

#[test]
fn a_success_list_decides_alone() {
    let mut case = Case::mapping(&[("v", "a")]);
    case.element = json!({"success": "200,404", "dataMapping": [{"key": "v", "value": "a"}]});
    assert_eq!(Value::Object(case.read(404, &[], br#"{"a":1}"#).unwrap().data), json!({"v": 1}));
    assert_eq!(case.read(201, &[], b"{}").unwrap_err().code, Code::Http(201));
}

#[test]
fn answers_that_cannot_be_read() {
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    for (method, retried) in [("GET", true), ("POST", false), ("PUT", false)] {
        let mut case = Case::mapping(&[("v", "")]);
        case.resource = json!({"method": method});
        for body in [deep.as_bytes(), b"\xff\xfe\x00"] {
            let failure = case.read(200, &[], body).unwrap_err();
            assert_eq!(failure.code, Code::BadResponse);
            assert_eq!(matches!(failure.retriable, Retriable::Retry { .. }), retried, "{method}");
        }
    }
}

#[test]
fn error_rows_map_a_status_onto_a_bpmn_error() {
    let mut case = Case::mapping(&[]);
    case.element = json!({"errorMapping": [{"when": "404", "code": "MINE", "message": "no {{name}} {{{"}]});
    case.resource = json!({"errorMapping": [{"when": "4xx", "code": "THEIRS", "message": "no {{name}}"}]});
    for (status, expected) in
        [(404, Some(("MINE", "no {{name}} {{{"))), (410, Some(("THEIRS", "no mine"))), (500, None)]
    {
        let failure = case.read(status, &[], b"{}").unwrap_err();
        let found = case.with(|reading| bpmn_error(&failure, reading));
        let found = found.as_ref().map(|e| (e.code.as_str(), e.message.as_deref().unwrap()));
        assert_eq!(found, expected, "{status}");
    }
}
