//! Where an API is: servers with their variables, or `schemes`, `host` and `basePath`.

use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::super::fields::{has, list, scalar, text};
use super::super::headers::{basic, told};
use super::super::marked;
use super::super::record::Auth;
use super::super::report::quoted;
use super::super::url_parts::UrlParts;
use super::Api;

/// The marked beginning of the URLs of an operation, without a slash at its end.
pub(super) fn base(api: &mut Api<'_>, item: &Value, operation: &Value) -> String {
    let is_own = ["servers", "schemes"].iter().any(|name| has(item, name) || has(operation, name));
    if is_own {
        return base_of(api, item, operation);
    }
    if api.base.is_none() {
        api.base = Some(base_of(api, item, operation));
    }
    api.base.clone().unwrap_or_default()
}

fn base_of(api: &mut Api<'_>, item: &Value, operation: &Value) -> String {
    if api.is_two() {
        return base_of_two(api, operation);
    }
    let own = [operation, item, api.root].into_iter().map(|of| list(of, "servers")).find(|list| !list.is_empty());
    let Some((first, others)) = own.and_then(<[Value]>::split_first) else { return complete(api, "/") };
    for other in others {
        let url = text(other, "url").unwrap_or_default();
        api.report.left_out(format!("the server {}", quoted(url)), "URLs begin with the first server");
    }
    let url = with_defaults(api, first);
    complete(api, &url)
}

/// A server's URL in which variables have their default values.
fn with_defaults(api: &mut Api<'_>, server: &Value) -> String {
    let url = marked::clean(text(server, "url").unwrap_or_default());
    let mut out = String::new();
    let mut rest = url.as_str();
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((name, tail)) = after.split_once('}') else {
            out.push('{');
            rest = after;
            break;
        };
        let default = server.get("variables").and_then(|of| of.get(name)?.get("default")).and_then(scalar);
        if let Some(default) = default.filter(|default| !default.is_empty()) {
            let (name, default) = (quoted(name), marked::clean(&default));
            api.report.changed(format!("The server's variable {name} became its default {}", quoted(&default)));
            out.push_str(&default);
        } else {
            let why = format!("it has no default: put its value into the variable `{}`", marked::variable_name(name));
            api.report.left_out(format!("the server's variable {}", quoted(name)), why);
            out.push_str(&marked::variable(name));
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

fn base_of_two(api: &mut Api<'_>, operation: &Value) -> String {
    let schemes = |of: &Value| {
        let named: Vec<String> =
            list(of, "schemes").iter().filter_map(Value::as_str).map(str::to_ascii_lowercase).collect();
        named
    };
    let mut known = schemes(operation);
    if known.is_empty() {
        known = schemes(api.root);
    }
    let scheme =
        known.iter().find(|scheme| *scheme == "https").or_else(|| known.iter().find(|scheme| *scheme == "http"));
    let scheme = scheme.map_or("https", String::as_str);
    for other in known.iter().filter(|other| *other != scheme) {
        api.report.left_out(format!("the scheme {}", quoted(other)), format!("URLs begin with {scheme}"));
    }
    let path = text(api.root, "basePath").unwrap_or("/");
    let url = match text(api.root, "host").filter(|host| !host.is_empty()) {
        Some(host) => format!("{scheme}://{host}/{}", path.trim_start_matches('/')),
        None => format!("/{}", path.trim_start_matches('/')),
    };
    complete(api, &marked::clean(&url))
}

/// Without a slash at the end; one without a host is told.
fn complete(api: &mut Api<'_>, url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default().trim().trim_end_matches('/');
    let url = if url.starts_with("//") { format!("https:{url}") } else { url.to_owned() };
    let mut parts = UrlParts::of(&url);
    if url.is_empty() || url.starts_with('/') {
        let why = "the document names none: URLs begin with `/`, and go to `http.base_url`; write the host before them";
        api.report.left_out("the host", why);
        return url;
    }
    if parts.scheme.is_empty() {
        "https".clone_into(&mut parts.scheme);
    }
    format!("{}{}", parts.origin(), parts.path)
}

/// The credential in the URL of the first server, which a resource's URL cannot hold.
pub(super) fn user_info(api: &mut Api<'_>) -> Auth {
    let url = list(api.root, "servers").first().and_then(|server| text(server, "url")).unwrap_or_default();
    let Some(pair) = UrlParts::of(url).user_info else { return Auth::default() };
    let pair = percent_decode_str(&pair).decode_utf8_lossy();
    let (username, password) = pair.split_once(':').unwrap_or((&pair, ""));
    let auth = basic(username, password);
    told(&auth, "The user name and the password", api.report);
    auth
}
