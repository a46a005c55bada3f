//! Makes a configured call in three steps: prepare, admit, attempt. A job, `run`, `connectors test` and a request over REST
//! are doors to the same steps, with the same limits, rates, metrics and redaction.
//!
//! Knows connectors, hosts and answers; must not know brokers or the ledger.

mod attempt;
mod catalog;
mod circuit_breaker;
mod concurrency_limit;
mod demand;
mod element_cache;
mod exchange;
mod follow_ups;
mod foreground;
mod host;
mod host_limiter;
mod kept;
mod last_calls;
#[cfg(test)]
mod language_page;
mod pace;
mod prepare;
mod rate_limit;
mod reading;
mod reads;
mod token_store;
mod transport;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::job::{Code, Configuration, ErrorHandling, Failure, Job};
use crate::memory::{self, Memory};
use crate::plan;
use crate::retry::{self, Decision, RetryState};
use crate::store;

pub use crate::interpret::Response;
pub use attempt::{Answer, Attempt, Outcome};
pub use catalog::{Catalog, ResolvedConnector, account_of};
pub use exchange::{Exchange, GivenAnswer, SeenAnswer, SeenBody, Watched};
pub use foreground::Retrying;
pub use host::LastFailure;
pub use host_limiter::HostLimiter;
pub use kept::kept;
pub use prepare::PreparedCall;
pub use token_store::TokenStore;
pub use transport::{InProcess, LocalAnswer, LocalRequest, Transport};

use attempt::Means;
use host_limiter::{HostPermit, NoPermit, Target, Why};
use rate_limit::Slot;

/// What all calls of a process share; cheap to clone, and every clone counts against the same limits.
#[derive(Debug, Clone)]
pub struct Calls {
    /// Where connectors and deployed configurations are found.
    pub catalog: Catalog,
    /// How a request is carried.
    pub transport: Transport,
    /// How many calls each host may have, and which hosts are left alone.
    pub hosts: Arc<HostLimiter>,
    /// What the operator decided about every call.
    pub limits: plan::Limits,
    /// The longest wait a third party may ask for (`limits.retry_after`).
    pub longest_wait: Duration,
    /// How long at least a call waits for a host that does not answer (`limits.host_wait`).
    pub host_wait: Duration,
    /// What large messages and answers may take.
    pub memory: Memory,
}

/// One configured call with its data: what a job carries, or what a person asks for.
#[derive(Debug, Clone, Copy)]
pub struct Invocation<'a> {
    /// With `id`, what the idempotency key is derived from.
    pub engine: &'a str,
    /// The job's id, or a new one.
    pub id: &'a str,
    /// The BPMN process, for configurations that were deployed.
    pub process: Option<&'a str>,
    /// Its version; `None` means the newest.
    pub version: Option<&'a str>,
    /// The element's id.
    pub element: &'a str,
    /// The element's name, for messages to people.
    pub element_name: Option<&'a str>,
    /// What the designer configured.
    pub config: &'a Configuration,
    /// Timeout, retries and waits of the element.
    pub error_handling: &'a ErrorHandling,
    /// What templates see.
    pub data: &'a Arc<Map<String, Value>>,
    /// Epoch milliseconds after which nothing more is sent.
    pub deadline_ms: Option<i64>,
    /// W3C trace context.
    pub traceparent: Option<&'a str>,
}

impl<'a> Invocation<'a> {
    /// The call that a job asks for.
    pub fn of_job(job: &'a Job, traceparent: Option<&'a str>) -> Self {
        Self {
            engine: &job.engine,
            id: &job.id,
            process: job.process_id.as_deref(),
            version: job.process_version.as_deref(),
            element: &job.element_id,
            element_name: job.element_name.as_deref(),
            config: &job.config,
            error_handling: &job.error_handling,
            data: &job.scope,
            deadline_ms: job.deadline_ms,
            traceparent,
        }
    }

    /// The element as people know it: `name (id)`, or the id alone.
    fn element_label(&self) -> String {
        match self.element_name.filter(|name| !name.is_empty()) {
            Some(name) => format!("{name} ({})", self.element),
            None => self.element.to_owned(),
        }
    }
}

