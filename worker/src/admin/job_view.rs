//! A job as the API answers it (API 6).

use serde_json::{Value, json};

use crate::clock;
use crate::store::ledger::{JobDetail, JobRow};

/// The row of a job.
pub fn row(job: &JobRow) -> Value {
    json!({
        "id": job.id, "state": state(job), "status": status(job), "engine": job.engine, "process": job.process,
        "version": job.version, "request": job.request, "element": job.element, "connector": job.connector,
        "resource": job.resource, "attempt": job.attempt, "code": job.code, "http_status": job.http_status,
        "duration_ms": job.duration_ms, "due_at": job.due_at.map(clock::rfc3339), "replay_of": job.replay_of,
        "created_at": clock::rfc3339(job.created_at), "updated_at": clock::rfc3339(job.updated_at),
    })
}

/// The whole job.
pub fn shown(job: &JobDetail) -> Value {
    let mut shown = row(&job.row);
    let kept = job.exchange.clone().unwrap_or_default();
    (shown["sent"], shown["answer"]) = (kept.sent, kept.answer);
    shown["message"] = kept.message.unwrap_or_default();
    shown["attempts"] = json!(job.attempts);
    shown["result"] = job.result.clone().unwrap_or_default();
    shown
}

/// The ledger's state, or `queued` for a job that was made over REST and that no worker has had yet.
pub fn state(job: &JobRow) -> &str {
    let is_queued = job.state == "waiting" && job.attempt == 0 && job.made_by.is_some() && job.waits_for.is_none();
    if is_queued { "queued" } else { &job.state }
}

/// What it ended with; `None` while it has not.
pub fn status(job: &JobRow) -> Option<&'static str> {
    match job.state.as_str() {
        "answered" | "published" if job.code.is_some() => Some("failed"),
        "answered" | "published" => Some("completed"),
        "cancelled" => Some("cancelled"),
        _ => None,
    }
}

/// Whether nothing more becomes of it by itself.
pub fn has_ended(job: &JobRow) -> bool {
    status(job).is_some() || job.state == "parked"
}
