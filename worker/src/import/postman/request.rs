//! One request as a resource.

use serde_json::Value;

use super::super::fields::{is_true, list, scalar, text};
use super::super::headers::{self, Sorted, sorted};
use super::super::marked;
use super::super::record::{Auth, Resource, Row};
use super::super::report::quoted;
use super::super::url_parts::UrlParts;
use super::{Collection, description};

/// The longest URL that is read, bytes; calls take 16 KiB.
const URL_BYTES: usize = 64 * 1024;

impl Collection<'_> {
    /// The resource of a request and its credential; a request may be a URL and nothing else.
    pub(super) fn resource(&mut self, name: &str, request: &Value) -> Option<(Resource, Auth)> {
        let url = request.get("url").unwrap_or(request);
        let method = text(request, "method").filter(|method| !method.is_empty()).unwrap_or("GET");
        let mut resource = Resource {
            name: name.to_owned(),
            description: description(request),
            method: marked::template(&self.variables.fill(&method.to_uppercase())),
            ..Resource::default()
        };
        self.url(url, &mut resource)?;
        let known = self.auth(name, request);
        let written = self.headers(name, request.get("header").unwrap_or(&Value::Null));
        let Sorted { rows, auth } = sorted(&written, known, name, self.report);
        resource.headers = rows;
        self.body(request.get("body").unwrap_or(&Value::Null), &mut resource);
        Some((resource, auth))
    }

    /// Sets URL and parameters.
    fn url(&mut self, url: &Value, resource: &mut Resource) -> Option<()> {
        let written = match url {
            Value::String(raw) => raw.clone(),
            of => joined(of).unwrap_or_else(|| text(of, "raw").unwrap_or_default().to_owned()),
        };
        if written.trim().is_empty() || written.len() > URL_BYTES {
            let why = if written.len() > URL_BYTES { "its URL is too long" } else { "it has no URL" };
            self.report.left_out(format!("the request {}", quoted(&resource.name)), why);
            return None;
        }
        let rows = url.get("query").and_then(Value::as_array);
        let written = if rows.is_some() { written.split('?').next().unwrap_or_default().to_owned() } else { written };
        let mut parts = UrlParts::of(&self.variables.fill(&written));
        if parts.scheme.is_empty() && !marked::has_variable(&parts.authority) {
            "http".clone_into(&mut parts.scheme);
        }
        if marked::has_variable(&parts.authority) {
            let why = "its value is not in the collection: put the address into the variable, or write it into the URL";
            let what = format!("the host {}", quoted(&marked::shown(&parts.authority)));
            self.report.left_out_of(&resource.name, what, why);
        }
        if parts.user_info.take().is_some() {
            let why = "a URL holds no user name and password: set them under Authentication";
            self.report.left_out_of(&resource.name, "the user name and the password in the URL", why);
        }
        parts.path = self.path(&parts.path, list(url, "variable"), resource);
        let (template, params) = parts.template_and_params();
        resource.url = template;
        resource.params = params;
        for row in rows.into_iter().flatten() {
            self.query(row, resource);
        }
        Some(())
    }

    /// `:id` is the variable `id`.
    fn path(&mut self, path: &str, variables: &[Value], resource: &mut Resource) -> String {
        let part = |part: &str| match part.strip_prefix(':').filter(|name| !name.is_empty()) {
            Some(name) => marked::variable(name),
            None => part.to_owned(),
        };
        for variable in variables {
            let Some(name) = text(variable, "key").or_else(|| text(variable, "id")) else { continue };
            let value = variable.get("value").and_then(scalar).unwrap_or_default();
            let value = self.variables.fill(&value);
            if !value.is_empty() && !marked::has_variable(&value) {
                resource.test_data.insert(marked::variable_name(name), value.into());
            }
        }
        path.split('/').map(part).collect::<Vec<_>>().join("/")
    }

    fn query(&mut self, row: &Value, resource: &mut Resource) {
        let key = self.variables.fill(text(row, "key").unwrap_or_default());
        let key = super::super::url_parts::decoded(&key);
        if key.trim().is_empty() {
            return;
        }
        if is_true(row, "disabled") {
            let why = "it is switched off: it is sent where an element gives it a value";
            self.report.left_out_of(&resource.name, format!("the value of the parameter {}", quoted(&key)), why);
            resource.params.push(Row { key: marked::template(&key), value: String::new(), required: false });
            return;
        }
        let value = self.variables.fill(&row.get("value").and_then(scalar).unwrap_or_default());
        resource.params.push(Row::fixed(&key, &super::super::url_parts::decoded(&value)));
    }

    /// Headers as marked texts: a list of rows, or lines.
    fn headers(&mut self, name: &str, written: &Value) -> Vec<(String, String)> {
        let rows: Vec<(String, String, bool)> = match written {
            Value::Array(rows) => rows
                .iter()
                .map(|row| {
                    let value = row.get("value").and_then(scalar).unwrap_or_default();
                    (text(row, "key").unwrap_or_default().to_owned(), value, is_true(row, "disabled"))
                })
                .collect(),
            Value::String(lines) => lines
                .lines()
                .filter_map(|line| line.split_once(':'))
                .map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned(), false))
                .collect(),
            _ => Vec::new(),
        };
        let mut headers = Vec::new();
        for (key, value, disabled) in rows {
            if key.trim().is_empty() {
                continue;
            }
            if disabled {
                let shown = if headers::is_secret(&key) { "********" } else { value.as_str() };
                let what = format!("the header {}", quoted(&format!("{key}: {shown}")));
                self.report.left_out_of(name, what, "it is switched off");
                continue;
            }
            headers.push((self.variables.fill(key.trim()), self.variables.fill(&value)));
        }
        headers
    }
}

/// `protocol`, `host`, `port`, `path`: what a request goes to; `raw` may be older.
fn joined(of: &Value) -> Option<String> {
    let join = |value: &Value, separator: &str| match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let part = |part: &Value| scalar(part).or_else(|| part.get("value").and_then(scalar)).unwrap_or_default();
            parts.iter().map(part).collect::<Vec<_>>().join(separator)
        }
        _ => String::new(),
    };
    let host = join(of.get("host")?, ".");
    if host.is_empty() {
        return None;
    }
    let mut url = String::new();
    if let Some(protocol) = text(of, "protocol").filter(|protocol| !protocol.is_empty()) {
        url.push_str(protocol.trim_end_matches("://"));
        url.push_str("://");
    }
    url.push_str(&host);
    if let Some(port) = of.get("port").and_then(scalar).filter(|port| !port.is_empty()) {
        url.push(':');
        url.push_str(&port);
    }
    let path = of.get("path").map(|path| join(path, "/")).unwrap_or_default();
    if !path.is_empty() && !path.starts_with('/') {
        url.push('/');
    }
    url.push_str(&path);
    Some(url)
}
