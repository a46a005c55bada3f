//! Fault points: named points of a job's processing at which a test makes this process die, hang or block. Without the
//! feature `fault-points`, which no released binary has, they do nothing.

#[cfg(not(feature = "fault-points"))]
pub(crate) use off::{at, with};
#[cfg(feature = "fault-points")]
pub(crate) use on::{at, with};

#[cfg(not(feature = "fault-points"))]
mod off {
    /// Does nothing.
    pub(crate) fn at(_point: &str) -> std::future::Ready<()> {
        std::future::ready(())
    }

    /// Does nothing, for any job.
    pub(crate) fn with(_point: &str, _job: &str) -> std::future::Ready<()> {
        std::future::ready(())
    }
}

#[cfg(feature = "fault-points")]
mod on {
    use std::collections::HashMap;
    use std::sync::{Mutex, PoisonError};

    /// What happens at which point, such as `claimed=die@3`: die, hang or block the third time it is reached.
    const VARIABLE: &str = "DATA_CONNECTOR_FAULT";

    static REACHED: Mutex<Option<HashMap<String, u32>>> = Mutex::new(None);

    /// Dies, hangs or blocks, if the variable says so for this point and this time.
    pub(crate) async fn at(point: &str) {
        match action(point).as_deref() {
            // No destructor runs and nothing is flushed, as with SIGKILL.
            Some("die") => std::process::abort(),
            Some("hang") => std::future::pending().await,
            Some("block") => loop {
                std::thread::park();
            },
            _ => {}
        }
    }

    /// The same for a single job, whose point is named `claimed j1`.
    pub(crate) async fn with(point: &str, job: &str) {
        at(&format!("{point} {job}")).await;
    }

    fn action(point: &str) -> Option<String> {
        let faults = std::env::var(VARIABLE).ok()?;
        let (_, what) = faults.split(',').filter_map(|fault| fault.split_once('=')).find(|(name, _)| *name == point)?;
        let (action, time) = what.split_once('@').unwrap_or((what, "1"));
        let mut reached = REACHED.lock().unwrap_or_else(PoisonError::into_inner);
        let count = reached.get_or_insert_default().entry(point.to_owned()).or_default();
        *count += 1;
        (time.parse() == Ok(*count)).then(|| action.to_owned())
    }
}
