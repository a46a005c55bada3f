//! A JSON or YAML text as data, with the place of every mistake.

use serde_json::Value;

use super::position::{Fault, Unit, offset};

/// The deepest nesting that is read; what the API takes.
const DEPTH: usize = 128;
/// The same of a YAML text, whose parser takes more of the stack for each level.
const YAML_DEPTH: usize = 48;
/// Scalars, lists and objects of a YAML text, those that aliases repeat among them.
const YAML_NODES: usize = 4_000_000;
/// What aliases of a YAML text may repeat: scalars, beginnings and ends; so many, and one more for each byte of the text, so that
/// a short text takes no longer than its length says.
const YAML_REPEATED: usize = 10_000;
/// The same of any text.
const YAML_REPEATED_AT_MOST: usize = 200_000;

/// A text and what it says.
pub(super) struct Document<'a> {
    text: &'a str,
    root: Value,
}

impl<'a> Document<'a> {
    /// Reads JSON where the text begins like JSON, else YAML.
    pub(super) fn read(text: &'a str) -> Result<Self, Fault> {
        let root = if text.trim_start().starts_with(['{', '[']) { json(text)? } else { yaml(text)? };
        Ok(Self { text, root })
    }

    pub(super) fn root(&self) -> &Value {
        &self.root
    }

    pub(super) fn into_root(self) -> Value {
        self.root
    }

    pub(super) fn text(&self) -> &str {
        self.text
    }

    /// The place at which a text is written first, else the beginning: values do not know where they stood.
    pub(super) fn place_of(&self, written: &str) -> usize {
        self.text.find(written).unwrap_or(0)
    }

    /// A fault at the place at which a text is written first.
    pub(super) fn fault(&self, written: &str, problem: impl Into<String>) -> Fault {
        Fault::new(self.place_of(written), problem)
    }
}

fn json(text: &str) -> Result<Value, Fault> {
    serde_json::from_str(text).map_err(|error| {
        let at = offset(text, error.line(), error.column(), Unit::Bytes);
        let problem = error.to_string();
        let problem = problem.split(" at line ").next().unwrap_or_default();
        if problem == "EOF while parsing a string" || problem.starts_with("control character") {
            return Fault::new(opened_quote(text, at), "this quote is never closed.");
        }
        match problem {
            "recursion limit exceeded" => Fault::new(at, format!("nested more than {DEPTH} deep")),
            _ => Fault::new(at, format!("this is not JSON: {problem}")),
        }
    })
}

/// The quote that opens the string at a place.
fn opened_quote(text: &str, at: usize) -> usize {
    let mut opened = None;
    let mut escaped = false;
    for (index, byte) in text.bytes().enumerate().take(at) {
        match (byte, opened) {
            _ if escaped => escaped = false,
            (b'\\', Some(_)) => escaped = true,
            (b'"', Some(_)) => opened = None,
            (b'"', None) => opened = Some(index),
            _ => {}
        }
    }
    opened.unwrap_or(at)
}

fn yaml(text: &str) -> Result<Value, Fault> {
    let options = serde_saphyr::options! {
        with_snippet: false,
        budget: serde_saphyr::budget! {
            max_depth: YAML_DEPTH,
            max_nodes: YAML_NODES,
            max_events: YAML_NODES * 2,
            max_documents: 1,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: YAML_REPEATED.saturating_add(text.len()).min(YAML_REPEATED_AT_MOST),
        },
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let place = error.location();
        let at = place.map_or(0, |place| {
            let number = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
            offset(text, number(place.line()), number(place.column()), Unit::Characters)
        });
        let problem = error.without_snippet().to_string();
        let problem = problem.lines().next().unwrap_or_default();
        let problem = problem.split(" at line ").next().unwrap_or_default();
        if problem == "unclosed quote" {
            return Fault::new(at, "this quote is never closed.");
        }
        // The parser names the text before it, which a line that is indented properly would go on with.
        if problem.ends_with("found a tab")
            && let Some(tab) = indenting_tab(text, at)
        {
            return Fault::new(tab, "this line is indented with a tab, which YAML does not allow: write blanks.");
        }
        Fault::new(at, format!("this is neither JSON nor YAML that can be read: {problem}"))
    })
}

/// The first tab after a place that indents its line.
fn indenting_tab(text: &str, from: usize) -> Option<usize> {
    let after = text.get(from..)?;
    after.match_indices('\n').find_map(|(newline, _)| {
        let line = after.get(newline + 1..)?.lines().next()?;
        let content = line.trim_start_matches([' ', '\t']);
        let indentation = line.strip_suffix(content)?;
        if content.is_empty() { None } else { indentation.find('\t').map(|tab| from + newline + 1 + tab) }
    })
}
