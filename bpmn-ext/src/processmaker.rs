//! ProcessMaker's spelling of a connector (sheet 1.2-1.5). Knows its names; nothing of the other spellings.

use std::borrow::Cow;

use jsonc_parser::ast::{Object, Value as Node};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions};
use serde_json::{Map, Value};

use crate::attribute::Attribute;
use crate::config_text::{self, Kind};
use crate::diagnostic::{Finding, Report};
use crate::model::Spelling;
use crate::rows::{self, ErrorRow, Format, Input, Output, Rows};
use crate::tree::Element;
use crate::written::Written;

/// What `implementation` says of a connector: today's form and that of 2019 (sheet 1.2).
pub(crate) const IMPLEMENTATIONS: [&str; 2] =
    ["package-data-sources/data-source-task-service", "package-data-sources/datasource-task-service"];
/// What the call activity of a connector calls (sheet 1.2).
const CALLED: &str = "data_source_callback-data_source_sub_process";

const CONFIG: Kind = Kind { name: "pm:config", code: "broken-config" };
const ERROR_HANDLING: Kind = Kind { name: "pm:errorHandling", code: "broken-error-handling" };

/// Whether an element is a connector in this spelling, and in which form.
pub(crate) fn spelling(element: &Element<'_>) -> Option<Spelling> {
    let implemented = || element.attribute("implementation").is_some_and(|i| IMPLEMENTATIONS.contains(&i.trim()));
    let called = || element.attribute("calledElement").is_some_and(|called| called.trim() == CALLED);
    if element.is("serviceTask") && implemented() {
        Some(Spelling::ProcessMakerServiceTask)
    } else if element.is("callActivity") && (called() || implemented()) {
        Some(Spelling::ProcessMakerCallActivity)
    } else {
        None
    }
}

/// `pm:config`; without it an empty object, which the worker refuses.
pub(crate) fn config(element: &Element<'_>, label: &str, report: &mut Report<'_>) -> Value {
    if let Some(attribute) = element.pm("config") {
        return config_text::read(attribute, CONFIG, label, report);
    }
    let finding = Finding::error("missing-config", format!("{label} is a connector without pm:config"))
        .help("choose a connector and a resource");
    report.add(element.span.clone(), finding);
    Value::Object(Map::new())
}

/// `pm:errorHandling`; empty and `null` mean that the resource decides (sheet 1.5).
pub(crate) fn error_handling(element: &Element<'_>, label: &str, report: &mut Report<'_>) -> Option<Value> {
    let attribute = element.pm("errorHandling")?;
    if matches!(attribute.text().trim(), "" | "null") {
        return None;
    }
    Some(config_text::read(attribute, ERROR_HANDLING, label, report))
}

/// The rows of `pm:config` and the attempts of `pm:errorHandling`; nothing of a text that is not an object of JSON.
pub(crate) fn rows<'e, 'a>(element: &'e Element<'a>) -> Rows<'e, 'a> {
    let mut rows = Rows::default();
    if let Some(attribute) = element.pm("config") {
        members(attribute, |json| config_rows(json, &mut rows));
    }
    if let Some(attribute) = element.pm("errorHandling") {
        members(attribute, |json| {
            if let Some(attempts) = json.text("retry_attempts") {
                // Without the first one (sheet 2.3).
                rows.attempts_total = attempts.text().trim().parse().ok().map(|more: u64| more.saturating_add(1));
                rows.attempts = Some(attempts);
            }
        });
    }
    rows
}

/// Hands over the object that an attribute holds, if it holds one.
fn members<'e, 'a>(attribute: &'e Attribute<'a>, read: impl FnOnce(&Json<'_, 'e, 'a>)) {
    let text = attribute.text();
    if text.len() > MOST || serde_json::from_str::<Map<String, Value>>(&text).is_err() {
        return;
    }
    let parsed = jsonc_parser::parse_to_ast(&text, &CollectOptions::default(), &ParseOptions::default());
    if let Some(Node::Object(object)) = parsed.ok().and_then(|parsed| parsed.value) {
        read(&Json { text: &text, attribute, object: &object });
    }
}

/// Bytes of a configuration whose rows are looked at one by one.
const MOST: usize = 1024 * 1024;

/// An object inside an attribute.
struct Json<'j, 'e, 'a> {
    /// All of the attribute.
    text: &'j str,
    attribute: &'e Attribute<'a>,
    object: &'j Object<'j>,
}

impl<'e, 'a> Json<'_, 'e, 'a> {
    fn get(&self, name: &str) -> Option<&Node<'_>> {
        // The last of several counts, as for serde_json.
        self.object.properties.iter().rev().find(|property| property.name.as_str() == name).map(|p| &p.value)
    }

    /// A text or a number.
    fn text(&self, name: &str) -> Option<Written<'e, 'a>> {
        self.get(name).and_then(|node| self.written(node))
    }

    fn written(&self, node: &Node<'_>) -> Option<Written<'e, 'a>> {
        let range = node.range();
        let literal = self.text.get(range.start..range.end)?;
        let meant = match node {
            Node::StringLit(string) => string.value.clone().into_owned(),
            Node::NumberLit(number) => number.value.to_owned(),
            _ => return None,
        };
        Some(Written::json(meant, self.attribute, range.start, Cow::Owned(literal.to_owned())))
    }

    /// The objects of a list.
    fn rows<'s>(&'s self, name: &str) -> impl Iterator<Item = Json<'s, 'e, 'a>> {
        let list = self.get(name).and_then(Node::as_array);
        let objects = list.into_iter().flat_map(|list| &list.elements).filter_map(Node::as_object);
        objects.map(|object| Json { text: self.text, attribute: self.attribute, object })
    }

    fn format(&self, default: Format) -> Format {
        Format::named(self.text("format").as_ref().map(Written::text), default)
    }
}

fn config_rows<'e, 'a>(json: &Json<'_, 'e, 'a>, rows: &mut Rows<'e, 'a>) {
    rows.connector = json.text("dataSource");
    rows.resource = json.text("endpoint");
    rows.queue = json.text("queue");
    rows.repeat = json.text("repeat");
    for row in json.rows("outboundConfig") {
        let kind = row.text("type").and_then(|kind| rows::Kind::named(kind.text()));
        if let (Some(kind), Some(key), Some(value)) = (kind, row.text("key"), row.text("value")) {
            rows.inputs.push(Input { kind, key, value, format: row.format(Format::Mustache) });
        }
    }
    for row in json.rows("dataMapping") {
        if let Some(variable) = row.text("key") {
            let (source, format) = (row.text("value"), row.format(Format::Path));
            rows.outputs.push(Output { variable, source, format });
        }
    }
    rows.success = json.text("success");
    let errors = json.rows("errorMapping").map(|row| ["when", "code", "message"].map(|name| row.text(name)));
    rows.errors = errors.map(|[when, code, message]| ErrorRow { when, code, message }).collect();
    for property in &json.object.properties {
        if let Some(text) = json.written(&property.value) {
            rows.others.push((property.name.as_str().to_owned(), text));
        }
    }
}
