//! The retry table's rows about statuses (CONTRACT 6).

/// Whether a status is a success where no `success` list decides: 2xx, and a 3xx without JSON (COMPATIBILITY 4.7).
pub(super) fn is_success(status: u16, is_json: bool) -> bool {
    match status {
        200..=299 => true,
        300..=399 => !is_json,
        _ => false,
    }
}

/// Whether a status is retried: 408, 425, 429 and 5xx but 501 and 505.
pub(super) fn is_retried(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500 | 502..=504 | 506..=599)
}
