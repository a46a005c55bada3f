//! One row a rule of the compatibility sheet, section 4.3-4.6 and 4.9.

#![expect(clippy::needless_pass_by_value, reason = "tables are written with values")]

use serde_json::json;

use super::*;

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("{other}"),
    }
}

/// Plans `resource` for an element with these members, data, and credentials.
fn plan_with(resource: Value, element: Value, data: Value, credentials: &Credentials) -> Result<Plan, String> {
    let record = object(json!({"name": "Users", "endpoints": {"r": resource}}));
    let prepared = Prepared::new(Connector::read(&record).map_err(|e| e.to_string())?);
    let mut config = object(json!({"dataSource": "Users", "endpoint": "r"}));
    config.extend(object(element));
    let element = ElementConfig::read(&config).map_err(|e| e.to_string())?;
    let limits = Limits {
        base_url: Some(Url::parse("https://app.example/base/").unwrap()),
        call_timeout: Duration::from_mins(5),
    };
    let (data, handling) = (object(data), Map::new());
    let asked = Asked {
        engine: "default",
        job_id: "j1",
        data: &data,
        element: &element,
        handling: &handling,
        traceparent: None,
    };
    plan(&asked, &prepared, credentials, &limits).map_err(|e| e.to_string())
}

fn anonymous() -> Credentials {
    Credentials::read("NONE", &Map::new()).unwrap()
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

fn header_texts(request: &RequestSpec) -> Vec<String> {
    request.headers.iter().map(|(n, v)| format!("{n}: {}", v.to_str().unwrap())).collect()
}

#[test]
fn the_known_good_case_of_4_9() {
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

#[test]
fn urls_4_4() {
    let get = |url: &str| json!({"url": url});
    for (template, element, data, expected) in [
        ("/users?q={{v}}", json!({}), json!({"v": "a b&c"}), "https://app.example/base/users?q=a+b%26c"),
        (
            "https://h/a%20b/{{x}}?y=a%20b+c#frag",
            json!({}),
            json!({"x": "1/2?3#4"}),
            "https://h/a%20b/1%2F2%3F3%234?y=a+b+c",
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
        ("https://h/u?list[]=1&list[]=2", json!({}), json!({}), "https://h/u?list%5B%5D=1&list%5B%5D=2"),
    ] {
        assert_eq!(url(get(template), element, data), expected, "{template}");
    }
}

#[test]
fn query_parameters_4_4() {
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
        (declared(json!([{"key": "p", "value": "d"}])), json!({"queryString": "p=9&own=8&z=7"}), "p=9&own=8&z=7"),
    ] {
        let planned = url(resource.clone(), element.clone(), json!({"n": "name", "v": "a b"}));
        assert_eq!(planned, format!("https://h/u?{expected}"), "{resource} {element}");
    }
}

#[test]
fn headers_4_5() {
    let declared = json!({"url": "https://h/", "headers": [
        {"key": "Must", "value": "{{v}}", "required": true}, {"key": "May", "value": "m"}]});
    for (element, expected) in [
        (json!({}), vec!["accept: application/json", "must: 1", "may: m"]),
        (rows(&[]), vec!["accept: application/json", "must: 1"]),
        (
            rows(&[("HEADER", "Must", "{{v}}2"), ("HEADER", "New", "n")]),
            vec!["accept: application/json", "must: 12", "new: n"],
        ),
        (rows(&[("HEADER", "Accept", "text/xml")]), vec!["accept: text/xml", "must: 1"]),
        (rows(&[("HEADER", "accept", "text/xml")]), vec!["accept: application/json", "must: 1", "accept: text/xml"]),
    ] {
        assert_eq!(header_texts(&planned(declared.clone(), element, json!({"v": 1}))), expected);
    }
}

#[test]
fn bodies_4_5() {
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
        (get("https://{{x}}/"), json!({}), json!({"x": ""}), "url: `https:///` is not a URL"),
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
    let template = url::UrlTemplate::parse("/x").unwrap();
    let data = Map::new();
    let problem = template.render(&Scope::new(&data), false, None).unwrap_err().to_string();
    assert!(problem.contains("http.base_url"), "{problem}");
}

#[test]
fn a_credential_stays_with_its_hosts() {
    let bearer = Credentials::read("OAUTH2_BEARER", &object(json!({"token": "t", "hosts": ["h"]}))).unwrap();
    let spec = plan_with(json!({"url": "https://h/"}), json!({}), json!({}), &bearer).unwrap().request;
    assert!(matches!(spec.authorization, Authorization::Bearer(_)));
    let problem =
        plan_with(json!({"url": "https://{{x}}/"}), json!({}), json!({"x": "evil.example"}), &bearer).unwrap_err();
    assert!(problem.contains("may not be sent to `evil.example`"), "{problem}");
}

#[test]
fn the_hash_sees_what_is_sent_and_nothing_else() {
    let get = |data: Value| planned(json!({"url": "https://h/{{x}}"}), json!({}), data).hash();
    assert_eq!(get(json!({"x": 1, "y": 1})), get(json!({"x": 1, "y": 2})));
    assert_ne!(get(json!({"x": 1})), get(json!({"x": 2})));
}
