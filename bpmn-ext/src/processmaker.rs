//! ProcessMaker's dialect of a connector (COMPATIBILITY 1.2-1.5). Knows its attributes and their JSON; must not know the other
//! dialects.

use std::borrow::Cow;

use jsonc_parser::ast::{Object, Value as Node};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions};
use serde_json::{Map, Value};

use crate::attribute::Attribute;
use crate::config_text::{self, AttributeKind};
use crate::diagnostic::{Finding, Report};
use crate::model::Dialect;
use crate::rows::{ErrorRow, Format, Input, InputKind, Output, Rows};
use crate::spanned_text::SpannedText;
use crate::tree::Element;

/// The values of `implementation` that make a connector: the present one and that of 2019 (COMPATIBILITY 1.2).
pub(crate) const IMPLEMENTATIONS: [&str; 2] =
    ["package-data-sources/data-source-task-service", "package-data-sources/datasource-task-service"];
/// The `calledElement` that makes a call activity a connector (COMPATIBILITY 1.2).
const CALLED_ELEMENT: &str = "data_source_callback-data_source_sub_process";

const CONFIG: AttributeKind = AttributeKind { name: "pm:config", code: "broken-config" };
const ERROR_HANDLING: AttributeKind = AttributeKind { name: "pm:errorHandling", code: "broken-error-handling" };

/// The form in which an element is a connector of this dialect; `None` if it is not one.
pub(crate) fn dialect(element: &Element<'_>) -> Option<Dialect> {
    let implemented = || element.attribute("implementation").is_some_and(|i| IMPLEMENTATIONS.contains(&i.trim()));
    let called = || element.attribute("calledElement").is_some_and(|called| called.trim() == CALLED_ELEMENT);
    if element.is("serviceTask") && implemented() {
        Some(Dialect::ProcessMakerServiceTask)
    } else if element.is("callActivity") && (called() || implemented()) {
        Some(Dialect::ProcessMakerCallActivity)
    } else {
        None
    }
}

/// Whether `pm:config` says what to call. ProcessMaker reads `queue` of any service task from it.
pub(crate) fn configures(element: &Element<'_>) -> bool {
    let Some(attribute) = element.pm_attribute("config") else { return false };
    if matches!(attribute.text().trim(), "" | "null") {
        return false;
    }
    // A text that is no JSON object was meant to be a configuration.
    let mut is_configured = attribute.text().trim() != "[]";
    members(attribute, |json| {
        let is_filled = |name: &&str| json.text(name).is_some_and(|text| !text.text().trim().is_empty());
        let has_rows = |name: &&str| json.rows(name).next().is_some();
        is_configured =
            ["dataSource", "endpoint"].iter().any(is_filled) || ["outboundConfig", "dataMapping"].iter().any(has_rows);
    });
    is_configured
}

/// The value of `pm:config`; without it an empty object, which the worker refuses.
pub(crate) fn config(element: &Element<'_>, label: &str, report: &mut Report<'_>) -> Value {
    if let Some(attribute) = element.pm_attribute("config") {
        return config_text::read(attribute, CONFIG, label, report);
    }
    let finding = Finding::error("missing-config", format!("{label} is a connector without pm:config"))
        .help("choose a connector and a resource");
    report.add(element.start_tag.clone(), finding);
    Value::Object(Map::new())
}

/// The value of `pm:errorHandling`; when it is empty or `null`, that of the resource applies (COMPATIBILITY 1.5).
pub(crate) fn error_handling(element: &Element<'_>, label: &str, report: &mut Report<'_>) -> Option<Value> {
    filled_error_handling(element).map(|attribute| config_text::read(attribute, ERROR_HANDLING, label, report))
}

/// `pm:errorHandling`, unless it is empty or `null`.
pub(crate) fn filled_error_handling<'e, 'a>(element: &'e Element<'a>) -> Option<&'e Attribute<'a>> {
    element.pm_attribute("errorHandling").filter(|attribute| !matches!(attribute.text().trim(), "" | "null"))
}

