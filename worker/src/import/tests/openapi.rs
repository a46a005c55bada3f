#![expect(clippy::needless_pass_by_value, reason = "tables of JSON read better without references")]

use serde_json::{Value, json};

use super::{Conversion, changed, converted, left_out, only, rows};
use crate::import::convert;

/// A document of version 3 with one path.
fn document(item: Value, further: Value) -> String {
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {"title": "Pets", "description": "All of them"},
        "servers": [{"url": "https://api.example.com/v1/"}],
        "paths": {"/pets/{petId}": item}
    });
    document.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
    document.to_string()
}

/// The only operation of a document, a GET with these members.
fn get(operation: Value) -> Conversion {
    converted(&document(json!({"get": operation}), json!({})))
}

#[test]
fn an_operation_is_a_resource() {
    let conversion = converted(&document(
        json!({
            "summary": "One pet",
            "parameters": [{"name": "petId", "in": "path", "required": true, "example": 7}, {"$ref": "#/components/parameters/a"}],
            "get": {"operationId": "getPet", "deprecated": true, "description": "By its number"},
            "delete": {"parameters": [{"name": "a", "in": "query", "required": true, "schema": {"default": "x"}}]},
            "trace": {}
        }),
        json!({"components": {"parameters": {"a": {"name": "a", "in": "query"}}}}),
    ));
    let record = &conversion.records[0];
    assert_eq!((&record["name"], &record["description"]), (&json!("Pets"), &json!("All of them")));
    let endpoints = record["endpoints"].as_object().unwrap();
    assert_eq!(endpoints.keys().collect::<Vec<_>>(), ["getPet", "DELETE /pets/{petId}"]);
    let get = &endpoints["getPet"];
    assert_eq!(get["url"], "https://api.example.com/v1/pets/{{petId}}");
    assert_eq!(get["description"], "Deprecated. One pet\n\nBy its number");
    assert_eq!((rows(&get["params"]), &get["testData"]), (vec!["a=?".to_owned()], &json!("{\"petId\":7}")));
    let delete = &endpoints["DELETE /pets/{petId}"];
    assert_eq!((rows(&delete["params"]), &delete["method"]), (vec!["a={{a}}".to_owned()], &json!("DELETE")));
    assert!(left_out(&conversion, &["TRACE"]));
}

#[test]
fn servers_and_their_variables() {
    let url = |further: Value, item: Value| {
        let conversion = converted(&document(item, further));
        let url = only(&conversion)["url"].as_str().unwrap().to_owned();
        (url, conversion)
    };
    let plain = || json!({"get": {}});
    let variables = json!({"servers": [
        {"url": "https://{region}.example.com:{port}/{base}", "variables": {"region": {"default": "eu", "enum": ["eu", "us"]}, "port": {"default": 8443}}},
        {"url": "https://other.example.com"}
    ]});
    let (found, conversion) = url(variables, plain());
    assert_eq!(found, "https://eu.example.com:8443/{{base}}/pets/{{petId}}");
    assert!(changed(&conversion, "`region` became its default `eu`") && left_out(&conversion, &["other.example.com"]));
    assert!(left_out(&conversion, &["`base`", "no default"]));
    let (found, conversion) = url(json!({"servers": [{"url": "/api"}]}), plain());
    assert!(found == "/api/pets/{{petId}}" && left_out(&conversion, &["the host", "http.base_url"]));
    assert_eq!(url(json!({"servers": []}), plain()).0, "/pets/{{petId}}");
    assert_eq!(url(json!({"servers": [{"url": "//h.example/x/"}]}), plain()).0, "https://h.example/x/pets/{{petId}}");
    let own =
        json!({"servers": [{"url": "https://path.example"}], "get": {"servers": [{"url": "http://own.example/"}]}});
    assert_eq!(url(json!({}), own).0, "http://own.example/pets/{{petId}}");
    let (found, conversion) = url(json!({"servers": [{"url": "https://u:p%20w@h.example"}]}), plain());
    assert_eq!(found, "https://h.example/pets/{{petId}}");
    assert_eq!(conversion.records[0]["credentials"], json!({"username": "u", "password": "p w"}));
}

