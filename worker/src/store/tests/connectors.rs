//! Connectors: who is who on import, and credentials that only the right key and row open.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::contract;
use super::test_store::{KEY, entry, open};
use crate::store::{
    Conflict, Current, Draft, Error, Existing, Identification, ListOrder, ListQuery, Record, Store, StoredConnector,
    Subject,
};

fn record(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("{other}"),
    }
}

contract! {
    async fn a_connector_is_found_by_uuid_id_and_name(fixture: TestStore) {
        let store = &fixture.store;
        let one = store.connectors().import(record(json!({"name": "2", "type": "REST"})), None).await.unwrap();
        let two = store.connectors().import(record(json!({"name": "Mail", "uuid": "u-2"})), None).await.unwrap();
        assert_eq!((one.id, one.created, two.id, two.uuid.as_str()), (1, true, 2, "u-2"));
        for (reference, name) in [("1", "2"), ("2", "Mail"), ("u-2", "Mail"), ("Mail", "Mail"), (&one.uuid, "2"),
            ("U-2", "Mail"), (&one.uuid.to_uppercase(), "2"), ("data_source-2", "Mail"), ("data_source-1", "2")] {
            let found = store.connectors().find(reference).await.unwrap();
            assert_eq!(found.map(|c| c.name).as_deref(), Some(name), "{reference}");
        }
        assert!(store.connectors().find("mail").await.unwrap().is_none() && store.connectors().find("a\0").await.unwrap().is_none());
        let exported = store.connectors().find("1").await.unwrap().unwrap().export();
        assert_eq!(Value::Object(exported), json!({"id": 1, "uuid": one.uuid, "name": "2", "type": "REST"}));
    }
}

contract! {
    async fn an_import_updates_the_one_it_is_about(fixture: TestStore) {
        let store = &fixture.store;
        let secret = record(json!({"password": "open sesame"}));
        let made = store.connectors().import(record(json!({"name": "A"})), Some(secret.clone())).await.unwrap();
        let before = store.connectors().revision().await.unwrap();
        let renamed = json!({"uuid": made.uuid, "name": "B", "description": "new"});
        let updated = store.connectors().import(record(renamed), None).await.unwrap();
        assert_eq!((updated.id, updated.created, updated.name.as_str()), (made.id, false, "B"));
        assert!(store.connectors().revision().await.unwrap() > before);
        assert_eq!(store.connectors().credentials(&made.uuid).await.unwrap(), Some(secret), "they are kept unless given");
        let by_name = store.connectors().import(record(json!({"name": "B"})), None).await.unwrap();
        assert_eq!((by_name.uuid.as_str(), by_name.created), (made.uuid.as_str(), false));
        let found = store.connectors().find("B").await.unwrap().unwrap();
        assert_eq!((found.version, found.record.get("description")), (3, None), "a record is replaced whole");
    }
}

contract! {
    async fn a_record_that_means_two_connectors_is_refused(fixture: TestStore) {
        let store = &fixture.store;
        let a = store.connectors().import(record(json!({"name": "A"})), None).await.unwrap();
        store.connectors().import(record(json!({"name": "B"})), None).await.unwrap();
        for (value, expected) in [
            (json!({"uuid": a.uuid, "name": "B"}), "NameTaken"),
            (json!({"id": 1, "name": "B"}), "NameTaken"),
            (json!({"id": 1, "uuid": "u-9", "name": "C"}), "leave `id` out of the record"),
        ] {
            let refused = store.connectors().import(record(value.clone()), None).await;
            let Err(Error::Contradiction(problem)) = refused else { panic!("{value}: {refused:?}") };
            assert!(problem.contains(expected), "{problem}");
        }
        assert_eq!(store.connectors().list().await.unwrap().len(), 2);
    }
}

contract! {
    async fn imports_at_once_of_one_name_make_one_connector(fixture: TestStore) {
        let imports = (0..10).map(|_| {
            let store = fixture.store.clone();
            async move { store.connectors().import(record(json!({"name": "A"})), None).await.unwrap() }
        });
        let made = futures_util::future::join_all(imports).await;
        assert_eq!(made.iter().filter(|imported| imported.created).count(), 1);
        assert_eq!(fixture.store.connectors().list().await.unwrap().len(), 1);
    }
}

