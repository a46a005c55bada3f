//! One row a rule of "Writing a request" (CONTRACT 6).

use super::*;

fn aws() -> PreparedCredentials {
    let keys = json!({"access_key_id": "a", "secret_access_key": "secret-key", "region": "us-east-1", "service": "execute-api"});
    credentials("AWS_SIGV4", keys)
}

fn query(plan: &Plan) -> &str {
    plan.request.url.query().unwrap_or_default()
}

#[test]
fn a_query_keeps_the_bytes_it_was_written_with() {
    let data = json!({"v": "a b&c~ü", "raw": "x%20y&z=%E4+1"});
    for (written, element, expected) in [
        ("l=4&wiki=Gesch%E4ft", json!({}), "l=4&wiki=Gesch%E4ft"),
        ("a=%7e%2F%2f/:@!$,;[]~*", json!({}), "a=%7e%2F%2f/:@!$,;[]~*"),
        ("a=x%20y+z%2B", json!({}), "a=x%20y+z%2B"),
        ("flag&empty=&=x", json!({}), "flag&empty=&=x"),
        ("a=1&a=2&b[]=%00", json!({}), "a=1&a=2&b[]=%00"),
        // What is added, replaced or read by a variable leaves the rest as it is.
        ("wiki=Gesch%E4ft&flag", rows(&[("PARAM", "p", "{{v}}")]), "wiki=Gesch%E4ft&flag&p=a+b%26c%7E%C3%BC"),
        ("wiki=Gesch%E4ft&p=1&flag", rows(&[("PARAM", "p", "2")]), "wiki=Gesch%E4ft&p=2&flag"),
        ("%70=1&x=%20", rows(&[("PARAM", "p", "2")]), "p=2&x=%20"),
        ("wiki=Gesch%E4ft&q={{v}}", json!({}), "wiki=Gesch%E4ft&q=a+b%26c%7E%C3%BC"),
        ("a=%20&{{{raw}}}", json!({}), "a=%20&x%20y&z=%E4+1"),
        ("a=%20{{#v}}&b=%20{{/v}}", json!({}), "a=%20&b=%20"),
        // The raw query of an element too.
        ("a=%20&b=1", json!({"queryString": "b=%E4+x&c=%7e&d"}), "a=%20&b=%E4+x&c=%7e&d"),
    ] {
        let resource = json!({"url": format!("https://h/x?{written}")});
        assert_eq!(url(resource, element, data.clone()), format!("https://h/x?{expected}"), "{written}");
    }
    for written in ["https://h/x", "https://h/x?", "https://h/x?&&", "https://h/x#a=1"] {
        assert_eq!(url(json!({"url": written}), json!({}), json!({})), "https://h/x", "{written}");
    }
}

#[test]
fn a_space_in_a_query_is_written_as_its_server_reads_it() {
    let everywhere = "https://h/a%20b?own=%20+&v={{v}}";
    let element = json!({"outboundConfig": [{"type": "PARAM", "key": "p q", "value": "{{v}}"}]});
    let plus = "own=%20+&v=a+b%2B&p+q=a+b%2B";
    let percent = "own=%20+&v=a%20b%2B&p%20q=a%20b%2B";
    for (space, expected) in [(json!(null), plus), (json!("+"), plus), (json!("%20"), percent)] {
        let resource = json!({"url": everywhere, "space": space});
        let plan = plan_with(resource, element.clone(), json!({"v": "a b+"}), &anonymous()).unwrap();
        assert_eq!(query(&plan), expected, "{space}");
        assert_eq!(plan.request.url.path(), "/a%20b");
    }
    // What is signed has no `+` of ours, whatever the record says.
    for space in [json!(null), json!("+"), json!("%20")] {
        let resource = json!({"url": "https://h/?v={{v}}", "space": space, "params": [{"key": "d", "value": "{{v}}"}]});
        let plan = plan_with(resource, json!({}), json!({"v": "a b+"}), &aws()).unwrap();
        assert_eq!(query(&plan), "v=a%20b%2B&d=a%20b%2B", "{space}");
    }
    let problem = refused(json!({"url": "https://h/", "space": "_"}), json!({}), json!({}));
    assert!(problem.contains("endpoints.r.space: `_` is not %20 or +"), "{problem}");
}