#[test]
fn parameters_are_written_as_their_style_says() {
    let query = |parameters: Value| {
        let conversion = get(json!({"parameters": parameters}));
        let of = only(&conversion).clone();
        (rows(&of["params"]), of.get("arrays").cloned().unwrap_or(Value::Null), conversion)
    };
    let list = json!({"type": "array", "items": {"type": "string"}});
    for (parameter, expected, arrays) in [
        (json!({"name": "a", "in": "query", "schema": {"type": "string"}}), vec!["a=?"], Value::Null),
        (json!({"name": "a", "in": "query", "required": true}), vec!["a={{a}}"], Value::Null),
        (json!({"name": "a.b[c]", "in": "query", "required": true}), vec!["a.b[c]={{a_b_c_}}"], Value::Null),
        (json!({"name": "{{a", "in": "query"}), vec!["{{=<% %>=}}{{<%={{ }}=%>a=?"], Value::Null),
        (
            json!({"name": "v", "in": "query", "required": true, "schema": {"enum": ["2026-01"]}}),
            vec!["v=2026-01"],
            Value::Null,
        ),
        (json!({"name": "a", "in": "query", "schema": list}), vec!["a=?"], json!("repeat")),
        (json!({"name": "a", "in": "query", "explode": false, "schema": list}), vec!["a=?"], json!("comma")),
        (
            json!({"name": "f", "in": "query", "style": "deepObject", "schema": {"type": "object"}}),
            vec!["f=?"],
            Value::Null,
        ),
        (
            json!({"name": "f", "in": "query", "required": true, "schema": {"type": ["object", "null"], "required": ["x"], "properties": {"x": {}, "y": {}}}}),
            vec!["x={{x}}", "y=?"],
            Value::Null,
        ),
        (
            json!({"name": "j", "in": "query", "required": true, "content": {"application/json": {"schema": {"type": "object"}}}}),
            vec!["j={{{j | json}}}"],
            Value::Null,
        ),
    ] {
        let found = query(json!([parameter]));
        assert_eq!((found.0, found.1), (expected.iter().map(|row| (*row).to_owned()).collect(), arrays), "{parameter}");
    }
    let two = query(
        json!([{"name": "a", "in": "query", "schema": list}, {"name": "b", "in": "query", "explode": false, "schema": list}]),
    );
    assert!(two.1 == "repeat" && left_out(&two.2, &["lists", "`b`", "repeat"]));
    for (style, words) in [("pipeDelimited", "`|`"), ("spaceDelimited", "blanks")] {
        let found = query(json!([{"name": "a", "in": "query", "style": style, "explode": false, "schema": list}]));
        assert!(left_out(&found.2, &["lists", words]), "{style}");
    }
}

