//! One row a rule of COMPATIBILITY 4.7, and of the retry table.

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
fn xml_and_bytes_and_character_sets() {
    let xml = ("content-type", "application/soap+xml; charset=utf-8");
    let order =
        "<s:Envelope xmlns:s='u'><s:Body><order id='7'><item>a</item><item>b</item></order></s:Body></s:Envelope>";
    let mapped = rows(&[("items", "Envelope.Body.order.item", ""), ("id", "$.Envelope.Body.order['@id']", "")]);
    let read = mapped.read(200, &[xml], order.as_bytes()).unwrap();
    assert_eq!(Value::Object(read.data), json!({"items": ["a", "b"], "id": "7"}));
    let failure = mapped.read(200, &[xml], b"<a>").unwrap_err();
    assert!(failure.code == Code::BadResponse && failure.message.contains("not well-formed XML"), "{failure:?}");
    // Nobody maps it, or the connector wants ProcessMaker's way: a text.
    let text = json!({"response": "<a/>", "status": 200});
    assert_eq!(Value::Object(rows(&[]).read(200, &[xml], b"<a/>").unwrap().data), text);
    let mut case = rows(&[("v", "a", "")]);
    case.resource = json!({"answer": "text"});
    assert_eq!(Value::Object(case.read(200, &[xml], b"<a/>").unwrap().data), text);
    assert_eq!(case.read(200, &[], b"{\"a\":1}").unwrap().data["response"], json!("{\"a\":1}"));
    case.resource = json!({"answer": "xml"});
    assert_eq!(Value::Object(case.read(200, &[], b"<a>1</a>").unwrap().data), json!({"v": "1"}));
    case.resource = json!({"answer": "json"});
    let failure = case.read(200, &[], b"oops").unwrap_err();
    assert!(failure.message.contains("it is not JSON: expected value at line 1"), "{}", failure.message);

    let png = ("content-type", "image/png");
    let bytes = b"\x89PNG\xff";
    let read = rows(&[("file", "", ""), ("b", "base64", "")]).read(200, &[png], bytes).unwrap();
    assert_eq!(read.data["file"], json!({"contentType": "image/png", "size": 5, "base64": "iVBOR/8="}));
    assert_eq!(read.data["b"], json!("iVBOR/8="));
    let unread = rows(&[]).read(200, &[png], bytes).unwrap();
    assert!(unread.data.is_empty() && unread.warnings[0].contains("(image/png, 5 bytes)"), "{unread:?}");
    let large = rows(&[("file", "", "")]).read(200, &[png], &[0xff; 1_001]).unwrap_err();
    assert!(large.code == Code::BadResponse && large.message.contains("limits.inline_bytes is 1000"), "{large:?}");
    case.resource = json!({"answer": "binary"});
    case.element = json!({"dataMapping": [{"key": "v", "value": "base64"}]});
    assert_eq!(case.read(200, &[], b"hi").unwrap().data["v"], json!("aGk="));

    let latin = ("content-type", "text/plain; charset=\"iso-8859-1\"");
    assert_eq!(rows(&[]).read(200, &[latin], b"caf\xe9").unwrap().data["response"], json!("café"));
    let latin_xml = ("content-type", "text/xml; charset=iso-8859-1");
    assert_eq!(rows(&[("v", "a", "")]).read(200, &[latin_xml], b"<a>\xe9</a>").unwrap().data["v"], json!("é"));
    assert_eq!(rows(&[("v", "a", "")]).read(200, &[], b"\xef\xbb\xbf{\"a\":1}").unwrap().data["v"], json!(1));
}

#[test]
fn success_may_look_into_the_answer() {
    let mut case = Case::mapping(&[("v", "a")]);
    case.resource = json!({"success": "status == 200 and not body.error"});
    assert_eq!(case.read(200, &[], b"{\"a\":1}").unwrap().data["v"], json!(1));
    let failure = case.read(200, &[], b"{\"error\":\"no\"}").unwrap_err();
    assert_eq!((failure.code, failure.retriable), (Code::Http(200), Retriable::Final));
    assert_eq!(case.read(500, &[], b"{}").unwrap_err().code, Code::Http(500));
    case.resource = json!({"success": "body.n < 3"});
    let failure = case.read(200, &[], b"{\"n\":[]}").unwrap_err();
    assert!(
        failure.code == Code::Mapping && failure.message.starts_with("success: at character 1"),
        "{}",
        failure.message
    );
}

#[test]
fn error_rows_look_at_answers_and_codes() {
    let mut case = Case::mapping(&[]);
    case.element = json!({"errorMapping": [
        {"when": "body.error.kind == 'gone'", "code": "GONE", "message": "{{body.error.kind}}: {{name}} ({{status}}, {{code}})"},
        {"when": "body < 1", "code": "NEVER"},
        {"when": "code == 'TIMEOUT' or status == 503", "code": "LATER"}]});
    let mapped = |failure: &Failure| case.with(|context| bpmn_error(failure, context)).map(|e| (e.code, e.message));
    let gone = case.read(404, &[], b"{\"error\":{\"kind\":\"gone\"}}").unwrap_err();
    assert_eq!(mapped(&gone), Some(("GONE".to_owned(), Some("gone: mine (404, HTTP_404)".to_owned()))));
    assert_eq!(mapped(&case.read(503, &[], b"busy").unwrap_err()), Some(("LATER".to_owned(), None)));
    let late = Failure::of_attempt(Code::Timeout, "late", Retriable::Final);
    assert_eq!(mapped(&late), Some(("LATER".to_owned(), None)));
    assert_eq!(mapped(&Failure::of_attempt(Code::Connect, "no", Retriable::Final)), None);
}

