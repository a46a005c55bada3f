//! What hostile input may cost: time of this thread, which other people's builds do not lengthen, and memory.

use std::time::Duration;

/// What one of them may take in a release.
pub(crate) const TIME: Duration = Duration::from_millis(150);
/// How much longer it may take where nothing is optimised much, as in tests: some four times, on a busy machine six.
pub(crate) const UNOPTIMISED: u32 = 6;
/// KiB: what is found or made, and once more what it is copied into.
const MEMORY: usize = 48 * 1024;

/// Does something that has to stay within this time, and within its memory.
pub(crate) fn within<T>(time: Duration, what: &str, work: impl FnOnce() -> T) -> T {
    // Forgets the peak of earlier cases; where that is not allowed, what goes beyond it is held to the bar.
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
