use std::time::Duration;

use serde_json::json;

use super::super::{Backoff, Credentials, ElementConfig, RowFormat, Scheme, effective_policy, effective_timeout};
use std::collections::BTreeMap;

use super::*;

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("{other}"),
    }
}

fn connector(value: Value) -> Result<Connector, String> {
    Connector::read(&object(value)).map_err(|e| e.to_string())
}

#[test]
fn a_record_of_the_sheet_is_read() {
    let record = connector(json!({
        "id": 3, "name": "Users", "type": "REST", "authtype": "basic", "status": "ACTIVE", "mappings": null,
        "endpoints": {"list": {
            "url": "https://host/users/{{id}}", "method": "put", "body": null, "body_type": "json",
            "params": [{"id": 1, "key": "q", "value": null, "required": false}],
            "headers": [{"key": "X", "value": "1", "required": "1"}],
            "timeout": "20", "retry_attempts": "2", "retry_wait_time": ""}}
    }))
    .unwrap();
    let resource = record.resource("list").unwrap();
    assert_eq!((resource.method.as_str(), record.authtype.as_str()), ("PUT", "BASIC"));
    assert_eq!((resource.timeout, resource.retry_attempts), (Some(Duration::from_secs(20)), Some(2)));
    assert!(resource.headers[0].required && !resource.params.as_ref().unwrap()[0].required);
    assert!(record.resource("List").is_none());
}

#[test]
fn what_is_wrong_is_named_by_its_path() {
    let with = |resource: Value| connector(json!({"name": "A", "endpoints": {"r": resource}})).unwrap_err();
    assert_eq!(connector(json!({"name": " "})).unwrap_err(), "name: is missing");
    assert_eq!(
        connector(json!({"name": "A", "endpoints": [1]})).unwrap_err(),
        "endpoints: must be an object, not a list"
    );
    assert_eq!(with(json!({})), "endpoints.r.url: is missing");
    assert!(with(json!({"url": "u", "method": "SOAP"})).starts_with("endpoints.r.method: `SOAP` is not a method"));
    assert!(with(json!({"url": "u", "timeout": "soon"})).starts_with("endpoints.r.timeout: `soon` is not a time"));
    assert_eq!(with(json!({"url": "u", "params": [{"value": "x"}]})), "endpoints.r.params.0.key: is missing");
    for (rules, expected) in [
        (json!({"poll": {"tries": 0}}), "endpoints.r.poll.tries: is at least 1"),
        (json!({"poll": 7}), "endpoints.r.poll: must be an object, not a number"),
        (json!({"pagination": {}}), "endpoints.r.pagination: needs one of"),
        (json!({"pagination": {"page": "p", "link": true}}), "endpoints.r.pagination: needs one of"),
        (json!({"pagination": {"page": "p", "offset": "o"}}), "endpoints.r.pagination: needs one of"),
        (json!({"pagination": {"cursor": "c"}}), "endpoints.r.pagination.cursor: needs `next`"),
        (json!({"pagination": {"page": "p", "cursor": "c"}}), "endpoints.r.pagination.cursor: needs `next`"),
        (
            json!({"pagination": {"page": "offset"}}),
            "endpoints.r.pagination.page: `offset` counts items, not pages; write `offset: offset`",
        ),
        (json!({"pagination": {"page": "$skip"}}), "endpoints.r.pagination.page: `$skip` counts items"),
        (json!({"pagination": {"page": "page[offset]"}}), "endpoints.r.pagination.page: `page[offset]` counts items"),
        (json!({"pagination": {"page": "startAt"}}), "endpoints.r.pagination.page: `startAt` counts items"),
        (json!({"pagination": {"page": "p", "pages": "x"}}), "endpoints.r.pagination.pages: `x` is not a whole number"),
        (json!({"errorMapping": [{"when": "404"}]}), "endpoints.r.errorMapping.0.code: is missing"),
        (json!({"errorMapping": [{"code": "A"}]}), "endpoints.r.errorMapping.0.when: is missing"),
        (json!({"answer": "yaml"}), "endpoints.r.answer: `yaml` is not auto or json or text or xml or binary"),
        (json!({"escape": "url"}), "endpoints.r.escape: `url` is not html or slot"),
        (json!({"retry": "R/PT1S"}), "endpoints.r.retry: `R/PT1S` is not a cycle"),
        (json!({"retry": {"wait": "soon"}}), "endpoints.r.retry.wait: `soon` is not a time"),
    ] {
        let mut resource = object(rules.clone());
        resource.insert("url".to_owned(), json!("u"));
        let problem = with(Value::Object(resource));
        assert!(problem.starts_with(expected), "{rules}: {problem}");
    }
    assert!(connector(json!({"name": "A", "type": "SOAP"})).unwrap_err().contains("`SOAP` is not supported"));
}

