//! Calls: one pooled client, a guard in front of every address, one deadline, capped answers.
//!
//! Knows reqwest, which is named nowhere else; must not know what a call is for.

mod auth;
mod body;
mod classify;
mod client;
mod guard;
mod ranges;
mod resolve;
mod send;

pub use client::{Client, Error, Settings};
pub use guard::Denied;
