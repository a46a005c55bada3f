//! The example processes of `deploy/examples`, as parts of the program.

use std::borrow::Cow;
use std::collections::BTreeSet;

use rust_embed::RustEmbed;
use serde_json::{Map, Value, json};

use crate::connector::connector_records;

#[derive(RustEmbed)]
#[folder = "../deploy/examples"]
struct Files;

/// All examples by name: title, description, model, connectors as their file has them, and the data that a request starts with.
pub fn all() -> Vec<Map<String, Value>> {
    let paths: Vec<String> = Files::iter().map(Cow::into_owned).collect();
    let names: BTreeSet<&str> = paths.iter().filter_map(|path| Some(path.split_once('/')?.0)).collect();
    names.into_iter().filter_map(example).collect()
}

/// The example of a folder; `None` where one of its files is missing or cannot be read, which a test finds.
fn example(name: &str) -> Option<Map<String, Value>> {
    let text = |file: &str| {
        let file = Files::get(&format!("{name}/{file}"))?;
        String::from_utf8(file.data.into_owned()).ok()
    };
    let about: Value = serde_json::from_str(&text("example.json")?).ok()?;
    let data: Value = serde_json::from_str(&text("data.json")?).ok()?;
    let connectors = connector_records(serde_saphyr::from_str(&text("connectors.yaml")?).ok()?).ok()?;
    let example = json!({
        "name": name, "title": about["title"], "description": about["description"], "model": text("model.bpmn")?,
        "connectors": connectors, "data": data,
    });
    match example {
        Value::Object(members) => Some(members),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_folder_is_a_whole_example() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/examples");
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
        let mut folders: Vec<String> = entries
            .filter(|entry| entry.file_type().unwrap().is_dir())
            .map(|entry| entry.file_name().into_string().unwrap())
            .collect();
        folders.sort();
        let all = all();
        let names: Vec<&str> = all.iter().map(|example| example["name"].as_str().unwrap()).collect();
        assert_eq!(names, folders);
        for example in &all {
            let (model, diagnostics) = bpmn_ext::read(example["model"].as_str().unwrap().as_bytes());
            assert!(diagnostics.is_empty() && !model.tasks.is_empty(), "{diagnostics:?}");
            assert!(example["title"].is_string() && example["description"].is_string() && example["data"].is_object());
            assert!(!example["connectors"].as_array().unwrap().is_empty());
        }
    }
}
