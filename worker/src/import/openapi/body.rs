//! What an operation sends: an example of the document, else what its schema requires, as variables.

use serde_json::{Map, Value};

use super::super::fields::{has, list, members, text};
use super::super::marked;
use super::super::position::Fault;
use super::super::record::{BodyType, Resource};
use super::parameters::{Parameter, Parameters};
use super::{Api, example};

/// Bytes of a body's template; longer ones are not rendered.
const BYTES: usize = 200 * 1024;
/// Values of a sample.
const SAMPLE: usize = 200;
/// Optional members that a body made of nothing else may have.
const ALL: usize = 50;
const FORM: &str = "application/x-www-form-urlencoded";
const MULTIPART: &str = "multipart/form-data";

/// A body's media type, its schema and where examples may stand.
struct Content<'a> {
    media: String,
    of: &'a Value,
    schema: &'a Value,
}

pub(super) fn add<'a>(
    api: &mut Api<'a>,
    parameters: &Parameters<'a>,
    operation: &'a Value,
    resource: &mut Resource,
) -> Result<(), Fault> {
    api.sample_left = SAMPLE;
    if api.is_two() {
        if !parameters.form.is_empty() {
            return form_of_two(api, parameters, operation, resource);
        }
        let Some(body) = parameters.body else { return Ok(()) };
        let media =
            consumed(api, operation).filter(|media| !media.contains('*')).unwrap_or("application/json").to_owned();
        let schema = body.get("schema").unwrap_or(&Value::Null);
        return set(api, &Content { media, of: body, schema }, resource);
    }
    let Some(written) = operation.get("requestBody") else { return Ok(()) };
    let Some(body) = api.resolved(written)? else { return Ok(()) };
    let Some(chosen) = chosen(api, body, resource)? else { return Ok(()) };
    set(api, &chosen, resource)
}

fn consumed<'a>(api: &Api<'a>, operation: &'a Value) -> Option<&'a str> {
    let of = [operation, api.root].into_iter().map(|of| list(of, "consumes")).find(|list| !list.is_empty())?;
    let mut media = of.iter().filter_map(Value::as_str);
    media.clone().find(|media| is_json(media)).or_else(|| media.next())
}

fn is_json(media: &str) -> bool {
    BodyType::of_media(media) == BodyType::Json
}

/// JSON where it is among the media types, else what can be sent; the others do not come over.
fn chosen<'a>(api: &mut Api<'a>, body: &'a Value, resource: &Resource) -> Result<Option<Content<'a>>, Fault> {
    let rank = |media: &str| {
        let essence = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            "application/json" => 0,
            _ if is_json(&essence) => 1,
            "*/*" | "application/*" => 2,
            FORM => 3,
            MULTIPART => 4,
            _ if BodyType::of_media(&essence) == BodyType::Xml => 5,
            _ if essence.starts_with("text/") => 6,
            _ => 7,
        }
    };
    let Some((media, of)) = members(body, "content").min_by_key(|(media, _)| rank(media)) else { return Ok(None) };
    for (other, _) in members(body, "content").filter(|(other, _)| *other != media) {
        api.step_over(other)?;
        let why = "a resource sends one kind of body, and another one was taken";
        api.report.left_out_of(&resource.name, format!("the body as {other}"), why);
    }
    let schema = of.get("schema").unwrap_or(&Value::Null);
    let media = if media.contains('*') && !media.contains('+') { "application/json" } else { media };
    Ok(Some(Content { media: media.replace('*', "x"), of, schema }))
}

fn set<'a>(api: &mut Api<'a>, content: &Content<'a>, resource: &mut Resource) -> Result<(), Fault> {
    let essence = content.media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let schema = api.resolved(content.schema)?.unwrap_or(&Value::Null);
    let mut given = example::given(api, content.of)?;
    if given.is_none() {
        given = example::of_schema(api, schema)?;
    }
    match essence.as_str() {
        FORM => {
            let fields = fields(api, given, schema, content.of, resource)?;
            repeat_arrays(&fields, content.of, resource);
            finish(api, resource, BodyType::Form, object(&fields));
        }
        MULTIPART => {
            let fields = fields(api, given, schema, content.of, resource)?;
            finish(api, resource, BodyType::Multipart, object(&fields));
        }
        _ => {
            resource.default_header("Content-Type", &marked::literal(&content.media));
            plain(api, given, schema, content, resource)?;
        }
    }
    Ok(())
}

