//! Returned messages that the client reported to the wrong publish.
//!
//! `basic.return` carries no delivery tag (AMQP 0-9-1, section 1.8.3.10): the client hands a returned message to whichever
//! confirm it completes next, which belongs to another message as soon as several are in flight. The publish that a return
//! belongs to claims it here; what is not claimed in time was treated as routed by its publisher.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lapin::message::BasicReturnMessage;
use lapin::types::ShortString;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::message::{Message, Properties};

/// How long after a message's return its confirm may be processed: both arrive together, and a busy process reads late.
const CLAIM_WINDOW: Duration = Duration::from_secs(1);

/// Returned messages whose publishes have not processed their confirms.
#[derive(Debug, Default)]
pub(super) struct MisattributedReturns {
    unclaimed: Mutex<Vec<Unclaimed>>,
    /// Nearly always false, and read for each confirm.
    has_unclaimed: AtomicBool,
    added: Notify,
}

#[derive(Debug)]
struct Unclaimed {
    message: Message,
    claimable_until: Instant,
}

impl MisattributedReturns {
    /// Stores a message that was returned to another message's publish.
    pub(super) fn add(&self, returned: &BasicReturnMessage) {
        let unclaimed = Unclaimed { message: to_message(returned), claimable_until: Instant::now() + CLAIM_WINDOW };
        let mut all = self.lock();
        all.push(unclaimed);
        self.has_unclaimed.store(true, Ordering::Relaxed);
        drop(all);
        self.added.notify_one();
    }

    /// Whether this message was returned; true once for each return.
    pub(super) fn claim(&self, message: &Message) -> bool {
        if !self.has_unclaimed.load(Ordering::Relaxed) {
            return false;
        }
        self.remove(|unclaimed| identity(&unclaimed.message) == identity(message)).is_some()
    }

    /// The next message that no publish has claimed in time.
    pub(super) async fn next(&self) -> Message {
        loop {
            let now = Instant::now();
            if let Some(message) = self.remove(|unclaimed| unclaimed.claimable_until <= now) {
                return message;
            }
            let first = self.lock().iter().map(|unclaimed| unclaimed.claimable_until).min();
            match first {
                Some(end) => sleep_until(end).await,
                None => self.added.notified().await,
            }
        }
    }

    fn remove(&self, is_wanted: impl Fn(&Unclaimed) -> bool) -> Option<Message> {
        let mut all = self.lock();
        let removed = all.iter().position(is_wanted).map(|index| all.swap_remove(index).message);
        self.has_unclaimed.store(!all.is_empty(), Ordering::Relaxed);
        removed
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Unclaimed>> {
        // No operation leaves the list inconsistent when it panics.
        self.unclaimed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a returned message is this one.
pub(super) fn is_return_of(returned: &BasicReturnMessage, message: &Message) -> bool {
    let delivery = &returned.delivery;
    let id = delivery.properties.message_id().as_ref().map(ShortString::as_str);
    (delivery.exchange.as_str(), delivery.routing_key.as_str(), id, delivery.data.as_slice()) == identity(message)
}

/// What identifies a message; headers may have been left out when it was published.
fn identity(message: &Message) -> (&str, &str, Option<&str>, &[u8]) {
    (&message.exchange, &message.routing_key, message.properties.message_id.as_deref(), &message.body)
}

fn to_message(returned: &BasicReturnMessage) -> Message {
    let delivery = &returned.delivery;
    let (exchange, routing_key) = (delivery.exchange.to_string(), delivery.routing_key.to_string());
    let properties = Properties::received(&delivery.properties, &exchange, &routing_key);
    Message { exchange, routing_key, body: delivery.data.clone(), properties }
}
