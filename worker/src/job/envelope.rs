//! The properties of a job's message (CONTRACT 2).

/// The `type` of a job's message.
pub const JOB_TYPE: &str = "data-connector.job.v1";
/// The `type` of a result's message.
pub const RESULT_TYPE: &str = "data-connector.result.v1";

/// The properties of a job's message that a worker reads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Envelope {
    /// The job id, when the engine set it.
    pub message_id: Option<String>,
    /// The message's `type`; absent is accepted.
    pub kind: Option<String>,
    /// A queue that gets the result instead of the results exchange.
    pub reply_to: Option<String>,
    /// A queue that its job may not name in `reply_to`.
    pub refused_reply_to: Option<String>,
    /// Echoed on the result.
    pub correlation_id: Option<String>,
    /// W3C trace context, continued.
    pub traceparent: Option<String>,
    /// Which attempt this copy is for; 1 for a message straight from an engine.
    pub attempt: u32,
    /// The slot that this copy reserved and waited for, epoch milliseconds, where its connector has a rate limit.
    pub reserved_slot: Option<i64>,
    /// Where this copy wants the result is stored with its job, whose end is sent there in any case.
    pub is_registered: bool,
}