#[test]
fn a_file_holds_one_record_a_list_or_a_page() {
    let count = |value: Value| connector_records(value).map(|records| records.len()).map_err(|e| e.to_string());
    assert_eq!(count(json!({"name": "A"})), Ok(1));
    assert_eq!(count(json!([{"name": "A"}, {"name": "B"}])), Ok(2));
    assert_eq!(count(json!({"data": [{"name": "A"}], "meta": {}})), Ok(1));
    assert_eq!(count(json!([1])), Err("record 1: must be an object".to_owned()));
    assert_eq!(count(json!("x")), Err("the file: must hold one connector or a list of them".to_owned()));
}

#[test]
fn credentials_name_what_is_missing_and_where_they_may_go() {
    let read = |authtype: &str, value: Value| Credentials::read(authtype, &object(value));
    let basic = read(
        "BASIC",
        json!({"username": "u", "password": "p", "hosts": ["api.example.com", "b.example:8443", "https://d.example"]}),
    )
    .unwrap();
    assert!(matches!(basic.scheme, Scheme::Basic { .. }) && basic.verify_certificate);
    for (url, expected) in [
        ("https://API.example.com/", true),
        ("http://api.example.com:81/", true),
        ("https://b.example:8443/", true),
        ("https://b.example/", false),
        ("https://c.example/", false),
        ("https://d.example/", true),
        ("http://d.example/", false),
    ] {
        assert_eq!(basic.may_go_to(&url::Url::parse(url).unwrap()), expected, "{url}");
    }
    assert!(!format!("{basic:?}").contains("\"p\""));
    let problem = |authtype: &str, value: Value| read(authtype, value).unwrap_err().to_string();
    assert_eq!(problem("DIGEST", json!({"username": "u"})), "credentials.password: is missing");
    let neither = "credentials.username: is missing, and so is `password`; one of them may be empty";
    assert_eq!(problem("BASIC", json!({"username": "", "password": null})), neither);
    for (authtype, members, expected) in [
        ("SOAP", json!({}), "authtype: `SOAP` is not known; write NONE"),
        ("NONE", json!({"client_key": "k"}), "credentials.client_certificate: is missing"),
        ("NONE", json!({"client_certificate": "c"}), "credentials.client_key: is missing"),
        ("AWS_SIGV4", json!({"access_key_id": "a", "secret_access_key": "s"}), "credentials.region: is missing"),
        ("API_KEY", json!({"name": "k", "value": "v", "in": "cookie"}), "credentials.in: must be header or query"),
        ("HEADERS", json!({"hosts": ["h"]}), "must hold header names"),
        ("OAUTH2_REFRESH", json!({"url": "https://h", "client_id": "c"}), "credentials.refresh_token: is missing"),
        ("OAUTH2_PASSWORD", json!({"url": "h", "client_id": "c", "username": "u", "password": "p"}), "credentials.url"),
        ("OAUTH2_CLIENT_CREDENTIALS", json!({"url": "https://h", "client_id": "c"}), "must hold `client_secret`"),
        (
            "OAUTH2_CLIENT_CREDENTIALS",
            json!({"url": "https://h", "client_id": "c", "client_secret": "s", "private_key": "k"}),
            "one of them is enough",
        ),
        (
            "OAUTH2_CLIENT_CREDENTIALS",
            json!({"url": "https://h", "client_id": "c", "client_secret": "s", "client_auth": "x"}),
            "must be body or basic",
        ),
        ("BASIC", json!({"username": "u", "password": "p", "realm": "x"}), "credentials.realm: is no member of BASIC"),
        ("NONE", json!({"tenant": 7}), "credentials.tenant: is no member"),
        (
            "OAUTH2_CLIENT_CREDENTIALS",
            json!({"url": "https://h", "client_id": "c", "client_secret": "s", "resource": {"a": 1}}),
            "credentials.resource: must be a text",
        ),
        (
            "OAUTH2_CLIENT_CREDENTIALS",
            json!({"url": "https://h", "client_id": "c", "client_secret": "s", "grant_type": "password"}),
            "credentials.grant_type: is what `authtype` says",
        ),
        (
            "OAUTH2_CLIENT_CREDENTIALS",
            json!({"url": "https://h", "client_id": "c", "client_secret": "s", "expired_statuses": "x"}),
            "credentials.expired_statuses",
        ),
    ] {
        let found = problem(authtype, members);
        assert!(found.contains(expected), "{authtype}: {found}");
    }
}

