//! What was sent is masked before anything reads the answer.

use super::*;

/// Rows and rules see the mask of what was sent: nothing that they make of it says anything about it.
#[test]
fn what_was_sent_is_masked_before_anything_reads_it() {
    let headers = [("authorization", "Bearer Bearer-Canary-AbC123xyz"), ("x-trace", "t-Bearer-Canary-AbC123xyz")];
    let body = json!({"said": CANARY, "list": [CANARY], "in": {CANARY: 1}, "ok": true}).to_string();
    for (source, format, expected) in [
        ("reverse(headers.authorization)", "jmespath", None),
        ("reverse(said)", "jmespath", Some("********")),
        ("{{headers.authorization | base64 | base64}}", "mustache", None),
        ("{{said | base64 | base64}}", "mustache", Some("S2lvcUtpb3FLaW89")),
        ("uppercase(said)", "feel", Some("********")),
        ("said matches '/Canary/' ? 'y' : 'n'", "feel", Some("n")),
        ("{{authorization | base64}}", "mustache", Some("QmVhcmVyICoqKioqKioq")),
        ("$headers.x-trace", "dotNotation", Some("t-********")),
        ("$.list[0]", "dotNotation", Some("********")),
    ] {
        let case = rows(&[("v", source, format)]);
        let read = case.read(200, &headers, body.as_bytes());
        let Some(expected) = expected else { continue };
        assert_eq!(read.unwrap().data["v"], json!(expected), "{source}");
    }
    for kind in ["application/json", "text/plain", "application/octet-stream"] {
        for text in [body.clone(), format!("we got {CANARY}"), format!("<a>{CANARY}</a>"), CANARY.to_uppercase()] {
            let mut headers = headers.to_vec();
            headers.push(("content-type", kind));
            let mapped =
                Case::mapping(&[("all", ""), ("headers", "$headers")]).read(200, &headers, text.as_bytes()).unwrap();
            let said = json!(mapped.data).to_string();
            assert!(!said.to_lowercase().contains("canary") && said.contains("********"), "{kind}: {said}");
        }
    }
    let utf16: Vec<u8> = body.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let kind = [("content-type", "application/json; charset=utf-16le")];
    let mapped = Case::mapping(&[("all", "")]).read(200, &kind, &utf16);
    assert!(!format!("{mapped:?}").to_lowercase().contains("canary"), "{mapped:?}");
}

#[test]
fn conditions_cannot_ask_for_what_was_sent() {
    let body = json!({"said": CANARY, "items": [1], "next": format!("https://h/2?key={CANARY}")});
    for rule in [
        json!({"success": "body.said matches '/Canary/'"}),
        json!({"success": "headers['x-said'] matches '/Canary/'"}),
        json!({"errorMapping": [{"when": "body.said matches '/Canary/'", "code": "FOUND"}], "success": "status == 201"}),
    ] {
        let case = Case { resource: rule.clone(), ..Case::mapping(&[]) };
        let failure = case.read(200, &[("x-said", CANARY)], body.to_string().as_bytes()).unwrap_err();
        let error = case.with(|context| bpmn_error(&failure, context));
        assert!(error.is_none(), "{rule}: {error:?}");
    }
    // The next page's address may hold a key of ours, and is used as it came; what is joined and judged is masked.
    let paged = json!({"pagination": {"next": "next", "until": "body.said matches '/Canary/'"}});
    let case = Case { resource: paged, ..Case::mapping(&[]) };
    let response =
        Response { status: 200, headers: HeaderMap::new(), body: body.to_string().into(), warnings: Vec::new() };
    let url = url::Url::parse("https://h/").unwrap();
    let next = case.with(|context| Pages::default().add(&url, &response, context, 10_000)).unwrap();
    assert_eq!(next, Page::Next(url::Url::parse(&format!("https://h/2?key={CANARY}")).unwrap()));
}
