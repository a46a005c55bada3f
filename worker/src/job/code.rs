//! The codes a job can fail with (CONTRACT 3): stable names that engines and operators match on.

use std::fmt;

/// Why a job failed, as `error.code` of a result and `reason` of a dead letter (CONTRACT 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// The message is not a job.
    BadJob,
    /// The message is larger than `limits.job_bytes`.
    JobTooLarge,
    /// The ledger has a job of this id with other content.
    JobMismatch,
    /// Connector, resource or element cannot be turned into a request.
    Configuration,
    /// The guard denies this destination.
    Denied,
    /// The connection could not be made, or broke before a status line.
    Connect,
    /// No secure connection.
    Tls,
    /// Time ran out before a status line.
    Timeout,
    /// Whether the request took effect is unknown.
    OutcomeUnknown,
    /// The third party answered with a status that is a failure.
    Http(u16),
    /// The result is larger than `limits.result_bytes`.
    ResultTooLarge,
    /// The answer broke off, is too large or cannot be decoded.
    BadResponse,
    /// The answer could not be mapped.
    Mapping,
    /// No token could be obtained.
    Auth,
    /// The job's deadline is over.
    DeadlinePassed,
    /// Cancelled by the engine; found in the ledger only.
    Cancelled,
    /// A defect of this software.
    Internal,
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadJob => "BAD_JOB",
            Self::JobTooLarge => "JOB_TOO_LARGE",
            Self::JobMismatch => "JOB_MISMATCH",
            Self::Configuration => "CONFIGURATION",
            Self::Denied => "DENIED",
            Self::Connect => "CONNECT",
            Self::Tls => "TLS",
            Self::Timeout => "TIMEOUT",
            Self::OutcomeUnknown => "OUTCOME_UNKNOWN",
            Self::Http(status) => return write!(f, "HTTP_{status}"),
            Self::ResultTooLarge => "RESULT_TOO_LARGE",
            Self::BadResponse => "BAD_RESPONSE",
            Self::Mapping => "MAPPING",
            Self::Auth => "AUTH",
            Self::DeadlinePassed => "DEADLINE_PASSED",
            Self::Cancelled => "CANCELLED",
            Self::Internal => "INTERNAL",
        })
    }
}

impl serde::Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every code; of those with a status, one.
    const ALL: [Code; 17] = [
        Code::BadJob,
        Code::JobTooLarge,
        Code::JobMismatch,
        Code::Configuration,
        Code::Denied,
        Code::Connect,
        Code::Tls,
        Code::Timeout,
        Code::OutcomeUnknown,
        Code::Http(404),
        Code::ResultTooLarge,
        Code::BadResponse,
        Code::Mapping,
        Code::Auth,
        Code::DeadlinePassed,
        Code::Cancelled,
        Code::Internal,
    ];

    #[test]
    fn every_code_has_its_section() {
        let page = include_str!("../../CODES.md");
        for code in ALL {
            assert!(page.lines().any(|line| line == format!("## {code}")), "{code}");
        }
        assert_eq!(page.lines().filter(|line| line.starts_with("## ")).count(), ALL.len());
    }

    #[test]
    fn lint_knows_the_codes_that_a_boundary_event_can_catch() {
        // The others are never in a result.
        let is_answered = |code: &&Code| !matches!(code, Code::JobMismatch | Code::Cancelled | Code::Http(_));
        let answered: Vec<String> = ALL.iter().filter(is_answered).map(Code::to_string).collect();
        assert_eq!(answered, bpmn_ext::lint::WORKER_CODES);
    }
}