/// Why a call is not prepared.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// It can never be made as it is configured.
    #[error("{}: {}", .0.code, .0.message)]
    Failed(Failure),
    /// The database cannot be reached; another try may succeed.
    #[error(transparent)]
    Unavailable(#[from] Arc<store::Error>),
}

impl From<store::Error> for PrepareError {
    fn from(error: store::Error) -> Self {
        Self::Unavailable(Arc::new(error))
    }
}

/// Why a prepared call is not made now.
#[derive(Debug, thiserror::Error)]
pub enum AdmitError {
    /// It may be made later, and no attempt was spent.
    #[error("{} has no room for this call for {:.0?}", .0.reason.label(), .0.wait)]
    Later(Later),
    /// The database cannot be reached; another try may succeed.
    #[error(transparent)]
    Unavailable(#[from] store::Error),
}

/// When a call may be tried again, and why not now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Later {
    /// From now.
    pub wait: Duration,
    /// What it waits for.
    pub reason: Reason,
}

/// What a call waits for before its attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The resource's circuit breaker is open, after a call that ended so.
    HostCircuitOpen(Option<LastFailure>),
    /// The host has all the calls that it may have at once, and none of them seems to end.
    HostHangs,
    /// The host has all the calls that it may have at once.
    HostFull,
    /// The resource has not answered yet, and has all the calls that other hosts leave it.
    HostUnknown,
    /// The connector's rate limit.
    RateLimit {
        /// The slot that was reserved, epoch milliseconds: whoever brings it back in time need not reserve another one.
        slot: i64,
    },
}

impl Reason {
    /// As metrics name it.
    pub fn label(self) -> &'static str {
        match self {
            Self::HostCircuitOpen(_) => "host_circuit_open",
            Self::HostHangs | Self::HostFull | Self::HostUnknown => "host_full",
            Self::RateLimit { .. } => "rate",
        }
    }

    /// Whether the host does not answer.
    pub fn is_silence(self) -> bool {
        matches!(self, Self::HostCircuitOpen(_) | Self::HostHangs)
    }

    /// As people read it, of this call.
    pub fn of(self, call: &PreparedCall<'_>) -> String {
        let (resource, host) = (call.resource(), call.request().authority());
        match self {
            Self::HostCircuitOpen(Some(last)) => {
                format!("host: `{resource}` at {host} does not answer ({})", last.code)
            }
            Self::HostCircuitOpen(None) => format!("host: `{resource}` at {host} does not answer"),
            Self::HostHangs => format!("host: all calls to `{resource}` at {host} hang"),
            Self::HostFull => format!("place: {host} has as many calls as worker.per_host allows"),
            Self::HostUnknown => {
                format!(
                    "place: `{resource}` at {host} has not answered yet, and has the calls that other hosts leave it"
                )
            }
            Self::RateLimit { .. } => format!("rate: the rate of connector `{}`", call.connector()),
        }
    }
}

/// Leave to make one attempt. Given back when it is dropped.
#[derive(Debug)]
pub struct Permit {
    host: HostPermit,
    /// What the attempt ends with instead of a request: a refused destination, no token. In a box, since few are.
    refused: Option<Box<Failure>>,
    /// How much of the attempt's time its token took.
    spent: Duration,
}

impl Permit {
    /// How much of the attempt's time its token took.
    pub fn spent(&self) -> Duration {
        self.spent
    }
}

/// How far a series of attempts has come.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// The attempt that failed; counts from 1.
    pub attempt: u32,
    /// Since the first attempt could have begun.
    pub elapsed: Duration,
}

