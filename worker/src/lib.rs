//! The way of a job, from a message on RabbitMQ to a result that the engine's queue has confirmed.
//!
//! The modules stand in the order in which a job meets them; `ARCHITECTURE.md` in this crate's folder is the map.

// How a process starts.
pub mod cli;
pub mod config;
pub mod setup;

// A process that works, and where its jobs come from.
pub mod worker;
pub mod amqp;
pub mod engine;

// One job: decoded, its call prepared, admitted and attempted.
pub mod job;
pub mod call;
pub mod connector;
pub mod plan;
pub mod http;
pub mod interpret;
pub mod retry;

// Tables of records, and the language that selects them.
pub mod collections;

// What is durable: claims, outcomes, connectors, secrets.
pub mod store;

// What people do with all that, and how they reach it.
pub mod import;
pub mod admin;
pub mod api;
pub mod console;

// What every process has.
pub mod health;
pub mod telemetry;
pub mod clock;
pub mod memory;
pub mod shutdown;
mod fault;
mod longest_poll;
// What fuzz targets and tests call with any bytes.
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
#[cfg(test)]
mod testing;
