//! The variables of the request's data that a call reads: what a person has to give it.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::connector::{Connector, ElementConfig, OutboundKind, RowFormat};
use crate::interpret::row_variables;

/// The top-level variables that URL, parameters, headers, body and rows read; a text that does not parse reads none. What a
/// row gives to the URL or to the body is not read from the data.
pub(super) fn reads(record: &Map<String, Value>, config: &Map<String, Value>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let Ok(element) = ElementConfig::read(config) else { return found };
    let rows = element.outbound.as_deref().unwrap_or_default();
    for row in rows {
        found.extend(of(row.format, &row.value));
    }
    for row in element.mapping.as_deref().unwrap_or_default() {
        found.extend(of(RowFormat::Mustache, &row.key));
        found.extend(of(row.format, &row.value));
    }
    let Ok(connector) = Connector::read(record) else { return found };
    let Some(resource) = connector.resource(&element.resource) else { return found };
    let given = |kind: OutboundKind| -> BTreeSet<&str> {
        rows.iter().filter(|row| row.kind == kind).map(|row| row.key.as_str()).collect()
    };
    let (params, fields) = (given(OutboundKind::Param), given(OutboundKind::Body));
    let url = of(RowFormat::Mustache, &resource.url);
    found.extend(url.into_iter().filter(|name| !params.contains(name.as_str())));
    let body = of(RowFormat::Mustache, resource.body.as_deref().unwrap_or_default());
    found.extend(body.into_iter().filter(|name| !fields.contains(name.as_str())));
    for row in resource.params.as_deref().unwrap_or_default() {
        if !params.contains(row.key.as_str()) {
            found.extend(of(RowFormat::Mustache, &row.value));
        }
        found.extend(of(RowFormat::Mustache, &row.key));
    }
    for row in &resource.headers {
        found.extend(of(RowFormat::Mustache, &row.key));
        found.extend(of(RowFormat::Mustache, &row.value));
    }
    found
}

/// The first names of the variables of one text.
fn of(format: RowFormat, text: &str) -> BTreeSet<String> {
    let names = row_variables(format, text).unwrap_or_default();
    let first = |name: String| name.split(['.', '[']).next().unwrap_or_default().to_owned();
    names.into_iter().map(first).filter(|name| !name.is_empty() && !name.starts_with("secret:")).collect()
}
