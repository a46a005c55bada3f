//! Named secrets, refresh tokens, and the key that seals them all.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};

use super::contract;
use super::test_store::{KEY, OTHER_KEY, entry, open, open_with};
use crate::store::{Error, KeySource, RefreshToken, Store};

fn secret(text: &str) -> SecretString {
    SecretString::from(text)
}

fn record(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("{other}"),
    }
}

contract! {
    async fn a_secret_is_set_replaced_listed_without_its_value_and_removed(fixture: TestStore) {
        let store = &fixture.store;
        store.secrets().set("API", &secret("canary-1"), &["api.example.com".to_owned(), "b.example:8443".to_owned()]).await.unwrap();
        store.secrets().set("OTHER", &secret("canary-2"), &[]).await.unwrap();
        store.secrets().set("OTHER", &secret("canary-3"), &[]).await.unwrap();
        let names = ["API".to_owned(), "OTHER".to_owned(), "NONE".to_owned()];
        let opened = store.secrets().open(&names).await.unwrap();
        assert_eq!((opened.len(), opened["OTHER"].value.expose_secret()), (2, "canary-3"));
        assert_eq!(opened["API"].hosts, ["api.example.com", "b.example:8443"]);
        let listed = store.secrets().list().await.unwrap();
        assert_eq!(listed.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["API", "OTHER"]);
        assert_eq!(fixture.number("SELECT COUNT(*) FROM secrets WHERE CAST(sealed AS TEXT) LIKE '%canary%'").await, 0);
        fixture.sql("UPDATE secrets SET sealed = (SELECT sealed FROM secrets WHERE name = 'OTHER') WHERE name = 'API'").await;
        assert!(matches!(store.secrets().open(&names).await, Err(Error::Decrypt(_))), "a value opens under its name only");
        assert!(store.secrets().remove("API", &entry()).await.unwrap() && !store.secrets().remove("API", &entry()).await.unwrap());
    }
}

contract! {
    async fn hosts_are_sealed_with_their_secret(fixture: TestStore) {
        let store = &fixture.store;
        let names = ["API".to_owned()];
        for change in [
            "UPDATE secrets SET hosts = '' WHERE name = 'API'",
            "UPDATE secrets SET hosts = 'evil.example' WHERE name = 'API'",
            "UPDATE secrets SET hosts = 'api.example.com,evil.example' WHERE name = 'API'",
        ] {
            store.secrets().set("API", &secret("canary-1"), &["api.example.com".to_owned()]).await.unwrap();
            assert_eq!(store.secrets().open(&names).await.unwrap()["API"].hosts, ["api.example.com"]);
            fixture.sql(change).await;
            assert!(matches!(store.secrets().open(&names).await, Err(Error::Decrypt(_))), "{change}");
            let again = open(&fixture.url, KEY).await.unwrap();
            assert!(matches!(again.secrets().open(&names).await, Err(Error::Decrypt(_))), "{change}, after a start");
        }
        store.secrets().set("API", &secret("canary-1"), &[]).await.unwrap();
        fixture.sql("UPDATE secrets SET hosts = 'evil.example' WHERE name = 'API'").await;
        assert!(store.secrets().open(&names).await.is_err());
    }
}

contract! {
    async fn credentials_are_sealed_with_the_record_that_they_were_imported_for(fixture: TestStore) {
        let connectors = fixture.store.connectors();
        let to = |host: &str| record(json!({"name": "A", "endpoints": {"r": {"url": format!("https://{host}/")}}}));
        let credentials = record(json!({"password": "open sesame"}));
        let made = connectors.import(to("home.example"), Some(credentials.clone())).await.unwrap();
        let version = connectors.find("A").await.unwrap().unwrap().credentials_version;
        fixture.sql("UPDATE connectors SET record = REPLACE(record, 'home', 'evil')").await;
        assert!(matches!(connectors.credentials(&made.uuid).await, Err(Error::Decrypt(_))));
        assert!(connectors.import(to("other.example"), None).await.is_err(), "nor do they go on to another record");
        fixture.sql("UPDATE connectors SET record = REPLACE(record, 'evil', 'home')").await;
        connectors.import(to("other.example"), None).await.unwrap();
        assert_eq!(connectors.credentials(&made.uuid).await.unwrap(), Some(credentials), "an import keeps them");
        assert_eq!(connectors.find("A").await.unwrap().unwrap().credentials_version, version, "unchanged");
    }
}

contract! {
    async fn what_an_older_version_sealed_is_bound_at_the_first_start(fixture: TestStore) {
        let store = &fixture.store;
        store.secrets().set("API", &secret("canary-1"), &["api.example.com".to_owned()]).await.unwrap();
        let credentials = record(json!({"password": "open sesame"}));
        let made = store.connectors().import(record(json!({"name": "A"})), Some(credentials.clone())).await.unwrap();
        store.keys().seal_as_formerly("secrets", "API", b"canary-1").await.unwrap();
        store.keys().seal_as_formerly("connectors", &made.uuid, credentials_text(&credentials).as_bytes()).await.unwrap();
        let names = ["API".to_owned()];
        assert!(store.secrets().open(&names).await.is_err() && store.connectors().credentials(&made.uuid).await.is_err());
        let reopened = open(&fixture.url, KEY).await.unwrap();
        assert!(reopened.secrets().open(&names).await.is_err(), "it was done before");
        fixture.sql("DELETE FROM meta WHERE name = 'values_bound'").await;
        let upgraded = open(&fixture.url, KEY).await.unwrap();
        assert_eq!(upgraded.secrets().open(&names).await.unwrap()["API"].value.expose_secret(), "canary-1");
        assert_eq!(upgraded.connectors().credentials(&made.uuid).await.unwrap(), Some(credentials));
    }
}

