//! The price list of the order example, and what a select list of a screen does with it (COMPATIBILITY 3).

use harness::test_app::{TestApp, examples};
use serde_json::{Value, json};

/// What stands at a path such as `response.data`.
fn at<'a>(value: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(value, |value, name| &value[name])
}

/// `{{data.item}}` of an option of the list.
fn rendered(option: &Value, template: &str) -> String {
    let name = template.trim_start_matches("{{").trim_end_matches("}}");
    at(option, name).as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_screens_select_list_offers_what_the_price_list_has() {
    let app = TestApp::new();
    let file = |name: &str| examples().join("order").join(name);
    let path = |name: &str| file(name).display().to_string();
    app.cli(&["collections", "create", &path("prices.collection.json"), "--migrate"]).await;
    for expected in ["3 created", "3 unchanged"] {
        let told = app.cli(&["collections", "import", "Price list", &path("prices.csv"), "--key", "item"]).await;
        assert!(told.contains(expected), "{told}");
    }
    let (_process, api) = app.serve(&["serve"]).await;
    let screen = std::fs::read_to_string(file("screen.json")).expect("the screen");
    let screen: Value = serde_json::from_str(&screen).expect("JSON");
    let options = &screen["config"]["options"];
    let text = |name: &str| options[name].as_str().expect("an option of the list");
    let connector = text("selectedDataSource").replace(' ', "%20");
    for (budget, expected) in [
        ("100", vec![("lamp", "Desk lamp"), ("chair", "Office chair")]),
        ("1000", vec![("lamp", "Desk lamp"), ("desk", "Desk, oak"), ("chair", "Office chair")]),
        ("1", vec![]),
    ] {
        let pmql = text("pmqlQuery").replace("{{budget}}", budget);
        let config = json!({"endpoint": text("selectedEndPoint"), "outboundConfig": [{"type": "PARAM", "key": "pmql", "value": pmql}]});
        let answer = api.post(&format!("/requests/data_sources/{connector}"), &json!({"config": config})).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let list = answer.json();
        let offered: Vec<(String, String)> = at(&list, text("dataName"))
            .as_array()
            .expect("a list")
            .iter()
            .map(|option| (rendered(option, text("key")), rendered(option, text("value"))))
            .collect();
        let expected: Vec<(String, String)> =
            expected.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        assert_eq!(offered, expected, "at most {budget}");
    }
}
