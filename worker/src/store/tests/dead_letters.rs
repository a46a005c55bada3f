//! Dead letters: whole, once, and once more when they die again.

use std::time::Duration;

use serde_json::json;

use super::contract;
use super::test_store::ages;
use crate::store::audit::Entry;
use crate::store::dead_letters::NewDeadLetter;
use crate::store::ledger::RetentionAges;

const DAY: Duration = Duration::from_hours(24);

fn letter(body: &[u8]) -> NewDeadLetter {
    NewDeadLetter {
        message_id: Some("m\0".to_owned()),
        reason: "INVALID_JOB".to_owned(),
        detail: Some("line 1".to_owned()),
        job_id: None,
        attempts: Some(1),
        exchange: Some("x".to_owned()),
        routing_key: None,
        properties: json!({"headers": {"a": "\0"}}),
        body: body.to_vec(),
    }
}

/// Who does it.
fn entry() -> Entry {
    let (actor, target) = ("system".to_owned(), String::new());
    Entry { actor, action: "dead_letter.replayed", target, detail: serde_json::json!({}), request_id: None }
}

contract! {
    async fn a_letter_is_stored_whole_and_once(fixture: TestStore) {
        let store = &fixture.store;
        for _ in 0..2 {
            store.dead_letters().add(letter(b"\x00\xff")).await.unwrap();
        }
        store.dead_letters().add(letter(b"other")).await.unwrap();
        let letters = store.dead_letters().list(false, 10).await.unwrap();
        assert_eq!(letters.iter().map(|l| l.letter.body.as_slice()).collect::<Vec<_>>(), [b"other".as_slice(), b"\x00\xff"]);
        let one = store.dead_letters().find(letters[1].id).await.unwrap().unwrap();
        assert_eq!((one.letter.reason.as_str(), one.letter.attempts, one.replayed_at), ("INVALID_JOB", Some(1), None));
        assert_eq!(one.letter.properties, json!({"headers": {"a": "\0"}}));
        assert!(store.dead_letters().find(99).await.unwrap().is_none());
    }
}

contract! {
    async fn a_letter_that_dies_again_after_a_replay_is_another_one(fixture: TestStore) {
        let store = &fixture.store;
        store.dead_letters().add(letter(b"1")).await.unwrap();
        let one = store.dead_letters().list(false, 1).await.unwrap().remove(0);
        tokio::time::sleep(Duration::from_millis(5)).await;
        // It dies again before anybody has noted that it was published again.
        store.dead_letters().add(letter(b"1")).await.unwrap();
        store.dead_letters().mark_replayed(&one, &entry()).await.unwrap();
        let again = store.dead_letters().list(false, 10).await.unwrap();
        assert_eq!(again.iter().map(|letter| letter.id).collect::<Vec<_>>(), [one.id]);
        store.dead_letters().mark_replayed(&again[0], &entry()).await.unwrap();
        assert!(store.dead_letters().list(false, 10).await.unwrap().is_empty());
        store.dead_letters().add(letter(b"1")).await.unwrap();
        store.dead_letters().add(letter(b"1")).await.unwrap();
        assert_eq!(store.dead_letters().list(false, 10).await.unwrap().len(), 1);
        assert_eq!(store.dead_letters().list(true, 10).await.unwrap().len(), 2);
    }
}

contract! {
    async fn a_letter_is_the_same_only_where_id_properties_and_bytes_are(fixture: TestStore) {
        let store = &fixture.store;
        let properties = |correlation: &str, deliveries: u32| {
            json!({"correlation_id": correlation, "headers": {"table": {"a": [1]}, "x-delivery-count": deliveries}})
        };
        let nested = json!({"correlation_id": "c", "headers": {"table": {"a": [2]}, "x-delivery-count": 0}});
        let one = NewDeadLetter { message_id: None, properties: properties("c", 0), ..letter(b"{}") };
        for other in [
            one.clone(),
            NewDeadLetter { properties: properties("d", 0), ..one.clone() },
            NewDeadLetter { properties: nested, ..one.clone() },
            NewDeadLetter { message_id: Some("m".to_owned()), ..one.clone() },
            NewDeadLetter { body: b"[]".to_vec(), ..one.clone() },
            // The broker delivers it once more.
            NewDeadLetter { properties: properties("c", 1), ..one.clone() },
        ] {
            store.dead_letters().add(other).await.unwrap();
        }
        let letters = store.dead_letters().list(false, 10).await.unwrap();
        assert_eq!(letters.len(), 5);
        let first = letters.last().unwrap();
        store.dead_letters().mark_replayed(first, &entry()).await.unwrap();
        store.dead_letters().add(one).await.unwrap();
        assert_eq!(store.dead_letters().list(false, 10).await.unwrap().len(), 5, "it died again, without any id");
    }
}

contract! {
    async fn letters_are_removed_by_people_and_by_their_age(fixture: TestStore) {
        let store = &fixture.store;
        for body in [b"1", b"2", b"3"] {
            store.dead_letters().add(letter(body)).await.unwrap();
        }
        let numbers: Vec<i64> = store.dead_letters().list(true, 10).await.unwrap().iter().map(|l| l.id).collect();
        assert_eq!(store.dead_letters().remove(&[numbers[0], 99], &entry()).await.unwrap(), [numbers[0]]);
        let ledger = fixture.worker("w").await;
        ledger.retain(ages(DAY, DAY)).await.unwrap();
        assert_eq!(store.dead_letters().list(true, 10).await.unwrap().len(), 2);
        fixture.sql("UPDATE dead_letters SET arrived_at = arrived_at - 10000 WHERE id = (SELECT MIN(id) FROM dead_letters)").await;
        ledger.retain(RetentionAges { dead_letters: Duration::from_secs(5), ..ages(DAY, DAY) }).await.unwrap();
        let left = store.dead_letters().list(true, 10).await.unwrap();
        assert_eq!(left.iter().map(|letter| letter.id).collect::<Vec<_>>(), [numbers[1]]);
    }
}
