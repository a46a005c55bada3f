//! Nodes to text: names are looked up from the innermost section outwards.

use std::collections::BTreeSet;
use std::ops::Range;

use serde_json::{Map, Value};

use super::super::secrets::{REFERENCE, Secrets};
use super::super::value::{member, number_text};
use super::parse::{Filter, Name, Node};
use super::{Escape, TemplateError, filter};
use crate::job::kind_of;

/// The longest rendered text, bytes. The intermediate results of chained filters count too, since filters grow their input.
pub(super) const LIMIT: usize = 16 * 1024 * 1024;
/// Tags and repetitions of sections at most: nested lists multiply.
const STEPS: usize = 500_000;

/// What names are looked up in: later layers before earlier ones.
#[derive(Debug, Clone, Default)]
pub struct Scope<'a> {
    layers: Vec<Layer<'a>>,
    secrets: Option<&'a Secrets>,
    /// What is rendered, where it is a thing that no secret may be a part of.
    closed: Option<&'static str>,
    /// Whether a list of one item is that item.
    lists_of_one: bool,
}

#[derive(Debug, Clone, Copy)]
enum Layer<'a> {
    Members(&'a Map<String, Value>),
    Headers(&'a Map<String, Value>),
    /// An element's rows, and the names of those that hold a secret.
    Rows(&'a Map<String, Value>, &'a BTreeSet<String>),
    Value(&'a Value),
}

impl<'a> Scope<'a> {
    /// The request's data.
    pub fn new(data: &'a Map<String, Value>) -> Self {
        Self { layers: vec![Layer::Members(data)], ..Self::default() }
    }

    /// The same, overlaid by `members`.
    #[must_use]
    pub fn over(mut self, members: &'a Map<String, Value>) -> Self {
        self.layers.push(Layer::Members(members));
        self
    }

    /// The same, overlaid by an element's rendered rows, of which those in `secret` hold a secret.
    #[must_use]
    pub(in crate::plan) fn over_rows(mut self, rows: &'a Map<String, Value>, secret: &'a BTreeSet<String>) -> Self {
        self.layers.push(Layer::Rows(rows, secret));
        self
    }

    /// The same for a text that no secret may be a part of, such as "a method": it would come back in another form.
    #[must_use]
    pub(in crate::plan) fn closed_to_secrets(&self, what: &'static str) -> Self {
        Self { closed: Some(what), ..self.clone() }
    }

    /// The same, with `{{secret:NAME}}`; without them such a reference is empty.
    #[must_use]
    pub fn with_secrets(mut self, secrets: &'a Secrets) -> Self {
        self.secrets = Some(secrets);
        self
    }

    /// The same, with headers behind everything else: by lower-case names, found in any case.
    #[must_use]
    pub fn under_headers(mut self, headers: &'a Map<String, Value>) -> Self {
        self.layers.insert(0, Layer::Headers(headers));
        self
    }

    /// The same, with `members` behind everything else.
    #[must_use]
    pub fn under(mut self, members: &'a Map<String, Value>) -> Self {
        self.layers.insert(0, Layer::Members(members));
        self
    }

    /// The same for data in which a list of one is its item, as in XML: item 0 of what is no list is itself.
    #[must_use]
    pub fn with_lists_of_one(self) -> Self {
        Self { lists_of_one: true, ..self }
    }

    /// A member by name, or an item by its number.
    pub(in crate::plan) fn part<'v>(&self, value: &'v Value, name: &str) -> Option<&'v Value> {
        let is_one = self.lists_of_one && name == "0" && !value.is_array();
        member(value, name).or_else(|| is_one.then_some(value))
    }

    /// A scope whose root is any value.
    pub fn of_value(value: &'a Value) -> Self {
        Self { layers: vec![Layer::Value(value)], ..Self::default() }
    }

    /// The value of a top-level name.
    pub fn get(&self, name: &str) -> Option<&'a Value> {
        // Before all layers: request data can neither read a secret nor imitate one.
        if let Some(secret) = name.strip_prefix(REFERENCE) {
            return self.secrets.and_then(|secrets| secrets.take(secret));
        }
        self.layers.iter().rev().find_map(|layer| layer.member(name))
    }

    /// Whether the name stands for a secret, or for a row that holds one.
    fn is_secret(&self, name: &Name) -> bool {
        let Some(first) = name.parts.first() else { return false };
        let layer = || self.layers.iter().rev().find(|layer| layer.member(first).is_some());
        Secrets::is_reference(first) || matches!(layer(), Some(Layer::Rows(_, secret)) if secret.contains(first))
    }

    fn lookup(&self, name: &Name) -> Option<&'a Value> {
        let Some((first, rest)) = name.parts.split_first() else {
            return self.layers.last().and_then(|layer| match layer {
                Layer::Value(value) => Some(*value),
                Layer::Members(_) | Layer::Headers(_) | Layer::Rows(..) => None,
            });
        };
        let find = |value: &'a Value, part: &String| match self.part(value, part) {
            None if first == "headers" => member(value, &part.to_ascii_lowercase()),
            found => found,
        };
        rest.iter().try_fold(self.get(first)?, find)
    }
}

