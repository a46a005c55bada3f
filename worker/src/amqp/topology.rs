//! The names of all exchanges and queues, and the binary delay ladder (CONTRACT 1).
//!
//! Level *i* of the ladder is a queue whose messages expire after 2^i seconds; topic exchanges route on the bits of the
//! delay, so that any delay is the sum of the levels it passes and no queue contains messages with different delays.

use std::time::Duration;

use super::Message;

/// 20 levels: delays up to twelve days.
pub(super) const LEVELS: u32 = 20;

/// Names under one prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topology {
    prefix: String,
    jobs: String,
    results: String,
    control: String,
    events: String,
    dead: String,
}

impl Topology {
    /// The names that begin with `prefix`.
    pub fn new(prefix: &str) -> Self {
        let name = |rest: &str| format!("{prefix}.{rest}");
        Self {
            prefix: prefix.to_owned(),
            jobs: name("jobs"),
            results: name("results"),
            control: name("control"),
            events: name("events"),
            dead: name("dead"),
        }
    }

    /// The exchange that engines publish jobs to.
    pub fn jobs(&self) -> &str {
        &self.jobs
    }

    /// The exchange that results are published to.
    pub fn results(&self) -> &str {
        &self.results
    }

    /// The exchange of cancels and of the workers' ledger probes.
    pub fn control(&self) -> &str {
        &self.control
    }

    /// The exchange of what happens to records of collections.
    pub fn events(&self) -> &str {
        &self.events
    }

    /// The queue of dead letters.
    pub fn dead(&self) -> &str {
        &self.dead
    }

    /// The exchange of jobs whose queue does not exist.
    pub(super) fn unrouted(&self) -> String {
        format!("{}.unrouted", self.prefix)
    }

    /// The queue of cancels.
    pub(super) fn cancels(&self) -> String {
        format!("{}.cancels", self.prefix)
    }

    /// The queue of jobs called `name`.
    pub(super) fn queue(&self, name: &str) -> String {
        format!("{}.{name}", self.jobs)
    }

    /// The exchange that routes on bit `level`.
    pub(super) fn ladder_exchange(&self, level: u32) -> String {
        format!("{}.retry.L{level}", self.prefix)
    }

    /// The queue that delays messages by 2^`level` seconds.
    pub(super) fn ladder_queue(&self, level: u32) -> String {
        format!("{}.retry.q{level}", self.prefix)
    }

    /// The exchange behind the last level, which routes to the job queues.
    pub(super) fn ladder_exit(&self) -> String {
        format!("{}.retry.deliver", self.prefix)
    }

    /// The exchange after bit `level`: for messages whose bit is 0, and for those that leave the queue of that level.
    pub(super) fn below(&self, level: u32) -> String {
        level.checked_sub(1).map_or_else(|| self.ladder_exit(), |lower| self.ladder_exchange(lower))
    }

    /// A message that arrives in the job queue named by its routing key after `wait`: whole seconds, at least one.
    ///
    /// The broker's headers are removed: with its `x-death` RabbitMQ would drop it on its second way through the ladder.
    #[must_use]
    pub fn delayed(&self, mut message: Message, wait: Duration) -> Message {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        let seconds = u32::try_from(seconds).unwrap_or(u32::MAX).clamp(1, (1 << LEVELS) - 1);
        let queue = std::mem::take(&mut message.routing_key);
        message.exchange = self.ladder_exchange(seconds.ilog2());
        message.routing_key = ladder_key(seconds, &queue);
        message.properties.strip_broker_headers();
        message
    }
}

/// The bits of the delay, the highest first, then the queue.
fn ladder_key(seconds: u32, queue: &str) -> String {
    let bits = (0..LEVELS).rev().map(|level| if seconds >> level & 1 == 1 { "1." } else { "0." });
    bits.chain([queue]).collect()
}

/// Matches the keys whose bit `level` is `bit`.
pub(super) fn bit_pattern(level: u32, bit: u8) -> String {
    let before = LEVELS - 1 - level;
    format!("{}{bit}.#", "*.".repeat(usize::try_from(before).unwrap_or(0)))
}

/// Matches every key that ends in `queue`; the number of words is fixed, since `#.<queue>` would match twice.
pub(super) fn exit_pattern(queue: &str) -> String {
    format!("{}{queue}", "*.".repeat(usize::try_from(LEVELS).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::super::{HeaderValue, Properties};
    use super::*;

    fn delayed(wait: Duration) -> Message {
        let headers = [("x-death", 1), ("attempt", 2)].map(|(n, v)| (n.to_owned(), HeaderValue::Integer(v)));
        let properties = Properties { headers: headers.into(), ..Properties::default() };
        let message = Message { exchange: String::new(), routing_key: "slow".to_owned(), body: Vec::new(), properties };
        Topology::new("p").delayed(message, wait)
    }

    #[test]
    fn a_delay_starts_at_its_highest_bit() {
        for (millis, exchange, bits) in [
            (0, "p.retry.L0", "00000000000000000001"),
            (1, "p.retry.L0", "00000000000000000001"),
            (1_001, "p.retry.L1", "00000000000000000010"),
            (5_000, "p.retry.L2", "00000000000000000101"),
            (u64::MAX, "p.retry.L19", "11111111111111111111"),
        ] {
            let message = delayed(Duration::from_millis(millis));
            assert_eq!(message.exchange, exchange, "{millis}");
            assert_eq!(message.routing_key.replace('.', ""), format!("{bits}slow"), "{millis}");
            assert_eq!(message.routing_key.split('.').count(), 21);
            assert_eq!(message.properties.headers.keys().collect::<Vec<_>>(), ["attempt"]);
        }
    }

    #[test]
    fn a_pattern_matches_on_its_own_bit() {
        assert_eq!(bit_pattern(19, 1), "1.#");
        assert_eq!(bit_pattern(17, 0), "*.*.0.#");
        assert_eq!(exit_pattern("q").split('.').count(), 21);
    }
}
