//! What a worker process does besides its jobs: periodic tasks, dead letters, the control exchange, returned messages.

pub(super) mod collection_events;
pub(super) mod control_channel;
pub(super) mod dead_letters;
pub(super) mod engine_backpressure;
pub(super) mod misattributed_returns;
pub(super) mod periodic;
