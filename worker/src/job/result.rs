//! The result that the engine receives (CONTRACT 3).

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::{Attempt, Code};

/// One result. Serializes to the JSON of CONTRACT 3, members in its order.
#[derive(Debug, Clone, Serialize)]
pub struct JobResult {
    /// The job id as it came.
    pub job: Box<RawValue>,
    /// Echoed as it came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process: Option<Box<RawValue>>,
    /// Echoed as it came; absent only where it could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<Box<RawValue>>,
    /// Echoed as it came; absent only where it could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub element: Option<Box<RawValue>>,
    /// How it ended.
    #[serde(flatten)]
    pub ending: Ending,
    /// What the call cost; always there.
    pub call: Call,
    /// The replay number, from 1, where the job was replayed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replay: Option<u32>,
}

/// How a job ended.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "status", rename_all = "lowercase")]
pub enum Ending {
    /// The answer was mapped.
    Completed {
        /// Top-level variables to merge into the request's data.
        data: Map<String, Value>,
    },
    /// The job failed.
    Failed {
        /// What happened, attempt by attempt.
        error: ResultError,
        /// What a boundary event can catch, when element or resource maps this failure.
        #[serde(rename = "bpmnError", skip_serializing_if = "Option::is_none")]
        bpmn_error: Option<BpmnError>,
    },
}

/// `error` of a failed result.
#[derive(Debug, Clone, Serialize)]
pub struct ResultError {
    /// The stable code.
    pub code: Code,
    /// For people: what happened and what to change.
    pub message: String,
    /// The first 2,000 characters of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// One entry an attempt.
    pub attempts: Vec<Attempt>,
}

/// `bpmnError` of a failed result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BpmnError {
    /// The code that a boundary event names.
    pub code: String,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// `call` of a result.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Call {
    /// How many attempts were made.
    pub attempts: u32,
    /// The last status line's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The last attempt, from dialling to the last byte, milliseconds.
    pub duration_ms: u64,
    /// The connector's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connector: Option<String>,
    /// The resource's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// Warnings for people; the job went on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

impl JobResult {
    /// The message's body.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Every member is JSON by construction; a failure here would be a defect of the serializer.
        serde_json::to_vec(self).unwrap_or_default()
    }
}
