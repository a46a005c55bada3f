//! Returned messages that were told to the wrong sender.
//!
//! `basic.return` carries no delivery tag (AMQP 0-9-1, section 1.8.3.10): the client gives a returned message to whichever
//! confirm it completes next, which is another message's as soon as several are under way. Who it belongs to finds it here;
//! what nobody has claimed in time was believed to be taken by its sender.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lapin::message::BasicReturnMessage;
use tokio::sync::mpsc;

use super::message::{Message, Properties};

/// How long after a message's return its confirm may be read: both come at once, and a busy process reads them late.
const CLAIMED: Duration = Duration::from_secs(1);

/// Returned messages whose senders have not read their confirms.
#[derive(Debug)]
pub(super) struct Strays {
    held: Mutex<Vec<Message>>,
    /// Nearly always false, and asked for each confirm.
    is_any_held: AtomicBool,
    unclaimed: mpsc::UnboundedSender<Message>,
}

impl Strays {
    /// Beside the messages that nobody will have claimed.
    pub(super) fn new() -> (Arc<Self>, mpsc::UnboundedReceiver<Message>) {
        let (unclaimed, received) = mpsc::unbounded_channel();
        (Arc::new(Self { held: Mutex::default(), is_any_held: AtomicBool::new(false), unclaimed }), received)
    }

    /// Keeps another sender's message until that sender asks.
    pub(super) fn keep(self: &Arc<Self>, returned: &BasicReturnMessage) {
        let stray = message_of(returned);
        let mut held = self.held();
        held.push(stray.clone());
        self.is_any_held.store(true, Ordering::Relaxed);
        drop(held);
        let strays = Arc::clone(self);
        tokio::spawn(async move {
            tokio::time::sleep(CLAIMED).await;
            if strays.claim(&stray) {
                strays.unclaimed.send(stray).ok();
            }
        });
    }

    /// Whether this message was returned; that is said once for each return.
    pub(super) fn claim(&self, message: &Message) -> bool {
        if !self.is_any_held.load(Ordering::Relaxed) {
            return false;
        }
        let mut held = self.held();
        let found = held.iter().position(|stray| is_same(stray, message));
        if let Some(place) = found {
            held.swap_remove(place);
        }
        self.is_any_held.store(!held.is_empty(), Ordering::Relaxed);
        found.is_some()
    }

    fn held(&self) -> MutexGuard<'_, Vec<Message>> {
        // What is inside is whole at every panic.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a returned message is this one.
pub(super) fn is_of(returned: &BasicReturnMessage, message: &Message) -> bool {
    is_same(&message_of(returned), message)
}

/// Headers may have been left out on the way.
fn is_same(one: &Message, other: &Message) -> bool {
    let of = |message: &Message| {
        (message.exchange.clone(), message.routing_key.clone(), message.properties.message_id.clone())
    };
    of(one) == of(other) && one.body == other.body
}

fn message_of(returned: &BasicReturnMessage) -> Message {
    let delivery = &returned.delivery;
    let (exchange, routing_key) = (delivery.exchange.to_string(), delivery.routing_key.to_string());
    let properties = Properties::received(&delivery.properties, &exchange, &routing_key);
    Message { exchange, routing_key, body: delivery.data.clone(), properties }
}
