//! Republishes messages whose `basic.return` was processed after their confirm had been treated as success.

use std::sync::Arc;

use crate::amqp::{Broker, Message};
use crate::job::RESULT_TYPE;
use crate::shutdown::ShuttingDown;
use crate::worker::context::Context;

/// Runs until the process ends.
pub(in crate::worker) async fn republish(worker: Arc<Context>, broker: Broker) {
    loop {
        let returned = broker.next_misattributed_return().await;
        if republish_one(&worker, &returned).await.is_err() {
            return;
        }
    }
}

async fn republish_one(worker: &Context, returned: &Message) -> Result<(), ShuttingDown> {
    let is_result = returned.properties.kind.as_deref() == Some(RESULT_TYPE);
    let Some(job) = returned.properties.message_id.as_deref().filter(|_| is_result) else {
        return worker.rabbitmq.publish_until_routed(returned).await;
    };
    tracing::warn!(job.id = job, "the result was recorded as delivered, but it was unroutable; it is sent again");
    // The record of its delivery may still be queued for the ledger.
    worker.ledger.flush().await;
    worker.retry_until_available("ledger", || worker.ledger.mark_unroutable(job)).await
}
