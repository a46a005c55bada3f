//! Publishing: persistent, mandatory, confirmed; any number of messages in flight at once.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use lapin::options::BasicPublishOptions;
use lapin::{Channel, Confirmation, ErrorKind};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::Error;
use super::declare::confirming;
use super::message::{Message, NameTooLong, short};
use super::misattributed_returns::{MisattributedReturns, is_return_of};
use super::reconnecting::Reconnecting;
use crate::fault;

/// What the frame of a message's properties contains besides its headers, at most, bytes: eight short strings, and framing.
const PROPERTIES_WITHOUT_HEADERS: usize = 8 * 256 + 64;

/// The reply code of an unroutable message (AMQP 0-9-1, section 1.2).
const NO_ROUTE: u16 = 312;

/// Why a message is not known to be on a queue.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// It is unroutable: no queue is bound there, and none has the message.
    #[error("no queue is bound for it ({code} {text})")]
    Returned {
        /// AMQP's reply code.
        code: u16,
        /// AMQP's reply text.
        text: String,
    },
    /// A queue is full; no queue has the message.
    #[error("RabbitMQ refused it: the queue is full")]
    Refused,
    /// Its exchange does not exist; no queue has the message.
    #[error("its exchange does not exist: {0}")]
    NoExchange(String),
    /// The confirm is missing: the message may be on a queue or not. Publish it again under the same id.
    #[error("RabbitMQ did not confirm it: {0}")]
    Unconfirmed(#[from] NoConfirm),
    /// A name or a header that AMQP cannot carry.
    #[error("it cannot be published: {0}")]
    Impossible(#[from] NameTooLong),
}

/// Why a confirm is missing.
#[derive(Debug, thiserror::Error)]
pub enum NoConfirm {
    /// The broker is slow or unreachable.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// The channel or its connection failed.
    #[error(transparent)]
    Connection(#[from] lapin::Error),
    /// This process has closed the connection.
    #[error("the connection was closed by this process")]
    Closed,
    /// The channel does not confirm what is published.
    #[error("the channel is not in confirm mode")]
    NotRequested,
}

/// Publishes on a connection of its own; cheap to clone.
#[derive(Debug, Clone)]
pub struct Publisher {
    connection: Reconnecting,
    channel: Arc<Mutex<Option<ConfirmChannel>>>,
    confirm_timeout: Duration,
    misattributed_returns: Arc<MisattributedReturns>,
}

/// A channel in confirm mode, and the connection it belongs to.
#[derive(Clone)]
struct ConfirmChannel {
    generation: u64,
    channel: Arc<Channel>,
}

impl std::fmt::Debug for ConfirmChannel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConfirmChannel").field("generation", &self.generation).finish_non_exhaustive()
    }
}

impl Publisher {
    pub(super) fn new(
        connection: Reconnecting,
        confirm_timeout: Duration,
        misattributed_returns: Arc<MisattributedReturns>,
    ) -> Self {
        Self { connection, channel: Arc::default(), confirm_timeout, misattributed_returns }
    }

    /// Declares everything under the prefix again, which restores a queue that was deleted.
    ///
    /// # Errors
    /// When the connection is lost, or a queue exists with other arguments.
    pub async fn declare(&self) -> Result<(), Error> {
        let Some(connection) = self.connection.connection().await else { return Ok(()) };
        self.connection.declare(&connection).await
    }

    /// Publishes one message and waits for its confirm.
    ///
    /// # Errors
    /// [`PublishError`]; after `Unconfirmed` the message may be on its queue nevertheless.
    pub async fn publish(&self, message: &Message) -> Result<(), PublishError> {
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        self.publish_in_time(message, options).await
    }

    /// The same for a message that nobody has to take: where no queue is bound for it, it is gone, which is no error.
    ///
    /// # Errors
    /// As [`Self::publish`], without [`PublishError::Returned`].
    pub async fn announce(&self, message: &Message) -> Result<(), PublishError> {
        self.publish_in_time(message, BasicPublishOptions::default()).await
    }

    async fn publish_in_time(&self, message: &Message, options: BasicPublishOptions) -> Result<(), PublishError> {
        let limit = self.confirm_timeout;
        match timeout(limit, pin!(self.publish_once(message, options))).await {
            Ok(published) => published,
            Err(_) => Err(NoConfirm::Timeout(limit).into()),
        }
    }

    async fn publish_once(&self, message: &Message, options: BasicPublishOptions) -> Result<(), PublishError> {
        let (exchange, key) = (short(&message.exchange)?, short(&message.routing_key)?);
        let (channel, frame_max) = self.channel().await?;
        let properties = message.properties.to_send(frame_max.saturating_sub(PROPERTIES_WITHOUT_HEADERS))?;
        let confirm = channel.basic_publish(exchange, key, options, &message.body, properties).await;
        let confirm = confirm.map_err(unconfirmed)?;
        fault::at("published").await;
        let confirmation = confirm.await.map_err(unconfirmed)?;
        fault::at("confirmed").await;
        let (is_acked, returned) = match confirmation {
            Confirmation::Ack(returned) => (true, returned),
            Confirmation::Nack(returned) => (false, returned),
            Confirmation::NotRequested => return Err(NoConfirm::NotRequested.into()),
        };
        if let Some(returned) = returned {
            if is_return_of(&returned, message) {
                return Err(PublishError::Returned {
                    code: returned.reply_code,
                    text: returned.reply_text.to_string(),
                });
            }
            self.misattributed_returns.add(&returned);
        }
        if self.misattributed_returns.claim(message) {
            return Err(PublishError::Returned { code: NO_ROUTE, text: "NO_ROUTE".to_owned() });
        }
        if is_acked { Ok(()) } else { Err(PublishError::Refused) }
    }

    /// The channel of the current connection, and the largest frame there, bytes; a channel that was closed is replaced.
    async fn channel(&self) -> Result<(Arc<Channel>, usize), PublishError> {
        let mut current = self.channel.lock().await;
        let connection = self.connection.connection().await.ok_or(NoConfirm::Closed)?;
        let frame_max = usize::try_from(connection.inner.configuration().frame_max()).unwrap_or(usize::MAX);
        if let Some(open) = current.as_ref().filter(|open| open.generation == connection.generation)
            && open.channel.status().connected()
        {
            return Ok((Arc::clone(&open.channel), frame_max));
        }
        let channel = Arc::new(confirming(&connection.inner).await.map_err(NoConfirm::Connection)?);
        *current = Some(ConfirmChannel { generation: connection.generation, channel: Arc::clone(&channel) });
        Ok((channel, frame_max))
    }
}

/// Why there is no confirm: the broker closes a channel for an exchange that does not exist (AMQP 0-9-1, section 1.2,
/// `not-found`).
fn unconfirmed(error: lapin::Error) -> PublishError {
    match error.kind() {
        ErrorKind::ProtocolError(problem) if problem.get_id() == 404 => {
            PublishError::NoExchange(problem.get_message().to_string())
        }
        _ => NoConfirm::Connection(error).into(),
    }
}
