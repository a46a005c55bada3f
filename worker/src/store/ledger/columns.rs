//! A record as the columns it is written into, the same for both databases.

use super::{ANSWER_GRACE_MS, Record, StoredJob, StoredResult, history_bytes};

/// One row of a batch.
pub(super) struct Columns<'a> {
    pub(super) id: &'a str,
    pub(super) fence: i64,
    pub(super) state: &'static str,
    /// From now until the next attempt is due, milliseconds.
    pub(super) due_in: Option<i64>,
    /// From now until the result is sent again, milliseconds, should it not have been taken.
    pub(super) send_in: Option<i64>,
    pub(super) history: Option<Vec<u8>>,
    pub(super) code: Option<&'a str>,
    pub(super) http_status: Option<i64>,
    pub(super) duration_ms: Option<i64>,
    pub(super) result: Option<&'a StoredResult>,
    pub(super) job: Option<&'a StoredJob>,
}

impl<'a> Columns<'a> {
    pub(super) fn of(record: &'a Record) -> Self {
        match record {
            Record::Waiting { id, fence, wait_ms, history } => Self {
                id,
                fence: *fence,
                state: "waiting",
                due_in: Some(i64::try_from(*wait_ms).unwrap_or(i64::MAX).min(LONGEST_MS)),
                send_in: None,
                history: history_bytes(history),
                code: None,
                http_status: None,
                duration_ms: None,
                result: None,
                job: None,
            },
            Record::Answered { id, fence, code, http_status, duration_ms, history, result, job, send } => Self {
                id,
                fence: *fence,
                state: if *send { "answered" } else { "published" },
                due_in: None,
                send_in: send.then_some(ANSWER_GRACE_MS),
                history: history_bytes(history),
                code: code.as_deref(),
                http_status: http_status.map(i64::from),
                duration_ms: Some(i64::try_from(*duration_ms).unwrap_or(i64::MAX)),
                result: Some(result),
                job: Some(job),
            },
        }
    }
}

/// A hundred years, so that sums fit.
const LONGEST_MS: i64 = 100 * 366 * 86_400_000;
