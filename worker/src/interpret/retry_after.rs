//! The wait that a third party asks for: `Retry-After` (RFC 9110, 10.2.3), else `RateLimit-Reset` and similar headers. Garbage
//! is ignored.

use std::time::{Duration, UNIX_EPOCH};

use http::HeaderMap;
use http::header::RETRY_AFTER;

/// The wait that an answer asks for: by `Retry-After`, else by when its limit is reset. Some third parties name the reset with
/// every answer: one whose status is not about traffic counts only where it does not say that something is left.
pub(super) fn wait(headers: &HeaderMap, status: u16, now_ms: i64) -> Option<Duration> {
    let is_exhausted = || matches!(status, 429 | 503) || remaining(headers).is_none_or(|number| number == 0);
    retry_after(headers, now_ms).or_else(|| is_exhausted().then(|| reset(headers, now_ms)).flatten())
}

/// `RateLimit-Remaining: 3`, `RateLimit: …;r=3` or `remaining=3`, and the same with `X-`.
fn remaining(headers: &HeaderMap) -> Option<u64> {
    let names = ["ratelimit-remaining", "x-ratelimit-remaining", "x-rate-limit-remaining"];
    let written = names.into_iter().find_map(|name| text(headers, name));
    let written = written.or_else(|| member(headers, &["r", "remaining"]))?;
    written.split([',', ';', '.']).next()?.trim().parse().ok()
}

/// A header as text.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// A member of the combined header `RateLimit`.
fn member<'a>(headers: &'a HeaderMap, names: &[&str]) -> Option<&'a str> {
    let parts = text(headers, "ratelimit")?.split([';', ',']).map(str::trim);
    parts.filter_map(|part| part.split_once('=')).find(|(name, _)| names.contains(name)).map(|(_, value)| value)
}

/// `RateLimit-Reset: 30`, `RateLimit: …;t=30` or `reset=30`, `X-RateLimit-Reset` with seconds or an epoch time.
fn reset(headers: &HeaderMap, now_ms: i64) -> Option<Duration> {
    let names = ["ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset"];
    let written =
        names.into_iter().find_map(|name| text(headers, name)).or_else(|| member(headers, &["t", "reset"]))?;
    let number: u64 = written.split([',', ';']).next().unwrap_or_default().trim().split('.').next()?.parse().ok()?;
    let now_ms = u64::try_from(now_ms).unwrap_or(0);
    Some(match number {
        0..1_000_000_000 => Duration::from_secs(number),
        1_000_000_000..1_000_000_000_000 => Duration::from_millis(number.saturating_mul(1_000).saturating_sub(now_ms)),
        _ => Duration::from_millis(number.saturating_sub(now_ms)),
    })
}

/// The wait that a value asks for; a date in the past asks for none.
fn retry_after(headers: &HeaderMap, now_ms: i64) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        // More digits than fit are a longer wait than `limits.retry_after`, which reports it.
        return Some(text.parse().map_or(Duration::MAX, Duration::from_secs));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    let now = UNIX_EPOCH + Duration::from_millis(u64::try_from(now_ms).unwrap_or(0));
    Some(date.duration_since(now).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn seconds_dates_and_garbage() {
        // 2026-11-23T18:00:00Z
        let now_ms = 1_795_456_800_000;
        for (text, expected) in [
            ("0", Some(Duration::ZERO)),
            (" 120 ", Some(Duration::from_mins(2))),
            ("Mon, 23 Nov 2026 18:00:30 GMT", Some(Duration::from_secs(30))),
            ("Mon, 23 Nov 2026 17:59:30 GMT", Some(Duration::ZERO)),
            ("99999999999999999999999", Some(Duration::MAX)),
            ("-5", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
        ] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(text))]);
            assert_eq!(retry_after(&headers, now_ms), expected, "{text}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now_ms), None);
    }

    #[test]
    fn limits_that_are_reset() {
        let now_ms = 1_795_456_800_000;
        for (name, text, expected) in [
            ("ratelimit-reset", "30", Some(30)),
            ("ratelimit-reset", "30, 30;w=60", Some(30)),
            ("ratelimit", "limit=100, remaining=0, reset=50", Some(50)),
            ("ratelimit", "\"default\";r=0;t=45", Some(45)),
            ("x-ratelimit-reset", "1795456860", Some(60)),
            ("x-ratelimit-reset", "1795456860.5", Some(60)),
            ("x-ratelimit-reset", "1795456830000", Some(30)),
            ("x-ratelimit-reset", "1795456000", Some(0)),
            ("x-ratelimit-reset", "soon", None),
            ("ratelimit", "limit=100", None),
        ] {
            let headers = HeaderMap::from_iter([(http::HeaderName::from_static(name), HeaderValue::from_static(text))]);
            assert_eq!(wait(&headers, 429, now_ms), expected.map(Duration::from_secs), "{name}: {text}");
            assert_eq!(wait(&headers, 403, now_ms), wait(&headers, 429, now_ms), "whatever the status: {name}: {text}");
        }
        for (remaining, status, expected) in
            [("0", 403, Some(30)), ("7", 403, None), ("7", 500, None), ("7", 429, Some(30))]
        {
            let headers = HeaderMap::from_iter([
                (http::HeaderName::from_static("x-ratelimit-remaining"), HeaderValue::from_static(remaining)),
                (http::HeaderName::from_static("x-ratelimit-reset"), HeaderValue::from_static("30")),
            ]);
            assert_eq!(wait(&headers, status, now_ms), expected.map(Duration::from_secs), "{remaining} {status}");
        }
        let both = HeaderMap::from_iter([
            (RETRY_AFTER, HeaderValue::from_static("7")),
            (http::HeaderName::from_static("ratelimit-reset"), HeaderValue::from_static("30")),
        ]);
        assert_eq!(wait(&both, 429, now_ms), Some(Duration::from_secs(7)));
    }
}
