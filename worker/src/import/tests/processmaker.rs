use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{converted, left_out};
use crate::import::{Kind, convert};

fn connector() -> Value {
    json!({"id": 3, "uuid": "0199f1c2-0000-7000-8000-000000000001", "name": "Users", "type": "REST", "authtype": "BASIC",
        "credentials": "eyJpdiI6…", "endpoints": {"list": {"url": "https://a.example/{{id}}", "method": "GET", "params": [], "body": null}},
        "created_at": "2024-01-01", "validationStatus": [], "data_source_category_id": "2", "status": "ACTIVE", "mappings": null})
}

#[test]
fn packages_of_both_forms() {
    let old = json!({"type": "process_package", "version": "1", "process": {"name": "Order", "bpmn": "<x/>"},
        "screens": [{"title": "S"}, {"title": "T"}], "data_sources": [connector()]});
    let new = json!({"type": "process_package", "version": "2", "root": "p", "export": {
        "p": {"exporter": "ProcessExporter", "type": "Process", "attributes": {"name": "Order"}},
        "s": {"exporter": "ScreenExporter", "type": "Screen", "attributes": {"title": "S"}},
        "d": {"exporter": "DataSourceExporter", "type": "DataConnector", "attributes": connector()},
    }});
    let mut as_text = connector();
    as_text["endpoints"] = connector()["endpoints"].to_string().into();
    let single = json!({"type": "data_source_package", "version": "1", "data_source": as_text});
    for (package, others) in [
        (&old, vec!["process `Order`", "2 of the kind screens"]),
        (&new, vec!["Process `Order`", "Screen"]),
        (&single, vec![]),
    ] {
        let wrapped = STANDARD.encode(package.to_string());
        for text in [package.to_string(), wrapped] {
            let conversion = converted(&text);
            assert_eq!((conversion.kind, conversion.records.len()), (Kind::ProcessMaker, 1));
            let record = &conversion.records[0];
            assert_eq!(
                (&record["id"], &record["name"], &record["authtype"]),
                (&json!(3), &json!("Users"), &json!("BASIC"))
            );
            assert_eq!(record["endpoints"]["list"]["url"], "https://a.example/{{id}}");
            for absent in ["credentials", "created_at", "validationStatus", "data_source_category_id"] {
                assert!(record.get(absent).is_none(), "{absent}");
            }
            assert!(
                left_out(&conversion, &["the credentials of `Users`", "encrypted"])
                    && left_out(&conversion, &["the category"])
            );
            for other in &others {
                assert!(left_out(&conversion, &[other]), "{other}: {:?}", conversion.left_out);
            }
        }
    }
}

#[test]
fn what_cannot_come_over() {
    let mut soap = connector();
    soap["type"] = "SOAP".into();
    soap["name"] = "Old".into();
    soap["uuid"] = "x".into();
    let package = json!({"type": "data_source_package", "data_sources": [soap, connector()]});
    let conversion = converted(&package.to_string());
    assert!(conversion.records.len() == 1 && left_out(&conversion, &["the connector `Old`", "SOAP"]));
    for package in [
        json!({"type": "process_package", "export": "eyJ…", "encrypted": true, "root": "x"}),
        json!({"type": "screen_package", "screens": []}),
    ] {
        let error = convert(&package.to_string(), None, None).unwrap_err().to_string();
        assert!(error.contains("nothing was found in an export of ProcessMaker"), "{error}");
    }
}

#[test]
fn records_come_over_as_they_are() {
    let record = json!({"name": "R", "authtype": "BASIC", "credentials": {"username": "u", "password": "********"}, "retry": {"attempts": 3},
        "endpoints": {"a": {"url": "https://a.example/", "further": 1}, "b": {"url": "https://a.example/{{"}}});
    let conversion = converted(&json!({"data": [record]}).to_string());
    assert_eq!(
        (conversion.kind, &conversion.records[0]["retry"], &conversion.records[0]["endpoints"]["a"]["further"]),
        (Kind::Records, &json!({"attempts": 3}), &json!(1))
    );
    assert!(
        left_out(&conversion, &["password", "Authentication"])
            && left_out(&conversion, &["the resource `b`", "never closed"])
    );
    assert_eq!(converted("- name: R\n  endpoints:\n    a: {url: 'https://a.example/'}\n").records[0]["name"], "R");
}
