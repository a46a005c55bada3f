use serde_json::{Value, json};

use super::{changed, converted, left_out, only, rows};

/// Method, URL, parameters, headers, body type and body of the only resource.
fn call(text: &str) -> (String, String, Vec<String>, Vec<String>, Value, Value) {
    let conversion = converted(text);
    let of = only(&conversion);
    let text = |name: &str| of[name].as_str().unwrap_or_default().to_owned();
    (
        text("method"),
        text("url"),
        rows(&of["params"]),
        rows(&of["headers"]),
        of.get("body_type").cloned().unwrap_or(Value::Null),
        of.get("body").cloned().unwrap_or(Value::Null),
    )
}

fn body_of(text: &str) -> Value {
    serde_json::from_str(call(text).5.as_str().unwrap()).unwrap()
}

#[test]
fn what_a_shell_makes_of_quotes() {
    for (command, expected) in [
        ("curl https://a.example/p", "https://a.example/p"),
        ("$ curl https://a.example/p", "https://a.example/p"),
        ("# a comment\ncurl \\\n  'https://a.example/p' # and another", "https://a.example/p"),
        ("curl https://a.example/'a b'\"c\"\\ d", "https://a.example/a%20bc%20d"),
        ("curl $'https://a.example/\\x41\\u00e4\\ud83d\\ude00'", "https://a.example/Aä😀"),
        ("curl \"https://a.example/\\\"q\\\"\\n\"", "https://a.example/\"q\"%5Cn"),
        ("HOST=a.example\ncurl \"https://$HOST/${HOST}\"", "https://a.example/a.example"),
        ("curl \"https://a.example/$ID/x\"", "https://a.example/{{ID}}/x"),
        ("curl 'https://a.example/$ID'", "https://a.example/$ID"),
        ("curl a.example:81/p", "http://a.example:81/p"),
        ("curl.exe \"https://a.example/p\"", "https://a.example/p"),
        ("curl ^\"https://a.example/p^?x=1^&y=2^\" ^\n  -X GET", "https://a.example/p"),
        ("curl \"https://a.example/p\" ^\r\n  -X GET", "https://a.example/p"),
        ("curl.exe `\n  https://a.example/p", "https://a.example/p"),
        ("curl https://a.example/users/{id}/:part/{{other}}", "https://a.example/users/{{id}}/{{part}}/{{other}}"),
        ("curl --url https://a.example/p -sSL --compressed -o x", "https://a.example/p"),
        ("curl -- https://a.example/p", "https://a.example/p"),
    ] {
        assert_eq!(call(command).1, expected, "{command}");
    }
}

#[test]
fn what_is_sent_with_each_method() {
    for (arguments, method, body_type, body) in [
        ("", "GET", Value::Null, Value::Null),
        ("-I", "HEAD", Value::Null, Value::Null),
        ("-X delete", "DELETE", Value::Null, Value::Null),
        ("-XPUT -H 'Content-Type: text/plain' -d hello", "PUT", json!("raw"), json!("hello")),
        ("-d ''", "POST", Value::Null, Value::Null),
        ("-d a=1 --data b=x%20y", "POST", json!("form-data"), json!("{\n  \"a\": \"1\",\n  \"b\": \"x y\"\n}")),
        ("-d a=1 -d a=2", "POST", json!("raw"), json!("a=1&a=2")),
        ("--data-urlencode 'q=a b&c'", "POST", json!("form-data"), json!("{\n  \"q\": \"a b&c\"\n}")),
        ("-d '{\"a\": 1}'", "POST", json!("raw"), json!("{\"a\": 1}")),
        ("--json '{\"a\": 1}'", "POST", json!("json"), json!("{\"a\": 1}")),
        (
            "-H 'content-type: application/json' --data-raw $'{\"a\": \"\\'\"}'",
            "POST",
            json!("json"),
            json!("{\"a\": \"'\"}"),
        ),
        ("-H 'Content-Type: application/xml' -d '<a/>'", "POST", json!("xml"), json!("<a/>")),
        (
            "-H 'Content-Type: application/json' -d \"{\\\"id\\\": $ID, \\\"t\\\": {{t}}}\"",
            "POST",
            json!("json"),
            json!("{\"id\": {{ID}}, \"t\": {{=<% %>=}}{{<%={{ }}=%>t}}}"),
        ),
        ("-H 'Content-Type: text/x' --data-binary @- <<EOF\na\nb\nEOF", "POST", json!("raw"), json!("a\nb\n")),
    ] {
        let found = call(&format!("curl https://a.example/p {arguments}"));
        assert_eq!((found.0.as_str(), found.4, found.5), (method, body_type, body), "{arguments}");
    }
}