impl<'a> Layer<'a> {
    fn member(self, name: &str) -> Option<&'a Value> {
        match self {
            Self::Members(map) | Self::Rows(map, _) => map.get(name),
            Self::Headers(map) => map.get(&name.to_ascii_lowercase()),
            Self::Value(value) => member(value, name),
        }
    }
}

/// A variable whose value is empty or blank, and what it takes in the rendered text.
#[derive(Debug)]
pub(in crate::plan) struct Blank {
    pub(in crate::plan) name: String,
    pub(in crate::plan) place: Range<usize>,
}

pub(super) fn render(nodes: &[Node], scope: &Scope<'_>, escape: Escape) -> Result<String, TemplateError> {
    let mut rendering = Rendering::new(None);
    rendering.push(nodes, scope, escape)?;
    Ok(rendering.out)
}

pub(super) fn render_with_blanks(
    nodes: &[Node],
    scope: &Scope<'_>,
    escape: Escape,
) -> Result<(String, Vec<Blank>), TemplateError> {
    let mut rendering = Rendering::new(Some(Vec::new()));
    rendering.push(nodes, scope, escape)?;
    Ok((rendering.out, rendering.blanks.unwrap_or_default()))
}

struct Rendering {
    out: String,
    /// Where they are asked for.
    blanks: Option<Vec<Blank>>,
    /// What is left of [`STEPS`] and [`LIMIT`].
    steps: usize,
    bytes: usize,
    /// How many sections are open.
    sections: usize,
}

impl Rendering {
    fn new(blanks: Option<Vec<Blank>>) -> Self {
        Self { out: String::new(), blanks, steps: STEPS, bytes: LIMIT, sections: 0 }
    }

    fn spend_step(&mut self) -> Result<(), TemplateError> {
        self.steps = self.steps.checked_sub(1).ok_or(TemplateError::TooMuch { limit: STEPS })?;
        Ok(())
    }

    fn spend_bytes(&mut self, count: usize) -> Result<(), TemplateError> {
        self.bytes = self.bytes.checked_sub(count).ok_or(TemplateError::TooLong { limit: LIMIT })?;
        Ok(())
    }

    /// Whether there is room for a text; no filter and no escape makes one shorter.
    fn has_room(&self, text: &str) -> Result<(), TemplateError> {
        if text.len() <= self.bytes { Ok(()) } else { Err(TemplateError::TooLong { limit: LIMIT }) }
    }

    fn insert(&mut self, escape: Escape, text: &str) -> Result<(), TemplateError> {
        self.has_room(text)?;
        let before = self.out.len();
        escape.push(&mut self.out, text);
        self.spend_bytes(self.out.len() - before)
    }

