//! How long connections may lie idle, as servers say (`Keep-Alive: timeout`).
//!
//! A request that meets a closing connection has an unknown outcome, so that a server's word counts more than our own limit.

use std::time::Duration;

use http::{HeaderMap, HeaderName};

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
/// A connection is left alone this long before the server closes it.
const MARGIN: Duration = Duration::from_secs(1);

/// How long a connection may have been idle; `None` where the answer does not say.
pub(super) fn idle(headers: &HeaderMap) -> Option<Duration> {
    timeout(headers).map(|timeout| timeout.saturating_sub(MARGIN))
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
            let headers = HeaderMap::from_iter([(KEEP_ALIVE, text.parse().unwrap())]);
            assert_eq!(idle(&headers), expected.map(Duration::from_secs), "{text}");
        }
    }
}