#[test]
fn queries_are_parameters() {
    let found = call("curl -G 'https://a.example/p?a=1&b=x%2By+z&b=2' -d c=3 --data-urlencode 'd=e f' --url-query g=h");
    assert_eq!((found.0.as_str(), found.1.as_str()), ("GET", "https://a.example/p"));
    assert_eq!(found.2, ["a=1", "b=x+y z", "b=2", "c=3", "d=e f", "g=h"]);
    // What parameters could not write stays as it is.
    assert_eq!(call("curl 'https://a.example/p?flag&a=%ff'").1, "https://a.example/p?flag&a=%ff");
}

#[test]
fn headers_come_over_but_for_those_of_the_connection() {
    let text = "curl https://a.example/p -H 'X-A: 1' -H 'X-B;' -H 'Host: b.example' -H 'Accept-Encoding: gzip' \
                -A agent -e https://r.example -H 'X-C: {{c}}'";
    let found = call(text);
    assert_eq!(found.3, ["X-A=1", "User-Agent=agent", "Referer=https://r.example", "X-C={{=<% %>=}}{{<%={{ }}=%>c}}"]);
    let conversion = converted(text);
    assert!(left_out(&conversion, &["Host", "the connection"]) && left_out(&conversion, &["Accept-Encoding"]));
    assert!(left_out(&conversion, &["X-B", "without a value"]));
    let lines = "curl https://a.example/p -H 'X-A: 1' -H 'x-a: 2' -u a:b -b c=1 -b d=2";
    assert_eq!(call(lines).3, ["X-A=1, 2", "Cookie=c=1; d=2"]);
    assert!(changed(&converted(lines), "The lines of the header `X-A`"));
}

#[test]
fn credentials_go_where_they_belong() {
    for (arguments, authtype, credentials) in [
        ("-H 'Authorization: Bearer abcdef'", "OAUTH2_BEARER", json!({"token": "abcdef"})),
        ("--oauth2-bearer abcdef", "OAUTH2_BEARER", json!({"token": "abcdef"})),
        ("-u user:pa:ss", "BASIC", json!({"username": "user", "password": "pa:ss"})),
        ("-u user", "BASIC", json!({"username": "user", "password": "********"})),
        ("-H 'authorization: basic dXNlcjpwYXNz'", "BASIC", json!({"username": "user", "password": "pass"})),
        ("--digest -u a:b", "DIGEST", json!({"username": "a", "password": "b"})),
        ("-H 'X-API-Key: abc'", "API_KEY", json!({"name": "X-API-Key", "in": "header", "value": "abc"})),
        ("-H \"X-API-Key: $KEY\"", "API_KEY", json!({"name": "X-API-Key", "in": "header", "value": "********"})),
        ("--url-query api_key=abc", "API_KEY", json!({"name": "api_key", "in": "query", "value": "abc"})),
        ("-H 'Authorization: token abc'", "HEADERS", json!({"Authorization": "token abc"})),
        ("-b 'sid=1; a=2'", "HEADERS", json!({"Cookie": "sid=1; a=2"})),
        ("-H \"Authorization: Bearer $TOKEN\"", "OAUTH2_BEARER", Value::Null),
        ("-k", "NONE", json!({"verify_certificate": false})),
        (
            "--aws-sigv4 aws:amz:eu-west-1:s3 -u id:secret",
            "AWS_SIGV4",
            json!({"access_key_id": "id", "secret_access_key": "secret", "region": "eu-west-1", "service": "s3"}),
        ),
    ] {
        let conversion = converted(&format!("curl https://a.example/p {arguments}"));
        let record = &conversion.records[0];
        assert_eq!(
            (&record["authtype"], record.get("credentials").unwrap_or(&Value::Null)),
            (&json!(authtype), &credentials)
        );
        let of = only(&conversion);
        assert!(rows(&of["headers"]).is_empty() && rows(&of["params"]).is_empty(), "{arguments}: {of}");
        assert!(!conversion.changed.is_empty() || !conversion.left_out.is_empty(), "{arguments}");
    }
    let conversion = converted("curl https://a.example/p -H 'Authorization: Bearer abcdef'");
    assert_eq!(conversion.changed, ["The bearer token went into the credentials."]);
    // One credential: the other stays, and is told.
    let conversion = converted("curl https://a.example/p -H 'Authorization: Bearer abcdef' -b sid=1");
    assert_eq!(rows(&only(&conversion)["headers"]), ["Cookie=sid=1"]);
    assert!(changed(&conversion, "stays a header"));
    let conversion = converted("curl https://user:pass@a.example/p");
    assert_eq!(
        (&conversion.records[0]["authtype"], &only(&conversion)["url"]),
        (&json!("BASIC"), &json!("https://a.example/p"))
    );
}

