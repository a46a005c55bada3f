//! Waiting for a service that cannot be reached, until this process gives up what it has in hand.

use std::time::Duration;

use tokio::sync::watch;

/// The process gives up before this could be done; what it was done for is left where another process finds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShuttingDown;

/// Tells waiting tasks to give up.
#[derive(Debug)]
pub struct GiveUp(watch::Sender<bool>);

/// Waits between tries; cheap to clone.
#[derive(Debug, Clone)]
pub struct Patience(watch::Receiver<bool>);

/// Waits between tries, milliseconds; the last one is repeated.
const WAITS_MS: [u64; 6] = [100, 200, 500, 1_000, 2_000, 5_000];

/// A pair: whoever holds the first ends all waits of the second.
pub fn patience() -> (GiveUp, Patience) {
    let (sender, receiver) = watch::channel(false);
    (GiveUp(sender), Patience(receiver))
}

impl GiveUp {
    /// Ends every wait, now and from now on.
    pub fn now(&self) {
        self.0.send_replace(true);
    }
}

impl Patience {
    /// Waits before try number `tries` + 2, longer each time.
    ///
    /// # Errors
    /// When the process gives up first.
    pub async fn pause(&self, tries: usize) -> Result<(), ShuttingDown> {
        let millis = WAITS_MS.get(tries).or(WAITS_MS.last()).copied().unwrap_or_default();
        let mut given_up = self.0.clone();
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(millis)) => Ok(()),
            _ = given_up.wait_for(|given_up| *given_up) => Err(ShuttingDown),
        }
    }
}
