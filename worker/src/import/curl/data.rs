//! Bodies: what `-d`, `--json` and `-F` send.

use serde_json::{Map, Value, json};

use super::super::marked;
use super::super::record::{BodyType, Resource};
use super::super::report::{Report, quoted};
use super::super::url_parts::{decoded, pairs};

const FORM: &str = "application/x-www-form-urlencoded";

/// Sets a body that is sent as it is written; `media` is the content type that was asked for.
pub(in super::super) fn set(resource: &mut Resource, data: &str, media: Option<&str>, report: &mut Report) {
    if data.is_empty() {
        return;
    }
    let kind = media.unwrap_or(FORM);
    if kind.to_ascii_lowercase().starts_with(FORM) {
        if let Some(fields) = fields(data) {
            resource.body = Some((BodyType::Form, object(&fields)));
            return;
        }
        if media.is_none() {
            resource.default_header("Content-Type", FORM);
            if data.trim_start().starts_with(['{', '[']) {
                let sentence = "The body looks like JSON and is sent as a form, as cURL does; if JSON is meant, change the \
                                header `Content-Type` to `application/json`";
                report.changed_in(&resource.name, sentence);
            }
        }
        resource.body = Some((BodyType::Raw, marked::template(data)));
        return;
    }
    resource.body = Some((BodyType::of_media(kind), marked::template(data)));
}

/// The fields of a form, where an object can hold them: each has a name of its own and a value.
fn fields(data: &str) -> Option<Map<String, Value>> {
    if data.trim_start().starts_with(['{', '[', '<']) {
        return None;
    }
    let mut fields = Map::new();
    for (name, value) in pairs(data) {
        let (name, value) = (strictly_decoded(&name)?, strictly_decoded(&value?)?);
        if name.is_empty() || fields.insert(name, Value::from(value)).is_some() {
            return None;
        }
    }
    Some(fields).filter(|fields| !fields.is_empty())
}

fn strictly_decoded(text: &str) -> Option<String> {
    let decoded = decoded(text);
    (!decoded.contains('\u{fffd}')).then_some(decoded)
}

/// A JSON object of marked texts as a template.
pub(in super::super) fn object(fields: &Map<String, Value>) -> String {
    format!("{:#}", templates(&Value::Object(fields.clone())))
}

fn templates(value: &Value) -> Value {
    match value {
        Value::String(text) => marked::template(text).into(),
        Value::Array(list) => list.iter().map(templates).collect(),
        Value::Object(map) => {
            Value::Object(map.iter().map(|(name, value)| (marked::template(name), templates(value))).collect())
        }
        other => other.clone(),
    }
}

/// Fields and files of a form, where a name may come more than once.
#[derive(Debug, Default)]
pub(in super::super) struct Fields {
    members: Map<String, Value>,
    repeated: bool,
}

impl Fields {
    /// Adds a field or file of a marked name.
    pub(in super::super) fn add(&mut self, name: &str, value: Value) {
        match self.members.get_mut(name) {
            None => drop(self.members.insert(name.to_owned(), value)),
            Some(Value::Array(list)) => list.push(value),
            Some(one) => {
                let first = std::mem::take(one);
                *one = json!([first, value]);
                self.repeated = true;
            }
        }
    }

    /// Makes them the body.
    pub(in super::super) fn set(self, resource: &mut Resource, kind: BodyType) {
        if self.members.is_empty() {
            return;
        }
        if self.repeated {
            resource.further.insert("arrays".to_owned(), "repeat".into());
        }
        resource.body = Some((kind, object(&self.members)));
    }
}

/// A file of a form whose content is not here: a variable holds it.
pub(in super::super) fn file(
    field: &str,
    name: &str,
    media: Option<&str>,
    resource: &str,
    report: &mut Report,
) -> Value {
    let why =
        format!("it is not here: put its content, in Base64, into the variable `{}`", marked::variable_name(field));
    report.left_out_of(resource, format!("the file {}", quoted(&marked::shown(name))), why);
    let mut file = Map::new();
    file.insert("base64".to_owned(), marked::variable(field).into());
    file.insert("filename".to_owned(), name.into());
    if let Some(media) = media {
        file.insert("contentType".to_owned(), media.into());
    }
    Value::Object(file)
}

/// A part of `-F`: `name=text`, `name=@file`, `name=<file`, with `;type=` and `;filename=` behind it.
pub(super) fn part(fields: &mut Fields, written: &str, resource: &str, report: &mut Report) {
    let Some((name, value)) = written.split_once('=') else {
        report.left_out_of(resource, quoted(&marked::shown(written)), "a field of a form is written `name=value`");
        return;
    };
    let (content, further) = content_and_further(value);
    let of = |wanted: &str| further.iter().find(|(name, _)| *name == wanted).map(|(_, value)| *value);
    if let Some(path) = content.strip_prefix('@') {
        let path = path.trim_matches('"');
        let own_name = path.rsplit(['/', '\\']).next().unwrap_or(path);
        fields.add(name, file(name, of("filename").unwrap_or(own_name), of("type"), resource, report));
    } else if let Some(path) = content.strip_prefix('<') {
        let why = format!("it is not here: put its text into the variable `{}`", marked::variable_name(name));
        report.left_out_of(resource, format!("the file {}", quoted(&marked::shown(path))), why);
        fields.add(name, marked::variable(name).into());
    } else {
        for (member, _) in &further {
            let what = format!("`{member}` of the field {}", quoted(name));
            report.left_out_of(resource, what, "a text field has neither a type nor a file name");
        }
        fields.add(name, content.into());
    }
}

/// A value and what stands behind it; a text may hold semicolons of its own.
fn content_and_further(value: &str) -> (&str, Vec<(&str, &str)>) {
    let mut content = value;
    let mut further = Vec::new();
    while let Some((before, last)) = content.rsplit_once(';') {
        let Some((name, value)) = last.trim().split_once('=') else { break };
        if !matches!(name, "type" | "filename" | "headers" | "encoder") {
            break;
        }
        further.push((name, value.trim_matches('"')));
        content = before;
    }
    let plain = content.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    (plain.unwrap_or(content), further)
}
