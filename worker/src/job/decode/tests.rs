use super::*;

fn envelope() -> Envelope {
    Envelope { message_id: Some("j1".to_owned()), attempt: 1, ..Envelope::default() }
}

fn decode_text(body: &str) -> Result<Job, Box<Refusal>> {
    Decoder::default().decode(body.as_bytes(), &envelope())
}

fn job(body: &str) -> Job {
    decode_text(body).unwrap_or_else(|refusal| panic!("{body}: {}", refusal.message))
}

const LEAST: &str = r#"{"request":{"id":42},"element":{"id":"node_7"}}"#;

#[test]
fn the_least_job_takes_its_id_from_the_message_and_defaults_for_the_rest() {
    let job = job(LEAST);
    assert_eq!((job.id.as_str(), job.engine.as_str()), ("j1", "default"));
    assert_eq!((job.request_id.as_str(), job.element_id.as_str()), ("42", "node_7"));
    assert_eq!(job.config, Configuration::Deployed);
    assert_eq!(job.error_handling, ErrorHandling::Members(Map::new()));
    assert!(job.scope.is_empty() && job.deadline_ms.is_none() && job.process.is_none());
}

#[test]
fn identity_is_echoed_byte_for_byte() {
    let job =
        job(r#"{"request":{"id":4.20e1, "x":[1 ]},"element":{"id":"é","token":7},"process":{"id":1,"version":2}}"#);
    assert_eq!(job.request.get(), r#"{"id":4.20e1, "x":[1 ]}"#);
    assert_eq!(job.element.get(), r#"{"id":"é","token":7}"#);
    assert_eq!((job.process_id.as_deref(), job.process_version.as_deref()), (Some("1"), Some("2")));
}

#[test]
fn php_spellings_and_nulls_mean_empty_or_absent() {
    let job = job(r#"{"request":{"id":"1"},"element":{"id":"e","name":null},"config":[],"errorHandling":[],"data":[],
            "variables":null,"engine":null,"deadline":null,"process":null}"#);
    assert!(matches!(job.config, Configuration::Inline(given) if given.members.is_empty()));
    assert!(job.scope.is_empty());
}

#[test]
fn configuration_may_be_text_broken_or_not() {
    let with =
        |config: &str| job(&format!(r#"{{"request":{{"id":"1"}},"element":{{"id":"e"}},"config":{config}}}"#)).config;
    assert!(
        matches!(with(r#""{\"endpoint\":\"list\"}""#), Configuration::Inline(given) if given.members["endpoint"] == "list")
    );
    assert!(
        matches!(with(r#""{\"dataSource\":,}""#), Configuration::Malformed(why) if why.contains("line 1 column 15"))
    );
    assert!(matches!(with(r#""[1]""#), Configuration::Malformed(why) if why.contains("a list")));
    assert!(matches!(with("null"), Configuration::Deployed));
}

#[test]
fn variables_win_over_data() {
    let job = job(r#"{"request":{"id":"1"},"element":{"id":"e"},"data":{"a":1,"b":1},"variables":{"b":2}}"#);
    assert_eq!(Value::Object((*job.scope).clone()), serde_json::json!({"a":1,"b":2}));
}

#[test]
fn what_is_wrong_is_named() {
    for (body, expected) in [
        ("{", "not JSON: EOF while parsing an object at line 1 column 1"),
        ("[]", "not a JSON object"),
        (r#"{"request":{"id":1},"request":{"id":2},"element":{"id":1}}"#, "duplicate field `request`"),
        (r#"{"element":{"id":"e"}}"#, "`request` is missing"),
        (r#"{"request":{},"element":{"id":"e"}}"#, "`request.id` is missing"),
        (r#"{"request":{"id":true},"element":{"id":"e"}}"#, "`request.id` must be a string or a number, not a boolean"),
        (r#"{"request":{"id":""},"element":{"id":"e"}}"#, "`request.id` is empty"),
        (r#"{"request":{"id":1}}"#, "`element` is missing"),
        (r#"{"request":{"id":1},"element":"e"}"#, "`element` must be an object, not a string"),
        (r#"{"request":{"id":1},"element":{"id":"e"},"data":[1]}"#, "`data` must be an object, not a list"),
        (r#"{"request":{"id":1},"element":{"id":"e"},"config":3}"#, "`config` must be an object, not a number"),
        (r#"{"request":{"id":1},"element":{"id":"e"},"engine":"a.b"}"#, "`engine` is \"a.b\"; it must be 1 to 64"),
        (r#"{"request":{"id":1},"element":{"id":"e"},"deadline":"soon"}"#, "`deadline` is `soon`"),
        (r#"{"id":"j2","request":{"id":1},"element":{"id":"e"}}"#, "`id` is `j2` but the message_id is `j1`"),
        (r#"{"id":[],"request":{"id":1},"element":{"id":"e"}}"#, "`id` must be a string or a number"),
    ] {
        let refusal = decode_text(body).expect_err(body);
        assert_eq!(refusal.code, Code::BadJob);
        assert!(refusal.message.contains(expected), "{body}: {}", refusal.message);
        assert_eq!(refusal.id.as_deref(), Some("j1"), "{body}");
    }
}

#[test]
fn a_refusal_keeps_the_identity_that_could_be_read() {
    let refusal =
        decode_text(r#"{"id":"j2","engine":"e1","process":{"id":"p"},"request":{"id":1},"element":{"id":2}}"#)
            .expect_err("ids differ");
    assert_eq!(refusal.engine.as_deref(), Some("e1"));
    assert_eq!(refusal.process_id.as_deref(), Some("p"));
    assert_eq!(refusal.request.expect("request").get(), r#"{"id":1}"#);
}

#[test]
fn ids_are_compared_as_text_and_another_type_is_refused() {
    let numeric = Envelope { message_id: Some("7".to_owned()), kind: Some(JOB_TYPE.to_owned()), ..envelope() };
    let body = br#"{"id":7,"request":{"id":1},"element":{"id":"e"}}"#;
    assert_eq!(Decoder::default().decode(body, &numeric).expect("same id").id, "7");
    let foreign = Envelope { kind: Some("order.v1".to_owned()), ..envelope() };
    assert!(Decoder::default().decode(LEAST.as_bytes(), &foreign).expect_err("type").message.contains("`order.v1`"));
    let nameless = Envelope::default();
    assert!(Decoder::default().decode(LEAST.as_bytes(), &nameless).expect_err("id").message.contains("no job id"));
}

/// SHA-256 of what a library writes as canonical JSON.
fn measured(body: &str) -> [u8; 32] {
    use sha2::Digest as _;
    let mut members: Map<String, Value> = serde_json::from_str(body).unwrap();
    members.remove("deadline");
    sha2::Sha256::digest(serde_json_canonicalizer::to_vec(&members).unwrap()).into()
}

#[test]
fn the_hash_is_that_of_the_whole_message_also_when_its_configuration_is_known() {
    let decoder = Decoder::default();
    let configs = [
        r#"{"z": 1.0, "a": {"\u00e9": []}}"#,
        r#"{"a":{"é":[]},"z":1}"#,
        r#""{\"z\": 1}""#,
        "[]",
        "{}",
        "null",
        r#""{""#,
    ];
    for round in 0..2 {
        for config in configs {
            let body = format!(
                r#"{{"request":{{"id":{round}}},"config":{config},"deadline":"2026-01-01T00:00:00Z","element":{{"id":"e"}},
                    "\ud83d\ude00":null,"ﬀ":1,"data":{{"b":2,"a":1}},"data":{{"b":2}}}}"#
            );
            let job = decoder.decode(body.as_bytes(), &envelope()).unwrap();
            assert_eq!(job.hash, measured(&body), "{body}");
        }
    }
}

#[test]
fn a_configuration_that_comes_again_is_read_once() {
    let decoder = Decoder::default();
    let given = |config: &str| {
        let body = format!(r#"{{"request":{{"id":1}},"element":{{"id":"e"}},"config":{config}}}"#);
        match decoder.decode(body.as_bytes(), &envelope()).unwrap().config {
            Configuration::Inline(given) => given,
            other => panic!("{other:?}"),
        }
    };
    let first = given(r#"{"endpoint":"list"}"#);
    assert!(Arc::ptr_eq(&first, &given(r#"{"endpoint":"list"}"#)));
    let other = given(r#"{"endpoint": "list"}"#);
    assert!(!Arc::ptr_eq(&first, &other) && first.members == other.members);
}

#[test]
fn the_place_of_an_error_is_that_in_the_whole_message() {
    for (body, expected) in [
        ("{\"request\":{\"id\":1},\n \"config\":{\"a\":1e}}", "not JSON: invalid number at line 2 column 18"),
        ("{\"request\":\n{\"id\":\"\\ud8zz\"}}", "not JSON: invalid escape at line 2 column 13"),
        ("{\"config\":\n{\"id\":,}}", "not JSON: expected value at line 2 column 7"),
        ("{\"data\":\n{\"id\":01}}", "not JSON: invalid number at line 2 column 8"),
    ] {
        let refusal = decode_text(body).expect_err(body);
        assert!(refusal.message.ends_with(expected), "{body}: {}", refusal.message);
    }
}

#[test]
fn an_id_is_one_that_messages_can_carry_and_databases_can_find() {
    let with = |id: &str| {
        let body = serde_json::json!({"id": id, "request": {"id": 1}, "element": {"id": "e"}});
        Decoder::default().decode(body.to_string().as_bytes(), &Envelope::default())
    };
    let longest = "é".repeat(127) + "x";
    assert_eq!(with(&longest).unwrap().id, longest);
    for id in [&"é".repeat(128), "a\0b"] {
        let refusal = with(id).unwrap_err();
        assert_eq!((refusal.message.as_str(), &refusal.id), ("`id` must have 1 to 255 bytes and no NUL", &None));
    }
}

#[test]
fn a_refusal_quotes_no_more_than_a_header_can_hold() {
    let long = "é".repeat(50_000);
    for body in [
        serde_json::json!({"id": "j1", "engine": long, "request": {"id": 1}, "element": {"id": "e"}}),
        serde_json::json!({"id": long, "request": {"id": 1}, "element": {"id": "e"}}),
        serde_json::json!({"id": "j1", "request": {"id": 1}, "element": {"id": "e"}, "deadline": long}),
    ] {
        let envelope = Envelope { message_id: Some("j1".to_owned()), ..Envelope::default() };
        let message = Decoder::default().decode(body.to_string().as_bytes(), &envelope).unwrap_err().message;
        assert!(message.len() < 1_010 && message.ends_with("é…"), "{message}");
    }
    let twice = format!(r#"{{"request":{{"id":1}},"config":{{"{long}":1,"{long}":2}}"#);
    assert!(Decoder::default().decode(twice.as_bytes(), &Envelope::default()).unwrap_err().message.len() < 1_010);
}

#[test]
fn a_byte_order_mark_and_half_a_surrogate_pair_are_read() {
    let body = "\u{feff}{\"id\":\"j1\",\"request\":{\"id\":\"\\ud83d\"},\"element\":{\"id\":\"e\"},\
        \"config\":\"\u{feff}{\\\"endpoint\\\":\\\"\\\\udc00\\\"}\",\"data\":{\"note\":\"cut \\uD83D\",\"\\udc00\":1}}";
    let job = job(body);
    assert_eq!((job.request_id.as_str(), job.request.get()), ("\u{fffd}", r#"{"id":"\ufffd"}"#));
    assert_eq!(Value::Object(Map::clone(&job.scope)), serde_json::json!({"note": "cut \u{fffd}", "\u{fffd}": 1}));
    assert!(matches!(job.config, Configuration::Inline(given) if given.members["endpoint"] == "\u{fffd}"));
}

#[test]
fn numbers_keep_every_digit() {
    let with = |number: &str| {
        job(&format!(
            r#"{{"request":{{"id":{number}}},"element":{{"id":{number}}},"data":{{"n":{number}}},"config":{{"n":{number}}}}}"#
        ))
    };
    for number in ["123456789012345678901234567890", "98765432109876543210", "0.12345678901234567890123", "1.10"] {
        let job = with(number);
        assert_eq!((job.request_id.as_str(), job.element_id.as_str()), (number, number));
        assert_eq!(serde_json::to_string(&*job.scope).unwrap(), format!(r#"{{"n":{number}}}"#));
        assert!(
            matches!(job.config, Configuration::Inline(given) if given.members["n"].as_number().is_some_and(|n| n.as_str() == number))
        );
    }
    let hash = |number: &str| with(number).hash;
    assert_eq!(hash("1.10"), hash("1.1"));
    assert_ne!(hash("98765432109876543210"), hash("98765432109876543211"), "another content");
}

#[test]
fn the_engine_of_jobs_made_over_rest_is_known_by_its_name() {
    let body = r#"{"engine":"api","request":{"id":1},"element":{"id":"e"}}"#;
    let made = job(body);
    assert!(made.is_of_rest() && !job(&body.replace("api", "API")).is_of_rest());
    let refusal = made.refused_as_reserved();
    assert!(refusal.message.starts_with("`engine` is `api`, which is reserved"), "{}", refusal.message);
    assert_eq!(
        (refusal.code, refusal.engine.as_deref(), refusal.id.as_deref()),
        (Code::BadJob, Some("api"), Some("j1"))
    );
}

#[test]
fn what_only_other_installations_may_name_is_refused() {
    let foreign = Envelope { refused_reply_to: Some("theirs".to_owned()), ..envelope() };
    let refusal = Decoder::default().decode(LEAST.as_bytes(), &foreign).unwrap_err();
    assert_eq!(refusal.message, "the reply_to is `theirs`, which begins with none of amqp.reply_to");
    assert!(refusal.request.is_some(), "it is answered on the results exchange");
}
