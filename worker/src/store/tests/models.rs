//! Deployed tasks: versions count up, labels keep their meaning, the newest decides.

use serde_json::{Value, json};

use super::contract;
use crate::store::audit::Entry;
use crate::store::{Error, NewDeployment, Store};

fn tasks(of: &[(&str, i64)]) -> Vec<(String, Value)> {
    of.iter().map(|(element, n)| ((*element).to_owned(), json!({"n": n}))).collect()
}

/// Who does it.
fn entry() -> Entry {
    let (actor, target) = ("system".to_owned(), String::new());
    Entry { actor, action: "model.deployed", target, detail: json!({}), request_id: None }
}

async fn deployed(store: &Store, label: Option<&str>, tasks: &[(String, Value)]) -> Result<String, Error> {
    let new = NewDeployment { process: "p", name: Some("P\u{e4}"), label, file: "m.bpmn", body: b"<xml/>", tasks };
    store.models().deploy(&new, &entry()).await
}

contract! {
    async fn versions_count_up_and_labels_keep_their_meaning(fixture: TestStore) {
        let store = &fixture.store;
        let deploy = async |label: Option<&str>, of: &[(&str, i64)]| deployed(store, label, &tasks(of)).await;
        assert_eq!(deploy(None, &[("a", 1), ("b", 1)]).await.unwrap(), "1");
        assert_eq!(deploy(None, &[("a", 2)]).await.unwrap(), "2");
        assert_eq!(deploy(Some("live"), &[("a", 3)]).await.unwrap(), "live");
        assert_eq!(deploy(Some("live"), &[("a", 3)]).await.unwrap(), "live", "the same again is fine");
        let other = deploy(Some("live"), &[("a", 4)]).await;
        assert!(matches!(other, Err(Error::Contradiction(_))), "{other:?}");
        assert_eq!(deploy(Some("5"), &[("a", 5)]).await.unwrap(), "5");
        assert_eq!(deploy(None, &[("a", 6)]).await.unwrap(), "6", "the number 5 is somebody's label");
        for (version, element, expected) in [
            (Some("1"), "a", Some(1)), (Some("1"), "b", Some(1)), (Some("live"), "a", Some(3)), (None, "a", Some(6)),
            (None, "b", None), (Some("9"), "a", None),
        ] {
            let found = store.models().find_task("p", version, element).await.unwrap();
            assert_eq!(found.as_ref().map(|(_, task)| task["n"].as_i64()), expected.map(Some), "{version:?} {element}");
            assert!(found.is_none_or(|(known, _)| known == version.unwrap_or("6")), "{version:?} {element}");
        }
        assert!(store.models().find_task("q", None, "a").await.unwrap().is_none());
        let listed = store.models().list().await.unwrap();
        let listed: Vec<_> = listed.iter().map(|d| (d.version.as_str(), d.elements)).collect();
        assert_eq!(listed, [("6", 1), ("5", 1), ("live", 1), ("2", 1), ("1", 2)]);
    }
}

contract! {
    async fn a_removed_version_is_gone_and_its_name_is_not_given_again(fixture: TestStore) {
        let store = &fixture.store;
        let deploy = async |label: Option<&str>, of: &[(&str, i64)]| deployed(store, label, &tasks(of)).await;
        deploy(None, &[("a", 1), ("b", 1)]).await.unwrap();
        deploy(Some("live"), &[("a", 2)]).await.unwrap();
        deploy(None, &[("a", 3)]).await.unwrap();
        assert_eq!(store.models().tasks("p", "1").await.unwrap(), tasks(&[("a", 1), ("b", 1)]));
        for (process, version, expected) in [("p", "3", true), ("p", "3", false), ("p", "live", true), ("p", "9", false), ("q", "1", false)] {
            assert_eq!(store.models().remove(process, version, &entry()).await.unwrap(), expected, "{process} {version}");
        }
        assert_eq!(store.models().tasks("p", "3").await.unwrap(), []);
        assert!(store.models().find_task("p", Some("3"), "a").await.unwrap().is_none());
        assert_eq!(store.models().find_task("p", None, "a").await.unwrap(), Some(("1".to_owned(), json!({"n": 1}))), "the newest that is left");
        let again = deploy(Some("live"), &[("a", 2)]).await.unwrap_err().to_string();
        assert_eq!(again, "version live of process `p` was removed; choose another label");
        assert_eq!(deploy(None, &[("a", 4)]).await.unwrap(), "4");
        let listed = store.models().list().await.unwrap();
        let listed: Vec<_> = listed.iter().map(|d| (d.version.as_str(), d.elements)).collect();
        assert_eq!(listed, [("4", 1), ("1", 2)]);
    }
}

contract! {
    async fn deployments_at_once_each_have_a_number(fixture: TestStore) {
        let deployments = (0..10).map(|n| {
            let store = fixture.store.clone();
            async move { deployed(&store, None, &tasks(&[("a", n)])).await.unwrap() }
        });
        let mut versions: Vec<u32> =
            futures_util::future::join_all(deployments).await.iter().map(|v| v.parse().unwrap()).collect();
        versions.sort_unstable();
        assert_eq!(versions, (1..=10).collect::<Vec<_>>());
    }
}
