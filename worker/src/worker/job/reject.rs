//! Messages that hold no job: answered where that can be done safely, dead letters in any case (CONTRACT 3).

use crate::engine::{Reason, Recipient, Source};
use crate::job::{Call, Code, Ending, JobResult, Refusal, ResultError, is_name, raw_text};
use crate::memory::TooMuch;
use crate::shutdown::ShuttingDown;
use crate::telemetry::event;
use crate::worker::context::Context;

/// `BAD_JOB`.
pub(super) async fn bad_job<S: Source>(
    worker: &Context,
    source: &S,
    delivery: &S::Delivery,
    refusal: &Refusal,
) -> Result<(), ShuttingDown> {
    let has_reply_to = source.message(delivery).envelope.reply_to.is_some();
    reject(worker, source, delivery, refusal, refusal.request.is_some() || has_reply_to).await
}

/// `JOB_TOO_LARGE`: the body is not read.
pub(super) async fn too_large<S: Source>(
    worker: &Context,
    source: &S,
    delivery: &S::Delivery,
) -> Result<(), ShuttingDown> {
    let message = source.message(delivery);
    let text = format!(
        "the message has {} bytes and limits.job_bytes is {}; send less data with the job, or raise the limit",
        message.body.len(),
        worker.limits.job_bytes
    );
    let refusal = Refusal::unread(Code::JobTooLarge, text, message.envelope.message_id.clone());
    reject(worker, source, delivery, &refusal, message.envelope.reply_to.is_some()).await
}

/// `JOB_TOO_LARGE`: what would be made of the body has no room.
pub(super) async fn too_much<S: Source>(
    worker: &Context,
    source: &S,
    delivery: &S::Delivery,
    problem: TooMuch,
) -> Result<(), ShuttingDown> {
    let message = source.message(delivery);
    let text = format!("the message {problem}; send less data with the job, or raise limits.memory");
    let refusal = Refusal::unread(Code::JobTooLarge, text, message.envelope.message_id.clone());
    reject(worker, source, delivery, &refusal, message.envelope.reply_to.is_some()).await
}

async fn reject<S: Source>(
    worker: &Context,
    source: &S,
    delivery: &S::Delivery,
    refusal: &Refusal,
    may_answer: bool,
) -> Result<(), ShuttingDown> {
    let Refusal { id, code, message, .. } = refusal;
    event::dead_lettered(id.as_deref(), *code, message);
    let reason = Reason { job_id: id.as_deref(), code: *code, detail: message };
    source.dead_letter(delivery, &reason).await?;
    match id.as_deref().filter(|_| may_answer) {
        Some(id) => answer(worker, source, delivery, refusal, id).await,
        None => Ok(()),
    }
}

/// Sends the refusal as a result, unless the ledger knows the id: an engine would take it for the job's own result. There is
/// no ledger row to keep it in, so that one that nobody takes is gone; the dead letter remains.
async fn answer<S: Source>(
    worker: &Context,
    source: &S,
    delivery: &S::Delivery,
    refusal: &Refusal,
    id: &str,
) -> Result<(), ShuttingDown> {
    if worker.retry_until_available("ledger", || worker.ledger.contains(id)).await? {
        return Ok(());
    }
    let error = ResultError { code: refusal.code, message: refusal.message.clone(), body: None, attempts: Vec::new() };
    let result = JobResult {
        job: raw_text(id),
        process: refusal.process.clone(),
        request: refusal.request.clone(),
        element: refusal.element.clone(),
        ending: Ending::Failed { error, bpmn_error: None },
        call: Call::default(),
        replay: None,
    };
    let to = Recipient {
        // A malformed name has no address on the results exchange.
        engine: refusal.engine.as_deref().filter(|engine| is_name(engine)),
        process: refusal.process_id.as_deref(),
        job_id: id,
    };
    source.reply(&source.address(delivery, &to, result.to_bytes())).await.map(drop)
}
