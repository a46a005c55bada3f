//! What was believed to be on a queue and is on none: it gets its place after all.

use std::sync::Arc;

use crate::amqp::{Broker, Message};
use crate::job::RESULT_TYPE;
use crate::worker::context::{Stopping, Worker};

/// Runs until the process ends.
pub(in crate::worker) async fn look_after(worker: Arc<Worker>, broker: Broker) {
    while let Some(stray) = broker.next_stray().await {
        if mend(&worker, &stray).await.is_err() {
            return;
        }
    }
}

async fn mend(worker: &Worker, stray: &Message) -> Result<(), Stopping> {
    let result =
        stray.properties.message_id.as_deref().filter(|_| stray.properties.kind.as_deref() == Some(RESULT_TYPE));
    let Some(job) = result else { return worker.publish_until_taken(stray).await };
    tracing::warn!(job.id = job, "the result was believed to be taken, and no queue has it; it is sent again");
    // Its mark may still be on the way to the ledger.
    worker.ledger.flush().await;
    worker.until_answered("ledger", || worker.ledger.not_taken(job)).await
}
