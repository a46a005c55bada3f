//! `$ref`: what a local reference stands for. A reference is followed once; what it leads to is known from then on.

use std::collections::HashMap;

use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::super::position::{Fault, Position};
use super::super::report::quoted;
use super::Api;

/// References behind each other.
const HOPS: usize = 32;
/// References that are told with their place: finding it reads the text.
const PLACES: usize = 20;

/// What references stand for.
#[derive(Debug, Default)]
pub(super) struct Known<'a> {
    targets: HashMap<&'a str, Option<&'a Value>>,
    told: usize,
}

impl<'a> Api<'a> {
    /// A value, or what it refers to; nothing where that cannot be found, which is told.
    pub(super) fn resolved(&mut self, value: &'a Value) -> Result<Option<&'a Value>, Fault> {
        let mut value = value;
        for _ in 0..HOPS {
            let Some(reference) = value.get("$ref").and_then(Value::as_str) else { return Ok(Some(value)) };
            self.step(reference)?;
            let known = self.references.targets.get(reference).copied();
            let target = known.unwrap_or_else(|| self.target(reference));
            self.references.targets.insert(reference, target);
            match target {
                Some(target) => value = target,
                None => return Ok(None),
            }
        }
        let reference = value.get("$ref").and_then(Value::as_str).unwrap_or_default();
        if self.references.targets.insert(reference, None) != Some(None) {
            self.tell(reference, "the references go round in a circle, or are more than 32 in a row");
        }
        Ok(None)
    }

    fn target(&mut self, reference: &str) -> Option<&'a Value> {
        let Some(pointer) = reference.strip_prefix('#') else {
            self.tell(reference, "it is in another document: bundle the documents into one");
            return None;
        };
        let mut value = self.root;
        for part in pointer.split('/').skip(1) {
            let decoded = percent_decode_str(part).decode_utf8_lossy();
            let name = decoded.replace("~1", "/").replace("~0", "~");
            let next = match value {
                Value::Array(list) => name.parse::<usize>().ok().and_then(|index| list.get(index)),
                other => other.get(&name),
            };
            let Some(next) = next else {
                self.tell(reference, "there is nothing at this place");
                return None;
            };
            value = next;
        }
        Some(value)
    }

    fn tell(&mut self, reference: &str, why: &str) {
        self.references.told += 1;
        let why = if self.references.told <= PLACES {
            let place = Position::of(self.document.text(), self.document.place_of(reference));
            format!("line {}, column {}: {why}", place.line, place.column)
        } else {
            why.to_owned()
        };
        self.report.left_out(format!("the reference {}", quoted(reference)), why);
    }
}
