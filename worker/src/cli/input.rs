//! Reading what people hand over: JSON and YAML files, with the place of every mistake.

use std::path::Path;

use anyhow::{Context, Result, anyhow};
use serde_json::{Map, Value};

use crate::connector::connector_records;

/// A file's bytes; `-` is standard input.
pub(super) fn bytes(path: &Path) -> Result<Vec<u8>> {
    use std::io::Read;
    if path.as_os_str() == "-" {
        let mut all = Vec::new();
        std::io::stdin().read_to_end(&mut all).context("standard input cannot be read")?;
        return Ok(all);
    }
    std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))
}

/// A JSON object, such as request data.
pub(super) fn object(path: &Path) -> Result<Map<String, Value>> {
    let value: Value = serde_json::from_slice(&bytes(path)?).map_err(|e| place(path, e.line(), e.column(), &e))?;
    match value {
        Value::Object(map) => Ok(map),
        other => Err(anyhow!("{}: must hold a JSON object, not {}", path.display(), crate::job::kind_of(&other))),
    }
}

/// The records of a connectors file, JSON or YAML.
pub(super) fn connectors(path: &Path) -> Result<Vec<Map<String, Value>>> {
    let text = String::from_utf8(bytes(path)?).with_context(|| format!("{} is not UTF-8", path.display()))?;
    let is_json = text.trim_start().starts_with(['{', '[']);
    let value: Value = if is_json {
        serde_json::from_str(&text).map_err(|e| place(path, e.line(), e.column(), &e))?
    } else {
        serde_saphyr::from_str(&text).map_err(|e| anyhow!("{}: {e}", path.display()))?
    };
    connector_records(value).map_err(|e| anyhow!("{}: {e}", path.display()))
}

fn place(path: &Path, line: usize, column: usize, problem: &dyn std::error::Error) -> anyhow::Error {
    anyhow!("{}:{line}:{column}: {problem}", path.display())
}
