//! The wall clock, read here and nowhere else.

/// Now, epoch milliseconds.
#[expect(clippy::disallowed_methods, reason = "this is the clock")]
pub fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// Epoch milliseconds as RFC 3339 in UTC, to the second.
pub fn rfc3339(epoch_ms: i64) -> String {
    jiff::Timestamp::from_second(epoch_ms.div_euclid(1_000)).unwrap_or_default().to_string()
}
