//! One row a rule of COMPATIBILITY 4.3-4.6 and 4.9.

#![expect(clippy::needless_pass_by_value, reason = "tables are written with values")]

mod multipart;
mod secrets;
mod writing;

use serde_json::json;

use super::*;
use crate::connector::{Arrays, Credentials};

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("{other}"),
    }
}

/// Plans `resource` for an element with these members, data, and credentials.
fn plan_with(resource: Value, element: Value, data: Value, credentials: &PreparedCredentials) -> Result<Plan, String> {
    plan_with_secrets(resource, element, data, credentials, &Secrets::default())
}

fn plan_with_secrets(
    resource: Value,
    element: Value,
    data: Value,
    credentials: &PreparedCredentials,
    secrets: &Secrets,
) -> Result<Plan, String> {
    let record = object(json!({"name": "Users", "endpoints": {"r": resource}}));
    let prepared = PreparedConnector::new(Connector::read(&record).map_err(|e| e.to_string())?);
    let mut config = object(json!({"dataSource": "Users", "endpoint": "r"}));
    config.extend(object(element));
    let element = ElementConfig::read(&config).map_err(|e| e.to_string())?;
    let element = PreparedElement::new(element).map_err(|e| e.to_string())?;
    let limits = limits();
    let (data, handling) = (object(data), Map::new());
    let input = PlanInput {
        engine: "default",
        job_id: "j1",
        data: &data,
        element: &element,
        handling: &handling,
        ctx: limits.eval_context(1_795_456_800_000),
        traceparent: None,
        secrets,
    };
    plan(&input, &prepared, credentials, &limits).map_err(|e| e.to_string())
}

fn secret(value: &str, hosts: &[&str]) -> Secrets {
    let hosts = hosts.iter().map(ToString::to_string).collect();
    Secrets::new(BTreeMap::from_iter([("K".to_owned(), Arc::new(Secret::new(&value.into(), hosts)))]))
}

fn limits() -> Limits {
    Limits {
        base_url: Some(Url::parse("https://app.example/base/").unwrap()),
        call_timeout: Duration::from_mins(5),
        poll_time: Duration::from_hours(1),
        response_bytes: 1 << 20,
        inline_bytes: 1 << 20,
        env: Arc::new(BTreeMap::from_iter([("REGION".to_owned(), "eu-1".to_owned())])),
    }
}

fn anonymous() -> PreparedCredentials {
    credentials("NONE", json!({}))
}

fn credentials(authtype: &str, members: Value) -> PreparedCredentials {
    let credentials = Credentials::read(authtype, &object(members)).unwrap();
    PreparedCredentials::new(credentials, CredentialId::default()).unwrap()
}

fn planned(resource: Value, element: Value, data: Value) -> RequestSpec {
    plan_with(resource, element, data, &anonymous()).unwrap().request
}

fn refused(resource: Value, element: Value, data: Value) -> String {
    plan_with(resource, element, data, &anonymous()).unwrap_err()
}

fn url(resource: Value, element: Value, data: Value) -> String {
    planned(resource, element, data).url.to_string()
}

fn rows(rows: &[(&str, &str, &str)]) -> Value {
    let rows: Vec<Value> = rows.iter().map(|(t, k, v)| json!({"type": t, "key": k, "value": v})).collect();
    json!({"outboundConfig": rows})
}

fn feel(kind: &str, key: &str, value: &str) -> Value {
    json!({"outboundConfig": [{"type": kind, "key": key, "value": value, "format": "feel"}]})
}

fn header_texts(request: &RequestSpec) -> Vec<String> {
    request.headers.iter().map(|(n, v)| format!("{n}: {}", v.to_str().unwrap())).collect()
}

