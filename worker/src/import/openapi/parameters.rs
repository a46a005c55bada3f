//! Parameters and how they are written (OpenAPI 3.1, 4.8.12; Swagger 2, "Parameter Object").

use std::collections::HashMap;

use serde_json::Value;

use super::super::fields::{has, is_true, list, members, scalar, text};
use super::super::headers::unsendable;
use super::super::marked;
use super::super::position::Fault;
use super::super::record::{Resource, Row};
use super::Api;
use super::example;

/// Parameters of one operation.
const MOST: usize = 500;

/// A parameter whose references are followed.
#[derive(Debug)]
pub(super) struct Parameter<'a> {
    pub(super) name: String,
    pub(super) required: bool,
    pub(super) style: String,
    pub(super) explode: bool,
    /// The parameter itself in Swagger 2, else its schema.
    pub(super) schema: &'a Value,
    pub(super) example: Option<Value>,
    /// Whether its value is JSON.
    pub(super) is_json: bool,
    pub(super) written: &'a Value,
}

/// The parameters of an operation by their places.
#[derive(Debug, Default)]
pub(super) struct Parameters<'a> {
    pub(super) of_path: Vec<Parameter<'a>>,
    query: Vec<Parameter<'a>>,
    header: Vec<Parameter<'a>>,
    cookie: Vec<Parameter<'a>>,
    /// Swagger 2.
    pub(super) form: Vec<Parameter<'a>>,
    /// Swagger 2.
    pub(super) body: Option<&'a Value>,
}

impl Parameter<'_> {
    /// The only value it can have.
    pub(super) fn constant(&self) -> Option<String> {
        let only = match list(self.schema, "enum") {
            [only] => Some(only),
            _ => None,
        };
        self.schema.get("const").or(only).filter(|_| self.required).and_then(scalar)
    }

    pub(super) fn is_list(&self) -> bool {
        example::type_of(self.schema) == Some("array")
    }

    pub(super) fn is_object(&self) -> bool {
        example::type_of(self.schema) == Some("object")
    }

    /// The value of its row: constant, or the variable of its name where something has to be sent.
    fn value(&self) -> String {
        match self.constant() {
            Some(constant) => marked::literal(&constant),
            None if !self.required => String::new(),
            None if self.is_json => format!("{{{{{{{} | json}}}}}}", marked::variable_name(&self.name)),
            None => marked::template(&marked::variable(&self.name)),
        }
    }
}

impl<'a> Parameters<'a> {
    /// Those of the path and those of the operation, which win.
    pub(super) fn of(api: &mut Api<'a>, resource: &str, item: &'a Value, operation: &'a Value) -> Result<Self, Fault> {
        let mut found: Vec<(&str, &str, &'a Value)> = Vec::new();
        let mut known: HashMap<(&str, &str), usize> = HashMap::new();
        for written in list(item, "parameters").iter().chain(list(operation, "parameters")) {
            api.step(resource)?;
            let Some(parameter) = api.resolved(written)? else { continue };
            let (Some(name), Some(location)) = (text(parameter, "name"), text(parameter, "in")) else {
                api.report.left_out_of(resource, "a parameter", "it has no name, or does not say where it belongs");
                continue;
            };
            api.step_over(name)?;
            let index = *known.entry((location, name)).or_insert(found.len());
            match found.get_mut(index) {
                Some(place) => *place = (location, name, parameter),
                None => found.push((location, name, parameter)),
            }
        }
        if found.len() > MOST {
            let why = format!("an operation takes {MOST} at most; the further ones do not come over");
            api.report.left_out_of(resource, "parameters", why);
            found.truncate(MOST);
        }
        let mut parameters = Self::default();
        for (location, name, written) in found {
            if location == "body" {
                parameters.body = Some(written);
                continue;
            }
            let parameter = read(api, location, name, written)?;
            match location {
                "path" => parameters.of_path.push(parameter),
                "query" => parameters.query.push(parameter),
                "header" => parameters.header.push(parameter),
                "cookie" => parameters.cookie.push(parameter),
                "formData" => parameters.form.push(parameter),
                other => {
                    let what = format!("the parameter `{name}`");
                    api.report.left_out_of(resource, what, format!("`in: {other}` is no place that is known"));
                }
            }
        }
        Ok(parameters)
    }
}

fn read<'a>(api: &mut Api<'a>, location: &str, name: &str, written: &'a Value) -> Result<Parameter<'a>, Fault> {
    let mut is_json = false;
    let mut example = example::given(api, written)?;
    let mut schema = written;
    if !api.is_two() {
        let content = members(written, "content").next();
        let of = content.map_or(written, |(_, content)| content);
        is_json = content.is_some_and(|(media, _)| media.contains("json"));
        if example.is_none() {
            example = example::given(api, of)?;
        }
        schema = match of.get("schema") {
            Some(schema) => api.resolved(schema)?.unwrap_or(&Value::Null),
            None => &Value::Null,
        };
    }
    if example.is_none() {
        example = example::of_schema(api, schema)?;
    }
    let default_style = if matches!(location, "path" | "header") { "simple" } else { "form" };
    let (style, explode) = match text(written, "collectionFormat").filter(|_| api.is_two()) {
        Some("multi") => ("form", true),
        Some("ssv") => ("spaceDelimited", false),
        Some("pipes") => ("pipeDelimited", false),
        Some("tsv") => ("tabDelimited", false),
        Some(_) => (default_style, false),
        None if api.is_two() => (default_style, false),
        None => {
            let style = text(written, "style").unwrap_or(default_style);
            (style, written.get("explode").and_then(Value::as_bool).unwrap_or(style == "form"))
        }
    };
    Ok(Parameter {
        name: name.to_owned(),
        required: location == "path" || is_true(written, "required"),
        style: style.to_owned(),
        explode,
        schema,
        example,
        is_json,
        written,
    })
}

/// Adds parameters of query, headers and cookies to a resource.
pub(super) fn add<'a>(api: &mut Api<'a>, parameters: &Parameters<'a>, resource: &mut Resource) -> Result<(), Fault> {
    let mut arrays: Option<&'static str> = None;
    for parameter in &parameters.query {
        query(api, parameter, &mut arrays, resource)?;
    }
    if let Some(way) = arrays {
        resource.further.insert("arrays".to_owned(), way.into());
    }
    for parameter in &parameters.header {
        header(api, parameter, resource);
    }
    cookies(api, &parameters.cookie, resource);
    Ok(())
}

