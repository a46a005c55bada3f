//! Named places in the way of a job at which a test makes this process die or hang, and safeguards that it leaves out. Without the feature `fault-points`,
//! which no released binary has, they are nothing.

#[cfg(not(feature = "fault-points"))]
pub(crate) use off::{at, with, without};
#[cfg(feature = "fault-points")]
pub(crate) use on::{at, with, without};

#[cfg(not(feature = "fault-points"))]
mod off {
    /// Nothing happens here.
    pub(crate) fn at(_place: &str) -> std::future::Ready<()> {
        std::future::ready(())
    }

    /// Nothing happens here, whichever job it is.
    pub(crate) fn with(_place: &str, _job: &str) -> std::future::Ready<()> {
        std::future::ready(())
    }

    /// Every safeguard is there.
    pub(crate) const fn without(_safeguard: &str) -> bool {
        false
    }
}

#[cfg(feature = "fault-points")]
mod on {
    use std::collections::HashMap;
    use std::sync::{Mutex, PoisonError};

    /// Which place does what, such as `claimed=die@3`: die, hang or block, at the third job that comes by.
    const VARIABLE: &str = "DATA_CONNECTOR_FAULT";

    static SEEN: Mutex<Option<HashMap<String, u32>>> = Mutex::new(None);

    /// Dies, hangs or blocks, if this is the place and the time.
    pub(crate) async fn at(place: &str) {
        match told(place).as_deref() {
            // No destructor runs and nothing is flushed, as with SIGKILL.
            Some("die") => std::process::abort(),
            Some("hang") => std::future::pending().await,
            Some("block") => loop {
                std::thread::park();
            },
            _ => {}
        }
    }

    /// The same for one job alone, whose place is named `claimed j1`.
    pub(crate) async fn with(place: &str, job: &str) {
        at(&format!("{place} {job}")).await;
    }

    /// Whether a safeguard is left out, so that it can be seen what it is there for.
    pub(crate) fn without(safeguard: &str) -> bool {
        std::env::var("DATA_CONNECTOR_WITHOUT").is_ok_and(|left_out| left_out == safeguard)
    }

    fn told(place: &str) -> Option<String> {
        let faults = std::env::var(VARIABLE).ok()?;
        let (_, what) = faults.split(',').filter_map(|fault| fault.split_once('=')).find(|(name, _)| *name == place)?;
        let (action, time) = what.split_once('@').unwrap_or((what, "1"));
        let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
        let count = seen.get_or_insert_default().entry(place.to_owned()).or_default();
        *count += 1;
        (time.parse() == Ok(*count)).then(|| action.to_owned())
    }
}
