//! Pages, polls and files within one attempt.

use super::*;

#[tokio::test]
async fn pages_are_fetched_within_one_attempt_and_joined() {
    let server = RawServer::start(|request, _| {
        let page = line(request).split("page=").nth(1).and_then(|rest| rest.split([' ', '&']).next()?.parse().ok());
        let page: u32 = page.unwrap_or(1);
        let items: Vec<u32> = if page <= 3 { vec![page * 10, page * 10 + 1] } else { Vec::new() };
        answer(200, "", &json!({"items": items, "page": page}).to_string())
    })
    .await;
    let record = json!({"name": "A", "authtype": "OAUTH2_BEARER", "credentials": {"token": "canary"},
        "endpoints": {"r": {"url": server.url("/list?a=b").as_str(), "pagination": {"page": "page"}}}});
    let element = json!({"dataMapping": [{"key": "items", "value": "items"}]});
    let prepared = prepared_for(&record, &element, &json!({})).await.unwrap();
    let answer = prepared.attempt().await.unwrap();
    assert_eq!(answer.mapped.data["items"], json!([10, 11, 20, 21, 30, 31]));
    let asked: Vec<String> = server.requests().iter().map(|request| line(request).to_owned()).collect();
    assert_eq!(asked.first().map(String::as_str), Some("GET /list?a=b HTTP/1.1"));
    assert_eq!(asked.last().map(String::as_str), Some("GET /list?a=b&page=4 HTTP/1.1"));
    assert!(server.requests().iter().all(|request| has_header(request, "authorization")), "{:?}", server.requests());
}

#[tokio::test]
async fn another_origin_gets_no_credentials_and_is_judged_by_the_guard() {
    let other = RawServer::start(|_, _| answer(200, "", "{\"items\":[2]}")).await;
    for (next, expected) in [
        (other.url("/2").to_string(), Ok(json!([1, 2]))),
        ("http://10.0.0.1/2".to_owned(), Err("DENIED")),
        ("ftp://127.0.0.1/2".to_owned(), Err("CONFIGURATION")),
    ] {
        let server =
            RawServer::start(move |_, _| answer(200, "", &json!({"items": [1], "next": next}).to_string())).await;
        let record = json!({"name": "A", "authtype": "OAUTH2_BEARER", "credentials": {"token": "canary"},
            "endpoints": {"r": {"url": server.url("/").as_str(), "pagination": {"next": "next"},
                "headers": [{"key": "X-Api-Key", "value": "canary", "required": true}]}}});
        let element = json!({"dataMapping": [{"key": "items", "value": "items"}]});
        let called = prepared_for(&record, &element, &json!({})).await.unwrap().attempt().await;
        match (called, expected) {
            (Ok(answer), Ok(expected)) => assert_eq!(answer.mapped.data["items"], expected),
            (Err(failure), Err(code)) => {
                assert_eq!((failure.code.to_string().as_str(), failure.attempted), (code, true));
                assert!(failure.message.starts_with("page 2 ("), "{}", failure.message);
            }
            (other, _) => panic!("{other:?}"),
        }
    }
    let [request] = &other.requests()[..] else { panic!("{:?}", other.requests()) };
    assert!(!request.contains("canary"), "{request}");
}

