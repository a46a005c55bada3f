//! Taking deliveries: as many as there are permits, while broker and database can be reached, each in a task of its own.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;

use futures_util::FutureExt;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::task::JoinSet;

use super::context::Context;
use super::in_flight::{InFlight, InFlightJob};
use super::job;
use crate::amqp::{Consumer, Delivery};
use crate::engine::{Reason, Source};
use crate::fault;
use crate::job::Code;
use crate::longest_poll;
use crate::shutdown::ShuttingDown;
use crate::telemetry::event;

/// Takes deliveries until the consumer ends; returns the jobs that are still worked on.
pub(super) async fn run(
    worker: Arc<Context>,
    mut deliveries: Consumer,
    in_flight: Arc<InFlight>,
    mut gate: watch::Receiver<bool>,
) -> JoinSet<()> {
    let mut jobs = JoinSet::new();
    while let Some((delivery, permit)) = next(&mut deliveries, &in_flight, &mut gate).await {
        let (worker, job) = (Arc::clone(&worker), in_flight.take(permit));
        // In a box: on its way into a task, what a job takes, some 9 KB, would be copied four times.
        jobs.spawn(longest_poll::measured(
            "job",
            Box::pin(async move {
                let delivery = worker.rabbitmq.delivery(delivery);
                job.waits().of(deliver(&worker, &worker.rabbitmq, delivery, job)).await;
            }),
        ));
        while jobs.try_join_next().is_some() {}
    }
    jobs
}

/// The next delivery, once there is a permit and the gate is open; `None` when the consumer was stopped meanwhile.
async fn next(
    deliveries: &mut Consumer,
    in_flight: &InFlight,
    gate: &mut watch::Receiver<bool>,
) -> Option<(Delivery, OwnedSemaphorePermit)> {
    let permit = tokio::select! {
        permit = permit(in_flight, gate) => permit?,
        () = deliveries.stopped() => return None,
    };
    let delivery = deliveries.next().await?;
    // The gate may have closed while there was nothing to take.
    tokio::select! {
        () = opened(gate) => Some((delivery, permit)),
        () = deliveries.stopped() => {
            delivery.requeue().await;
            None
        }
    }
}

async fn permit(in_flight: &InFlight, gate: &mut watch::Receiver<bool>) -> Option<OwnedSemaphorePermit> {
    let permit = in_flight.permit().await;
    opened(gate).await;
    permit
}

/// Done once the gate is open; what the watch lends out is given back at once, for its sender waits for that.
async fn opened(gate: &mut watch::Receiver<bool>) {
    drop(gate.wait_for(|open| *open).await);
}

/// One delivery, from its arrival to its ack.
async fn deliver<S: Source>(worker: &Context, source: &S, delivery: S::Delivery, job: InFlightJob) {
    let caught = AssertUnwindSafe(pin!(job::work(worker, source, &delivery, &job))).catch_unwind().await;
    let worked = match caught {
        Ok(worked) => worked,
        Err(_) => after_panic(source, &delivery).await,
    };
    match worked {
        Ok(()) => {
            fault::at("acking").await;
            source.ack(delivery).await;
        }
        Err(ShuttingDown) => source.requeue(delivery).await,
    }
}

/// After a defect outside of an attempt: a delivery that goes round and round helps nobody.
async fn after_panic<S: Source>(source: &S, delivery: &S::Delivery) -> Result<(), ShuttingDown> {
    let job_id = source.message(delivery).envelope.message_id.as_deref();
    let detail = "a defect of Data Connector met this message; its log has the details";
    event::dead_lettered(job_id, Code::Internal, detail);
    source.dead_letter(delivery, &Reason { job_id, code: Code::Internal, detail }).await
}
