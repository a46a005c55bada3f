//! Bodies in every form, and the rows that read them.

use super::*;

#[test]
fn xml_and_bytes_and_character_sets() {
    let xml = ("content-type", "application/soap+xml; charset=utf-8");
    let order =
        "<s:Envelope xmlns:s='u'><s:Body><order id='7'><item>a</item><item>b</item></order></s:Body></s:Envelope>";
    let mapped = rows(&[("items", "Envelope.Body.order.item", ""), ("id", "$.Envelope.Body.order['@id']", "")]);
    let read = mapped.read(200, &[xml], order.as_bytes()).unwrap();
    assert_eq!(Value::Object(read.data), json!({"items": ["a", "b"], "id": "7"}));
    let failure = mapped.read(200, &[xml], b"<a>").unwrap_err();
    assert!(failure.code == Code::BadResponse && failure.message.contains("not well-formed XML"), "{failure:?}");
    // Nobody maps it, or the connector wants ProcessMaker's way: a text.
    let text = json!({"response": "<a/>", "status": 200});
    assert_eq!(Value::Object(rows(&[]).read(200, &[xml], b"<a/>").unwrap().data), text);
    let mut case = rows(&[("v", "a", "")]);
    case.resource = json!({"answer": "text"});
    assert_eq!(Value::Object(case.read(200, &[xml], b"<a/>").unwrap().data), text);
    assert_eq!(case.read(200, &[], b"{\"a\":1}").unwrap().data["response"], json!("{\"a\":1}"));
    case.resource = json!({"answer": "xml"});
    assert_eq!(Value::Object(case.read(200, &[], b"<a>1</a>").unwrap().data), json!({"v": "1"}));
    case.resource = json!({"answer": "json"});
    let failure = case.read(200, &[], b"oops").unwrap_err();
    assert!(failure.message.contains("it is not JSON: expected value at line 1"), "{}", failure.message);

    let png = ("content-type", "image/png");
    let bytes = b"\x89PNG\xff";
    let read = rows(&[("file", "", ""), ("b", "base64", "")]).read(200, &[png], bytes).unwrap();
    assert_eq!(read.data["file"], json!({"contentType": "image/png", "size": 5, "base64": "iVBOR/8="}));
    assert_eq!(read.data["b"], json!("iVBOR/8="));
    let unread = rows(&[]).read(200, &[png], bytes).unwrap();
    assert!(unread.data.is_empty() && unread.warnings[0].contains("(image/png, 5 bytes)"), "{unread:?}");
    let large = rows(&[("file", "", "")]).read(200, &[png], &[0xff; 1_001]).unwrap_err();
    assert!(large.code == Code::BadResponse && large.message.contains("limits.inline_bytes is 1000"), "{large:?}");
    case.resource = json!({"answer": "binary"});
    case.element = json!({"dataMapping": [{"key": "v", "value": "base64"}]});
    assert_eq!(case.read(200, &[], b"hi").unwrap().data["v"], json!("aGk="));

    let latin = ("content-type", "text/plain; charset=\"iso-8859-1\"");
    assert_eq!(rows(&[]).read(200, &[latin], b"caf\xe9").unwrap().data["response"], json!("café"));
    let latin_xml = ("content-type", "text/xml; charset=iso-8859-1");
    assert_eq!(rows(&[("v", "a", "")]).read(200, &[latin_xml], b"<a>\xe9</a>").unwrap().data["v"], json!("é"));
    assert_eq!(rows(&[("v", "a", "")]).read(200, &[], b"\xef\xbb\xbf{\"a\":1}").unwrap().data["v"], json!(1));
}

