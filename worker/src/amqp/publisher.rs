//! Publishing: persistent, mandatory, confirmed; any number of messages under way at once.

use std::sync::Arc;
use std::time::Duration;

use lapin::options::BasicPublishOptions;
use lapin::{Channel, Confirmation, ErrorKind};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::Error;
use super::declare::confirming;
use super::link::Link;
use super::message::{Message, short};
use super::strays::{Strays, is_of};
use crate::fault;

/// What the frame of a message's properties holds beside its headers, at most, bytes: five short strings, and its framing.
const BESIDE_HEADERS: usize = 5 * 256 + 64;

/// The reply code of a message that no queue takes (AMQP 0-9-1, section 1.2).
const NO_ROUTE: u16 = 312;

/// Why a message is not known to be on a queue.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// No queue is bound there; nothing holds the message.
    #[error("no queue takes it ({code} {text})")]
    Returned {
        /// AMQP's reply code.
        code: u16,
        /// AMQP's reply text.
        text: String,
    },
    /// A queue is full; nothing holds the message.
    #[error("RabbitMQ refused it: the queue is full")]
    Refused,
    /// Its exchange is gone; nothing holds the message.
    #[error("its exchange is gone: {0}")]
    NoExchange(String),
    /// The answer is missing: it may be on a queue or not. Publish it again under the same id.
    #[error("RabbitMQ did not confirm it: {0}")]
    Unconfirmed(String),
    /// A name or a header that AMQP cannot carry.
    #[error("it cannot be published: {0}")]
    Impossible(String),
}

/// Publishes on a connection of its own; cheap to clone.
#[derive(Debug, Clone)]
pub struct Publisher {
    link: Link,
    channel: Arc<Mutex<Option<Open>>>,
    confirm_timeout: Duration,
    strays: Arc<Strays>,
}

#[derive(Clone)]
struct Open {
    generation: u64,
    channel: Channel,
}

impl std::fmt::Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Open").field("generation", &self.generation).finish_non_exhaustive()
    }
}

impl Publisher {
    pub(super) fn new(link: Link, confirm_timeout: Duration, strays: Arc<Strays>) -> Self {
        Self { link, channel: Arc::default(), confirm_timeout, strays }
    }

    /// Declares everything under the prefix again: a queue that somebody deleted comes back.
    ///
    /// # Errors
    /// When the connection is gone, or a queue exists with other arguments.
    pub async fn declare(&self) -> Result<(), Error> {
        let Some(live) = self.link.live().await else { return Ok(()) };
        self.link.declare(&live).await
    }

    /// Publishes one message and waits for its confirm.
    ///
    /// # Errors
    /// [`PublishError`]; after `Unconfirmed` the message may be on its queue all the same.
    pub async fn publish(&self, message: &Message) -> Result<(), PublishError> {
        let patience = self.confirm_timeout;
        match timeout(patience, self.attempt(message)).await {
            Ok(published) => published,
            Err(_) => Err(PublishError::Unconfirmed(format!("no answer within {patience:?}"))),
        }
    }

    async fn attempt(&self, message: &Message) -> Result<(), PublishError> {
        let (exchange, key) = (
            short(&message.exchange).map_err(PublishError::Impossible)?,
            short(&message.routing_key).map_err(PublishError::Impossible)?,
        );
        let (channel, frame) = self.channel().await?;
        let room = frame.saturating_sub(BESIDE_HEADERS);
        let properties = message.properties.to_send(room).map_err(PublishError::Impossible)?;
        let options = BasicPublishOptions { mandatory: !fault::without("mandatory"), ..BasicPublishOptions::default() };
        let confirm = channel.basic_publish(exchange, key, options, &message.body, properties).await;
        let confirm = confirm.map_err(|e| unconfirmed(&e))?;
        if fault::without("confirm") {
            return Ok(());
        }
        fault::at("published").await;
        let confirmation = confirm.await.map_err(|e| unconfirmed(&e))?;
        fault::at("confirmed").await;
        let (is_taken, returned) = match confirmation {
            Confirmation::Ack(returned) => (true, returned),
            Confirmation::Nack(returned) => (false, returned),
            Confirmation::NotRequested => return Err(PublishError::Unconfirmed("confirms are off".to_owned())),
        };
        if let Some(returned) = returned {
            if is_of(&returned, message) {
                return Err(PublishError::Returned {
                    code: returned.reply_code,
                    text: returned.reply_text.to_string(),
                });
            }
            self.strays.keep(&returned);
        }
        if self.strays.claim(message) {
            return Err(PublishError::Returned { code: NO_ROUTE, text: "NO_ROUTE".to_owned() });
        }
        if is_taken { Ok(()) } else { Err(PublishError::Refused) }
    }

    /// The channel of this generation, and the bytes that a frame has there; one that the broker has closed is replaced.
    async fn channel(&self) -> Result<(Channel, usize), PublishError> {
        let mut open = self.channel.lock().await;
        let live = self.link.live().await.ok_or_else(|| PublishError::Unconfirmed("stopped".to_owned()))?;
        let frame = usize::try_from(live.connection.configuration().frame_max()).unwrap_or(usize::MAX);
        if let Some(open) = open.as_ref().filter(|open| open.generation == live.generation)
            && open.channel.status().connected()
        {
            return Ok((open.channel.clone(), frame));
        }
        let channel = confirming(&live.connection).await.map_err(|e| PublishError::Unconfirmed(e.to_string()))?;
        *open = Some(Open { generation: live.generation, channel: channel.clone() });
        Ok((channel, frame))
    }
}

/// Why there is no confirm: the broker closes a channel for an exchange that it does not know (AMQP 0-9-1, section 1.2,
/// `not-found`).
fn unconfirmed(error: &lapin::Error) -> PublishError {
    match error.kind() {
        ErrorKind::ProtocolError(problem) if problem.get_id() == 404 => {
            PublishError::NoExchange(problem.get_message().to_string())
        }
        _ => PublishError::Unconfirmed(error.to_string()),
    }
}