fn query<'a>(
    api: &mut Api<'a>,
    parameter: &Parameter<'a>,
    arrays: &mut Option<&'static str>,
    resource: &mut Resource,
) -> Result<(), Fault> {
    let name = parameter.name.as_str();
    let mut untold = |what: &str, why: String| {
        api.report.left_out_of(&resource.name, format!("{what} in the parameter `{name}`"), why);
    };
    if parameter.is_list() && !parameter.is_json {
        let way = match (parameter.style.as_str(), parameter.explode) {
            (_, true) => Some("repeat"),
            ("form", false) => Some("comma"),
            _ => None,
        };
        match (way, *arrays) {
            (Some(way), None) => *arrays = Some(way),
            (Some(way), Some(other)) if way != other => untold(
                "lists",
                format!("a resource writes all lists in one way, here `arrays: {other}`; write this one as a text"),
            ),
            (Some(_), _) => {}
            (None, _) => {
                let separator = match parameter.style.as_str() {
                    "pipeDelimited" => "`|`",
                    "spaceDelimited" => "blanks",
                    _ => "tabs",
                };
                untold("lists", format!("write the values as one text with {separator} between them"));
            }
        }
    } else if parameter.is_object() && !parameter.is_json {
        match (parameter.style.as_str(), parameter.explode) {
            // As lists of PHP: `filter[status]=open`.
            ("deepObject", _) => {}
            ("form", true) if has(parameter.schema, "properties") => {
                let required: Vec<&str> = list(parameter.schema, "required").iter().filter_map(Value::as_str).collect();
                for (property, _) in members(parameter.schema, "properties") {
                    api.step(property)?;
                    let required = parameter.required && required.contains(&property.as_str());
                    let value = if required { marked::template(&marked::variable(property)) } else { String::new() };
                    resource.params.push(Row { key: marked::literal(property), value, required });
                }
                return Ok(());
            }
            _ => untold("objects", "write the value as one text".to_owned()),
        }
    }
    if is_true(parameter.written, "allowReserved") {
        untold("reserved characters", "they are percent-encoded, which servers read alike".to_owned());
    }
    push_example(parameter, resource);
    if !name.trim().is_empty() {
        let (key, value) = (marked::literal(name), parameter.value());
        resource.params.push(Row { key, value, required: parameter.required });
    }
    Ok(())
}

/// What the variable of a required parameter can be tried with.
fn push_example(parameter: &Parameter<'_>, resource: &mut Resource) {
    if parameter.required
        && parameter.constant().is_none()
        && let Some(example) = &parameter.example
    {
        resource.test_data.insert(marked::variable_name(&parameter.name), example.clone());
    }
}

fn header(api: &mut Api<'_>, parameter: &Parameter<'_>, resource: &mut Resource) {
    let name = parameter.name.as_str();
    let what = || format!("the header `{name}`");
    if ["accept", "content-type", "authorization"].contains(&name.to_ascii_lowercase().as_str()) {
        let why = "OpenAPI does not take it for a parameter: media types and security schemes say what is sent";
        api.report.left_out_of(&resource.name, what(), why);
        return;
    }
    if let Some(why) = unsendable(name) {
        api.report.left_out_of(&resource.name, what(), why);
        return;
    }
    if parameter.is_list() || parameter.is_object() {
        let why = "a header holds a text: write the values with commas between them";
        api.report.left_out_of(&resource.name, format!("lists in the header `{name}`"), why);
    }
    push_example(parameter, resource);
    let (key, value) = (marked::literal(name), parameter.value());
    resource.headers.push(Row { key, value, required: parameter.required });
}

/// All cookies are one header.
fn cookies(api: &mut Api<'_>, cookies: &[Parameter<'_>], resource: &mut Resource) {
    let mut pairs = Vec::new();
    for cookie in cookies {
        if cookie.required {
            push_example(cookie, resource);
            pairs.push(format!("{}={}", marked::clean(&cookie.name), marked::variable(&cookie.name)));
        } else {
            let why = "it may be left out, and a header is sent whole; add it to the header `Cookie`";
            api.report.left_out_of(&resource.name, format!("the cookie `{}`", cookie.name), why);
        }
    }
    if !pairs.is_empty() {
        resource.headers.push(Row::fixed("Cookie", &pairs.join("; ")));
    }
}
