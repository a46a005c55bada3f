//! OpenAPI 3.0 and 3.1, and Swagger 2: each operation becomes a resource.

mod body;
mod example;
mod operation;
mod parameters;
mod reference;
mod security;
mod servers;

use serde_json::{Map, Value};

use super::budget::Budget;
use super::document::Document;
use super::fields::{is_true, members, text};
use super::position::Fault;
use super::record::{Draft, Resource};
use super::report::{Report, quoted};

/// The version of the specification, as far as documents differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    /// Swagger 2.
    Two,
    /// OpenAPI 3.
    Three,
}

/// A document that is read, and what is told about it.
struct Api<'a> {
    document: &'a Document<'a>,
    root: &'a Value,
    version: Version,
    budget: Budget,
    references: reference::Known<'a>,
    /// What URLs begin with, where an operation does not say otherwise.
    base: Option<String>,
    /// Values that the sample in the making may still hold.
    sample_left: usize,
    report: &'a mut Report,
}

/// Methods as path items name them; TRACE is none that can be called.
const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "query"];

/// The record of a document.
pub(super) fn read(document: &Document<'_>, report: &mut Report) -> Result<Vec<Map<String, Value>>, Fault> {
    let root = document.root();
    let mut api = Api {
        document,
        root,
        version: version(document)?,
        budget: Budget::default(),
        references: reference::Known::default(),
        base: None,
        sample_left: 0,
        report,
    };
    let Some(paths) = root.get("paths").and_then(Value::as_object) else {
        if root.get("paths").is_some_and(|paths| !paths.is_null()) {
            return Err(document.fault("paths", "`paths` must be an object: paths and their operations"));
        }
        return Err(Fault::new(0, "the document has no `paths`: nothing in it can be called"));
    };
    let mut security = security::Choice::of(&mut api)?;
    let mut resources = Vec::new();
    for (path, item) in paths {
        resources.extend(path_item(&mut api, path, item, &mut security)?);
    }
    if let Some((name, _)) = members(root, "webhooks").next() {
        let count = members(root, "webhooks").count();
        let what = if count == 1 { format!("the web hook {}", quoted(name)) } else { format!("{count} web hooks") };
        api.report.left_out(what, "the third party makes those calls, a connector does not");
    }
    let info = root.get("info").unwrap_or(&Value::Null);
    let mut auth = security.auth(&mut api);
    if auth.is_none() {
        auth = servers::user_info(&mut api);
    }
    let draft = Draft {
        name: text(info, "title").unwrap_or_default().to_owned(),
        description: text(info, "description").or_else(|| text(info, "summary")).unwrap_or_default().to_owned(),
        auth,
        resources,
    };
    Ok(vec![draft.into_record(api.report)])
}

fn version(document: &Document<'_>) -> Result<Version, Fault> {
    let written = |name: &str| document.root().get(name).and_then(super::fields::scalar);
    match (written("openapi"), written("swagger")) {
        (Some(version), _) if version.starts_with("3.") => Ok(Version::Three),
        (None, Some(version)) if version == "2" || version.starts_with("2.") => Ok(Version::Two),
        (Some(version), _) => {
            Err(document.fault("openapi", format!("OpenAPI {version} is not read; 3.0, 3.1 and Swagger 2.0 are")))
        }
        (None, Some(version)) => {
            Err(document.fault("swagger", format!("Swagger {version} is not read; 2.0 and OpenAPI 3 are")))
        }
        (None, None) => Err(Fault::new(0, "the version of the document is missing: `openapi: 3.1.0`")),
    }
}

/// The operations of one path.
fn path_item<'a>(
    api: &mut Api<'a>,
    path: &str,
    item: &'a Value,
    security: &mut security::Choice<'a>,
) -> Result<Vec<Resource>, Fault> {
    let mut resources = Vec::new();
    if path.starts_with("x-") {
        return Ok(resources);
    }
    let Some(item) = api.resolved(item)?.filter(|item| item.is_object()) else {
        api.report.left_out(format!("the path {}", quoted(path)), "it holds no operations");
        return Ok(resources);
    };
    for method in METHODS {
        let Some(operation) = item.get(method).filter(|operation| operation.is_object()) else { continue };
        api.step(path)?;
        let resource = operation::resource(api, path, method, item, operation)?;
        security.note(api, &resource.name, operation)?;
        let document = api.document;
        api.budget.bytes(resource.weight(), || document.place_of(path))?;
        resources.push(resource);
    }
    if item.get("trace").is_some() {
        api.report.left_out(format!("TRACE {}", quoted(path)), "TRACE is no method that can be called");
    }
    Ok(resources)
}

impl Api<'_> {
    /// Takes a step; a fault names the place of `written`.
    fn step(&mut self, written: &str) -> Result<(), Fault> {
        let document = self.document;
        self.budget.steps(1, || document.place_of(written))
    }

    /// Takes the steps of a name that is copied: what is referred to often may have a long one.
    fn step_over(&mut self, name: &str) -> Result<(), Fault> {
        let document = self.document;
        self.budget.steps(1 + name.len() / 64, || document.place_of(name))
    }

    fn is_two(&self) -> bool {
        self.version == Version::Two
    }
}

/// What a description says about an operation that is on its way out.
fn deprecation(operation: &Value) -> &'static str {
    if is_true(operation, "deprecated") { "Deprecated. " } else { "" }
}
