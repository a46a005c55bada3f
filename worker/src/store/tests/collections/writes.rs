//! Definitions, single records, and many writers at once.

use std::collections::HashSet;

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::super::contract;
use super::{actor, created, data_of, ids, imported, key, made, object, paths, rows, settled};
use crate::admin::collections::{self as admin, Actor, Error, IfMatch};
use crate::store::audit::{Entry, Row};
use crate::store::{NewDeployment, StoredConnector};

contract! {
    async fn a_collection_is_made_found_changed_and_removed(fixture: TestStore) {
        let store = &fixture.store;
        let one = made(store, json!({"name": "Orders", "description": "d", "columns": [{"field": "data.n", "type": "number"}]})).await;
        let two = made(store, json!({"name": "1", "uuid": "6B8CDDFE-1D53-4B4E-8D0B-0B8E5B9C3D11"})).await;
        for (reference, id) in [("1", one.id), ("Orders", one.id), (one.uuid.as_str(), one.id), ("2", two.id), ("6b8cddfe-1d53-4b4e-8d0b-0b8e5b9c3d11", two.id)] {
            assert_eq!(admin::find(store, reference).await.unwrap().id, id, "{reference}");
        }
        assert!(matches!(admin::find(store, "orders\0").await, Err(Error::NotFound(_))));
        let shown = admin::to_json(&one);
        let members: Vec<&str> = shown.keys().map(String::as_str).collect();
        assert_eq!(members, ["id", "uuid", "name", "description", "custom_title", "create_screen_id", "read_screen_id",
            "update_screen_id", "signal_create", "signal_update", "signal_delete", "columns", "schema", "connector_id",
            "records_count", "created_at", "updated_at"]);
        assert_eq!(paths(admin::make(store, &json!({"name": "Orders"}), &actor()).await), ["name"]);
        assert_eq!(paths(admin::make(store, &json!({"name": "x", "uuid": one.uuid}), &actor()).await), ["uuid"]);
        let problem = admin::make(store, &json!({"name": "Orders"}), &actor()).await.unwrap_err().to_json();
        assert_eq!(problem["errors"]["name"], json!(["The Name has already been taken."]));
        admin::update(store, &one, &json!({"name": "Bestellungen", "records_count": 9}), &actor()).await.unwrap();
        let changed = admin::find(store, "Bestellungen").await.unwrap();
        assert_eq!((changed.id, changed.rules.definition().columns.len()), (one.id, 1));
        assert_eq!(paths(admin::update(store, &two, &json!({"name": "Bestellungen"}), &actor()).await), ["name"]);
        created(store, &changed, json!({"n": 1})).await.unwrap();
        admin::remove(store, &changed, false, &actor()).await.unwrap();
        assert!(matches!(created(store, &changed, json!({})).await, Err(Error::NotFound(_))));
        settled(store).await;
        assert_eq!(rows(&fixture).await, 0);
        let again = made(store, json!({"name": "Bestellungen"})).await;
        assert_eq!(again.id, 3, "a number is not given again");
    }
}

