//! What is wrong with something that was given, by path: `data.address.city`, `columns.0.type`, `name`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Problems by path; a path may have several.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems(BTreeMap<String, Vec<String>>);

impl Problems {
    /// One problem.
    pub fn one(path: impl Into<String>, problem: impl Into<String>) -> Self {
        let mut problems = Self::default();
        problems.add(path, problem);
        problems
    }

    /// Adds a problem.
    pub fn add(&mut self, path: impl Into<String>, problem: impl Into<String>) {
        self.0.entry(path.into()).or_default().push(problem.into());
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All problems, by path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().flat_map(|(path, all)| all.iter().map(move |problem| (path.as_str(), problem.as_str())))
    }

    /// Fails with what was found.
    ///
    /// # Errors
    /// These problems, when there are any.
    pub fn into_result(self) -> Result<(), Self> {
        if self.is_empty() { Ok(()) } else { Err(self) }
    }

    /// As the API's `errors`: lists of texts by path.
    pub fn to_json(&self) -> Value {
        json!(self.0)
    }
}

impl std::fmt::Display for Problems {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, (path, problem)) in self.iter().enumerate() {
            let separator = if at == 0 { "" } else { "; " };
            write!(f, "{separator}{path}: {problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
