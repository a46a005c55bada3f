//! Large inputs, and what is parsed how often.

use super::*;

/// Two jobs of one element and connector: planning and interpreting parse nothing.
#[tokio::test]
async fn nothing_is_parsed_twice_for_the_same_connector() {
    let record = json!({"name": "A", "success": "status < 300", "endpoints": {"r": {"url": "https://h/{{a}}?b={{c}}", "method": "POST",
        "headers": [{"key": "X-{{a}}", "value": "{{b}}"}], "body": "{{#l}}{{.}}{{/l}}", "params": [{"key": "{{a}}", "value": "{{b}}"}],
        "errorMapping": [{"when": "body.a == 1", "code": "A", "message": "{{a}}"}]}}});
    let element = json!({"outboundConfig": [{"type": "PARAM", "key": "a", "value": "1 + 1", "format": "feel"}, {"type": "BODY", "key": "l", "value": "{{a}}"}],
        "dataMapping": [{"key": "{{k}}", "value": "$.a[*]"}, {"key": "b", "value": "a[0]", "format": "jmespath"}, {"key": "c", "value": "count(a)", "format": "feel"}]});
    let mut config = json!({"dataSource": "A", "endpoint": "r"});
    config.as_object_mut().unwrap().extend(element.as_object().cloned().unwrap());
    let config = config.as_object().cloned().unwrap();
    let connector = ResolvedConnector::new(record.as_object().unwrap(), &Map::new(), plan::CredentialId::default());
    let element = element_cache::ElementCache::default().get(&ConfigObject::new(config.clone())).await.unwrap();
    let parsed = parse_count::total();
    assert!(parsed > 10, "{parsed}");
    for round in 0..3 {
        let job = job(&Value::Object(config.clone()), &json!({"k": "v", "a": round, "b": "x", "c": 1}));
        let invocation = Invocation::of_job(&job, None);
        let secrets = plan::Secrets::default();
        let plan = prepare::plan_with(&invocation, &element, &Map::new(), &connector, &secrets, &limits()).unwrap();
        let [resource, of_connector] = connector.rules.as_ref().unwrap().of("r").unwrap();
        let limits = limits();
        let context = ResponseContext {
            data: &job.scope,
            mapping: &element.mapping,
            rules: [&element.rules, resource, of_connector],
            method: &plan.request.method,
            ctx: limits.eval_context(0),
            inline_bytes: 1,
            redactor: &crate::plan::Redactor::default(),
        };
        let response = |status| Response {
            status,
            headers: http::HeaderMap::new(),
            body: "{\"a\":[1]}".into(),
            warnings: Vec::new(),
        };
        assert_eq!(interpret::interpret(&response(200), &context).unwrap().data["v"], json!([1]));
        interpret::bpmn_error(&interpret::interpret(&response(404), &context).unwrap_err(), &context);
    }
    assert_eq!(parse_count::total(), parsed);
}

#[tokio::test]
async fn a_large_answer_is_read_where_it_has_room_and_refused_where_it_never_has() {
    let element = json!({"dataMapping": [{"key": "all", "value": ""}]});
    let prepared = prepared(&json!({"url": "http://127.0.0.1/"}), &element, &json!({})).await.unwrap();
    let interpreted = |status, body: &Value| {
        let (headers, body) = (http::HeaderMap::new(), body.to_string().into());
        prepared.call.interpreted(Response { status, headers, body, warnings: Vec::new() }, &prepared.calls.memory)
    };
    let list = |items: usize| Value::from(vec![0; items]);
    assert_eq!(interpreted(200, &list(50_000)).await.unwrap().mapped.data["all"], list(50_000));
    let refused = interpreted(200, &list(500_000)).await.unwrap_err();
    assert!(refused.code == Code::BadResponse && refused.message.contains("a part of limits.memory"), "{refused:?}");
    assert_eq!(interpreted(503, &list(500_000)).await.unwrap_err().code, Code::Http(503), "what the status says stays");
    let text = json!({"text": ",[{".repeat(1_000_000)});
    assert!(interpreted(200, &text).await.is_ok(), "a text takes no more than its length");
}

#[tokio::test]
async fn rows_that_name_the_whole_answer_again_and_again_are_refused_before_they_are_copied() {
    let rows: Vec<Value> = (0..60).map(|n| json!({"key": format!("k{n}"), "value": ""})).collect();
    let prepared =
        prepared(&json!({"url": "http://127.0.0.1/"}), &json!({"dataMapping": rows}), &json!({})).await.unwrap();
    let body = json!({"a": vec!["text"; 40_000]}).to_string().into();
    let response = Response { status: 200, headers: http::HeaderMap::new(), body, warnings: Vec::new() };
    let refused = prepared.call.interpreted(response, &prepared.calls.memory).await.unwrap_err();
    assert!(refused.code == Code::ResultTooLarge && refused.message.contains("take more than"), "{refused:?}");
}