fn page_after(
    case: &Case,
    pages: &mut Pages,
    url: &str,
    headers: &[(&'static str, &'static str)],
    body: &Value,
) -> Result<Page, Failure> {
    let headers = headers.iter().map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v))).collect();
    let response = Response { status: 200, headers, body: Bytes::from(body.to_string()), warnings: Vec::new() };
    case.with(|context| pages.add(&url::Url::parse(url).unwrap(), &response, context, 1_000))
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn pages_follow_paths_parameters_and_links() {
    let items = json!({"items": [1], "meta": {"next": "/p?after=2", "n": 1}});
    let next = |url: &str| Page::Next(url::Url::parse(url).unwrap());
    for (rule, url, headers, body, expected) in [
        (json!({"next": "meta.next"}), "https://h/p", vec![], items.clone(), next("https://h/p?after=2")),
        (json!({"next": "$.meta.next"}), "https://h/p", vec![], items.clone(), next("https://h/p?after=2")),
        (json!({"next": "$.meta.gone"}), "https://h/p", vec![], items.clone(), Page::Last(None)),
        (
            json!({"next": "$headers.X-Next"}),
            "https://h/p",
            vec![("x-next", "?c=3")],
            items.clone(),
            next("https://h/p?c=3"),
        ),
        (json!({"page": "p"}), "https://h/p?a=b", vec![], items.clone(), next("https://h/p?a=b&p=2")),
        (json!({"page": "p"}), "https://h/p?p=7&a=b", vec![], items.clone(), next("https://h/p?p=8&a=b")),
        (json!({"page": "p"}), "https://h/p?p=7", vec![], json!({"items": []}), Page::Last(None)),
        (
            json!({"link": true}),
            "https://h/p",
            vec![("link", "<https://h/1>; rel=\"prev\", <https://h/a,b>; title=x; rel=\"last next\"")],
            items.clone(),
            next("https://h/a,b"),
        ),
        (
            json!({"link": true}),
            "https://h/p",
            vec![("link", "<https://h/1>; rel=prev")],
            items.clone(),
            Page::Last(None),
        ),
        (json!({"page": "p", "until": "body.meta.n >= 1"}), "https://h/p", vec![], items.clone(), Page::Last(None)),
        (
            json!({"page": "p", "pages": 1}),
            "https://h/p",
            vec![],
            items.clone(),
            Page::Last(Some("there are more than 1 pages; the rest was not fetched".to_owned())),
        ),
        (
            json!({"next": "n", "cursor": "c"}),
            "https://h/p?a=%FC",
            vec![],
            json!({"n": "dX=="}),
            next("https://h/p?a=%FC&c=dX%3D%3D"),
        ),
        (
            json!({"next": "n", "cursor": "c"}),
            "https://h/p?c=1&a=b",
            vec![],
            json!({"n": 7}),
            next("https://h/p?c=7&a=b"),
        ),
        (json!({"next": "n", "cursor": "c"}), "https://h/p?c=7", vec![], json!({"n": 7, "i": [1]}), Page::Last(None)),
        (
            json!({"next": "n", "cursor": "c"}),
            "https://h/p?c=7",
            vec![],
            json!({"n": null, "i": [1]}),
            Page::Last(None),
        ),
        (json!({"next": "n", "cursor": "c"}), "https://h/p?c=7", vec![], json!({"n": "", "i": [1]}), Page::Last(None)),
        (json!({"next": "n", "cursor": "c"}), "https://h/p?c=7", vec![], json!({"n": false}), Page::Last(None)),
        (json!({"next": "n"}), "https://h/p?c=9", vec![], json!({"n": "/p?c=9", "i": []}), Page::Last(None)),
        (json!({"next": "n"}), "https://h/p", vec![], json!({"n": "?c=9"}), next("https://h/p?c=9")),
        (json!({"next": "n"}), "https://h/p", vec![], json!({"n": "https://o/p"}), next("https://o/p")),
        (
            json!({"offset": "o"}),
            "https://h/p?o=0&l=2",
            vec![],
            json!({"i": [1, 2], "tags": ["a"]}),
            next("https://h/p?o=2&l=2"),
        ),
        (json!({"offset": "o"}), "https://h/p?l=2", vec![], json!([1, 2]), next("https://h/p?l=2&o=2")),
        (json!({"offset": "o"}), "https://h/p?o=4", vec![], json!({"i": []}), Page::Last(None)),
        (json!({"page": "p"}), "https://h/p?a=%FC+b&p=1", vec![], items.clone(), next("https://h/p?a=%FC+b&p=2")),
        (
            json!({"link": true}),
            "https://h/p",
            vec![("link", "<https://h/2>; rel=next")],
            items.clone(),
            next("https://h/2"),
        ),
        (
            json!({"link": true}),
            "https://h/p",
            vec![("link", "<https://h/2>;title=\"x;rel=prev\";rel=\"next\"")],
            items.clone(),
            next("https://h/2"),
        ),
        (
            json!({"link": true}),
            "https://h/p",
            vec![(
                "link",
                "<https://h/0>; title=\"a, <b>; rel=next\"; rel=prev,<https://h/2>; title=\"a\\\", b\";REL=Next",
            )],
            items.clone(),
            next("https://h/2"),
        ),
        (
            json!({"link": true}),
            "https://h/p",
            vec![("link", "<https://h/0>; rel=prev"), ("link", "<https://h/2?x=1,2>; rel=next")],
            items.clone(),
            next("https://h/2?x=1,2"),
        ),
        (
            json!({"link": true}),
            "https://h/p",
            vec![("link", "<https://h/0; rel=next"), ("link", ",;<>")],
            items.clone(),
            Page::Last(None),
        ),
        (json!(null), "https://h/p", vec![], items.clone(), Page::Whole),
    ] {
        let mut case = Case::mapping(&[("v", "")]);
        case.resource = json!({"pagination": rule});
        assert_eq!(page_after(&case, &mut Pages::default(), url, &headers, &body), Ok(expected), "{rule}");
    }
}

