//! Element templates of a connector for modelers that take them: ours, with connector, resource and parameters filled in
//! (CONTRACT 5).

use bpmn_ext::schema;
use serde_json::{Value, json};

use crate::connector::{Connector, Resource};
use crate::store::StoredConnector;

/// Whose modeler the templates are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Modeler {
    /// Camunda 7.
    Camunda7,
    /// Camunda 8.
    Camunda8,
}

/// A template for each resource; none for a record that cannot be read.
pub fn element_templates(stored: &StoredConnector, modeler: Modeler) -> Vec<Value> {
    let Ok(connector) = Connector::read(&stored.record) else { return Vec::new() };
    let text = match modeler {
        Modeler::Camunda7 => schema::CAMUNDA_7,
        Modeler::Camunda8 => schema::CAMUNDA_8,
    };
    // A part of the program, which its own tests read.
    let general: Value = serde_json::from_str(text).unwrap_or_default();
    connector.resources.iter().map(|resource| filled(&general, stored, resource)).collect()
}

fn filled(general: &Value, stored: &StoredConnector, resource: &Resource) -> Value {
    let mut template = general.clone();
    let id = template["id"].as_str().unwrap_or("data-connector").to_owned();
    template["id"] = json!(format!("{id}.{}.{}", stored.uuid, resource.name));
    template["name"] = json!(format!("{}: {}", stored.name, resource.name));
    let described =
        stored.record.get("endpoints").and_then(|endpoints| endpoints.get(&resource.name)?.get("description"));
    if let Some(Value::String(description)) = described.filter(|text| text.as_str() != Some("")) {
        template["description"] = json!(description);
    }
    template["version"] = json!(stored.version);
    let properties = template["properties"].as_array_mut().into_iter().flatten();
    for property in properties {
        match property["id"].as_str() {
            Some("connector") => fix(property, &stored.name),
            Some("resource") => fix(property, &resource.name),
            Some("params") => {
                let rows = parameters(resource);
                if !rows.is_empty() {
                    property["value"] = json!(rows);
                }
            }
            _ => {}
        }
    }
    template
}

/// Nobody chooses it any more.
fn fix(property: &mut Value, value: &str) {
    property["type"] = json!("Hidden");
    property["value"] = json!(value);
    if let Value::Object(members) = property {
        for name in ["constraints", "description", "label", "group"] {
            members.remove(name);
        }
    }
}

/// A line for each declared parameter: its default, else the variable of its name.
fn parameters(resource: &Resource) -> String {
    let fixed = resource.params.iter().flatten().filter(|row| !row.key.contains("{{"));
    let line = |key: &str, value: &str| match value {
        "" => format!("{key} = {{{{{key}}}}}"),
        value => format!("{key} = {}", value.replace(['\r', '\n'], " ")),
    };
    fixed.map(|row| line(&row.key, &row.value)).collect::<Vec<_>>().join("\n")
}