contract! {
    async fn the_connector_is_made_renamed_and_removed_with_its_collection(fixture: TestStore) {
        let store = &fixture.store;
        let collection = made(store, json!({"name": "Orders"})).await;
        let connector = store.connectors().find("Orders").await.unwrap().unwrap();
        assert_eq!(collection.connector_id, Some(connector.id));
        let read = crate::connector::Connector::read(&connector.record).unwrap();
        let resources: Vec<_> = read.resources.iter().map(|r| (r.name.as_str(), r.method.as_str(), r.url.as_str())).collect();
        assert_eq!(resources, [
            ("ListAll", "GET", "/api/1.0/collections/1/records"),
            ("GetRecord", "GET", "/api/1.0/collections/1/records/{{record_id}}"),
            ("CreateRecord", "POST", "/api/1.0/collections/1/records"),
            ("UpdateRecord", "PUT", "/api/1.0/collections/1/records/{{record_id}}"),
            ("DeleteRecord", "DELETE", "/api/1.0/collections/1/records/{{record_id}}"),
            ("TruncateCollection", "DELETE", "/api/1.0/collections/1/truncate"),
        ]);
        let other = made(store, json!({"name": "Other"})).await;
        let twin = store.connectors().find("Other").await.unwrap().unwrap();
        let categories = store.categories().list().await.unwrap();
        let [category] = categories.as_slice() else { panic!("one category: {categories:?}") };
        assert_eq!((category.name.as_str(), category.is_system), ("Generated", 1));
        for record in [&connector.record, &twin.record] {
            assert_eq!(record["data_source_category_id"], category.id.to_string());
        }
        admin::remove(store, &other, false, &actor()).await.unwrap();
        let mut edited = connector.record.clone();
        edited.insert("uuid".to_owned(), connector.uuid.clone().into());
        edited.insert("description".to_owned(), "edited".into());
        store.connectors().import(edited, None).await.unwrap();
        let before = store.connectors().revision().await.unwrap();
        admin::update(store, &collection, &json!({"name": "New"}), &actor()).await.unwrap();
        assert!(store.connectors().revision().await.unwrap() > before, "caches have to notice");
        let renamed = store.connectors().find("New").await.unwrap().unwrap();
        assert_eq!((renamed.uuid.as_str(), &renamed.record["description"]), (connector.uuid.as_str(), &json!("edited")));
        assert_eq!(paths(admin::make(store, &json!({"name": "New"}), &actor()).await), ["name"]);
        store.connectors().import(object(json!({"name": "Rates"})), None).await.unwrap();
        assert_eq!(paths(admin::make(store, &json!({"name": "Rates"}), &actor()).await), ["name"], "connectors have names too");
        let entry = Entry {
            actor: "system".to_owned(),
            action: "connector.deleted",
            target: String::new(),
            detail: json!({}),
            request_id: None,
        };
        let owner = |_: &StoredConnector, owner: Option<&str>| owner.map(ToOwned::to_owned);
        let removed = store.connectors().remove(&renamed.uuid, owner, &entry).await.unwrap();
        assert_eq!(removed, Some(Err("New".to_owned())), "it goes with its collection only");
        let task = json!({"config": {"dataSource": "New", "endpoint": "ListAll"}});
        let tasks = [("a".to_owned(), task)];
        let new =
            NewDeployment { process: "p", name: None, label: None, file: "m.bpmn", body: b"<xml/>", tasks: &tasks };
        store.models().deploy(&new, &entry).await.unwrap();
        let collection = admin::find(store, "New").await.unwrap();
        assert_eq!(paths(admin::remove(store, &collection, false, &actor()).await), ["delete"]);
        admin::remove(store, &collection, true, &actor()).await.unwrap();
        assert!(store.connectors().find("New").await.unwrap().is_none());
    }
}

contract! {
    async fn a_record_lives_through_its_versions(fixture: TestStore) {
        let store = &fixture.store;
        let collection = made(store, json!({"name": "c", "columns": [{"field": "data.n", "type": "number"}]})).await;
        let first = created(store, &collection, json!({"n": "5", "a": {"b": 1, "c": 2}})).await.unwrap();
        assert_eq!((first.id, first.version, first.created_by.as_str()), (1, 1, "token:7"));
        assert_eq!(first.data, json!({"n": 5, "a": {"b": 1, "c": 2}}));
        let patch = async |id: &str, body: Value, if_match: Option<&IfMatch>| {
            admin::patch(store, (&collection, id), &json!({"data": body}), (&actor(), None), if_match).await
        };
        let patched = patch("1", json!({"a": {"b": null}, "x": 1}), None).await.unwrap().record;
        assert_eq!((patched.version, &patched.data), (2, &json!({"n": 5, "a": {"c": 2}, "x": 1})));
        let same = patch("1", json!({"n": "5.0"}), None).await.unwrap().record;
        assert_eq!((same.version, same.updated_at), (2, patched.updated_at), "equal data is no change");
        let tag = admin::if_match("W/\"2\", \"1\"");
        assert!(matches!(patch("1", json!({"n": 6}), Some(&tag)).await, Err(Error::Precondition(_))));
        let tag = admin::if_match("\"7\", \"2\"");
        assert_eq!(patch("1", json!({"n": 6}), Some(&tag)).await.unwrap().record.version, 3);
        let replaced = admin::replace(store, (&collection, "1"), &json!({"data": []}), (&actor(), None), Some(&admin::if_match("*"))).await.unwrap();
        assert_eq!((replaced.record.version, &replaced.record.data), (4, &json!({})));
        assert_eq!(paths(patch("1", json!({"n": "x"}), None).await), ["data.n"]);
        for id in ["2", "x", "", "-1", "01x", "99999999999999999999"] {
            assert!(matches!(patch(id, json!({}), None).await, Err(Error::NotFound(_))), "{id}");
        }
        let found = admin::find_record(store, &collection, "1").await.unwrap();
        let names = admin::Names::of(store).await.unwrap();
        let shown = admin::record_json(&collection, &found, &names);
        assert_eq!(shown["created_by"], json!({"id": "token:7", "name": "Ada"}));
        admin::delete(store, (&collection, "1"), (&actor(), None), None).await.unwrap();
        assert!(admin::find_record(store, &collection, "1").await.is_err());
        assert_eq!(created(store, &collection, json!({})).await.unwrap().id, 2, "an id is not given again");
        admin::truncate(store, &collection, (&actor(), None)).await.unwrap();
        assert_eq!(admin::find(store, "c").await.unwrap().records, 0);
        assert!(admin::find_record(store, &admin::find(store, "c").await.unwrap(), "2").await.is_err());
        assert_eq!(created(store, &collection, json!({})).await.unwrap().id, 3, "nor after it was emptied");
        settled(store).await;
        assert_eq!(rows(&fixture).await, 1);
    }
}

