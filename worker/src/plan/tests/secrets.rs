//! Named secrets and credentials: where they go, and that they show nowhere.

use super::*;

#[test]
fn a_credential_stays_with_its_hosts() {
    let bearer = credentials("OAUTH2_BEARER", json!({"token": "t", "hosts": ["h"]}));
    let spec = plan_with(json!({"url": "https://h/"}), json!({}), json!({}), &bearer).unwrap().request;
    assert!(matches!(spec.authorization, Authorization::Bearer(_)));
    let problem =
        plan_with(json!({"url": "https://{{x}}/"}), json!({}), json!({"x": "evil.example"}), &bearer).unwrap_err();
    assert!(problem.contains("may not be sent to `evil.example`"), "{problem}");
}

#[test]
fn people_see_requests_without_secrets() {
    let request = planned(
        json!({"url": "https://h/x?api_key=hidden&q=a&access_token=hidden&sig=hidden", "headers": [{"key": "X-Api-Key", "value": "hidden"}, {"key": "X-Ok", "value": "o"}]}),
        json!({}),
        json!({}),
    );
    assert_eq!(request.redacted_url(), "https://h/x?api_key=********&q=a&access_token=********&sig=********");
    let headers = request.redacted().headers;
    assert!(
        headers.contains(&("x-ok".to_owned(), "o".to_owned())) && !format!("{headers:?}").contains("hidden"),
        "{headers:?}"
    );
}

