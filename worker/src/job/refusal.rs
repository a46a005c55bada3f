//! A message that is not a job: what is wrong with it, and as much of its identity as could be read.

use serde_json::value::RawValue;

use super::{Code, Limit, brief};

/// A message that cannot become a [`Job`](super::Job).
#[derive(Debug)]
pub struct Refusal {
    /// `BAD_JOB` or `JOB_TOO_LARGE`.
    pub code: Code,
    /// What is wrong, with member or line and column, and what to change.
    pub message: String,
    /// The job id: the `message_id` where there is one, else the body's.
    pub id: Option<String>,
    /// The engine's name, where a well-formed one could be read.
    pub engine: Option<String>,
    /// `process` as it came.
    pub process: Option<Box<RawValue>>,
    /// `request` as it came, when it holds an id.
    pub request: Option<Box<RawValue>>,
    /// `element` as it came.
    pub element: Option<Box<RawValue>>,
    /// The BPMN process id, for the result's routing key.
    pub process_id: Option<String>,
}

impl Refusal {
    /// A refusal of a message of which only the `message_id` is known.
    pub fn unread(code: Code, message: String, id: Option<String>) -> Self {
        Self {
            code,
            message: brief(message, Limit::Bytes(QUOTED)).into_owned(),
            id,
            engine: None,
            process: None,
            request: None,
            element: None,
            process_id: None,
        }
    }
}

/// The longest message of a refusal, bytes: a header of the dead letter carries it, which has to fit into a frame.
pub(super) const QUOTED: usize = 1_000;
