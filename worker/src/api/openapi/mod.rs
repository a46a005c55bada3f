//! The OpenAPI 3.1 document, made from the table of routes; shapes and parameters are in the JSON files beside it.

use axum::http::{Method, StatusCode};
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::error::Error;
use super::request::Request;
use super::respond;
use super::routes::{Needs, Route};
use super::service::BASE;
use super::table;

const SCHEMAS: &str = include_str!("schemas.json");
/// Bodies that need not be there.
const OPTIONAL: [&str; 2] = ["Replay", "Connect"];
const PARAMETERS: &str = include_str!("parameters.json");
const HEADERS: &str = include_str!("headers.json");

/// GET `/openapi.json`.
pub(super) async fn serve(_request: Request) -> Result<Response, Error> {
    Ok(respond::json_text(StatusCode::OK, text()))
}

/// The document as it is served, printed and checked in.
pub fn text() -> String {
    format!("{:#}\n", document())
}

fn document() -> Value {
    let mut paths = Map::new();
    for route in table::routes() {
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method.as_str().to_ascii_lowercase()] = operation(&route);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Data Connector",
            "version": "1.0",
            "description": "Connectors, their calls, and the jobs of processes.",
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": BASE}],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "schemas": read(SCHEMAS),
            "parameters": read(PARAMETERS),
            "headers": read(HEADERS),
        },
    })
}

/// The files are part of the program, and a test reads them.
fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

fn operation(route: &Route) -> Value {
    let mut operation = json!({
        "operationId": route.operation,
        "summary": route.summary,
        "x-scope": scope(route.needs),
        "responses": responses(route),
    });
    let path = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let in_path = path.map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}));
    let in_query = route.query.iter().map(|name| json!({"$ref": format!("#/components/parameters/{name}")}));
    let parameters: Vec<Value> = in_path.chain(in_query).collect();
    if !parameters.is_empty() {
        operation["parameters"] = Value::Array(parameters);
    }
    if let Some(schema) = route.body {
        operation["requestBody"] = json!({"required": !OPTIONAL.contains(&schema), "content": content(schema)});
    }
    if matches!(route.needs, Needs::Public) {
        operation["security"] = json!([]);
    }
    operation
}

/// The media types of a body, as bodies and answers have them; most are JSON.
fn content(schema: &str) -> Value {
    let schema_of = |name: &str| json!({"schema": reference(name)});
    let text = json!({"schema": {"type": "string"}});
    match schema {
        "Bpmn" => {
            json!({"application/xml": schema_of(schema), "text/xml": schema_of(schema), "application/bpmn+xml": schema_of(schema)})
        }
        "ModelToLint" => json!({
            "application/xml": schema_of("Bpmn"), "text/xml": schema_of("Bpmn"), "application/bpmn+xml": schema_of("Bpmn"),
            "application/json": schema_of(schema),
        }),
        "Model" => json!({"application/json": schema_of(schema), "application/xml": schema_of("Bpmn")}),
        "Page" => json!({"text/html": schema_of(schema)}),
        "ConvertibleText" => json!({"application/json": schema_of(schema), "text/plain": text}),
        "RecordsFile" => {
            json!({"text/csv": text, "application/x-ndjson": text, "application/json": {"schema": {}}})
        }
        _ => json!({"application/json": schema_of(schema)}),
    }
}

/// What a refusal holds; where a third party's answer is passed on, it may be anything.
fn refusal(route: &Route) -> Value {
    let error = reference("Error");
    if route.passes_on {
        let theirs = json!({"description": "What the third party answered: `X-Upstream-Status` is there."});
        return json!({"application/json": {"schema": {"anyOf": [error, theirs]}}, "*/*": {}});
    }
    json!({"application/json": {"schema": error}})
}

/// The headers that tell something about an answer.
fn headers(route: &Route, status: u16) -> Vec<&'static str> {
    let mut names = match status {
        200 | 304 if route.answers.contains(&(304, "")) => vec!["ETag"],
        201 | 202 => vec!["Location"],
        401 => vec!["WWW-Authenticate"],
        429 | 503 => vec!["Retry-After"],
        _ => vec![],
    };
    if route.passes_on {
        names.push("X-Upstream-Status");
    }
    names
}

