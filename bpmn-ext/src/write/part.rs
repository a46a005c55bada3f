//! A configuration as elements of our extension. Knows which member becomes which element or attribute, and which members
//! cannot be represented; must not know where in a file the elements are written.

use serde_json::{Map, Value, json};

use super::edits::escaped;
use crate::extension::{self, Field, Need};

/// An element of the extension that is to be written.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) name: &'static str,
    pub(super) fields: &'static [Field],
    /// The value of each field; its default where the configuration has none.
    pub(super) values: Vec<String>,
    /// In the order of the schema.
    pub(super) children: Vec<Part>,
}

/// Paths of the members that the extension cannot represent.
#[derive(Debug, Default)]
pub(super) struct Unrepresentable(pub(super) Vec<String>);

/// Lists of rows in a configuration, and the elements that they become.
const ROWS: [(&str, &str); 3] =
    [("outboundConfig", "input"), ("dataMapping", "output"), ("errorMapping", "errorMapping")];

impl Part {
    /// A `dataConnector` that means this configuration (CONTRACT 2, COMPATIBILITY 1.3 and 1.5).
    pub(super) fn from_config(
        config: &Map<String, Value>,
        handling: Option<&Map<String, Value>>,
    ) -> Result<Self, Unrepresentable> {
        let mut config = config.clone();
        let mut unrepresentable = Unrepresentable::default();
        if let Some(handling) = handling {
            unrepresentable.merge(&mut config, handling);
        }
        let mut children = Vec::new();
        for (list, part) in ROWS.into_iter().take(2) {
            children.extend(unrepresentable.rows(&mut config, list, part));
        }
        children.extend(unrepresentable.retry(&mut config));
        children.extend(unrepresentable.single(&mut config, "timeout", "timeout"));
        let (list, part) = ROWS[2];
        children.extend(unrepresentable.rows(&mut config, list, part));
        children.extend(unrepresentable.single(&mut config, "success", "success"));
        let is_called_back = config.get("callback") == Some(&Value::Bool(true));
        // Without a callback, its settings have no effect; REST is the only type.
        config.retain(|name, value| {
            let is_unused = name.starts_with("callback_") && !is_called_back;
            let is_rest = name == "type" && *value == json!("REST");
            !is_unused && !is_rest
        });
        let part = unrepresentable.part("dataConnector", &config, "");
        if unrepresentable.0.is_empty() { Ok(Self { children, ..part }) } else { Err(unrepresentable) }
    }

    /// Whether an attribute in the file means the same as a value of this part.
    pub(super) fn means_the_same(&self, field: &Field, written: &str, value: &str) -> bool {
        written == value
            || (self.name == "input" && field.attribute == "type" && written.trim().eq_ignore_ascii_case(value))
    }

    /// The element as XML. `prefix` goes before every name, `more` after the name in the start tag, `before_child` before
    /// each child, `before_end` before the end tag.
    pub(super) fn to_xml(&self, prefix: &str, more: &str, before_child: &str, before_end: &str) -> String {
        let name = format!("{prefix}{}", self.name);
        let mut xml = format!("<{name}{more}");
        for (field, value) in self.fields.iter().zip(&self.values) {
            if field.need == Need::Required || *value != field.default {
                xml.extend([" ", field.attribute, "=\"", &escaped(value, '"', "&#34;"), "\""]);
            }
        }
        if self.children.is_empty() {
            return xml + "/>";
        }
        xml.push('>');
        for child in &self.children {
            xml.push_str(before_child);
            xml.push_str(&child.to_xml(prefix, "", "", ""));
        }
        format!("{xml}{before_end}</{name}>")
    }
}

