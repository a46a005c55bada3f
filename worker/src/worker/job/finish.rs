//! Record, then reply or defer; only then may the delivery be acknowledged.

use std::sync::Arc;
use std::time::Duration;

use super::JobRun;
use super::outcome::{self, Outcome, Summary};
use crate::engine::Source;
use crate::fault;
use crate::job::{Call, JobResult};
use crate::memory::{self, Share};
use crate::shutdown::ShuttingDown;
use crate::store::ledger::{Grant, Record, Recorded, StoredJob, StoredResult};
use crate::store::minutes::EndedJob;
use crate::telemetry::event;

/// How long a copy waits whose worker was overtaken: by then the other worker has an answer, or holds the job.
const OVERTAKEN: Duration = Duration::from_secs(5);

impl<S: Source> JobRun<'_, S> {
    /// Writes the outcome into the ledger and does what follows from it.
    pub(super) async fn finish(&self, outcome: Outcome) -> Result<(), ShuttingDown> {
        match outcome {
            Outcome::Retry { grant, after, is_silence } => self.wait(grant, after, is_silence).await,
            Outcome::Ended { grant, result, summary, exchange, room } => {
                let (body, call) = self.body(&grant, result, &room).await;
                let ended = self.end(grant, body, &call, (summary, exchange)).await;
                drop(room);
                ended
            }
        }
    }

    async fn wait(&self, grant: Grant, after: Duration, is_silence: bool) -> Result<(), ShuttingDown> {
        let wait_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
        let next = grant.attempt + 1;
        let (id, fence, history) = (self.job.id.clone(), grant.fence, grant.history);
        let record = Record::Waiting { id, fence, wait_ms, history, is_silence };
        match self.record(Arc::new(record)).await? {
            Recorded::Done | Recorded::Copied(_) => {
                fault::at("recorded").await;
                self.defer(next, None, after).await
            }
            Recorded::Cancelled => Ok(()),
            Recorded::Lost => self.defer(self.message.envelope.attempt, None, OVERTAKEN).await,
        }
    }

    /// The result's bytes, no more than `limits.result_bytes` of them; its values are gone then. One with room in memory is
    /// written in a thread of its own.
    async fn body(&self, grant: &Grant, result: Box<JobResult>, room: &Share) -> (Vec<u8>, Call) {
        let written = |result: Box<JobResult>| (result.to_bytes(), result.call);
        let (body, call) =
            if room.is_some() { memory::in_a_thread(move || written(result)).await } else { written(result) };
        let limit = self.worker.limits.result_bytes;
        if body.len() <= limit {
            return (body, call);
        }
        (outcome::too_large(self.job, grant, call.clone(), body.len(), limit), call)
    }

    async fn end(
        &self,
        grant: Grant,
        body: Vec<u8>,
        call: &Call,
        (summary, exchange): (Summary, Option<Vec<u8>>),
    ) -> Result<(), ShuttingDown> {
        let send = !self.job.is_of_rest() && grant.replay.is_none_or(|replay| replay.send);
        let record = Arc::new(Record::Answered {
            id: self.job.id.clone(),
            fence: grant.fence,
            code: summary.code.map(|code| code.to_string()),
            http_status: summary.status,
            duration_ms: summary.duration_ms,
            history: grant.history,
            result: self.source.address(self.delivery, &outcome::recipient(self.job), body),
            job: StoredJob { body: self.message.body.to_vec(), queue: self.message.queue.to_owned() },
            exchange,
            send,
        });
        let recorded = self.record(Arc::clone(&record)).await?;
        match recorded {
            Recorded::Done | Recorded::Copied(_) => {
                event::job_ended(summary.code);
                self.count(call, summary);
                fault::at("recorded").await;
                match (record.result().filter(|_| send), recorded) {
                    (Some(result), Recorded::Copied(copies)) => {
                        self.worker.send_result(&StoredResult { copies, ..result.clone() }).await
                    }
                    (Some(result), _) => self.worker.send_result(result).await,
                    (None, _) => Ok(()),
                }
            }
            Recorded::Cancelled => {
                event::job_cancelled();
                Ok(())
            }
            Recorded::Lost => self.defer(self.message.envelope.attempt, None, OVERTAKEN).await,
        }
    }

    /// Counts the job's end for the statistics.
    fn count(&self, call: &Call, summary: Summary) {
        let job = self.job;
        let code = summary.code.map(|code| code.to_string());
        let was_sent = summary.status.is_some() || summary.duration_ms > 0;
        self.worker.minutes.count(&EndedJob {
            process: job.process_id.as_deref().unwrap_or_default(),
            version: job.process_version.as_deref().unwrap_or_default(),
            element: &job.element_id,
            connector: call.connector.as_deref().unwrap_or_default(),
            resource: call.resource.as_deref().unwrap_or_default(),
            code: code.as_deref().unwrap_or_default(),
            duration_ms: was_sent.then_some(summary.duration_ms),
        });
    }

    async fn record(&self, record: Arc<Record>) -> Result<Recorded, ShuttingDown> {
        self.worker.retry_until_available("ledger", || self.worker.ledger.record(Arc::clone(&record))).await
    }
}
