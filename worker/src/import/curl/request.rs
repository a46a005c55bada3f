//! One command as resources: one for each URL.

use std::collections::HashSet;

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::super::headers::{self, Sorted, api_key, basic, sorted, told};
use super::super::marked;
use super::super::position::Fault;
use super::super::record::{Auth, Resource, UNKNOWN};
use super::super::report::{Report, quoted};
use super::super::url_parts::{UrlParts, pairs};
use super::arguments::{self, Argument};
use super::data::{self, Fields};
use super::options::{has_no_effect, why_not};
use super::placeholders::{name_of, with_variables};
use super::{Command, Drafts};

/// The longest URL that is read, bytes; calls take 16 KiB.
const URL_BYTES: usize = 64 * 1024;

/// What the options of a command say about its requests.
#[derive(Debug, Default)]
struct Request {
    urls: Vec<(String, usize)>,
    method: Option<String>,
    headers: Vec<(String, String)>,
    /// Names of headers that cURL is told not to send.
    removed: Vec<String>,
    data: Vec<String>,
    json: String,
    form: Vec<(String, bool)>,
    query: Vec<String>,
    user: Option<String>,
    bearer: Option<String>,
    aws: Option<String>,
    switches: HashSet<Switch>,
    times: Vec<(&'static str, String)>,
}

/// What is said or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Switch {
    /// Something is sent, be it nothing.
    Data,
    Json,
    AsQuery,
    Head,
    Upload,
    Digest,
    Insecure,
    Follows,
}

/// Adds the resources of a command to the records of their hosts.
pub(super) fn read(command: &Command, drafts: &mut Drafts, report: &mut Report) -> Result<(), Fault> {
    let arguments = arguments::read(&command.words)?;
    let at = command.words.first().map_or(0, |word| word.at);
    for group in arguments.split(|argument| argument.name == "next") {
        let mut request = Request::default();
        for argument in group {
            request.take(argument, command.input.as_deref(), report);
        }
        request.add_json_headers();
        if request.urls.is_empty() {
            return Err(Fault::new(at, "this command has no URL"));
        }
        for (url, at) in request.urls.clone() {
            request.add(&url, at, drafts, report)?;
        }
    }
    Ok(())
}

impl Request {
    fn set(&mut self, switch: Switch) {
        self.switches.insert(switch);
    }

    fn has(&self, switch: Switch) -> bool {
        self.switches.contains(&switch)
    }

    fn take(&mut self, argument: &Argument, input: Option<&str>, report: &mut Report) {
        let value = argument.value.as_str();
        match argument.name.as_str() {
            "url" => self.urls.push((value.to_owned(), argument.at)),
            "request" => self.method = Some(value.to_ascii_uppercase()),
            "header" => self.header(value, report),
            "user-agent" => self.headers.push(("User-Agent".to_owned(), value.to_owned())),
            "referer" => {
                let value = value.strip_suffix(";auto").unwrap_or(value);
                self.headers.push(("Referer".to_owned(), value.to_owned()));
            }
            "cookie" if value.contains('=') || marked::has_variable(value) => {
                self.headers.push(("Cookie".to_owned(), value.to_owned()));
            }
            "cookie" => report.left_out(quoted(&format!("-b {value}")), "the file of cookies is not here"),
            "data" | "data-ascii" | "data-binary" | "data-raw" | "data-urlencode" => self.data(argument, input, report),
            "json" => {
                self.set(Switch::Data);
                if let Some(text) = content(value, input, "json", report) {
                    self.json.push_str(&text);
                }
                self.set(Switch::Json);
            }
            "form" => self.form.push((value.to_owned(), false)),
            "form-string" => self.form.push((value.to_owned(), true)),
            "get" => self.set(Switch::AsQuery),
            "head" => self.set(Switch::Head),
            "upload-file" => {
                self.set(Switch::Upload);
                self.set(Switch::Data);
                let name = format!("@{value}");
                self.data.extend(content(if value == "-" { "@-" } else { &name }, input, "binary", report));
            }
            "url-query" => self.query.extend(query_piece(value, report)),
            "user" => self.user = Some(value.to_owned()),
            "digest" => self.set(Switch::Digest),
            "oauth2-bearer" => self.bearer = Some(value.to_owned()),
            "aws-sigv4" => self.aws = Some(value.to_owned()),
            "insecure" => self.set(Switch::Insecure),
            "location" => self.set(Switch::Follows),
            "max-time" => self.times.push(("timeout", value.to_owned())),
            "retry" => self.times.push(("retry_attempts", value.to_owned())),
            "retry-delay" => self.times.push(("retry_wait_time", value.to_owned())),
            name if has_no_effect(name) => {}
            name => {
                let shown = if name.starts_with('-') { name.to_owned() } else { format!("--{name}") };
                report.left_out(quoted(&marked::shown(format!("{shown} {value}").trim())), why_not(name));
            }
        }
    }