contract! {
    async fn credentials_are_sealed_and_bound_to_their_row(fixture: TestStore) {
        let store = &fixture.store;
        let secret = record(json!({"password": "open sesame"}));
        let a = store.connectors().import(record(json!({"name": "A"})), Some(secret.clone())).await.unwrap();
        let b = store.connectors().import(record(json!({"name": "B"})), None).await.unwrap();
        assert_eq!(store.connectors().credentials(&b.uuid).await.unwrap(), None);
        let reopened = open(&fixture.url, KEY).await.unwrap();
        assert_eq!(reopened.connectors().credentials(&a.uuid).await.unwrap(), Some(secret));
        fixture.sql("UPDATE connectors SET credentials = (SELECT credentials FROM connectors WHERE name = 'A')").await;
        assert!(matches!(store.connectors().credentials(&b.uuid).await, Err(Error::Decrypt(_))), "a row's secret opens there only");
        let plain = fixture.number(
            "SELECT COUNT(*) FROM connectors WHERE CAST(credentials AS TEXT) LIKE '%sesame%' OR record LIKE '%sesame%'",
        );
        assert_eq!(plain.await, 0);
    }
}

contract! {
    async fn a_removed_connector_is_gone_with_its_credentials(fixture: TestStore) {
        let store = &fixture.store;
        let made = store.connectors().import(record(json!({"name": "A"})), Some(record(json!({"k": 1})))).await.unwrap();
        let before = store.connectors().revision().await.unwrap();
        let entry = entry();
        let remove = || store.connectors().remove(&made.uuid, |_, _| None::<()>, &entry);
        assert_eq!(remove().await.unwrap(), Some(Ok(())));
        assert_eq!(remove().await.unwrap(), None);
        assert_eq!(store.connectors().credentials(&made.uuid).await.unwrap(), None);
        assert!(store.connectors().revision().await.unwrap() > before);
    }
}

/// All connectors that a filter finds.
async fn found(store: &Store, needle: &str) -> Vec<StoredConnector> {
    let query = ListQuery {
        needle,
        order: ListOrder::Name,
        descending: false,
        limit: 10,
        offset: 0,
        asset_type: "",
        category: None,
        status: "",
        uuids: None,
        record: Record::Read,
    };
    store.connectors().page(&query).await.unwrap().0
}

contract! {
    async fn connectors_of_an_older_version_are_listed_after_the_first_start(fixture: TestStore) {
        let secret = record(json!({"password": "open sesame"}));
        fixture.store.connectors().import(record(json!({"name": "Größe"})), Some(secret)).await.unwrap();
        fixture.sql("UPDATE connectors SET search = '', credentials_set = '[]', indexed_version = 0").await;
        assert!(found(&fixture.store, "größe").await.is_empty());
        let reopened = open(&fixture.url, KEY).await.unwrap();
        let listed = found(&reopened, "größe").await;
        assert_eq!((listed.len(), &listed[0].credentials_set), (1, &vec!["password".to_owned()]));
    }
}

contract! {
    async fn writing_several_is_all_or_nothing_and_each_has_its_row_in_the_log(fixture: TestStore) {
        let store = &fixture.store;
        let subject = |name: &str| {
            Subject::Record(Identification { name: name.to_owned(), ..Identification::default() }, Existing::Refuse)
        };
        let write = async |names: [&str; 3]| {
            let subjects = names.map(subject);
            let draft = |index: usize, _: Option<&Current<'_>>, _: &BTreeSet<i64>| {
                let name = names[index].to_owned();
                Ok(Draft {
                    record: record(json!({"name": name})), name, credentials: None, credentials_changed: false,
                    changed: Vec::new(), warnings: Vec::new(),
                })
            };
            store.connectors().write::<Conflict>(&subjects, draft, |_| entry()).await.unwrap()
        };
        assert_eq!(write(["A", "B", "A"]).await, Err(vec![(2, Conflict::NameTaken)]));
        assert!(store.connectors().list().await.unwrap().is_empty());
        assert_eq!(store.audit().verify().await.unwrap().entries, 0);
        let written = write(["A", "B", "C"]).await.unwrap();
        assert_eq!(written.iter().map(|one| one.imported.id).collect::<Vec<_>>(), [1, 2, 3]);
        let verified = store.audit().verify().await.unwrap();
        assert_eq!((verified.entries, verified.broken_at), (3, None));
    }
}