#[test]
fn lists_go_into_queries_and_forms_as_their_server_reads_them() {
    let value = "{{{to | json}}}";
    for (arrays, to, expected) in [
        ("php", json!(["a", "b,c"]), "to%5B0%5D=a&to%5B1%5D=b%2Cc"),
        ("repeat", json!(["a", "b,c"]), "to=a&to=b%2Cc"),
        ("comma", json!(["a", "b,c"]), "to=a,b%2Cc"),
        ("comma", json!(["a", null, true, 2.0, ""]), "to=a,1,2,"),
        ("repeat", json!(["a", null, true, 2.0, ""]), "to=a&to=1&to=2&to="),
        ("comma", json!(["only"]), "to=only"),
        ("comma", json!("a,b"), "to=a%2Cb"),
        ("repeat", json!([]), ""),
        ("comma", json!([null]), ""),
        ("repeat", json!({"x": ["a", "b"]}), "to%5Bx%5D=a&to%5Bx%5D=b"),
        ("comma", json!({"x": ["a", "b"]}), "to%5Bx%5D=a,b"),
        ("repeat", json!([["a", "b"], {"k": "c"}]), "to=a&to=b&to%5Bk%5D=c"),
        ("comma", json!([["a", "b"], {"k": "c"}]), "to%5B0%5D=a,b&to%5B1%5D%5Bk%5D=c"),
    ] {
        let data = json!({"to": to});
        let form = json!({"url": "https://h/", "method": "POST", "body_type": "form-data", "arrays": arrays,
            "body": format!("{{\"to\": {value}}}")});
        assert_eq!(planned(form, json!({}), data.clone()).body, expected, "form {arrays} {to}");
        let row = feel("PARAM", "to", "to");
        let get = json!({"url": "https://h/", "arrays": arrays});
        let of_query = planned(get.clone(), row.clone(), data.clone());
        assert_eq!(of_query.url.query().unwrap_or_default(), expected, "query {arrays} {to}");
        let declared = json!({"url": "https://h/", "arrays": arrays, "params": [{"key": "to"}]});
        assert_eq!(planned(declared, row, data).url.query().unwrap_or_default(), expected, "declared {arrays} {to}");
    }
    let multipart = |arrays: &str| {
        let post = json!({"url": "https://h/", "method": "POST", "body_type": "multipart", "arrays": arrays,
            "body": "{\"to\": [\"a\", \"b\"]}"});
        parts(&planned(post, json!({}), json!({})))
            .into_iter()
            .map(|part| part.replace("\r\n\r\n", " "))
            .collect::<Vec<_>>()
    };
    let part = |name: &str, text: &str| format!("Content-Disposition: form-data; name=\"{name}\" {text}");
    assert_eq!(multipart("php"), [part("to[0]", "a"), part("to[1]", "b")]);
    assert_eq!(multipart("repeat"), [part("to", "a"), part("to", "b")]);
    assert_eq!(multipart("comma"), [part("to", "a,b")]);
    let problem = refused(json!({"url": "https://h/", "arrays": "csv"}), json!({}), json!({}));
    assert!(problem.contains("endpoints.r.arrays: `csv` is not php or repeat or comma"), "{problem}");
}

