mod curl;
mod documents;
mod hostile;
mod openapi;
mod postman;
mod processmaker;

use serde_json::{Map, Value};

use super::{Conversion, Error, Kind, convert};
use crate::connector::Credentials;
use crate::plan::{CredentialId, PreparedCredentials};

/// A conversion that must work, and whose records must be usable.
fn converted(text: &str) -> Conversion {
    let conversion = convert(text, None, None).unwrap_or_else(|error| panic!("{error}\n{text}"));
    conversion.records.iter().for_each(usable);
    conversion
}

fn usable(record: &Map<String, Value>) {
    let Some(Value::Object(credentials)) = record.get("credentials") else { return };
    let authtype = record["authtype"].as_str().unwrap();
    let credentials = Credentials::read(authtype, credentials).unwrap_or_else(|error| panic!("{error}: {record:?}"));
    PreparedCredentials::new(credentials, CredentialId::default()).unwrap();
}

/// The only resource of the only record.
fn only(conversion: &Conversion) -> &Value {
    let [record] = conversion.records.as_slice() else { panic!("{:#?}", conversion.records) };
    let endpoints = record["endpoints"].as_object().unwrap();
    assert_eq!(endpoints.len(), 1, "{endpoints:?}");
    endpoints.values().next().unwrap()
}

/// Rows as `key=value`, with a `?` behind those that are not always sent.
fn rows(of: &Value) -> Vec<String> {
    let row = |row: &Value| {
        let optional = if row["required"] == true { "" } else { "?" };
        format!("{}={}{optional}", row["key"].as_str().unwrap(), row["value"].as_str().unwrap())
    };
    of.as_array().unwrap().iter().map(row).collect()
}

/// Whether something was left out whose description holds all of the words.
fn left_out(conversion: &Conversion, words: &[&str]) -> bool {
    let holds = |text: &str| words.iter().all(|word| text.contains(word));
    conversion.left_out.iter().any(|left| holds(&format!("{}: {}", left.what, left.why)))
}

fn changed(conversion: &Conversion, words: &str) -> bool {
    conversion.changed.iter().any(|sentence| sentence.contains(words))
}

#[test]
fn a_kind_is_recognized_and_a_wrong_one_is_refused() {
    let curl = "curl https://api.example.com/a";
    let openapi = r#"{"openapi": "3.1.0", "info": {"title": "T"}, "paths": {"/a": {"get": {}}}}"#;
    let postman = r#"{"info": {"name": "P", "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"},
        "item": [{"name": "a", "request": "https://api.example.com/a"}]}"#;
    let record = r#"{"name": "R", "authtype": "NONE", "endpoints": {"a": {"url": "https://api.example.com/a"}}}"#;
    let package = format!(r#"{{"type": "data_source_package", "version": "1", "data_sources": [{record}]}}"#);
    let texts = [
        (Kind::Curl, curl),
        (Kind::OpenApi, openapi),
        (Kind::Postman, postman),
        (Kind::ProcessMaker, package.as_str()),
        (Kind::Records, record),
    ];
    for (kind, text) in texts {
        assert_eq!(converted(text).kind, kind);
        for given in Kind::ALL {
            let conversion = convert(text, Some(given), None);
            match conversion {
                Ok(conversion) => {
                    assert!(
                        given == kind || (given, kind) == (Kind::ProcessMaker, Kind::Records),
                        "{given:?} {kind:?}"
                    );
                    assert_eq!(conversion.kind, given);
                }
                Err(Error::Kind { given: said, found }) => {
                    assert!(given != kind && said == given && found == kind.noun(), "{given:?} {kind:?} {found}");
                }
                Err(error) => panic!("{given:?} {kind:?}: {error}"),
            }
        }
    }
    assert_eq!(Kind::named("openapi"), Some(Kind::OpenApi));
    assert_eq!(Kind::named("OpenAPI"), None);
}

#[test]
fn the_name_that_is_asked_for_names_the_first_record() {
    let text = "curl https://a.example/x\ncurl https://b.example/y";
    let conversion = convert(text, None, Some("Rates\n2")).unwrap();
    let names: Vec<&str> = conversion.records.iter().map(|record| record["name"].as_str().unwrap()).collect();
    assert_eq!((conversion.name.as_str(), names.as_slice()), ("Rates 2", ["Rates 2", "b.example"].as_slice()));
    let records = r#"[{"name": "A", "endpoints": {"a": {"url": "https://x"}}}, {"name": "A", "endpoints": {"a": {"url": "https://x"}}}]"#;
    let names: Vec<Value> = converted(records).records.iter().map(|record| record["name"].clone()).collect();
    assert_eq!(names, ["A", "A-2"]);
}

#[test]
fn mistakes_have_their_place() {
    for (text, line, column, words) in [
        ("", 1, 1, "empty"),
        ("  \n ", 1, 1, "empty"),
        ("hello", 1, 1, "nothing was recognized"),
        ("{\"a\": 1}", 1, 1, "nothing was recognized"),
        ("{\n \"ä\": \"ö\", x}", 2, 12, "not JSON"),
        ("{\n  \"a\": \"ö\\\"\n}", 2, 8, "this quote is never closed."),
        ("a: 1\nb: [ä, \"ü\n", 2, 8, "this quote is never closed."),
        ("a: 1\n  b: 2\n", 2, 4, "neither JSON nor YAML"),
        ("curl 'https://api.example.com/ä' \\\n  -H 'a: b' \\\n  -d 'x", 3, 6, "this quote is never closed."),
        ("curl -H", 1, 6, "needs a value"),
        ("curl https://a.example/ -d \"$(cat x)\"", 1, 29, "another command"),
        ("curl -X GET", 1, 1, "no URL"),
        ("{\"openapi\": \"4.0\"}", 1, 3, "OpenAPI 4.0 is not read"),
        ("info: {}\nopenapi: 3.0.0\npaths: 7\n", 3, 1, "`paths` must be an object"),
    ] {
        let error = convert(text, None, None).unwrap_err();
        let Error::Text { position, problem } = &error else { panic!("{error}") };
        assert_eq!((position.line, position.column), (line, column), "{text:?}: {error}");
        assert!(problem.contains(words), "{error}");
        assert!(error.to_string().starts_with(&format!("Line {line}, column {column}: ")), "{error}");
    }
}
