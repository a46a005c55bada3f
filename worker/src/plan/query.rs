//! The query of a request: the URL's own, declared parameters, rows, and the raw query that overrides (COMPATIBILITY 4.4).

use std::collections::HashSet;

use serde_json::Value;
use url::Url;
use url::form_urlencoded;

use crate::connector::Invalid;

use super::form_fields;
use super::ordered_pairs::override_with;
use super::prepared::NamedTemplate;
use super::template::{Escape, Scope, TemplateError};

type Pairs = Vec<(String, String)>;

/// Declared parameters, rows and the raw query, in the order of COMPATIBILITY 4.4; re-emitted form-style.
pub(super) fn set(
    url: &mut Url,
    declared: Option<&[NamedTemplate]>,
    rows: &[(String, Value)],
    query_string: Option<&str>,
    data: &Scope<'_>,
) -> Result<(), Invalid> {
    let mut pairs: Pairs = url.query_pairs().into_owned().collect();
    let parameters = match declared {
        Some(declared) => self::declared(declared, rows, data)?,
        None => undeclared(rows),
    };
    override_with(&mut pairs, &parameters);
    let overriding: Pairs = form_urlencoded::parse(query_string.unwrap_or_default().as_bytes()).into_owned().collect();
    let names: HashSet<&str> = overriding.iter().map(|(name, _)| name.as_str()).collect();
    pairs.retain(|(key, _)| !names.contains(key.as_str()));
    pairs.extend(overriding);
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    url.set_query(Some(query.as_str()).filter(|query| !query.is_empty()));
    Ok(())
}

/// Each with the values of its rows, else with its default; a name that is declared twice is sent twice.
fn declared(declared: &[NamedTemplate], rows: &[(String, Value)], data: &Scope<'_>) -> Result<Pairs, Invalid> {
    let mut pairs = Pairs::new();
    let mut from_rows: Vec<String> = Vec::new();
    for (index, parameter) in declared.iter().enumerate() {
        let invalid = |e: TemplateError| Invalid::new(format!("params.{index}"), e.to_string());
        let key = parameter.key.render(data, Escape::None).map_err(invalid)?;
        if rows.iter().any(|(name, _)| *name == key) {
            if !from_rows.contains(&key) {
                let values = rows.iter().filter(|(name, _)| *name == key);
                values.for_each(|(_, value)| push(&mut pairs, &key, value, parameter.required));
                from_rows.push(key);
            }
        } else {
            let value = parameter.value.render(data, Escape::None).map_err(invalid)?;
            push(&mut pairs, &key, &Value::from(value), parameter.required);
        }
    }
    Ok(pairs)
}

fn undeclared(rows: &[(String, Value)]) -> Pairs {
    let mut pairs = Pairs::new();
    for (key, value) in rows {
        push(&mut pairs, key, value, false);
    }
    pairs
}

/// Lists and objects in brackets, as PHP writes them; nothing is sent only where it is required.
fn push(pairs: &mut Pairs, key: &str, value: &Value, required: bool) {
    let before = pairs.len();
    form_fields::push(key, value, &mut |name, text| pairs.push((name, text)));
    if pairs.len() == before && required {
        pairs.push((key.to_owned(), String::new()));
    }
    let is_empty = pairs.get(before).is_some_and(|(_, text)| text.is_empty()) && pairs.len() == before + 1;
    if is_empty && !required {
        pairs.truncate(before);
    }
}
