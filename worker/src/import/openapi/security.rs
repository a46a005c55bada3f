//! Security schemes: a connector has one credential, which is the one that most operations take.

use std::collections::HashMap;

use serde_json::Value;

use super::super::fields::{has, members, text};
use super::super::headers::unsendable;
use super::super::position::Fault;
use super::super::record::{Auth, UNKNOWN};
use super::super::report::quoted;
use super::Api;
use crate::job::{Limit, brief};

/// Alternatives of one operation that are looked at.
const ALTERNATIVES: usize = 20;

/// The schemes of a document and how often operations can be called with each alternative.
pub(super) struct Choice<'a> {
    schemes: HashMap<&'a str, &'a Value>,
    /// Alternatives in the order in which they came up, each a set of schemes.
    alternatives: Vec<(Vec<&'a str>, usize)>,
    known: HashMap<String, usize>,
    /// What operations ask for that do not say it themselves.
    of_all: Option<Vec<usize>>,
    /// For each operation its name and its alternatives; none means no authentication.
    operations: Vec<(String, Vec<usize>)>,
}

impl<'a> Choice<'a> {
    pub(super) fn of(api: &mut Api<'a>) -> Result<Self, Fault> {
        let root = api.root;
        let written: Vec<_> = if api.is_two() {
            members(root, "securityDefinitions").collect()
        } else {
            root.get("components")
                .map(|components| members(components, "securitySchemes").collect())
                .unwrap_or_default()
        };
        let mut schemes = HashMap::new();
        for (name, scheme) in written {
            if let Some(scheme) = api.resolved(scheme)? {
                schemes.insert(name.as_str(), scheme);
            }
        }
        Ok(Self { schemes, alternatives: Vec::new(), known: HashMap::new(), of_all: None, operations: Vec::new() })
    }

    /// Notes what an operation asks for.
    pub(super) fn note(&mut self, api: &mut Api<'a>, resource: &str, operation: &'a Value) -> Result<(), Fault> {
        let root = api.root;
        let indexes = match (operation.get("security"), &self.of_all) {
            (Some(own), _) => self.alternatives(api, own)?,
            (None, Some(known)) => known.clone(),
            (None, None) => {
                let indexes = self.alternatives(api, root.get("security").unwrap_or(&Value::Null))?;
                self.of_all = Some(indexes.clone());
                indexes
            }
        };
        for index in &indexes {
            if let Some((_, count)) = self.alternatives.get_mut(*index) {
                *count += 1;
            }
        }
        self.operations.push((resource.to_owned(), indexes));
        Ok(())
    }

    fn alternatives(&mut self, api: &mut Api<'a>, asked: &'a Value) -> Result<Vec<usize>, Fault> {
        let mut indexes = Vec::new();
        let asked = asked.as_array().into_iter().flatten().filter_map(Value::as_object);
        // Without authentication is one of the ways, and none that needs a credential.
        for alternative in asked.filter(|alternative| !alternative.is_empty()).take(ALTERNATIVES) {
            let names: Vec<&str> = alternative.keys().map(String::as_str).collect();
            names.iter().try_for_each(|name| api.step_over(name))?;
            let next = self.alternatives.len();
            let index = *self.known.entry(names.join("\n")).or_insert(next);
            if index == next {
                self.alternatives.push((names, 0));
            }
            indexes.push(index);
        }
        Ok(indexes)
    }

    /// The credential of the connector.
    pub(super) fn auth(self, api: &mut Api<'a>) -> Auth {
        // The first of those that are taken most often.
        let most = self.alternatives.iter().enumerate().rev().max_by_key(|(_, (names, count))| {
            let usable = names.iter().all(|name| self.schemes.get(name).is_some_and(|scheme| is_usable(scheme)));
            (usable, *count)
        });
        let Some((chosen, (names, _))) = most else {
            for name in self.schemes.keys().take(1) {
                let why = "no operation asks for it; set the authentication by hand if one is needed";
                api.report.left_out(format!("the security scheme {}", quoted(name)), why);
            }
            return Auth::default();
        };
        let schemes: Vec<(&str, &Value)> =
            names.iter().filter_map(|name| Some((*name, *self.schemes.get(name)?))).collect();
        let auth = auth_of(api, &schemes);
        for name in names.iter().filter(|name| !self.schemes.contains_key(**name)) {
            api.report.left_out(format!("the security scheme {}", quoted(name)), "the document does not define it");
        }
        self.tell_others(api, chosen, &auth);
        auth
    }

