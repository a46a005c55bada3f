//! Why something of a collection was not done, with the status and the code that the API has for it.

use serde_json::{Value, json};

use crate::collections::pmql::SyntaxError;
use crate::collections::problems::Problems;
use crate::collections::rules::DataError;
use crate::store;
use crate::store::collections::CollectionError;

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was given does not fit, by path or parameter.
    #[error("{0}")]
    Invalid(Problems),
    /// A filter that cannot be read.
    #[error("pmql: at character {}: {}", .0.at, .0.message)]
    Pmql(SyntaxError),
    /// JSON of another shape.
    #[error("{0}")]
    NoObject(String),
    /// What cannot be read at all.
    #[error("{0}")]
    BadRequest(String),
    /// It is not there.
    #[error("{0}")]
    NotFound(String),
    /// The same idempotency key came with something else.
    #[error("{0}")]
    Mismatch(String),
    /// Something else is going on.
    #[error("{0}")]
    Conflict(String),
    /// `If-Match` does not name the current version.
    #[error("{0}")]
    Precondition(String),
    /// What was sent did not come in time.
    #[error("{0}")]
    TooSlow(String),
    /// More than is taken.
    #[error("{0}")]
    TooLarge(String),
    /// A content type that is not read.
    #[error("{0}")]
    Unsupported(String),
    /// The database.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Error {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            Self::BadRequest(_) => 400,
            Self::NotFound(_) => 404,
            Self::Mismatch(_) | Self::Conflict(_) => 409,
            Self::TooSlow(_) => 408,
            Self::Precondition(_) => 412,
            Self::TooLarge(_) => 413,
            Self::Unsupported(_) => 415,
            Self::Invalid(_) | Self::Pmql(_) | Self::NoObject(_) => 422,
            Self::Store(error) if error.is_transient() => 503,
            Self::Store(_) => 500,
        }
    }

    /// The API's code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::BadRequest(_) => "BAD_REQUEST",
            Self::NotFound(_) => "NOT_FOUND",
            Self::Mismatch(_) => "JOB_MISMATCH",
            Self::Conflict(_) => "CONFLICT",
            Self::TooSlow(_) => "TIMEOUT",
            Self::Precondition(_) => "PRECONDITION_FAILED",
            Self::TooLarge(_) => "TOO_LARGE",
            Self::Unsupported(_) => "UNSUPPORTED_MEDIA_TYPE",
            Self::Invalid(_) | Self::Pmql(_) | Self::NoObject(_) => "INVALID",
            Self::Store(error) if error.is_transient() => "UNAVAILABLE",
            Self::Store(_) => "INTERNAL",
        }
    }

    /// Texts by path or parameter, where there are any.
    pub fn errors(&self) -> Option<Value> {
        match self {
            Self::Invalid(problems) => Some(problems.to_json()),
            Self::Pmql(error) => Some(json!({"pmql": [error.message]})),
            _ => None,
        }
    }

    /// The body of the API's answer, but for its `request_id`. Of a defect it tells nothing.
    pub fn to_json(&self) -> Value {
        let message = match self {
            Self::Store(error) if error.is_transient() => "the database cannot be reached; try again".to_owned(),
            Self::Store(_) => "something went wrong here; the log has the details".to_owned(),
            told => told.to_string(),
        };
        let mut body = json!({"message": message, "code": self.code()});
        if let Some(errors) = self.errors() {
            body["errors"] = errors;
        }
        if let Self::Pmql(error) = self {
            body["pmql"] = json!({"at": error.at});
        }
        body
    }

    /// One problem of a parameter or a path.
    pub(super) fn invalid(path: &str, problem: impl Into<String>) -> Self {
        Self::Invalid(Problems::one(path, problem))
    }
}

impl From<Problems> for Error {
    fn from(problems: Problems) -> Self {
        Self::Invalid(problems)
    }
}

impl From<SyntaxError> for Error {
    fn from(error: SyntaxError) -> Self {
        Self::Pmql(error)
    }
}

impl From<DataError> for Error {
    fn from(error: DataError) -> Self {
        CollectionError::from(error).into()
    }
}

impl From<CollectionError> for Error {
    fn from(error: CollectionError) -> Self {
        match error {
            CollectionError::NoCollection | CollectionError::NoRecord => Self::NotFound(error.to_string()),
            CollectionError::Invalid(problems) => Self::Invalid(problems),
            CollectionError::Number(number) => Self::BadRequest(number.to_string()),
            CollectionError::Precondition { .. } => Self::Precondition(error.to_string()),
            CollectionError::Mismatch => Self::Mismatch(error.to_string()),
            CollectionError::Busy => Self::Conflict(error.to_string()),
            CollectionError::Store(error) => Self::Store(error),
        }
    }
}
