//! One attempt: send, follow what the answer leads to, interpret, mask; counted, and reported to the host's limits.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::Instant;

use super::follow_ups;
use super::reading::Read;
use super::transport::Transport;
use super::{Permit, PreparedCall};
use crate::clock;
use crate::http::Session;
use crate::interpret::{MappedData, Response};
use crate::job::{Code, Failure, Retriable};
use crate::memory::{Memory, Share};
use crate::telemetry::event;

/// An attempt that was made.
#[derive(Debug)]
pub struct Attempt {
    /// When it began, epoch milliseconds.
    pub started_ms: i64,
    /// How long it took.
    pub took: Duration,
    /// What came of it.
    pub outcome: Outcome,
}

impl Attempt {
    /// Whether something was sent, or may have been.
    pub(super) fn was_sent(&self) -> bool {
        match &self.outcome {
            Outcome::Completed(_) => true,
            Outcome::Failed(failure) => failure.attempted,
        }
    }
}

/// What an attempt ends with. One that is answered later, through a web hook, will be a third way to end here.
#[derive(Debug)]
pub enum Outcome {
    /// A good answer.
    Completed(Answer),
    /// No answer, or not a good one.
    Failed(Failure),
}

/// A good answer.
#[derive(Debug)]
pub struct Answer {
    /// The status line's number.
    pub status: u16,
    /// What goes back into the request's data.
    pub mapped: MappedData,
    /// The room that it takes, until its result is stored.
    pub room: Share,
}

/// What an attempt is made with.
#[derive(Clone, Copy)]
pub(super) struct Means<'a> {
    pub(super) transport: &'a Transport,
    pub(super) memory: &'a Memory,
    /// Where the answer is left for somebody who looks at it.
    pub(super) seen: Option<&'a OnceLock<Response>>,
}

pub(super) async fn make(means: Means<'_>, call: &PreparedCall<'_>, permit: Permit) -> Attempt {
    let Permit { host, refused, spent } = permit;
    let started_ms = clock::now_ms().saturating_sub(i64::try_from(spent.as_millis()).unwrap_or(i64::MAX));
    let begun = Instant::now();
    let is_refused = refused.is_some();
    let ended = match refused {
        None => caught(means, call, begun + call.plan.request.timeout.saturating_sub(spent)).await,
        Some(failure) => Err(*failure),
    };
    let took = spent + begun.elapsed();
    let failure = ended.as_ref().err();
    // What failed before dialling was no attempt.
    if failure.is_none_or(|failure| failure.attempted) {
        event::attempt_ended(failure, took);
    }
    // Without a token nothing was sent: that says nothing about the host.
    if !is_refused {
        host.report(failure);
    }
    let outcome = match ended {
        Ok(answer) => Outcome::Completed(answer),
        Err(failure) => Outcome::Failed(failure),
    };
    Attempt { started_ms, took, outcome }
}

/// Content of other people is worked on here: a defect that it meets ends this attempt and nothing else.
async fn caught(means: Means<'_>, call: &PreparedCall<'_>, deadline: Instant) -> Result<Answer, Failure> {
    let attempt = pin!(redacted(means, call, deadline));
    AssertUnwindSafe(attempt).catch_unwind().await.unwrap_or_else(|_| {
        let message =
            "a defect of Data Connector ended this attempt; its log has the details. The call may have been made";
        Err(Failure::of_attempt(Code::Internal, message, Retriable::Final))
    })
}

/// Whatever comes back may hold what was sent: it was masked before it was interpreted, and nothing leaves this function that
/// was not masked again, data where it was interpreted, everything else here.
async fn redacted(means: Means<'_>, call: &PreparedCall<'_>, deadline: Instant) -> Result<Answer, Failure> {
    let redactor = &call.plan.request.redactor;
    match answered(means, call, deadline).await {
        Ok(mut answer) => {
            answer.mapped.warnings.extend_from_slice(call.warnings());
            answer.mapped.warnings.iter_mut().for_each(|warning| redactor.redact_text(warning));
            Ok(answer)
        }
        Err(mut failure) => {
            redactor.redact_text(&mut failure.message);
            failure.body = failure.body.map(|body| redactor.redacted_truncated(body.into()).into());
            if let Some(headers) = &mut failure.headers {
                redactor.redact_members(Arc::make_mut(headers));
            }
            Err(failure)
        }
    }
}

async fn answered(means: Means<'_>, call: &PreparedCall<'_>, deadline: Instant) -> Result<Answer, Failure> {
    let Means { transport, memory, seen } = means;
    let broken = || Failure::before_any_attempt(Code::Internal, "the plan names no resource");
    let context = call.response_context().ok_or_else(broken)?;
    let session = Session::new(memory.bodies().account());
    let planned = (&call.plan.request, &session);
    let whole = follow_ups::with_files(transport, planned, deadline, call.limits.response_bytes).await?;
    let request = whole.as_deref().unwrap_or(&call.plan.request);
    let response = transport.send(request, deadline, &session).await?;
    let polled = Instant::now();
    let response = follow_ups::poll(&means, call, response, (&context, &session)).await?;
    // Polling has a time of its own.
    let deadline = deadline + polled.elapsed();
    let response = follow_ups::pages(&means, call, (request, &session), response, deadline, &context).await?;
    if let Some(seen) = seen {
        seen.set(response.clone()).unwrap_or_default();
    }
    let status = response.status;
    let Read { mapped, room } = call.interpreted(response, memory).await?;
    Ok(Answer { status, mapped, room })
}
