//! Elements' configurations with everything in them parsed, once for all jobs that carry the same one.

use std::collections::BTreeSet;
use std::sync::Arc;

use moka::future::Cache;
use serde_json::{Map, Value};

use crate::connector::{ElementConfig, Invalid};
use crate::interpret::{Mapping, PreparedRules};
use crate::job::Given;
use crate::plan::{PreparedElement, Secrets};

/// What the texts of all kept configurations may take, bytes.
const KEPT: u64 = 16 * 1024 * 1024;

/// One element's configuration, ready to plan and to read answers with.
#[derive(Debug)]
pub struct Element {
    /// The connector by name, uuid or id.
    pub connector: String,
    /// The resource's name.
    pub resource: String,
    /// The secrets that it names.
    pub(super) secrets: BTreeSet<String>,
    /// The outgoing rows.
    pub(super) outbound: PreparedElement,
    /// The rows that read the answer.
    pub(super) mapping: Mapping,
    /// Its rules of CONTRACT 7.
    pub(super) rules: PreparedRules,
}

impl Element {
    fn read(config: &Map<String, Value>) -> Result<Self, Unready> {
        let secrets = Secrets::named_in(&serde_json::to_string(config).unwrap_or_default());
        let config = ElementConfig::read(config).map_err(|invalid| Unready { named: None, invalid })?;
        let (connector, resource) = (config.connector.clone(), config.resource.clone());
        let unready = |invalid| Unready { named: Some((connector.clone(), resource.clone())), invalid };
        Ok(Self {
            secrets,
            mapping: Mapping::new(config.mapping.as_deref()).map_err(unready)?,
            rules: PreparedRules::new(&config.rules, "").map_err(unready)?,
            outbound: PreparedElement::new(config).map_err(unready)?,
            connector: connector.clone(),
            resource: resource.clone(),
        })
    }
}

/// A configuration that cannot be used.
#[derive(Debug, Clone)]
pub(super) struct Unready {
    /// Connector and resource, where they could be read.
    pub(super) named: Option<(String, String)>,
    /// What is wrong.
    pub(super) invalid: Invalid,
}

type Read = Arc<Result<Arc<Element>, Unready>>;

/// Configurations by their text.
#[derive(Debug, Clone)]
pub struct Elements(Cache<String, Read>);

impl Default for Elements {
    fn default() -> Self {
        let weight = |text: &String, _: &Read| u32::try_from(text.len()).unwrap_or(u32::MAX);
        Self(Cache::builder().weigher(weight).max_capacity(KEPT).build())
    }
}

impl Elements {
    /// The configuration, parsed now or before.
    pub(super) async fn get(&self, config: &Given) -> Result<Arc<Element>, Unready> {
        let read = async { Arc::new(Element::read(&config.members).map(Arc::new)) };
        let read = self.0.get_with_by_ref(&config.text, read).await;
        Result::clone(&read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[tokio::test]
    async fn the_same_configuration_is_read_once_whatever_is_wrong_with_it() {
        let elements = Elements::default();
        let config = |value: Value| Given::new(value.as_object().cloned().unwrap());
        let good = config(json!({"dataSource": 1, "endpoint": "r",
            "outboundConfig": [{"type": "PARAM", "key": "p", "value": "a.b ~ 1", "format": "feel"}],
            "dataMapping": [{"key": "{{k}}", "value": "$.a"}, {"key": "j", "value": "a", "format": "jmespath"}]}));
        let first = elements.get(&good).await.unwrap();
        let parsed = crate::plan::parses::counted();
        assert!(Arc::ptr_eq(&first, &elements.get(&good).await.unwrap()));
        let bad = config(json!({"dataSource": 1, "endpoint": "r", "dataMapping": [{"key": "k", "value": "$.["}]}));
        let problem = elements.get(&bad).await.unwrap_err();
        assert_eq!(problem.named, Some(("1".to_owned(), "r".to_owned())));
        assert!(problem.invalid.to_string().starts_with("dataMapping.0 (k): `$.[` is not a JSONPath"), "{problem:?}");
        let again = crate::plan::parses::counted();
        assert_eq!(again, parsed + 1, "the good one was not parsed again");
        elements.get(&bad).await.unwrap_err();
        assert_eq!(crate::plan::parses::counted(), again, "nor the bad one");
    }
}
