//! What a call's `rate` comes to: which calls share an interval, and how long it is.

use std::time::Duration;

use super::prepared::closed;
use super::template::{Escape, Scope, Template};
use crate::connector::{Connector, Invalid, Rate, Resource};

/// The longest rendered key, bytes.
const KEY_BYTES: usize = 200;

/// The rate limit of one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateLimit {
    /// Calls of one bucket share the interval, whichever worker makes them.
    pub bucket: String,
    /// The interval between two of them.
    pub every: Duration,
}

/// A resource's rate, or else its connector's, with the key's template parsed.
#[derive(Debug)]
pub(super) struct RateLimitTemplate {
    every: Duration,
    scope: String,
    key: Option<Template>,
    path: String,
}

impl RateLimitTemplate {
    pub(super) fn of(resource: &Resource, connector: &Connector) -> Result<Option<Self>, Invalid> {
        let own = resource.rules.rate.as_ref().map(|rate| (rate, resource.name.as_str()));
        let Some((rate, whose)) = own.or_else(|| connector.rules.rate.as_ref().map(|rate| (rate, "*"))) else {
            return Ok(None);
        };
        let path = if whose == "*" { "rate.key".to_owned() } else { format!("endpoints.{whose}.rate.key") };
        let Rate { every, key } = rate;
        let key = key.as_deref().map(|key| closed(key, &path, "a rate's key")).transpose()?;
        Ok(Some(Self { every: *every, scope: format!("{}/{whose}", connector.name), key, path }))
    }

    pub(super) fn render(&self, data: &Scope<'_>) -> Result<RateLimit, Invalid> {
        let invalid = |problem: String| Invalid::new(&self.path, problem);
        let Some(template) = &self.key else { return Ok(RateLimit { bucket: self.scope.clone(), every: self.every }) };
        let key = template.render(data, Escape::None).map_err(|e| invalid(e.to_string()))?;
        if key.len() > KEY_BYTES || key.contains('\0') {
            return Err(invalid(format!("gives a key that has a NUL or more than {KEY_BYTES} bytes")));
        }
        Ok(RateLimit { bucket: format!("{}/{key}", self.scope), every: self.every })
    }
}
