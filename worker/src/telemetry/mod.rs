//! Logs, metrics and the events that are both. The ledger is the record of jobs: lines are for what an operator should look at.

pub mod event;
pub mod log;
pub mod metric;
pub mod printable;
