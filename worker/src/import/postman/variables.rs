//! `{{name}}` in a collection: its value where the collection or a folder has one, else a variable of the template.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use super::super::fields::{is_true, list, scalar, text};
use super::super::marked;
use super::super::report::{Report, quoted};

/// Values in values.
const DEPTH: usize = 8;
/// Bytes that values may add to all texts.
const BYTES: usize = 16 * 1024 * 1024;

/// The values that are known at a request, those of inner folders first.
#[derive(Debug, Default)]
pub(super) struct Variables {
    layers: Vec<HashMap<String, String>>,
    /// Bytes that were added.
    added: usize,
    replaced: BTreeSet<String>,
    made_up: BTreeSet<String>,
    unknown: BTreeSet<String>,
    too_long: bool,
}

impl Variables {
    /// Adds the variables of a collection, folder or request.
    pub(super) fn enter(&mut self, of: &Value) {
        let variable = |variable: &Value| {
            let name = text(variable, "key").or_else(|| text(variable, "id"))?;
            let value = variable.get("value").and_then(scalar).filter(|value| !value.is_empty())?;
            (!is_true(variable, "disabled")).then(|| (name.to_owned(), marked::clean(&value)))
        };
        self.layers.push(list(of, "variable").iter().filter_map(variable).collect());
    }

    /// Takes the last ones away again.
    pub(super) fn leave(&mut self) {
        self.layers.pop();
    }

    /// A text as a marked text.
    pub(super) fn fill(&mut self, text: &str) -> String {
        self.filled(&marked::clean(text), 0)
    }

    fn filled(&mut self, text: &str, depth: usize) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            out.push_str(before);
            // `{{{name}}` is a brace and a variable.
            let braces = after.len() - after.trim_start_matches('{').len();
            out.extend(std::iter::repeat_n('{', braces));
            let after = after.trim_start_matches('{');
            let end = after.find(['{', '}', '\n', '"']);
            let name = end.and_then(|end| after.split_at_checked(end)).filter(|(_, tail)| tail.starts_with("}}"));
            match name {
                Some((name, tail)) if !name.trim().is_empty() => {
                    out.push_str(&self.value(name.trim(), depth));
                    rest = tail.strip_prefix("}}").unwrap_or_default();
                }
                _ => {
                    out.push_str("{{");
                    rest = after;
                }
            }
        }
        out.push_str(rest);
        out
    }

    fn value(&mut self, name: &str, depth: usize) -> String {
        if let Some(generator) = name.strip_prefix('$') {
            self.made_up.insert(name.to_owned());
            return marked::variable(generator);
        }
        let value = self.layers.iter().rev().find_map(|layer| layer.get(name)).cloned();
        match value {
            Some(value) if depth < DEPTH && self.added + value.len() <= BYTES => {
                self.added += value.len();
                self.replaced.insert(name.to_owned());
                self.filled(&value, depth + 1)
            }
            Some(_) => {
                self.too_long = true;
                marked::variable(name)
            }
            None => {
                self.unknown.insert(name.to_owned());
                marked::variable(name)
            }
        }
    }

    /// Says what became of the variables.
    pub(super) fn tell(&mut self, report: &mut Report) {
        for name in &self.replaced {
            report.changed(format!(
                "The variable {} of the collection became its value",
                quoted(&format!("{{{{{name}}}}}"))
            ));
        }
        for name in &self.unknown {
            let variable = marked::variable_name(name);
            if variable != *name {
                report.changed(format!("The variable `{name}` is called `{variable}`"));
            }
            let why = format!("the collection does not hold it: put it into the variable `{variable}`");
            report.left_out(format!("the value of {}", quoted(&format!("{{{{{name}}}}}"))), why);
        }
        for name in &self.made_up {
            let variable = marked::variable_name(name.trim_start_matches('$'));
            let why = format!("Postman makes up a value; put one into the variable `{variable}`");
            report.left_out(quoted(&format!("{{{{{name}}}}}")), why);
        }
        if self.too_long {
            report.left_out("values of variables", format!("they hold each other, or add more than {BYTES} bytes"));
        }
    }
}
