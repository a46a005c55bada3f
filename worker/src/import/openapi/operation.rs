//! One operation as a resource.

use serde_json::Value;

use super::super::fields::{has, list, members, text};
use super::super::marked;
use super::super::position::Fault;
use super::super::record::{Resource, Row};
use super::parameters::{self, Parameter, Parameters};
use super::{Api, body, deprecation, servers};

pub(super) fn resource<'a>(
    api: &mut Api<'a>,
    path: &str,
    method: &str,
    item: &'a Value,
    operation: &'a Value,
) -> Result<Resource, Fault> {
    let method = method.to_ascii_uppercase();
    let name = text(operation, "operationId").map(str::trim).filter(|id| !id.is_empty());
    let mut resource = Resource {
        name: name.map_or_else(|| format!("{method} {path}"), ToOwned::to_owned),
        description: description(item, operation),
        method,
        ..Resource::default()
    };
    let parameters = Parameters::of(api, &resource.name, item, operation)?;
    let base = servers::base(api, item, operation);
    let path = path_with_variables(api, path, &parameters, &mut resource);
    resource.url = marked::template(&format!("{base}{path}"));
    parameters::add(api, &parameters, &mut resource)?;
    body::add(api, &parameters, operation, &mut resource)?;
    accept(api, operation, &mut resource)?;
    if has(operation, "callbacks") {
        let why = "the third party makes those calls; a connector does not wait for them";
        api.report.left_out_of(&resource.name, "callbacks", why);
    }
    Ok(resource)
}

fn description(item: &Value, operation: &Value) -> String {
    let summary = text(operation, "summary").or_else(|| text(item, "summary")).unwrap_or_default().trim();
    let further = text(operation, "description").or_else(|| text(item, "description")).unwrap_or_default().trim();
    let separator = if summary.is_empty() || further.is_empty() { "" } else { "\n\n" };
    format!("{}{summary}{separator}{further}", deprecation(operation))
}

/// `/pets/{petId}` as a marked text; other braces stand for themselves.
fn path_with_variables(api: &mut Api<'_>, path: &str, parameters: &Parameters<'_>, resource: &mut Resource) -> String {
    let path = marked::clean(path);
    let path = path.split('#').next().unwrap_or_default();
    let mut out = if path.starts_with('/') { String::new() } else { "/".to_owned() };
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((name, tail)) = after.split_once('}') else {
            out.push_str("%7B");
            rest = after;
            break;
        };
        rest = tail;
        let declared = parameters.of_path.iter().find(|parameter| parameter.name == name);
        if let Some(constant) = declared.and_then(Parameter::constant) {
            out.push_str(&marked::clean(&constant));
            continue;
        }
        let variable = marked::variable_name(name);
        if variable != name {
            api.report.changed_in(&resource.name, format!("The path parameter `{name}` is the variable `{variable}`"));
        }
        if let Some(example) = declared.and_then(|parameter| parameter.example.clone()) {
            resource.test_data.insert(variable, example);
        }
        match declared.map_or("simple", |parameter| parameter.style.as_str()) {
            "matrix" => out.extend([";", name, "="]),
            "label" => out.push('.'),
            _ => {}
        }
        out.push_str(&marked::variable(name));
        if declared.is_some_and(|parameter| parameter.is_list() || parameter.is_object()) {
            let why = "a path holds a text: write the values with commas between them";
            api.report.left_out_of(&resource.name, format!("lists in the path parameter `{name}`"), why);
        }
    }
    out.push_str(rest);
    out.replace(' ', "%20").replace('}', "%7D")
}

/// A call asks for JSON; an operation that answers with something else is asked for that.
fn accept<'a>(api: &mut Api<'a>, operation: &'a Value, resource: &mut Resource) -> Result<(), Fault> {
    let mut media: Vec<&str> = Vec::new();
    if api.is_two() {
        media = list(operation, "produces").iter().filter_map(Value::as_str).collect();
        if media.is_empty() {
            media = list(api.root, "produces").iter().filter_map(Value::as_str).collect();
        }
    } else {
        for (status, response) in members(operation, "responses") {
            if !status.starts_with('2') && status != "default" {
                continue;
            }
            let Some(response) = api.resolved(response)? else { continue };
            media.extend(members(response, "content").map(|(media, _)| media.as_str()));
            if !media.is_empty() {
                break;
            }
        }
    }
    let is_json = |media: &&str| {
        let media = media.split(';').next().unwrap_or_default().trim();
        matches!(media, "application/json" | "*/*" | "application/*")
    };
    let first = media.iter().find(|media| !media.contains('*')).copied();
    if media.is_empty() || media.iter().any(is_json) || resource.has_header("Accept") {
        return Ok(());
    }
    let json = media.iter().find(|media| media.contains("json")).copied();
    if let Some(media) = json.or(first) {
        resource.headers.push(Row::fixed("Accept", &marked::clean(media)));
    }
    Ok(())
}
