//! A request as people may see it: everything that proves who is asking masked.

use url::Url;
use url::form_urlencoded;

use super::{MASK, RequestSpec};

/// Whether a name is that of something secret.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let words = ["authorization", "cookie", "key", "token", "secret", "password", "passwd", "signature", "credential"];
    name == "sig" || name == "code" || words.iter().any(|word| name.contains(word))
}

/// The URL, with the values of parameters that are named like secrets masked.
pub fn url(of: &Url) -> String {
    let Some(query) = of.query() else { return of.to_string() };
    let masked: Vec<String> = query
        .split('&')
        .map(|pair| {
            let name = pair.split('=').next().unwrap_or_default();
            let decoded: String = form_urlencoded::parse(name.as_bytes()).map(|(name, _)| name.into_owned()).collect();
            if is_secret(&decoded) { format!("{name}={MASK}") } else { pair.to_owned() }
        })
        .collect();
    let mut shown = of.clone();
    shown.set_query(Some(&masked.join("&")));
    shown.to_string()
}

/// The headers that would be sent, in order.
pub fn headers(request: &RequestSpec) -> Vec<(String, String)> {
    let mut shown: Vec<(String, String)> = Vec::new();
    for (name, value) in &request.headers {
        let value = if is_secret(name.as_str()) || value.is_sensitive() {
            MASK.into()
        } else {
            String::from_utf8_lossy(value.as_bytes())
        };
        shown.push((name.to_string(), value.into_owned()));
    }
    shown.extend(request.authorization.shown());
    if let Some(key) = &request.idempotency_key {
        shown.push(("idempotency-key".to_owned(), key.to_str().unwrap_or_default().to_owned()));
    }
    shown
}
