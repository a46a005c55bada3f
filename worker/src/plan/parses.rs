//! Counts parsed templates, expressions and paths, so that a test sees when one is parsed again.

use std::cell::Cell;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

/// One more was parsed on this thread.
pub(crate) fn count() {
    COUNT.with(|count| count.set(count.get() + 1));
}

/// How many were parsed on this thread so far.
pub(crate) fn counted() -> usize {
    COUNT.with(Cell::get)
}