impl Unrepresentable {
    fn add(&mut self, path: &str, name: &str) {
        self.0.push(if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") });
    }

    /// One element from the members of an object; members without effect are dropped.
    fn part(&mut self, name: &'static str, of: &Map<String, Value>, path: &str) -> Part {
        let fields = extension::PARTS.iter().find(|(part, _)| *part == name).map_or(&[][..], |(_, fields)| fields);
        let values = fields.iter().map(|field| match of.get(field.member) {
            None | Some(Value::Null) => field.default.to_owned(),
            Some(Value::String(text)) if text.is_empty() && field.need == Need::Optional => field.default.to_owned(),
            Some(Value::String(text)) if text.chars().all(is_xml) => text.clone(),
            Some(value @ (Value::Number(_) | Value::Bool(_))) => value.to_string(),
            Some(_) => {
                self.add(path, field.member);
                String::new()
            }
        });
        let values = values.collect();
        for (member, value) in of {
            if !fields.iter().any(|field| field.member == member) && !is_absent(value) {
                self.add(path, member);
            }
        }
        Part { name, fields, values, children: Vec::new() }
    }

    fn rows(&mut self, config: &mut Map<String, Value>, list: &str, part: &'static str) -> Vec<Part> {
        let rows = match config.remove(list) {
            None | Some(Value::Null) => return Vec::new(),
            Some(Value::Array(rows)) => rows,
            Some(_) => {
                self.add("", list);
                return Vec::new();
            }
        };
        let mut parts = Vec::new();
        for (index, row) in rows.iter().enumerate() {
            let path = format!("{list}.{index}");
            match row {
                Value::Object(row) => parts.push(self.row(row, part, &path)),
                _ => self.add("", &path),
            }
        }
        parts
    }

    fn row(&mut self, row: &Map<String, Value>, part: &'static str, path: &str) -> Part {
        let mut row = row.clone();
        if part == "input"
            && let Some(Value::String(kind)) = row.get_mut("type")
        {
            *kind = kind.trim().to_ascii_lowercase();
            if !["param", "header", "body"].contains(&kind.as_str()) {
                self.add(path, "type");
            }
        }
        self.part(part, &row, path)
    }

    /// The element of `retry`: its members, or a cycle (ISO 8601) as `wait`.
    fn retry(&mut self, config: &mut Map<String, Value>) -> Option<Part> {
        match config.remove("retry")? {
            value if is_absent(&value) => None,
            Value::Object(members) => Some(self.part("retry", &members, "retry")),
            cycle @ Value::String(_) => {
                Some(self.part("retry", &Map::from_iter([("wait".to_owned(), cycle)]), "retry"))
            }
            _ => {
                self.add("", "retry");
                None
            }
        }
    }

    /// The element of a member that becomes an element with one attribute.
    fn single(&mut self, config: &mut Map<String, Value>, member: &str, part: &'static str) -> Option<Part> {
        let value = config.remove(member).filter(|value| !is_absent(value))?;
        Some(self.part(part, &Map::from_iter([(member.to_owned(), value)]), ""))
    }

    /// Adds `errorHandling` to the configuration, whose own members take precedence.
    fn merge(&mut self, config: &mut Map<String, Value>, handling: &Map<String, Value>) {
        let mut retry = match config.remove("retry") {
            None => Map::new(),
            Some(value) if is_absent(&value) => Map::new(),
            Some(Value::Object(members)) => members,
            Some(cycle) => Map::from_iter([("wait".to_owned(), cycle)]),
        };
        // A cycle and a list of waits count attempts by themselves.
        let counts = |wait: Option<&Value>| wait.and_then(Value::as_str).is_some_and(|w| w.contains(['R', ',']));
        for (name, value) in handling.iter().filter(|(_, value)| !is_absent(value)) {
            match name.as_str() {
                "timeout" => drop(config.entry("timeout").or_insert(value.clone())),
                "retry_attempts" if counts(retry.get("wait")) => {}
                "retry_attempts" => match number(value) {
                    Some(more) => drop(retry.entry("attempts").or_insert(json!(more.saturating_add(1)))),
                    None => self.add("errorHandling", name),
                },
                "retry_wait_time" => drop(retry.entry("wait").or_insert(value.clone())),
                _ => self.add("errorHandling", name),
            }
        }
        if !retry.is_empty() {
            config.insert("retry".to_owned(), Value::Object(retry));
        }
    }
}

fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
}

/// Whether a value means the same as an absent member.
fn is_absent(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

/// Whether XML allows the character (XML 1.0, 2.2).
fn is_xml(character: char) -> bool {
    !character.is_control() && !matches!(character, '\u{fffe}' | '\u{ffff}') || matches!(character, '\t' | '\n' | '\r')
}
