//! One call for somebody who waits for its answer: one attempt, nothing in the ledger (API 5).

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use serde_json::{Map, Value, json};

use super::Error;
use crate::call::{
    AdmitError, Calls, Invocation, Outcome, PrepareError, PreparedCall, ResolvedConnector, SeenAnswer, account_of,
};
use crate::job::{Code, Configuration, ErrorHandling, Failure, Retriable};
use crate::plan::CredentialId;
use crate::store::{Store, StoredConnector};

/// What idempotency keys of such calls are derived with.
const ENGINE: &str = "api";
/// What the call is named after in messages.
const ELEMENT: &str = "api";
/// How long somebody who waits for the answer waits for a place at the host.
pub(super) const PLACE: Duration = Duration::from_secs(1);
/// What a masked member of credentials is written as: it keeps what is stored.
pub const MASK: &str = "********";

/// A call that somebody asks for.
#[derive(Debug, Clone)]
pub struct Execution {
    /// The element's configuration (CONTRACT 2), with connector and resource.
    pub config: Map<String, Value>,
    /// What templates see.
    pub data: Arc<Map<String, Value>>,
    /// What the idempotency key that goes to the third party is derived from.
    pub id: String,
    /// The timeout, where there is one; retries are for jobs.
    pub handling: ErrorHandling,
}

/// What came of it.
#[derive(Debug)]
pub struct Executed {
    /// The mapped data, or the failure as people read it.
    pub outcome: Outcome,
    /// The answer, masked; `None` where there was none.
    pub answer: Option<SeenAnswer>,
}

/// Why a call was not made, and no fault of its configuration.
#[derive(Debug, thiserror::Error)]
pub enum ExecutionError {
    /// The host takes no more calls now, or its rate is used up.
    #[error("{why}; come again in {} s", .wait.as_secs().max(1))]
    NoPlace {
        /// What it would have to wait for.
        why: &'static str,
        /// When to come again.
        wait: Duration,
    },
    /// The database.
    #[error(transparent)]
    Store(#[from] Error),
}

/// A call that can be made.
#[derive(Debug)]
pub struct Prepared {
    execution: Execution,
    config: Configuration,
    failure: Option<Failure>,
    /// The planned method, where it could be planned.
    method: Option<Method>,
    is_safe: bool,
}

impl Execution {
    /// Plans the call, which shows what it is; what cannot be planned is told when it is made.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn prepare(self, calls: &Calls) -> Result<Prepared, Error> {
        let config = Configuration::from_value(Value::Object(self.config.clone())).map_err(Error::InvalidInput)?;
        let (failure, method, is_safe) = match calls.prepare(self.invocation(&config)).await {
            Ok(call) => (None, Some(call.request().method.clone()), call.is_repeatable()),
            Err(PrepareError::Failed(failure)) => (Some(failure), None, false),
            Err(PrepareError::Unavailable(error)) => return Err(error.into()),
        };
        Ok(Prepared { execution: self, config, failure, method, is_safe })
    }

    fn invocation<'a>(&'a self, config: &'a Configuration) -> Invocation<'a> {
        Invocation {
            engine: ENGINE,
            id: &self.id,
            process: None,
            version: None,
            element: ELEMENT,
            element_name: None,
            config,
            error_handling: &self.handling,
            data: &self.data,
            deadline_ms: None,
            traceparent: None,
        }
    }
}

impl Prepared {
    /// Whether several callers may have one answer: a GET or HEAD, or a search by another method that says `repeat: safe`.
    pub fn is_shareable(&self) -> bool {
        match self.method.as_ref().map(Method::as_str) {
            Some("GET" | "HEAD") => true,
            // By their method these may be repeated, which does not make their answers the same.
            Some("PUT" | "DELETE" | "OPTIONS" | "TRACE") | None => false,
            Some(_) => self.is_safe,
        }
    }

    /// Makes the call, all its pages and polls within `limit`.
    ///
    /// # Errors
    /// When there is no place at the host, or the database cannot be reached.
    pub async fn execute(self, calls: &Calls, limit: Duration) -> Result<Executed, ExecutionError> {
        if let Some(failure) = self.failure {
            return Ok(Executed { outcome: Outcome::Failed(failure), answer: None });
        }
        let call = match calls.prepare(self.execution.invocation(&self.config)).await {
            Ok(call) => call,
            Err(PrepareError::Failed(failure)) => {
                return Ok(Executed { outcome: Outcome::Failed(failure), answer: None });
            }
            Err(PrepareError::Unavailable(error)) => return Err(Error::from(error).into()),
        };
        attempt(calls, &call, limit).await
    }
}