contract! {
    async fn patches_of_different_members_all_survive(fixture: TestStore) {
        let store = &fixture.store;
        let collection = made(store, json!({"name": "c"})).await;
        created(store, &collection, json!({})).await.unwrap();
        let patches = (0..50).map(|n| {
            let (store, collection) = (store.clone(), collection.clone());
            async move {
                let body = json!({"data": {format!("m{n}"): n, "deep": {format!("m{n}"): n}}});
                admin::patch(&store, (&collection, "1"), &body, (&actor(), None), None).await.unwrap()
            }
        });
        join_all(patches).await;
        let found = admin::find_record(store, &collection, "1").await.unwrap();
        assert_eq!((found.version, found.data["deep"].as_object().map(serde_json::Map::len)), (51, Some(50)));
        assert!((0..50).all(|n| found.data[format!("m{n}")] == json!(n)));
    }
}

contract! {
    async fn a_unique_value_has_one_record_whatever_the_writers(fixture: TestStore) {
        let store = &fixture.store;
        let collection = made(store, json!({"name": "c", "columns": [
            {"field": "data.k", "type": "string", "unique": true, "label": "Key"}, {"field": "data.n", "type": "number", "unique": true}]})).await;
        let writers = (0..50).map(|n| {
            let (store, collection) = (store.clone(), collection.clone());
            async move { created(&store, &collection, json!({"k": format!("k{}", n % 10)})).await }
        });
        let ended = join_all(writers).await;
        assert_eq!(ended.iter().filter(|made| made.is_ok()).count(), 10);
        for refused in ended.into_iter().filter(Result::is_err) {
            assert_eq!(paths(refused), ["data.k"]);
        }
        let (all, total) = ids(store, &collection, &[]).await;
        assert_eq!((all.len(), total), (10, 10));
        assert!(created(store, &collection, json!({"k": "K1"})).await.is_ok(), "case counts");
        for _ in 0..2 {
            assert!(created(store, &collection, json!({"k": null})).await.is_ok(), "null never collides");
        }
        created(store, &collection, json!({"n": 9_007_199_254_740_993_i64})).await.unwrap();
        assert!(created(store, &collection, json!({"n": 9_007_199_254_740_992_i64})).await.is_ok(), "numbers are exact");
        assert_eq!(paths(created(store, &collection, json!({"n": "9007199254740993"})).await), ["data.n"]);
        assert_eq!(paths(created(store, &collection, json!({"n": 9.007_199_254_740_992e15, "k": "k1"})).await), ["data.k", "data.n"]);
        let body = json!({"data": {"k": "free"}});
        admin::patch(store, (&collection, &all[0].to_string()), &body, (&actor(), None), None).await.unwrap();
        assert_eq!(ended_key(store, &collection, all[0]).await, json!("free"));
        admin::truncate(store, &collection, (&actor(), None)).await.unwrap();
        assert!(created(store, &collection, json!({"k": "k1"})).await.is_ok(), "what was emptied holds nothing");
    }
}

async fn ended_key(store: &crate::store::Store, collection: &admin::Collection, id: i64) -> Value {
    data_of(store, collection, id).await["k"].clone()
}