#[test]
fn a_named_secret_shows_nowhere_in_a_request() {
    let with = |members: Value| {
        let mut resource = object(json!({"url": "https://h.example/", "method": "POST"}));
        resource.extend(object(members));
        Value::Object(resource)
    };
    let body = |kind: &str, body: &str| with(json!({"body_type": kind, "body": body}));
    let header = |name: &str, value: &str| with(json!({"headers": [{"key": name, "value": value, "required": true}]}));
    let resources = [
        with(json!({"url": "https://h.example/?v={{secret:K}}"})),
        with(json!({"url": "https://h.example/hook/{{secret:K}}/x"})),
        with(json!({"url": "https://h.example/{{{secret:K}}}/x?v={{{secret:K}}}"})),
        with(json!({"params": [{"key": "v", "value": "a {{secret:K}}", "required": true}]})),
        header("X-Pin", "{{secret:K}}"),
        header("X-Pin", "a {{secret:K}} b"),
        body("json", r#"{"pin": "{{secret:K}}"}"#),
        body("json", r#"{"inner": {{{inner | json}}}, "pin": "{{secret:K}}"}"#),
        body("form", r#"{"pin": "{{secret:K}}", "list": ["{{secret:K}}"]}"#),
        body("xml", "<pin a='{{secret:K}}'>{{secret:K}}</pin>"),
        body("raw", "pin={{secret:K}}"),
        body("multipart", r#"{"pin": "{{secret:K}}"}"#),
        body("multipart", r#"{"file": {"text": "{{secret:K}}", "filename": "{{secret:K}}"}}"#),
        body(
            "multipart",
            r#"{"pin": "{{secret:K}}", "file": {"url": "https://f.example/{{secret:K}}?v={{secret:K}}"}}"#,
        ),
    ];
    for (value, part) in [
        ("canary-123456", "canary"),
        ("canary \"1\"/<2>&'3'", "canary"),
        ("canary-schlüssel+%41", "canary"),
        ("pin9", "pin9"),
    ] {
        for resource in &resources {
            let plan =
                plan_with_secrets(resource.clone(), json!({}), json!({"inner": 1}), &anonymous(), &secret(value, &[]));
            let request = plan.unwrap_or_else(|e| panic!("{resource}: {e}")).request;
            let redacted = serde_json::to_string(&request.redacted()).unwrap();
            for text in [redacted, format!("{request:?}"), request.redacted_url()] {
                assert!(!text.contains(part), "{value} in {resource}: {text}");
            }
            assert!(format!("{:?}", request.redacted()).contains(MASK), "{resource}: {request:?}");
        }
    }
}

#[test]
fn no_credential_shows_in_a_request() {
    for (authtype, members) in [
        ("BASIC", json!({"username": "ann", "password": "canary-123"})),
        ("OAUTH2_BEARER", json!({"token": "canary-123"})),
        ("API_KEY", json!({"name": "X-Own", "value": "canary-123"})),
        ("API_KEY", json!({"name": "own", "value": "canary-123", "in": "query"})),
        ("HEADERS", json!({"X-Own": "canary-123"})),
    ] {
        let plan =
            plan_with(json!({"url": "https://h/?q=canary-123"}), json!({}), json!({}), &credentials(authtype, members));
        let request = plan.unwrap().request;
        let texts = [serde_json::to_string(&request.redacted()).unwrap(), format!("{request:?}")];
        assert!(texts.iter().all(|text| !text.contains("canary")), "{authtype}: {texts:?}");
    }
}

/// The records that integrators are shown are read as they stand.
#[test]
fn the_records_of_the_page_on_secrets_can_be_imported() {
    let page = include_str!("../../../../deploy/SECRETS.md");
    let yaml = page.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let file: Value = serde_saphyr::from_str(yaml).unwrap();
    let records = crate::connector::connector_records(file).unwrap();
    assert_eq!(records.len(), 2);
    for record in records {
        let credentials = record["credentials"].as_object().unwrap();
        Credentials::read(record["authtype"].as_str().unwrap(), credentials).unwrap();
        crate::connector::Connector::read(&record).unwrap();
    }
    for kind in [
        "NONE",
        "BASIC",
        "OAUTH2_BEARER",
        "OAUTH2_PASSWORD",
        "OAUTH2_CLIENT_CREDENTIALS",
        "OAUTH2_REFRESH",
        "API_KEY",
        "DIGEST",
        "AWS_SIGV4",
        "HEADERS",
    ] {
        assert!(page.contains(&format!("| `{kind}` |")), "{kind}");
    }
}

/// A secret is inserted as it is or not at all: what would make another text of it, or tell something about it, is refused, and
/// no refusal shows a part of it.
#[test]
fn a_secret_is_never_altered() {
    let get = |url: &str| json!({"url": url});
    let post = |body: &str| json!({"url": "https://h/", "method": "POST", "body_type": "json", "body": body});
    let row = |kind: &str, key: &str, value: &str, format: &str| json!({"outboundConfig": [{"type": kind, "key": key, "value": value, "format": format}]});
    let feel = |value: &str, place| (get("https://h/"), row("PARAM", "p", value, "feel"), place);
    let mustache = |value: &str, place| (get("https://h/"), row("PARAM", "p", value, "mustache"), place);
    let given = |resource: Value, place| (resource, row("PARAM", "p", "{{secret:K}}", "mustache"), place);
    let body = |text: &str, place| (post(text), row("BODY", "p", "x{{secret:K}}", "mustache"), place);
    let own = |resource: Value, place| (resource, json!({}), place);
    for (resource, element, place) in [
        feel("{a:1}['{{secret:K | base64 | base64}}']", "a filter"),
        feel("'aaaa{{secret:K}}", "an expression"),
        feel("{a:1}[uppercase('{{secret:K}}')]", "an expression"),
        feel("'{{{secret:K}}}' matches '/^a/' ? 1 : 2", "an expression"),
        feel("{{#x}}{{&secret:K}}{{/x}}", "a section"),
        mustache("{{secret:K | base64}}", "a filter"),
        mustache("{{{secret:K|json}}}", "a filter"),
        mustache("{{=<% %>=}}<% secret:K | xml %>", "a filter"),
        mustache("{{#base64}}{{secret:K}}{{/base64}}", "a section"),
        mustache("{{#html64}}{{#x}}{{secret:K}}{{/x}}{{/html64}}", "a section"),
        mustache("{{#secret:K}}yes{{/secret:K}}", "a section"),
        mustache("{{^secret:K}}no{{/secret:K}}", "a section"),
        own(get("http://{{secret:K}}/"), "a host"),
        own(get("http://h{{secret:K}}"), "a host"),
        own(get("{{{secret:K}}}/x"), "a host"),
        own(json!({"url": "https://h/", "method": "{{secret:K}}"}), "a method"),
        own(json!({"url": "https://h/", "headers": [{"key": "X-{{secret:K}}", "value": "v"}]}), "a name"),
        own(json!({"url": "https://h/", "params": [{"key": "{{secret:K}}", "value": "v"}]}), "a name"),
        own(json!({"url": "https://h/", "rate": {"calls": 1, "per": 1, "key": "{{secret:K}}"}}), "a rate's key"),
        (get("https://h/"), row("HEADER", "X-{{secret:K}}", "v", "mustache"), "a name"),
        given(get("http://{{p}}/x"), "a host"),
        given(get("http://a.{{p}}"), "a host"),
        given(json!({"url": "https://h/", "method": "{{p}}"}), "a method"),
        given(get("https://h/{{{p | base64}}}"), "a filter"),
        given(get("https://h/{{#p}}x{{/p}}"), "a section"),
        given(get("https://h/{{#key}}{{p}}{{/key}}"), "a section"),
        body(r#"{"a": {{{p | json}}}}"#, "a filter"),
        body(r#"{"a": "{{#base64}}{{p}}{{/base64}}"}"#, "a section"),
        body(r#"{"a": "{{^p}}no{{/p}}"}"#, "a section"),
    ] {
        let secrets = secret("Canary-QwErTy12345", &[]);
        let planned = plan_with_secrets(resource.clone(), element.clone(), json!({"x": 1}), &anonymous(), &secrets);
        let problem = planned.map(|plan| plan.request.redacted()).unwrap_err();
        let expected = format!("a secret cannot be a part of {place}");
        assert!(problem.contains(&expected), "{resource} {element}: {problem}");
        assert!(!problem.to_lowercase().contains("canary"), "{resource} {element}: {problem}");
    }
    // A member of an item, or of the request data, may be named like a row.
    let element = row("PARAM", "p", "{{secret:K}}", "mustache");
    let resource = get("https://h/?q={{#list}}{{p}}{{/list}}");
    let data = json!({"list": [{"p": 1}, {"p": 2}]});
    let plan = plan_with_secrets(resource, element, data, &anonymous(), &secret("Canary-QwErTy12345", &[])).unwrap();
    assert_eq!(plan.request.url.as_str(), "https://h/?q=12&p=Canary-QwErTy12345");
}

#[test]
fn a_url_that_is_none_is_quoted_as_it_was_written() {
    let problem = refused(json!({"url": "https://{{x}}/"}), json!({}), json!({"x": "Canary Bird"}));
    assert!(problem.contains("`https://{{x}}/` is not a URL") && !problem.contains("Canary"), "{problem}");
}

/// A bound secret closes every other door of its call.
#[test]
fn a_bound_secret_leads_nowhere_else() {
    let resource = json!({"url": "https://home.example/", "method": "POST", "body_type": "multipart",
        "body": r#"{"doc": {"url": "{{{doc}}}"}}"#, "headers": [{"key": "X", "value": "{{secret:K}}", "required": true}]});
    let plan_of = |doc: &str, hosts: &[&str]| {
        let element = json!({"outboundConfig": [{"type": "BODY", "key": "doc", "value": doc}]});
        plan_with_secrets(resource.clone(), element, json!({}), &anonymous(), &secret("Canary-QwErTy12345", hosts))
    };
    let home = &["home.example"];
    for doc in [
        "https://evil.example/?k={{secret:K}}",
        "https://evil.example/",
        "http://home.example/",
        "https://home.example:81/",
    ] {
        let problem = plan_of(doc, home).map(drop).unwrap_err();
        assert!(problem.starts_with("secret:K: the secret may not be sent to"), "{doc}: {problem}");
        plan_of(doc, &[]).unwrap();
    }
    let request = plan_of("https://home.example/doc", home).unwrap().request;
    for (url, expected) in [
        ("https://home.example/2", true),
        ("https://HOME.example:443/2", true),
        ("http://home.example/2", false),
        ("https://home.example:8443/", false),
        ("https://evil.example/", false),
    ] {
        let url = Url::parse(url).unwrap();
        assert_eq!(request.may_lead_to(&url).is_ok(), expected, "{url}");
        let further = request.redirected_to(Url::parse("https://home.example/2").unwrap());
        assert_eq!(further.may_lead_to(&url).is_ok(), expected, "{url}, from a redirect");
    }
    let free = plan_of("https://home.example/doc", &[]).unwrap().request;
    assert!(free.may_lead_to(&Url::parse("https://evil.example/").unwrap()).is_ok());
    assert!(free.may_lead_to(&Url::parse("https://evil.example/?k=CANARY-QWERTY12345").unwrap()).is_err());
}

#[test]
fn hosts_of_a_secret_mean_https_and_its_port_unless_they_say_otherwise() {
    let to = |url: &str, host: &str| {
        let resource = json!({"url": url, "headers": [{"key": "X", "value": "{{secret:K}}", "required": true}]});
        plan_with_secrets(resource, json!({}), json!({}), &anonymous(), &secret("Canary-QwErTy12345", &[host])).is_ok()
    };
    for (host, allowed, refused) in [
        (
            "h.example",
            "https://h.example/",
            &["http://h.example/", "https://h.example:81/", "https://i.h.example/"][..],
        ),
        ("H.example:8443", "https://h.example:8443/", &["https://h.example/", "http://h.example:8443/"]),
        ("http://h.example", "http://h.example/", &["https://h.example/", "http://h.example:81/"]),
        ("http://h.example:81", "http://h.example:81/x", &["http://h.example/", "https://h.example:81/"]),
        ("[::1]:81", "https://[::1]:81/", &["https://[::1]/"]),
    ] {
        assert!(to(allowed, host), "{host}: {allowed}");
        for url in refused {
            assert!(!to(url, host), "{host}: {url}");
        }
    }
}

/// A header's template is a key, or a part of one: that part is masked, and so is what it comes to.
#[test]
fn a_key_next_to_a_variable_is_masked() {
    let of = |template: &str| {
        let credentials = credentials("HEADERS", json!({"X-Api-Key": template}));
        plan_with(json!({"url": "https://h/"}), json!({}), json!({"tenant": "acme-corp"}), &credentials)
            .unwrap()
            .request
    };
    for (template, said, expected) in [
        ("Static-Canary-77-{{tenant}}", "Static-Canary-77-acme-corp", "********"),
        ("Static-Canary-77-{{tenant}}", "static-canary-77- of acme-corp", "******** of acme-corp"),
        ("Bearer Static-Canary{{tenant}}", "my STATIC-CANARYACME-CORP", "my ********"),
        ("Bearer {{tenant}}", "Bearer of acme-corp", "Bearer of acme-corp"),
        ("{{tenant}}", "acme-corp", "acme-corp"),
        ("Static-Canary", "my Static-Canary", "my ********"),
    ] {
        assert_eq!(of(template).redactor.redacted_text(said), expected, "{template}");
    }
}

#[test]
fn a_secret_is_inserted_where_it_is_named_and_nowhere_else() {
    let known = |hosts: &[&str]| secret("se{{x}}cret/1", hosts);
    let plan_of = |resource: Value, data: Value, secrets: &Secrets| {
        let element = json!({"outboundConfig": [{"type": "PARAM", "key": "p", "value": "{{secret:K}}"}]});
        plan_with_secrets(resource, element, data, &anonymous(), secrets).map(|plan| plan.request)
    };
    let resource = json!({"url": "https://h.example/{{secret:K}}/{{v}}", "params": [{"key": "p", "value": ""}],
        "headers": [{"key": "X-K", "value": "{{secret:K}}", "required": true}]});
    let data = json!({"v": "{{secret:K}}", "x": "!", "secret:K": "spoofed"});
    let request = plan_of(resource.clone(), data.clone(), &known(&[])).unwrap();
    let url = "https://h.example/se%7B%7Bx%7D%7Dcret%2F1/%7B%7Bsecret%3AK%7D%7D?p=se%7B%7Bx%7D%7Dcret%2F1";
    assert_eq!(request.url.as_str(), url, "neither the value nor request data is rendered again");
    let (_, header) = request.headers.iter().find(|(name, _)| name == "x-k").unwrap();
    assert!(header.is_sensitive() && header == "se{{x}}cret/1");
    assert_eq!(request.redactor.redacted_text("a se{{x}}cret/1"), "a ********");
    let elsewhere = plan_of(resource.clone(), data.clone(), &known(&["api.example"])).unwrap_err();
    assert!(elsewhere.contains("secret:K: the secret may not be sent to `https://h.example`"), "{elsewhere}");
    let missing = plan_of(resource, data, &Secrets::default()).unwrap_err();
    assert!(missing.contains("there is no such secret"), "{missing}");
}
