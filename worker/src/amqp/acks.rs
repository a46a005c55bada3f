//! Acks of one channel: one frame for all deliveries that are done up to the last one without a gap, and single frames past a
//! gap that stays. A frame never acks a delivery whose job has not ended.
//!
//! A frame for each costs worker and broker several microseconds a job; strictly in order, one job that takes long would keep
//! the places of all that came after it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use lapin::Channel;
use lapin::options::{BasicAckOptions, BasicNackOptions};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

/// How long what is done waits for an earlier delivery, so that both are acked with one frame.
const GAP: Duration = Duration::from_millis(5);
/// Deliveries that are settled in one go.
const MOST: usize = 1_024;

/// Settles the deliveries of one channel, which stays open until this is dropped and what was done by then is acked.
#[derive(Debug)]
pub(super) struct Acks {
    channel: Channel,
    settled: mpsc::UnboundedSender<Settled>,
}

/// A delivery that is done, and who waits for its ack to be sent; nobody where it went back to its queue.
#[derive(Debug)]
struct Settled {
    tag: u64,
    acked: Option<oneshot::Sender<bool>>,
}

impl Acks {
    /// Begins to settle the deliveries of a channel that was just opened.
    pub(super) fn of(channel: Channel) -> Self {
        let (settled, received) = mpsc::unbounded_channel();
        tokio::spawn(send(channel.clone(), received));
        Self { channel, settled }
    }

    /// Acks a delivery; returns whether that was sent.
    pub(super) async fn ack(&self, tag: u64) -> bool {
        let (acked, sent) = oneshot::channel();
        self.settled.send(Settled { tag, acked: Some(acked) }).is_ok() && sent.await.unwrap_or(false)
    }

    /// Returns a delivery to its queue; returns whether that was sent.
    pub(super) async fn requeue(&self, tag: u64) -> bool {
        let options = BasicNackOptions { requeue: true, multiple: false };
        let sent = was_sent(self.channel.basic_nack(tag, options).await, "requeue");
        // Only now: an ack of those before and after it would ack this one, too.
        if sent {
            self.settled.send(Settled { tag, acked: None }).ok();
        }
        sent
    }
}

/// Sends acks until the last delivery of the channel is settled or dropped.
async fn send(channel: Channel, mut settled: mpsc::UnboundedReceiver<Settled>) {
    let (mut pending, mut received) = (Pending::default(), Vec::new());
    loop {
        let next = settled.recv_many(&mut received, MOST);
        let is_closed = match pending.due {
            None => next.await == 0,
            Some(due) => timeout_at(due, next).await == Ok(0),
        };
        pending.settle(received.drain(..));
        let now = Instant::now();
        for Frame { tag, multiple, waiting } in pending.frames(if is_closed { None } else { Some(now) }) {
            let sent = was_sent(channel.basic_ack(tag, BasicAckOptions { multiple }).await, "ack");
            for acked in waiting {
                acked.send(sent).ok();
            }
        }
        if is_closed {
            return;
        }
    }
}

fn was_sent(result: lapin::Result<()>, operation: &str) -> bool {
    let note = |error: lapin::Error| {
        tracing::debug!(%error, "{operation} failed since the connection was lost: the message is redelivered");
    };
    result.map_err(note).is_ok()
}

/// What is done and not acked yet. Tags count from 1 on each channel, in the order of deliveries (AMQP 0-9-1, section 1.8.3).
#[derive(Debug, Default)]
struct Pending {
    /// The greatest tag that was settled.
    greatest: u64,
    /// Tags below it that are not.
    unsettled: BTreeSet<u64>,
    done: BTreeMap<u64, oneshot::Sender<bool>>,
    /// When `done` no longer waits for the first of `unsettled`.
    due: Option<Instant>,
    /// The first of `unsettled`, and since when it is that.
    gap: Option<(u64, Instant)>,
}

/// One ack: of a tag, or of all up to it.
#[derive(Debug)]
struct Frame {
    tag: u64,
    multiple: bool,
    waiting: Vec<oneshot::Sender<bool>>,
}

impl Pending {
    fn settle(&mut self, settled: impl Iterator<Item = Settled>) {
        for Settled { tag, acked } in settled {
            self.unsettled.extend(self.greatest + 1..tag);
            self.greatest = self.greatest.max(tag);
            self.unsettled.remove(&tag);
            self.done.extend(acked.map(|acked| (tag, acked)));
        }
    }

