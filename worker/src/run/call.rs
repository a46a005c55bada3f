//! One attempt's pure and network part, the same for a worker and for `data-connector run`.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::clock;
use super::directory::{Directory, Known};
use crate::connector::{ElementConfig, Invalid};
use crate::http::Client;
use crate::interpret::{self, Mapped, Reading};
use crate::job::{BpmnError, Code, Configuration, ErrorHandling, Failure, Job};
use crate::plan::{self, Asked, Limits, Plan, Prepared};
use crate::store;

/// Everything an attempt needs.
#[derive(Debug)]
pub struct Ready {
    /// The element's configuration.
    pub element: ElementConfig,
    /// Its connector.
    pub known: Arc<Known>,
    /// The request and its policy.
    pub plan: Plan,
}

/// A good answer.
#[derive(Debug)]
pub struct Answer {
    /// The status line's number.
    pub status: u16,
    /// What goes back into the request's data.
    pub mapped: Mapped,
}

/// Finds configuration and connector of a job and plans its request; the inner error is the job's own failure.
///
/// # Errors
/// When the database cannot be asked: the job waits.
pub async fn prepare(
    job: &Job,
    traceparent: Option<&str>,
    directory: &Directory,
    limits: &Limits,
) -> Result<Result<Ready, Failure>, Arc<store::Error>> {
    let (config, handling) = match configuration(job, directory).await? {
        Ok(found) => found,
        Err(problem) => return Ok(Err(misconfigured(job, None, &problem))),
    };
    let element = match ElementConfig::read(&config) {
        Ok(element) => element,
        Err(invalid) => return Ok(Err(misconfigured(job, None, &format!("config.{invalid}")))),
    };
    let Some(known) = directory.connector(&element.connector).await? else {
        let problem = "there is no such connector; import it, or choose another one";
        return Ok(Err(misconfigured(job, Some(&element), problem)));
    };
    let planned = plan_with(job, traceparent, &element, &handling, &known, limits);
    Ok(match planned {
        Ok(plan) => Ok(Ready { element, known, plan }),
        Err(invalid) => Err(misconfigured(job, Some(&element), &invalid.to_string())),
    })
}

fn plan_with(
    job: &Job,
    traceparent: Option<&str>,
    element: &ElementConfig,
    handling: &Map<String, Value>,
    known: &Known,
    limits: &Limits,
) -> Result<Plan, Invalid> {
    let prepared = known.prepared.as_ref().map_err(Clone::clone)?;
    let credentials = known.credentials.as_ref().map_err(Clone::clone)?;
    let asked = Asked { engine: &job.engine, job_id: &job.id, data: &job.scope, element, handling, traceparent };
    plan::plan(&asked, prepared, credentials, limits)
}

/// `config` and `errorHandling`, from the job or as deployed; the inner error says what is wrong with them.
async fn configuration(
    job: &Job,
    directory: &Directory,
) -> Result<Result<(Map<String, Value>, Map<String, Value>), String>, store::Error> {
    let handling = match &job.error_handling {
        ErrorHandling::Given(map) => map.clone(),
        ErrorHandling::Broken(why) => return Ok(Err(format!("errorHandling cannot be read: {why}"))),
    };
    match &job.config {
        Configuration::Given(map) => Ok(Ok((map.clone(), handling))),
        Configuration::Broken(why) => Ok(Err(format!("config cannot be read: {why}"))),
        Configuration::Deployed => deployed(job, handling, directory).await,
    }
}

async fn deployed(
    job: &Job,
    handling: Map<String, Value>,
    directory: &Directory,
) -> Result<Result<(Map<String, Value>, Map<String, Value>), String>, store::Error> {
    let Some(process) = job.process_id.as_deref() else {
        return Ok(Err("the job carries no config and no process.id to look it up with".to_owned()));
    };
    let version = job.process_version.as_deref();
    let Some(task) = directory.deployed(process, version, &job.element_id).await? else {
        let version = version.map_or_else(|| "the newest version".to_owned(), |v| format!("version {v}"));
        return Ok(Err(format!("{version} of process `{process}` has no such element; deploy the model")));
    };
    let object = |name: &str| match task.get(name) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(map)) => Ok(map.clone()),
        Some(_) => Err(format!("the deployed {name} is not JSON; mend it in the model and deploy again")),
    };
    Ok(object("config").and_then(|config| {
        let as_deployed = object("errorHandling")?;
        Ok((config, if handling.is_empty() { as_deployed } else { handling }))
    }))
}

fn misconfigured(job: &Job, element: Option<&ElementConfig>, problem: &str) -> Failure {
    let call = element.map(|e| format!(", connector `{}`, resource `{}`", e.connector, e.resource));
    let message = format!("element {}{}: {problem}", job.element_label(), call.unwrap_or_default());
    Failure::before_any_attempt(Code::Configuration, message)
}

/// Makes one attempt: send, then interpret.
///
/// # Errors
/// The attempt's failure with its class.
pub async fn attempt(client: &Client, job: &Job, ready: &Ready) -> Result<Answer, Failure> {
    let response = client.send(&ready.plan.request).await?;
    let status = response.status;
    let mapped = reading(job, ready, |reading| interpret::interpret(&response, reading))
        .unwrap_or_else(|| Err(Failure::before_any_attempt(Code::Internal, "the plan names no resource")))?;
    Ok(Answer { status, mapped })
}

/// The BPMN error that a failure is mapped onto, where it is.
pub fn bpmn_error(job: &Job, ready: &Ready, failure: &Failure) -> Option<BpmnError> {
    reading(job, ready, |reading| interpret::bpmn_error(failure, reading)).flatten()
}

fn reading<T>(job: &Job, ready: &Ready, then: impl FnOnce(&Reading<'_>) -> T) -> Option<T> {
    let Prepared { connector, .. } = ready.known.prepared.as_ref().ok()?;
    let resource = connector.resource(&ready.element.resource)?;
    let reading = Reading { data: &job.scope, element: &ready.element, resource, connector, now_ms: clock::now_ms() };
    Some(then(&reading))
}