/// Each way to name pages, against a server that has five items, two a page, and how that server ends them.
#[tokio::test]
async fn pages_by_cursor_by_offset_and_past_the_end() {
    fn parameter(request: &str, name: &str) -> Option<usize> {
        let rest = line(request).split(&format!("{name}=")).nth(1)?;
        rest.split([' ', '&']).next()?.trim_end_matches("%3D").parse().ok()
    }
    let server = RawServer::start(|request, _| {
        let first = match () {
            () if request.contains("/cursor") => parameter(request, "c").unwrap_or(0),
            () if request.contains("/offset") => parameter(request, "skip").unwrap_or(0),
            () => (parameter(request, "page").unwrap_or(1) - 1) * 2,
        };
        let items: Vec<usize> = (1..=5).skip(first).take(2).collect();
        if items.is_empty() && request.contains("/gone") {
            return answer(404, "", "{\"detail\":\"Invalid page.\"}");
        }
        let cursor = if first + 2 < 5 { json!(format!("{}=", first + 2)) } else { Value::Null };
        answer(200, "", &json!({"items": items, "tags": ["a"], "meta": {"cursor": cursor}}).to_string())
    })
    .await;
    for (path, rule, requests) in
        [("/cursor?a=%FC", json!({"next": "meta.cursor", "cursor": "c"}), 3), ("/gone", json!({"page": "page"}), 4)]
    {
        let before = server.request_count();
        let resource = json!({"url": server.url(path).as_str(), "pagination": rule});
        let element = json!({"dataMapping": [{"key": "items", "value": "items"}]});
        let answer = called(resource, element, json!({})).await.unwrap();
        assert_eq!((answer.status, &answer.mapped.data["items"]), (200, &json!([1, 2, 3, 4, 5])), "{path}");
        assert_eq!(server.request_count() - before, requests, "{path}");
    }
    let offsets = RawServer::start(|request, _| {
        let items: Vec<usize> = (1..=5).skip(parameter(request, "skip").unwrap_or(0)).take(2).collect();
        answer(200, "", &json!({"items": items}).to_string())
    })
    .await;
    let resource = json!({"url": offsets.url("/?limit=2&skip=0").as_str(), "pagination": {"offset": "skip"}});
    let element = json!({"dataMapping": [{"key": "items", "value": "items"}]});
    let answer = called(resource, element, json!({})).await.unwrap();
    assert_eq!(answer.mapped.data["items"], json!([1, 2, 3, 4, 5]));
    assert_eq!(offsets.request_count(), 4);
}

/// Home, another origin, home again: whoever named the last page may have any address called, but not with our credentials.
#[tokio::test]
async fn pages_that_were_away_come_home_without_credentials() {
    let home = Arc::new(std::sync::OnceLock::<String>::new());
    let back = Arc::clone(&home);
    let other =
        RawServer::start(move |_, _| answer(200, "", &json!({"items": [2], "next": back.get().unwrap()}).to_string()))
            .await;
    let next = other.url("/2").to_string();
    let server = RawServer::start(move |request, _| {
        let next = if line(request).contains("/1 ") { json!(next) } else { Value::Null };
        answer(200, "", &json!({"items": [1], "next": next}).to_string())
    })
    .await;
    home.set(server.url("/3").to_string()).unwrap();
    let record = json!({"name": "A", "authtype": "OAUTH2_BEARER", "credentials": {"token": "canary"},
        "endpoints": {"r": {"url": server.url("/1").as_str(), "method": "POST", "body": "canary", "repeat": "safe",
            "pagination": {"next": "next"}, "headers": [{"key": "X-Api-Key", "value": "canary", "required": true}]}}});
    let element = json!({"dataMapping": [{"key": "items", "value": "items"}]});
    let answer = prepared_for(&record, &element, &json!({})).await.unwrap().attempt().await.unwrap();
    assert_eq!(answer.mapped.data["items"], json!([1, 2, 1]));
    for request in [&server.requests()[1], &other.requests()[0]] {
        assert!(request.starts_with("GET ") && !request.contains("canary"), "{request}");
    }
}

#[tokio::test]
async fn an_accepted_request_is_asked_after_and_never_sent_again() {
    let server = RawServer::start(|request, before| match (line(request).split(' ').next(), before) {
        (Some("POST"), _) => answer(202, "Location: /jobs/7\r\n", ""),
        (_, 1) => answer(200, "", "{\"status\":\"Running\"}"),
        (_, 2) => answer(503, "", ""),
        _ => answer(200, "", "{\"status\":\"Succeeded\",\"rows\":3}"),
    })
    .await;
    let url = server.url("/jobs").to_string();
    let resource =
        |poll: Value| json!({"url": url, "method": "POST", "body": "{\"a\":1}", "body_type": "json", "poll": poll});
    let element = json!({"dataMapping": [{"key": "rows", "value": "rows"}]});
    let answer = called(resource(json!({"wait": 0.05, "tries": 9})), element.clone(), json!({})).await.unwrap();
    assert_eq!((answer.status, &answer.mapped.data["rows"]), (200, &json!(3)));
    let asked: Vec<String> = server.requests().iter().map(|request| line(request).to_owned()).collect();
    assert_eq!(asked, ["POST /jobs HTTP/1.1", "GET /jobs/7 HTTP/1.1", "GET /jobs/7 HTTP/1.1", "GET /jobs/7 HTTP/1.1"]);
    assert!(
        !has_header(&server.requests()[1], "idempotency-key") && !has_header(&server.requests()[1], "content-type")
    );

    let failure = called(resource(json!({"wait": 0.05, "tries": 2, "until": "body.gone"})), element, json!({}))
        .await
        .unwrap_err();
    assert_eq!((failure.code, failure.retriable), (Code::OutcomeUnknown, Retriable::Final));
    assert!(
        failure.message.contains("was accepted (202)") && failure.message.contains("poll.tries"),
        "{}",
        failure.message
    );
    assert_eq!(server.requests().iter().filter(|request| request.starts_with("POST")).count(), 2);
}

