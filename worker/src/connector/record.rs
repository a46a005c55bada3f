//! A connector as it is imported, exported and looked up (COMPATIBILITY 4.1).

use serde_json::{Map, Value};

use super::lenient::Reader;
use super::{Invalid, Resource, Rules};

/// A connector without its credentials.
#[derive(Debug, Clone, PartialEq)]
pub struct Connector {
    /// Unique.
    pub name: String,
    /// `authtype`, which decides how `credentials` are read.
    pub authtype: String,
    /// `status` is not `INACTIVE`.
    pub active: bool,
    /// By name, in the order written.
    pub resources: Vec<Resource>,
    /// Members of CONTRACT 7: the default of its resources.
    pub rules: Rules,
}

impl Connector {
    /// Reads a record.
    ///
    /// # Errors
    /// The first member that cannot be used, by its path.
    pub fn read(of: &Map<String, Value>) -> Result<Self, Invalid> {
        let of = &Reader::new(of, "");
        let kind = of.text("type")?.unwrap_or_default().to_ascii_uppercase();
        if !kind.is_empty() && !kind.starts_with("REST") {
            return Err(Invalid::new("type", format!("`{kind}` is not supported by this version; write REST")));
        }
        let endpoints = of.object("endpoints")?;
        let resources = endpoints.iter().flat_map(|endpoints| {
            endpoints.names().map(|name| match endpoints.value(name) {
                Some(Value::Object(resource)) => Resource::read(name, &Reader::new(resource, endpoints.path_of(name))),
                _ => Err(endpoints.invalid(name, "must be an object")),
            })
        });
        Ok(Self {
            name: of.required_text("name")?,
            authtype: of.text("authtype")?.unwrap_or_default().to_ascii_uppercase(),
            active: !of.text("status")?.unwrap_or_default().eq_ignore_ascii_case("INACTIVE"),
            resources: resources.collect::<Result<Vec<_>, _>>()?,
            rules: Rules::read(of)?,
        })
    }

    /// The resource of that name.
    pub fn resource(&self, name: &str) -> Option<&Resource> {
        self.resources.iter().find(|resource| resource.name == name)
    }
}

/// The records of a connectors file: one, a list, or ProcessMaker's list answer with `data` (CONTRACT 7).
///
/// # Errors
/// A sentence for people when it holds something else.
pub fn connector_records(file: Value) -> Result<Vec<Map<String, Value>>, Invalid> {
    let list = match file {
        Value::Object(mut page) if !page.contains_key("name") && page.get("data").is_some_and(Value::is_array) => {
            page.remove("data").unwrap_or_default()
        }
        Value::Object(one) => return Ok(vec![one]),
        other => other,
    };
    let Value::Array(list) = list else {
        return Err(Invalid::new("the file", "must hold one connector or a list of them"));
    };
    list.into_iter()
        .enumerate()
        .map(|(index, value)| match value {
            Value::Object(record) => Ok(record),
            _ => Err(Invalid::new(format!("record {}", index + 1), "must be an object")),
        })
        .collect()
}

#[cfg(test)]
mod tests;
