//! Limits on what hostile input may cost: processor time of this thread, which a busy machine does not lengthen, and memory.

use std::time::Duration;

/// Processor time that one case may take in a release build.
pub(crate) const TIME: Duration = Duration::from_millis(150);
/// Factor for builds without full optimisation, as in tests: about four, on a busy machine six.
pub(crate) const UNOPTIMISED: u32 = 6;
/// KiB that one case may add to the peak: its result, and one copy of it.
const MEMORY: usize = 48 * 1024;

/// Runs `work`, which must stay within this processor time and within `MEMORY`.
pub(crate) fn within<T>(time: Duration, what: &str, work: impl FnOnce() -> T) -> T {
    // Resets the peak of earlier cases; where that is not permitted, only growth beyond that peak is measured.
    let is_reset = std::fs::write("/proc/self/clear_refs", "5").is_ok();
    let before = memory(if is_reset { "VmRSS:" } else { "VmHWM:" });
    let start = cpu_time();
    let done = work();
    let (spent, used) = (cpu_time().saturating_sub(start), memory("VmHWM:").saturating_sub(before));
    let what = || what.chars().take(80).collect::<String>();
    assert!(spent <= time, "{spent:?}: {}", what());
    assert!(used <= MEMORY, "{used} KiB: {}", what());
    done
}

fn cpu_time() -> Duration {
    let statistics = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(statistics.split(' ').next().unwrap().parse().unwrap())
}

/// One of the sizes in `/proc/self/status`, in KiB.
fn memory(name: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap()
}
