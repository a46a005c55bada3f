//! Events: one for each change, none without, and those of imports too.

use serde_json::{Value, json};

use super::super::contract;
use super::{actor, created, ids, imported, made, settled};
use crate::admin::collections as admin;
use crate::store::Store;

/// A task.
const TASK: &str = "events";

/// The events that were not sent: keys and bodies.
async fn unsent(store: &Store) -> Vec<(String, Value)> {
    let events = store.collections().unsent(1_000).await.unwrap();
    let ids: Vec<i64> = events.iter().map(|event| event.id).collect();
    store.collections().sent(&ids).await.unwrap();
    events.into_iter().map(|event| (event.routing_key, serde_json::from_str(&event.body).unwrap())).collect()
}

contract! {
    async fn each_change_is_told_once(fixture: TestStore) {
        let store = &fixture.store;
        let collection = made(store, json!({"name": "c", "signal_create": true, "signal_update": true, "signal_delete": 1})).await;
        created(store, &collection, json!({"n": 1})).await.unwrap();
        let patch = async |body: Value| {
            admin::patch(store, (&collection, "1"), &json!({"data": body}), (&actor(), None), None).await.unwrap()
        };
        patch(json!({"n": 2})).await;
        patch(json!({"n": 2})).await;
        admin::delete(store, (&collection, "1"), (&actor(), None), None).await.unwrap();
        let events = unsent(store).await;
        let keys: Vec<&str> = events.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, ["collection.1.created", "collection.1.updated", "collection.1.deleted"], "an equal write is no change");
        let updated = &events[1].1;
        assert_eq!(updated["record"], json!({"id": 1, "version": 2, "data": {"n": 2}}));
        assert_eq!(updated["previous"], json!({"version": 1, "data": {"n": 1}}));
        assert_eq!((&updated["event"], &updated["by"], &updated["collection"]["name"]), (&json!("record.updated"), &json!("token:7"), &json!("c")));
        assert!(events[0].1.get("previous").is_none() && events[2].1["record"]["version"] == 2);
        created(store, &collection, json!({})).await.unwrap();
        created(store, &collection, json!({})).await.unwrap();
        admin::truncate(store, &collection, (&actor(), None)).await.unwrap();
        admin::truncate(store, &collection, (&actor(), None)).await.unwrap();
        let events = unsent(store).await;
        assert_eq!((events.len(), events[2].0.as_str(), &events[2].1["count"]), (3, "collection.1.truncated", &json!(2)));
        assert_eq!(events[2].1["event"], "collection.truncated");
        let silent = made(store, json!({"name": "silent"})).await;
        created(store, &silent, json!({})).await.unwrap();
        assert!(unsent(store).await.is_empty());
    }
}

contract! {
    async fn imports_are_told_record_by_record_once_they_are_seen(fixture: TestStore) {
        let store = &fixture.store;
        let collection = made(store, json!({"name": "c", "signal_create": true, "signal_update": true})).await;
        created(store, &collection, json!({"k": "a", "n": "0"})).await.unwrap();
        unsent(store).await;
        let file: String = (0..1_200).fold("k,n\na,1\n".to_owned(), |file, n| format!("{file}r{n},1\n"));
        imported(store, &collection, &[("key", "k"), ("dry_run", "1")], file.as_bytes()).await.unwrap();
        settled(store).await;
        assert!(unsent(store).await.is_empty(), "nothing was stored");
        imported(store, &collection, &[("key", "k")], file.as_bytes()).await.unwrap();
        // A writer who comes before an event does not overtake it.
        admin::patch(store, (&collection, "1"), &json!({"data": {"n": "2"}}), (&actor(), None), None).await.unwrap();
        let last = admin::find(store, "c").await.unwrap().records.to_string();
        let collection = admin::find(store, "c").await.unwrap();
        let newest = ids(store, &collection, &[("order_direction", "desc"), ("per_page", "1")]).await.0[0];
        assert_eq!(last, "1201");
        admin::patch(store, (&collection, &newest.to_string()), &json!({"data": {"n": "2"}}), (&actor(), None), None).await.unwrap();
        settled(store).await;
        let mut events = unsent(store).await;
        events.extend(unsent(store).await);
        let of = |id: i64| events.iter().filter(|(_, e)| e["record"]["id"] == id).map(|(_, e)| (e["event"].as_str().unwrap(), e["record"]["version"].as_i64().unwrap())).collect::<Vec<_>>();
        assert_eq!(of(1), [("record.updated", 2), ("record.updated", 3)]);
        assert_eq!(of(newest), [("record.created", 1), ("record.updated", 2)]);
        assert_eq!(events.len(), 1_200 + 3);
        let different: std::collections::HashSet<&str> = events.iter().map(|(_, e)| e["id"].as_str().unwrap()).collect();
        assert_eq!(different.len(), events.len());
    }
}

contract! {
    async fn one_process_at_a_time_sends(fixture: TestStore) {
        let collections = fixture.store.collections();
        let minute = std::time::Duration::from_mins(1);
        assert!(collections.hold_task(TASK, "a", minute).await.unwrap());
        assert!(collections.hold_task(TASK, "a", minute).await.unwrap());
        assert!(!collections.hold_task(TASK, "b", minute).await.unwrap());
        collections.release_task(TASK, "b").await.unwrap();
        assert!(!collections.hold_task(TASK, "b", minute).await.unwrap());
        fixture.sql("UPDATE collection_tasks SET held_until = 0").await;
        assert!(collections.hold_task(TASK, "b", minute).await.unwrap());
    }
}
