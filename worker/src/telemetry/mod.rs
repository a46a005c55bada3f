//! Logs and metric names. The ledger is the record of jobs: lines are for what an operator should look at.

pub mod log;
pub mod metric;
