//! Reading what people hand over: JSON and YAML files, with the place of every mistake.

use std::borrow::Cow;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use serde_json::{Map, Value};

use crate::admin::convert;
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

/// A file's text, in UTF-8 or UTF-16, as editors and shells save it: with or without a byte order mark.
pub(super) fn text(path: &Path) -> Result<String> {
    let bytes = bytes(path)?;
    let (encoding, skipped) = Encoding::for_bom(&bytes).unwrap_or(match bytes.as_slice() {
        // No JSON or YAML begins with NUL, or has it after its first character.
        [0, _, ..] => (UTF_16BE, 0),
        [_, 0, ..] => (UTF_16LE, 0),
        _ => (UTF_8, 0),
    });
    let content = bytes.get(skipped..).unwrap_or_default();
    let text = encoding.decode_without_bom_handling_and_without_replacement(content);
    text.map(Cow::into_owned).with_context(|| format!("{} is not {}", path.display(), encoding.name()))
}

/// A JSON object, such as request data.
pub(super) fn object(path: &Path) -> Result<Map<String, Value>> {
    let value: Value = serde_json::from_str(&text(path)?).map_err(|e| place(path, e.line(), e.column(), &e))?;
    match value {
        Value::Object(map) => Ok(map),
        other => Err(anyhow!("{}: must hold a JSON object, not {}", path.display(), crate::job::kind_of(&other))),
    }
}

/// The records of a connectors file, JSON or YAML.
pub(super) fn connectors(path: &Path) -> Result<Vec<Map<String, Value>>> {
    let text = text(path)?;
    let is_json = text.trim_start().starts_with(['{', '[']);
    let value: Value = if is_json {
        serde_json::from_str(&text).map_err(|e| place(path, e.line(), e.column(), &e))?
    } else {
        // No line of the file is shown: there may be credentials in it.
        convert::data(&text).map_err(|e| match e {
            convert::Error::Text { position, problem } => {
                anyhow!("{}:{}:{}: {problem}", path.display(), position.line, position.column)
            }
            kind @ convert::Error::Kind { .. } => kind.into(),
        })?
    };
    connector_records(value).map_err(|e| anyhow!("{}: {e}", path.display()))
}

fn place(path: &Path, line: usize, column: usize, problem: &dyn std::error::Error) -> anyhow::Error {
    anyhow!("{}:{line}:{column}: {problem}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_as_editors_and_shells_save_them() {
        let file = std::env::temp_dir().join(format!("data-connector-input-{}", std::process::id()));
        let wide = |text: &str, unit: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(unit).collect::<Vec<u8>>();
        for json in ["{\"name\": \"Größe 🦀\"}", "\u{feff}{\"name\": \"Größe 🦀\"}"] {
            for bytes in [json.as_bytes().to_vec(), wide(json, u16::to_le_bytes), wide(json, u16::to_be_bytes)] {
                std::fs::write(&file, &bytes).unwrap();
                assert_eq!(Value::Object(object(&file).unwrap()), serde_json::json!({"name": "Größe 🦀"}), "{bytes:?}");
                assert_eq!(connectors(&file).unwrap()[0]["name"], "Größe 🦀", "{bytes:?}");
            }
        }
        for yaml in ["name: Größe\n", "\u{feff}name: Größe\n"] {
            for bytes in [yaml.as_bytes().to_vec(), wide(yaml, u16::to_le_bytes), wide(yaml, u16::to_be_bytes)] {
                std::fs::write(&file, &bytes).unwrap();
                assert_eq!(connectors(&file).unwrap()[0]["name"], "Größe", "{bytes:?}");
            }
        }
        for (bytes, problem) in [
            (&b"{\"a\": \"\xff\"}"[..], "is not UTF-8"),
            (b"\xff\xfe{\0\0\xd8", "is not UTF-16LE"),
            (b"\xfe\xff\0", "is not UTF-16BE"),
            (b"\xef\xbb\xbf\xff", "is not UTF-8"),
        ] {
            std::fs::write(&file, bytes).unwrap();
            for error in [object(&file).unwrap_err(), connectors(&file).unwrap_err()] {
                assert!(error.to_string().ends_with(problem), "{bytes:?}: {error}");
            }
        }
        std::fs::remove_file(file).unwrap();
    }
}
