//! A path that does not parse, with the position of the mistake.

/// What is wrong with a path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(super) struct PathError {
    /// The byte of the mistake; `None` where the whole path is one.
    pub(super) at: Option<usize>,
    /// What is wrong there, or with all of it.
    pub(super) problem: String,
    /// The same with the path and the position.
    message: String,
}

impl PathError {
    /// A mistake at byte `at` of `source`, which should have been `what`.
    pub(super) fn new(source: &str, what: &str, at: usize, problem: &str) -> Self {
        let at = source.floor_char_boundary(at);
        let character = source.get(..at).map_or(0, |before| before.chars().count()) + 1;
        let message = format!("`{source}` is not {what}: at character {character}: {problem}");
        Self { at: Some(at), problem: format!("is not {what}: {problem}"), message }
    }

    /// A mistake of the whole path.
    pub(super) fn of_all(problem: String) -> Self {
        Self { at: None, message: problem.clone(), problem }
    }
}
