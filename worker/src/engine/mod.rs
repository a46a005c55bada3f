//! How a job comes from an engine and how the engine is answered: one trait, and one folder per kind of engine.
//!
//! Knows messages and where they go; must not know what a job asks for or what a result says.

pub mod rabbitmq;

use std::time::Duration;

use crate::job::{Code, Envelope};
use crate::shutdown::ShuttingDown;
use crate::store::ledger::StoredResult;

/// A source of jobs: what can be done with a delivered job, and with a result. Everything that returns
/// `Err(ShuttingDown)` waits for a broker that cannot be reached until this process gives up.
pub trait Source: Send + Sync {
    /// One delivered message, not settled yet.
    type Delivery: Send + Sync;

    /// What the message holds.
    fn message<'a>(&self, delivery: &'a Self::Delivery) -> Message<'a>;

    /// The result of a delivered job with its address, now or after a restart.
    fn address(&self, delivery: &Self::Delivery, to: &Recipient<'_>, body: Vec<u8>) -> StoredResult;

    /// The job is done with: its end is durable elsewhere.
    fn ack(&self, delivery: Self::Delivery) -> impl Future<Output = ()> + Send;

    /// The job was not worked on: another worker gets it.
    fn requeue(&self, delivery: Self::Delivery) -> impl Future<Output = ()> + Send;

    /// The job comes again after `wait`; returns once that is certain.
    fn defer(
        &self,
        delivery: &Self::Delivery,
        redelivery: Redelivery,
        wait: Duration,
    ) -> impl Future<Output = Result<(), ShuttingDown>> + Send;

    /// Sends a result where its job asked for it; returns once the engine's queue has it, or nobody takes it.
    fn reply(&self, result: &StoredResult) -> impl Future<Output = Result<Routing, ShuttingDown>> + Send;

    /// Puts the original message among the dead letters, with the reason.
    fn dead_letter(
        &self,
        delivery: &Self::Delivery,
        reason: &Reason<'_>,
    ) -> impl Future<Output = Result<(), ShuttingDown>> + Send;
}

/// A delivered message, as far as a job needs it.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// Its properties.
    pub envelope: &'a Envelope,
    /// Its body.
    pub body: &'a [u8],
    /// The job queue that it came from, as engines name it.
    pub queue: &'a str,
    /// Whether it was sent to another queue, which does not exist.
    pub is_unrouted: bool,
    /// Whether it was delivered before, to this worker or another one, which did not come to its end.
    pub is_redelivered: bool,
}

/// Whom a result is for.
#[derive(Debug, Clone, Copy)]
pub struct Recipient<'a> {
    /// The engine, where its name is a valid one.
    pub engine: Option<&'a str>,
    /// The innermost BPMN process id.
    pub process: Option<&'a str>,
    /// The job.
    pub job_id: &'a str,
}

/// As what a job comes again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Redelivery {
    /// The number of the attempt that it comes for.
    pub attempt: u32,
    /// The slot of a rate limit that it has reserved, epoch milliseconds.
    pub slot: Option<i64>,
    /// Its address is with the job: what the job ends with is sent there in any case.
    pub is_registered: bool,
}

/// What became of a message that was published and confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Routing {
    /// A queue holds it.
    Routed,
    /// No queue is bound where it was sent.
    Unroutable,
}

/// Why a message is a dead letter.
#[derive(Debug, Clone, Copy)]
pub struct Reason<'a> {
    /// The job, where its id could be read.
    pub job_id: Option<&'a str>,
    /// The code.
    pub code: Code,
    /// What happened and what to change.
    pub detail: &'a str,
}
