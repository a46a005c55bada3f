//! Cookies that servers set on the way of one call: they go along on the origin that set them, and are forgotten with the call
//! (RFC 6265, 5).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue};
use tokio::time::Instant;
use url::{Origin, Url};

use crate::memory::{Account, BodyShare};

/// How many cookies are remembered; more than browsers send to one host are no session.
const MOST: usize = 50;

/// What the requests of one call have in common: its redirects, pages and polls get the cookies that were set on its way.
#[derive(Debug)]
pub struct Session {
    cookies: Mutex<Cookies>,
    account: Arc<Account>,
}

impl Session {
    /// For a call whose bodies have this account.
    pub fn new(account: Arc<Account>) -> Self {
        Self { cookies: Mutex::default(), account }
    }

    /// Without its cookies, for what is not the connector's own.
    #[must_use]
    pub fn anonymous(&self) -> Self {
        Self::new(Arc::clone(&self.account))
    }

    /// A deadline of the call, extended by the time that it has waited for room.
    pub fn extended(&self, deadline: Instant) -> Instant {
        self.account.extended(deadline)
    }

    /// The room for a body of this call.
    pub fn share(&self) -> BodyShare {
        self.account.share()
    }

    pub(super) fn cookies(&self) -> MutexGuard<'_, Cookies> {
        // What is known is whole after every step.
        self.cookies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The cookies of one call.
#[derive(Debug, Default)]
pub(super) struct Cookies(Vec<Cookie>);

#[derive(Debug)]
struct Cookie {
    origin: Origin,
    path: String,
    name: Vec<u8>,
    value: Vec<u8>,
}

impl Cookies {
    /// Takes what a response to `url` sets; an expired one deletes what was set before.
    pub(super) fn store(&mut self, url: &Url, headers: &HeaderMap, now_ms: i64) {
        for value in headers.get_all(SET_COOKIE) {
            let Some((cookie, is_expired)) = parsed(url, value.as_bytes(), now_ms) else { continue };
            let same = |known: &Cookie| {
                known.name == cookie.name && known.path == cookie.path && known.origin == cookie.origin
            };
            self.0.retain(|known| !same(known));
            if !is_expired && self.0.len() < MOST {
                self.0.push(cookie);
            }
        }
    }

