//! A path that does not parse, and where.

/// What is wrong with a path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{told}")]
pub(super) struct PathError {
    /// Bytes from the start of the path; `None` where all of it is meant.
    pub(super) at: Option<usize>,
    /// What is wrong there, or with all of it.
    pub(super) problem: String,
    /// The same with the path and the place.
    told: String,
}

impl PathError {
    /// A mistake at byte `at` of `source`, which should have been `what`.
    pub(super) fn new(source: &str, what: &str, at: usize, problem: &str) -> Self {
        let at = source.floor_char_boundary(at);
        let character = source.get(..at).map_or(0, |before| before.chars().count()) + 1;
        let told = format!("`{source}` is not {what}: at character {character}: {problem}");
        Self { at: Some(at), problem: format!("is not {what}: {problem}"), told }
    }

    /// A mistake that has no place of its own.
    pub(super) fn of_all(problem: String) -> Self {
        Self { at: None, told: problem.clone(), problem }
    }
}