contract! {
    async fn the_same_request_is_answered_once(fixture: TestStore) {
        let store = &fixture.store;
        let collection = made(store, json!({"name": "c", "columns": [{"field": "data.n", "type": "number"}]})).await;
        let create = async |data: Value, text: &str| {
            let body = json!({"data": data});
            admin::create(store, &collection, &body, (&actor(), Some(&key(text, &body)))).await
        };
        let first = create(json!({"n": 1}), "k").await.unwrap();
        let again = create(json!({"n": 1}), "k").await.unwrap();
        assert!(!first.replayed && again.replayed && first.record.id == again.record.id);
        assert!(matches!(create(json!({"n": 2}), "k").await, Err(Error::Mismatch(_))));
        assert_eq!(paths(create(json!({"n": "x"}), "bad").await), ["data.n"]);
        assert!(!create(json!({"n": 3}), "bad").await.unwrap().replayed, "errors are not kept");
        let at_once = join_all((0..20).map(|_| create(json!({"n": 4}), "at once"))).await;
        let made: HashSet<i64> = at_once.iter().map(|written| written.as_ref().unwrap().record.id).collect();
        assert_eq!((made.len(), at_once.iter().filter(|w| !w.as_ref().unwrap().replayed).count()), (1, 1));
        let request = key("gone", &json!({}));
        let deleted = async || admin::delete(store, (&collection, "1"), (&actor(), Some(&request)), None).await;
        assert!(!deleted().await.unwrap().replayed && deleted().await.unwrap().replayed);
        let request = key("empty", &json!({}));
        let emptied = async || admin::truncate(store, &collection, (&actor(), Some(&request))).await;
        assert!(!emptied().await.unwrap() && emptied().await.unwrap());
        fixture.sql("UPDATE collection_answers SET answered_at = answered_at - 86400001").await;
        assert!(!create(json!({"n": 5}), "k").await.unwrap().replayed, "after a day a key is free");
        settled(store).await;
        assert_eq!(fixture.number("SELECT COUNT(*) FROM collection_answers").await, 1);
    }
}

contract! {
    async fn the_audit_log_has_what_was_done_to_collections_and_nothing_else(fixture: TestStore) {
        let store = &fixture.store;
        let collection = made(store, json!({"name": "c", "columns": [{"field": "data.k", "type": "string", "unique": true}]})).await;
        admin::update(store, &collection, &json!({"name": "d", "description": "x", "columns": collection.rules.definition().to_json()["columns"]}), &actor()).await.unwrap();
        admin::update(store, &collection, &json!({"description": "x"}), &actor()).await.unwrap();
        assert!(admin::update(store, &collection, &json!({"name": ""}), &actor()).await.is_err());
        created(store, &collection, json!({"k": "a"})).await.unwrap();
        imported(store, &collection, &[], b"k\nb\n").await.unwrap();
        imported(store, &collection, &[], b"k\nb\n").await.unwrap();
        imported(store, &collection, &[("dry_run", "1")], b"k\nc\n").await.unwrap();
        admin::truncate(store, &collection, (&actor(), None)).await.unwrap();
        let job = Actor { id: "job:7".to_owned(), name: None, trail: None };
        admin::truncate(store, &collection, (&job, None)).await.unwrap();
        admin::remove(store, &collection, true, &actor()).await.unwrap();
        let mut log: Vec<Value> = store.audit().list(None, 100).await.unwrap().iter().map(Row::json).collect();
        log.reverse();
        let told: Vec<_> = log.iter().map(|row| (row["action"].as_str().unwrap(), &row["detail"])).collect();
        assert_eq!(told, [
            ("collection.created", &json!({})),
            ("collection.updated", &json!({"changed": ["name", "description"]})),
            ("collection.imported", &json!({"created": 1})),
            ("collection.truncated", &json!({"records": 2})),
            ("collection.deleted", &json!({"forced": true})),
        ]);
        assert!(log.iter().all(|row| row["target"] == collection.uuid && row["actor"] == "token:7"), "{log:#?}");
        assert_eq!(store.audit().verify().await.unwrap().broken_at, None);
    }
}

