//! Trying a call: what would be sent, what comes back, what becomes of it; one attempt, nothing in the ledger (API 10).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use super::Error;
use super::executions::{ExecutionError, PLACE};
use crate::call::{
    AdmitError, Answer, Calls, GivenAnswer, Invocation, Outcome, PrepareError, PreparedCall, SeenAnswer,
};
use crate::http::{self, Timing};
use crate::job::{Configuration, ErrorHandling, Failure};
use crate::plan::Redacted;

/// What is tried, and how far.
#[derive(Debug, Clone)]
pub struct Trial {
    /// The configuration with connector and resource.
    pub config: Map<String, Value>,
    /// The connector's record, for what it reads.
    pub record: Map<String, Value>,
    /// What templates see.
    pub data: Arc<Map<String, Value>>,
    /// How far.
    pub depth: Depth,
}

/// How far a trial goes.
#[derive(Debug, Clone)]
pub enum Depth {
    /// The request is planned.
    Plan,
    /// An answer that somebody has already is mapped.
    Map(GivenAnswer),
    /// The call is made.
    Call,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Tried {
    /// The request, masked.
    pub request: Option<Redacted>,
    /// The answer, masked.
    pub answer: Option<SeenAnswer>,
    /// How long its parts took.
    pub timing: Option<TrialTiming>,
    /// The mapped data; `None` unless the call completed and had rows.
    pub mapped: Option<Map<String, Value>>,
    /// Warnings for people.
    pub warnings: Vec<String>,
    /// The top-level variables that it reads.
    pub reads: BTreeSet<String>,
    /// Why a job would have failed.
    pub failure: Option<Failure>,
}

/// How long the parts of a call took.
#[derive(Debug, Clone, Copy)]
pub struct TrialTiming {
    /// Of the last hop.
    pub hop: Timing,
    /// Fetching a token, where one was fetched.
    pub token: Option<Duration>,
    /// From the start to the last byte.
    pub total: Duration,
}

/// Shorter than this, no token was fetched: it was there.
const FETCHED: Duration = Duration::from_micros(500);

/// Tries a call. `calls` finds the connector as it is being edited.
///
/// # Errors
/// When there is no place at the host, or the database cannot be reached.
pub async fn run(calls: &Calls, trial: Trial, limit: Duration) -> Result<Tried, ExecutionError> {
    let reads = Calls::reads(&trial.record, &trial.config);
    let config = Configuration::from_value(Value::Object(trial.config.clone())).map_err(Error::InvalidInput)?;
    let (handling, id) = (ErrorHandling::default(), uuid::Uuid::now_v7().to_string());
    let invocation = Invocation {
        engine: "test",
        id: &id,
        process: None,
        version: None,
        element: "test",
        element_name: None,
        config: &config,
        error_handling: &handling,
        data: &trial.data,
        deadline_ms: None,
        traceparent: None,
    };
    let call = match calls.prepare(invocation).await {
        Ok(call) => call,
        Err(PrepareError::Failed(failure)) => return Ok(Tried { reads, failure: Some(failure), ..Tried::default() }),
        Err(PrepareError::Unavailable(error)) => return Err(Error::from(error).into()),
    };
    let planned = Tried { request: Some(call.request().redacted()), reads, ..Tried::default() };
    let has_rows = trial.config.get("dataMapping").is_some_and(|rows| !rows.is_null());
    match trial.depth {
        Depth::Plan => Ok(planned),
        Depth::Map(given) => {
            let outcome = match calls.interpret(&call, given).await {
                Ok(answer) => Outcome::Completed(answer),
                Err(failure) => Outcome::Failed(failure),
            };
            Ok(planned.with_outcome(&call, outcome, has_rows))
        }
        Depth::Call => Box::pin(sent(calls, &call, planned, (limit, has_rows))).await,
    }
}

async fn sent(
    calls: &Calls,
    call: &PreparedCall<'_>,
    planned: Tried,
    (limit, has_rows): (Duration, bool),
) -> Result<Tried, ExecutionError> {
    if let Err(refused) = calls.judge(call) {
        return Ok(planned.with_outcome(call, Outcome::Failed(refused), has_rows));
    }
    let begun = Instant::now();
    let permit = match calls.admit(call, None, PLACE).await {
        Ok(permit) => permit,
        Err(AdmitError::Later(later)) => {
            return Err(ExecutionError::NoPlace { why: "the host takes no more calls now", wait: later.wait });
        }
        Err(AdmitError::Unavailable(error)) => return Err(Error::from(error).into()),
    };
    let token = Some(permit.spent()).filter(|spent| *spent > FETCHED);
    let (exchanged, hop) = http::measured(tokio::time::timeout(limit, calls.exchange(call, permit))).await;
    let total = begun.elapsed();
    let Ok(exchange) = exchanged else {
        let failure = super::executions::too_slow(call, limit);
        return Ok(planned.with_outcome(call, Outcome::Failed(failure), has_rows));
    };
    let timing = Some(TrialTiming { hop, token, total });
    let tried = planned.with_outcome(call, exchange.attempt.outcome, has_rows);
    Ok(Tried { answer: exchange.answer, timing, ..tried })
}

impl Tried {
    fn with_outcome(self, call: &PreparedCall<'_>, outcome: Outcome, has_rows: bool) -> Self {
        match outcome {
            Outcome::Completed(Answer { mapped, .. }) => {
                Self { mapped: has_rows.then_some(mapped.data), warnings: mapped.warnings, ..self }
            }
            Outcome::Failed(failure) => Self { failure: Some(call.explain(failure)), ..self },
        }
    }
}
