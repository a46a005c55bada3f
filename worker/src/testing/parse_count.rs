//! Counts the templates, expressions and paths that this thread parsed, so that a test sees when one is parsed again.

use std::cell::Cell;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

/// Adds one.
pub(crate) fn increment() {
    COUNT.with(|count| count.set(count.get() + 1));
}

/// How many this thread has parsed so far.
pub(crate) fn total() -> usize {
    COUNT.with(Cell::get)
}