#[test]
fn path_header_and_cookie_parameters() {
    let url = |style: &str| {
        let conversion =
            get(json!({"parameters": [{"name": "petId", "in": "path", "style": style, "schema": {"type": "string"}}]}));
        only(&conversion)["url"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()
    };
    assert_eq!([url("simple"), url("label"), url("matrix")], ["{{petId}}", ".{{petId}}", ";petId={{petId}}"]);
    let conversion = get(json!({"parameters": [
        {"name": "X-A", "in": "header", "required": true, "example": "1"},
        {"name": "X-B", "in": "header"},
        {"name": "Accept", "in": "header"},
        {"name": "Host", "in": "header"},
        {"name": "sid", "in": "cookie", "required": true},
        {"name": "theme", "in": "cookie"},
        {"name": "x", "in": "nowhere"},
    ]}));
    assert_eq!(rows(&only(&conversion)["headers"]), ["X-A={{X-A}}", "X-B=?", "Cookie=sid={{sid}}"]);
    for words in [["`Accept`", "media types"], ["`Host`", "connection"], ["`theme`", "Cookie"], ["`x`", "nowhere"]] {
        assert!(left_out(&conversion, &words), "{words:?}");
    }
}

#[test]
fn bodies_are_examples_or_what_a_schema_requires() {
    let post = |content: Value| {
        let operation = json!({"post": {"operationId": "make", "requestBody": {"content": content}}});
        let components = json!({"components": {
            "schemas": {"Pet": {"type": "object", "required": ["name", "tags", "id"], "properties": {
                "id": {"type": "integer", "readOnly": true}, "name": {"type": "string"}, "tags": {"type": "array", "items": {"type": "string"}},
                "kind": {"type": "string", "enum": ["cat", "dog"]}, "note": {"type": "string"}}}},
            "examples": {"cat": {"value": {"name": "Tom"}}}
        }});
        let conversion = converted(&document(operation, components));
        (only(&conversion).clone(), conversion)
    };
    let pet = json!({"$ref": "#/components/schemas/Pet"});
    let (of, _) = post(json!({"application/json": {"example": {"name": "{{x}}", "n": 1.5}}}));
    assert_eq!(of["body"], "{\n  \"name\": \"{{=<% %>=}}{{<%={{ }}=%>x}}\",\n  \"n\": 1.5\n}");
    assert_eq!(
        (&of["body_type"], rows(&of["headers"])),
        (&json!("json"), vec!["Content-Type=application/json".to_owned()])
    );
    let (of, _) = post(json!({"application/json": {"examples": {"cat": {"$ref": "#/components/examples/cat"}}}}));
    assert_eq!(of["body"], "{\n  \"name\": \"Tom\"\n}");
    let (of, conversion) = post(json!({"application/json": {"schema": pet}}));
    assert_eq!(of["body"], "{\n  \"name\": {{{name | json}}},\n  \"tags\": {{{tags | json}}},\n  \"kind\": \"cat\"\n}");
    assert_eq!(of["testData"], r#"{"name":"text","tags":["text"]}"#);
    assert!(left_out(&conversion, &["optional members", "make"]));
    let (of, conversion) =
        post(json!({"application/xml": {"example": "<pet/>"}, "application/json": {"schema": {"type": "string"}}}));
    assert_eq!(of["body"], "{{{body | json}}}");
    assert!(left_out(&conversion, &["application/xml"]));
    let (of, _) = post(json!({"application/xml": {"example": "<pet/>"}}));
    assert_eq!((&of["body_type"], &of["body"]), (&json!("xml"), &json!("<pet/>")));
    let (of, _) = post(json!({"application/x-www-form-urlencoded": {"example": {"a": 1, "b": ["x", "y"]}}}));
    assert_eq!(
        (&of["body_type"], &of["arrays"], &of["body"]),
        (&json!("form-data"), &json!("repeat"), &json!("{\n  \"a\": 1,\n  \"b\": [\"x\",\"y\"]\n}"))
    );
    let upload = json!({"type": "object", "properties": {"file": {"type": "string", "format": "binary"}, "name": {"type": "string", "example": "n"}}});
    let (of, _) =
        post(json!({"multipart/form-data": {"schema": upload, "encoding": {"file": {"contentType": "image/png"}}}}));
    let body: Value = serde_json::from_str(of["body"].as_str().unwrap()).unwrap();
    assert_eq!(
        body,
        json!({"file": {"base64": "{{file}}", "filename": "file", "contentType": "image/png"}, "name": "n"})
    );
    assert_eq!((&of["body_type"], rows(&of["headers"])), (&json!("multipart"), Vec::<String>::new()));
    let (of, conversion) = post(json!({"image/png": {}}));
    assert!(of.get("body").is_none() && left_out(&conversion, &["the body", "image/png"]));
}

#[test]
fn answers_decide_what_is_asked_for() {
    let accept = |content: Value| rows(&only(&get(json!({"responses": {"200": {"content": content}}})))["headers"]);
    assert!(accept(json!({"application/json": {}, "text/csv": {}})).is_empty());
    assert_eq!(accept(json!({"text/csv": {}, "application/vnd.x+json": {}})), ["Accept=application/vnd.x+json"]);
    assert_eq!(accept(json!({"text/csv": {}})), ["Accept=text/csv"]);
}

#[test]
fn one_security_scheme_becomes_the_credential() {
    let with = |schemes: Value, security: Value| {
        let conversion = converted(&document(
            json!({"get": {}}),
            json!({"security": security, "components": {"securitySchemes": schemes}}),
        ));
        let record = conversion.records[0].clone();
        (
            record["authtype"].as_str().unwrap().to_owned(),
            record.get("credentials").cloned().unwrap_or(Value::Null),
            conversion,
        )
    };
    let flow = json!({"tokenUrl": "https://id.example/token", "scopes": {"a": "", "b": ""}});
    for (scheme, authtype, credentials) in [
        (json!({"type": "http", "scheme": "Basic"}), "BASIC", Value::Null),
        (json!({"type": "http", "scheme": "bearer"}), "OAUTH2_BEARER", Value::Null),
        (json!({"type": "http", "scheme": "digest"}), "DIGEST", Value::Null),
        (
            json!({"type": "apiKey", "in": "query", "name": "k"}),
            "API_KEY",
            json!({"name": "k", "in": "query", "value": "********"}),
        ),
        (json!({"type": "apiKey", "in": "cookie", "name": "k"}), "HEADERS", json!({"Cookie": "********"})),
        (
            json!({"type": "oauth2", "flows": {"implicit": {}, "clientCredentials": flow}}),
            "OAUTH2_CLIENT_CREDENTIALS",
            json!({"url": "https://id.example/token", "client_id": "********", "client_secret": "********", "scope": "a b"}),
        ),
        (
            json!({"type": "oauth2", "flows": {"implicit": {"authorizationUrl": "https://x"}}}),
            "OAUTH2_BEARER",
            Value::Null,
        ),
        (json!({"type": "mutualTLS"}), "NONE", Value::Null),
    ] {
        let (found, of, conversion) = with(json!({"s": scheme}), json!([{"s": []}]));
        assert_eq!((found.as_str(), of), (authtype, credentials), "{scheme}");
        assert!(!conversion.left_out.is_empty(), "{scheme}");
    }
    let keys = json!({"a": {"type": "apiKey", "in": "header", "name": "X-A"}, "b": {"type": "apiKey", "in": "header", "name": "X-B"}});
    let (found, of, _) = with(keys.clone(), json!([{"a": [], "b": []}]));
    assert_eq!((found.as_str(), of), ("HEADERS", json!({"X-A": "********", "X-B": "********"})));
    let (_, of, conversion) = with(keys, json!([{"a": []}, {"b": []}]));
    assert_eq!(of["name"], "X-A");
    assert!(left_out(&conversion, &["the security scheme `b`", "`a` instead"]));
}

#[test]
fn operations_that_need_another_scheme_are_told() {
    let text = json!({
        "openapi": "3.0.3", "info": {"title": "T"}, "servers": [{"url": "https://h.example"}], "security": [{"a": []}],
        "paths": {"/1": {"get": {"operationId": "one"}}, "/2": {"get": {"operationId": "two", "security": [{"b": []}]}},
            "/3": {"get": {"operationId": "three", "security": []}}},
        "components": {"securitySchemes": {"a": {"type": "http", "scheme": "bearer"}, "b": {"type": "http", "scheme": "basic"}}}
    });
    let conversion = converted(&text.to_string());
    assert_eq!(conversion.records[0]["authtype"], "OAUTH2_BEARER");
    assert!(
        left_out(&conversion, &["the security scheme `b` (`two`)"])
            && left_out(&conversion, &["without authentication (`three`)"])
    );
}

#[test]
fn swagger_2_in_yaml() {
    let text = "
swagger: '2.0'
info: {title: Old, version: 1}
host: api.example.com
basePath: /v2/
schemes: [http, https]
consumes: [application/json]
securityDefinitions:
  key: {type: apiKey, in: header, name: api_key}
security:
  - key: []
paths:
  /pets:
    post:
      operationId: add
      parameters:
        - {in: body, name: pet, schema: {$ref: '#/definitions/Pet'}}
        - {in: query, name: tags, type: array, items: {type: string}, collectionFormat: multi}
      responses: {200: {description: ok}}
  /login:
    post:
      operationId: login
      consumes: [application/x-www-form-urlencoded]
      parameters:
        - {in: formData, name: user, type: string, required: true}
        - {in: formData, name: note, type: string}
definitions:
  Pet:
    example: {name: Tom}
";
    let conversion = converted(text);
    let record = &conversion.records[0];
    assert_eq!(record["credentials"], json!({"name": "api_key", "in": "header", "value": "********"}));
    let add = &record["endpoints"]["add"];
    assert_eq!(
        (&add["url"], &add["body"], &add["arrays"]),
        (&json!("https://api.example.com/v2/pets"), &json!("{\n  \"name\": \"Tom\"\n}"), &json!("repeat"))
    );
    let login = &record["endpoints"]["login"];
    assert_eq!(
        (&login["body_type"], &login["body"]),
        (&json!("form-data"), &json!("{\n  \"user\": {{{user | json}}}\n}"))
    );
    assert!(left_out(&conversion, &["the scheme `http`"]) && left_out(&conversion, &["`note`", "login"]));
}

#[test]
fn references_that_lead_nowhere_are_told_with_their_place() {
    let text = "openapi: 3.0.0\npaths:\n  /a:\n    get:\n      parameters:\n        - $ref: '#/components/parameters/a'\n        - $ref: '#/nowhere'\n        - $ref: 'other.yaml#/x'\ncomponents:\n  parameters:\n    a: {$ref: '#/components/parameters/b'}\n    b: {$ref: '#/components/parameters/a'}\n";
    let conversion = converted(text);
    assert!(left_out(&conversion, &["line 6, column 18", "circle"]), "{:?}", conversion.left_out);
    assert!(left_out(&conversion, &["`#/nowhere`", "line 7, column 18", "nothing"]));
    assert!(left_out(&conversion, &["other.yaml", "another document"]));
    // A schema that holds itself is no mistake.
    let node = json!({"components": {"schemas": {"Node": {"type": "object", "required": ["next"], "properties": {"next": {"$ref": "#/components/schemas/Node"}}}}}});
    let post = json!({"post": {"requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Node"}}}}}});
    let conversion = converted(&document(post, node));
    assert_eq!(only(&conversion)["body"], "{\n  \"next\": {{{next | json}}}\n}");
}

#[test]
fn what_is_no_call_is_told() {
    let conversion = converted(&document(
        json!({"get": {"operationId": "g", "callbacks": {"done": {}}}}),
        json!({"webhooks": {"paid": {"post": {}}}}),
    ));
    assert!(left_out(&conversion, &["callbacks (`g`)"]) && left_out(&conversion, &["the web hook `paid`"]));
    let error = convert("{\"openapi\": \"3.1.0\", \"paths\": {\"/a\": {\"summary\": \"x\"}}}", None, None).unwrap_err();
    assert!(error.to_string().contains("nothing was found in an OpenAPI document that makes a call"), "{error}");
}