contract! {
    async fn new_columns_go_over_the_records_or_nothing_changes(fixture: TestStore) {
        let store = &fixture.store;
        let collection = made(store, json!({"name": "c", "signal_update": true})).await;
        for data in [json!({"n": "5", "t": "a"}), json!({"n": 6, "t": "b"}), json!({"n": "x", "t": "b"})] {
            created(store, &collection, data).await.unwrap();
        }
        let update = async |body: Value| admin::update(store, &collection, &body, &actor()).await;
        let columns = json!([{"field": "data.n", "type": "number", "indexed": true}]);
        let problem = update(json!({"columns": columns, "name": "other"})).await.unwrap_err().to_json();
        assert_eq!(problem["errors"]["columns"][0].as_str().unwrap(), "1 stored record does not fit: 3; change them first");
        assert_eq!(data_of(store, &collection, 1).await["n"], json!("5"));
        let unique = json!([{"field": "data.t", "type": "string", "unique": true}]);
        assert_eq!(paths(update(json!({"columns": unique})).await), ["columns"]);
        assert_eq!(paths(update(json!({"schema": {"properties": {"n": {"type": "number"}}}})).await), ["schema"]);
        admin::patch(store, (&collection, "3"), &json!({"data": {"n": 7}}), (&actor(), None), None).await.unwrap();
        update(json!({"columns": columns})).await.unwrap();
        let collection = admin::find(store, "c").await.unwrap();
        let first = admin::find_record(store, &collection, "1").await.unwrap();
        assert_eq!((&first.data["n"], first.version), (&json!(5), 2));
        assert_eq!(admin::find_record(store, &collection, "2").await.unwrap().version, 1, "equal data is no change");
        assert_eq!(ids(store, &collection, &[("pmql", "data.n > 5")]).await, (vec![2, 3], 2));
        let both = json!([{"field": "data.n", "type": "number", "indexed": true}, {"field": "data.t", "type": "string", "indexed": true}]);
        update(json!({"columns": both})).await.unwrap();
        assert_eq!(ids(store, &collection, &[("pmql", "data.t = \"b\" AND data.n < 7")]).await, (vec![2], 1));
        update(json!({"columns": []})).await.unwrap();
        assert_eq!(fixture.number("SELECT COUNT(*) FROM collection_index").await, 0);
        assert_eq!(ids(store, &collection, &[("pmql", "data.n > 5")]).await, (vec![2, 3], 2));
    }
}

/// Texts that would end a statement, or be read otherwise, if any were part of one.
const INJECTIONS: [&str; 10] = [
    "'; DROP TABLE collections; --",
    "\" OR 1=1 --",
    "$1",
    "?",
    "{{a}}",
    "\\'; SELECT 1",
    "%_\\",
    "'||(SELECT 1)||'",
    "/*",
    "\u{1}\u{7f}",
];

contract! {
    async fn nothing_that_is_given_becomes_a_statement(fixture: TestStore) {
        let store = &fixture.store;
        for (n, text) in INJECTIONS.iter().enumerate() {
            let is_name = !text.chars().any(char::is_control);
            let name = if is_name { (*text).to_owned() } else { format!("plain {n}") };
            let collection = made(store, json!({"name": name, "description": text, "columns": [
                {"field": "data.t", "type": "string", "unique": true, "label": text}]})).await;
            assert_eq!(admin::find(store, &name).await.unwrap().id, collection.id, "{text}");
            created(store, &collection, json!({"t": text, (*text): text})).await.unwrap();
            created(store, &collection, json!({"t": "other"})).await.unwrap();
            assert_eq!(paths(created(store, &collection, json!({"t": text})).await), ["data.t"], "{text}");
            let quoted = json!(text).to_string();
            for pmql in [format!("data.t = {quoted}"), format!("data.t IN [{quoted}]"), format!("data.{quoted} = {quoted}"), format!("NOT data.t != {quoted}")] {
                assert_eq!(ids(store, &collection, &[("pmql", &pmql)]).await, (vec![1], 1), "{pmql}");
            }
            let by = format!("data.{quoted}");
            assert_eq!(ids(store, &collection, &[("order_by", &by)]).await, (vec![2, 1], 2), "{by}");
            assert_eq!(ids(store, &collection, &[("filter", text)]).await, (vec![1], 1), "{text}");
            let request = crate::admin::collections::Idempotency::new(text, text, text, text, text.as_bytes());
            admin::delete(store, (&collection, "2"), (&actor(), Some(&request)), None).await.unwrap();
        }
        assert_eq!(admin::all(store).await.unwrap().len(), INJECTIONS.len());
    }
}
