//! Authentication as Postman writes it: 2.1 as lists of keys and values, 2.0 as objects.

use serde_json::Value;

use super::super::fields::{scalar, text};
use super::super::headers::{api_key, basic, told};
use super::super::marked;
use super::super::record::{Auth, UNKNOWN};
use super::super::report::quoted;
use super::Collection;

impl Collection<'_> {
    /// The authentication of a request: its own, else that of the innermost folder, else of the collection.
    pub(super) fn auth(&mut self, name: &str, request: &Value) -> Auth {
        let own = request.get("auth").filter(|auth| !auth.is_null());
        let Some(auth) = own.or_else(|| self.auths.last().copied()) else { return Auth::default() };
        let kind = text(auth, "type").unwrap_or("noauth");
        let Some(of) = auth.get(kind).or_else(|| (kind == "noauth").then_some(&Value::Null)) else {
            self.report.left_out_of(name, format!("authentication by `{kind}`"), "its values are missing");
            return Auth::default();
        };
        let mut value = |key: &str| self.variables.fill(&attribute(of, key).unwrap_or_default());
        let (auth, what) = match kind {
            "noauth" => return Auth::default(),
            "basic" => (basic(&value("username"), &value("password")), "The user name and the password"),
            "bearer" => (Auth::new("OAUTH2_BEARER", &[("token", &value("token"))]), "The bearer token"),
            "digest" => {
                let (username, password) = (value("username"), value("password"));
                let auth = Auth::new("DIGEST", &[("username", &username), ("password", &password)]);
                (auth, "The user name and the password")
            }
            "apikey" => {
                let (key, secret, place) = (value("key"), value("value"), value("in"));
                let location = if place == "query" { "query" } else { "header" };
                (api_key(&marked::shown(&key), &secret, location), "The API key")
            }
            "awsv4" => (aws(&mut value), "The access key"),
            "oauth2" => match oauth2(&mut value) {
                Some(found) => (found, "The client's credentials"),
                None => (Auth::new("OAUTH2_BEARER", &[("token", &value("accessToken"))]), "The bearer token"),
            },
            other => {
                let why = "this way of authentication is not known here; set another one by hand";
                self.report.left_out_of(name, format!("authentication by {}", quoted(other)), why);
                return Auth::default();
            }
        };
        told(&auth, what, self.report);
        auth
    }
}

fn attribute(of: &Value, key: &str) -> Option<String> {
    match of {
        Value::Array(rows) => rows.iter().find(|row| text(row, "key") == Some(key))?.get("value").and_then(scalar),
        other => other.get(key).and_then(scalar),
    }
}

fn aws(value: &mut impl FnMut(&str) -> String) -> Auth {
    let or_unknown = |text: String| if text.is_empty() { UNKNOWN.to_owned() } else { text };
    let (region, service) = (or_unknown(value("region")), or_unknown(value("service")));
    let (id, secret, session) = (value("accessKey"), value("secretKey"), value("sessionToken"));
    let mut members = vec![
        ("access_key_id", id.as_str()),
        ("secret_access_key", &secret),
        ("region", &region),
        ("service", &service),
    ];
    if !session.is_empty() {
        members.push(("session_token", &session));
    }
    Auth::new("AWS_SIGV4", &members)
}

/// What fetches tokens, where its endpoint is known.
fn oauth2(value: &mut impl FnMut(&str) -> String) -> Option<Auth> {
    let authtype = match value("grant_type").as_str() {
        "client_credentials" => "OAUTH2_CLIENT_CREDENTIALS",
        "authorization_code" | "authorization_code_with_pkce" => "OAUTH2_AUTHORIZATION_CODE",
        "password_credentials" => "OAUTH2_PASSWORD",
        _ => return None,
    };
    let is_url = |url: &String| url.starts_with("http") && !marked::has_variable(url);
    let url = Some(value("accessTokenUrl")).filter(is_url)?;
    let mut auth = Auth { authtype, credentials: None };
    if authtype == "OAUTH2_AUTHORIZATION_CODE" {
        auth.set("authorize_url", Some(value("authUrl")).filter(is_url)?);
    }
    auth.set("url", url);
    let mut members = vec![("client_id", "clientId"), ("client_secret", "clientSecret")];
    if authtype == "OAUTH2_PASSWORD" {
        members.extend([("username", "username"), ("password", "password")]);
    }
    for (member, key) in members {
        let text = value(key);
        let unknown = text.is_empty() || marked::has_variable(&text);
        auth.set(member, if unknown { UNKNOWN.to_owned() } else { text });
    }
    let scope = value("scope");
    if !scope.is_empty() && !marked::has_variable(&scope) {
        auth.set("scope", scope);
    }
    if value("client_authentication") == "header" {
        auth.set("client_auth", "basic");
    }
    Some(auth)
}