/// An answer with these headers; `content` is null where it has no body.
fn response(description: &str, headers: Vec<&'static str>, content: Value) -> Value {
    let mut response = json!({"description": description});
    if !headers.is_empty() {
        let reference = |name: &str| json!({"$ref": format!("#/components/headers/{name}")});
        response["headers"] = headers.into_iter().map(|name| (name.to_owned(), reference(name))).collect();
    }
    if !content.is_null() {
        response["content"] = content;
    }
    response
}

fn scope(needs: Needs) -> String {
    match needs {
        Needs::Public => "public".to_owned(),
        Needs::Any => "any".to_owned(),
        Needs::Scopes(scopes) => scopes.iter().map(|scope| scope.name()).collect::<Vec<_>>().join("|"),
    }
}

fn reference(schema: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{schema}")})
}

fn responses(route: &Route) -> Value {
    let mut responses = Map::new();
    for (status, schema) in route.answers {
        let content = if schema.is_empty() { Value::Null } else { content(schema) };
        responses.insert(status.to_string(), response(description(*status), headers(route, *status), content));
    }
    for status in refusals(route) {
        let refused = || response(description(status), headers(route, status), refusal(route));
        responses.entry(status.to_string()).or_insert_with(refused);
    }
    if route.passes_on {
        for range in ["4XX", "5XX"] {
            let theirs = response("The third party answered so.", headers(route, 0), refusal(route));
            responses.insert(range.to_owned(), theirs);
        }
    }
    Value::Object(responses)
}

/// What can be answered instead: by everything, by what needs a token, by what has a body or a parameter in its path.
fn refusals(route: &Route) -> Vec<u16> {
    let mut statuses = vec![400, 500, 503];
    if !matches!(route.needs, Needs::Public) {
        statuses.extend([401, 429]);
    }
    if matches!(route.needs, Needs::Scopes(_)) {
        statuses.push(403);
    }
    if route.path.contains('{') {
        statuses.push(404);
    }
    if route.body.is_some() || route.method == Method::POST || route.method == Method::PUT {
        statuses.extend([408, 413, 415, 422]);
    }
    statuses.extend(route.refusals);
    statuses.sort_unstable();
    statuses.dedup();
    statuses
}

fn description(status: u16) -> &'static str {
    match status {
        200 => "What was asked for.",
        201 => "It was made.",
        202 => "It was accepted and goes on.",
        204 => "It was done.",
        303 => "The browser goes back to where it came from.",
        304 => "It has not changed.",
        400 => "The path or the body cannot be read.",
        401 => "No valid token.",
        403 => "The token may not.",
        404 => "There is no such thing.",
        408 => "The body came too slowly.",
        409 => "It is in another state, or the idempotency key was used for something else.",
        412 => "It was changed since.",
        413 => "The body is too large.",
        415 => "The body has another media type.",
        422 => "The body or a parameter cannot be used.",
        429 => "Too many requests.",
        502 => "The third party failed.",
        503 => "Something that is needed is away.",
        504 => "The third party did not answer in time.",
        _ => "A defect.",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// All `$ref`s of a document.
    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(reference)) = members.get("$ref") {
                    found.insert(reference.clone());
                }
                members.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }

    #[test]
    fn all_references_lead_somewhere_and_nothing_is_there_in_vain() {
        let document = document();
        let mut found = BTreeSet::new();
        references(&document, &mut found);
        for reference in &found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
        for kind in ["schemas", "parameters", "headers"] {
            for name in document["components"][kind].as_object().unwrap().keys() {
                assert!(found.contains(&format!("#/components/{kind}/{name}")), "{kind}/{name} is never named");
            }
        }
    }

    #[test]
    fn the_file_is_what_is_served() {
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
        let checked_in = std::fs::read_to_string(&file).unwrap();
        assert!(checked_in == text(), "run `data-connector openapi > worker/openapi.json`");
    }

    #[test]
    fn every_operation_has_a_name_of_its_own_and_a_sentence() {
        let routes = table::routes();
        let names: BTreeSet<&str> = routes.iter().map(|route| route.operation).collect();
        assert_eq!(names.len(), routes.len());
        for route in &routes {
            assert!(route.summary.ends_with('.'), "{}", route.operation);
            assert!(!route.answers.is_empty(), "{}", route.operation);
        }
        assert!(super::super::routes::Router::new(routes).is_ok());
    }
}
