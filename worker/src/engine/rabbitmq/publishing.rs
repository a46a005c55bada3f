//! Publishing that does not give up while this process works: a broker that cannot be reached costs time, never a message.

use super::RabbitMq;
use crate::amqp::{Message, PublishError};
use crate::engine::Routing;
use crate::shutdown::ShuttingDown;

impl RabbitMq {
    /// Publishes a message to a queue of our own; one that was deleted is declared again.
    ///
    /// # Errors
    /// When the process gives up first.
    pub async fn publish_until_routed(&self, message: &Message) -> Result<(), ShuttingDown> {
        let mut tries = 0;
        while self.publish_confirmed(message).await? == Routing::Unroutable {
            tracing::warn!(
                message_id = message.properties.message_id,
                "no queue takes a copy of this message at exchange `{}` with key `{}`; declaring all queues again",
                message.exchange,
                message.routing_key
            );
            self.declare_again().await;
            self.patience.pause(tries).await?;
            tries += 1;
        }
        Ok(())
    }

    /// Publishes a message until the broker has confirmed it or has said that no queue takes it.
    ///
    /// # Errors
    /// When the process gives up first.
    pub async fn publish_confirmed(&self, message: &Message) -> Result<Routing, ShuttingDown> {
        let mut tries = 0;
        loop {
            match self.publisher.publish(message).await {
                Ok(()) => return Ok(Routing::Routed),
                Err(PublishError::Returned { .. }) => return Ok(Routing::Unroutable),
                Err(error @ PublishError::Impossible(_)) => {
                    tracing::error!(%error, message_id = message.properties.message_id, "a message is not published");
                    return Ok(Routing::Unroutable);
                }
                Err(error @ PublishError::NoExchange(_)) => {
                    tracing::warn!(%error, "a message cannot be published; declaring all exchanges again");
                    self.declare_again().await;
                }
                Err(error) => tracing::debug!(%error, "a message was not confirmed and is published again"),
            }
            self.patience.pause(tries).await?;
            tries += 1;
        }
    }

    async fn declare_again(&self) {
        if let Err(error) = self.publisher.declare().await {
            tracing::error!(%error, "the queues cannot be declared");
        }
    }
}