#[test]
fn answers_that_cannot_be_read() {
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    for (method, retried) in [("GET", true), ("POST", false), ("PUT", false)] {
        let mut case = Case::mapping(&[("v", "")]);
        case.resource = json!({"method": method});
        for (headers, body) in [
            (&[][..], deep.as_bytes()),
            (&[("content-type", "text/xml")], b"<a>"),
            (&[("content-type", "application/pdf")], &[b'x'; 1_001]),
        ] {
            let failure = case.read(200, headers, body).unwrap_err();
            assert_eq!(failure.code, Code::BadResponse);
            assert_eq!(matches!(failure.retriable, Retriable::Retry { .. }), retried, "{method}");
            // What nothing reads does not fail.
            let mut unread = rows(&[("code", "$status", ""), ("type", "$headers.Content-Type", "")]);
            unread.resource = json!({"method": method});
            assert_eq!(unread.read(200, headers, body).unwrap().data["code"], json!(200));
            unread.element = json!({});
            assert!(unread.read(200, headers, body).is_ok());
        }
    }
}

/// Bodies in every character set, with the header that names it.
#[test]
fn data_in_any_character_set() {
    let utf16: Vec<u8> = "{\"v\":\"é\"}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (media, body) in [
        ("application/json;charset=ISO-8859-15", &b"{\"v\":\"\xe9\"}"[..]),
        ("application/json; Charset=\"windows-1252\"", b"{\"v\":\"\xe9\"}"),
        ("application/problem+json; charset=gbk", b"{\"v\":\"\xa8\xa6\"}"),
        ("application/json", &utf16),
        ("application/json", b"\xef\xbb\xbf{\"v\":\"\xc3\xa9\"}"),
        ("text/plain", b"{\"v\":\"\xe9\"}"),
        ("", b"{\"v\":\"\xe9\"}"),
        ("text/xml; charset=iso-8859-1", b"<v>\xe9</v>"),
        ("application/soap+xml", b"<?xml version='1.0' encoding='iso-8859-1'?><v>\xe9</v>"),
    ] {
        let headers = [("content-type", media)];
        let read = rows(&[("v", "v", ""), ("j", "$.v", "")]).read(200, &headers, body).unwrap();
        assert_eq!(Value::Object(read.data), json!({"v": "é", "j": "é"}), "{media}");
    }
    // A failure quotes it in its characters, too.
    let failure = rows(&[]).read(400, &[("content-type", "text/plain; charset=latin1")], b"pi\xe8ce").unwrap_err();
    assert_eq!((failure.body.as_deref(), failure.answer.as_deref()), (Some("pièce"), Some(&json!("pièce"))));
    let long = format!("x{}", "é".repeat(5_000));
    let failure = rows(&[]).read(400, &[("content-type", "text/plain")], long.as_bytes()).unwrap_err();
    assert_eq!(failure.body.as_deref().unwrap(), format!("x{}", "é".repeat(1_999)));
}

#[test]
fn the_media_type_decides_what_is_binary() {
    let case = rows(&[("v", "", "")]);
    for (media, body, expected) in [
        ("application/pdf", &b"%PDF-1.4 ascii only"[..], "application/pdf"),
        ("image/png", b"123", "image/png"),
        ("Application/Octet-Stream", b"a;b", "application/octet-stream"),
        ("application/vnd.ms-excel", b"a;b", "application/vnd.ms-excel"),
        ("", b"\x00\x01\x02", "application/octet-stream"),
    ] {
        let read = case.read(200, &[("content-type", media)], body).unwrap();
        assert_eq!(read.data["v"]["contentType"], json!(expected), "{media}");
        assert_eq!(read.data["v"]["size"], json!(body.len()), "{media}");
    }
    for media in
        ["text/csv", "application/csv", "application/x-www-form-urlencoded", "application/javascript", "", "csv"]
    {
        let read = case.read(200, &[("content-type", media)], b"a;b").unwrap();
        assert_eq!(Value::Object(read.data), json!({"v": "a;b", "response": "a;b", "status": 200}), "{media}");
    }
    // JSON is data whatever it is called, but for pictures and their like.
    for media in ["text/html", "application/octet-stream", "application/vnd.acme", "", "nonsense"] {
        let read = case.read(200, &[("content-type", media)], b"{\"a\":1}").unwrap();
        assert_eq!(Value::Object(read.data), json!({"v": {"a": 1}}), "{media}");
    }
}

