//! The claim: what the ledger already knows outranks everything that preparing has found.

use std::sync::Arc;
use std::time::Duration;

use super::{Intent, JobRun, outcome};
use crate::call::PreparedCall;
use crate::engine::{Reason, Redelivery, Source};
use crate::job::{Code, idempotency_key};
use crate::shutdown::ShuttingDown;
use crate::store::ledger::{Claim, ClaimRequest, Verdict};
use crate::telemetry::event;

impl<S: Source> JobRun<'_, S> {
    /// Claims the job before anything of it is sent.
    pub(super) async fn claim(&self, intent: &Intent<'_>) -> Result<Claim, ShuttingDown> {
        let request = Arc::new(self.claim_request(intent));
        let claim =
            self.worker.retry_until_available("ledger", || self.worker.ledger.claim(Arc::clone(&request))).await?;
        event::claim_decided(verdict(&claim));
        Ok(claim)
    }

    /// What the job is claimed with.
    pub(super) fn claim_request(&self, intent: &Intent<'_>) -> ClaimRequest {
        let (job, call, sent) = (self.job, intent.call(), intent.sent());
        let address = self.source.address(self.delivery, &outcome::recipient(job), Vec::new());
        ClaimRequest {
            id: job.id.clone(),
            job_hash: job.hash,
            attempt: self.message.envelope.attempt,
            // What cannot be sent can be refused any number of times.
            repeat_safe: sent.is_none_or(PreparedCall::is_repeatable),
            idempotency_key: idempotency_key(&job.engine, &job.id),
            request_hash: sent.map(|call| call.request().hash()),
            engine: job.engine.clone(),
            process: job.process_id.clone(),
            version: job.process_version.clone().or_else(|| call?.deployed_version().map(ToOwned::to_owned)),
            request: job.request_id.clone(),
            element: job.element_id.clone(),
            connector: call.map(|call| call.connector().to_owned()),
            resource: call.map(|call| call.resource().to_owned()),
            reply_address: address.reply_address,
            is_registered: self.message.envelope.is_registered,
        }
    }

    /// Does what follows for a job whose claim is refused.
    pub(super) async fn settle(&self, verdict: Verdict) -> Result<(), ShuttingDown> {
        let attempt = self.message.envelope.attempt;
        match verdict {
            Verdict::Answered(answer) => self.worker.send_again(&answer, true).await,
            Verdict::AnsweredElsewhere(answer) => self.worker.send_again(&answer, false).await,
            Verdict::Busy { for_ms } => self.defer_registered(attempt, for_ms).await,
            Verdict::Requeue { attempt, in_ms } => self.defer_registered(attempt, in_ms).await,
            Verdict::Mismatch => {
                let id = &self.job.id;
                let why = format!("job `{id}` is known with other content; give each activation an id of its own");
                self.dead_letter(Code::JobMismatch, &why).await
            }
            Verdict::Parked => {
                let id = &self.job.id;
                let why = format!("three workers died while they worked on job `{id}`; look at it, then replay it");
                self.dead_letter(Code::Internal, &why).await
            }
            Verdict::Published | Verdict::Cancelled | Verdict::Stale => Ok(()),
        }
    }

    /// The copy comes again, should whoever has the job die; otherwise it was answered by then.
    async fn defer_registered(&self, attempt: u32, wait_ms: u64) -> Result<(), ShuttingDown> {
        let redelivery = Redelivery { attempt, slot: None, is_registered: true };
        self.source.defer(self.delivery, redelivery, Duration::from_millis(wait_ms)).await
    }

    async fn dead_letter(&self, code: Code, detail: &str) -> Result<(), ShuttingDown> {
        event::dead_lettered(Some(&self.job.id), code, detail);
        self.source.dead_letter(self.delivery, &Reason { job_id: Some(&self.job.id), code, detail }).await
    }
}

/// A claim's verdict as a metric's label.
fn verdict(claim: &Claim) -> &'static str {
    match claim {
        Claim::Granted(_) => "granted",
        Claim::Orphaned(_) => "orphaned",
        Claim::Refused(Verdict::Answered(_) | Verdict::AnsweredElsewhere(_)) => "answered",
        Claim::Refused(Verdict::Published) => "published",
        Claim::Refused(Verdict::Cancelled) => "cancelled",
        Claim::Refused(Verdict::Parked) => "parked",
        Claim::Refused(Verdict::Busy { .. }) => "busy",
        Claim::Refused(Verdict::Requeue { .. }) => "requeue",
        Claim::Refused(Verdict::Stale) => "stale",
        Claim::Refused(Verdict::Mismatch) => "mismatch",
    }
}