    /// What is to be sent `now`, or for good where there is no later.
    fn frames(&mut self, now: Option<Instant>) -> Vec<Frame> {
        let mut frames = Vec::new();
        let first = self.unsettled.first().copied();
        let after = first.map_or_else(BTreeMap::new, |first| self.done.split_off(&first));
        let before = std::mem::replace(&mut self.done, after);
        // The greatest one, since the broker knows no tag that it has got back.
        if let Some((&tag, _)) = before.last_key_value() {
            frames.push(Frame { tag, multiple: before.len() > 1, waiting: before.into_values().collect() });
        }
        self.gap = match (first, self.gap, now) {
            (Some(first), Some((same, since)), _) if first == same => Some((first, since)),
            (Some(first), _, Some(now)) => Some((first, now)),
            _ => None,
        };
        self.due = self.gap.filter(|_| !self.done.is_empty()).map(|(_, since)| since + GAP);
        if now.is_none_or(|now| self.due.is_some_and(|due| due <= now)) {
            let single = |(tag, acked)| Frame { tag, multiple: false, waiting: vec![acked] };
            frames.extend(std::mem::take(&mut self.done).into_iter().map(single));
            self.due = None;
        }
        frames
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Pending {
        fn done(&mut self, tags: impl IntoIterator<Item = u64>) {
            self.settle(tags.into_iter().map(|tag| Settled { tag, acked: Some(oneshot::channel().0) }));
        }

        /// Tag, whether all up to it are acked, and how many wait for that.
        fn sent(&mut self, now: Option<Instant>) -> Vec<(u64, bool, usize)> {
            self.frames(now).iter().map(|frame| (frame.tag, frame.multiple, frame.waiting.len())).collect()
        }
    }

    #[tokio::test]
    async fn what_is_done_without_a_gap_is_one_frame_and_what_is_past_one_waits_for_a_moment() {
        let (mut pending, begun) = (Pending::default(), Instant::now());
        pending.done([1, 3, 2, 6, 5]);
        assert_eq!(pending.sent(Some(begun)), [(3, true, 3)], "4 is not done");
        assert_eq!(pending.due, Some(begun + GAP));
        pending.done([4]);
        assert_eq!((pending.sent(Some(begun)), pending.due), (vec![(6, true, 3)], None));
        pending.done([9]);
        assert_eq!(pending.sent(Some(begun)), []);
        assert_eq!(pending.sent(Some(begun + GAP)), [(9, false, 1)], "7 takes long");
        pending.done([11]);
        assert_eq!(pending.sent(Some(begun + GAP)), [(11, false, 1)], "and nothing waits for it any more");
        pending.done([7]);
        assert_eq!(pending.sent(Some(begun + GAP)), [(7, false, 1)]);
        pending.done([12]);
        assert_eq!((pending.sent(None), pending.due), (vec![(12, false, 1)], None), "no delivery is left");
    }

    #[tokio::test]
    async fn what_went_back_to_its_queue_is_in_no_frame() {
        let (mut pending, now) = (Pending::default(), Some(Instant::now()));
        pending.done([1, 2]);
        pending.settle([Settled { tag: 3, acked: None }].into_iter());
        assert_eq!(pending.sent(now), [(2, true, 2)], "the broker has 3 back, and would not know it");
        pending.settle([Settled { tag: 4, acked: None }].into_iter());
        assert_eq!(pending.sent(now), []);
        pending.done([5]);
        assert_eq!(pending.sent(now), [(5, false, 1)]);
    }

    /// A broker's view: whatever the order, a delivery is acked once, when it is done and not before, and a frame names one that
    /// the broker waits for.
    #[tokio::test]
    async fn no_order_acks_what_is_not_done() {
        let mut random = fastrand::Rng::with_seed(11);
        for _ in 0..2_000 {
            let (mut pending, mut now, mut delivered) = (Pending::default(), Instant::now(), 0);
            let (mut at_broker, mut done) = (BTreeSet::new(), BTreeSet::new());
            let rounds = random.usize(1..60);
            for round in 1..=rounds {
                for _ in 0..random.usize(0..8) {
                    delivered += 1;
                    at_broker.insert(delivered);
                }
                let in_hand: Vec<u64> = at_broker.difference(&done).copied().collect();
                for tag in in_hand {
                    if random.u8(0..3) == 0 {
                        continue;
                    }
                    if random.u8(0..20) == 0 {
                        at_broker.remove(&tag);
                        pending.settle([Settled { tag, acked: None }].into_iter());
                    } else {
                        done.insert(tag);
                        pending.done([tag]);
                    }
                }
                now += Duration::from_millis(random.u64(0..4));
                for (tag, multiple, waiting) in pending.sent((round < rounds).then_some(now)) {
                    assert!(at_broker.contains(&tag), "{tag} is unknown");
                    let acked: Vec<u64> = at_broker.range(if multiple { 0 } else { tag }..=tag).copied().collect();
                    assert_eq!(acked.len(), waiting, "each ack that is waited for is reported once");
                    for tag in acked {
                        assert!(done.contains(&tag), "{tag} is not done");
                        at_broker.remove(&tag);
                    }
                }
            }
            assert!(at_broker.is_disjoint(&done), "what is done is acked at the end");
        }
    }
}