async fn attempt(calls: &Calls, call: &PreparedCall<'_>, limit: Duration) -> Result<Executed, ExecutionError> {
    if let Err(refused) = calls.judge(call) {
        return Ok(Executed { outcome: Outcome::Failed(refused), answer: None });
    }
    let permit = match calls.admit(call, None, PLACE).await {
        Ok(permit) => permit,
        Err(AdmitError::Later(later)) => {
            return Err(ExecutionError::NoPlace { why: "the host takes no more calls now", wait: later.wait });
        }
        Err(AdmitError::Unavailable(error)) => return Err(Error::from(error).into()),
    };
    match tokio::time::timeout(limit, calls.exchange(call, permit)).await {
        Ok(exchange) => {
            let outcome = match exchange.attempt.outcome {
                Outcome::Failed(failure) => Outcome::Failed(call.explain(failure)),
                completed @ Outcome::Completed(_) => completed,
            };
            Ok(Executed { outcome, answer: exchange.answer })
        }
        Err(_) => Ok(Executed { outcome: Outcome::Failed(too_slow(call, limit)), answer: None }),
    }
}

/// What a call ends with whose time over the API is over.
pub(super) fn too_slow(call: &PreparedCall<'_>, limit: Duration) -> Failure {
    let seconds = limit.as_secs();
    let (code, more) = if call.is_repeatable() {
        (Code::Timeout, "")
    } else {
        (Code::OutcomeUnknown, "; whether it took effect is unknown")
    };
    let message = format!("there was no whole answer within {seconds} s (api.execute_timeout){more}");
    Failure::of_attempt(code, message, Retriable::Final)
}

/// The connector that a path names: uuid in any case, number, `data_source-<number>` (ProcessMaker's), or name.
///
/// # Errors
/// When there is none, or the database cannot be reached.
pub async fn connector(store: &Store, reference: &str) -> Result<StoredConnector, Error> {
    let number = reference.strip_prefix("data_source-").filter(|digits| digits.parse::<u64>().is_ok());
    let lower = reference.to_ascii_lowercase();
    let is_uuid = uuid::Uuid::try_parse(&lower).is_ok();
    let found = store.connectors().find(if is_uuid { &lower } else { reference }).await?;
    let found = match (found, number) {
        (None, Some(number)) => store.connectors().find(number).await?,
        (found, _) => found,
    };
    found.ok_or_else(|| Error::NotFound(format!("there is no connector `{reference}`")))
}

/// The connector as somebody is editing it: a record of its own, whose masked credentials are the stored ones.
///
/// # Errors
/// When a masked member has nothing stored, or the database cannot be reached.
pub async fn edited(
    store: &Store,
    stored: Option<&StoredConnector>,
    mut record: Map<String, Value>,
    credentials: Option<&Map<String, Value>>,
) -> Result<ResolvedConnector, Error> {
    // It is tried before it is switched on.
    record.insert("status".to_owned(), json!("ACTIVE"));
    record.remove("credentials");
    let kept = match stored {
        Some(stored) => store.connectors().credentials(&stored.uuid).await?.unwrap_or_default(),
        None => Map::new(),
    };
    let is_kept = credentials.is_none_or(|given| given.values().all(|value| value == MASK));
    let id = match stored {
        // The tokens that were fetched with them are good for this call too.
        Some(stored) if is_kept => CredentialId { connector: stored.uuid.clone(), version: stored.credentials_version },
        _ => CredentialId { connector: uuid::Uuid::new_v4().to_string(), version: 0 },
    };
    let mut members = kept.clone();
    for (name, value) in credentials.into_iter().flatten() {
        if value != MASK {
            members.insert(name.clone(), value.clone());
        } else if !kept.contains_key(name) {
            return Err(Error::InvalidInput(format!(
                "credentials.{name} is masked, and nothing is stored for it; write its value"
            )));
        }
    }
    let account = match stored {
        Some(stored) if is_kept => account_of(store, stored).await?,
        _ => None,
    };
    Ok(ResolvedConnector::with_account(&record, &members, id, account.as_ref()))
}