#[test]
fn forms_hold_fields_and_files() {
    let text =
        "curl https://a.example/p -F a=1 -F 'b=two;type=text/x' -F 'f=@dir/photo.jpg;type=image/jpeg' -F t=1 -F t=2";
    let body = body_of(text);
    assert_eq!(
        body,
        json!({"a": "1", "b": "two", "f": {"base64": "{{f}}", "filename": "photo.jpg", "contentType": "image/jpeg"}, "t": ["1", "2"]})
    );
    let conversion = converted(text);
    assert_eq!(
        (&only(&conversion)["body_type"], &only(&conversion)["arrays"]),
        (&json!("multipart"), &json!("repeat"))
    );
    assert!(left_out(&conversion, &["photo.jpg", "`f`"]) && left_out(&conversion, &["`type`", "`b`"]));
}

#[test]
fn commands_are_grouped_by_host_and_credential() {
    let text = "curl https://a.example/orders/list -u u:password -m 5 --retry 2\n\
                curl https://a.example/orders/list -u u:password -d x=1; curl https://a.example/\n\
                curl https://b.example/x --next -X POST https://b.example/y | jq .";
    let conversion = converted(text);
    let found: Vec<(&str, Vec<&String>)> = conversion
        .records
        .iter()
        .map(|record| (record["name"].as_str().unwrap(), record["endpoints"].as_object().unwrap().keys().collect()))
        .collect();
    let names: Vec<String> = found.iter().map(|(name, keys)| format!("{name}: {keys:?}")).collect();
    assert_eq!(names, ["a.example: [\"list\", \"list-2\"]", "a.example-2: [\"call\"]", "b.example: [\"x\", \"y\"]"]);
    let first = &conversion.records[0]["endpoints"]["list"];
    assert_eq!((&first["timeout"], &first["retry_attempts"]), (&json!("5"), &json!("2")));
    assert!(left_out(&conversion, &["jq ."]));
}

#[test]
fn what_does_not_come_over_is_told() {
    for (arguments, words) in [
        ("-o out.json", "what becomes of the answer"),
        ("> out.json", "files are not part"),
        ("-x http://proxy", "proxies"),
        ("-d @body.json", "body.json"),
        ("-T upload.bin", "upload.bin"),
        ("-b cookies.txt", "cookies.txt"),
        ("-H @headers", "headers"),
        ("--wonder", "not known"),
        ("--cert c.pem", "client_certificate"),
        ("-L -X POST", "redirects"),
        ("ftp://b.example/", "only http and https"),
        ("'https://a.example/{a,b}'", "the first of these"),
        ("-d a=1 & echo done", "echo done"),
    ] {
        let conversion = converted(&format!("curl https://a.example/p {arguments}"));
        assert!(left_out(&conversion, &[words]), "{arguments}: {:?}", conversion.left_out);
    }
}

/// As browsers copy a request for `cmd.exe`.
#[test]
fn carets_and_backslashes_of_windows() {
    let text = "curl ^\"https://a.example/p?x=%20y^\" ^\n  -H ^\"content-type: application/json^\" ^\n  \
                --data-raw ^\"^{^\\^\"a^\\^\":^\\^\"b ^& c^\\^\"^}^\"";
    let found = call(text);
    assert_eq!(
        (found.1.as_str(), found.2, found.5),
        ("https://a.example/p", vec!["x= y".to_owned()], json!("{\"a\":\"b & c\"}"))
    );
    let found = call(
        "curl -X POST https://a.example/%PART% ^\n -H \"Content-Type: application/json\" -d \"{\\\"a\\\": \\\"x y\\\"}\"",
    );
    assert_eq!((found.1.as_str(), found.5), ("https://a.example/{{PART}}", json!("{\"a\": \"x y\"}")));
}