#[test]
fn rows_of_answers_without_data() {
    let read = [
        ("code", "$status", ""),
        ("one", "$headers.X-Id", ""),
        ("named", "X-Id", ""),
        ("whole", "", ""),
        ("root", "$", ""),
        ("text", "{{x-id}}/{{X-ID}}/{{index}}", "mustache"),
        ("sum", "index + 1", "feel"),
        ("path", "X-{{suffix}}", ""),
    ];
    let skipped = [
        ("s1", "a", ""),
        ("s2", "$.a", ""),
        ("s3", "a", "jmespath"),
        ("s4", "{{a}}", "mustache"),
        ("s5", "a + 1", "feel"),
    ];
    let mut case = rows(&[&read[..], &skipped].concat());
    case.data = json!({"index": 1, "suffix": "Id"});
    for (status, headers, body) in [
        (204, &[("x-id", "q-7")][..], ""),
        (200, &[("x-id", "q-7"), ("content-type", "application/pdf")], ""),
        (200, &[("x-id", "q-7"), ("content-type", "text/csv")], "a;b\n"),
    ] {
        let read = case.read(status, headers, body.as_bytes()).unwrap();
        let expected = json!({"response": body, "status": status, "code": status, "one": "q-7", "named": "q-7",
            "whole": body, "root": body, "text": "q-7/q-7/1", "sum": 2, "path": "q-7"});
        assert_eq!(Value::Object(read.data), expected, "{status}");
        let [warning] = &read.warnings[..] else { panic!("{:?}", read.warnings) };
        for number in 8..13 {
            assert!(warning.contains(&format!("dataMapping.{number} (s{})", number - 7)), "{warning}");
        }
    }
    for answer in ["json", "xml", "text"] {
        case.resource = json!({"answer": answer});
        assert_eq!(case.read(204, &[("x-id", "q-7")], b"").unwrap().data["code"], json!(204), "{answer}");
    }
    // What says that it is JSON and is none.
    let json = [("content-type", "application/json")];
    let broken = rows(&[("id", "id", "")]).read(200, &json, b"{\"id\": 7,}").unwrap();
    assert!(broken.warnings[0].contains("(application/json) was not mapped by dataMapping.0 (id)"), "{broken:?}");
    assert!(broken.warnings[0].contains("not the JSON it says it is: trailing comma at line 1"), "{broken:?}");
    let none = rows(&[("code", "$status", "")]).read(200, &[], b"text").unwrap();
    assert!(none.warnings.is_empty(), "{none:?}");
}

#[test]
fn cut_characters_and_digits_of_answers() {
    let body = br#"{"id": 7, "note": "cut \ud83d", "wei": 123456789012345678901234567890, "rate": 1.50, "far": 1e400}"#;
    let case = rows(&[
        ("all", "", ""),
        ("j", "$.wei", ""),
        ("m", "{a: wei, b: `2`, c: to_number('98765432109876543210')}", "jmespath"),
        ("t", "{{wei}} {{rate}}", "mustache"),
        ("f", "wei + 1", "feel"),
        ("same", "wei == 123456789012345678901234567891", "feel"),
    ]);
    let data = Value::Object(case.read(200, &[], body).unwrap().data).to_string();
    for expected in [
        r#""all":{"id":7,"note":"cut �","wei":123456789012345678901234567890,"rate":1.50,"far":1e+400},"#,
        r#""j":123456789012345678901234567890,"#,
        r#""m":{"a":123456789012345678901234567890,"b":2,"c":98765432109876543210},"#,
        r#""t":"123456789012345678901234567890 1.50","f":123456789012345678901234567891,"same":false"#,
    ] {
        assert!(data.contains(expected), "{expected} in {data}");
    }
    // The same through a projection, which reads one member only.
    let one = rows(&[("wei", "wei", ""), ("note", "note", ""), ("x", "id.x", "")]).read(200, &[], body).unwrap();
    let expected = "{\"wei\":123456789012345678901234567890,\"note\":\"cut �\",\"x\":\"\"}";
    assert_eq!(Value::Object(one.data).to_string(), expected);
}