    fn tell_others(&self, api: &mut Api<'a>, chosen: usize, auth: &Auth) {
        let names =
            |(names, _): &(Vec<&str>, usize)| brief(names.join("` with `"), Limit::Characters(200)).into_owned();
        let labels: Vec<String> = self.alternatives.iter().map(names).collect();
        let label = |index: usize| labels.get(index).map_or("", String::as_str);
        let mut named = vec![false; self.alternatives.len()];
        for (resource, alternatives) in &self.operations {
            if alternatives.is_empty() && !auth.is_none() {
                let why = "a connector has one credential, and these get it too, although they ask for none";
                api.report.left_out_of(resource, "calls without authentication", why);
            } else if let Some(first) = alternatives.first().filter(|_| !alternatives.contains(&chosen)) {
                let what = format!("the security scheme `{}`", label(*first));
                let why = format!(
                    "a connector has one credential, here `{}`; make another connector for calls that need this one",
                    label(chosen)
                );
                api.report.left_out_of(resource, what, why);
            }
            for index in alternatives.iter().filter(|index| **index != chosen && alternatives.contains(&chosen)) {
                if let Some(told) = named.get_mut(*index) {
                    *told = true;
                }
            }
        }
        for (index, _) in named.iter().enumerate().filter(|(_, told)| **told) {
            let what = format!("the security scheme `{}`", label(index));
            api.report.left_out(what, format!("calls can be made with `{}` instead, which was taken", label(chosen)));
        }
    }
}

fn is_usable(scheme: &Value) -> bool {
    !matches!(text(scheme, "type"), Some("mutualTLS" | "openIdConnect"))
}

/// The credential of schemes that are needed together.
fn auth_of(api: &mut Api<'_>, schemes: &[(&str, &Value)]) -> Auth {
    let keys: Vec<&str> = schemes.iter().filter_map(|(_, scheme)| header_key(scheme)).collect();
    if schemes.len() > 1 && keys.len() == schemes.len() {
        let mut auth = Auth { authtype: "HEADERS", credentials: None };
        for key in keys {
            auth.set(key, UNKNOWN);
        }
        tell_unknown(api, schemes, &auth);
        return auth;
    }
    let Some(((name, scheme), others)) = schemes.split_first() else { return Auth::default() };
    for (other, _) in others {
        let why = format!("a connector has one credential, here `{name}`; add the other one as a header or parameter");
        api.report.left_out(format!("the security scheme {}", quoted(other)), why);
    }
    let auth = auth_of_one(api, name, scheme);
    if !auth.is_none() {
        tell_unknown(api, &[(name, scheme)], &auth);
    }
    auth
}

fn header_key(scheme: &Value) -> Option<&str> {
    let is_key = text(scheme, "type") == Some("apiKey") && text(scheme, "in") == Some("header");
    text(scheme, "name").filter(|name| is_key && unsendable(name).is_none())
}

/// A document holds no secrets: what is missing is told.
fn tell_unknown(api: &mut Api<'_>, schemes: &[(&str, &Value)], auth: &Auth) {
    let missing = match auth.authtype {
        "BASIC" | "DIGEST" => "username, password".to_owned(),
        "OAUTH2_BEARER" => "token".to_owned(),
        _ => auth.unknown().join(", "),
    };
    let names: Vec<&str> = schemes.iter().map(|(name, _)| *name).collect();
    let what = format!("the credentials of `{}`", names.join("` and `"));
    api.report.left_out(what, format!("a document holds none: set {missing} under Authentication"));
}

fn auth_of_one(api: &mut Api<'_>, name: &str, scheme: &Value) -> Auth {
    let without = |authtype: &'static str| Auth { authtype, credentials: None };
    match text(scheme, "type").unwrap_or_default() {
        "basic" => without("BASIC"),
        "http" => match text(scheme, "scheme").unwrap_or_default().to_ascii_lowercase().as_str() {
            "basic" => without("BASIC"),
            "bearer" => without("OAUTH2_BEARER"),
            "digest" => without("DIGEST"),
            _ => unknown_scheme(api, name, "its way of HTTP authentication is not known here"),
        },
        "apiKey" => api_key(api, name, scheme),
        "oauth2" => oauth2(api, name, scheme),
        "openIdConnect" => {
            let why = "tokens are fetched from an endpoint that this scheme only leads to: a bearer token was put in its place";
            api.report.left_out(format!("the security scheme {}", quoted(name)), why);
            without("OAUTH2_BEARER")
        }
        "mutualTLS" => unknown_scheme(api, name, "set `client_certificate` and `client_key` under Authentication"),
        _ => unknown_scheme(api, name, "its type is not known"),
    }
}

