//! How long the connections of each origin may lie idle, as its servers say (`Keep-Alive: timeout`).
//!
//! A request that meets a closing connection has an unknown outcome, so that a server's word counts more than our own limit.

use std::time::Duration;

use http::{HeaderMap, HeaderName};
use moka::sync::Cache;
use url::Url;

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
/// How many origins are remembered, and how long after their last answer.
const ORIGINS: u64 = 10_000;
const ORIGINS_IDLE: Duration = Duration::from_hours(1);
/// A connection is left alone this long before the server closes it.
const MARGIN: Duration = Duration::from_secs(1);

/// What the origins said.
#[derive(Debug)]
pub(super) struct KeepAlives(Cache<String, Duration>);

impl Default for KeepAlives {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(ORIGINS).time_to_idle(ORIGINS_IDLE).build())
    }
}

impl KeepAlives {
    /// How long a connection to `url` may have been idle; `None` where its server has not said.
    pub(super) fn idle(&self, url: &Url) -> Option<Duration> {
        self.0.get(&origin(url))
    }

    /// Remembers what an answer says.
    pub(super) fn learn(&self, url: &Url, headers: &HeaderMap) {
        let Some(timeout) = timeout(headers) else { return };
        let (origin, idle) = (origin(url), timeout.saturating_sub(MARGIN));
        if self.0.get(&origin) != Some(idle) {
            self.0.insert(origin, idle);
        }
    }
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// `Keep-Alive: timeout=5, max=100`.
fn timeout(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all(KEEP_ALIVE).iter().filter_map(|value| value.to_str().ok());
    let mut parameters = values.flat_map(|value| value.split([',', ';'])).filter_map(|one| one.split_once('='));
    let (_, timeout) = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("timeout"))?;
    timeout.trim().trim_matches('"').parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_servers_say() {
        let url = Url::parse("http://h:8080/a?b").unwrap();
        for (text, expected) in [
            ("timeout=5", Some(4)),
            ("timeout=5, max=100", Some(4)),
            ("max=100,Timeout = 2", Some(1)),
            ("timeout=\"1\"", Some(0)),
            ("timeout=0", Some(0)),
            ("timeout=soon", None),
            ("max=1", None),
            ("", None),
        ] {
            let known = KeepAlives::default();
            known.learn(&url, &HeaderMap::from_iter([(KEEP_ALIVE, text.parse().unwrap())]));
            assert_eq!(known.idle(&url), expected.map(Duration::from_secs), "{text}");
            assert_eq!(known.idle(&Url::parse("https://h:8080/").unwrap()), None, "another origin");
        }
    }
}