/// COMPATIBILITY 4.9.
#[test]
fn the_known_good_case() {
    let request = planned(
        json!({"url": "https://host/users/{{userIdParam}}", "method": "PUT", "body_type": "json",
            "body": "{\"name\": \"{{nameParam}}\", \"age\": {{ageParam}}}",
            "params": [{"key": "queryStringParam", "value": "", "required": false}],
            "headers": [{"key": "headerParam", "value": "", "required": false}]}),
        rows(&[
            ("BODY", "nameParam", "{{name}}"),
            ("BODY", "ageParam", "88"),
            ("PARAM", "userIdParam", "{{id}}"),
            ("PARAM", "queryStringParam", "testQueryString"),
            ("HEADER", "headerParam", "testHeader"),
        ]),
        json!({"name": "O'Neil \"&\" Co", "id": 11}),
    );
    assert_eq!(request.url.as_str(), "https://host/users/11?queryStringParam=testQueryString");
    assert_eq!(header_texts(&request), ["accept: application/json", "headerparam: testHeader"]);
    assert_eq!(request.body, r#"{"name": "O'Neil \"&\" Co", "age": 88}"#);
    assert_eq!(request.method, Method::PUT);
}

/// COMPATIBILITY 4.4.
#[test]
fn urls() {
    let get = |url: &str| json!({"url": url});
    for (template, element, data, expected) in [
        ("/users?q={{v}}", json!({}), json!({"v": "a b&c"}), "https://app.example/base/users?q=a+b%26c"),
        (
            "https://h/a%20b/{{x}}?y=a%20b+c#frag",
            json!({}),
            json!({"x": "1/2?3#4"}),
            "https://h/a%20b/1%2F2%3F3%234?y=a%20b+c",
        ),
        ("{{base}}/x", json!({}), json!({"base": "https://other:8443"}), "https://other:8443/x"),
        (
            "https://{{tenant}}.example/{{x}}",
            json!({}),
            json!({"tenant": "t1", "x": "@evil"}),
            "https://t1.example/%40evil",
        ),
        ("https://h/{{{raw}}}", json!({}), json!({"raw": "a/b?c=d"}), "https://h/a/b?c=d"),
        (
            "https://h/{{id}}",
            rows(&[("PARAM", "id", "{{a}}{{b}}")]),
            json!({"a": "x", "b": "y", "id": "z"}),
            "https://h/xy?id=xy",
        ),
        ("https://h/u?list[]=1&list[]=2", json!({}), json!({}), "https://h/u?list[]=1&list[]=2"),
    ] {
        assert_eq!(url(get(template), element, data), expected, "{template}");
    }
}

/// COMPATIBILITY 4.4.
#[test]
fn query_parameters() {
    let declared = |params: Value| json!({"url": "https://h/u?own=1", "params": params});
    let row = |value: &str| rows(&[("PARAM", "p", value), ("PARAM", "other", "o")]);
    for (resource, element, expected) in [
        (declared(json!([{"key": "p", "value": "default"}])), json!({}), "own=1&p=default"),
        (declared(json!([{"key": "p", "value": "default"}])), row("mine"), "own=1&p=mine"),
        (declared(json!([{"key": "p", "value": ""}])), json!({}), "own=1"),
        (declared(json!([{"key": "p", "value": "", "required": true}])), json!({}), "own=1&p="),
        (declared(json!([{"key": "{{n}}", "value": "{{v}}"}])), json!({}), "own=1&name=a+b"),
        (declared(json!([{"key": "own", "value": "2"}])), json!({}), "own=2"),
        (declared(json!([])), row("mine"), "own=1"),
        (json!({"url": "https://h/u?own=1"}), row("mine"), "own=1&p=mine&other=o"),
        (json!({"url": "https://h/u?own=1"}), row(""), "own=1&other=o"),
        // Repeated keys: two rows of a name, and a name that is declared twice.
        (declared(json!([])), rows(&[("PARAM", "other", "1")]), "own=1"),
        (json!({"url": "https://h/u?own=1"}), rows(&[("PARAM", "t", "1"), ("PARAM", "t", "2")]), "own=1&t=1&t=2"),
        (declared(json!([{"key": "t"}])), rows(&[("PARAM", "t", "1"), ("PARAM", "t", "2")]), "own=1&t=1&t=2"),
        (declared(json!([{"key": "t", "value": "a"}, {"key": "t", "value": "b"}])), json!({}), "own=1&t=a&t=b"),
        (
            json!({"url": "https://h/u?x=0&own=1&x=9"}),
            rows(&[("PARAM", "x", "1"), ("PARAM", "y", "3"), ("PARAM", "x", "2")]),
            "x=1&x=2&own=1&y=3",
        ),
        // Lists and objects in queries, as PHP writes them.
        (json!({"url": "https://h/u?own=1"}), feel("PARAM", "l", "[1, 'b c']"), "own=1&l%5B0%5D=1&l%5B1%5D=b+c"),
        (json!({"url": "https://h/u?own=1"}), feel("PARAM", "o", "{a: {b: true}}"), "own=1&o%5Ba%5D%5Bb%5D=1"),
        (json!({"url": "https://h/u?own=1"}), feel("PARAM", "n", "null"), "own=1"),
        (declared(json!([{"key": "n", "required": true}])), feel("PARAM", "n", "[]"), "own=1&n="),
        (json!({"url": "https://h/u?own=1&a[b]=1"}), json!({"queryString": "a[b]=2"}), "own=1&a[b]=2"),
        (declared(json!([{"key": "p", "value": "d"}])), json!({"queryString": "p=9&own=8&z=7"}), "p=9&own=8&z=7"),
    ] {
        let planned = url(resource.clone(), element.clone(), json!({"n": "name", "v": "a b"}));
        assert_eq!(planned, format!("https://h/u?{expected}"), "{resource} {element}");
    }
}

/// COMPATIBILITY 4.5.
#[test]
fn headers() {
    let declared = json!({"url": "https://h/", "headers": [
        {"key": "Must", "value": "{{v}}", "required": true}, {"key": "May", "value": "m"}]});
    for (element, expected) in [
        (json!({}), vec!["accept: application/json", "must: 1", "may: m"]),
        (rows(&[]), vec!["accept: application/json", "must: 1"]),
        (
            rows(&[("HEADER", "Must", "{{v}}2"), ("HEADER", "New", "n")]),
            vec!["accept: application/json", "must: 12", "new: n"],
        ),
        (rows(&[("HEADER", "Accept", "text/xml")]), vec!["must: 1", "accept: text/xml"]),
        (rows(&[("HEADER", "Accept", "{{gone}}")]), vec!["accept: application/json", "must: 1"]),
        // Of two rows with one name, in whatever case, the later counts, and it replaces the resource's.
        (rows(&[("HEADER", "Must", "a"), ("HEADER", "MUST", "b")]), vec!["accept: application/json", "must: b"]),
        (
            rows(&[("HEADER", "Must", "{{gone}}"), ("HEADER", "New", " "), ("HEADER", "Also", "{{null}}")]),
            vec!["accept: application/json", "must: 1"],
        ),
        // `feel` has no effect on a header.
        (feel("HEADER", "Must", "1 + 1"), vec!["accept: application/json", "must: 1 + 1"]),
        (rows(&[("HEADER", "accept", "text/xml")]), vec!["accept: application/json", "must: 1", "accept: text/xml"]),
    ] {
        assert_eq!(header_texts(&planned(declared.clone(), element, json!({"v": 1, "null": null}))), expected);
    }
}

/// COMPATIBILITY 4.5.
#[test]
fn bodies() {
    let post = |body: &str, kind: &str, headers: Value| json!({"url": "https://h/", "method": "POST", "body": body, "body_type": kind, "headers": headers});
    let content = |kind: &str| json!([{"key": "Content-Type", "value": kind}]);
    let data = json!({"x": "a\"<b>", "o": {"k": "v"}});
    for (resource, expected) in [
        (post("{\"x\":\"{{x}}\"}", "json", json!([])), r#"{"x":"a\"<b>"}"#),
        (post("{\"x\":{{{o | json}}}}", "json", json!([])), r#"{"x":{"k":"v"}}"#),
        (post("<x>{{x}}</x>", "", content("application/soap+xml; charset=utf-8")), "<x>a&quot;&lt;b&gt;</x>"),
        (post("[\"{{x}}\"]", "", content("application/vnd.api+json")), r#"["a\"<b>"]"#),
        (post("plain {{x}}", "", json!([])), "plain a\"<b>"),
        (
            post("{\"x\":\"{{x}}\",\"n\":null,\"l\":[1,{\"m\":true}]}", "form-data", json!([])),
            "x=a%22%3Cb%3E&l%5B0%5D=1&l%5B1%5D%5Bm%5D=1",
        ),
    ] {
        let request = planned(resource.clone(), json!({}), data.clone());
        assert_eq!(request.body, expected, "{resource}");
        let is_form = expected.starts_with("x=");
        let typed = request.headers.iter().any(|(_, v)| v == "application/x-www-form-urlencoded");
        assert_eq!(typed, is_form, "only a form adds its content type");
    }
    assert!(refused(post("[1]", "form-data", json!([])), json!({}), json!({})).contains("and this is a list"));
    assert_eq!(planned(post("", "json", json!([])), json!({}), json!({})).body, "");
}

#[test]
fn processmakers_escaping_is_a_switch() {
    let body = |escape: &str| json!({"url": "https://h/{{x}}", "method": "POST", "body": "{{x}} {{row}}", "body_type": "json", "escape": escape});
    let rows = rows(&[("BODY", "row", "{{x}}")]);
    let request = planned(body("html"), rows.clone(), json!({"x": "O\"N"}));
    assert_eq!(request.body, "O&quot;N O&amp;quot;N");
    assert_eq!(planned(body("slot"), rows, json!({"x": "O\"N"})).body, "O\\\"N O\\\"N");
}

#[test]
fn what_may_be_sent_twice_and_with_which_key() {
    for (method, repeat, expected, key) in [
        ("GET", None, Repeat::Safe, false),
        ("PUT", None, Repeat::Safe, true),
        ("DELETE", None, Repeat::Safe, true),
        ("POST", None, Repeat::Unsafe, true),
        ("PATCH", None, Repeat::Unsafe, true),
        ("POST", Some("safe"), Repeat::Safe, true),
        ("GET", Some("unsafe"), Repeat::Unsafe, false),
    ] {
        let request = planned(json!({"url": "https://h/", "method": method, "repeat": repeat}), json!({}), json!({}));
        assert_eq!((request.repeat, request.idempotency_key.is_some()), (expected, key), "{method} {repeat:?}");
    }
}

#[test]
fn what_cannot_be_planned_says_where_and_what_to_change() {
    let get = |url: &str| json!({"url": url});
    for (resource, element, data, expected) in [
        (
            get("https://h/{{#a}}"),
            json!({}),
            json!({}),
            "endpoints.r.url: at character 11: the section `a` is never closed",
        ),
        (get("https://h/{{o}}"), json!({}), json!({"o": {}}), "url: `o` is an object; write {{{o | json}}}"),
        (
            get("https://h/{{x}}/y"),
            json!({}),
            json!({"x": ".."}),
            "url: a variable turns a part of the path into `.` or `..`",
        ),
        (get("https://h/{{{x}}}"), json!({}), json!({"x": "a\r\nHost: b"}), "url: the URL holds a line break"),
        (get("https://{{x}}/"), json!({}), json!({"x": "u:p@h"}), "url: user name or password stand in the URL"),
        (get("https://{{x}}/"), json!({}), json!({"x": ""}), "url: `https://{{x}}/` is not a URL"),
        (get("{{x}}"), json!({}), json!({}), "url: the URL is empty"),
        (get("ftp://h/"), json!({}), json!({}), "url: `ftp://h/` is neither http nor https"),
        (get("https://h/"), rows(&[("HEADER", "Host", "x")]), json!({}), "header `Host`: is reserved"),
        (
            get("https://h/"),
            rows(&[("HEADER", "X-Forwarded-For", "x")]),
            json!({}),
            "header `X-Forwarded-For`: is reserved",
        ),
        (
            get("https://h/"),
            rows(&[("HEADER", "X", "{{x}}")]),
            json!({"x": "a\nb"}),
            "header `X`: has a value with a line break",
        ),
        (get("https://h/"), rows(&[("HEADER", "a b", "x")]), json!({}), "header `a b`: is not a header name"),
        (
            get("https://h/"),
            json!({"endpoint": "gone"}),
            json!({}),
            "endpoint: Endpoint 'gone' not found; the connector has: r",
        ),
        (get("https://h/"), rows(&[("PARAM", "p", "{{")]), json!({}), "outboundConfig.0 (p): at character 1"),
    ] {
        let problem = refused(resource.clone(), element.clone(), data);
        assert!(problem.starts_with(expected), "{resource} {element}: {problem}");
    }
}

#[test]
fn a_relative_url_needs_a_base() {
    let template = url_template::UrlTemplate::parse("/x").unwrap();
    let data = Map::new();
    let problem = template.render(&Scope::new(&data), false, None, Space::Plus).unwrap_err().to_string();
    assert!(problem.contains("http.base_url"), "{problem}");
}

#[test]
fn only_collections_need_no_base() {
    let data = Map::from_iter([("x".to_owned(), Value::from("../../data_sources"))]);
    let rendered = |source: &str, base: Option<&Url>| {
        url_template::UrlTemplate::parse(source)
            .unwrap()
            .render(&Scope::new(&data), false, base, Space::Plus)
            .map_err(|e| e.to_string())
    };
    let base = Url::parse("https://app.example").unwrap();
    for path in ["/api/1.0/collections", "/api/1.0/collections/7/records?pmql=x", "/api/1.0/collections/{{x}}"] {
        assert!(url_template::is_in_process(&rendered(path, None).unwrap()), "{path}");
        assert!(!url_template::is_in_process(&rendered(path, Some(&base)).unwrap()), "{path}");
    }
    for path in [
        "/api/1.0/collections7",
        "/api/1.0/data_sources",
        "/api/1.0/collections/{{{x}}}",
        "/api/1.0/collections/../data_sources",
        "/api/1.0/collections/%2e%2e/data_sources",
        "//in-process.invalid/api/1.0/collections",
        "http://in-process.invalid/api/1.0/collections",
        "http://IN-PROCESS.invalid:80/api/1.0/collections",
    ] {
        assert!(rendered(path, None).is_err(), "{path}");
    }
    assert!(rendered("http://in-process.invalid/api/1.0/collections", Some(&base)).is_err());
}

#[test]
fn the_hash_sees_what_is_sent_and_nothing_else() {
    let get = |data: Value| planned(json!({"url": "https://h/{{x}}"}), json!({}), data).hash();
    assert_eq!(get(json!({"x": 1, "y": 1})), get(json!({"x": 1, "y": 2})));
    assert_ne!(get(json!({"x": 1})), get(json!({"x": 2})));
}

/// COMPATIBILITY 4.4.
#[test]
fn methods_are_mustache() {
    let method = |written: &str| json!({"url": "https://h/", "method": written});
    for (written, expected) in [("{{verb}}", "PATCH"), ("p{{rest}}", "PUT"), ("{{gone}}", "GET")] {
        let request = planned(method(written), json!({}), json!({"verb": "patch", "rest": "ut"}));
        assert_eq!(request.method, expected, "{written}");
    }
    let unsafe_verb = planned(method("{{verb}}"), json!({}), json!({"verb": "post"}));
    assert!(unsafe_verb.repeat == Repeat::Unsafe && unsafe_verb.idempotency_key.is_some());
    let problem = refused(method("{{verb}}"), json!({}), json!({"verb": "GET / HTTP/1.1\r\nX: y"}));
    assert!(problem.starts_with("method: `GET / HTTP/1.1\\r\\nX: y` is not a method"), "{problem}");
    assert!(refused(method("{{verb}}"), json!({}), json!({"verb": "CONNECT"})).contains("is not a method"));
}

/// COMPATIBILITY 4.6.
#[test]
fn rows_in_feel_are_typed() {
    let post = json!({"url": "https://h/{{n}}", "method": "POST", "body_type": "json", "params": [],
        "body": "{\"total\": {{total}}, \"lines\": {{{lines | json}}}, \"who\": \"{{who}}\"}"});
    let row = |kind: &str, key: &str, value: &str| json!({"type": kind, "key": key, "value": value, "format": "feel"});
    let element = json!({"outboundConfig": [
        row("BODY", "total", "price * {{count}}"), row("BODY", "lines", "[{sku: item.sku}, 2..3]"),
        row("BODY", "who", "uppercase(item.name) ~ ' ' ~ env('REGION')"), row("PARAM", "n", "count(list) > 1 ? 'many' : 'one'")]});
    let data = json!({"price": 2.5, "count": 4, "item": {"sku": "l-1", "name": "\"lamp\""}, "list": [1, 2]});
    let request = planned(post.clone(), element, data);
    assert_eq!(request.url.as_str(), "https://h/many");
    assert_eq!(request.body, r#"{"total": 10, "lines": [{"sku":"l-1"},[2,3]], "who": "\"LAMP\" eu-1"}"#);
    for (value, expected) in [
        (
            "item.gone",
            "outboundConfig.0 (total): at character 1 of `item.gone`: `item` has no member `gone`; it has: sku",
        ),
        ("1 +", "outboundConfig.0 (total): at character 4 of `1 +`: a value is expected"),
        ("nobody", "outboundConfig.0 (total): at character 1 of `nobody`: there is no variable `nobody`"),
        ("user(1)", "outboundConfig.0 (total): at character 1 of `user(1)`: `user` looks into the engine's database"),
    ] {
        let problem = refused(post.clone(), feel("BODY", "total", value), json!({"item": {"sku": 1}}));
        assert!(problem.starts_with(expected), "{value}: {problem}");
    }
}

#[test]
fn pages_are_for_what_may_be_asked_again() {
    let paged = |method: &str, repeat: Value| json!({"url": "https://h/", "method": method, "repeat": repeat, "pagination": {"page": "p"}});
    let problem = refused(paged("POST", json!(null)), json!({}), json!({}));
    assert_eq!(problem, "pagination: a POST is not sent page by page; use GET, or write `repeat: safe`");
    planned(paged("POST", json!("safe")), json!({}), json!({}));
    planned(paged("GET", json!(null)), json!({}), json!({}));
}

/// The same data may be named any number of times, and a long name repeats for every item of its list.
#[test]
fn what_rows_and_fields_render_to_is_limited_before_it_is_made() {
    let get = json!({"url": "https://h/", "method": "GET"});
    let form = json!({"url": "https://h/", "method": "POST", "body_type": "form", "body": "{{{x | json}}}"});
    let long = json!({"x": {"n".repeat(100_000): vec![0; 10_000]}, "y": "t".repeat(1_000_000)});
    let row =
        |kind: &str, value: &str, format: &str| json!({"type": kind, "key": "k", "value": value, "format": format});
    let many = |count: usize, row: Value| json!({"outboundConfig": vec![row; count]});
    for (resource, element, expected) in [
        (&get, many(20, row("PARAM", "{{y}}", "mustache")), "render to more than 16777216 bytes"),
        (&get, many(20, row("BODY", "y", "feel")), "render to more than 16777216 bytes"),
        (&get, many(1, row("PARAM", "x", "feel")), "its fields would take"),
        (&form, json!({}), "its fields would take"),
        (&get, many(1_001, row("PARAM", "1", "mustache")), "more than 1000 rows"),
    ] {
        let problem = refused(resource.clone(), element, long.clone());
        assert!(problem.contains(expected), "{expected}: {problem}");
    }
}

/// The parts of a multipart body, without its boundary.
fn parts(request: &RequestSpec) -> Vec<String> {
    let content_type = request.headers.iter().rfind(|(name, _)| name == "content-type").unwrap().1.to_str().unwrap();
    let boundary = content_type.strip_prefix("multipart/form-data; boundary=").unwrap();
    let body = String::from_utf8_lossy(&request.body).into_owned();
    let body = body.strip_suffix(&format!("--{boundary}--\r\n")).unwrap();
    body.split(&format!("--{boundary}\r\n")).skip(1).map(|part| part.trim_end_matches("\r\n").to_owned()).collect()
}