/// The rows of `pm:config` and the attempts of `pm:errorHandling`; none of a text that is not a JSON object.
pub(crate) fn rows<'e, 'a>(element: &'e Element<'a>) -> Rows<'e, 'a> {
    let mut rows = Rows::default();
    if let Some(attribute) = element.pm_attribute("config") {
        members(attribute, |json| config_rows(json, &mut rows));
    }
    if let Some(attribute) = element.pm_attribute("errorHandling") {
        members(attribute, |json| {
            if let Some(attempts) = json.text("retry_attempts") {
                // The number does not include the first attempt (COMPATIBILITY 2.3).
                rows.attempts_total = attempts.text().trim().parse().ok().map(|more: u64| more.saturating_add(1));
                rows.attempts = Some(attempts);
            }
        });
    }
    rows
}

/// Calls `read` with the object in an attribute, if there is one.
fn members<'e, 'a>(attribute: &'e Attribute<'a>, read: impl FnOnce(&Json<'_, 'e, 'a>)) {
    let text = attribute.text();
    if text.len() > MAX_CONFIG_BYTES || serde_json::from_str::<Map<String, Value>>(&text).is_err() {
        return;
    }
    let parsed = jsonc_parser::parse_to_ast(&text, &CollectOptions::default(), &ParseOptions::default());
    if let Some(Node::Object(object)) = parsed.ok().and_then(|parsed| parsed.value) {
        read(&Json { text: &text, attribute, object: &object });
    }
}

/// Bytes of the largest configuration whose rows are parsed with their spans.
const MAX_CONFIG_BYTES: usize = 1024 * 1024;

/// A JSON object inside an attribute.
struct Json<'j, 'e, 'a> {
    /// The decoded value of the attribute.
    text: &'j str,
    attribute: &'e Attribute<'a>,
    object: &'j Object<'j>,
}

impl<'e, 'a> Json<'_, 'e, 'a> {
    fn get(&self, name: &str) -> Option<&Node<'_>> {
        // Of duplicate members the last one counts, as for serde_json.
        self.object.properties.iter().rev().find(|property| property.name.as_str() == name).map(|p| &p.value)
    }

    /// A text or a number.
    fn text(&self, name: &str) -> Option<SpannedText<'e, 'a>> {
        self.get(name).and_then(|node| self.spanned_text(node))
    }

    fn spanned_text(&self, node: &Node<'_>) -> Option<SpannedText<'e, 'a>> {
        let range = node.range();
        let literal = self.text.get(range.start..range.end)?;
        let text = match node {
            Node::StringLit(string) => string.value.clone().into_owned(),
            Node::NumberLit(number) => number.value.to_owned(),
            _ => return None,
        };
        Some(SpannedText::of_json(text, self.attribute, range.start, Cow::Owned(literal.to_owned())))
    }

    /// The objects of a list, each with its place in it.
    fn rows<'s>(&'s self, name: &str) -> impl Iterator<Item = (usize, Json<'s, 'e, 'a>)> {
        let list = self.get(name).and_then(Node::as_array);
        let elements = list.into_iter().flat_map(|list| &list.elements).enumerate();
        let objects = elements.filter_map(|(at, node)| Some((at, node.as_object()?)));
        objects.map(|(at, object)| (at, Json { text: self.text, attribute: self.attribute, object }))
    }

    fn format(&self, default: Format) -> Format {
        Format::from_name(self.text("format").as_ref().map(SpannedText::text), default)
    }
}

fn config_rows<'e, 'a>(json: &Json<'_, 'e, 'a>, rows: &mut Rows<'e, 'a>) {
    rows.connector = json.text("dataSource");
    rows.resource = json.text("endpoint");
    rows.queue = json.text("queue");
    rows.repeat = json.text("repeat");
    for (_, row) in json.rows("outboundConfig") {
        let kind = row.text("type").and_then(|kind| InputKind::from_name(kind.text()));
        if let (Some(kind), Some(key), Some(value)) = (kind, row.text("key"), row.text("value")) {
            rows.inputs.push(Input { kind, key, value, format: row.format(Format::Mustache) });
        }
    }
    for (at, row) in json.rows("dataMapping") {
        if let Some(variable) = row.text("key") {
            let (source, format) = (row.text("value"), row.format(Format::Path));
            rows.outputs.push(Output { at, variable, source, format });
        }
    }
    rows.success = json.text("success");
    let errors = json.rows("errorMapping").map(|(at, row)| {
        let [when, code, message] = ["when", "code", "message"].map(|name| row.text(name));
        ErrorRow { at, when, code, message }
    });
    rows.errors = errors.collect();
    for property in &json.object.properties {
        if let Some(text) = json.spanned_text(&property.value) {
            rows.others.push((property.name.as_str().to_owned(), text));
        }
    }
}
