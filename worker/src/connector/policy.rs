//! How often and when a call is tried, and which of element, resource and connector decides (CONTRACT 6, sheet 1.5).

use std::time::Duration;

use serde_json::{Map, Value};

use super::resource::whole;
use super::spelling::{member, text};
use super::{Connector, ElementConfig, Invalid, Resource, StatusList, Waits, duration};

/// How waits grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backoff {
    /// The same wait each time, ProcessMaker's way.
    Fixed,
    /// Doubling from `wait` up to `max_wait`, with full jitter.
    Exponential,
}

/// `retry {attempts, wait, backoff, maxWait, budget, statuses}`, each absent where nothing was said; or a cycle alone.
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
    pub(super) fn read(of: &Map<String, Value>, place: &str) -> Result<Self, Invalid> {
        let place_of_retry = member(place, "retry");
        let members = match of.get("retry") {
            None | Some(Value::Null) => return Ok(Self::default()),
            Some(Value::Array(list)) if list.is_empty() => return Ok(Self::default()),
            Some(Value::Object(members)) => members,
            cycle => {
                let wait = Waits::read(cycle).map_err(|e| Invalid::new(place_of_retry, e))?;
                return Ok(Self { wait, ..Self::default() });
            }
        };
        Self::of_members(members, &place_of_retry)
    }

    fn of_members(of: &Map<String, Value>, place: &str) -> Result<Self, Invalid> {
        let time = |key: &str| duration(of.get(key)).map_err(|e| Invalid::new(member(place, key), e));
        let attempts = text(of, "attempts", place)?.filter(|t| !t.trim().is_empty());
        let attempts = attempts.map(|t| whole(&t, &member(place, "attempts"))).transpose()?;
        if attempts == Some(0) {
            return Err(Invalid::new(member(place, "attempts"), "counts all attempts, the first included: at least 1"));
        }
        Ok(Self {
            attempts,
            wait: Waits::read(of.get("wait")).map_err(|e| Invalid::new(member(place, "wait"), e))?,
            backoff: match text(of, "backoff", place)?.as_deref() {
                None | Some("") => None,
                Some("fixed") => Some(Backoff::Fixed),
                Some("exponential") => Some(Backoff::Exponential),
                Some(other) => {
                    let problem = format!("`{other}` is not fixed or exponential");
                    return Err(Invalid::new(member(place, "backoff"), problem));
                }
            },
            max_wait: time("maxWait")?,
            budget: time("budget")?,
            statuses: text(of, "statuses", place)?
                .filter(|t| !t.trim().is_empty())
                .map(|t| StatusList::parse(&t).map_err(|e| Invalid::new(member(place, "statuses"), e)))
                .transpose()?,
        })
    }

    /// How many attempts these members ask for: told, or as a cycle or a list of waits counts them.
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

/// Element over resource over connector over ProcessMaker's defaults (sheet 1.5: no retries, 5 s).
///
/// # Errors
/// A member of `errorHandling` that is neither a number nor a time.
pub fn effective_policy(
    handling: &Map<String, Value>,
    element: &ElementConfig,
    resource: &Resource,
    connector: &Connector,
) -> Result<Policy, Invalid> {
    let (mine, theirs, default) = (&element.rules.retry, &resource.rules.retry, &connector.rules.retry);
    let handled_attempts = text(handling, "retry_attempts", "errorHandling")?
        .filter(|t| !t.trim().is_empty())
        .map(|t| whole(&t, "errorHandling.retry_attempts"))
        .transpose()?;
    let handled_waits =
        Waits::read(handling.get("retry_wait_time")).map_err(|e| Invalid::new("errorHandling.retry_wait_time", e))?;
    let handled = RetryMembers { wait: handled_waits, ..RetryMembers::default() };
    let more = |after_the_first: u32| after_the_first.saturating_add(1);
    let attempts = mine.all_attempts().or(handled_attempts.map(more)).or_else(|| handled.all_attempts());
    let waits = mine
        .waits()
        .or_else(|| handled.waits())
        .or_else(|| theirs.waits())
        .or(resource.retry_wait.map(|wait| vec![wait]))
        .or_else(|| default.waits());
    Ok(Policy {
        attempts: attempts.unwrap_or_else(|| usual_attempts(resource, connector)),
        waits: waits.unwrap_or_else(|| vec![Duration::from_secs(5)]),
        backoff: mine.backoff.or(theirs.backoff).or(default.backoff).unwrap_or(Backoff::Fixed),
        max_wait: mine.max_wait.or(theirs.max_wait).or(default.max_wait).unwrap_or(Duration::from_mins(5)),
        budget: mine.budget.or(theirs.budget).or(default.budget),
        statuses: mine.statuses.clone().or_else(|| theirs.statuses.clone()).or_else(|| default.statuses.clone()),
    })
}

/// The attempts of an element that says nothing about them.
pub fn usual_attempts(resource: &Resource, connector: &Connector) -> u32 {
    let more = resource.retry_attempts.map(|after_the_first| after_the_first.saturating_add(1));
    let (theirs, default) = (&resource.rules.retry, &connector.rules.retry);
    theirs.all_attempts().or(more).or_else(|| default.all_attempts()).unwrap_or(1)
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
    let handled = duration(handling.get("timeout")).map_err(|e| Invalid::new("errorHandling.timeout", e))?;
    let chosen = element.timeout.or(handled).or(resource.timeout);
    Ok(chosen.filter(|t| !t.is_zero()).map_or(cap, |t| t.min(cap)))
}
