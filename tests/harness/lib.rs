//! What end-to-end tests run against: workers as processes, an engine's side of the broker, third parties that a test scripts,
//! and a private broker or database where one has to be killed.
//!
//! Knows the contract and the command line; must not know the worker's inside.

#![expect(clippy::missing_panics_doc, reason = "a harness panics where a test has to fail")]

pub mod api;
pub mod broker;
pub mod cost;
pub mod engine;
pub mod hostile;
pub mod mutation;
pub mod postgres;
pub mod process;
pub mod proxy;
pub mod raw_server;
pub mod test_app;
pub mod third_party;
pub mod tls;
pub mod worst_sizes;

use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a test waits for anything before it fails.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// The root of the repository.
pub fn repository() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_path_buf()
}

/// The binary that `DATA_CONNECTOR_BIN` names, else the one that was built with the same profile as the tests.
pub fn binary() -> PathBuf {
    if let Some(named) = std::env::var_os("DATA_CONNECTOR_BIN") {
        return named.into();
    }
    let own = std::env::current_exe().unwrap_or_default();
    // The campaign is in the same folder; tests are in one below it.
    let candidates = own.ancestors().skip(1).take(2).map(|folder| folder.join("data-connector"));
    let built = candidates.into_iter().find(|binary| binary.exists());
    built.unwrap_or_else(|| {
        panic!("data-connector is not next to {}: build it with the same profile first", own.display())
    })
}

/// The search path with the binary's folder in front.
pub fn path_with_binary() -> String {
    let folder = binary().parent().unwrap_or(Path::new(".")).display().to_string();
    format!("{folder}:{}", std::env::var("PATH").unwrap_or_default())
}

/// Polls until `ask` gives a value; fails the test with `what` after [`PATIENCE`].
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    let begun = tokio::time::Instant::now();
    while begun.elapsed() < PATIENCE {
        if let Some(found) = ask().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("not within {PATIENCE:?}: {what}");
}
