//! Tells an idle queue from a broken consumer or connection.

use std::time::Duration;

use tokio::time::timeout;

use super::declare::declare_passively;
use super::reconnecting::Connection;

/// How long the broker may take to respond.
const RESPONSE: Duration = Duration::from_secs(10);

/// Probes the queues of a consumer that has received nothing for a while.
#[derive(Debug, Default)]
pub(super) struct ConsumerProbe {
    /// The last probe found ready messages.
    had_messages: bool,
}

/// Why a consumer has to be started again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Broken {
    /// The connection does not respond and has to be replaced.
    Connection(String),
    /// The queue or the consumer.
    Consumer(String),
}

/// What a passive declaration tells of a queue.
struct QueueCounts {
    queue: String,
    messages: u32,
    consumers: u32,
}

impl ConsumerProbe {
    /// Notes a delivery.
    pub(super) fn received(&mut self) {
        self.had_messages = false;
    }

    /// Checks the queues of a consumer that is below its prefetch limit.
    pub(super) async fn check(&mut self, connection: &Connection, queues: &[String]) -> Result<(), Broken> {
        let counts = match timeout(RESPONSE, count(connection, queues)).await {
            Ok(counts) => counts?,
            Err(_) => {
                return Err(Broken::Connection(format!("RabbitMQ does not answer within {} s", RESPONSE.as_secs())));
            }
        };
        self.evaluate(&counts)
    }

    fn evaluate(&mut self, counts: &[QueueCounts]) -> Result<(), Broken> {
        if let Some(QueueCounts { queue, .. }) = counts.iter().find(|counts| counts.consumers == 0) {
            return Err(Broken::Consumer(format!("{queue} has no consumer")));
        }
        let ready = counts.iter().find(|counts| counts.messages > 0);
        // A message may have arrived at this very moment; two probes in a row rule that out.
        match ready {
            Some(QueueCounts { queue, messages, .. }) if self.had_messages => {
                self.had_messages = false;
                Err(Broken::Consumer(format!("{queue} has {messages} ready messages and delivers none of them")))
            }
            ready => {
                self.had_messages = ready.is_some();
                Ok(())
            }
        }
    }
}

async fn count(connection: &Connection, queues: &[String]) -> Result<Vec<QueueCounts>, Broken> {
    let channel = connection.inner.create_channel().await.map_err(|e| Broken::Connection(e.to_string()))?;
    let mut counts = Vec::with_capacity(queues.len());
    for queue in queues {
        let declared = declare_passively(&channel, queue).await.map_err(|error| Broken::Consumer(error.to_string()))?;
        let (messages, consumers) = (declared.message_count(), declared.consumer_count());
        counts.push(QueueCounts { queue: queue.clone(), messages, consumers });
    }
    // If closing fails, the connection is failing too, and its supervisor sees that.
    drop(channel.close(200, "checked".into()).await);
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_without_a_consumer_or_with_messages_that_are_not_delivered() {
        let counts = |queue: &str, messages, consumers| QueueCounts { queue: queue.to_owned(), messages, consumers };
        let queues = |messages, consumers| vec![counts("q", messages, consumers), counts("r", 0, 1)];
        let mut probe = ConsumerProbe::default();
        assert_eq!(probe.evaluate(&queues(0, 2)), Ok(()));
        assert!(matches!(probe.evaluate(&queues(0, 0)), Err(Broken::Consumer(why)) if why.contains("no consumer")));
        assert_eq!(probe.evaluate(&queues(3, 1)), Ok(()), "it may have arrived just now");
        assert!(
            matches!(probe.evaluate(&queues(3, 1)), Err(Broken::Consumer(why)) if why.contains("3 ready messages"))
        );
        assert_eq!(probe.evaluate(&queues(3, 1)), Ok(()));
        assert_eq!(probe.evaluate(&queues(0, 1)), Ok(()));
        assert_eq!(probe.evaluate(&queues(3, 1)), Ok(()));
        probe.received();
        assert_eq!(probe.evaluate(&queues(3, 1)), Ok(()));
    }
}
