//! What was believed to be on a queue and is on none: it gets its place after all.

use std::sync::Arc;

use crate::amqp::{Broker, Message};
use crate::job::RESULT_TYPE;
use crate::shutdown::ShuttingDown;
use crate::worker::context::Context;

/// Runs until the process ends.
pub(in crate::worker) async fn republish(worker: Arc<Context>, broker: Broker) {
    while let Some(stray) = broker.next_stray().await {
        if mend(&worker, &stray).await.is_err() {
            return;
        }
    }
}

async fn mend(worker: &Context, stray: &Message) -> Result<(), ShuttingDown> {
    let result =
        stray.properties.message_id.as_deref().filter(|_| stray.properties.kind.as_deref() == Some(RESULT_TYPE));
    let Some(job) = result else { return worker.rabbitmq.publish_until_routed(stray).await };
    tracing::warn!(job.id = job, "the result was believed to be taken, and no queue has it; it is sent again");
    // Its mark may still be on the way to the ledger.
    worker.ledger.flush().await;
    worker.retry_until_available("ledger", || worker.ledger.not_taken(job)).await
}