/// A body that is sent as it is written.
fn plain<'a>(
    api: &mut Api<'a>,
    given: Option<Value>,
    schema: &'a Value,
    content: &Content<'a>,
    resource: &mut Resource,
) -> Result<(), Fault> {
    let kind = BodyType::of_media(&content.media);
    match (kind, given) {
        (BodyType::Json, Some(Value::String(text))) if looks_like_json(&text) => {
            finish(api, resource, kind, marked::literal(&text));
        }
        (BodyType::Json, Some(value)) => finish(api, resource, kind, format!("{:#}", literal(&value))),
        (BodyType::Json, None) => {
            let fields = fields(api, None, schema, content.of, resource)?;
            let is_object = !fields.is_empty() || example::type_of(schema) == Some("object");
            let body = if is_object {
                object(&fields)
            } else {
                resource.test_data.insert("body".to_owned(), example::sample(api, schema, 0)?);
                "{{{body | json}}}".to_owned()
            };
            finish(api, resource, kind, body);
        }
        (_, Some(Value::String(text))) => finish(api, resource, kind, marked::literal(&text)),
        (BodyType::Raw, None) if content.media.starts_with("text/") => {
            finish(api, resource, kind, marked::template(&marked::variable("body")));
        }
        _ => {
            let why = format!("the document has no example of {}: write the body by hand", content.media);
            api.report.left_out_of(&resource.name, "the body", why);
        }
    }
    Ok(())
}

fn looks_like_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() && text.trim_start().starts_with(['{', '['])
}

/// A member of a body and the JSON text of its template.
type Field = (String, String);

/// The members of a body that is an object: of an example, else those that the schema requires, as variables, and those that
/// have examples of their own.
fn fields<'a>(
    api: &mut Api<'a>,
    given: Option<Value>,
    schema: &'a Value,
    of: &'a Value,
    resource: &mut Resource,
) -> Result<Vec<Field>, Fault> {
    let is_multipart = resource.headers.iter().all(|row| !row.key.eq_ignore_ascii_case("content-type"));
    let given = match given {
        Some(Value::Object(members)) => members,
        _ => Map::new(),
    };
    let properties = example::properties(api, schema)?;
    let mut fields = Vec::new();
    let mut optional = 0;
    for (name, property, required) in &properties {
        if is_multipart && is_file(property) {
            if given.is_empty() || given.contains_key(*name) {
                fields.push(((*name).to_owned(), file(api, name, property, of, resource)));
            }
            continue;
        }
        if given.contains_key(*name) || !given.is_empty() {
            continue;
        }
        if let Some(example) = example::of_schema(api, property)? {
            fields.push(((*name).to_owned(), literal(&example).to_string()));
        } else if *required {
            fields.push(variable(api, name, property, resource)?);
        } else {
            optional += 1;
        }
    }
    // Nothing is required: what creates or replaces a thing says all of it, what changes one must not.
    if fields.is_empty() && given.is_empty() && optional <= ALL && matches!(resource.method.as_str(), "POST" | "PUT") {
        optional = 0;
        for (name, property, _) in properties {
            fields.push(variable(api, name, property, resource)?);
        }
    }
    let files: Vec<String> = fields.iter().map(|(name, _)| name.clone()).collect();
    for (name, value) in given.iter().filter(|(name, _)| !files.contains(name)) {
        fields.push((name.clone(), literal(value).to_string()));
    }
    if given.is_empty() && optional > 0 {
        let why = "the document has no examples of them: write those that are needed into the body";
        api.report.left_out_of(&resource.name, "optional members of the body", why);
    }
    Ok(fields)
}

/// A member whose value is a variable of any type.
fn variable<'a>(api: &mut Api<'a>, name: &str, property: &'a Value, resource: &mut Resource) -> Result<Field, Fault> {
    let variable = marked::variable_name(name);
    let sample = example::sample(api, property, 1)?;
    resource.test_data.insert(variable.clone(), sample);
    Ok((name.to_owned(), format!("{{{{{{{variable} | json}}}}}}")))
}

