//! The longest poll of a task in processor time, which no other load on the machine changes: for so long one task keeps all
//! others waiting. Measured with the feature `fault-points` only, for the tests.

#[cfg(not(feature = "fault-points"))]
pub(crate) use off::measured;
#[cfg(feature = "fault-points")]
pub(crate) use on::measured;

#[cfg(not(feature = "fault-points"))]
mod off {
    /// The same task.
    pub(crate) fn measured<F>(_name: &'static str, task: F) -> F {
        task
    }
}

#[cfg(feature = "fault-points")]
mod on {
    use std::pin::Pin;
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::task::{Context, Poll};
    use std::time::Duration;

    use rustix::time::{ClockId, clock_gettime};

    /// Seconds, over all tasks that are measured.
    const METRIC: &str = "data_connector_longest_poll_seconds";
    /// Longer ones are in the log.
    const LONG: Duration = Duration::from_millis(50);

    /// Whether this process measures: `off` where it is run by a tool that has no clock of a thread.
    static MEASURES: LazyLock<bool> =
        LazyLock::new(|| std::env::var_os("DATA_CONNECTOR_LONGEST_POLL").is_none_or(|value| value != "off"));
    static LONGEST_MICROS: AtomicU64 = AtomicU64::new(0);

    /// A task whose polls are measured.
    pub(crate) struct Measured<F> {
        name: &'static str,
        task: F,
    }

    /// The same task, measured.
    pub(crate) fn measured<F>(name: &'static str, task: F) -> Measured<F> {
        Measured { name, task }
    }

    impl<F: Future + Unpin> Future for Measured<F> {
        type Output = F::Output;

        fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
            if !*MEASURES {
                return Pin::new(&mut self.task).poll(context);
            }
            let begun = spent();
            let polled = Pin::new(&mut self.task).poll(context);
            let took = spent().saturating_sub(begun);
            let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
            if LONGEST_MICROS.fetch_max(micros, Ordering::Relaxed) < micros {
                metrics::gauge!(METRIC).set(took.as_secs_f64());
            }
            if took > LONG {
                tracing::warn!("a poll of {} took {took:?}", self.name);
            }
            polled
        }
    }

    /// The processor time of this thread.
    fn spent() -> Duration {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        let (seconds, nanos) = (u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0));
        Duration::new(seconds, nanos)
    }
}
