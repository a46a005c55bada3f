//! Elements' configurations with everything in them parsed: once for all jobs that carry the same text.

use std::collections::BTreeSet;
use std::sync::Arc;

use moka::future::Cache;
use serde_json::{Map, Value};

use crate::connector::{ElementConfig, Invalid};
use crate::interpret::{CompiledRules, Mapping};
use crate::job::ConfigObject;
use crate::plan::value::weight;
use crate::plan::{PreparedElement, Secrets};

/// What all cached configurations may take, bytes.
const CAPACITY: u64 = 64 * 1024 * 1024;
/// How many times the length of its text a parsed configuration takes in memory; patterns weigh where they are compiled.
const WEIGHT: usize = 32;
/// Patterns of one configuration: to compile them is work.
const PATTERNS: usize = 256;

/// One element's configuration, ready to plan and to read answers with.
#[derive(Debug)]
pub(super) struct Element {
    /// The connector by name, uuid or id.
    pub(super) connector: String,
    /// The resource's name.
    pub(super) resource: String,
    /// The secrets that it names.
    pub(super) secrets: BTreeSet<String>,
    /// The outgoing rows.
    pub(super) outbound: PreparedElement,
    /// The rows that read the answer.
    pub(super) mapping: Mapping,
    /// How much work its rows may make.
    pub(super) work: Work,
    /// Its rules of CONTRACT 7.
    pub(super) rules: CompiledRules,
}

impl Element {
    fn read(config: &Map<String, Value>) -> Result<Self, InvalidElement> {
        let text = serde_json::to_string(config).unwrap_or_default();
        if text.to_ascii_lowercase().matches("matches").count() > PATTERNS {
            let invalid = Invalid::new("outboundConfig", format!("with dataMapping has more than {PATTERNS} patterns"));
            return Err(InvalidElement { named: None, invalid });
        }
        let secrets = Secrets::named_in(&text);
        let config = ElementConfig::read(config).map_err(|invalid| InvalidElement { named: None, invalid })?;
        let (connector, resource) = (config.connector.clone(), config.resource.clone());
        let invalid_element = |invalid| InvalidElement { named: Some((connector.clone(), resource.clone())), invalid };
        let work = Work::of(&text);
        Ok(Self {
            secrets,
            work,
            mapping: Mapping::new(config.mapping.as_deref()).map_err(invalid_element)?,
            rules: CompiledRules::new(&config.rules, "").map_err(invalid_element)?,
            outbound: PreparedElement::new(config).map_err(invalid_element)?,
            connector: connector.clone(),
            resource: resource.clone(),
        })
    }
}

/// How much work templates and rows may make with request data: what decides whether a request is planned in a thread of its
/// own.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Work {
    text: usize,
    tags: usize,
    /// Whether there is more to do than to read all of the data once for each tag.
    multiplies: bool,
}

/// Bytes of texts times bytes of data that are planned in a few milliseconds.
const QUICK: usize = 16 * 1024 * 1024;
/// What may be rendered without room in memory, bytes.
const UNCOUNTED: usize = 256 * 1024;
/// Expressions and patterns that are evaluated at once. Sections multiply as soon as there are two.
const FEW: usize = 8;

impl Work {
    /// The work of the templates, rows and rules in a text.
    pub(super) fn of(text: &str) -> Self {
        let count = |parts: &[&str]| parts.iter().map(|part| text.matches(part).count()).sum::<usize>();
        let expressions = count(&["\"feel\""]);
        let multiplies = count(&["{{#", "{{^", "{{=", "{{ #"]) > 1
            || expressions + count(&["matches"]) > FEW
            || expressions > 0 && text.contains("..");
        Self { text: text.len(), tags: count(&["{{"]) + expressions, multiplies }
    }

    /// This work and another one's.
    pub(super) fn with(self, other: Self) -> Self {
        let multiplies = self.multiplies || other.multiplies;
        Self { text: self.text + other.text, tags: self.tags + other.tags, multiplies }
    }

    /// Whether planning with this data may hold up the runtime, or make much of it.
    pub(super) fn is_long(self, data: &Map<String, Value>) -> bool {
        let most = (QUICK / self.text.max(1)).min(UNCOUNTED / self.tags.max(1));
        let mut bytes = 0;
        let is_more = data.iter().any(|(name, value)| {
            bytes += name.len() + weight(value, most);
            bytes > most
        });
        self.multiplies || is_more
    }
}

/// A configuration that cannot be used.
#[derive(Debug, Clone)]
pub(super) struct InvalidElement {
    /// Connector and resource, where they could be read.
    pub(super) named: Option<(String, String)>,
    /// What is wrong.
    pub(super) invalid: Invalid,
}

type Parsed = Arc<Result<Arc<Element>, InvalidElement>>;

/// Configurations by their text.
#[derive(Debug, Clone)]
pub(super) struct ElementCache(Cache<String, Parsed>);

impl Default for ElementCache {
    fn default() -> Self {
        let weight = |text: &String, _: &Parsed| u32::try_from(WEIGHT * text.len()).unwrap_or(u32::MAX);
        Self(Cache::builder().weigher(weight).max_capacity(CAPACITY).build())
    }
}

impl ElementCache {
    /// The configuration, parsed now or before.
    pub(super) async fn get(&self, config: &ConfigObject) -> Result<Arc<Element>, InvalidElement> {
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
        let cache = ElementCache::default();
        let config = |value: Value| ConfigObject::new(value.as_object().cloned().unwrap());
        let good = config(json!({"dataSource": 1, "endpoint": "r",
            "outboundConfig": [{"type": "PARAM", "key": "p", "value": "a.b ~ 1", "format": "feel"}],
            "dataMapping": [{"key": "{{k}}", "value": "$.a"}, {"key": "j", "value": "a", "format": "jmespath"}]}));
        let first = cache.get(&good).await.unwrap();
        let parsed = crate::testing::parse_count::total();
        assert!(Arc::ptr_eq(&first, &cache.get(&good).await.unwrap()));
        let bad = config(json!({"dataSource": 1, "endpoint": "r", "dataMapping": [{"key": "k", "value": "$.["}]}));
        let problem = cache.get(&bad).await.unwrap_err();
        assert_eq!(problem.named, Some(("1".to_owned(), "r".to_owned())));
        assert!(problem.invalid.to_string().starts_with("dataMapping.0 (k): `$.[` is not a JSONPath"), "{problem:?}");
        let again = crate::testing::parse_count::total();
        assert_eq!(again, parsed + 1, "the good one was not parsed again");
        cache.get(&bad).await.unwrap_err();
        assert_eq!(crate::testing::parse_count::total(), again, "nor the bad one");
    }

    #[tokio::test]
    async fn patterns_of_one_configuration_are_counted() {
        let rows = |count: usize| vec![json!({"key": "k", "value": r"a matches '/b/'", "format": "feel"}); count];
        for (count, expected) in [(200, None), (257, Some("has more than 256 patterns"))] {
            let config = json!({"dataSource": 1, "endpoint": "r", "dataMapping": rows(count)});
            let read = ElementCache::default().get(&ConfigObject::new(config.as_object().cloned().unwrap())).await;
            let problem = read.err().map(|problem| problem.invalid.to_string()).unwrap_or_default();
            assert!(
                problem.contains(expected.unwrap_or_default()) && problem.is_empty() == expected.is_none(),
                "{problem}"
            );
        }
    }
}
