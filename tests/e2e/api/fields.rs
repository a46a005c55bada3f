//! `fields` and `include`: whatever is asked for of connectors, it is what the whole record says (API 4, 10).

use harness::api::sent;
use harness::test_app::TestApp;
use serde_json::{Map, Value, json};

const INCLUDED: [&str; 6] = ["used_by", "last_call_at", "updated_by", "settings", "categories", "categoryCount"];

async fn every_choice_of_members_is_part_of_the_whole(app: TestApp) {
    let (_process, api) = app.serve(&["serve"]).await;
    assert_eq!(api.post("/data_source_categories", &json!({"name": "Money"})).await.status, 201);
    let rates = json!({
        "name": "Rates", "description": "Exchange rates", "authtype": "BASIC", "type": "rest", "debug_mode": "1",
        "status": "inactive", "data_source_category_id": "1", "own": {"member": [1.50]},
        "credentials": {"username": "ada", "password": "canary-5d", "hosts": ["10.0.0.1"]},
        "endpoints": {"r": {"url": "http://10.0.0.1/", "method": "post", "description": "d"}},
    });
    for record in [&rates, &json!({"name": "Bare"})] {
        let made = api.post("/data_sources", record).await;
        assert_eq!(made.status, 201, "{}", made.body);
    }
    let include = format!("include={}", INCLUDED.join(","));
    let all = api.get(&format!("/data_sources?{include}")).await.json()["data"].clone();
    let wholes: Vec<&Map<String, Value>> = all.as_array().expect("data").iter().filter_map(Value::as_object).collect();
    let names: Vec<&str> = wholes[0].keys().map(String::as_str).collect();
    assert!(names.len() > 28 && names.contains(&"own"), "{names:?}");
    let own: Vec<&str> = names.iter().copied().filter(|name| !INCLUDED.contains(name)).collect();
    let pairs = own.iter().zip(own.iter().skip(1)).map(|(one, other)| format!("{other},{one}"));
    for fields in own.iter().map(|name| (*name).to_owned()).chain(pairs).chain(["nothing".to_owned()]) {
        for included in INCLUDED.map(Some).into_iter().chain([None]) {
            let query = format!("fields={fields}&include={}", included.unwrap_or_default());
            let found = api.get(&format!("/data_sources?{query}")).await;
            let is_wanted =
                |name: &str| ["id", "uuid"].contains(&name) || fields.split(',').chain(included).any(|one| one == name);
            let part = |whole: &&Map<String, Value>| -> Value {
                let wanted = whole.iter().filter(|(name, _)| is_wanted(name));
                Value::Object(wanted.map(|(name, value)| (name.clone(), value.clone())).collect())
            };
            let expected: Vec<Value> = wholes.iter().map(part).collect();
            // As texts: members have an order.
            assert_eq!(found.json()["data"].to_string(), json!(expected).to_string(), "{query}");
        }
    }
}

#[tokio::test]
async fn every_choice_of_members_is_part_of_the_whole_on_sqlite() {
    every_choice_of_members_is_part_of_the_whole(TestApp::new()).await;
}

#[tokio::test]
async fn every_choice_of_members_is_part_of_the_whole_on_postgresql() {
    every_choice_of_members_is_part_of_the_whole(TestApp::new().with_postgres().await).await;
}

/// What another process changes is in it at once, and nobody sees what a limited token may not.
#[tokio::test]
async fn a_long_list_is_as_new_as_its_connectors() {
    let app = TestApp::new().with_postgres().await;
    let (_one, api) = app.serve(&["serve"]).await;
    let (_other, there) = app.serve(&["serve"]).await;
    let there = there.with(Some(api.token()));
    let made = api.post("/data_sources", &json!({"name": "A"})).await.json();
    assert_eq!(api.post("/data_sources", &json!({"name": "B"})).await.status, 201);
    let limited = api.with_scopes(&["manage"], &[made["uuid"].as_str().expect("a uuid")]).await;
    let names = |list: &Value| -> Vec<String> {
        let rows = list["data"].as_array().expect("data").iter();
        rows.map(|row| row["name"].as_str().expect("a name").to_owned()).collect()
    };
    for fields in ["", "&fields=name"] {
        let path = format!("/data_sources?per_page=10000{fields}");
        for _ in 0..2 {
            assert_eq!(names(&api.get(&path).await.json()).len(), 2, "{path}");
            assert_eq!(names(&limited.get(&path).await.json()), ["A"], "{path}");
        }
        let kept = api.get(&path).await;
        let short = api.get(&format!("/data_sources?per_page=10{fields}")).await;
        assert_eq!(kept.json()["data"].to_string(), short.json()["data"].to_string(), "{path}");
        let known = sent(api.request("GET", &path).header("if-none-match", kept.header("etag"))).await;
        assert_eq!(known.status, 304, "{path}");
        for name in ["B2", "B"] {
            assert_eq!(there.put("/data_sources/2", &json!({"name": name})).await.status, 204);
            assert_eq!(names(&api.get(&path).await.json()), ["A", name], "{path}");
        }
    }
}
