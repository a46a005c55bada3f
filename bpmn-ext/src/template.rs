//! The dialect of our element templates (CONTRACT 5): task headers for Camunda 8, input parameters for Camunda 7. Knows
//! the names that templates write; must not know the other dialects.
//!
//! Templates can write neither foreign elements nor lists, so rows are lines of a text: `name = value`.

use std::ops::Range;

use serde_json::{Map, Value, json};

use crate::attribute::Attribute;
use crate::diagnostic::{Finding, Report, quote};
use crate::rows::{ErrorRow, Format, Input, InputKind, Output, Rows};
use crate::spanned_text::SpannedText;
use crate::tree::{Element, Namespace};

/// The type of the task definition, or the topic of the external task, that a template writes.
pub const TYPE: &str = "data-connector";

/// Properties with one text: the name in a template, and the member of the configuration.
pub(crate) const TEXTS: [(&str, &str); 6] = [
    ("connector", "dataSource"),
    ("resource", "endpoint"),
    ("queue", "queue"),
    ("repeat", "repeat"),
    ("timeout", "timeout"),
    ("success", "success"),
];
/// Properties of the retry policy.
pub(crate) const RETRY: [&str; 6] = ["attempts", "wait", "backoff", "maxWait", "budget", "statuses"];
/// Properties whose text holds a row on each line.
pub(crate) const LINES: [&str; 5] = ["params", "headers", "body", "outputs", "errors"];

/// A property that a template has written.
#[derive(Debug)]
struct Entry<'e, 'a> {
    name: String,
    value: SpannedText<'e, 'a>,
}

/// Whether one of our templates has been applied to the element.
pub(crate) fn is_applied(element: &Element<'_>) -> bool {
    let attribute = |of: &Element<'_>, namespace, name| {
        of.attribute_in(namespace, name).is_some_and(|attribute| attribute.text().trim() == TYPE)
    };
    let is_external = || attribute(element, Namespace::Camunda, "topic");
    let is_job =
        || extensions(element, Namespace::Zeebe, "taskDefinition").any(|e| attribute(e, Namespace::None, "type"));
    (element.is("serviceTask") || element.is("sendTask")) && (is_external() || is_job())
}

/// Whether one of our templates has written properties.
pub(crate) fn configures(element: &Element<'_>) -> bool {
    !entries(element).is_empty()
}

/// The elements and attributes that one of our templates has written; `None` if there are properties that are not ours.
pub(crate) fn parts<'e, 'a>(element: &'e Element<'a>) -> Option<(Vec<Range<usize>>, Vec<&'e Attribute<'a>>)> {
    let known =
        |name: &str| TEXTS.iter().any(|(text, _)| *text == name) || RETRY.contains(&name) || LINES.contains(&name);
    let headers = || extensions(element, Namespace::Zeebe, "taskHeaders");
    let inputs = || extensions(element, Namespace::Camunda, "inputOutput");
    let is_ours = |entry: &Element<'_>| match entry.name {
        "header" => entry.attribute("key").is_some_and(|key| known(&key)),
        "inputParameter" => entry.attribute("name").is_some_and(|name| known(&name)),
        _ => false,
    };
    if !headers().chain(inputs()).flat_map(|entries| &entries.children).all(is_ours) {
        return None;
    }
    let mut elements: Vec<Range<usize>> =
        extensions(element, Namespace::Zeebe, "taskDefinition").map(Element::full_span).collect();
    elements.extend(headers().chain(inputs()).map(Element::full_span));
    elements.sort_by_key(|element| element.start);
    let names = ["type", "topic", "modelerTemplate", "modelerTemplateVersion", "modelerTemplateIcon"];
    let is_template_attribute = |attribute: &&Attribute<'_>| {
        matches!(attribute.namespace, Namespace::Camunda | Namespace::Zeebe) && names.contains(&attribute.name)
    };
    Some((elements, element.attributes.iter().filter(is_template_attribute).collect()))
}

fn extensions<'e, 'a>(
    element: &'e Element<'a>,
    namespace: Namespace,
    name: &'e str,
) -> impl Iterator<Item = &'e Element<'a>> {
    let children = element.children("extensionElements").flat_map(|extensions| extensions.children.iter());
    children.filter(move |child| child.namespace == namespace && child.name == name)
}

fn entries<'e, 'a>(element: &'e Element<'a>) -> Vec<Entry<'e, 'a>> {
    let headers = extensions(element, Namespace::Zeebe, "taskHeaders").flat_map(|headers| headers.children.iter());
    let headers = headers.filter_map(|header| {
        Some(Entry {
            name: header.attribute("key")?.into(),
            value: SpannedText::of_attribute(header.attribute_node("value")?),
        })
    });
    let inputs = extensions(element, Namespace::Camunda, "inputOutput").flat_map(|inputs| inputs.children.iter());
    let inputs = inputs.filter(|input| input.name == "inputParameter").filter_map(|input| {
        let value = SpannedText::within(input.text.trim_end().to_owned(), input.full_span());
        Some(Entry { name: input.attribute("name")?.into(), value })
    });
    headers.chain(inputs).filter(|entry| !entry.value.text().trim().is_empty()).collect()
}

/// The rows of a text, `name = value` on each line; `Err` for a line without an equals sign.
fn parse_lines<'e, 'a>(
    text: &SpannedText<'e, 'a>,
) -> Vec<Result<(SpannedText<'e, 'a>, SpannedText<'e, 'a>), SpannedText<'e, 'a>>> {
    let mut from = 0;
    let mut rows = Vec::new();
    for line in text.text().split('\n') {
        let part = |text_part: &str, at: usize| {
            let start = from + at + (text_part.len() - text_part.trim_start().len());
            text.part(start..start + text_part.trim().len())
        };
        match line.find('=') {
            Some(at) => {
                let (name, value) = line.split_at(at);
                let value = value.get(1..).unwrap_or_default();
                rows.push(Ok((part(name, 0), part(value, at + 1))));
            }
            None if line.trim().is_empty() => {}
            None => rows.push(Err(part(line, 0))),
        }
        from += line.len() + 1;
    }
    rows
}

