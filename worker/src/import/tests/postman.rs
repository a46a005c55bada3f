#![expect(clippy::needless_pass_by_value, reason = "tables of JSON read better without references")]

use serde_json::{Value, json};

use super::{Conversion, changed, converted, left_out, only, rows};
use crate::import::convert;

fn collection(items: Value, further: Value) -> String {
    let mut collection = json!({
        "info": {"name": "Shop", "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"},
        "item": items
    });
    collection.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
    collection.to_string()
}

/// A collection of one request with these members.
fn request(request: Value, further: Value) -> Conversion {
    converted(&collection(json!([{"name": "one", "request": request}]), further))
}

#[test]
fn urls_variables_and_parameters() {
    let variables = json!({"variable": [{"key": "base", "value": "https://{{host}}/v1"}, {"key": "host", "value": "api.example.com"}, {"key": "empty", "value": ""}]});
    let conversion = request(
        json!({"method": "get", "url": {"raw": "old", "host": ["{{base}}"], "path": ["users", ":id", "{{part}}"],
            "query": [{"key": "a", "value": "{{host}} x"}, {"key": "b", "value": "1", "disabled": true}, {"key": "c", "value": null}, {"key": "d", "value": "x%20y"}],
            "variable": [{"key": "id", "value": "7"}]}}),
        variables,
    );
    let of = only(&conversion);
    assert_eq!(
        (&of["method"], &of["url"]),
        (&json!("GET"), &json!("https://api.example.com/v1/users/{{id}}/{{part}}"))
    );
    assert_eq!(rows(&of["params"]), ["a=api.example.com x", "b=?", "c=", "d=x y"]);
    assert_eq!(of["testData"], "{\"id\":\"7\"}");
    assert!(
        changed(&conversion, "`{{base}}` of the collection became its value")
            && left_out(&conversion, &["`{{part}}`", "does not hold it"])
    );
    let url = |url: Value| only(&request(json!({"url": url}), json!({})))["url"].as_str().unwrap().to_owned();
    assert_eq!(url(json!("api.example.com:81/x")), "http://api.example.com:81/x");
    assert_eq!(
        url(json!({"protocol": "https", "host": "a.example", "port": "8443", "path": "/x/y"})),
        "https://a.example:8443/x/y"
    );
    assert_eq!(url(json!("{{server}}/x")), "{{server}}/x");
    assert_eq!(
        only(&converted(&collection(json!([{"name": "one", "request": "https://a.example/?q=1"}]), json!({}))))["url"],
        "https://a.example/"
    );
    let conversion = request(json!({"url": "https://a.example/{{$guid}}"}), json!({}));
    assert!(
        only(&conversion)["url"] == "https://a.example/{{guid}}" && left_out(&conversion, &["{{$guid}}", "makes up"])
    );
}

#[test]
fn authentication_in_both_versions_and_inherited() {
    let auth = |auth: Value| {
        let conversion = request(json!({"url": "https://a.example/", "auth": auth}), json!({}));
        let record = conversion.records[0].clone();
        (record["authtype"].as_str().unwrap().to_owned(), record.get("credentials").cloned().unwrap_or(Value::Null))
    };
    for (written, authtype, credentials) in [
        (
            json!({"type": "basic", "basic": [{"key": "username", "value": "u"}, {"key": "password", "value": "p"}]}),
            "BASIC",
            json!({"username": "u", "password": "p"}),
        ),
        (
            json!({"type": "basic", "basic": {"username": "u", "password": "{{p}}"}}),
            "BASIC",
            json!({"username": "u", "password": "********"}),
        ),
        (json!({"type": "bearer", "bearer": {"token": "abc"}}), "OAUTH2_BEARER", json!({"token": "abc"})),
        (json!({"type": "bearer", "bearer": [{"key": "token", "value": "{{t}}"}]}), "OAUTH2_BEARER", Value::Null),
        (
            json!({"type": "apikey", "apikey": [{"key": "key", "value": "k"}, {"key": "value", "value": "v"}, {"key": "in", "value": "query"}]}),
            "API_KEY",
            json!({"name": "k", "in": "query", "value": "v"}),
        ),
        (
            json!({"type": "digest", "digest": {"username": "u", "password": "p"}}),
            "DIGEST",
            json!({"username": "u", "password": "p"}),
        ),
        (
            json!({"type": "awsv4", "awsv4": {"accessKey": "a", "secretKey": "s", "region": "r", "service": "x"}}),
            "AWS_SIGV4",
            json!({"access_key_id": "a", "secret_access_key": "s", "region": "r", "service": "x"}),
        ),
        (
            json!({"type": "oauth2", "oauth2": {"grant_type": "client_credentials", "accessTokenUrl": "https://id.example/t", "clientId": "c", "clientSecret": "s", "scope": "a"}}),
            "OAUTH2_CLIENT_CREDENTIALS",
            json!({"url": "https://id.example/t", "client_id": "c", "client_secret": "s", "scope": "a"}),
        ),
        (json!({"type": "oauth2", "oauth2": {"accessToken": "t"}}), "OAUTH2_BEARER", json!({"token": "t"})),
        (json!({"type": "hawk", "hawk": {}}), "NONE", Value::Null),
        (json!({"type": "noauth"}), "NONE", Value::Null),
    ] {
        assert_eq!(auth(written.clone()), (authtype.to_owned(), credentials), "{written}");
    }
    let bearer = json!({"auth": {"type": "bearer", "bearer": {"token": "abc"}}});
    let basic = json!({"type": "basic", "basic": {"username": "u", "password": "p"}});
    let items = json!([
        {"name": "a", "request": {"url": "https://a.example/"}},
        {"name": "folder", "auth": basic, "item": [{"name": "b", "request": {"url": "https://a.example/"}}]},
        {"name": "c", "request": {"url": "https://a.example/", "auth": {"type": "noauth"}}},
        {"name": "d", "request": {"url": "https://a.example/"}},
    ]);
    let conversion = converted(&collection(items, bearer));
    let found: Vec<String> = conversion
        .records
        .iter()
        .map(|record| {
            let keys: Vec<&String> = record["endpoints"].as_object().unwrap().keys().collect();
            format!("{} {} {keys:?}", record["name"].as_str().unwrap(), record["authtype"].as_str().unwrap())
        })
        .collect();
    assert_eq!(
        found,
        ["Shop OAUTH2_BEARER [\"a\", \"d\"]", "Shop (BASIC) BASIC [\"b\"]", "Shop (no authentication) NONE [\"c\"]"]
    );
}