#[test]
fn pages_are_joined_and_do_not_go_in_circles() {
    let mut case = Case::mapping(&[("v", "")]);
    case.resource = json!({"pagination": {"next": "next"}});
    let mut pages = Pages::default();
    let body = |list: Value, next: Value| json!({"data": {"items": list}, "total": 3, "next": next});
    page_after(&case, &mut pages, "https://h/1", &[], &body(json!([1, 2]), json!("/2"))).unwrap();
    page_after(&case, &mut pages, "https://h/2", &[], &body(json!([3]), json!(null))).unwrap();
    let last = Response { status: 200, headers: HeaderMap::new(), body: Bytes::new(), warnings: Vec::new() };
    let whole = pages.into_response(last);
    assert_eq!(whole.body, body(json!([1, 2, 3]), json!(null)).to_string());

    let mut pages = Pages::default();
    page_after(&case, &mut pages, "https://h/1", &[], &body(json!([1]), json!("/2"))).unwrap();
    let circle = page_after(&case, &mut pages, "https://h/2", &[], &body(json!([1]), json!("/1")));
    assert_eq!(circle, Ok(Page::Last(None)), "who names a page that was there has no more");
    let cursor = page_after(&case, &mut Pages::default(), "https://h/1", &[], &body(json!([1]), json!("dXNlcjpX==")));
    let cursor = cursor.unwrap_err();
    assert!(cursor.code == Code::Mapping && cursor.message.contains("`cursor: PARAMETER`"), "{}", cursor.message);
    let mut pages = Pages::default();
    let large = body(json!(["x".repeat(600)]), json!("/2"));
    page_after(&case, &mut pages, "https://h/1", &[], &large).unwrap();
    let problem = page_after(&case, &mut pages, "https://h/2", &[], &large).unwrap_err();
    assert!(
        problem.code == Code::BadResponse && problem.message.contains("limits.response_bytes"),
        "{}",
        problem.message
    );
}

/// The page after the last is not there: that is the end, and no failure; the first one that is not there is one.
#[test]
fn a_page_past_the_end_ends_the_pages() {
    for (rule, warns) in [
        (json!({"page": "p"}), false),
        (json!({"offset": "o"}), false),
        (json!({"next": "next"}), true),
        (json!({"next": "next", "cursor": "c"}), true),
        (json!({"link": true}), true),
    ] {
        let mut case = Case::mapping(&[("v", "")]);
        case.resource = json!({"pagination": rule});
        let mut pages = Pages::default();
        let url = url::Url::parse("https://h/1").unwrap();
        let gone =
            |status| Response { status, headers: HeaderMap::new(), body: Bytes::from("{}"), warnings: Vec::new() };
        assert_eq!(case.with(|context| pages.add(&url, &gone(404), context, 1_000)), Ok(Page::Whole));
        page_after(&case, &mut pages, "https://h/1", &[], &json!({"items": [1], "next": "/2"})).unwrap();
        let past = case.with(|context| pages.add(&url, &gone(404), context, 1_000)).unwrap();
        let Page::Past(warning) = past else { panic!("{past:?}") };
        assert_eq!(warning.is_some(), warns, "{rule}");
        assert_eq!(case.with(|context| pages.add(&url, &gone(410), context, 1_000)), Ok(Page::Whole));
    }
}

