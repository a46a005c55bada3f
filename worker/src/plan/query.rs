//! The query of a request: the URL's own, declared parameters, rows, and the raw query that overrides (COMPATIBILITY 4.4).
//!
//! What was written as a query keeps its bytes (CONTRACT 6): only values are encoded here.

use std::collections::HashSet;

use serde_json::Value;
use url::Url;
use url::form_urlencoded::{byte_serialize, parse};

use crate::connector::{Arrays, Invalid, Space};

use super::form_fields;
use super::ordered_pairs::override_with;
use super::prepared::NamedTemplate;
use super::template::{Escape, Scope, TemplateError};

/// Each parameter's decoded name, and the parameter as it is sent.
type Parameters = Vec<(String, String)>;

/// What the parameters of a request may take, bytes: no address is as long.
const BYTES: usize = 1024 * 1024;

/// How lists and spaces are written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    pub(super) arrays: Arrays,
    pub(super) space: Space,
}

/// Declared parameters, rows and the raw query, in the order of COMPATIBILITY 4.4.
pub(super) fn set(
    url: &mut Url,
    declared: Option<&[NamedTemplate]>,
    rows: &[(String, Value)],
    query_string: Option<&str>,
    data: &Scope<'_>,
    style: Style,
) -> Result<(), Invalid> {
    let mut parameters = written(url.query().unwrap_or_default());
    let own = match declared {
        Some(declared) => self::declared(declared, rows, data, style)?,
        None => undeclared(rows, style),
    };
    override_with(&mut parameters, &own);
    let overriding = written(query_string.unwrap_or_default());
    let names: HashSet<&str> = overriding.iter().map(|(name, _)| name.as_str()).collect();
    parameters.retain(|(name, _)| !names.contains(name.as_str()));
    parameters.extend(overriding);
    let query = parameters.into_iter().map(|(_, parameter)| parameter).collect::<Vec<_>>().join("&");
    url.set_query(Some(query.as_str()).filter(|query| !query.is_empty()));
    Ok(())
}

/// The parameters of a query that somebody wrote.
fn written(query: &str) -> Parameters {
    let parameters = query.split('&').filter(|parameter| !parameter.is_empty());
    let name = |parameter: &str| parse(parameter.as_bytes()).next().map(|(name, _)| name.into_owned());
    parameters.map(|parameter| (name(parameter).unwrap_or_default(), parameter.to_owned())).collect()
}

/// Each with the values of its rows, else with its default; a name that is declared twice is sent twice.
fn declared(
    declared: &[NamedTemplate],
    rows: &[(String, Value)],
    data: &Scope<'_>,
    style: Style,
) -> Result<Parameters, Invalid> {
    let mut parameters = Parameters::new();
    let mut from_rows: Vec<String> = Vec::new();
    let mut bytes = 0_usize;
    for (index, parameter) in declared.iter().enumerate() {
        let invalid = |e: TemplateError| Invalid::new(format!("params.{index}"), e.to_string());
        let key = parameter.key.render(data, Escape::None).map_err(invalid)?;
        if rows.iter().any(|(name, _)| *name == key) {
            if !from_rows.contains(&key) {
                let values = rows.iter().filter(|(name, _)| *name == key);
                values.for_each(|(_, value)| push(&mut parameters, &key, value, parameter.required, style));
                from_rows.push(key);
            }
        } else {
            let value = parameter.value.render(data, Escape::None).map_err(invalid)?;
            bytes = bytes.saturating_add(value.len());
            if bytes > BYTES {
                let problem = format!("the parameters up to this one take more than {BYTES} bytes; send less");
                return Err(Invalid::new(format!("params.{index}"), problem));
            }
            push(&mut parameters, &key, &Value::from(value), parameter.required, style);
        }
    }
    Ok(parameters)
}

fn undeclared(rows: &[(String, Value)], style: Style) -> Parameters {
    let mut parameters = Parameters::new();
    for (key, value) in rows {
        push(&mut parameters, key, value, false, style);
    }
    parameters
}

/// The fields of a value; nothing is sent only where it is required.
fn push(parameters: &mut Parameters, key: &str, value: &Value, required: bool, style: Style) {
    let mut fields: Vec<(String, Vec<String>)> = Vec::new();
    form_fields::push(key, value, style.arrays, &mut |name, texts| fields.push((name, texts)));
    let is_empty = match fields.as_slice() {
        [] => true,
        [(_, texts)] => texts.iter().all(String::is_empty),
        _ => false,
    };
    if is_empty && !required {
        return;
    }
    if fields.is_empty() {
        fields.push((key.to_owned(), Vec::new()));
    }
    parameters.extend(fields.into_iter().map(|(name, texts)| {
        let parameter = parameter(&name, &texts, style.space);
        (name, parameter)
    }));
}

/// `name=text`, or `name=text,text`: only what is in a text is encoded.
pub(super) fn parameter(name: &str, texts: &[String], space: Space) -> String {
    let encoded = |text: &str| {
        let form: String = byte_serialize(text.as_bytes()).collect();
        match space {
            Space::Plus => form,
            Space::Percent => form.replace('+', "%20"),
        }
    };
    let texts: Vec<String> = texts.iter().map(|text| encoded(text)).collect();
    format!("{}={}", encoded(name), texts.join(","))
}