#[test]
fn json_inside_of_a_text() {
    let inner = json!({"order": {"id": 17, "lines": [{"n": 1}]}}).to_string();
    let body = json!({"body": inner, "list": "[1, 2]", "twice": json!({"t": inner}).to_string(), "plain": "text"});
    for (source, format, expected) in [
        ("body.order.id", "", json!(17)),
        ("body.order.lines.0.n", "", json!(1)),
        ("list.1", "", json!(2)),
        ("twice.t.order.id", "", json!(17)),
        ("plain.0", "", json!("")),
        ("body.gone", "", json!("")),
        ("body", "", json!(inner)),
        ("json(body).order.id + 1", "feel", json!(18)),
        ("json(body).order", "feel", json!({"id": 17, "lines": [{"n": 1}]})),
        ("json('\"x\"')", "feel", json!("x")),
        ("json(json(list))", "feel", json!([1, 2])),
    ] {
        assert_eq!(rows(&[("v", source, format)]).data(&[], &body), json!({"v": expected}), "{source}");
    }
    let failure = rows(&[("v", "json(plain)", "feel")]).read(200, &[], body.to_string().as_bytes()).unwrap_err();
    assert!(failure.message.contains("the text is not JSON: expected ident"), "{}", failure.message);
    let mut case = rows(&[("v", "$status", "")]);
    case.resource = json!({"success": "json(body.plain) == null and json(body.body).order.id == 17"});
    assert_eq!(case.data(&[], &body), json!({"v": 200}));
}

#[test]
fn headers_in_any_case_and_all_of_their_values() {
    let read = |case: &Case| {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("x-rate", &b"1"[..]),
            ("set-cookie", b"a=1"),
            ("set-cookie", b"b=2"),
            ("x-title", b"Caf\xe9"),
            ("x-name", b"Caf\xc3\xa9"),
        ] {
            headers.append(HeaderName::from_static(name), HeaderValue::from_bytes(value).unwrap());
        }
        let response = Response { status: 200, headers, body: Bytes::from_static(b"{}"), warnings: Vec::new() };
        case.with(|context| interpret(&response, context))
    };
    let all = json!({"x-rate": "1", "set-cookie": ["a=1", "b=2"], "x-title": "Café", "x-name": "Café"});
    for (source, format, expected) in [
        ("$headers.Set-Cookie", "", json!(["a=1", "b=2"])),
        ("$headers.set-cookie.1", "", json!("b=2")),
        ("$headers.X-Rate.0", "", json!("1")),
        ("Set-Cookie", "", json!("a=1")),
        (" $headers.X-RATE ", "", json!("1")),
        ("$headers.X-Title", "", json!("Café")),
        ("X-Name", "", json!("Café")),
        ("{{X-Rate}}{{x-rate}}{{X-RATE}}{{Set-Cookie}}", "mustache", json!("111a=1")),
        ("$headers", "", all),
    ] {
        let mapped = read(&rows(&[("v", source, format)])).unwrap().data;
        assert_eq!(Value::Object(mapped), json!({"v": expected}), "{source}");
    }
    for condition in [
        "headers['X-Rate'] == '1'",
        "headers['x-rate'] == '1'",
        "get(headers, 'X-RATE') == '1'",
        "headers['SET-COOKIE'] == 'a=1'",
        "headers['gone'] == null",
    ] {
        let mut case = rows(&[]);
        case.resource = json!({"success": condition});
        assert!(read(&case).is_ok(), "{condition}");
        // The same of a failure.
        case.resource = json!({"success": "204"});
        case.element = json!({"errorMapping": [{"when": condition, "code": "MINE", "message": "{{headers.X-Rate}}"}]});
        let failure = read(&case).unwrap_err();
        let mapped = case.with(|context| bpmn_error(&failure, context)).unwrap();
        assert_eq!((mapped.code.as_str(), mapped.message.as_deref()), ("MINE", Some("1")), "{condition}");
    }
}

