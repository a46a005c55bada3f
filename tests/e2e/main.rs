//! The binary as its users run it: with a real broker, real databases and a real engine.

mod assertions;
mod backpressure;
mod canaries;
mod cancels;
mod command_line;
mod costs;
mod crashes;
mod credentials;
mod dead_letters;
mod deployments;
mod documents;
mod egress;
mod engine;
mod hostile;
mod jobs;
mod ledger;
mod models;
mod references;
mod refresh_tokens;
mod refusals;
mod replays;
mod retries;
mod secrets;
mod shaping;
mod tidy;
mod tls;
