//! The way of a job, from a message on RabbitMQ to a result that the engine has confirmed.
//!
//! The modules stand in the order in which a job meets them; `ARCHITECTURE.md` beside this crate is the map.

pub mod admin;
pub mod amqp;
pub mod api;
pub mod call;
pub mod cli;
pub mod clock;
pub mod config;
pub mod connector;
pub mod engine;
mod fault;
pub mod health;
pub mod http;
pub mod interpret;
pub mod job;
pub mod plan;
pub mod retry;
pub mod setup;
pub mod shutdown;
pub mod store;
pub mod telemetry;
#[cfg(test)]
mod testing;
pub mod worker;
