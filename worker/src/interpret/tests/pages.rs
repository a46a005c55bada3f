//! Pages, their ends, and polling.

use http::header::CONTENT_TYPE;

use super::*;

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
    let whole = case.with(|context| pages.into_response(last, context));
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
        "<a>; rel='a b', ",
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

/// However a third party says that there is nothing more: what was fetched stays.
#[test]
fn an_empty_page_ends_the_pages_and_replaces_nothing() {
    let mut case = Case::mapping(&[("v", "")]);
    case.resource = json!({"pagination": {"page": "p"}});
    let url = url::Url::parse("https://h/?p=2").unwrap();
    let answer = |status, kind: &'static str, body: &'static [u8]| {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(kind))]);
        Response { status, headers, body: Bytes::from_static(body), warnings: Vec::new() }
    };
    let json = "application/json";
    for (first, last, expected) in [
        (json!({"r": [1], "n": "x"}), answer(200, json, b"[]"), json!({"r": [1], "n": "x"})),
        (json!({"r": [1], "n": "x"}), answer(200, json, b"{}"), json!({"r": [1], "n": "x"})),
        (json!({"r": [1], "n": "x"}), answer(200, json, b"null"), json!({"r": [1], "n": "x"})),
        (json!({"r": [1], "n": "x"}), answer(200, json, br#"{"r": null, "n": null}"#), json!({"r": [1], "n": null})),
        (json!({"r": [1], "n": "x"}), answer(200, json, br#"{"r": {}, "n": 2}"#), json!({"r": [1], "n": 2})),
        (json!([1]), answer(200, json, b"{}"), json!([1])),
        (json!([1]), answer(204, "", b""), json!([1])),
        (json!([1]), answer(200, json, b" "), json!([1])),
    ] {
        let mut pages = Pages::default();
        page_after(&case, &mut pages, "https://h/?p=1", &[], &first).unwrap();
        let page = case.with(|context| pages.add(&url, &last, context, 1_000)).unwrap();
        assert!(matches!(page, Page::Last(None) | Page::Past(None)), "{last:?}: {page:?}");
        let whole =
            case.with(|context| pages.into_response(answer(200, json, first.to_string().leak().as_bytes()), context));
        assert_eq!(serde_json::from_slice::<Value>(&whole.body).unwrap(), expected, "{last:?}");
    }
    let mut pages = Pages::default();
    page_after(&case, &mut pages, "https://h/?p=1", &[], &json!([1])).unwrap();
    let no_page = answer(200, "text/html", b"<html>please log in</html>");
    let failure = case.with(|context| pages.add(&url, &no_page, context, 1_000)).unwrap_err();
    assert_eq!(failure.code, Code::BadResponse, "{failure:?}");
}
