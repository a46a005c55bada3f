//! What one text may be made into: references multiply, so that size alone bounds nothing.

use super::position::Fault;

/// Values that are looked at.
const STEPS: usize = 1_000_000;
/// Bytes of URLs, names, bodies and descriptions that are made.
const BYTES: usize = 32 * 1024 * 1024;

/// What is left of it.
#[derive(Debug)]
pub(super) struct Budget {
    steps: usize,
    bytes: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { steps: STEPS, bytes: BYTES }
    }
}

impl Budget {
    /// Takes steps; `at` is the place to name when there are none left.
    pub(super) fn steps(&mut self, count: usize, at: impl Fn() -> usize) -> Result<(), Fault> {
        let none_left = || {
            let problem =
                format!("from here on, following the references takes more than {STEPS} steps; split the document");
            Fault::new(at(), problem)
        };
        self.steps = self.steps.checked_sub(count).ok_or_else(none_left)?;
        Ok(())
    }

    /// Takes bytes; `at` is the place to name when there are none left.
    pub(super) fn bytes(&mut self, count: usize, at: impl Fn() -> usize) -> Result<(), Fault> {
        let none_left = || {
            let problem = format!("up to here, the records take more than {BYTES} bytes; split the document");
            Fault::new(at(), problem)
        };
        self.bytes = self.bytes.checked_sub(count).ok_or_else(none_left)?;
        Ok(())
    }
}