#[test]
fn one_element_of_an_xml_list() {
    let xml = [("content-type", "application/xml")];
    for items in ["<I><N>a</N></I>", "<I><N>a</N></I><I><N>b</N></I>"] {
        let body = format!("<R><L>{items}</L></R>");
        let read = rows(&[("v", "R.L.I.0.N", ""), ("w", "R.0.L.0.I.0.N.0", ""), ("x", "R.L.I.7.N", "")]);
        let read = read.read(200, &xml, body.as_bytes()).unwrap();
        assert_eq!(Value::Object(read.data), json!({"v": "a", "w": "a", "x": ""}), "{body}");
    }
    // In JSON an object is no list.
    assert_eq!(rows(&[("v", "a.0.b", "")]).data(&[], &json!({"a": {"b": 1}})), json!({"v": ""}));
}

/// One element of a list in XML is item 0 of it in every language of rows, and whatever else is there stays what it is.
#[test]
fn lists_of_one_in_templates_and_expressions() {
    let xml: &[u8] = b"<r><i><n>a</n></i><t>x</t></r>";
    for (source, format, expected) in [
        ("r.i.0.n", "dotNotation", json!("a")),
        ("{{r.i.0.n}}{{r.t.0}}{{r.t.1}}", "mustache", json!("ax")),
        ("r.i[0].n ~ r.t[0]", "feel", json!("ax")),
        ("{{#r.i}}{{n}}{{/r.i}}", "mustache", json!("a")),
    ] {
        let case = rows(&[("v", source, format)]);
        let read = case.read(200, &[("content-type", "text/xml")], xml).unwrap();
        assert_eq!(read.data["v"], expected, "{source}");
        let json = json!({"r": {"i": {"n": "a"}, "t": "x"}}).to_string();
        let read = case.read(200, &[], json.as_bytes()).map(|read| read.data["v"].clone());
        assert_ne!(read.ok().filter(|_| !source.contains('#')), Some(expected), "JSON says what is a list: {source}");
    }
}

/// `headers` and `status` mean in rows what they mean in conditions, unless the answer or the request data has such a member.
#[test]
fn rows_know_headers_and_status_by_name() {
    for (source, format, expected) in [
        ("{{headers.X-Rate}} {{headers.x-rate}} {{status}}", "mustache", json!("1 1 200")),
        ("headers['X-RATE'] ~ get(headers, 'x-Rate') ~ status", "feel", json!("11200")),
    ] {
        let case = rows(&[("v", source, format)]);
        for body in [&b"{}"[..], b"text", b""] {
            let read = case.read(200, &[("x-rate", "1")], body).unwrap();
            assert_eq!(read.data["v"], expected, "{source}");
        }
    }
    let own = rows(&[("v", "{{headers.X-Rate}} {{status}}", "mustache")]);
    let read = own.read(200, &[("x-rate", "1")], br#"{"headers": {"X-Rate": 2}, "status": "mine"}"#).unwrap();
    assert_eq!(read.data["v"], json!("2 mine"));
}

#[test]
fn what_is_copied_with_a_source_means_nothing() {
    for source in ["\u{a0}id\u{a0}", "id\u{200b}", "\u{feff}id", "\u{2060}$.id\t", " id\n"] {
        assert_eq!(rows(&[("v", source, "dotNotation")]).data(&[], &json!({"id": 7})), json!({"v": 7}), "{source:?}");
    }
}

/// A byte order mark alone is nothing, and the beginning of a failure's answer is whole, however it ends.
#[test]
fn nothing_behind_a_mark_and_texts_that_end_in_half_a_character() {
    let mut case = Case::mapping(&[("s", "$status")]);
    case.resource = json!({"answer": "json"});
    assert_eq!(case.read(200, &[], b"\xef\xbb\xbf").unwrap().data["s"], 200);
    for (body, expected) in [(&b"caf\xe9"[..], "caf\u{e9}"), ("caf\u{e9}".as_bytes(), "caf\u{e9}")] {
        let failure = case.read(500, &[("content-type", "text/plain")], body).unwrap_err();
        assert_eq!(failure.body.as_deref(), Some(expected), "{body:?}");
    }
}
