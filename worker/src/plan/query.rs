//! The query of a request: the URL's own, declared parameters, rows, and the raw query that overrides (sheet 4.4).

use serde_json::{Map, Value};
use url::Url;
use url::form_urlencoded;

use crate::connector::Invalid;

use super::prepared::PreparedValue;
use super::template::{Escape, Scope, TemplateError};

/// Declared parameters, rows and the raw query, in the order of sheet 4.4; re-emitted form-style.
pub(super) fn set(
    url: &mut Url,
    declared: Option<&[PreparedValue]>,
    rows: &Map<String, Value>,
    query_string: Option<&str>,
    data: &Scope<'_>,
) -> Result<(), Invalid> {
    let mut pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    match declared {
        Some(declared) => {
            for (index, param) in declared.iter().enumerate() {
                let place = |e: TemplateError| Invalid::new(format!("params.{index}"), e.to_string());
                let key = param.key.render(data, Escape::None).map_err(place)?;
                let value = match rows.get(&key).and_then(Value::as_str) {
                    Some(row) => row.to_owned(),
                    None => param.value.render(data, Escape::None).map_err(place)?,
                };
                if param.required || !value.is_empty() {
                    replace(&mut pairs, key, value);
                }
            }
        }
        None => {
            for (key, value) in rows {
                let value = value.as_str().unwrap_or_default();
                if !value.is_empty() {
                    replace(&mut pairs, key.clone(), value.to_owned());
                }
            }
        }
    }
    let overriding: Vec<(String, String)> =
        form_urlencoded::parse(query_string.unwrap_or_default().as_bytes()).into_owned().collect();
    pairs.retain(|(key, _)| overriding.iter().all(|(over, _)| over != key));
    pairs.extend(overriding);
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    url.set_query(Some(query.as_str()).filter(|query| !query.is_empty()));
    Ok(())
}

fn replace(pairs: &mut Vec<(String, String)>, key: String, value: String) {
    let place = pairs.iter().position(|(known, _)| *known == key).unwrap_or(pairs.len());
    pairs.retain(|(known, _)| *known != key);
    pairs.insert(place.min(pairs.len()), (key, value));
}