fn credentials_text(of: &Map<String, Value>) -> String {
    Value::Object(of.clone()).to_string()
}

contract! {
    async fn a_refresh_token_is_used_by_one_at_a_time_and_outlives_its_user(fixture: TestStore) {
        let kept = |number: usize| RefreshToken {
            refresh_token: Some(secret(&format!("refresh-{number}"))),
            access_token: Some(secret("access")),
            lifetime: Duration::from_hours(1),
        };
        let locked = fixture.store.refresh_tokens().lock("u-1", 1).await.unwrap();
        assert!(locked.stored.is_none());
        let other = open(&fixture.url, KEY).await.unwrap();
        let waiting = tokio::spawn(async move { other.refresh_tokens().lock("u-1", 1).await.unwrap().stored.unwrap() });
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(!waiting.is_finished(), "another process waits");
        locked.replace(&kept(1)).await.unwrap();
        let found = waiting.await.unwrap();
        assert_eq!(found.refresh_token.unwrap().expose_secret(), "refresh-1");
        assert!(found.lifetime > Duration::from_secs(3_500) && found.lifetime <= Duration::from_hours(1));
        drop(fixture.store.refresh_tokens().lock("u-1", 1).await.unwrap());
        let again = fixture.store.refresh_tokens().lock("u-1", 1).await.unwrap();
        assert_eq!(again.stored.as_ref().unwrap().refresh_token.as_ref().unwrap().expose_secret(), "refresh-1", "given back unused");
        drop(again);
        let imported = fixture.store.refresh_tokens().lock("u-1", 2).await.unwrap();
        assert!(imported.stored.is_none(), "other credentials begin anew");
    }
}

contract! {
    async fn everything_is_reencrypted_while_others_read(fixture: TestStore) {
        let mut names = Vec::new();
        for number in 0..300 {
            let name = format!("S{number}");
            fixture.store.secrets().set(&name, &secret(&format!("value {number}")), &[]).await.unwrap();
            names.push(name);
        }
        let credentials = record(json!({"password": "open sesame"}));
        let made = fixture.store.connectors().import(record(json!({"name": "A"})), Some(credentials.clone())).await.unwrap();
        let token = RefreshToken { refresh_token: Some(secret("r")), access_token: None, lifetime: Duration::ZERO };
        fixture.store.refresh_tokens().lock(&made.uuid, 1).await.unwrap().replace(&token).await.unwrap();

        let both = KeySource { key: Some(secret(OTHER_KEY)), old_keys: vec![secret(KEY)], file: None };
        let rotating = open_with(&fixture.url, &both).await.unwrap();
        let reading = tokio::spawn({
            let (store, names) = (rotating.clone(), names.clone());
            async move {
                for name in &names {
                    store.secrets().open([name]).await.unwrap();
                }
            }
        });
        let rotated = rotating.keys().rotate(&entry(), &|_| Box::pin(std::future::ready(true))).await.unwrap();
        reading.await.unwrap();
        assert_eq!((rotated.reencrypted, rotated.file), (303, None));
        assert!(rotating.keys().list().await.unwrap().iter().all(|key| key.primary || key.sealed == 0));

        let new: Store = open(&fixture.url, OTHER_KEY).await.unwrap();
        assert_eq!(new.secrets().open(&names).await.unwrap().len(), 300, "the old key is not needed any more");
        assert_eq!(new.connectors().credentials(&made.uuid).await.unwrap(), Some(credentials));
        assert!(new.refresh_tokens().lock(&made.uuid, 1).await.unwrap().stored.is_some());
        assert!(matches!(open(&fixture.url, KEY).await, Err(Error::Key(_))), "and opens nothing");
    }
}

#[tokio::test]
async fn a_key_in_a_file_is_rotated_under_a_store_that_is_open() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("c.db").display());
    let running = open_with(&url, &KeySource::default()).await.unwrap();
    running.secrets().set("A", &secret("canary"), &[]).await.unwrap();
    let operator = open_with(&url, &KeySource::default()).await.unwrap();
    let before = operator.keys().list().await.unwrap();
    let rotated = operator.keys().rotate(&entry(), &|_| Box::pin(std::future::ready(true))).await.unwrap();
    assert_eq!((before.len(), rotated.reencrypted), (1, 2), "the secret, and the check of the key");
    let names = ["A".to_owned()];
    assert_eq!(running.secrets().open(&names).await.unwrap()["A"].value.expose_secret(), "canary");
    assert_eq!(operator.keys().prune(&entry()).await.unwrap(), [before[0].id.clone()]);
    running.secrets().set("B", &secret("canary"), &[]).await.unwrap();
    assert_eq!(running.keys().list().await.unwrap().len(), 1, "everybody seals with the new one");
    assert_eq!(operator.keys().prune(&entry()).await.unwrap(), Vec::<String>::new());
}