fn unknown_scheme(api: &mut Api<'_>, name: &str, why: &str) -> Auth {
    api.report.left_out(format!("the security scheme {}", quoted(name)), why);
    Auth::default()
}

fn api_key(api: &mut Api<'_>, name: &str, scheme: &Value) -> Auth {
    let key = text(scheme, "name").unwrap_or_default();
    let mut auth = Auth { authtype: "API_KEY", credentials: None };
    match text(scheme, "in") {
        Some("header") => {
            if let Some(why) = unsendable(key) {
                return unknown_scheme(api, name, why);
            }
        }
        Some("query") if !key.is_empty() => {}
        Some("cookie") if !key.is_empty() => {
            auth.authtype = "HEADERS";
            auth.set("Cookie", UNKNOWN);
            api.report
                .changed(format!("The cookie {} is sent as the header `Cookie`: write `{key}=value`", quoted(key)));
            return auth;
        }
        _ => return unknown_scheme(api, name, "it does not say where the key goes"),
    }
    auth.set("name", key);
    auth.set("in", text(scheme, "in").unwrap_or("header"));
    auth.set("value", UNKNOWN);
    auth
}

/// The flow that needs no person, else the one with a browser.
fn oauth2(api: &mut Api<'_>, name: &str, scheme: &Value) -> Auth {
    let flows: Vec<(&str, &Value)> = if api.is_two() {
        vec![(text(scheme, "flow").unwrap_or_default(), scheme)]
    } else {
        scheme.get("flows").map(|flows| of_object(flows).collect()).unwrap_or_default()
    };
    let of = |wanted: [&str; 2]| flows.iter().find(|(flow, _)| wanted.contains(flow)).map(|(_, flow)| *flow);
    let found = [
        ("OAUTH2_CLIENT_CREDENTIALS", ["clientCredentials", "application"]),
        ("OAUTH2_AUTHORIZATION_CODE", ["authorizationCode", "accessCode"]),
        ("OAUTH2_PASSWORD", ["password", "password"]),
    ];
    let usable = |flow: &Value| text(flow, "tokenUrl").is_some_and(|url| url.starts_with("http"));
    let chosen =
        found.into_iter().find_map(|(authtype, names)| Some((authtype, of(names).filter(|flow| usable(flow))?)));
    let Some((authtype, flow)) = chosen else {
        let why = "none of its flows can be used without a browser, or its token URL is not whole: a bearer token was put in \
                   its place";
        api.report.left_out(format!("the security scheme {}", quoted(name)), why);
        return Auth { authtype: "OAUTH2_BEARER", credentials: None };
    };
    for (other, _) in flows.iter().filter(|(_, other)| !std::ptr::eq(*other, flow)) {
        let why = "a connector fetches its tokens in one way, and another flow was taken".to_owned();
        api.report.left_out(format!("the flow `{other}` of {}", quoted(name)), why);
    }
    let mut auth = Auth { authtype, credentials: None };
    if authtype == "OAUTH2_AUTHORIZATION_CODE" {
        auth.set("authorize_url", text(flow, "authorizationUrl").unwrap_or_default());
    }
    auth.set("url", text(flow, "tokenUrl").unwrap_or_default());
    auth.set("client_id", UNKNOWN);
    auth.set("client_secret", UNKNOWN);
    if authtype == "OAUTH2_PASSWORD" {
        auth.set("username", UNKNOWN);
        auth.set("password", UNKNOWN);
    }
    if has(flow, "scopes") {
        let scopes: Vec<&str> = members(flow, "scopes").map(|(scope, _)| scope.as_str()).collect();
        auth.set("scope", scopes.join(" "));
        if scopes.len() > 1 {
            api.report.changed(format!(
                "All {} scopes of {} are asked for; remove those that are not needed",
                scopes.len(),
                quoted(name)
            ));
        }
    }
    auth
}

fn of_object(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}
