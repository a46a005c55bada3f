//! Connectors, resources, credentials and an element's configuration: plain data and what makes it valid.
//!
//! Knows the members of COMPATIBILITY 1.3, 1.5, 4.1-4.3 and CONTRACT 7; must not know templates, calls or storage.

mod condition;
mod credentials;
mod element;
mod lenient;
mod missing;
mod policy;
mod rate;
mod record;
mod resource;
mod rules;
mod status_list;
mod time;
mod waits;

pub use condition::Condition;
pub use credentials::{
    AUTHORIZATION_CODE, AwsKeys, ClientIdentity, ClientProof, Credentials, Grant, KeyLocation, OAuth2, Scheme,
    bound_origin, is_bound_to,
};
pub use element::{ElementConfig, MappingRow, OutboundKind, OutboundRow, RowFormat};
pub use missing::{UNSET, missing_members};
pub use policy::{Backoff, Policy, RetryMembers, effective_policy, effective_timeout, usual_attempts};
pub use rate::Rate;
pub use record::{Connector, connector_records};
pub use resource::{BodyType, NamedValue, Resource, callable_method};
pub use rules::{AnswerKind, Arrays, ErrorRow, NextPage, Pagination, Poll, RepeatRule, Rules, Space};
pub use status_list::StatusList;
pub use time::duration;
pub use waits::Waits;

/// A record or a configuration that cannot be used, and what to change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct Invalid {
    /// A member's path such as `endpoints.list.method`.
    pub path: String,
    /// What is wrong and what it should be.
    pub problem: String,
}

impl Invalid {
    /// A problem at `path`.
    pub fn new(path: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { path: path.into(), problem: problem.into() }
    }
}
