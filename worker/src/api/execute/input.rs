//! What a caller asks for: configuration and data, from a body or from a query.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::super::error::Error;
use super::super::request::Query;
use super::config_of;
use crate::store::StoredConnector;

/// The row that a call without a mapping gets, and the variable that it is read from.
pub(super) const WHOLE: &str = "response";

/// A configuration with connector and resource, and the data that its templates see.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) config: Map<String, Value>,
    pub(super) data: Arc<Map<String, Value>>,
    /// Whether the caller said what comes back; else it is the whole answer with its status.
    pub(super) is_mapped: bool,
}

impl Input {
    /// Reads `{"config", "data"}`.
    pub(super) fn of_body(
        mut body: Map<String, Value>,
        connector: &StoredConnector,
        request_id: Option<Value>,
    ) -> Result<Self, Error> {
        let config = config_of(body.remove("config"), "config")?;
        let Some(endpoint) = config.get("endpoint").and_then(Value::as_str).map(ToOwned::to_owned) else {
            return Err(Error::invalid("config.endpoint", "config.endpoint must name a resource of the connector"));
        };
        let mut data = data_of(body.remove("data"), "data")?;
        if let Some(id) = request_id
            && !data.contains_key("_request")
        {
            data.insert("_request".to_owned(), json!({"id": id}));
        }
        Self::new(config, data, connector, &endpoint)
    }

    /// Reads `pmds_config` and `pmds_data`; what a body holds as well wins.
    pub(super) fn of_query(
        query: &Query,
        mut body: Map<String, Value>,
        connector: &StoredConnector,
        endpoint: &str,
    ) -> Result<Self, Error> {
        let given = |name: &str, in_body: Option<Value>| match in_body {
            Some(value) => Some(value),
            None => query.given(name).map(Value::from),
        };
        let config = match given("pmds_config", body.remove("config")) {
            None | Some(Value::Null) => Map::new(),
            config => config_of(config, "pmds_config")?,
        };
        let data = data_of(given("pmds_data", body.remove("data")), "pmds_data")?;
        Self::new(config, data, connector, endpoint)
    }

    /// Connector and resource of the path win over those of the configuration.
    fn new(
        mut config: Map<String, Value>,
        data: Map<String, Value>,
        connector: &StoredConnector,
        endpoint: &str,
    ) -> Result<Self, Error> {
        let resource = bpmn_ext::names::bare_resource(endpoint);
        let known = connector.record.get("endpoints").and_then(Value::as_object);
        if !known.is_some_and(|known| known.contains_key(resource)) {
            let names: Vec<&str> = known.into_iter().flat_map(Map::keys).map(String::as_str).collect();
            let message =
                format!("connector `{}` has no resource `{resource}`; it has: {}", connector.name, names.join(", "));
            return Err(Error::new(axum::http::StatusCode::NOT_FOUND, "CONFIGURATION", message));
        }
        config.insert("dataSource".to_owned(), json!(connector.uuid));
        config.insert("endpoint".to_owned(), json!(resource));
        let is_mapped = config.get("dataMapping").is_some_and(|mapping| !mapping.is_null());
        if !is_mapped {
            config.insert("dataMapping".to_owned(), json!([{"key": WHOLE, "value": ""}]));
        }
        Ok(Self { config, data: Arc::new(data), is_mapped })
    }
}

/// Data that are an object, or JSON text of one; none are empty.
pub(in super::super) fn data_of(value: Option<Value>, field: &str) -> Result<Map<String, Value>, Error> {
    let problem = || Error::invalid(field, format!("{field} must be an object, or JSON text of one"));
    match value {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::String(text)) if text.trim().is_empty() => Ok(Map::new()),
        Some(Value::String(text)) => data_of(Some(serde_json::from_str(&text).map_err(|_| problem())?), field),
        Some(Value::Object(members)) => Ok(members),
        Some(Value::Array(items)) if items.is_empty() => Ok(Map::new()),
        Some(_) => Err(problem()),
    }
}