/// What an OAuth kind does not know is for its token endpoint; secrets of a kind that it was before are not.
#[test]
fn further_members_of_oauth() {
    let members = json!({"url": "https://h", "client_id": "c", "client_secret": "s", "resource": "r", "tenant": 7,
        "force": true, "empty": "", "nothing": null, "password": "left over", "verify_certificate": true, "hosts": "h",
        "expired_statuses": "403,419"});
    let read = Credentials::read("OAUTH2_CLIENT_CREDENTIALS", &object(members)).unwrap();
    let Scheme::OAuth2(oauth) = read.scheme else { panic!("{read:?}") };
    let further: BTreeMap<_, _> = oauth.further.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(further, BTreeMap::from([("force", "true"), ("resource", "r"), ("tenant", "7")]));
    let expired = oauth.expired.unwrap();
    assert!(expired.contains(403) && expired.contains(419) && !expired.contains(404));
    let left_over = json!({"token": "t", "username": "u", "unknown": null, "other": ""});
    Credentials::read("OAUTH2_BEARER", &object(left_over)).unwrap();
}

#[test]
fn an_element_is_read_in_both_spellings() {
    let read = |value: Value| ElementConfig::read(&object(value)).map_err(|e| e.to_string());
    let element = read(json!({"dataSource": 1, "endpoint": "GET: list",
        "outboundConfig": [{"type": "param", "key": "n", "value": 88}],
        "dataMapping": [{"key": "a", "value": null}, {"key": "b", "value": "{{x}}", "format": "mustache"}]}))
    .unwrap();
    assert_eq!((element.connector.as_str(), element.resource.as_str()), ("1", "list"));
    assert_eq!(element.outbound.unwrap()[0].value, "88");
    assert_eq!(element.mapping.unwrap()[1].format, RowFormat::Mustache);
    for (config, expected) in [
        (json!({}), "dataSource: is missing; choose a connector"),
        (json!({"dataSource": "A"}), "endpoint: is missing; choose a resource"),
        (
            json!({"dataSource": 1, "endpoint": "e", "outboundConfig": [{"type": "COOKIE", "key": "a"}]}),
            "outboundConfig.0.type: `COOKIE` is not",
        ),
        (
            json!({"dataSource": 1, "endpoint": "e", "dataMapping": [{"key": "a", "value": "x", "format": "xpath"}]}),
            "dataMapping.0.format: `xpath` is not a format; write dotNotation, mustache, feel or jmespath",
        ),
        (
            json!({"dataSource": 1, "endpoint": "e", "outboundConfig": [{"type": "BODY", "key": "a", "format": "jmespath"}]}),
            "outboundConfig.0.format: `jmespath` is not a format; write mustache or feel",
        ),
        (json!({"dataSource": 1, "endpoint": "e", "callback": true}), "callback: waiting"),
    ] {
        let problem = read(config.clone()).unwrap_err();
        assert!(problem.starts_with(expected), "{config}: {problem}");
    }
}