#[tokio::test]
async fn files_of_a_body_are_fetched_first_without_credentials() {
    let files = RawServer::start(|request, _| match line(request).split(' ').nth(1) {
        Some("/scan.pdf") => answer(200, "", "%PDF"),
        _ => answer(404, "", ""),
    })
    .await;
    let server = RawServer::start(|_, _| answer(200, "", "{}")).await;
    let record = json!({"name": "A", "authtype": "OAUTH2_BEARER", "credentials": {"token": "canary"}, "endpoints": {"r": {
        "url": server.url("/").as_str(), "method": "POST", "body_type": "multipart",
        "body": "{\"title\": \"t\", \"scan\": {\"url\": \"{{scan}}\", \"contentType\": \"application/pdf\"}}"}}});
    for (scan, expected) in [
        (files.url("/scan.pdf").to_string(), None),
        (files.url("/gone").to_string(), Some("CONNECT")),
        ("http://169.254.169.254/latest".to_owned(), Some("DENIED")),
    ] {
        let prepared = prepared_for(&record, &json!({}), &json!({"scan": scan})).await.unwrap();
        let called = prepared.attempt().await.map(drop);
        let code = called.as_ref().err().map(|failure| failure.code.to_string());
        assert_eq!(code.as_deref(), expected, "{called:?}");
        if let Err(failure) = called {
            assert!(failure.message.contains("nothing was sent"), "{}", failure.message);
        }
    }
    let [request] = &server.requests()[..] else { panic!("{:?}", server.requests()) };
    assert!(request.contains("filename=\"scan.pdf\"\r\nContent-Type: application/pdf\r\n\r\n%PDF\r\n"), "{request}");
    assert!(files.requests().iter().all(|request| !request.contains("canary")), "{:?}", files.requests());
}

#[tokio::test]
async fn the_files_of_a_body_have_a_limit_together() {
    let files = RawServer::start(|_, _| answer(200, "", &"x".repeat(4_000))).await;
    let server = RawServer::start(|_, _| answer(200, "", "{}")).await;
    for (count, expected) in [(2, None), (3, Some(Code::BadResponse))] {
        let body: serde_json::Map<String, Value> =
            (0..count).map(|n| (format!("f{n}"), json!({"url": files.url("/").as_str()}))).collect();
        let resource = json!({"url": server.url("/").as_str(), "method": "POST", "body_type": "multipart",
            "body": Value::Object(body).to_string()});
        let failure = called(resource, json!({}), json!({})).await.err();
        assert_eq!(failure.as_ref().map(|failure| failure.code), expected, "{failure:?}");
    }
    assert_eq!(server.requests().len(), 1, "nothing was sent");
}

/// Cookies that were set on the way go along within the call, with its pages and with its polls, and not with the next call.
#[tokio::test]
async fn cookies_go_along_with_pages_and_polls() {
    let server = RawServer::start(|request, _| {
        let cookie = request.lines().find_map(|line| line.strip_prefix("Cookie: ")).unwrap_or("none");
        match line(request).split(' ').nth(1) {
            Some("/1") => answer(200, "Set-Cookie: s=7; Path=/\r\n", r#"{"c": [], "next": "/2"}"#),
            Some("/long") => answer(202, "Set-Cookie: s=8; Path=/\r\nLocation: /state\r\n", "{}"),
            _ => answer(200, "", &json!({"c": [cookie]}).to_string()),
        }
    })
    .await;
    let element = json!({"dataMapping": [{"key": "c", "value": "c"}]});
    for (resource, expected) in [
        (json!({"url": server.url("/1").as_str(), "pagination": {"next": "next"}}), "s=7"),
        (json!({"url": server.url("/long").as_str(), "method": "POST", "poll": {"wait": 0}}), "s=8"),
        (json!({"url": server.url("/alone").as_str()}), "none"),
    ] {
        let answer = called(resource, element.clone(), json!({})).await.unwrap();
        assert_eq!(answer.mapped.data["c"], json!([expected]));
    }
}
