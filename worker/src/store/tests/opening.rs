//! Opening: by many at once, with the wrong key, on a schema of another time.

use std::os::unix::fs::PermissionsExt;

use secrecy::SecretString;

use super::bed::{KEY, OTHER_KEY, execute, on_empty_postgresql, open};
use super::contract;
use crate::store::{DatabaseTls, Error, Keys, Store};

fn tls() -> DatabaseTls {
    DatabaseTls::default()
}

contract! {
    async fn another_key_is_refused_at_the_door(bed: Bed) {
        assert!(matches!(open(&bed.url, OTHER_KEY).await, Err(Error::Key(_))));
        assert_eq!(open(&bed.url, KEY).await.unwrap().ledger_id(), bed.store.ledger_id());
        assert!(!bed.folder.path().join("c.db.key").exists(), "a key that is given is not written down");
    }
}

#[tokio::test]
async fn a_file_opened_by_many_at_once_has_one_identity_and_one_key() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("deep/c.db");
    let url = SecretString::from(format!("sqlite:{}", file.display()));
    let (keys, tls) = (Keys::default(), tls());
    let opened = futures_util::future::join_all((0..8).map(|_| Store::open(&url, &keys, &tls, false))).await;
    let ids: std::collections::HashSet<String> =
        opened.into_iter().map(|store| store.unwrap().ledger_id().to_owned()).collect();
    assert_eq!(ids.len(), 1);
    for name in ["c.db", "c.db.key"] {
        let mode = std::fs::metadata(folder.path().join("deep").join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name} is its owner's business");
    }
}

#[tokio::test]
async fn postgresql_is_migrated_when_somebody_says_so() {
    on_empty_postgresql(|url, _| async move {
        let secret = SecretString::from(url.as_str());
        let key = Keys { key: Some(SecretString::from(KEY)), ..Keys::default() };
        assert!(matches!(Store::open(&secret, &key, &tls(), false).await, Err(Error::NotMigrated)));
        let tls_of = tls();
        let migrated = futures_util::future::join_all((0..4).map(|_| Store::open(&secret, &key, &tls_of, true))).await;
        assert!(migrated.iter().all(Result::is_ok), "{migrated:?}");
        Store::open(&secret, &key, &tls(), false).await.unwrap();
        assert!(matches!(Store::open(&secret, &Keys::default(), &tls(), false).await, Err(Error::Key(_))));
        execute(
            &url,
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES (999, 'of tomorrow', true, '', 0)",
        )
        .await;
        assert!(matches!(Store::open(&secret, &key, &tls(), false).await, Err(Error::OtherSchema(_))));
        assert!(matches!(Store::open(&secret, &key, &tls(), true).await, Err(Error::OtherSchema(_))));
    })
    .await;
}

#[tokio::test]
async fn what_is_no_database_is_named() {
    for url in ["mysql://h/d", "sqlite:", "sqlite::memory:", "nothing"] {
        let refused = Store::open(&SecretString::from(url), &Keys::default(), &tls(), false).await;
        assert!(matches!(refused, Err(Error::Url)), "{url}: {refused:?}");
    }
    let away = Store::open(&SecretString::from("postgres://u@127.0.0.1:1/d"), &Keys::default(), &tls(), false).await;
    assert!(matches!(&away, Err(error) if error.is_passing()), "{away:?}");
    let folder = tempfile::tempdir().unwrap();
    let url = SecretString::from(format!("sqlite:{}", folder.path().display()));
    let refused = Store::open(&url, &Keys::default(), &tls(), false).await;
    assert!(matches!(refused, Err(Error::File { .. })), "{refused:?}");
}
