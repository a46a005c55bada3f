//! Retries, success and error rules of CONTRACT 6 and 7, and which of element, resource and connector decides.

use std::time::Duration;

use serde_json::{Map, Value};

use super::resource::whole;
use super::spelling::{member, object, required_text, rows, text};
use super::{Connector, ElementConfig, Invalid, Resource, StatusList, duration};

/// Whether a resource says that it may be called twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RepeatRule {
    /// `repeat: safe`: the third party honours the key, or does not mind.
    Safe,
    /// `repeat: unsafe`: even where the method would allow it.
    Unsafe,
}

/// How waits grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backoff {
    /// The same wait each time, ProcessMaker's way.
    Fixed,
    /// Doubling from `wait` up to `max_wait`, with full jitter.
    Exponential,
}

/// `retry {attempts, wait, backoff, maxWait, budget, statuses}`, each absent where nothing was said.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RetryMembers {
    /// All attempts, the first included.
    pub attempts: Option<u32>,
    /// The wait after the first failed attempt.
    pub wait: Option<Duration>,
    /// How waits grow.
    pub backoff: Option<Backoff>,
    /// The longest wait of an exponential policy.
    pub max_wait: Option<Duration>,
    /// From first sight of the job to the last attempt's start.
    pub budget: Option<Duration>,
    /// The statuses that are tried again, instead of the table's.
    pub statuses: Option<StatusList>,
}

/// A row of `errorMapping`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorRow {
    /// The statuses it is for.
    pub when: StatusList,
    /// The BPMN error's code.
    pub code: String,
    /// Mustache over the request data.
    pub message: Option<String>,
}

/// The members that element, resource and connector have in common (CONTRACT 7).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rules {
    /// `repeat`.
    pub repeat: Option<RepeatRule>,
    /// `retry`.
    pub retry: RetryMembers,
    /// `success`.
    pub success: Option<StatusList>,
    /// `errorMapping`.
    pub error_mapping: Vec<ErrorRow>,
    /// `escape: html`, ProcessMaker's way.
    pub escape_html: Option<bool>,
}

impl Rules {
    /// Reads the members of CONTRACT 7 from an element's configuration, a resource or a connector.
    ///
    /// # Errors
    /// The first member that cannot be used, and members that only later versions know.
    pub fn read(of: &Map<String, Value>, place: &str) -> Result<Self, Invalid> {
        for unknown in ["pagination", "poll"] {
            if of.get(unknown).is_some_and(|v| !v.is_null()) {
                return Err(Invalid::new(member(place, unknown), "is not supported by this version"));
            }
        }
        Ok(Self {
            repeat: repeat(of, place)?,
            retry: retry(of, place)?,
            success: text(of, "success", place)?
                .filter(|t| !t.is_empty())
                .map(|t| StatusList::parse(&t).map_err(|e| Invalid::new(member(place, "success"), e)))
                .transpose()?,
            error_mapping: error_rows(of, place)?,
            escape_html: match text(of, "escape", place)?.as_deref() {
                None | Some("") => None,
                Some("html") => Some(true),
                Some("slot") => Some(false),
                Some(other) => {
                    return Err(Invalid::new(member(place, "escape"), format!("`{other}` is not html or slot")));
                }
            },
        })
    }
}

fn repeat(of: &Map<String, Value>, place: &str) -> Result<Option<RepeatRule>, Invalid> {
    match text(of, "repeat", place)?.as_deref() {
        None | Some("") => Ok(None),
        Some("safe") => Ok(Some(RepeatRule::Safe)),
        Some("unsafe") => Ok(Some(RepeatRule::Unsafe)),
        Some(other) => Err(Invalid::new(member(place, "repeat"), format!("`{other}` is not safe or unsafe"))),
    }
}

fn retry(of: &Map<String, Value>, place: &str) -> Result<RetryMembers, Invalid> {
    let Some(retry) = object(of, "retry", place)? else { return Ok(RetryMembers::default()) };
    let place = member(place, "retry");
    let time = |key: &str| duration(retry.get(key)).map_err(|e| Invalid::new(member(&place, key), e));
    let attempts = text(retry, "attempts", &place)?.filter(|t| !t.is_empty());
    let attempts = attempts.map(|t| whole(&t, &member(&place, "attempts"))).transpose()?;
    if attempts == Some(0) {
        return Err(Invalid::new(member(&place, "attempts"), "counts all attempts, the first included: at least 1"));
    }
    Ok(RetryMembers {
        attempts,
        wait: time("wait")?,
        backoff: match text(retry, "backoff", &place)?.as_deref() {
            None | Some("") => None,
            Some("fixed") => Some(Backoff::Fixed),
            Some("exponential") => Some(Backoff::Exponential),
            Some(other) => {
                return Err(Invalid::new(member(&place, "backoff"), format!("`{other}` is not fixed or exponential")));
            }
        },
        max_wait: time("maxWait")?,
        budget: time("budget")?,
        statuses: text(retry, "statuses", &place)?
            .filter(|t| !t.is_empty())
            .map(|t| StatusList::parse(&t).map_err(|e| Invalid::new(member(&place, "statuses"), e)))
            .transpose()?,
    })
}

fn error_rows(of: &Map<String, Value>, place: &str) -> Result<Vec<ErrorRow>, Invalid> {
    let rows = rows(of, "errorMapping", place)?.unwrap_or_default();
    rows.into_iter()
        .enumerate()
        .map(|(index, row)| {
            let place = member(place, &format!("errorMapping.{index}"));
            let when = required_text(row, "when", &place)?;
            Ok(ErrorRow {
                when: StatusList::parse(&when).map_err(|e| Invalid::new(member(&place, "when"), e))?,
                code: required_text(row, "code", &place)?,
                message: text(row, "message", &place)?.filter(|m| !m.is_empty()),
            })
        })
        .collect()
}

/// The policy that is in force for one job.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// All attempts, the first included; at least 1.
    pub attempts: u32,
    /// The wait after the first failed attempt.
    pub wait: Duration,
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
    let handled_wait =
        duration(handling.get("retry_wait_time")).map_err(|e| Invalid::new("errorHandling.retry_wait_time", e))?;
    let more = |after_the_first: u32| after_the_first.saturating_add(1);
    Ok(Policy {
        attempts: mine
            .attempts
            .or(handled_attempts.map(more))
            .or(theirs.attempts)
            .or(resource.retry_attempts.map(more))
            .or(default.attempts)
            .unwrap_or(1),
        wait: mine
            .wait
            .or(handled_wait)
            .or(theirs.wait)
            .or(resource.retry_wait)
            .or(default.wait)
            .unwrap_or(Duration::from_secs(5)),
        backoff: mine.backoff.or(theirs.backoff).or(default.backoff).unwrap_or(Backoff::Fixed),
        max_wait: mine.max_wait.or(theirs.max_wait).or(default.max_wait).unwrap_or(Duration::from_mins(5)),
        budget: mine.budget.or(theirs.budget).or(default.budget),
        statuses: mine.statuses.clone().or_else(|| theirs.statuses.clone()).or_else(|| default.statuses.clone()),
    })
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
