//! JSON Schema 2020-12 for the data of records. Nothing is ever fetched: a remote `$ref` is refused when the schema is given.

use jsonschema::paths::LocationSegment;
use jsonschema::{Draft, PatternOptions, Retrieve, Uri, ValidationError, Validator};
use serde_json::Value;

use super::problems::Problems;

/// How many problems of one record are told.
const PROBLEMS: usize = 20;
/// What the automaton of one pattern may take in memory, bytes.
const PATTERN_BYTES: usize = 1024 * 1024;

/// Refuses whatever a schema refers to.
struct NothingRemote;

impl Retrieve for NothingRemote {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        Err(format!("`{uri}` is not part of the schema, and nothing is fetched; write it under `$defs`").into())
    }
}

/// A schema that is ready to be held against data.
#[derive(Debug)]
pub(super) struct Schema(Validator);

/// Prepares a schema.
///
/// # Errors
/// What is wrong with it, as a problem of `schema`.
pub(super) fn compile(schema: &Value) -> Result<Schema, Problems> {
    // A pattern of the linear kind: records are checked while a database waits.
    let patterns = PatternOptions::regex().size_limit(PATTERN_BYTES).dfa_size_limit(PATTERN_BYTES);
    let options = jsonschema::options()
        .with_draft(Draft::Draft202012)
        .with_retriever(NothingRemote)
        .with_pattern_options(patterns);
    options.build(schema).map(Schema).map_err(|error| Problems::one("schema", format!("cannot be used: {error}")))
}

impl Schema {
    /// What in the data does not fit, by path.
    pub(super) fn check(&self, data: &Value) -> Problems {
        let mut problems = Problems::default();
        for error in self.0.iter_errors(data).take(PROBLEMS) {
            problems.add(path(&error), error.masked().to_string());
        }
        problems
    }
}

/// `data.address.city`; `data` for the whole.
fn path(error: &ValidationError<'_>) -> String {
    error.instance_path().iter().fold("data".to_owned(), |path, step| match step {
        LocationSegment::Property(name) => format!("{path}.{name}"),
        LocationSegment::Index(index) => format!("{path}.{index}"),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn problems_are_told_by_their_path() {
        let schema =
            compile(&json!({"type": "object", "required": ["id"], "additionalProperties": false, "properties": {
            "id": {"type": "integer"}, "address": {"properties": {"city": {"$ref": "#/$defs/city"}}},
            "tags": {"items": {"type": "string"}}}, "$defs": {"city": {"minLength": 2}}}))
            .unwrap();
        assert!(schema.check(&json!({"id": 1, "address": {"city": "Bonn"}, "tags": ["a"]})).is_empty());
        for (data, path) in [
            (json!({}), "data"),
            (json!({"id": 1, "x": 1}), "data"),
            (json!({"id": "1"}), "data.id"),
            (json!({"id": 1, "address": {"city": "B"}}), "data.address.city"),
            (json!({"id": 1, "tags": ["a", 1]}), "data.tags.1"),
        ] {
            let problems = schema.check(&data);
            assert_eq!(problems.iter().map(|(path, _)| path).collect::<Vec<_>>(), [path], "{data}");
        }
    }

    #[test]
    fn large_numbers_keep_their_digits() {
        let schema = compile(&json!({"properties": {"n": {"maximum": 9_007_199_254_740_992_i64}}})).unwrap();
        assert!(schema.check(&json!({"n": 9_007_199_254_740_992_i64})).is_empty());
        assert!(!schema.check(&json!({"n": 9_007_199_254_740_993_i64})).is_empty());
    }

    #[test]
    fn a_pattern_cannot_keep_a_record_waiting() {
        let schema = compile(&json!({"properties": {"t": {"pattern": "^(a+)+$"}}})).unwrap();
        assert!(!schema.check(&json!({"t": format!("{}!", "a".repeat(50_000))})).is_empty());
        assert!(compile(&json!({"pattern": "(a{1000}){1000}"})).is_err());
    }
}
