//! Why nothing comes: a queue that is empty and has its consumer, or a consumer that is of no more use.

use std::time::Duration;

use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use lapin::{Connection, Queue};
use tokio::time::timeout;

use super::message::short;

/// How long the broker may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is known of a consumer that hears nothing.
#[derive(Debug, Default)]
pub(super) struct Silence {
    /// There were messages last time already.
    suspected: bool,
}

/// Why a consumer has to begin again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Useless {
    /// The connection does not answer: it has to go too.
    Connection(String),
    /// The queue or the consumer.
    Consumer(String),
}

impl Silence {
    /// Something came.
    pub(super) fn broken(&mut self) {
        self.suspected = false;
    }

    /// Asks the broker about queues that this consumer, which has room for more, hears nothing of.
    pub(super) async fn explain(&mut self, connection: &Connection, queues: &[String]) -> Result<(), Useless> {
        let found = match timeout(PATIENCE, look(connection, queues)).await {
            Ok(found) => found?,
            Err(_) => {
                return Err(Useless::Connection(format!("RabbitMQ does not answer within {} s", PATIENCE.as_secs())));
            }
        };
        self.judge(&found)
    }

    fn judge(&mut self, queues: &[(String, u32, u32)]) -> Result<(), Useless> {
        if let Some((queue, ..)) = queues.iter().find(|(_, _, consumers)| *consumers == 0) {
            return Err(Useless::Consumer(format!("{queue} has no consumer")));
        }
        let waiting = queues.iter().find(|(_, messages, _)| *messages > 0);
        // A message may have come at this very moment; twice in a row it has not.
        match waiting {
            Some((queue, messages, _)) if self.suspected => {
                self.suspected = false;
                Err(Useless::Consumer(format!("{queue} holds {messages} messages and none of them comes")))
            }
            waiting => {
                self.suspected = waiting.is_some();
                Ok(())
            }
        }
    }
}

async fn look(connection: &Connection, queues: &[String]) -> Result<Vec<(String, u32, u32)>, Useless> {
    let channel = connection.create_channel().await.map_err(|e| Useless::Connection(e.to_string()))?;
    let mut found = Vec::with_capacity(queues.len());
    for name in queues {
        let queue = passive(&channel, name).await.map_err(|problem| Useless::Consumer(format!("{name}: {problem}")))?;
        found.push((name.clone(), queue.message_count(), queue.consumer_count()));
    }
    // The channel that asked is closed; if that fails, the connection is on its way out and says so itself.
    drop(channel.close(200, "looked".into()).await);
    Ok(found)
}

async fn passive(channel: &lapin::Channel, name: &str) -> Result<Queue, String> {
    let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    let declared = channel.queue_declare(short(name)?, options, FieldTable::default()).await;
    declared.map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_without_a_consumer_or_with_messages_that_do_not_come() {
        let queue = |messages, consumers| vec![("q".to_owned(), messages, consumers), ("r".to_owned(), 0, 1)];
        let mut silence = Silence::default();
        assert_eq!(silence.judge(&queue(0, 2)), Ok(()));
        assert!(matches!(silence.judge(&queue(0, 0)), Err(Useless::Consumer(why)) if why.contains("no consumer")));
        assert_eq!(silence.judge(&queue(3, 1)), Ok(()), "it may have come just now");
        assert!(matches!(silence.judge(&queue(3, 1)), Err(Useless::Consumer(why)) if why.contains("3 messages")));
        assert_eq!(silence.judge(&queue(3, 1)), Ok(()));
        assert_eq!(silence.judge(&queue(0, 1)), Ok(()));
        assert_eq!(silence.judge(&queue(3, 1)), Ok(()));
        silence.broken();
        assert_eq!(silence.judge(&queue(3, 1)), Ok(()));
    }
}
