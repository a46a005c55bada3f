//! Messages that cannot be worked on: answered where that can be done safely, dead letters in any case (CONTRACT 3).

use crate::amqp::{Delivery, HeaderValue, Message};
use crate::engine;
use crate::job::{Call, Code, Ending, Envelope, JobResult, Refusal, ResultError, is_name, raw_text};
use crate::store::ledger::StoredResult;
use crate::telemetry::metric;
use crate::worker::context::{Delivered, Settled, Stopping, Worker};

/// `BAD_JOB`.
pub(super) async fn bad_job(
    worker: &Worker,
    delivery: &Delivery,
    envelope: &Envelope,
    refusal: &Refusal,
) -> Result<Settled, Stopping> {
    to_dead(worker, delivery, envelope, refusal.id.as_deref(), refusal.code, &refusal.message).await?;
    let can_answer = refusal.request.is_some() || envelope.reply_to.is_some();
    if let Some(id) = refusal.id.as_deref().filter(|_| can_answer) {
        answer(worker, envelope, refusal, id).await?;
    }
    Ok(Settled::Done)
}

/// `JOB_TOO_LARGE`: the body is not read.
pub(super) async fn too_large(worker: &Worker, delivery: &Delivery, envelope: &Envelope) -> Result<Settled, Stopping> {
    let message = format!(
        "the message has {} bytes and limits.job_bytes is {}; send less data with the job, or raise the limit",
        delivery.body.len(),
        worker.limits.job_bytes
    );
    let refusal = Refusal {
        code: Code::JobTooLarge,
        message,
        id: envelope.message_id.clone(),
        engine: None,
        process: None,
        request: None,
        element: None,
        process_id: None,
    };
    to_dead(worker, delivery, envelope, refusal.id.as_deref(), refusal.code, &refusal.message).await?;
    if let (Some(id), Some(_)) = (&refusal.id, &envelope.reply_to) {
        answer(worker, envelope, &refusal, id).await?;
    }
    Ok(Settled::Done)
}

/// Sends the refusal as a result, unless the ledger knows the id: an engine would take it for the real one.
async fn answer(worker: &Worker, envelope: &Envelope, refusal: &Refusal, id: &str) -> Result<(), Stopping> {
    if worker.until_answered("ledger", || worker.ledger.knows(id)).await? {
        return Ok(());
    }
    let result = JobResult {
        job: raw_text(id),
        process: refusal.process.clone(),
        request: refusal.request.clone(),
        element: refusal.element.clone(),
        ending: Ending::Failed {
            error: ResultError {
                code: refusal.code,
                message: refusal.message.clone(),
                body: None,
                attempts: Vec::new(),
            },
            bpmn_error: None,
        },
        call: Call::default(),
        replay: None,
    };
    let stored = |engine: &str| engine::address(engine, refusal.process_id.as_deref(), id, envelope, result.to_bytes());
    match refusal.engine.as_deref().filter(|engine| is_name(engine)) {
        Some(engine) => send(worker, &stored(engine), None).await,
        // A malformed engine name has no place on the results exchange.
        None => send(worker, &stored("-"), envelope.reply_to.as_deref()).await,
    }
}

/// There is no ledger row to keep it in: what nobody takes is gone, and the dead letter remains.
async fn send(worker: &Worker, result: &StoredResult, only: Option<&str>) -> Result<(), Stopping> {
    for message in engine::messages(result, &worker.topology) {
        let wanted = only.is_none_or(|queue| message.exchange.is_empty() && message.routing_key == queue);
        if wanted && worker.publish_for_sure(&message).await? == Delivered::Taken {
            break;
        }
    }
    Ok(())
}

/// Puts the original bytes and properties among the dead letters, with the reason in headers.
pub(super) async fn to_dead(
    worker: &Worker,
    delivery: &Delivery,
    envelope: &Envelope,
    job_id: Option<&str>,
    code: Code,
    detail: &str,
) -> Result<(), Stopping> {
    metrics::counter!(metric::DEAD_LETTERS, "reason" => code.to_string()).increment(1);
    tracing::warn!(job.id = job_id, reason = %code, "a message went to the dead letters: {detail}");
    let mut properties = delivery.properties.clone();
    let mut say = |name: &str, value: &str| {
        properties.headers.insert(name.to_owned(), HeaderValue::Text(value.to_owned()));
    };
    say("reason", &code.to_string());
    say("detail", detail);
    say("job-id", job_id.unwrap_or_default());
    say("exchange", &delivery.properties.exchange);
    say("routing-key", &delivery.properties.routing_key);
    properties.headers.insert("attempts".to_owned(), HeaderValue::Integer(envelope.attempt.saturating_sub(1).into()));
    let letter = Message {
        exchange: String::new(),
        routing_key: worker.topology.dead().to_owned(),
        body: delivery.body.clone(),
        properties,
    };
    worker.publish_until_taken(&letter).await
}