/// A DELETE must not lose its id.
#[test]
fn a_variable_that_is_a_whole_part_of_the_path_is_not_empty() {
    let data = json!({"null": null, "empty": "", "blank": " \t", "id": "7", "list": ["a", ""], "dir": "a/"});
    for (path, vanished) in [
        ("/users/{{gone}}", Some("gone")),
        ("/users/{{null}}", Some("null")),
        ("/users/{{empty}}", Some("empty")),
        ("/users/{{blank}}", Some("blank")),
        ("/users/{{{empty}}}", Some("empty")),
        ("/users/{{ gone.id }}/orders", Some("gone.id")),
        ("/{{empty}}/orders", Some("empty")),
        ("/users/{{empty}}?force=1", Some("empty")),
        ("/users/{{empty}}#top", Some("empty")),
        ("/users/{{empty}}/", Some("empty")),
        ("/users/{{empty}}{{gone}}", Some("empty")),
        ("/users/{{{empty | base64}}}", Some("empty")),
        ("/users/{{id}}/{{empty}}", Some("empty")),
        ("/users{{#id}}/{{empty}}{{/id}}", Some("empty")),
        ("/users{{#list}}/{{.}}{{/list}}", Some(".")),
        ("/users/{{{dir}}}{{empty}}", Some("empty")),
        // A part of a part, a query, and what a section leaves out as a whole may be empty.
        ("/users/{{id}}", None),
        ("/users/{{id}}{{empty}}", None),
        ("/users/u-{{empty}}", None),
        ("/users/{{empty}}.json", None),
        ("/users/({{empty}})", None),
        ("/users?id={{empty}}", None),
        ("/users?next=/{{empty}}/x", None),
        ("/users/{{#empty}}{{empty}}{{/empty}}", None),
        ("/users{{#empty}}/{{empty}}{{/empty}}", None),
        ("/users{{#id}}?a={{empty}}/{{empty}}{{/id}}", None),
    ] {
        for method in ["DELETE", "GET", "POST"] {
            for origin in ["https://h", ""] {
                let resource = json!({"url": format!("{origin}{path}"), "method": method});
                let planned = plan_with(resource, json!({}), data.clone(), &anonymous()).map(|_| ());
                let expected = match vanished {
                    Some(name) => Err(format!("url: `{name}` is empty, and it is a whole part of the path")),
                    None => Ok(()),
                };
                match (&planned, &expected) {
                    (Err(problem), Err(begin)) => assert!(problem.starts_with(begin), "{path}: {problem}"),
                    _ => assert_eq!(planned, expected, "{method} {origin}{path}"),
                }
            }
        }
    }
    // Rows are what the URL sees.
    let resource = json!({"url": "https://h/users/{{id}}", "method": "DELETE", "params": []});
    let problem = refused(resource.clone(), rows(&[("PARAM", "id", "{{gone}}")]), json!({"id": 7}));
    assert!(problem.starts_with("url: `id` is empty"), "{problem}");
    assert_eq!(url(resource, rows(&[("PARAM", "id", "0")]), json!({})), "https://h/users/0");
}