#[tokio::test]
async fn what_is_planned_in_a_thread_is_planned_as_ever() {
    let row = |n: usize| json!({"type": "PARAM", "key": format!("k{n}"), "value": "a ~ 1", "format": "feel"});
    let rows = |count: usize| json!({"outboundConfig": (0..count).map(row).collect::<Vec<_>>()});
    let resource = json!({"url": "http://127.0.0.1/{{a}}"});
    for count in [1, 9] {
        let prepared = prepared(&resource, &rows(count), &json!({"a": "b"})).await.unwrap();
        assert_eq!(prepared.call.element.work.is_long(prepared.call.invocation.data), count > 8);
        let expected: Vec<String> = (0..count).map(|n| format!("k{n}=b1")).collect();
        let url = prepared.call.request().raw_url().to_string();
        assert_eq!(url, format!("http://127.0.0.1/b?{}", expected.join("&")));
    }
    let large = json!({"a": "b".repeat(1_000_000)});
    let prepared = prepared(&json!({"url": "http://127.0.0.1/"}), &rows(0), &large).await.unwrap();
    assert!(prepared.call.element.work.is_long(prepared.call.invocation.data));
}

/// A body that takes more than all of the room is planned once it has that, and until then holds up nobody.
#[tokio::test]
async fn a_large_request_waits_for_room_and_is_deferred_without() {
    let resource =
        json!({"url": "http://127.0.0.1/", "method": "POST", "body_type": "json", "body": "{\"a\": \"{{a}}{{a}}\"}"});
    let prepared = prepared(&resource, &json!({}), &json!({"a": "b".repeat(6_000_000)})).await.unwrap();
    let Prepared { calls, call } = prepared;
    let invocation = call.invocation;
    let planned = || calls.prepare_within(Duration::from_millis(50), invocation);
    assert!(planned().await.unwrap().is_none(), "the first one has it");
    drop(call);
    assert!(planned().await.unwrap().is_some_and(|call| call.request().body_length() > 12_000_000));
}

/// Rows that multiply are read in a thread of their own, however small the answer is, and give what they give there.
#[tokio::test]
async fn rows_that_make_much_work_are_no_work_for_the_runtime() {
    for (rows, is_long) in [
        (json!([{"key": "v", "value": "a.0"}]), false),
        (json!([{"key": "v", "value": "$.a[0]"}]), false),
        (json!([{"key": "v", "value": "$..a[0]"}, {"key": "w", "value": "a.1"}]), false),
        (json!([{"key": "v", "value": "$.a[?@ == 1 && $.a]"}]), true),
        (json!([{"key": "v", "value": "$.a[?search(@, 'x')]"}]), true),
        (json!([{"key": "v", "value": "{{#a}}{{.}}{{/a}}", "format": "mustache"}]), true),
        (json!([{"key": "v", "value": "a[0]", "format": "feel"}]), false),
        (json!([{"key": "v", "value": "a[0] matches '/1/'", "format": "feel"}]), true),
        (json!([{"key": "v", "value": "a[0]", "format": "jmespath"}]), false),
        (json!([{"key": "v", "value": "[a,a,a,a,a,a,a,a,a][].[@,@]", "format": "jmespath"}]), true),
    ] {
        let element = json!({"dataMapping": rows});
        let prepared = prepared(&json!({"url": "http://127.0.0.1/"}), &element, &json!({})).await.unwrap();
        assert_eq!(prepared.call.element.mapping.is_long(), is_long, "{rows}");
        let body = r#"{"a": [1, 2]}"#.into();
        let response = Response { status: 200, headers: http::HeaderMap::new(), body, warnings: Vec::new() };
        prepared.call.interpreted(response, &prepared.calls.memory).await.unwrap();
    }
}

#[tokio::test]
async fn rows_that_share_an_answer_are_no_copies_of_it() {
    for (rows, copies) in
        [(vec!["a.b", "a.c", "a.d.e"], 1), (vec!["a.b", "a.b", "a.b"], 3), (vec!["", "a", "a.b"], 3), (vec![], 0)]
    {
        let rows: Vec<Value> = rows.iter().map(|source| json!({"key": "k", "value": source})).collect();
        let element = json!({"dataMapping": rows});
        let prepared = prepared(&json!({"url": "http://127.0.0.1/"}), &element, &json!({})).await.unwrap();
        assert_eq!(prepared.call.element.mapping.copies(), copies, "{rows:?}");
    }
}

/// Whatever rows render to: headers and parameters have an end long before the memory has.
#[tokio::test]
async fn headers_have_a_limit_together() {
    let long = json!({"x": "y".repeat(1_000)});
    for (kind, count, expected) in [("HEADER", 100, None), ("HEADER", 200, Some("take more than 131072 bytes"))] {
        let row = |n: usize| json!({"type": kind, "key": format!("X-{n}"), "value": "{{x}}"});
        let element = json!({"outboundConfig": (0..count).map(row).collect::<Vec<_>>()});
        let planned = prepared(&json!({"url": "http://127.0.0.1/"}), &element, &long).await;
        let problem = planned.err().map(|failure| failure.message);
        assert_eq!(problem.is_some(), expected.is_some(), "{problem:?}");
        assert!(problem.unwrap_or_default().contains(expected.unwrap_or_default()));
    }
}
