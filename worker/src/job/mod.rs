//! The wire contract: a job as an engine publishes it, the result as it goes back (CONTRACT 2 and 3).
//!
//! Knows bytes and JSON; must not know connectors, brokers or databases.

mod canonical;
mod code;
mod configuration;
mod decode;
mod envelope;
mod failure;
mod hash;
mod members;
mod refusal;
mod result;

pub(crate) use bpmn_ext::names::is_name;
pub use code::Code;
pub use configuration::{Configuration, Given};
pub use decode::{Decoder, ErrorHandling, Job};
pub(crate) use decode::{is_id, kind_of, raw_text};
pub use envelope::{Envelope, JOB_TYPE, RESULT_TYPE};
pub use failure::{Attempt, Failure, Retriable, brief, excerpt};
pub use hash::idempotency_key;
use hash::job_hash;
pub use refusal::Refusal;
pub use result::{BpmnError, Call, Ending, JobResult, ResultError};

/// JSON Schema of a job (CONTRACT 2).
pub const JOB_SCHEMA: &str = include_str!("../../schema/job.v1.json");
/// JSON Schema of a result (CONTRACT 3).
pub const RESULT_SCHEMA: &str = include_str!("../../schema/result.v1.json");
