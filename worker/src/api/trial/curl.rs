//! A request as one POSIX command, with variables of the shell in the place of secrets.

use serde_json::{Map, Value};

use crate::plan::{MASK, Redacted};

/// The variables that stand for secrets.
#[derive(Debug)]
pub(super) struct Names {
    /// In the value of `Authorization` or of a header, by the credential's type.
    authtype: String,
    /// Anywhere else.
    secret: String,
}

/// What the secrets of a connector are called.
pub(super) fn names(record: &Map<String, Value>, _connector: &str) -> Names {
    let authtype = record.get("authtype").and_then(Value::as_str).unwrap_or_default().to_ascii_uppercase();
    let text = serde_json::to_string(record).unwrap_or_default();
    let named = text.split("{{secret:").nth(1).and_then(|rest| rest.split('}').next()).map(variable);
    Names { authtype, secret: named.unwrap_or_else(|| "SECRET".to_owned()) }
}

/// A name in capitals; other characters become `_`.
fn variable(name: &str) -> String {
    name.trim().chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

/// The command of what `request` shows.
pub(super) fn command(request: &Redacted, names: &Names) -> String {
    let mut parts = vec!["curl".to_owned()];
    if request.method != "GET" {
        parts.extend(["-X".to_owned(), quoted(&request.method, &names.secret)]);
    }
    for (name, value) in &request.headers {
        if name == "authorization" && value.starts_with("Basic ") {
            parts.extend(["-u".to_owned(), "\"$USERNAME:$PASSWORD\"".to_owned()]);
        } else if !name.starts_with("(query)") {
            parts.extend(["-H".to_owned(), quoted(&format!("{name}: {value}"), &of_header(name, names))]);
        }
    }
    if !request.body.is_empty() {
        parts.extend(["--data-raw".to_owned(), quoted(&request.body, &names.secret)]);
    }
    let key = request.headers.iter().find_map(|(name, _)| name.strip_prefix("(query) "));
    let url = match key {
        Some(name) => format!("{}{}{name}={MASK}", request.url, if request.url.contains('?') { '&' } else { '?' }),
        None => request.url.clone(),
    };
    parts.push(quoted(&url, if key.is_some() { "VALUE" } else { &names.secret }));
    parts.join(" ")
}

/// The variable of a header's secret: the credential's member.
fn of_header(name: &str, names: &Names) -> String {
    match (names.authtype.as_str(), name) {
        (oauth, "authorization") if oauth.starts_with("OAUTH2_") => "TOKEN".to_owned(),
        ("API_KEY", "accept" | "content-type") => names.secret.clone(),
        ("API_KEY", _) => "VALUE".to_owned(),
        ("HEADERS", _) => variable(name),
        _ => names.secret.clone(),
    }
}

/// A word of the shell; what is masked becomes a variable.
fn quoted(text: &str, secret: &str) -> String {
    let single = |text: &str| format!("'{}'", text.replace('\'', "'\\''"));
    let pieces: Vec<String> =
        text.split(MASK).map(|piece| if piece.is_empty() { String::new() } else { single(piece) }).collect();
    let word = pieces.join(&format!("\"${secret}\""));
    if word.is_empty() { "''".to_owned() } else { word }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn request(headers: &[(&str, &str)], body: &str) -> Redacted {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let (method, url) = ("POST".to_owned(), format!("http://h/it's?k={MASK}"));
        Redacted { method, url, headers, body: body.to_owned(), timeout: Duration::from_secs(1) }
    }

    fn of(authtype: &str) -> Names {
        names(
            &Map::from_iter([("authtype".to_owned(), authtype.into()), ("x".to_owned(), "{{secret:my-key}}".into())]),
            "",
        )
    }

    #[test]
    fn secrets_become_variables_and_everything_else_one_word() {
        let bearer = request(&[("accept", "text/plain"), ("authorization", "Bearer ********")], "{\"a\": \"it's\"}");
        assert_eq!(
            command(&bearer, &of("OAUTH2_BEARER")),
            "curl -X 'POST' -H 'accept: text/plain' -H 'authorization: Bearer '\"$TOKEN\" --data-raw '{\"a\": \"it'\\''s\"}' \
             'http://h/it'\\''s?k='\"$MY_KEY\""
        );
        let basic = command(&request(&[("authorization", "Basic ********")], ""), &of("BASIC"));
        assert!(basic.contains("-u \"$USERNAME:$PASSWORD\"") && !basic.contains("authorization"), "{basic}");
        let headers = command(&request(&[("x-api-key", "********")], ""), &of("HEADERS"));
        assert!(headers.contains("-H 'x-api-key: '\"$X_API_KEY\""), "{headers}");
        let query = command(&request(&[("(query) key", "********")], ""), &of("API_KEY"));
        assert!(query.ends_with("&key='\"$VALUE\""), "{query}");
    }
}