    fn push(&mut self, nodes: &[Node], scope: &Scope<'_>, escape: Escape) -> Result<(), TemplateError> {
        for node in nodes {
            self.spend_step()?;
            match node {
                Node::Text(text) => self.insert(Escape::None, text)?,
                Node::Variable { name, filters, escaped } => {
                    if scope.is_secret(name) {
                        self.admit(name, filters, scope)?;
                    }
                    let escape = if *escaped && filters.is_empty() { escape } else { Escape::None };
                    match scope.lookup(name) {
                        // The common case: a text without filters is not copied.
                        Some(Value::String(text)) if filters.is_empty() => self.variable(name, escape, text)?,
                        value => {
                            let text = self.text_of(value, name, filters)?;
                            self.variable(name, escape, &text)?;
                        }
                    }
                }
                Node::Section { name, inverted, nodes } => {
                    if scope.is_secret(name) {
                        return Err(TemplateError::Secret { name: name.text(), place: "a section" });
                    }
                    self.sections += 1;
                    let value = scope.lookup(name);
                    match helper(name).filter(|_| value.is_none() && !inverted) {
                        Some(helper) => self.helped(helper, nodes, scope)?,
                        None => self.section(value, *inverted, nodes, scope, escape)?,
                    }
                    self.sections -= 1;
                }
            }
        }
        Ok(())
    }

    fn variable(&mut self, name: &Name, escape: Escape, text: &str) -> Result<(), TemplateError> {
        let begin = self.out.len();
        self.insert(escape, text)?;
        if let Some(blanks) = self.blanks.as_mut().filter(|_| text.trim().is_empty()) {
            blanks.push(Blank { name: name.text(), place: begin..self.out.len() });
        }
        Ok(())
    }

    /// Whether a secret may stand here: it is inserted as it is, or not at all.
    fn admit(&self, name: &Name, filters: &[Filter], scope: &Scope<'_>) -> Result<(), TemplateError> {
        let place = match scope.closed {
            Some(place) => place,
            None if !filters.is_empty() => "a filter",
            None if self.sections > 0 => "a section",
            None => return Ok(()),
        };
        Err(TemplateError::Secret { name: name.text(), place })
    }

    /// The section's content, through a filter.
    fn helped(&mut self, helper: Filter, nodes: &[Node], scope: &Scope<'_>) -> Result<(), TemplateError> {
        let before = std::mem::take(&mut self.out);
        // What is inside is another text.
        let blanks = self.blanks.take();
        self.push(nodes, scope, Escape::None)?;
        self.blanks = blanks;
        let inside = std::mem::replace(&mut self.out, before);
        self.has_room(&inside)?;
        self.insert(Escape::None, &filter::text(helper, inside))
    }

    fn text_of(&mut self, value: Option<&Value>, name: &Name, filters: &[Filter]) -> Result<String, TemplateError> {
        let Some((first, more)) = filters.split_first() else { return plain_text(value, name) };
        let mut text = filter::value(*first, value.unwrap_or(&Value::Null));
        for filter in more {
            self.spend_bytes(text.len())?;
            self.has_room(&text)?;
            text = filter::text(*filter, text);
        }
        Ok(text)
    }

    fn section<'a>(
        &mut self,
        value: Option<&'a Value>,
        inverted: bool,
        nodes: &[Node],
        scope: &Scope<'a>,
        escape: Escape,
    ) -> Result<(), TemplateError> {
        let value = value.filter(|value| is_truthy(value));
        if inverted {
            return if value.is_none() { self.push(nodes, scope, escape) } else { Ok(()) };
        }
        let items: &[Value] = match value {
            None => &[],
            Some(Value::Array(list)) => list,
            Some(one) => std::slice::from_ref(one),
        };
        for item in items {
            self.spend_step()?;
            let mut inner = scope.clone();
            inner.layers.push(Layer::Value(item));
            self.push(nodes, &inner, escape)?;
        }
        Ok(())
    }
}

/// A filter's name as a section filters what is inside, unless there is a variable of that name (COMPATIBILITY 4.6).
fn helper(name: &Name) -> Option<Filter> {
    match name.parts.as_slice() {
        [only] => Filter::named(only),
        _ => None,
    }
}

/// Whether a section takes the value for true; 0 is not, as in PHP and JavaScript.
fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::Array(list) => !list.is_empty(),
        Value::String(text) => !text.is_empty(),
        Value::Bool(true) | Value::Object(_) => true,
    }
}

fn plain_text(value: Option<&Value>, name: &Name) -> Result<String, TemplateError> {
    match value {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(Value::Bool(flag)) => Ok(flag.to_string()),
        Some(Value::Number(number)) => Ok(number_text(number)),
        Some(other) => Err(TemplateError::NotText { name: name.text(), kind: kind_of(other) }),
    }
}
