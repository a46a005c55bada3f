//! HTTP calls: one pooled client, a guard in front of every address, one deadline, responses of limited size.
//!
//! Knows reqwest, which is named nowhere else; must not know what a call is for.

mod auth;
mod body;
mod classify;
mod client;
mod connections;
mod cookies;
mod decode;
mod guard;
mod handshakes;
mod keep_alive;
mod origins;
mod peer;
mod ranges;
mod resolve;
mod send;
mod timing;
mod spelling;

#[cfg(any(test, feature = "fuzzing"))]
pub use auth::answers_challenge;
pub use auth::{
    AuthorizationCode, ConnectedAccount, RefreshTokenGuard, RefreshTokens, StoreError, StoreFuture, StoredRefreshToken,
};
pub use client::{Client, Error, Settings};
pub use cookies::Session;
pub use guard::DeniedDestination;
pub use handshakes::measure_handshakes;
pub use timing::{Timing, measured};
