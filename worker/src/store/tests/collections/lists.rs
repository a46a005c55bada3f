//! Lists and exports: the same rows in the same order on both databases.

use serde_json::{Value, json};

use super::super::contract;
use super::{actor, created, ids, listed, made, paths};
use crate::admin::collections::{self as admin, Error};

contract! {
    async fn pages_say_what_they_are(fixture: TestStore) {
        let store = &fixture.store;
        let collection = made(store, json!({"name": "c", "columns": [{"field": "data.n", "type": "number", "indexed": true}]})).await;
        for n in 0..25 {
            created(store, &collection, json!({"n": n, "even": n % 2 == 0})).await.unwrap();
        }
        let page = listed(store, &collection, &[("per_page", "10"), ("page", "3"), ("include", "collection"), ("token", "x")]).await;
        assert_eq!(page["meta"], json!({"filter": "", "sort_by": "id", "sort_order": "asc", "count": 5, "total_pages": 3,
            "current_page": 3, "from": 21, "last_page": 3, "path": "/p", "per_page": 10, "to": 25, "total": 25}));
        assert_eq!(page["data"][0]["collection"]["name"], "c");
        let all = listed(store, &collection, &[]).await;
        assert_eq!((all["data"].as_array().unwrap().len(), &all["meta"]["per_page"]), (25, &json!(9_223_372_036_854_775_807_i64)));
        let past = listed(store, &collection, &[("per_page", "10"), ("page", "4")]).await;
        assert_eq!((&past["data"], &past["meta"]["from"], &past["meta"]["total"]), (&json!([]), &Value::Null, &json!(25)));
        for (query, expected, total) in [
            (vec![("pmql", "data.n >= 20"), ("per_page", "2"), ("page", "2")], vec![23, 24], 5),
            (vec![("pmql", "data.even = true"), ("per_page", "2"), ("page", "2")], vec![5, 7], 13),
            (vec![("pmql", "data.n >= 20 AND data.n < 23"), ("per_page", "2")], vec![21, 22], 3),
            (vec![("order_direction", "DESC"), ("per_page", "3")], vec![25, 24, 23], 25),
            (vec![("order_direction", "desc"), ("pmql", "data.n < 5"), ("per_page", "2"), ("page", "2")], vec![3, 2], 5),
            (vec![("order_by", "data.even,data.n"), ("order_direction", "desc"), ("per_page", "2")], vec![25, 23], 25),
            (vec![("order_by", "data.even"), ("per_page", "3"), ("page", "5")], vec![1, 3, 5], 25),
            (vec![("groupBy", "data.even")], vec![1, 2], 2),
            (vec![("groupBy", "data.even"), ("order_direction", "desc")], vec![2, 1], 2),
            (vec![("groupBy", "data.none"), ("pmql", "data.n > 3")], vec![5], 1),
            (vec![("filter", "TRU"), ("per_page", "2")], vec![1, 3], 13),
            (vec![("filter", " ")], vec![], 0),
            (vec![("filter", "")], (1..=25).collect(), 25),
            (vec![("pmql", "  "), ("per_page", "99999999999999999999"), ("page", "2")], vec![], 25),
            (vec![("pmql", "id IN [3, 4] OR created > NOW +1 day")], vec![3, 4], 2),
        ] {
            assert_eq!(ids(store, &collection, &query).await, (expected, total), "{query:?}");
        }
        for query in [[("per_page", "0")], [("page", "-1")], [("order_by", "name")], [("order_direction", "up")], [("groupBy", "x")], [("per_page", "a")]] {
            let Err(Error::Invalid(problems)) = admin::ListQuery::parse(query) else { panic!("{query:?}") };
            assert_eq!(problems.iter().map(|(path, _)| path).collect::<Vec<_>>(), [query[0].0]);
        }
        let Err(error) = admin::ListQuery::parse([("pmql", "data.n = ")]) else { panic!("no query") };
        assert_eq!((error.status(), &error.to_json()["pmql"]["at"]), (422, &json!(10)));
    }
}

contract! {
    async fn the_order_is_ours_and_not_the_databases(fixture: TestStore) {
        let store = &fixture.store;
        let collection = made(store, json!({"name": "c"})).await;
        let ascending = [
            json!(null), json!(false), json!(true), json!(-1.5), json!(9), json!(10), json!(9_007_199_254_740_992_i64),
            json!(9_007_199_254_740_993_i64), json!(""), json!("10"), json!("9"), json!("Z"), json!("a"), json!("ä"), json!("\u{10000}"),
            json!([1]), json!({}),
        ];
        // Stored in another order.
        for value in ascending.iter().rev() {
            created(store, &collection, json!({"v": value})).await.unwrap();
        }
        created(store, &collection, json!({})).await.unwrap();
        let count = i64::try_from(ascending.len()).unwrap();
        let mut expected: Vec<i64> = (1..=count).rev().collect();
        expected.insert(1, count + 1);
        assert_eq!(ids(store, &collection, &[("order_by", "data.v")]).await.0, expected);
        let mut expected: Vec<i64> = (1..=count).collect();
        expected.push(count + 1);
        assert_eq!(ids(store, &collection, &[("order_by", "data.v"), ("order_direction", "desc")]).await.0, expected, "equals by id, also under desc");
        assert_eq!(ids(store, &collection, &[("order_by", "created_at,id"), ("per_page", "2")]).await.0, [1, 2]);
    }
}

