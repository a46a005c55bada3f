//! Headers as people wrote them: those that a connector can send, and the credential that is among them.

use std::collections::{BTreeSet, HashMap};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use http::HeaderName;

use super::marked;
use super::record::{Auth, Row};
use super::report::{Report, quoted};
use crate::plan::is_reserved_header;

/// Headers without the credential, which is apart.
#[derive(Debug, Default)]
pub(super) struct Sorted {
    pub(super) rows: Vec<Row>,
    pub(super) auth: Auth,
}

/// Takes a credential out of headers of marked texts, and leaves out what a connector cannot send. Where the caller knows a
/// credential already, headers stay headers.
pub(super) fn sorted(headers: &[(String, String)], known: Auth, resource: &str, report: &mut Report) -> Sorted {
    let mut kept = Vec::new();
    let mut secret = Vec::new();
    let headers = merged(headers, resource, report);
    for (name, value) in &headers {
        if let Some(why) = unsendable(name) {
            report.left_out_of(resource, format!("the header {}", quoted(&marked::shown(name))), why);
        } else if is_secret(name) {
            secret.push((name.as_str(), value.as_str()));
        } else {
            kept.push((name.as_str(), value.as_str()));
        }
    }
    let auth = if known.is_none() { credential(&mut secret, report) } else { known };
    for (name, _) in &secret {
        let sentence = format!(
            "The header {} stays a header, for a connector has one credential; if it is a secret, write `{{{{secret:NAME}}}}`",
            quoted(name)
        );
        report.changed_in(resource, sentence);
    }
    kept.extend(secret);
    Sorted { rows: kept.into_iter().map(|(name, value)| Row::fixed(name, value)).collect(), auth }
}

/// The headers, each name once: several lines of one are a list (RFC 9110 5.3), and lines of cookies one line.
fn merged(headers: &[(String, String)], resource: &str, report: &mut Report) -> Vec<(String, String)> {
    let mut merged: Vec<(String, String)> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    let (mut joined, mut empty) = (BTreeSet::new(), BTreeSet::new());
    for (name, value) in headers {
        if value.is_empty() {
            empty.insert(name.as_str());
            continue;
        }
        let index = *known.entry(name.to_ascii_lowercase()).or_insert(merged.len());
        match merged.get_mut(index) {
            Some((_, line)) => {
                line.push_str(if name.eq_ignore_ascii_case("cookie") { "; " } else { ", " });
                line.push_str(value);
                joined.insert(index);
            }
            None => merged.push((name.clone(), value.clone())),
        }
    }
    for name in empty {
        let why = "a header without a value is not sent";
        report.left_out_of(resource, format!("the header {}", quoted(&marked::shown(name))), why);
    }
    for (name, _) in joined.into_iter().filter_map(|index| merged.get(index)) {
        report.changed_in(resource, format!("The lines of the header {} became one", quoted(&marked::shown(name))));
    }
    merged
}

/// Why a header cannot be sent.
pub(super) fn unsendable(name: &str) -> Option<&'static str> {
    if marked::has_variable(name) || HeaderName::from_bytes(name.as_bytes()).is_err() {
        return Some("it is not the name of a header");
    }
    let lower = name.to_ascii_lowercase();
    if is_reserved_header(&lower) {
        return Some("the connection or a proxy sets it, a connector cannot");
    }
    (lower == "accept-encoding").then_some("a call asks for the encodings that the worker can read")
}

/// Whether what has this name is a secret by all appearances.
pub(super) fn is_secret(name: &str) -> bool {
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    let is_key = ["apikey", "accesskey", "secretkey", "subscriptionkey", "privatekey", "authkey", "appkey"];
    let holds = ["token", "secret", "password", "passwd"];
    // Tokens against forged requests, and pages.
    let harmless = ["csrf", "xsrf", "page", "next", "idempotency"];
    matches!(name.as_str(), "authorization" | "cookie" | "auth" | "xauth")
        || !harmless.iter().any(|word| name.contains(word))
            && (is_key.iter().any(|word| name.ends_with(word)) || holds.iter().any(|word| name.contains(word)))
}

/// The credential among headers; what it takes is no longer among them.
fn credential(secret: &mut Vec<(&str, &str)>, report: &mut Report) -> Auth {
    let authorization = secret.iter().position(|(name, _)| name.eq_ignore_ascii_case("authorization"));
    if let Some((index, auth)) = authorization.and_then(|index| Some((index, standard(secret.get(index)?.1)?))) {
        let what = match auth.authtype {
            "BASIC" => "The user name and the password",
            _ => "The bearer token",
        };
        told(&auth, what, report);
        secret.remove(index);
        return auth;
    }
    match secret.as_slice() {
        [] => Auth::default(),
        [(name, value)] if is_key(name) => {
            let auth = api_key(name, value, "header");
            told(&auth, &format!("The header {}", quoted(name)), report);
            secret.clear();
            auth
        }
        several => {
            let mut auth = Auth { authtype: "HEADERS", credentials: None };
            for (name, value) in several {
                auth.set(name, marked::template(value));
                report.changed(format!("The header {} went into the credentials", quoted(name)));
            }
            secret.clear();
            auth
        }
    }
}

/// A key by itself: neither a scheme with parameters nor a list of cookies.
fn is_key(name: &str) -> bool {
    !name.eq_ignore_ascii_case("authorization") && !name.eq_ignore_ascii_case("cookie")
}

/// An `API_KEY` of marked texts.
pub(super) fn api_key(name: &str, value: &str, location: &str) -> Auth {
    let mut auth = Auth::new("API_KEY", &[("value", value)]);
    let unknown = auth.credentials.is_none();
    auth.credentials = Some(serde_json::Map::new());
    auth.set("name", name);
    auth.set("in", location);
    auth.set("value", if unknown { super::record::UNKNOWN } else { value });
    auth
}

/// What an `Authorization` header says in the schemes that records have.
fn standard(value: &str) -> Option<Auth> {
    let (scheme, proof) = value.trim().split_once(' ')?;
    let proof = proof.trim();
    if proof.is_empty() {
        return None;
    }
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(Auth::new("OAUTH2_BEARER", &[("token", proof)]));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    if marked::has_variable(proof) {
        return Some(Auth { authtype: "BASIC", credentials: None });
    }
    let bytes = STANDARD.decode(proof).or_else(|_| STANDARD_NO_PAD.decode(proof)).ok()?;
    let pair = String::from_utf8(bytes).ok()?;
    let (username, password) = pair.split_once(':')?;
    Some(basic(username, password))
}

/// `BASIC` of marked texts.
pub(super) fn basic(username: &str, password: &str) -> Auth {
    Auth::new("BASIC", &[("username", username), ("password", password)])
}

/// Says where a credential went, or that its value is not there.
pub(super) fn told(auth: &Auth, what: &str, report: &mut Report) {
    let unknown = auth.unknown();
    if auth.credentials.is_none() || !unknown.is_empty() {
        let members = if unknown.is_empty() { String::new() } else { format!(" ({})", unknown.join(", ")) };
        let why = format!("the text does not hold its value{members}: set it under Authentication");
        report.left_out(what.replacen("The ", "the ", 1), why);
    }
    if auth.credentials.is_some() {
        report.changed(format!("{what} went into the credentials"));
    }
}