    /// Adds those that belong to `url` to a request's own; of two with one name the server's is sent.
    pub(super) fn add_to(&self, headers: &mut HeaderMap, url: &Url) {
        let mut found: Vec<&Cookie> =
            self.0.iter().filter(|known| known.origin == url.origin() && covers(&known.path, url.path())).collect();
        if found.is_empty() {
            return;
        }
        found.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        let configured = headers.get(COOKIE).map(|value| value.as_bytes().to_vec()).unwrap_or_default();
        let own = configured.split(|byte| *byte == b';').map(<[u8]>::trim_ascii).filter(|pair| !pair.is_empty());
        let own = own.filter(|pair| !found.iter().any(|cookie| cookie.name == name_of(pair)));
        let mut pairs: Vec<Vec<u8>> = own.map(<[u8]>::to_vec).collect();
        pairs.extend(found.iter().map(|cookie| [&cookie.name[..], b"=", &cookie.value].concat()));
        if let Ok(mut value) = HeaderValue::from_bytes(&pairs.join(&b"; "[..])) {
            value.set_sensitive(true);
            headers.insert(COOKIE, value);
        }
    }
}

fn name_of(pair: &[u8]) -> &[u8] {
    pair.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii()
}

/// A cookie, and whether it has expired; `None` for one that this origin cannot set.
fn parsed(url: &Url, header: &[u8], now_ms: i64) -> Option<(Cookie, bool)> {
    let mut parts = header.split(|byte| *byte == b';');
    let pair = parts.next()?;
    let equals = pair.iter().position(|byte| *byte == b'=')?;
    let (name, value) = pair.split_at_checked(equals)?;
    let (name, value) = (name.trim_ascii(), value.get(1..)?.trim_ascii());
    if name.is_empty() {
        return None;
    }
    let (mut path, mut max_age, mut expires) = (None, None, None);
    for attribute in parts {
        let attribute = String::from_utf8_lossy(attribute).into_owned();
        let (name, value) = attribute.split_once('=').unwrap_or((&attribute, ""));
        let value = value.trim();
        match name.trim().to_ascii_lowercase().as_str() {
            "path" if value.starts_with('/') => path = Some(value.to_owned()),
            "max-age" => max_age = value.parse::<i64>().ok(),
            // Some servers write dashes into the date.
            "expires" => expires = httpdate::parse_http_date(&value.replace('-', " ")).ok(),
            "domain" if !is_within(url.host_str().unwrap_or_default(), value.trim_start_matches('.')) => return None,
            "secure" if url.scheme() != "https" => return None,
            _ => {}
        }
    }
    let now = UNIX_EPOCH + Duration::from_millis(u64::try_from(now_ms).unwrap_or(0));
    let is_expired = max_age.map_or_else(|| expires.is_some_and(|date| date <= now), |seconds| seconds <= 0);
    let path = path.unwrap_or_else(|| folder(url.path()).to_owned());
    Some((Cookie { origin: url.origin(), path, name: name.to_vec(), value: value.to_vec() }, is_expired))
}

fn is_within(host: &str, domain: &str) -> bool {
    let (host, domain) = (host.to_ascii_lowercase(), domain.to_ascii_lowercase());
    domain.is_empty() || host == domain || host.strip_suffix(&domain).is_some_and(|sub| sub.ends_with('.'))
}

/// The default of `Path`: up to the last slash, without it.
fn folder(path: &str) -> &str {
    match path.rsplit_once('/') {
        Some((folder, _)) if !folder.is_empty() => folder,
        _ => "/",
    }
}

fn covers(cookie: &str, path: &str) -> bool {
    path.strip_prefix(cookie).is_some_and(|rest| rest.is_empty() || cookie.ends_with('/') || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(set: &[(&str, &str)], to: &str, own: &str) -> String {
        let mut cookies = Cookies::default();
        for (from, text) in set {
            let headers = HeaderMap::from_iter([(SET_COOKIE, HeaderValue::from_str(text).unwrap())]);
            cookies.store(&Url::parse(from).unwrap(), &headers, 1_795_456_800_000);
        }
        let mut headers = HeaderMap::new();
        if !own.is_empty() {
            headers.insert(COOKIE, HeaderValue::from_str(own).unwrap());
        }
        cookies.add_to(&mut headers, &Url::parse(to).unwrap());
        headers.get(COOKIE).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
    }

    #[test]
    fn where_a_cookie_goes() {
        for (from, set, to, expected) in [
            ("http://h/a", "sid=1; Path=/; HttpOnly", "http://h/next", "sid=1"),
            ("http://h/a", "sid=1=2", "http://h/b", "sid=1=2"),
            ("http://h/a/b", "sid=1", "http://h/a/c", "sid=1"),
            ("http://h/a/b", "sid=1", "http://h/c", ""),
            ("http://h/a", "sid=1; Path=/app", "http://h/app/x", "sid=1"),
            ("http://h/a", "sid=1; Path=/app", "http://h/apple", ""),
            ("http://h/a", "sid=1; path=nonsense", "http://h/x", "sid=1"),
            ("http://h/a", "sid=1; Path=/", "http://h:8080/", ""),
            ("http://h/a", "sid=1; Path=/", "https://h/", ""),
            ("http://h/a", "sid=1; Secure", "http://h/", ""),
            ("https://h/a", "sid=1; Secure", "https://h/", "sid=1"),
            ("https://a.h.example/", "sid=1; Domain=.h.example", "https://a.h.example/", "sid=1"),
            ("https://a.h.example/", "sid=1; Domain=other.example", "https://a.h.example/", ""),
            ("https://ah.example/", "sid=1; Domain=h.example", "https://ah.example/", ""),
            ("http://h/", "sid=1; Max-Age=0", "http://h/", ""),
            ("http://h/", "sid=1; Expires=Thu, 01-Jan-1970 00:00:00 GMT", "http://h/", ""),
            ("http://h/", "sid=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "http://h/", "sid=1"),
            ("http://h/", "=1", "http://h/", ""),
            ("http://h/", "sid", "http://h/", ""),
        ] {
            assert_eq!(sent(&[(from, set)], to, ""), expected, "{from} {set} {to}");
        }
    }

    #[test]
    fn the_later_cookie_counts_and_configured_ones_stay() {
        let both = [("http://h/", "a=1"), ("http://h/", "a=2")];
        assert_eq!(sent(&both, "http://h/", ""), "a=2");
        assert_eq!(sent(&both, "http://h/", "a=0; b=3"), "b=3; a=2");
        assert_eq!(sent(&[("http://h/", "a=1"), ("http://h/", "a=; Max-Age=0")], "http://h/", "b=3"), "b=3");
        assert_eq!(sent(&[("http://h/x/", "a=1"), ("http://h/", "a=2; Path=/")], "http://h/x/y", ""), "a=1; a=2");
    }
}
