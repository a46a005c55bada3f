//! How often and when a call is tried, and which of element, resource and connector decides (CONTRACT 6, COMPATIBILITY 1.5).

use std::time::Duration;

use serde_json::{Map, Value};

use super::lenient::Reader;
use super::{Connector, ElementConfig, Invalid, Resource, StatusList, Waits};

/// How waits grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backoff {
    /// The same wait each time, ProcessMaker's way.
    Fixed,
    /// Doubling from `wait` up to `max_wait`, with full jitter.
    Exponential,
}

/// `retry {attempts, wait, backoff, maxWait, budget, statuses}`, each absent where it is not written; or a cycle alone.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RetryMembers {
    /// All attempts, the first included.
    pub attempts: Option<u32>,
    /// The waits between attempts.
    pub wait: Option<Waits>,
    /// How waits grow.
    pub backoff: Option<Backoff>,
    /// The longest wait of an exponential policy.
    pub max_wait: Option<Duration>,
    /// From first sight of the job to the last attempt's start.
    pub budget: Option<Duration>,
    /// The statuses that are tried again, instead of the table's.
    pub statuses: Option<StatusList>,
}

impl RetryMembers {
    /// Reads `retry`: its members, or `R3/PT10S` and `PT5S,PT1M` as they stand.
    ///
    /// # Errors
    /// The first member that cannot be used.
    pub(super) fn read(of: &Reader<'_>) -> Result<Self, Invalid> {
        match of.value("retry") {
            None | Some(Value::Null) => Ok(Self::default()),
            Some(Value::Array(list)) if list.is_empty() => Ok(Self::default()),
            Some(Value::Object(members)) => Self::of_members(&Reader::new(members, of.path_of("retry"))),
            cycle => {
                let wait = Waits::read(cycle).map_err(|problem| of.invalid("retry", problem))?;
                Ok(Self { wait, ..Self::default() })
            }
        }
    }

    fn of_members(of: &Reader<'_>) -> Result<Self, Invalid> {
        let attempts = of.whole("attempts")?;
        if attempts == Some(0) {
            return Err(of.invalid("attempts", "counts all attempts, the first included: at least 1"));
        }
        let statuses = of.filled_text("statuses")?.map(|text| StatusList::parse(&text)).transpose();
        Ok(Self {
            attempts,
            wait: Waits::read(of.value("wait")).map_err(|problem| of.invalid("wait", problem))?,
            backoff: match of.text("backoff")?.as_deref() {
                None | Some("") => None,
                Some("fixed") => Some(Backoff::Fixed),
                Some("exponential") => Some(Backoff::Exponential),
                Some(other) => return Err(of.invalid("backoff", format!("`{other}` is not fixed or exponential"))),
            },
            max_wait: of.duration("maxWait")?,
            budget: of.duration("budget")?,
            statuses: statuses.map_err(|problem| of.invalid("statuses", problem))?,
        })
    }

    /// How many attempts these members ask for: `attempts`, or what a cycle or a list of waits amounts to.
    fn all_attempts(&self) -> Option<u32> {
        self.attempts.or_else(|| self.wait.as_ref().and_then(Waits::attempts))
    }

    fn waits(&self) -> Option<Vec<Duration>> {
        self.wait.as_ref().map(|waits| waits.list.clone())
    }
}

/// The policy that is in force for one job.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// All attempts, the first included; at least 1.
    pub attempts: u32,
    /// The waits after the first, second… failed attempt; the last one holds for all that follow. Never empty.
    pub waits: Vec<Duration>,
    /// How waits grow.
    pub backoff: Backoff,
    /// The longest wait of an exponential policy.
    pub max_wait: Duration,
    /// From first sight of the job to the last attempt's start.
    pub budget: Option<Duration>,
    /// The statuses that are tried again, instead of the table's.
    pub statuses: Option<StatusList>,
}

/// Element over resource over connector over ProcessMaker's defaults (COMPATIBILITY 1.5: no retries, 5 s).
///
/// # Errors
/// A member of `errorHandling` that is neither a number nor a time.
pub fn effective_policy(
    handling: &Map<String, Value>,
    element: &ElementConfig,
    resource: &Resource,
    connector: &Connector,
) -> Result<Policy, Invalid> {
    let (element, of_resource, of_connector) = (&element.rules.retry, &resource.rules.retry, &connector.rules.retry);
    let handling = Reader::new(handling, "errorHandling");
    let handled_attempts = handling.whole("retry_attempts")?.map(|after_the_first| after_the_first.saturating_add(1));
    let handled_waits = Waits::read(handling.value("retry_wait_time"));
    let handled_waits = handled_waits.map_err(|problem| handling.invalid("retry_wait_time", problem))?;
    let handled = RetryMembers { wait: handled_waits, ..RetryMembers::default() };
    let attempts = element.all_attempts().or(handled_attempts).or_else(|| handled.all_attempts());
    let waits = element
        .waits()
        .or_else(|| handled.waits())
        .or_else(|| of_resource.waits())
        .or(resource.retry_wait.map(|wait| vec![wait]))
        .or_else(|| of_connector.waits());
    let levels = [element, of_resource, of_connector];
    let backoff = levels.iter().find_map(|members| members.backoff);
    let max_wait = levels.iter().find_map(|members| members.max_wait);
    Ok(Policy {
        attempts: attempts.unwrap_or_else(|| usual_attempts(resource, connector)),
        waits: waits.unwrap_or_else(|| vec![Duration::from_secs(5)]),
        backoff: backoff.unwrap_or(Backoff::Fixed),
        max_wait: max_wait.unwrap_or(Duration::from_mins(5)),
        budget: levels.iter().find_map(|members| members.budget),
        statuses: levels.iter().find_map(|members| members.statuses.clone()),
    })
}

/// The attempts of an element that does not configure them.
pub fn usual_attempts(resource: &Resource, connector: &Connector) -> u32 {
    let more = resource.retry_attempts.map(|after_the_first| after_the_first.saturating_add(1));
    let (of_resource, of_connector) = (&resource.rules.retry, &connector.rules.retry);
    of_resource.all_attempts().or(more).or_else(|| of_connector.all_attempts()).unwrap_or(1)
}

/// The time that one attempt has, at most `cap`; empty and zero mean the cap (CONTRACT 6).
///
/// # Errors
/// `errorHandling.timeout` when it is not a time.
pub fn effective_timeout(
    handling: &Map<String, Value>,
    element: &ElementConfig,
    resource: &Resource,
    cap: Duration,
) -> Result<Duration, Invalid> {
    let handled = Reader::new(handling, "errorHandling").duration("timeout")?;
    let chosen = element.timeout.or(handled).or(resource.timeout);
    Ok(chosen.filter(|t| !t.is_zero()).map_or(cap, |t| t.min(cap)))
}