#[test]
fn the_element_decides_then_the_resource_then_the_connector() {
    let policy = |handling: Value, element: Value, resource: Value, connector_retry: Value| {
        let mut of_resource = object(resource);
        of_resource.insert("url".to_owned(), json!("u"));
        let record =
            connector(json!({"name": "A", "endpoints": {"r": of_resource}, "retry": connector_retry})).unwrap();
        let mut config = object(element);
        config.extend(object(json!({"dataSource": "A", "endpoint": "r"})));
        let element = ElementConfig::read(&config).unwrap();
        let policy = effective_policy(&object(handling), &element, &record.resources[0], &record).unwrap();
        (policy.attempts, policy.waits[0].as_secs(), policy.backoff)
    };
    let none = || json!({});
    assert_eq!(policy(none(), none(), none(), none()), (1, 5, Backoff::Fixed));
    assert_eq!(policy(none(), none(), none(), json!({"attempts": 7, "wait": 1})), (7, 1, Backoff::Fixed));
    assert_eq!(policy(none(), none(), json!({"retry_attempts": 2}), json!({"attempts": 7})), (3, 5, Backoff::Fixed));
    assert_eq!(
        policy(
            json!({"retry_attempts": "", "retry_wait_time": null}),
            none(),
            json!({"retry_attempts": 2, "retry_wait_time": 9}),
            none()
        ),
        (3, 9, Backoff::Fixed)
    );
    assert_eq!(
        policy(json!({"retry_attempts": "0", "retry_wait_time": "4"}), none(), json!({"retry_attempts": 2}), none()),
        (1, 4, Backoff::Fixed)
    );
    assert_eq!(
        policy(
            json!({"retry_attempts": 1}),
            json!({"retry": {"attempts": "5", "backoff": "exponential"}}),
            none(),
            none()
        ),
        (5, 5, Backoff::Exponential)
    );
    // Cycles and lists count attempts where `attempts` is absent; else `attempts` decides.
    let fixed = |attempts, wait| (attempts, wait, Backoff::Fixed);
    assert_eq!(policy(none(), json!({"retry": "R3/PT10S"}), json!({"retry_attempts": 9}), none()), fixed(4, 10));
    assert_eq!(policy(none(), json!({"retry": {"wait": "PT1S,PT1M"}}), none(), none()), fixed(3, 1));
    assert_eq!(policy(none(), json!({"retry": {"wait": "R3/PT10S", "attempts": 2}}), none(), none()), fixed(2, 10));
    assert_eq!(policy(json!({"retry_wait_time": "R2/PT7S"}), none(), none(), none()), fixed(3, 7));
    assert_eq!(
        policy(json!({"retry_attempts": "4.0", "retry_wait_time": "R2/7"}), none(), none(), none()),
        fixed(5, 7)
    );
    assert_eq!(policy(json!({"retry_attempts": 1}), none(), none(), json!({"retry": "R3/PT10S"})), fixed(2, 5));
    assert_eq!(policy(none(), none(), json!({"retry": []}), json!("R1/PT2S")), fixed(2, 2));
}

#[test]
fn no_time_or_zero_means_the_operators_cap() {
    let cap = Duration::from_mins(5);
    let record = connector(json!({"name": "A", "endpoints": {"r": {"url": "u", "timeout": 40}}})).unwrap();
    let time = |handling: Value, config: Value| {
        let mut config = object(config);
        config.extend(object(json!({"dataSource": "A", "endpoint": "r"})));
        let element = ElementConfig::read(&config).unwrap();
        effective_timeout(&object(handling), &element, &record.resources[0], cap).unwrap().as_secs()
    };
    assert_eq!(time(json!({}), json!({})), 40);
    assert_eq!(time(json!({"timeout": ""}), json!({})), 40);
    assert_eq!(time(json!({"timeout": "0"}), json!({})), 300);
    assert_eq!(time(json!({"timeout": 900}), json!({})), 300);
    assert_eq!(time(json!({"timeout": 20}), json!({"timeout": "PT3S"})), 3);
}