#[test]
fn bodies_of_all_modes() {
    let body = |body: Value| {
        let conversion = request(
            json!({"method": "POST", "url": "https://a.example/", "body": body}),
            json!({"variable": [{"key": "v", "value": "1"}]}),
        );
        let of = only(&conversion).clone();
        (of["body_type"].clone(), of["body"].clone(), rows(&of["headers"]), conversion)
    };
    let raw = |text: &str, language: &str| {
        body(json!({"mode": "raw", "raw": text, "options": {"raw": {"language": language}}}))
    };
    let found = raw("{\"a\": {{v}}, \"b\": \"{{x}}\", \"c\": {\"d\": {{y}}}}", "json");
    assert_eq!(
        (found.0, found.1, found.2),
        (
            json!("json"),
            json!("{\"a\": 1, \"b\": \"{{x}}\", \"c\": {\"d\": {{y}}}}"),
            vec!["Content-Type=application/json".to_owned()]
        )
    );
    assert_eq!(raw("<a/>", "xml").0, "xml");
    assert_eq!(raw("hello", "text").2, ["Content-Type=text/plain"]);
    let found = body(
        json!({"mode": "urlencoded", "urlencoded": [{"key": "a", "value": "{{x}}"}, {"key": "b", "value": "2", "disabled": true}]}),
    );
    assert_eq!((found.0, found.1), (json!("form-data"), json!("{\n  \"a\": \"{{x}}\"\n}")));
    assert!(left_out(&found.3, &["the field `b`", "switched off"]));
    let found = body(
        json!({"mode": "formdata", "formdata": [{"key": "f", "type": "file", "src": "/files/y.png"}, {"key": "a", "value": "1", "type": "text"}]}),
    );
    let parts: Value = serde_json::from_str(found.1.as_str().unwrap()).unwrap();
    assert_eq!(
        (found.0, parts),
        (json!("multipart"), json!({"f": {"base64": "{{f}}", "filename": "y.png"}, "a": "1"}))
    );
    assert!(left_out(&found.3, &["y.png"]));
    let found = body(json!({"mode": "graphql", "graphql": {"query": "{ a }", "variables": "{\"n\": {{n}}}"}}));
    assert_eq!(found.1, "{\n  \"query\": \"{ a }\",\n  \"variables\": {\"n\": {{n}}}\n}");
    assert!(left_out(&body(json!({"mode": "file", "file": {"src": "x.bin"}})).3, &["x.bin"]));
}

#[test]
fn names_headers_and_the_rest() {
    let items = json!([
        {"name": "Users", "item": [{"name": "List", "request": {"url": "https://a.example/u",
            "header": [{"key": "X-A", "value": "{{x}}"}, {"key": "X-B", "value": "1", "disabled": true}, {"key": "Host", "value": "h"}]},
            "event": [{"listen": "test", "script": {"exec": ["pm.test()"]}}], "response": [{"name": "ok"}]}]},
        {"name": "Orders", "item": [{"name": "List", "request": {"url": "https://a.example/o", "header": "X-A: 1\nX-B: 2"}}]},
        {"name": "GET: Other", "request": {"url": "https://a.example/x"}},
        {"name": "empty", "request": {"url": ""}},
    ]);
    let conversion = converted(&collection(items, json!({})));
    let endpoints = conversion.records[0]["endpoints"].as_object().unwrap();
    assert_eq!(endpoints.keys().collect::<Vec<_>>(), ["Users/List", "Orders/List", "GET Other"]);
    assert_eq!(rows(&endpoints["Users/List"]["headers"]), ["X-A={{x}}"]);
    assert_eq!(rows(&endpoints["Orders/List"]["headers"]), ["X-A=1", "X-B=2"]);
    for words in ["scripts (`List`)", "saved answers (`List`)", "X-B: 1", "`Host`", "the request `empty`"] {
        assert!(left_out(&conversion, &[words]), "{words}: {:?}", conversion.left_out);
    }
}

#[test]
fn values_that_hold_each_other_end() {
    let variables = json!({"variable": [{"key": "a", "value": "{{b}}{{b}}"}, {"key": "b", "value": "{{a}}{{a}}"}]});
    let conversion = request(json!({"url": "https://a.example/{{a}}"}), variables);
    assert!(left_out(&conversion, &["hold each other"]));
    let error = convert("{\"requests\": [], \"order\": []}", None, None).unwrap_err();
    assert!(error.to_string().starts_with("Line 1, column 3: collections of version 1 are not read"), "{error}");
}
