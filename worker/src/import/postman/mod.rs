//! Postman collections 2.0 and 2.1: each request becomes a resource, each way of authentication a record.

mod auth;
mod body;
mod request;
mod variables;

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::budget::Budget;
use super::document::Document;
use super::fields::{has, list, text};
use super::position::Fault;
use super::record::{Auth, Draft, Resource};
use super::report::Report;
use variables::Variables;

/// A collection that is read, and what is told about it.
struct Collection<'a> {
    document: &'a Document<'a>,
    variables: Variables,
    /// Names of the folders around a request.
    folders: Vec<String>,
    /// Authentication of the collection and of the folders around a request.
    auths: Vec<&'a Value>,
    budget: Budget,
    found: Vec<Found>,
    report: &'a mut Report,
}

/// A request as it was found.
struct Found {
    resource: Resource,
    auth: Auth,
    folder: String,
}

/// The records of a collection.
pub(super) fn read(document: &Document<'_>, report: &mut Report) -> Result<Vec<Map<String, Value>>, Fault> {
    let root = document.root();
    // As Postman's API answers it.
    let root = root.get("collection").filter(|collection| collection.is_object()).unwrap_or(root);
    if root.get("item").is_none() && root.get("requests").is_some() {
        let problem = "collections of version 1 are not read: export the collection as version 2.1";
        return Err(document.fault("requests", problem));
    }
    let Some(items) = root.get("item").and_then(Value::as_array) else {
        return Err(document.fault("item", "`item` must be a list: the requests and folders of the collection"));
    };
    let mut collection = Collection {
        document,
        variables: Variables::default(),
        folders: Vec::new(),
        auths: root.get("auth").into_iter().filter(|auth| !auth.is_null()).collect(),
        budget: Budget::default(),
        found: Vec::new(),
        report,
    };
    collection.variables.enter(root);
    collection.tell_scripts(root, "");
    collection.items(items)?;
    let Collection { mut found, mut variables, report, .. } = collection;
    variables.tell(report);
    name_by_folder(&mut found);
    let info = root.get("info").unwrap_or(&Value::Null);
    let drafts = drafts(found, text(info, "name").unwrap_or_default(), &description(info));
    Ok(drafts.into_iter().map(|draft| draft.into_record(report)).collect())
}

impl<'a> Collection<'a> {
    fn items(&mut self, items: &'a [Value]) -> Result<(), Fault> {
        for item in items {
            let name = text(item, "name").unwrap_or_default();
            let document = self.document;
            self.budget.steps(1, || document.place_of(name))?;
            self.tell_scripts(item, name);
            if let Some(inner) = item.get("item").and_then(Value::as_array) {
                self.folders.push(name.to_owned());
                let auth = item.get("auth").filter(|auth| !auth.is_null());
                self.auths.extend(auth);
                self.variables.enter(item);
                self.items(inner)?;
                self.variables.leave();
                if auth.is_some() {
                    self.auths.pop();
                }
                self.folders.pop();
            } else if let Some(request) = item.get("request") {
                self.variables.enter(item);
                self.request(name, item, request)?;
                self.variables.leave();
            } else {
                self.report.left_out_of(name, "an item", "it is neither a request nor a folder");
            }
        }
        Ok(())
    }

    fn request(&mut self, name: &str, item: &'a Value, request: &'a Value) -> Result<(), Fault> {
        if has(item, "response") {
            let why = "a connector has no answers; an element maps the one that comes";
            self.report.left_out_of(name, "saved answers", why);
        }
        for member in ["protocolProfileBehavior", "proxy", "certificate"] {
            if has(item, member) || has(request, member) {
                let what = format!("`{member}`");
                self.report.left_out_of(
                    name,
                    what,
                    "how a call is carried is the connector's and the operator's setting",
                );
            }
        }
        if let Some((resource, auth)) = self.resource(name, request) {
            let document = self.document;
            self.budget.bytes(resource.weight(), || document.place_of(name))?;
            let folder = self.folders.last().cloned().unwrap_or_default();
            self.found.push(Found { resource, auth, folder });
        }
        Ok(())
    }

    fn tell_scripts(&mut self, of: &Value, name: &str) {
        let has_code = |event: &Value| {
            let script = event.get("script").unwrap_or(&Value::Null);
            match script.get("exec") {
                Some(Value::Array(lines)) => {
                    lines.iter().any(|line| line.as_str().is_some_and(|l| !l.trim().is_empty()))
                }
                Some(Value::String(code)) => !code.trim().is_empty(),
                _ => has(script, "src"),
            }
        };
        if list(of, "event").iter().any(has_code) {
            self.report.left_out_of(name, "scripts", "a connector runs no scripts; map and compute in the process");
        }
    }
}

/// Requests of one name are told apart by their folders.
fn name_by_folder(found: &mut [Found]) {
    let mut counts: HashMap<String, usize> = HashMap::new();
    for one in found.iter() {
        *counts.entry(one.resource.name.clone()).or_default() += 1;
    }
    for one in found {
        if counts.get(&one.resource.name).is_some_and(|count| *count > 1) && !one.folder.is_empty() {
            one.resource.name = format!("{}/{}", one.folder, one.resource.name);
        }
    }
}

/// One record for each way of authentication: a request must not get a credential that it was not made for. The one of most
/// requests has the collection's name.
fn drafts(found: Vec<Found>, name: &str, description: &str) -> Vec<Draft> {
    let mut drafts: Vec<Draft> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    for Found { resource, auth, .. } in found {
        let next = drafts.len();
        let index = *known.entry(auth.key()).or_insert(next);
        if index == next {
            drafts.push(Draft { description: description.to_owned(), auth, ..Draft::default() });
        }
        if let Some(draft) = drafts.get_mut(index) {
            draft.resources.push(resource);
        }
    }
    drafts.sort_by_key(|draft| std::cmp::Reverse(draft.resources.len()));
    for (index, draft) in drafts.iter_mut().enumerate() {
        draft.name = match (index, draft.auth.authtype) {
            (0, _) => name.to_owned(),
            (_, "NONE") => format!("{name} (no authentication)"),
            (_, authtype) => format!("{name} ({authtype})"),
        };
    }
    drafts
}

/// A description, which may be an object with its format.
fn description(of: &Value) -> String {
    let written = of.get("description").unwrap_or(&Value::Null);
    written.as_str().or_else(|| text(written, "content")).unwrap_or_default().to_owned()
}
