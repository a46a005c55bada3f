//! Multipart bodies.

use super::*;

/// COMPATIBILITY 4.5.
#[test]
fn multipart_holds_fields_and_files() {
    let post = |body: &str| {
        json!({"url": "https://h/", "method": "POST", "body_type": "multipart", "body": body,
        "headers": [{"key": "Content-Type", "value": "multipart/form-data"}]})
    };
    let data = json!({"name": "a \"b\"", "n": 7, "scan": {"filename": "s\"\r\n.pdf", "contentType": "application/pdf", "base64": "aGk"},
        "scans": [{"text": "one"}, {"base64": "data:text/plain;base64,dHdv", "filename": "2.txt"}]});
    let request = planned(
        post(
            r#"{"name": "{{name}}", "n": {{n}}, "tags": ["x", "y"], "gone": null, "scan": {{{scan | json}}}, "scans": {{{scans | json}}}}"#,
        ),
        json!({}),
        data.clone(),
    );
    assert_eq!(
        parts(&request),
        [
            "Content-Disposition: form-data; name=\"name\"\r\n\r\na \"b\"",
            "Content-Disposition: form-data; name=\"n\"\r\n\r\n7",
            "Content-Disposition: form-data; name=\"tags[0]\"\r\n\r\nx",
            "Content-Disposition: form-data; name=\"tags[1]\"\r\n\r\ny",
            "Content-Disposition: form-data; name=\"scan\"; filename=\"s%22%0D%0A.pdf\"\r\nContent-Type: application/pdf\r\n\r\nhi",
            "Content-Disposition: form-data; name=\"scans\"; filename=\"scans\"\r\nContent-Type: application/octet-stream\r\n\r\none",
            "Content-Disposition: form-data; name=\"scans\"; filename=\"2.txt\"\r\nContent-Type: application/octet-stream\r\n\r\ntwo",
        ]
    );
    assert_eq!(request.headers.iter().filter(|(name, _)| name == "content-type").count(), 1);

    let from = planned(
        post(r#"{"f": {"url": "https://files.example/a/b.png?k=1", "contentType": "image/png"}}"#),
        json!({}),
        data,
    );
    let multipart = from.multipart.as_ref().unwrap();
    assert!(from.body.is_empty());
    assert_eq!(multipart.urls().map(Url::as_str).collect::<Vec<_>>(), ["https://files.example/a/b.png?k=1"]);
    let whole = RequestSpec { body: multipart.assemble([bytes::Bytes::from_static(b"png")]), ..from.clone() };
    assert_eq!(
        parts(&whole),
        ["Content-Disposition: form-data; name=\"f\"; filename=\"b.png\"\r\nContent-Type: image/png\r\n\r\npng"]
    );

    for (body, expected) in [
        ("[]", "body: a form's body must render to a JSON object, and this is a list"),
        (r#"{"f": {"base64": "*"}}"#, "body.f: base64 is not base64"),
        (r#"{"f": {"url": "file:///etc/passwd"}}"#, "body.f: url is not an http or https URL"),
        (r#"{"f": {"url": "https://u:p@h/"}}"#, "body.f: user name or password"),
        (r#"{"f": {"text": "a", "url": "https://h/"}}"#, "body.f: a file has one of"),
        (r#"{"f": {"text": "a", "contentType": "a\r\nb"}}"#, "body.f: contentType holds a line break"),
    ] {
        let problem = refused(post(body), json!({}), json!({}));
        assert!(problem.starts_with(expected), "{body}: {problem}");
    }
}

#[test]
fn a_boundary_is_free_however_many_of_them_a_content_holds() {
    let digest = |round: u32| {
        let hash = <sha2::Sha256 as sha2::Digest>::digest(format!("{round} j"));
        hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
    };
    let taken = (0..20_000).map(|round| format!("data-connector-{} ", digest(round))).collect::<Vec<_>>().concat();
    let members = object(json!({"a": taken}));
    let begun = std::time::Instant::now();
    let multipart = multipart::Multipart::of(&members, Arrays::Php, "j").unwrap();
    assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
    assert_eq!(multipart.content_type(), format!("multipart/form-data; boundary=data-connector-{}", digest(20_000)));
}