fn is_file(property: &Value) -> bool {
    matches!(text(property, "format"), Some("binary" | "byte"))
        || matches!(text(property, "type"), Some("file"))
        || has(property, "contentMediaType") && !has(property, "contentEncoding")
}

/// A part whose content is in a variable, in Base64.
fn file(api: &mut Api<'_>, name: &str, property: &Value, of: &Value, resource: &Resource) -> String {
    let encoding = of.get("encoding").and_then(|encoding| text(encoding.get(name)?, "contentType"));
    let media = encoding.or_else(|| text(property, "contentMediaType")).filter(|media| !media.contains(['*', ',']));
    let variable = marked::variable_name(name);
    api.report.changed_in(
        &resource.name,
        format!("The file `{name}` is the variable `{variable}`, which holds its content in Base64"),
    );
    let mut part = Map::new();
    part.insert("base64".to_owned(), marked::template(&marked::variable(name)).into());
    part.insert("filename".to_owned(), marked::literal(name).into());
    if let Some(media) = media {
        part.insert("contentType".to_owned(), marked::literal(media).into());
    }
    Value::Object(part).to_string()
}

/// Lists in forms are repeated names, unless the document asks for brackets.
fn repeat_arrays(fields: &[Field], of: &Value, resource: &mut Resource) {
    let has_brackets = members(of, "encoding").any(|(_, encoding)| text(encoding, "style") == Some("deepObject"));
    let has_list = fields.iter().any(|(_, value)| value.starts_with('['));
    if has_list && !has_brackets && !resource.further.contains_key("arrays") {
        resource.further.insert("arrays".to_owned(), "repeat".into());
    }
}

/// The fields of a form in Swagger 2.
fn form_of_two<'a>(
    api: &mut Api<'a>,
    parameters: &Parameters<'a>,
    operation: &'a Value,
    resource: &mut Resource,
) -> Result<(), Fault> {
    let consumes = [operation, api.root].into_iter().map(|of| list(of, "consumes")).find(|list| !list.is_empty());
    let is_multipart = consumes.unwrap_or_default().iter().filter_map(Value::as_str).any(|media| media == MULTIPART)
        || parameters.form.iter().any(|parameter| is_file(parameter.written));
    let mut fields = Vec::new();
    for Parameter { name, required, written, example, .. } in &parameters.form {
        if is_file(written) {
            fields.push((name.clone(), file(api, name, written, &Value::Null, resource)));
        } else if let Some(example) = example {
            fields.push((name.clone(), literal(example).to_string()));
        } else if *required {
            fields.push(variable(api, name, written, resource)?);
        } else {
            let why = "it may be left out, and the document has no example: write it into the body";
            api.report.left_out_of(&resource.name, format!("the field `{name}`"), why);
        }
    }
    let kind = if is_multipart { BodyType::Multipart } else { BodyType::Form };
    if kind == BodyType::Form {
        repeat_arrays(&fields, &Value::Null, resource);
    }
    finish(api, resource, kind, object(&fields));
    Ok(())
}

/// A JSON object of members whose values are JSON texts or templates of them.
fn object(fields: &[Field]) -> String {
    if fields.is_empty() {
        return "{}".to_owned();
    }
    let member = |(name, value): &Field| format!("  {}: {value}", Value::from(marked::literal(name)));
    format!("{{\n{}\n}}", fields.iter().map(member).collect::<Vec<_>>().join(",\n"))
}

/// A value whose texts stand for themselves in a template.
fn literal(value: &Value) -> Value {
    match value {
        Value::String(text) => marked::literal(text).into(),
        Value::Array(list) => list.iter().map(literal).collect(),
        Value::Object(map) => {
            Value::Object(map.iter().map(|(name, value)| (marked::literal(name), literal(value))).collect())
        }
        other => other.clone(),
    }
}

fn finish(api: &mut Api<'_>, resource: &mut Resource, kind: BodyType, template: String) {
    if template.len() > BYTES {
        let why = format!("a body has {BYTES} bytes at most: write it by hand");
        api.report.left_out_of(&resource.name, "the example of the body", why);
        return;
    }
    resource.body = Some((kind, template));
}