    /// What `--json` stands for, where nothing else is written.
    fn add_json_headers(&mut self) {
        for name in ["Content-Type", "Accept"] {
            if self.has(Switch::Json) && !self.names(name) {
                self.headers.push((name.to_owned(), "application/json".to_owned()));
            }
        }
    }

    fn names(&self, name: &str) -> bool {
        self.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))
            || self.removed.iter().any(|known| known.eq_ignore_ascii_case(name))
    }

    fn header(&mut self, written: &str, report: &mut Report) {
        if let Some(file) = written.strip_prefix('@') {
            report.left_out(format!("the file of headers {}", quoted(file)), "it is not here");
            return;
        }
        match (written.split_once(':'), written.strip_suffix(';')) {
            (Some((name, value)), _) if value.trim().is_empty() => self.removed.push(name.trim().to_owned()),
            (Some((name, value)), _) => self.headers.push((name.trim().to_owned(), value.trim().to_owned())),
            (None, Some(name)) => self.headers.push((name.trim().to_owned(), String::new())),
            (None, None) => report.left_out(quoted(written), "a header is written `Name: value`"),
        }
    }

    fn data(&mut self, argument: &Argument, input: Option<&str>, report: &mut Report) {
        self.set(Switch::Data);
        let piece = match argument.name.as_str() {
            "data-raw" => Some(argument.value.clone()),
            "data-urlencode" => query_piece(&argument.value, report),
            "data-binary" => content(&argument.value, input, "binary", report),
            _ => content(&argument.value, input, "data", report),
        };
        self.data.extend(piece);
    }

    /// Adds the resource of one URL.
    fn add(&self, url: &str, at: usize, drafts: &mut Drafts, report: &mut Report) -> Result<(), Fault> {
        if url.len() > URL_BYTES {
            return Err(Fault::new(at, format!("this URL has more than {URL_BYTES} bytes")));
        }
        let mut parts = UrlParts::of(&with_variables(url, report));
        if parts.scheme.is_empty() {
            "http".clone_into(&mut parts.scheme);
        }
        if parts.scheme != "http" && parts.scheme != "https" {
            report.left_out(quoted(&marked::shown(url)), "only http and https are called");
            return Ok(());
        }
        if parts.authority.is_empty() {
            return Err(Fault::new(at, "this URL has no host"));
        }
        if self.has(Switch::AsQuery) {
            parts.query.extend(self.data.iter().flat_map(|data| pairs(data)));
        }
        parts.query.extend(self.query.iter().flat_map(|query| pairs(query)));
        let name = name_of(&parts.path);
        let known = self.credential(&parts, report);
        let Sorted { rows, mut auth } = sorted(&self.headers, known, &name, report);
        if auth.is_none()
            && let Some(index) = parts.query.iter().position(|(name, value)| is_key(name, value.as_deref()))
        {
            let (name, value) = parts.query.remove(index);
            let decoded = |text: &str| super::super::url_parts::decoded(text);
            auth = api_key(&decoded(&name), &decoded(&value.unwrap_or_default()), "query");
            told(&auth, &format!("The parameter {}", quoted(&name)), report);
        }
        self.verify(&mut auth, report);
        let (url, params) = parts.template_and_params();
        let mut resource = Resource { name, method: self.method(), url, params, headers: rows, ..Resource::default() };
        self.body(&mut resource, report);
        for (member, value) in &self.times {
            resource.further.insert((*member).to_owned(), value.as_str().into());
        }
        if self.has(Switch::Follows) && !matches!(resource.method.as_str(), "GET" | "HEAD") {
            report.left_out_of(&resource.name, "`--location`", "only redirects of GET and HEAD are followed");
        }
        drafts.budget.bytes(resource.weight(), || at)?;
        let host = marked::shown(&parts.authority);
        if let Some(draft) = drafts.of(&parts.origin(), &host, auth) {
            draft.resources.push(resource);
        }
        Ok(())
    }

    fn method(&self) -> String {
        let default = if self.has(Switch::Upload) {
            "PUT"
        } else if self.has(Switch::Head) {
            "HEAD"
        } else if (self.has(Switch::Data) || !self.form.is_empty()) && !self.has(Switch::AsQuery) {
            "POST"
        } else {
            "GET"
        };
        self.method.as_deref().filter(|method| !method.is_empty()).map_or_else(|| default.to_owned(), marked::template)
    }

    fn credential(&self, parts: &UrlParts, report: &mut Report) -> Auth {
        let of_url = parts.user_info.as_ref().map(|pair| percent_decode_str(pair).decode_utf8_lossy().into_owned());
        let pair = self.user.clone().or(of_url);
        if let Some(token) = &self.bearer {
            let auth = Auth::new("OAUTH2_BEARER", &[("token", token)]);
            told(&auth, "The bearer token", report);
            return auth;
        }
        let Some(pair) = pair else { return Auth::default() };
        let (username, password) = match pair.split_once(':') {
            Some((username, password)) => (username, password),
            None => (pair.as_str(), UNKNOWN),
        };
        let auth = match &self.aws {
            Some(aws) => {
                let mut further = aws.split(':').skip(2).map(|part| if part.is_empty() { UNKNOWN } else { part });
                let (region, service) = (further.next().unwrap_or(UNKNOWN), further.next().unwrap_or(UNKNOWN));
                let members = [
                    ("access_key_id", username),
                    ("secret_access_key", password),
                    ("region", region),
                    ("service", service),
                ];
                Auth::new("AWS_SIGV4", &members)
            }
            None if self.has(Switch::Digest) => Auth::new("DIGEST", &[("username", username), ("password", password)]),
            None => basic(username, password),
        };
        told(&auth, "The user name and the password", report);
        auth
    }

    fn verify(&self, auth: &mut Auth, report: &mut Report) {
        if !self.has(Switch::Insecure) {
            return;
        }
        if auth.is_none() || auth.credentials.is_some() {
            auth.set("verify_certificate", false);
            report.changed(
                "`--insecure` became `verify_certificate: false`, which works only where the operator allows it",
            );
        } else {
            report.left_out("`--insecure`", "set `verify_certificate` together with the credentials");
        }
    }

    fn body(&self, resource: &mut Resource, report: &mut Report) {
        if !self.form.is_empty() {
            let mut fields = Fields::default();
            for (written, literal) in &self.form {
                match written.split_once('=').filter(|_| *literal) {
                    Some((name, value)) => fields.add(name, value.into()),
                    None => data::part(&mut fields, written, &resource.name, report),
                }
            }
            resource.headers.retain(|row| !row.key.eq_ignore_ascii_case("content-type"));
            fields.set(resource, super::super::record::BodyType::Multipart);
            return;
        }
        if self.has(Switch::AsQuery) || !self.has(Switch::Data) {
            return;
        }
        let joined = if self.json.is_empty() { self.data.join("&") } else { self.json.clone() };
        let media = resource.headers.iter().find(|row| row.key.eq_ignore_ascii_case("content-type"));
        let media = media.map(|row| row.value.clone());
        let unnamed =
            self.has(Switch::Upload) || self.removed.iter().any(|name| name.eq_ignore_ascii_case("content-type"));
        let media = media.or_else(|| unnamed.then(String::new));
        data::set(resource, &joined, media.as_deref(), report);
    }
}

