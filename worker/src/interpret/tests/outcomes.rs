//! What makes a success, and which error a failure is mapped onto.

use super::*;

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
