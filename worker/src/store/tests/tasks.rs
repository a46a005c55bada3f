//! Deployed tasks: versions count up, labels keep their meaning, the newest decides.

use serde_json::{Value, json};

use super::contract;
use crate::store::Error;

fn tasks(of: &[(&str, i64)]) -> Vec<(String, Value)> {
    of.iter().map(|(element, n)| ((*element).to_owned(), json!({"n": n}))).collect()
}

contract! {
    async fn versions_count_up_and_labels_keep_their_meaning(bed: Bed) {
        let store = &bed.store;
        let deploy = async |label: Option<&str>, of: &[(&str, i64)]| store.deploy("p", label, "m.bpmn", &tasks(of)).await;
        assert_eq!(deploy(None, &[("a", 1), ("b", 1)]).await.unwrap(), "1");
        assert_eq!(deploy(None, &[("a", 2)]).await.unwrap(), "2");
        assert_eq!(deploy(Some("live"), &[("a", 3)]).await.unwrap(), "live");
        assert_eq!(deploy(Some("live"), &[("a", 3)]).await.unwrap(), "live", "the same again is fine");
        let other = deploy(Some("live"), &[("a", 4)]).await;
        assert!(matches!(other, Err(Error::Conflict(_))), "{other:?}");
        assert_eq!(deploy(Some("5"), &[("a", 5)]).await.unwrap(), "5");
        assert_eq!(deploy(None, &[("a", 6)]).await.unwrap(), "6", "the number 5 is somebody's label");
        for (version, element, expected) in [
            (Some("1"), "a", Some(1)), (Some("1"), "b", Some(1)), (Some("live"), "a", Some(3)), (None, "a", Some(6)),
            (None, "b", None), (Some("9"), "a", None),
        ] {
            let found = store.find_task("p", version, element).await.unwrap();
            assert_eq!(found.map(|task| task["n"].as_i64()), expected.map(Some), "{version:?} {element}");
        }
        assert!(store.find_task("q", None, "a").await.unwrap().is_none());
        let listed = store.deployments().await.unwrap();
        let listed: Vec<_> = listed.iter().map(|d| (d.version.as_str(), d.elements)).collect();
        assert_eq!(listed, [("6", 1), ("5", 1), ("live", 1), ("2", 1), ("1", 2)]);
    }
}

contract! {
    async fn deployments_at_once_each_have_a_number(bed: Bed) {
        let deployments = (0..10).map(|n| {
            let store = bed.store.clone();
            async move { store.deploy("p", None, "m.bpmn", &tasks(&[("a", n)])).await.unwrap() }
        });
        let mut versions: Vec<u32> =
            futures_util::future::join_all(deployments).await.iter().map(|v| v.parse().unwrap()).collect();
        versions.sort_unstable();
        assert_eq!(versions, (1..=10).collect::<Vec<_>>());
    }
}
