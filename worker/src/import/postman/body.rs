//! The bodies of requests, in all modes.

use serde_json::{Map, Value};

use super::super::curl::{Fields, file, object};
use super::super::fields::{has, is_true, list, scalar, text};
use super::super::marked;
use super::super::record::{BodyType, Resource};
use super::super::report::quoted;
use super::Collection;

impl Collection<'_> {
    pub(super) fn body(&mut self, body: &Value, resource: &mut Resource) {
        if is_true(body, "disabled") {
            self.report.left_out_of(&resource.name, "the body", "it is switched off");
            return;
        }
        match text(body, "mode") {
            None => {}
            Some("raw") => self.raw(body, resource),
            Some("urlencoded") => self.form(body, "urlencoded", BodyType::Form, resource),
            Some("formdata") => self.form(body, "formdata", BodyType::Multipart, resource),
            Some("graphql") => self.graphql(body, resource),
            Some("file") => {
                let name = body.get("file").and_then(|file| text(file, "src")).unwrap_or("the file");
                let why = "it is not here: write the body by hand";
                self.report.left_out_of(&resource.name, format!("the file {}", quoted(name)), why);
            }
            Some(other) => {
                self.report.left_out_of(
                    &resource.name,
                    format!("the body in mode {}", quoted(other)),
                    "it is not known",
                );
            }
        }
    }

    fn raw(&mut self, body: &Value, resource: &mut Resource) {
        let written = body.get("raw").and_then(scalar).unwrap_or_default();
        if written.trim().is_empty() {
            return;
        }
        let language = body.get("options").and_then(|options| text(options.get("raw")?, "language"));
        let media = match language {
            Some("json") => "application/json",
            Some("xml") => "application/xml",
            Some("html") => "text/html",
            Some("javascript") => "application/javascript",
            None if written.trim_start().starts_with(['{', '[']) => "application/json",
            _ => "text/plain",
        };
        resource.default_header("Content-Type", media);
        let sent = resource.headers.iter().find(|row| row.key.eq_ignore_ascii_case("content-type"));
        let kind = BodyType::of_media(sent.map_or(media, |row| row.value.as_str()));
        resource.body = Some((kind, marked::template(&self.variables.fill(&written))));
    }

    fn form(&mut self, body: &Value, mode: &str, kind: BodyType, resource: &mut Resource) {
        let mut fields = Fields::default();
        for row in list(body, mode) {
            let name = self.variables.fill(text(row, "key").unwrap_or_default());
            if name.is_empty() {
                continue;
            }
            if is_true(row, "disabled") {
                let what = format!("the field {}", quoted(&marked::shown(&name)));
                self.report.left_out_of(&resource.name, what, "it is switched off");
                continue;
            }
            let media = text(row, "contentType").filter(|media| !media.is_empty());
            if text(row, "type") == Some("file") {
                self.files(&mut fields, &name, row.get("src").unwrap_or(&Value::Null), media, resource);
                continue;
            }
            if media.is_some() {
                let what = format!("the content type of the field {}", quoted(&marked::shown(&name)));
                self.report.left_out_of(&resource.name, what, "a text field has none");
            }
            let value = self.variables.fill(&row.get("value").and_then(scalar).unwrap_or_default());
            fields.add(&name, value.into());
        }
        if kind == BodyType::Multipart {
            // The boundary is made for each call.
            resource.headers.retain(|row| !row.key.eq_ignore_ascii_case("content-type"));
        }
        fields.set(resource, kind);
    }

    fn files(&mut self, fields: &mut Fields, name: &str, src: &Value, media: Option<&str>, resource: &Resource) {
        let paths: Vec<&str> = match src {
            Value::Array(paths) => paths.iter().filter_map(Value::as_str).collect(),
            Value::String(path) => vec![path],
            _ => vec!["file"],
        };
        for path in paths {
            let own_name = path.rsplit(['/', '\\']).next().unwrap_or(path);
            let part = file(name, &marked::clean(own_name), media, &resource.name, self.report);
            fields.add(name, part);
        }
    }

    fn graphql(&mut self, body: &Value, resource: &mut Resource) {
        let of = body.get("graphql").unwrap_or(&Value::Null);
        let mut members = Map::new();
        members.insert("query".to_owned(), self.variables.fill(text(of, "query").unwrap_or_default()).into());
        if has(of, "operationName") {
            members.insert("operationName".to_owned(), of.get("operationName").cloned().unwrap_or_default());
        }
        let mut template = object(&members);
        let variables = match of.get("variables") {
            Some(Value::String(text)) => self.variables.fill(text),
            Some(value @ Value::Object(_)) => self.variables.fill(&value.to_string()),
            _ => String::new(),
        };
        if !variables.trim().is_empty() {
            // A text with places for values is JSON only once they are filled in.
            let end = template.trim_end().strip_suffix('}').map_or(template.len(), |rest| rest.trim_end().len());
            template.truncate(end);
            template.push_str(",\n  \"variables\": ");
            template.push_str(&marked::template(&variables));
            template.push_str("\n}");
        }
        resource.default_header("Content-Type", "application/json");
        resource.body = Some((BodyType::Json, template));
    }
}