/// What an option holds, or what it names: `@-` is standard input.
fn content(value: &str, input: Option<&str>, kind: &str, report: &mut Report) -> Option<String> {
    let Some(file) = value.strip_prefix('@') else { return Some(value.to_owned()) };
    match input.filter(|_| file == "-") {
        Some(text) if kind == "data" => Some(text.replace(['\n', '\r'], "")),
        Some(text) => Some(text.to_owned()),
        None => {
            report.left_out(
                format!("the file {}", quoted(&marked::shown(file))),
                "it is not here: write the body by hand",
            );
            None
        }
    }
}

/// `content`, `=content`, `name=content`, encoded; `@file` and `name@file` are not here.
fn query_piece(value: &str, report: &mut Report) -> Option<String> {
    let encoded = |text: &str| -> String {
        if marked::has_variable(text) {
            text.to_owned()
        } else {
            utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
        }
    };
    if let Some((name, content)) = value.split_once('=') {
        let content = encoded(content);
        return Some(if name.is_empty() { content } else { format!("{name}={content}") });
    }
    if let Some((_, file)) = value.split_once('@') {
        report.left_out(format!("the file {}", quoted(file)), "it is not here: write its content by hand");
        return None;
    }
    Some(encoded(value))
}

/// A parameter that is a key by its name; `key` itself only where its value looks like one.
fn is_key(name: &str, value: Option<&str>) -> bool {
    let value = value.unwrap_or_default();
    let is_short = matches!(name, "key" | "appid" | "sig" | "auth");
    !value.is_empty()
        && !name.contains('[')
        && (headers::is_secret(name) || is_short && (value.len() >= 16 || marked::has_variable(value)))
}