impl Calls {
    /// Finds configuration, connector and secrets, and plans the request. Nothing is sent.
    ///
    /// # Errors
    /// The failure that says what to change, or that the database cannot be reached.
    pub async fn prepare<'a>(&self, invocation: Invocation<'a>) -> Result<PreparedCall<'a>, PrepareError> {
        loop {
            if let Some(prepared) = self.prepare_within(memory::PATIENCE, invocation).await? {
                return Ok(prepared);
            }
        }
    }

    /// The same; `None` where a large request has found no room in memory, or no turn, within `patience`.
    ///
    /// # Errors
    /// As [`Self::prepare`].
    pub async fn prepare_within<'a>(
        &self,
        patience: Duration,
        invocation: Invocation<'a>,
    ) -> Result<Option<PreparedCall<'a>>, PrepareError> {
        prepare::prepare(&self.catalog, (&self.limits, &self.memory), invocation, patience).await
    }

    /// Judges the destination as it is written, without asking anybody.
    ///
    /// # Errors
    /// `DENIED`, or `CONFIGURATION` for URLs and switches that cannot be used.
    pub fn judge(&self, call: &PreparedCall<'_>) -> Result<(), Failure> {
        self.transport.judge(call.request())
    }

    /// Gets a permit of the host, a slot of the rate limit, and a token where one is needed. A place at the host is waited
    /// for no longer than `patience`. `slot` is one that was reserved by an earlier try, epoch milliseconds.
    ///
    /// # Errors
    /// When the call has to wait, or the database cannot be reached.
    pub async fn admit(
        &self,
        call: &PreparedCall<'_>,
        slot: Option<i64>,
        patience: Duration,
    ) -> Result<Permit, AdmitError> {
        let resource = format!("{}/{}", call.connector(), call.resource());
        let target = Target { host: call.request().authority(), resource };
        let host = self.hosts.acquire(&target, patience).await.map_err(|NoPermit { wait, why }| {
            let reason = match why {
                Why::CircuitOpen(last) => Reason::HostCircuitOpen(last),
                Why::Hangs => Reason::HostHangs,
                Why::Full => Reason::HostFull,
                Why::Unknown => Reason::HostUnknown,
            };
            AdmitError::Later(Later { wait, reason })
        })?;
        if let (Some(limit), Some(store)) = (&call.plan.rate_limit, self.catalog.store())
            && let Slot::Later { wait, at } = rate_limit::reserve(store, slot, limit).await?
        {
            return Err(AdmitError::Later(Later { wait, reason: Reason::RateLimit { slot: at } }));
        }
        let begun = Instant::now();
        let refused = self.transport.admit(call.request()).await.err().map(Box::new);
        Ok(Permit { host, refused, spent: begun.elapsed() })
    }

    /// The longest that a call waits for a host that does not answer: what its own attempts and waits could take, and at least
    /// `limits.host_wait`.
    pub fn longest_host_wait(&self, call: &PreparedCall<'_>) -> Duration {
        retry::longest(&call.plan.policy, call.plan.request.timeout).max(self.host_wait)
    }

    /// What a call fails with that has waited for so long for a host whose last call ended so.
    pub fn given_up(&self, call: &PreparedCall<'_>, last: LastFailure, waited: Duration) -> Failure {
        let (resource, host) = (call.resource(), call.request().authority());
        let message = format!(
            "`{resource}` at {host} does not answer: the last call to it ended with {}. This one has waited {:.0?} for it, \
             longer than its own attempts and waits could have taken and than limits.host_wait ({:.0?}), and is not made",
            last.code, waited, self.host_wait
        );
        // What was never sent has no unknown outcome.
        let code = if last.code == Code::OutcomeUnknown { Code::Timeout } else { last.code };
        Failure { status: last.status, ..Failure::before_any_attempt(code, message) }
    }

    /// Makes one attempt: sends, follows what the answer leads to, interprets, and reports how the host did.
    pub async fn attempt(&self, call: &PreparedCall<'_>, permit: Permit) -> Attempt {
        let means = Means { transport: &self.transport, memory: &self.memory, seen: None };
        let attempt = attempt::make(means, call, permit).await;
        self.catalog.note_call(&call.connector, &attempt);
        attempt
    }

    /// Whether a failure says that the host does not answer.
    pub fn is_silence(failure: &Failure) -> bool {
        host_limiter::is_silent(failure)
    }

    /// What follows a failed attempt.
    pub fn decide(&self, call: &PreparedCall<'_>, failure: Failure, progress: Progress, now_ms: i64) -> Decision {
        let until = |deadline: i64| Duration::from_millis(u64::try_from(deadline - now_ms).unwrap_or(0));
        let state = RetryState {
            attempt: progress.attempt,
            elapsed: progress.elapsed,
            until_deadline: call.invocation.deadline_ms.map(until),
            longest_wait: self.longest_wait,
            random: fastrand::f64(),
        };
        retry::decide(failure, &call.plan.policy, &state)
    }
}

#[cfg(test)]
mod tests;