#[test]
fn a_bodys_escaping_follows_its_content_type() {
    let (xml, json_text, plain) = ("a&amp;b=&lt;1&gt; &quot;+&quot;", r#"a&b=<1> \"+\""#, "a&b=<1> \"+\"");
    let form = "a%26b%3D%3C1%3E+%22%2B%22";
    for (kind, content_type, expected) in [
        ("", "application/x-www-form-urlencoded", form),
        ("raw", "Application/X-WWW-Form-Urlencoded; charset=UTF-8", form),
        ("text", " application/x-www-form-urlencoded ", form),
        ("", "application/json", json_text),
        ("", "application/problem+json;charset=utf-8", json_text),
        ("", "text/json", json_text),
        ("", "text/xml", xml),
        ("", "application/soap+xml; action=\"x\"", xml),
        ("", "text/plain", plain),
        ("", "application/octet-stream", plain),
        // The body type counts before the content type.
        ("json", "application/x-www-form-urlencoded", json_text),
        ("xml", "application/json", xml),
    ] {
        for method in ["POST", "PUT", "PATCH", "DELETE", "GET"] {
            let resource = json!({"url": "https://h/", "method": method, "body_type": kind, "body": "x={{v}}&y={{{v}}}",
                "headers": [{"key": "content-type", "value": content_type, "required": true}]});
            let request = planned(resource, json!({}), json!({"v": plain}));
            assert_eq!(request.body, format!("x={expected}&y={plain}"), "{method} {kind} {content_type}");
        }
    }
    // A row's type counts as the resource's does, in sections too; ProcessMaker's way stays a switch.
    let resource = |escape: &str| {
        json!({"url": "https://h/", "method": "POST", "escape": escape,
            "body": "{{#list}}to={{.}}&{{/list}}msg={{msg}}"})
    };
    let typed = rows(&[("HEADER", "Content-Type", "application/x-www-form-urlencoded"), ("BODY", "msg", "{{m}}")]);
    let data = json!({"list": ["a&b", "c d"], "m": "x y+z"});
    assert_eq!(planned(resource("slot"), typed.clone(), data.clone()).body, "to=a%26b&to=c+d&msg=x+y%2Bz");
    assert_eq!(planned(resource("html"), typed, data).body, "to=a&amp;b&to=c d&msg=x y+z");
}

#[test]
fn whole_numbers_are_written_without_a_fraction() {
    let element = |kind: &str| feel(kind, "n", "amount * 1.5");
    let data =
        json!({"amount": 120, "list": [180.0, 2.5, {"x": 1.0}], "big": 12_345_678_901_234_567_890_u64, "whole": 7.0});
    for resource in [json!({"url": "https://h/"}), json!({"url": "https://h/", "params": [{"key": "n"}]})] {
        assert_eq!(url(resource, element("PARAM"), data.clone()), "https://h/?n=180");
    }
    assert_eq!(
        url(json!({"url": "https://h/{{n}}?q={{whole}}", "params": []}), element("PARAM"), data.clone()),
        "https://h/180?q=7"
    );
    let lists =
        json!({"outboundConfig": [{"type": "PARAM", "key": "l", "value": "[amount * 1.5, 2.5]", "format": "feel"}]});
    assert_eq!(url(json!({"url": "https://h/", "arrays": "comma"}), lists, data.clone()), "https://h/?l=180,2.5");
    let post = |kind: &str, body: &str| json!({"url": "https://h/", "method": "POST", "body_type": kind, "body": body});
    for (kind, body, expected) in [
        ("json", r#"{"n": {{n}}, "l": {{{list | json}}}}"#, r#"{"n": 180, "l": [180,2.5,{"x":1}]}"#),
        ("json", r"{{{big | json}}} {{{n | json}}}", "12345678901234567890 180"),
        ("xml", "<n>{{n}}</n>{{{list | xml}}}", "<n>180</n><item>180</item><item>2.5</item><item><x>1</x></item>"),
        (
            "form",
            r#"{"n": {{n}}, "w": 7.0, "l": {{{list | json}}}}"#,
            "n=180&w=7&l%5B0%5D=180&l%5B1%5D=2.5&l%5B2%5D%5Bx%5D=1",
        ),
        ("raw", "{{n}} {{whole}} {{{list | base64}}}", "180 7 WzE4MCwyLjUseyJ4IjoxfV0="),
    ] {
        assert_eq!(planned(post(kind, body), element("BODY"), data.clone()).body, expected, "{kind} {body}");
    }
    let header = planned(json!({"url": "https://h/"}), rows(&[("HEADER", "X-N", "{{whole}}")]), data);
    assert!(header_texts(&header).contains(&"x-n: 7".to_owned()));
}

#[test]
fn a_json_body_that_is_none_is_told() {
    let json_type = json!([{"key": "Content-Type", "value": "application/vnd.api+json"}]);
    for (kind, headers, body, told) in [
        ("json", json!([]), r#"{"q": {{gone}}}"#, true),
        ("json", json!([]), r#"{"q": {{text}}}"#, true),
        ("json", json!([]), "{{gone}}", true),
        ("json", json!([]), r#"{"q": 1} {"q": 2}"#, true),
        ("json", json!([]), r#"{"q": [{{#list}}{{.}},{{/list}}]}"#, true),
        ("", json_type.clone(), r#"{"q": {{gone}}}"#, true),
        ("json", json!([]), r#"{"q": "{{gone}}"}"#, false),
        ("json", json!([]), r#"{"q": {{{gone | json}}}, "t": "{{text}}"}"#, false),
        ("json", json!([]), " 5 ", false),
        ("", json_type, r#"{"q": {{n}}}"#, false),
        // What is not meant as JSON.
        ("", json!([]), r#"{"q": {{gone}}}"#, false),
        ("xml", json!([]), "<q>{{gone}}</q>", false),
        ("json", json!([]), "", false),
    ] {
        for method in ["POST", "PUT", "DELETE"] {
            let resource =
                json!({"url": "https://h/", "method": method, "body_type": kind, "headers": headers, "body": body});
            let data = json!({"text": "confidential \"", "n": 1, "list": [1, 2]});
            let plan = plan_with(resource, json!({}), data, &anonymous()).unwrap();
            assert_eq!(plan.warnings.len(), usize::from(told), "{kind} {body}: {:?}", plan.warnings);
            assert!(plan.warnings.iter().all(|w| w.contains("no JSON") && !w.contains("confidential")));
        }
    }
}

#[test]
fn names_of_headers_are_kept_as_they_were_written() {
    let resource = json!({"url": "https://h/", "headers": [
        {"key": "X-Store-Name", "value": "a", "required": true}, {"key": "x-lower", "value": "b", "required": true}]});
    let element =
        rows(&[("HEADER", "SOAPAction", "c"), ("HEADER", "x-STORE-name", "d"), ("HEADER", "X-Gone", "{{gone}}")]);
    let written = |plan: &Plan| plan.request.written.to_vec();
    let plan = plan_with(resource.clone(), element, json!({}), &anonymous()).unwrap();
    assert_eq!(written(&plan), ["x-STORE-name", "x-lower", "SOAPAction"]);
    for (authtype, members, name) in [
        ("API_KEY", json!({"name": "X-API-KEY", "value": "k"}), Some("X-API-KEY")),
        ("API_KEY", json!({"name": "KEY", "value": "k", "in": "query"}), None),
        ("HEADERS", json!({"X-MyToken": "k{{gone}}"}), Some("X-MyToken")),
    ] {
        let plan = plan_with(resource.clone(), json!({}), json!({}), &credentials(authtype, members)).unwrap();
        let expected: Vec<&str> = ["X-Store-Name", "x-lower"].into_iter().chain(name).collect();
        assert_eq!(written(&plan), expected, "{authtype}");
        let away = plan.request.away_from_home(Url::parse("https://other/").unwrap());
        assert!(away.written.is_empty(), "no configured header goes there");
    }
}

/// RFC 7617: a user or a password of no characters; and nothing is in every text.
#[test]
fn an_empty_user_or_password_is_one() {
    for (members, user, pass) in [
        (json!({"username": "sk_test_key", "password": ""}), "sk_test_key", ""),
        (json!({"username": "sk_test_key"}), "sk_test_key", ""),
        (json!({"username": "sk_test_key", "password": null}), "sk_test_key", ""),
        (json!({"username": "", "password": "p-secret"}), "", "p-secret"),
        (json!({"password": "p-secret"}), "", "p-secret"),
    ] {
        let basic = credentials("BASIC", members.clone());
        let resource = json!({"url": "https://h/x?q=abc", "method": "POST", "body": "{}", "body_type": "json"});
        let request = plan_with(resource, json!({}), json!({}), &basic).unwrap().request;
        let Authorization::Basic { username, password } = &request.authorization else { panic!("{members}") };
        assert_eq!((username.as_str(), secrecy::ExposeSecret::expose_secret(password)), (user, pass), "{members}");
        assert_eq!(request.redactor.redacted_text("a {\"b\": \"\"} c"), "a {\"b\": \"\"} c", "{members}");
        let pair = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, format!("{user}:{pass}"));
        let echo = if pass.is_empty() { pair.clone() } else { MASK.to_owned() };
        assert_eq!(request.redactor.redacted_text(&pair), echo, "{members}: a user's name is no secret");
        let shown = request.redacted();
        assert!(shown.headers.contains(&("authorization".to_owned(), format!("Basic {MASK}"))), "{members}");
        assert_eq!((shown.url.as_str(), shown.body.as_str()), ("https://h/x?q=abc", "{}"), "{members}");
    }
    for members in [json!({}), json!({"username": "", "password": ""}), json!({"username": null})] {
        let refused = Credentials::read("BASIC", &object(members.clone())).unwrap_err();
        assert!(refused.to_string().contains("credentials.username: is missing"), "{members}: {refused}");
    }
}