#[test]
fn polling_knows_where_how_long_and_when_it_is_over() {
    use std::time::Duration;
    let mut case = Case::mapping(&[]);
    let url = url::Url::parse("https://h/jobs").unwrap();
    let answer = |status: u16, headers: &[(&'static str, &'static str)], body: &Value| {
        let headers = headers.iter().map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v))).collect();
        Response { status, headers, body: Bytes::from(body.to_string()), warnings: Vec::new() }
    };
    let accepted = answer(202, &[("location", "/jobs/7"), ("retry-after", "9")], &json!({}));
    assert_eq!(case.with(|context| polling::begin(&url, &accepted, context)), Ok(None), "nobody asked for polling");
    case.resource = json!({"poll": {"wait": 2, "tries": 4}});
    let (place, asking) = case.with(|context| polling::begin(&url, &accepted, context)).unwrap().unwrap();
    assert_eq!((place.as_str(), asking.tries, asking.wait), ("https://h/jobs/7", 4, Duration::from_secs(9)));
    let azure = answer(202, &[("location", "/a"), ("operation-location", "https://o/b")], &json!({}));
    assert_eq!(case.with(|context| polling::begin(&url, &azure, context)).unwrap().unwrap().0.as_str(), "https://o/b");
    for (status, name, is_polled) in [
        (201, "operation-location", true),
        (200, "operation-location", false),
        (200, "azure-asyncoperation", true),
        (201, "azure-asyncoperation", true),
        (202, "azure-asyncoperation", true),
        (409, "azure-asyncoperation", false),
    ] {
        let answer = answer(status, &[(name, "/op"), ("location", "/b")], &json!({}));
        let begun = case.with(|context| polling::begin(&url, &answer, context)).unwrap();
        assert_eq!(begun.map(|(url, _)| url.path().to_owned()), is_polled.then(|| "/op".to_owned()), "{status} {name}");
    }
    for (state, goes_on) in [("Updating", true), ("InProgress", true), ("Succeeded", false), ("Canceled", false)] {
        let asking = polling::Polling { azure: true, ..asking };
        let next = case.with(|context| polling::next(&answer(200, &[], &json!({"status": state})), asking, context));
        assert_eq!(next.unwrap().is_some(), goes_on, "{state}");
    }
    for not in [answer(202, &[], &json!({})), answer(201, &[("location", "/x")], &json!({}))] {
        assert_eq!(case.with(|context| polling::begin(&url, &not, context)), Ok(None));
    }
    for (status, body, goes_on) in [
        (202, json!({}), true),
        (200, json!({"status": "Running"}), true),
        (200, json!({"state": "not_started"}), true),
        (200, json!({"status": "Succeeded"}), false),
        (200, json!([1]), false),
        (503, json!({}), true),
        (429, json!({}), true),
        (404, json!({}), false),
    ] {
        let next = case.with(|context| polling::next(&answer(status, &[], &body), asking, context)).unwrap();
        assert_eq!(next.is_some(), goes_on, "{status} {body}");
    }
    case.resource = json!({"poll": {"until": "body.done"}});
    for (body, goes_on) in [(json!({"done": false}), true), (json!({"done": true}), false), (json!({}), true)] {
        let next = case.with(|context| polling::next(&answer(200, &[], &body), asking, context)).unwrap();
        assert_eq!(next, goes_on.then_some(Duration::from_secs(5)), "{body}");
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
fn a_status_that_is_final_keeps_the_wait_it_asks_for() {
    let case = Case::mapping(&[]);
    for (name, value) in [("retry-after", "7"), ("ratelimit-reset", "7"), ("x-ratelimit-reset", "7")] {
        let failure = case.read(403, &[(name, value)], b"{}").unwrap_err();
        assert_eq!(
            (failure.retriable, failure.retry_after),
            (Retriable::Final, Some(std::time::Duration::from_secs(7)))
        );
    }
}

/// A 3xx that points elsewhere and was not followed is no answer, whatever its body.
#[test]
fn a_redirect_that_is_not_followed_is_a_failure_that_says_where_it_points() {
    let mut case = Case::mapping(&[("v", "a")]);
    let location = [("location", "/login?next=a&token=canary")];
    for body in [&b""[..], b"<a>login</a>", b"{\"a\":1}"] {
        for status in [301, 302, 303, 305, 307, 308] {
            let failure = case.read(status, &location, body).unwrap_err();
            assert_eq!((failure.code, failure.retriable), (Code::Http(status), Retriable::Final));
            assert!(failure.message.contains("redirected to /login?next=a&token="), "{}", failure.message);
            assert!(!failure.message.contains("canary"), "{}", failure.message);
        }
    }
    for (status, headers) in [(300, &location[..]), (304, &location[..]), (302, &[][..])] {
        assert!(case.read(status, headers, b"<a>text</a>").is_ok(), "{status}");
        assert_eq!(case.read(status, headers, b"{}").unwrap_err().code, Code::Http(status));
    }
    for success in ["2xx,302", "status == 302"] {
        case.element = json!({"success": success, "dataMapping": [{"key": "v", "value": "a"}]});
        assert_eq!(Value::Object(case.read(302, &location, br#"{"a":1}"#).unwrap().data), json!({"v": 1}));
    }
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
        for (headers, body) in [
            (&[][..], deep.as_bytes()),
            (&[("content-type", "text/xml")], b"<a>"),
            (&[("content-type", "application/pdf")], &[b'x'; 1_001]),
        ] {
            let failure = case.read(200, headers, body).unwrap_err();
            assert_eq!(failure.code, Code::BadResponse);
            assert_eq!(matches!(failure.retriable, Retriable::Retry { .. }), retried, "{method}");
            // What nothing reads does not fail.
            let mut unread = rows(&[("code", "$status", ""), ("type", "$headers.Content-Type", "")]);
            unread.resource = json!({"method": method});
            assert_eq!(unread.read(200, headers, body).unwrap().data["code"], json!(200));
            unread.element = json!({});
            assert!(unread.read(200, headers, body).is_ok());
        }
    }
}

#[test]
fn error_rows_map_a_status_onto_a_bpmn_error() {
    let mut case = Case::mapping(&[]);
    case.element = json!({"errorMapping": [{"when": "404", "code": "MINE", "message": "no {{name}} {{list}}"}]});
    case.data = json!({"name": "mine", "list": []});
    case.resource = json!({"errorMapping": [{"when": "4xx", "code": "THEIRS", "message": "no {{name}}"}]});
    for (status, expected) in [
        (
            404,
            Some((
                "MINE",
                "(the message does not render: `list` is a list; write {{{list | json}}} to insert it as JSON)",
            )),
        ),
        (410, Some(("THEIRS", "no mine"))),
        (500, None),
    ] {
        let failure = case.read(status, &[], b"{}").unwrap_err();
        let found = case.with(|context| bpmn_error(&failure, context));
        let found = found.as_ref().map(|e| (e.code.as_str(), e.message.as_deref().unwrap()));
        assert_eq!(found, expected, "{status}");
    }
}

/// Bodies in every character set, with the header that names it.
#[test]
fn data_in_any_character_set() {
    let utf16: Vec<u8> = "{\"v\":\"é\"}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (media, body) in [
        ("application/json;charset=ISO-8859-15", &b"{\"v\":\"\xe9\"}"[..]),
        ("application/json; Charset=\"windows-1252\"", b"{\"v\":\"\xe9\"}"),
        ("application/problem+json; charset=gbk", b"{\"v\":\"\xa8\xa6\"}"),
        ("application/json", &utf16),
        ("application/json", b"\xef\xbb\xbf{\"v\":\"\xc3\xa9\"}"),
        ("text/plain", b"{\"v\":\"\xe9\"}"),
        ("", b"{\"v\":\"\xe9\"}"),
        ("text/xml; charset=iso-8859-1", b"<v>\xe9</v>"),
        ("application/soap+xml", b"<?xml version='1.0' encoding='iso-8859-1'?><v>\xe9</v>"),
    ] {
        let headers = [("content-type", media)];
        let read = rows(&[("v", "v", ""), ("j", "$.v", "")]).read(200, &headers, body).unwrap();
        assert_eq!(Value::Object(read.data), json!({"v": "é", "j": "é"}), "{media}");
    }
    // A failure quotes it in its characters, too.
    let failure = rows(&[]).read(400, &[("content-type", "text/plain; charset=latin1")], b"pi\xe8ce").unwrap_err();
    assert_eq!((failure.body.as_deref(), failure.answer.as_deref()), (Some("pièce"), Some(&json!("pièce"))));
    let long = format!("x{}", "é".repeat(5_000));
    let failure = rows(&[]).read(400, &[("content-type", "text/plain")], long.as_bytes()).unwrap_err();
    assert_eq!(failure.body.unwrap(), format!("x{}", "é".repeat(1_999)));
}

#[test]
fn the_media_type_decides_what_is_binary() {
    let case = rows(&[("v", "", "")]);
    for (media, body, expected) in [
        ("application/pdf", &b"%PDF-1.4 ascii only"[..], "application/pdf"),
        ("image/png", b"123", "image/png"),
        ("Application/Octet-Stream", b"a;b", "application/octet-stream"),
        ("application/vnd.ms-excel", b"a;b", "application/vnd.ms-excel"),
        ("", b"\x00\x01\x02", "application/octet-stream"),
    ] {
        let read = case.read(200, &[("content-type", media)], body).unwrap();
        assert_eq!(read.data["v"]["contentType"], json!(expected), "{media}");
        assert_eq!(read.data["v"]["size"], json!(body.len()), "{media}");
    }
    for media in
        ["text/csv", "application/csv", "application/x-www-form-urlencoded", "application/javascript", "", "csv"]
    {
        let read = case.read(200, &[("content-type", media)], b"a;b").unwrap();
        assert_eq!(Value::Object(read.data), json!({"v": "a;b", "response": "a;b", "status": 200}), "{media}");
    }
    // JSON is data whatever it is called, but for pictures and their like.
    for media in ["text/html", "application/octet-stream", "application/vnd.acme", "", "nonsense"] {
        let read = case.read(200, &[("content-type", media)], b"{\"a\":1}").unwrap();
        assert_eq!(Value::Object(read.data), json!({"v": {"a": 1}}), "{media}");
    }
}

#[test]
fn rows_of_answers_without_data() {
    let read = [
        ("code", "$status", ""),
        ("one", "$headers.X-Id", ""),
        ("named", "X-Id", ""),
        ("whole", "", ""),
        ("root", "$", ""),
        ("text", "{{x-id}}/{{X-ID}}/{{index}}", "mustache"),
        ("sum", "index + 1", "feel"),
        ("path", "X-{{suffix}}", ""),
    ];
    let skipped = [
        ("s1", "a", ""),
        ("s2", "$.a", ""),
        ("s3", "a", "jmespath"),
        ("s4", "{{a}}", "mustache"),
        ("s5", "a + 1", "feel"),
    ];
    let mut case = rows(&[&read[..], &skipped].concat());
    case.data = json!({"index": 1, "suffix": "Id"});
    for (status, headers, body) in [
        (204, &[("x-id", "q-7")][..], ""),
        (200, &[("x-id", "q-7"), ("content-type", "application/pdf")], ""),
        (200, &[("x-id", "q-7"), ("content-type", "text/csv")], "a;b\n"),
    ] {
        let read = case.read(status, headers, body.as_bytes()).unwrap();
        let expected = json!({"response": body, "status": status, "code": status, "one": "q-7", "named": "q-7",
            "whole": body, "root": body, "text": "q-7/q-7/1", "sum": 2, "path": "q-7"});
        assert_eq!(Value::Object(read.data), expected, "{status}");
        let [warning] = &read.warnings[..] else { panic!("{:?}", read.warnings) };
        for number in 8..13 {
            assert!(warning.contains(&format!("dataMapping.{number} (s{})", number - 7)), "{warning}");
        }
    }
    for answer in ["json", "xml", "text"] {
        case.resource = json!({"answer": answer});
        assert_eq!(case.read(204, &[("x-id", "q-7")], b"").unwrap().data["code"], json!(204), "{answer}");
    }
    // What says that it is JSON and is none.
    let json = [("content-type", "application/json")];
    let broken = rows(&[("id", "id", "")]).read(200, &json, b"{\"id\": 7,}").unwrap();
    assert!(broken.warnings[0].contains("(application/json) was not mapped by dataMapping.0 (id)"), "{broken:?}");
    assert!(broken.warnings[0].contains("not the JSON it says it is: trailing comma at line 1"), "{broken:?}");
    let none = rows(&[("code", "$status", "")]).read(200, &[], b"text").unwrap();
    assert!(none.warnings.is_empty(), "{none:?}");
}

#[test]
fn cut_characters_and_digits_of_answers() {
    let body = br#"{"id": 7, "note": "cut \ud83d", "wei": 123456789012345678901234567890, "rate": 1.50, "far": 1e400}"#;
    let case = rows(&[
        ("all", "", ""),
        ("j", "$.wei", ""),
        ("m", "{a: wei, b: `2`, c: to_number('98765432109876543210')}", "jmespath"),
        ("t", "{{wei}} {{rate}}", "mustache"),
        ("f", "wei + 1", "feel"),
        ("same", "wei == 123456789012345678901234567891", "feel"),
    ]);
    let data = Value::Object(case.read(200, &[], body).unwrap().data).to_string();
    for expected in [
        r#""all":{"id":7,"note":"cut �","wei":123456789012345678901234567890,"rate":1.50,"far":1e+400},"#,
        r#""j":123456789012345678901234567890,"#,
        r#""m":{"a":123456789012345678901234567890,"b":2,"c":98765432109876543210},"#,
        r#""t":"123456789012345678901234567890 1.50","f":123456789012345678901234567891,"same":false"#,
    ] {
        assert!(data.contains(expected), "{expected} in {data}");
    }
    // The same through a projection, which reads one member only.
    let one = rows(&[("wei", "wei", ""), ("note", "note", ""), ("x", "id.x", "")]).read(200, &[], body).unwrap();
    let expected = "{\"wei\":123456789012345678901234567890,\"note\":\"cut �\",\"x\":\"\"}";
    assert_eq!(Value::Object(one.data).to_string(), expected);
}

#[test]
fn json_inside_of_a_text() {
    let inner = json!({"order": {"id": 17, "lines": [{"n": 1}]}}).to_string();
    let body = json!({"body": inner, "list": "[1, 2]", "twice": json!({"t": inner}).to_string(), "plain": "text"});
    for (source, format, expected) in [
        ("body.order.id", "", json!(17)),
        ("body.order.lines.0.n", "", json!(1)),
        ("list.1", "", json!(2)),
        ("twice.t.order.id", "", json!(17)),
        ("plain.0", "", json!("")),
        ("body.gone", "", json!("")),
        ("body", "", json!(inner)),
        ("json(body).order.id + 1", "feel", json!(18)),
        ("json(body).order", "feel", json!({"id": 17, "lines": [{"n": 1}]})),
        ("json('\"x\"')", "feel", json!("x")),
        ("json(json(list))", "feel", json!([1, 2])),
    ] {
        assert_eq!(rows(&[("v", source, format)]).data(&[], &body), json!({"v": expected}), "{source}");
    }
    let failure = rows(&[("v", "json(plain)", "feel")]).read(200, &[], body.to_string().as_bytes()).unwrap_err();
    assert!(failure.message.contains("the text is not JSON: expected ident"), "{}", failure.message);
    let mut case = rows(&[("v", "$status", "")]);
    case.resource = json!({"success": "json(body.plain) == null and json(body.body).order.id == 17"});
    assert_eq!(case.data(&[], &body), json!({"v": 200}));
}

#[test]
fn headers_in_any_case_and_all_of_their_values() {
    let read = |case: &Case| {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("x-rate", &b"1"[..]),
            ("set-cookie", b"a=1"),
            ("set-cookie", b"b=2"),
            ("x-title", b"Caf\xe9"),
            ("x-name", b"Caf\xc3\xa9"),
        ] {
            headers.append(HeaderName::from_static(name), HeaderValue::from_bytes(value).unwrap());
        }
        let response = Response { status: 200, headers, body: Bytes::from_static(b"{}"), warnings: Vec::new() };
        case.with(|context| interpret(&response, context))
    };
    let all = json!({"x-rate": "1", "set-cookie": ["a=1", "b=2"], "x-title": "Café", "x-name": "Café"});
    for (source, format, expected) in [
        ("$headers.Set-Cookie", "", json!(["a=1", "b=2"])),
        ("$headers.set-cookie.1", "", json!("b=2")),
        ("$headers.X-Rate.0", "", json!("1")),
        ("Set-Cookie", "", json!("a=1")),
        (" $headers.X-RATE ", "", json!("1")),
        ("$headers.X-Title", "", json!("Café")),
        ("X-Name", "", json!("Café")),
        ("{{X-Rate}}{{x-rate}}{{X-RATE}}{{Set-Cookie}}", "mustache", json!("111a=1")),
        ("$headers", "", all),
    ] {
        let mapped = read(&rows(&[("v", source, format)])).unwrap().data;
        assert_eq!(Value::Object(mapped), json!({"v": expected}), "{source}");
    }
    for condition in [
        "headers['X-Rate'] == '1'",
        "headers['x-rate'] == '1'",
        "get(headers, 'X-RATE') == '1'",
        "headers['SET-COOKIE'] == 'a=1'",
        "headers['gone'] == null",
    ] {
        let mut case = rows(&[]);
        case.resource = json!({"success": condition});
        assert!(read(&case).is_ok(), "{condition}");
        // The same of a failure.
        case.resource = json!({"success": "204"});
        case.element = json!({"errorMapping": [{"when": condition, "code": "MINE", "message": "{{headers.X-Rate}}"}]});
        let failure = read(&case).unwrap_err();
        let mapped = case.with(|context| bpmn_error(&failure, context)).unwrap();
        assert_eq!((mapped.code.as_str(), mapped.message.as_deref()), ("MINE", Some("1")), "{condition}");
    }
}

#[test]
fn conditions_see_the_same_with_rows_and_without() {
    let fault = "<s:E xmlns:s='u'><s:Fault><code>Client</code></s:Fault></s:E>";
    for (media, body, condition) in [
        ("text/xml", fault.as_bytes(), "body.E.Fault.code == 'Client'"),
        ("application/json; charset=latin1", b"{\"a\": \"\xe9\"}", "body.a == 'é'"),
        ("application/pdf", b"%PDF", "body.contentType == 'application/pdf'"),
        ("text/plain", b"OK", "body == 'OK'"),
    ] {
        for mapping in [json!([]), json!([{"key": "v", "value": "$status"}])] {
            let mut case = rows(&[]);
            case.element = json!({"dataMapping": mapping, "errorMapping": [{"when": condition, "code": "MINE"}]});
            let failure = case.read(500, &[("content-type", media)], body).unwrap_err();
            let mapped = case.with(|context| bpmn_error(&failure, context)).map(|error| error.code);
            assert_eq!(mapped.as_deref(), Some("MINE"), "{condition}");
            case.resource = json!({"success": condition});
            assert!(case.read(500, &[("content-type", media)], body).is_ok(), "{condition}");
        }
    }
}

#[test]
fn one_element_of_an_xml_list() {
    let xml = [("content-type", "application/xml")];
    for items in ["<I><N>a</N></I>", "<I><N>a</N></I><I><N>b</N></I>"] {
        let body = format!("<R><L>{items}</L></R>");
        let read = rows(&[("v", "R.L.I.0.N", ""), ("w", "R.0.L.0.I.0.N.0", ""), ("x", "R.L.I.7.N", "")]);
        let read = read.read(200, &xml, body.as_bytes()).unwrap();
        assert_eq!(Value::Object(read.data), json!({"v": "a", "w": "a", "x": ""}), "{body}");
    }
    // In JSON an object is no list.
    assert_eq!(rows(&[("v", "a.0.b", "")]).data(&[], &json!({"a": {"b": 1}})), json!({"v": ""}));
}

/// Rows and rules see the mask of what was sent: nothing that they make of it says anything about it.
#[test]
fn what_was_sent_is_masked_before_anything_reads_it() {
    let headers = [("authorization", "Bearer Bearer-Canary-AbC123xyz"), ("x-trace", "t-Bearer-Canary-AbC123xyz")];
    let body = json!({"said": CANARY, "list": [CANARY], "in": {CANARY: 1}, "ok": true}).to_string();
    for (source, format, expected) in [
        ("reverse(headers.authorization)", "jmespath", None),
        ("reverse(said)", "jmespath", Some("********")),
        ("{{headers.authorization | base64 | base64}}", "mustache", None),
        ("{{said | base64 | base64}}", "mustache", Some("S2lvcUtpb3FLaW89")),
        ("uppercase(said)", "feel", Some("********")),
        ("said matches '/Canary/' ? 'y' : 'n'", "feel", Some("n")),
        ("{{authorization | base64}}", "mustache", Some("QmVhcmVyICoqKioqKioq")),
        ("$headers.x-trace", "dotNotation", Some("t-********")),
        ("$.list[0]", "dotNotation", Some("********")),
    ] {
        let case = rows(&[("v", source, format)]);
        let read = case.read(200, &headers, body.as_bytes());
        let Some(expected) = expected else { continue };
        assert_eq!(read.unwrap().data["v"], json!(expected), "{source}");
    }
    for kind in ["application/json", "text/plain", "application/octet-stream"] {
        for text in [body.clone(), format!("we got {CANARY}"), format!("<a>{CANARY}</a>"), CANARY.to_uppercase()] {
            let mut headers = headers.to_vec();
            headers.push(("content-type", kind));
            let mapped =
                Case::mapping(&[("all", ""), ("headers", "$headers")]).read(200, &headers, text.as_bytes()).unwrap();
            let said = json!(mapped.data).to_string();
            assert!(!said.to_lowercase().contains("canary") && said.contains("********"), "{kind}: {said}");
        }
    }
    let utf16: Vec<u8> = body.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let kind = [("content-type", "application/json; charset=utf-16le")];
    let mapped = Case::mapping(&[("all", "")]).read(200, &kind, &utf16);
    assert!(!format!("{mapped:?}").to_lowercase().contains("canary"), "{mapped:?}");
}

#[test]
fn conditions_cannot_ask_for_what_was_sent() {
    let body = json!({"said": CANARY, "items": [1], "next": format!("https://h/2?key={CANARY}")});
    for rule in [
        json!({"success": "body.said matches '/Canary/'"}),
        json!({"success": "headers['x-said'] matches '/Canary/'"}),
        json!({"errorMapping": [{"when": "body.said matches '/Canary/'", "code": "FOUND"}], "success": "status == 201"}),
    ] {
        let case = Case { resource: rule.clone(), ..Case::mapping(&[]) };
        let failure = case.read(200, &[("x-said", CANARY)], body.to_string().as_bytes()).unwrap_err();
        let error = case.with(|context| bpmn_error(&failure, context));
        assert!(error.is_none(), "{rule}: {error:?}");
    }
    // The next page's address may hold a key of ours, and is used as it came; what is joined and judged is masked.
    let paged = json!({"pagination": {"next": "next", "until": "body.said matches '/Canary/'"}});
    let case = Case { resource: paged, ..Case::mapping(&[]) };
    let response =
        Response { status: 200, headers: HeaderMap::new(), body: body.to_string().into(), warnings: Vec::new() };
    let url = url::Url::parse("https://h/").unwrap();
    let next = case.with(|context| Pages::default().add(&url, &response, context, 10_000)).unwrap();
    assert_eq!(next, Page::Next(url::Url::parse(&format!("https://h/2?key={CANARY}")).unwrap()));
}

/// A `when` that is always true would take every failure; it is refused before it is stored.
#[test]
fn an_error_row_needs_a_condition() {
    for (when, is_one) in [
        ("404", true),
        ("4xx, 503", true),
        ("400-404", true),
        ("status == 404", true),
        ("body.gone", true),
        ("not body.ok", true),
        ("code matches '/^HTTP_4/'", true),
        ("get(body, 'gone') ?? false", true),
        ("status > 400 ? body.a : false", true),
        ("true", true),
        ("40", false),
        ("4040", false),
        ("4.5", false),
        ("'404'", false),
        ("[404, 503]", false),
        ("404..410", false),
        ("status", false),
        (" code ", false),
        ("status + 1", false),
        ("-1", false),
        ("count(body.errors)", false),
        ("body.a ? 'x' : 'y'", false),
        ("null", false),
    ] {
        let resource = json!({"url": "https://h/", "errorMapping": [{"when": when, "code": "A"}]});
        let Value::Object(record) = json!({"name": "C", "endpoints": {"r": resource}}) else { unreachable!() };
        let rules = super::ConnectorRules::new(&crate::connector::Connector::read(&record).unwrap());
        let problems: Vec<String> = rules.problems().map(ToString::to_string).collect();
        assert_eq!(problems.is_empty(), is_one, "{when}: {problems:?}");
        assert!(
            problems.iter().all(|problem| problem.starts_with("endpoints.r.errorMapping.0.when: ")),
            "{problems:?}"
        );
    }
}

/// 64 KiB of headers are read in no time, whatever they hold.
#[test]
fn links_are_split_in_one_pass() {
    let url = url::Url::parse("https://h/").unwrap();
    for piece in [
        "<a>,",
        "<a>;",
        "<a>;rel=x,",
        "<a>\"",
        "<a>\\\",",
        "<",
        ">",
        "<a",
        ";",
        ",",
        "\"",
        "<a>;x=\"\\\"",
        "<>",
        "<a>; rel=\"a b\", ",
    ] {
        let mut case = Case::mapping(&[]);
        case.resource = json!({"pagination": {"link": true}});
        let text = piece.repeat(64 * 1_024 / piece.len());
        let headers = HeaderMap::from_iter([(http::header::LINK, HeaderValue::from_str(&text).unwrap())]);
        let page = Response { status: 200, headers, body: Bytes::from_static(b"[]"), warnings: Vec::new() };
        within(TIME, piece, || case.with(|context| Pages::default().add(&url, &page, context, 1 << 20).unwrap()));
    }
}
