//! The wire contract: a job as an engine publishes it, the result as the worker publishes it (CONTRACT 2 and 3).
//!
//! Knows bytes and JSON; must not know connectors, brokers or databases.

mod canonical;
mod code;
mod configuration;
mod decode;
mod envelope;
mod error_handling;
mod failure;
mod hash;
mod hex;
mod ids;
mod json;
mod json_text;
mod members;
mod refusal;
mod result;

pub(crate) use bpmn_ext::names::is_name;
pub use code::Code;
pub use configuration::{ConfigObject, Configuration};
pub use decode::{Decoder, Job, REST_ENGINE};
pub use envelope::{Envelope, JOB_TYPE, RESULT_TYPE};
pub use error_handling::ErrorHandling;
pub use failure::{Attempt, Caught, Failure, Limit, Retriable, brief, excerpt};
pub use hash::idempotency_key;
use hash::job_hash;
pub(crate) use hex::hex;
pub(crate) use ids::is_id;
pub(crate) use json::{kind_of, raw_text};
pub(crate) use json_text::{member_through_text, readable, value_in, without_lone_surrogates, without_mark};
pub use refusal::Refusal;
pub use result::{BpmnError, Call, Ending, JobResult, ResultError};

/// The canonical JSON of a value (RFC 8785).
pub fn canonical(value: &serde_json::Value) -> Vec<u8> {
    let mut text = Vec::new();
    canonical::write(value, &mut text);
    text
}

/// The type of a cancel (CONTRACT 4).
pub const CANCEL_TYPE: &str = "data-connector.cancel.v1";
/// JSON Schema of a job (CONTRACT 2).
pub const JOB_SCHEMA: &str = include_str!("../../schema/job.v1.json");
/// JSON Schema of a result (CONTRACT 3).
pub const RESULT_SCHEMA: &str = include_str!("../../schema/result.v1.json");