/// The configuration (CONTRACT 2) that a template has written.
pub(crate) fn config(element: &Element<'_>, label: &str, report: &mut Report<'_>) -> Value {
    let mut config = Map::new();
    let mut retry = Map::new();
    let (mut inputs, mut outputs, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    for Entry { name, value } in entries(element) {
        if let Some((_, member)) = TEXTS.iter().find(|(known, _)| *known == name) {
            config.insert((*member).to_owned(), json!(value.text().trim()));
        } else if RETRY.contains(&name.as_str()) {
            retry.insert(name, json!(value.text().trim()));
        } else if LINES.contains(&name.as_str()) {
            for line in parse_lines(&value) {
                let Ok((key, text)) = line.as_ref().map_err(|line| broken_line(label, &name, line, report)) else {
                    continue;
                };
                let (key, text) = (key.text(), text.text());
                match name.as_str() {
                    "outputs" => outputs.push(json!({"key": key, "value": text, "format": "dotNotation"})),
                    "errors" => errors.push(error_row(key, text)),
                    kind => {
                        let row = json!({"type": kind_of(kind).1, "key": key, "value": text, "format": "mustache"});
                        inputs.push(row);
                    }
                }
            }
        } else {
            unknown(label, &name, &value, report);
        }
    }
    if !retry.is_empty() {
        config.insert("retry".to_owned(), Value::Object(retry));
    }
    for (member, rows) in [("outboundConfig", inputs), ("dataMapping", outputs), ("errorMapping", errors)] {
        if !rows.is_empty() {
            config.insert(member.to_owned(), Value::Array(rows));
        }
    }
    for (name, member) in TEXTS.iter().take(2) {
        if !config.contains_key(*member) {
            let finding = Finding::error("missing-attribute", format!("{label}: the template's `{name}` is empty"));
            report.add(element.start_tag.clone(), finding.help(format!("choose a {name}")).path((*name).to_owned()));
        }
    }
    Value::Object(config)
}

/// The row of `404 = CODE and a message`.
fn error_row(when: &str, text: &str) -> Value {
    let (code, message) = code_and_message(text);
    let mut row = Map::from_iter([("when".to_owned(), json!(when)), ("code".to_owned(), json!(text.get(code)))]);
    if let Some(message) = message {
        row.insert("message".to_owned(), json!(text.get(message)));
    }
    Value::Object(row)
}

/// The bytes of the first word, and of the text after it.
fn code_and_message(text: &str) -> (Range<usize>, Option<Range<usize>>) {
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    let message = text.get(end..).unwrap_or_default().trim_start();
    (0..end, (!message.is_empty()).then_some(text.len() - message.len()..text.len()))
}

fn kind_of(name: &str) -> (InputKind, &'static str) {
    match name {
        "headers" => (InputKind::Header, "HEADER"),
        "body" => (InputKind::Body, "BODY"),
        _ => (InputKind::Param, "PARAM"),
    }
}

fn broken_line(label: &str, name: &str, line: &SpannedText<'_, '_>, report: &mut Report<'_>) {
    let message = format!("{label}: {} of `{name}` is not a row", quote(line.text()));
    report.add(line.span(), Finding::error("broken-line", message).help("write name = value, one on each line"));
}

fn unknown(label: &str, name: &str, value: &SpannedText<'_, '_>, report: &mut Report<'_>) {
    let message = format!("{label}: the template's property {} is not known and is ignored", quote(name));
    let known = TEXTS.iter().map(|(name, _)| *name).chain(RETRY).chain(LINES);
    let help = format!("known are {}", known.collect::<Vec<_>>().join(", "));
    report.add(value.span(), Finding::warning("unknown-attribute", message).help(help));
}

/// The rows that a template has written, with their spans.
pub(crate) fn rows<'e, 'a>(element: &'e Element<'a>) -> Rows<'e, 'a> {
    let mut rows = Rows::default();
    for Entry { name, value } in entries(element) {
        match name.as_str() {
            "connector" => rows.connector = Some(value),
            "resource" => rows.resource = Some(value),
            "queue" => rows.queue = Some(value),
            "repeat" => rows.repeat = Some(value),
            "attempts" => {
                rows.attempts_total = value.text().trim().parse().ok();
                rows.attempts = Some(value);
            }
            "outputs" => {
                let lines = parse_lines(&value).into_iter().flatten();
                rows.outputs.extend(lines.enumerate().map(|(at, (variable, source))| Output {
                    at,
                    variable,
                    source: Some(source),
                    format: Format::Path,
                }));
            }
            "success" => rows.success = Some(value),
            "errors" => {
                let lines = parse_lines(&value).into_iter().flatten();
                rows.errors.extend(lines.enumerate().map(|(at, (when, text))| {
                    let (code, message) = code_and_message(text.text());
                    let (code, message) = (text.part(code), message.map(|message| text.part(message)));
                    ErrorRow { at, when: Some(when), code: Some(code), message }
                }));
            }
            "params" | "headers" | "body" => {
                let (kind, _) = kind_of(&name);
                rows.inputs.extend(parse_lines(&value).into_iter().flatten().map(|(key, value)| Input {
                    kind,
                    key,
                    value,
                    format: Format::Mustache,
                }));
            }
            _ => rows.others.push((name, value)),
        }
    }
    rows
}