async fn exported(store: &crate::store::Store, parameters: &[(&str, &str)]) -> String {
    let options = admin::ExportOptions::parse(parameters.iter().copied()).unwrap();
    let mut export = admin::Export::begin(store, admin::find(store, "c").await.unwrap(), options).await.unwrap();
    let mut bytes = Vec::new();
    while let Some(part) = export.next().await.unwrap() {
        bytes.extend_from_slice(&part);
    }
    String::from_utf8(bytes).unwrap()
}

contract! {
    async fn exports_are_what_the_list_is(fixture: TestStore) {
        let store = &fixture.store;
        let collection = made(store, json!({"name": "c"})).await;
        created(store, &collection, json!({"b": "x,y", "a": {"n": 1}, "e": ""})).await.unwrap();
        created(store, &collection, json!({"b": "=1+1", "ä": -5, "n": null})).await.unwrap();
        assert_eq!(exported(store, &[("format", "csv")]).await,
            "id,a,b,e,n,ä\r\n1,\"{\"\"n\"\":1}\",\"x,y\",\"\",,\r\n2,,=1+1,,,-5\r\n");
        assert_eq!(exported(store, &[("format", "csv"), ("columns", "id,a.n,data.b,nothing"), ("formulas", "escape"), ("bom", "1"), ("order_direction", "desc")]).await,
            "\u{feff}id,a.n,data.b,nothing\r\n2,,'=1+1,\r\n1,1,\"x,y\",\r\n");
        let lines = exported(store, &[("pmql", "id = 2")]).await;
        assert_eq!(serde_json::from_str::<Value>(&lines).unwrap(), listed(store, &collection, &[("pmql", "id = 2")]).await["data"][0]);
        let list: Value = serde_json::from_str(&exported(store, &[("format", "json")]).await).unwrap();
        assert_eq!(list, listed(store, &collection, &[]).await["data"]);
        assert!(exported(store, &[("format", "json"), ("bom", "1")]).await.starts_with('['), "JSON has no mark");
        created(store, &collection, json!({"=cmd": 1})).await.unwrap();
        let only = [("format", "csv"), ("pmql", "id = 3"), ("formulas", "escape")];
        assert_eq!(exported(store, &only).await, "id,'=cmd\r\n3,1\r\n", "a name is a text like any other");
        let columns = json!({"columns": [{"field": "data.b"}, {"field": "data.a.n"}]});
        admin::update(store, &collection, &columns, &actor()).await.unwrap();
        assert_eq!(exported(store, &[("format", "csv"), ("pmql", "id = 1")]).await, "id,b,a.n\r\n1,\"x,y\",1\r\n");
    }
}

/// Imports a document that comes in small pieces.
async fn taken_in_text(store: &crate::store::Store, text: &str) -> Result<admin::Collection, Error> {
    let (sender, source) = tokio::sync::mpsc::channel(text.len());
    for piece in text.as_bytes().chunks(7) {
        sender.send(Ok(bytes::Bytes::copy_from_slice(piece))).await.unwrap();
    }
    drop(sender);
    admin::import_document(store, source, &actor()).await
}

async fn taken_in(store: &crate::store::Store, document: &Value) -> Result<admin::Collection, Error> {
    taken_in_text(store, &document.to_string()).await
}

contract! {
    async fn a_collection_goes_out_and_comes_back(fixture: TestStore) {
        let store = &fixture.store;
        let collection = made(store, json!({"name": "c", "columns": [{"field": "data.k", "type": "string", "unique": true}]})).await;
        for k in ["a", "b"] {
            created(store, &collection, json!({"k": k})).await.unwrap();
        }
        let mut document = admin::document(store, collection.clone()).await.unwrap();
        let mut bytes = Vec::new();
        while let Some(part) = document.next().await.unwrap() {
            bytes.extend_from_slice(&part);
        }
        let mut document: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(document["type"], "data-connector.collection.v1");
        assert_eq!(document["records"], json!([{"data": {"k": "a"}}, {"data": {"k": "b"}}]));
        assert_eq!(paths(taken_in(store, &document).await), ["name"]);
        document["collection"]["name"] = json!("copy");
        let copy = taken_in(store, &document).await.unwrap();
        assert_ne!(copy.uuid, collection.uuid);
        assert_eq!((copy.records, ids(store, &copy, &[("pmql", "data.k = \"b\"")]).await), (2, (vec![2], 1)));
        document["collection"]["name"] = json!("third");
        document["records"][1]["data"]["k"] = json!("a");
        assert_eq!(paths(taken_in(store, &document).await), ["records.1.data.k"]);
        assert!(matches!(admin::find(store, "third").await, Err(Error::NotFound(_))));
        document["type"] = json!("data-connector.collection.v2");
        assert_eq!(paths(taken_in(store, &document).await), ["type"]);
        document.as_object_mut().unwrap().remove("collection");
        assert_eq!(paths(taken_in(store, &json!({"type": "data-connector.collection.v1", "records": []})).await), ["collection"]);
        assert_eq!(taken_in(store, &json!([])).await.unwrap_err().status(), 422);
        assert_eq!(taken_in_text(store, "{\"collection\": {\"name\": \"third\"}, \"records\": [{\"data\": {}}").await.unwrap_err().status(), 400);
        assert!(matches!(admin::find(store, "third").await, Err(Error::NotFound(_))));
    }
}
