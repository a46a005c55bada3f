//! Our own dialect of a connector, the extension element `dataConnector` (CONTRACT 5). Knows the extension's elements and
//! attributes and the configuration that they mean; must not know the other dialects.

use serde_json::{Map, Value, json};

use crate::diagnostic::{Finding, Report, quote};
use crate::rows::{ErrorRow, Format, Input, InputKind, Output, Rows, input_path};
use crate::spanned_text::SpannedText;
use crate::tree::{Element, Namespace};

/// Whether an attribute can be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    Required,
    Optional,
}
use Need::{Optional, Required};

/// One attribute of the extension.
#[derive(Debug)]
pub(crate) struct Field {
    /// Its name in the model.
    pub(crate) attribute: &'static str,
    /// The member of the configuration that it becomes.
    pub(crate) member: &'static str,
    pub(crate) need: Need,
    /// The values that it can have; empty for any text.
    pub(crate) values: &'static [&'static str],
    /// The value that its absence means.
    pub(crate) default: &'static str,
}

const fn field(attribute: &'static str, member: &'static str, need: Need) -> Field {
    Field { attribute, member, need, values: &[], default: "" }
}

const fn choice(attribute: &'static str, need: Need, values: &'static [&'static str]) -> Field {
    Field { attribute, member: attribute, need, values, default: "" }
}

const fn language(default: &'static str, values: &'static [&'static str]) -> Field {
    Field { default, ..choice("format", Optional, values) }
}

const CONNECTOR: &[Field] = &[
    field("connector", "dataSource", Required),
    field("resource", "endpoint", Required),
    field("queue", "queue", Optional),
    choice("repeat", Optional, &["safe", "unsafe"]),
];
const INPUT: &[Field] = &[
    field("type", "type", Required),
    field("key", "key", Required),
    field("value", "value", Required),
    language("mustache", &["mustache", "feel"]),
];
/// The types of inputs in the configuration (COMPATIBILITY 1.3).
const KINDS: [&str; 3] = ["PARAM", "HEADER", "BODY"];
const OUTPUT: &[Field] = &[
    field("variable", "key", Required),
    // Without a source, the whole body is mapped (CONTRACT 6).
    field("source", "value", Optional),
    language("dotNotation", &["dotNotation", "mustache", "feel", "jmespath"]),
];
const RETRY: &[Field] = &[
    field("attempts", "attempts", Optional),
    field("wait", "wait", Optional),
    choice("backoff", Optional, &["fixed", "exponential"]),
    field("maxWait", "maxWait", Optional),
    field("budget", "budget", Optional),
    field("statuses", "statuses", Optional),
];
const TIMEOUT: &[Field] = &[field("value", "timeout", Required)];
const ERROR_MAPPING: &[Field] =
    &[field("when", "when", Required), field("code", "code", Required), field("message", "message", Optional)];
const SUCCESS: &[Field] = &[field("statuses", "success", Required)];

/// The elements of the extension with their attributes.
pub(crate) const PARTS: [(&str, &[Field]); 7] = [
    ("dataConnector", CONNECTOR),
    ("input", INPUT),
    ("output", OUTPUT),
    ("retry", RETRY),
    ("timeout", TIMEOUT),
    ("errorMapping", ERROR_MAPPING),
    ("success", SUCCESS),
];

/// The `dataConnector` elements in the `extensionElements` of an element.
pub(crate) fn connectors<'e, 'a>(element: &'e Element<'a>) -> impl Iterator<Item = &'e Element<'a>> {
    element
        .children("extensionElements")
        .flat_map(|extensions| extensions.children.iter())
        .filter(|child| child.namespace == Namespace::Connector && child.name == "dataConnector")
}

/// The configuration (CONTRACT 2) that a `dataConnector` means.
pub(crate) fn config(connector: &Element<'_>, label: &str, report: &mut Report<'_>) -> Value {
    let mut reader = ConnectorReader { label, report, at: 0 };
    let mut config = reader.members(connector, CONNECTOR);
    let mut inputs = Vec::new();
    let mut outputs = Vec::new();
    let mut errors = Vec::new();
    for child in &connector.children {
        match child.name {
            _ if child.namespace != Namespace::Connector => reader.unknown_element(child),
            "input" => inputs.push(reader.input(child)),
            "output" => {
                reader.at = outputs.len();
                outputs.push(reader.output(child));
            }
            "errorMapping" => {
                reader.at = errors.len();
                errors.push(Value::Object(reader.members(child, ERROR_MAPPING)));
            }
            "retry" => {
                let retry = reader.retry(child);
                reader.insert_once(child, &mut config, Map::from_iter([("retry".to_owned(), retry)]));
            }
            "timeout" => {
                let timeout = reader.members(child, TIMEOUT);
                reader.insert_once(child, &mut config, timeout);
            }
            "success" => {
                let success = reader.members(child, SUCCESS);
                reader.insert_once(child, &mut config, success);
            }
            _ => reader.unknown_element(child),
        }
    }
    // An absent list is not an empty one: when it is absent, the headers of the resource are sent (COMPATIBILITY 4.5).
    for (member, rows) in [("outboundConfig", inputs), ("dataMapping", outputs), ("errorMapping", errors)] {
        if !rows.is_empty() {
            config.insert(member.to_owned(), Value::Array(rows));
        }
    }
    Value::Object(config)
}

/// The rows of a `dataConnector`, with their spans.
pub(crate) fn rows<'e, 'a>(connector: &'e Element<'a>) -> Rows<'e, 'a> {
    let text = |of: &'e Element<'a>, name: &str| of.attribute_node(name).map(SpannedText::of_attribute);
    let format = |of: &'e Element<'a>, default| Format::from_name(of.attribute("format").as_deref(), default);
    let mut rows = Rows {
        connector: text(connector, "connector"),
        resource: text(connector, "resource"),
        queue: text(connector, "queue"),
        repeat: text(connector, "repeat"),
        ..Rows::default()
    };
    let (mut outputs, mut errors) = (0.., 0..);
    for child in connector.children.iter().filter(|child| child.namespace == Namespace::Connector) {
        match child.name {
            "input" => {
                let kind = child.attribute("type").and_then(|kind| InputKind::from_name(&kind));
                if let (Some(kind), Some(key), Some(value)) = (kind, text(child, "key"), text(child, "value")) {
                    rows.inputs.push(Input { kind, key, value, format: format(child, Format::Mustache) });
                }
            }
            "output" => {
                if let (Some(at), Some(variable)) = (outputs.next(), text(child, "variable")) {
                    let (source, format) = (text(child, "source"), format(child, Format::Path));
                    rows.outputs.push(Output { at, variable, source, format });
                }
            }
            "errorMapping" => {
                let [when, code, message] = ["when", "code", "message"].map(|name| text(child, name));
                rows.errors.extend(errors.next().map(|at| ErrorRow { at, when, code, message }));
            }
            "success" => rows.success = rows.success.or_else(|| text(child, "statuses")),
            "retry" => {
                rows.attempts = text(child, "attempts");
                rows.attempts_total = rows.attempts.as_ref().and_then(|attempts| attempts.text().trim().parse().ok());
            }
            _ => {}
        }
    }
    rows
}

/// Reads the parts of one `dataConnector` and reports their mistakes.
struct ConnectorReader<'r, 'a> {
    label: &'r str,
    report: &'r mut Report<'a>,
    /// The place of the output or the error mapping that is read among all of its kind.
    at: usize,
}

impl ConnectorReader<'_, '_> {
    fn input(&mut self, element: &Element<'_>) -> Value {
        let mut row = self.members(element, INPUT);
        if let Some(Value::String(kind)) = row.get_mut("type") {
            *kind = kind.trim().to_ascii_uppercase();
            if !KINDS.contains(&kind.as_str()) {
                self.unknown_value(element, "type", kind, "param, header or body");
            }
        }
        row.entry("format").or_insert(json!("mustache"));
        Value::Object(row)
    }

    fn output(&mut self, element: &Element<'_>) -> Value {
        let mut row = self.members(element, OUTPUT);
        row.entry("value").or_insert(json!(""));
        row.entry("format").or_insert(json!("dotNotation"));
        Value::Object(row)
    }

    /// A retry policy; `attempts` stays a text when it is not a number, and the worker refuses it.
    fn retry(&mut self, element: &Element<'_>) -> Value {
        let mut policy = self.members(element, RETRY);
        if let Some(Value::String(text)) = policy.get("attempts") {
            match text.trim().parse::<u64>() {
                Ok(number) => {
                    policy.insert("attempts".to_owned(), json!(number));
                }
                Err(_) => self.unknown_value(element, "attempts", text, "a whole number"),
            }
        }
        Value::Object(policy)
    }

    /// The attributes of an element as members; reports those that are missing, unknown or have a wrong value.
    fn members(&mut self, element: &Element<'_>, fields: &[Field]) -> Map<String, Value> {
        let mut members = Map::new();
        for field in fields {
            let Some(value) = element.attribute(field.attribute) else {
                if field.need == Required {
                    self.missing(element, field.attribute);
                }
                continue;
            };
            if !field.values.is_empty() && !field.values.contains(&&*value) {
                self.unknown_value(element, field.attribute, &value, &field.values.join(", "));
            }
            members.insert(field.member.to_owned(), Value::String(value.into_owned()));
        }
        for attribute in element.attributes.iter().filter(|attribute| attribute.namespace == Namespace::None) {
            if !fields.iter().any(|field| field.attribute == attribute.name) {
                let known: Vec<_> = fields.iter().map(|field| field.attribute).collect();
                let what = format!("{} has no attribute {}", quote(element.name), quote(attribute.name));
                let help = format!("known are {}", known.join(", "));
                let finding = self.warn("unknown-attribute", &what).help(help);
                self.report.add(attribute.span(), finding);
            }
        }
        members
    }

    /// Inserts the members of an element that must not be repeated.
    fn insert_once(&mut self, element: &Element<'_>, config: &mut Map<String, Value>, members: Map<String, Value>) {
        for (name, value) in members {
            if config.contains_key(&name) {
                let what = format!("{} is given twice", quote(element.name));
                let finding = self.error("repeated-element", &what).help("keep one; the first is used");
                self.report.add(element.start_tag.clone(), finding);
            } else {
                config.insert(name, value);
            }
        }
    }

    fn missing(&mut self, element: &Element<'_>, attribute: &str) {
        let what = format!("{} requires the attribute `{attribute}`", quote(element.name));
        let finding = self.error("missing-attribute", &what).help(format!("write {attribute}=\"…\""));
        let finding = finding.path(self.path(element, attribute));
        self.report.add(element.start_tag.clone(), finding);
    }

    fn unknown_value(&mut self, element: &Element<'_>, attribute: &str, value: &str, expected: &str) {
        let span = element.value_span(attribute);
        let what = format!("`{attribute}` of {} cannot be {}", quote(element.name), quote(value));
        let finding = self.error("unknown-value", &what).help(format!("write {expected}"));
        let finding = finding.path(self.path(element, attribute));
        self.report.add(span, finding);
    }

    fn unknown_element(&mut self, element: &Element<'_>) {
        let what = format!("{} is not a part of `dataConnector` and is ignored", quote(element.name));
        let help = "known are input, output, retry, timeout, errorMapping, success";
        self.report.add(element.start_tag.clone(), self.warn("unknown-element", &what).help(help));
    }

    /// What an attribute is called in diagnostics, in the dialects' common form.
    fn path(&self, element: &Element<'_>, attribute: &str) -> Option<String> {
        let at = self.at;
        match (element.name, attribute) {
            ("dataConnector", "connector" | "resource" | "queue") => Some(attribute.to_owned()),
            ("input", _) => element.attribute("key").map(|key| input_path(&key)),
            ("output", "variable") => Some(format!("outputs.{at}.variable")),
            ("output", _) => Some(format!("outputs.{at}.source")),
            ("errorMapping", "when" | "code") => Some(format!("errors.{at}.{attribute}")),
            ("retry", _) => Some(format!("retry.{attribute}")),
            ("timeout", _) => Some("timeout".to_owned()),
            _ => None,
        }
    }

    fn error(&self, code: &'static str, what: &str) -> Finding {
        Finding::error(code, format!("{}: {what}", self.label))
    }

    fn warn(&self, code: &'static str, what: &str) -> Finding {
        Finding::warning(code, format!("{}: {what}", self.label))
    }
}
