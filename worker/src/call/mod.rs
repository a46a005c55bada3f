//! One attempt's pure and network part, the same for a worker and for `data-connector run`.

pub mod catalog;
mod element_cache;
mod follow_ups;
pub mod host_limiter;
#[cfg(test)]
mod language_page;
pub mod rate_limit;
pub mod token_store;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::clock;
use crate::connector::Invalid;
use crate::http::Client;
use crate::interpret::{self, Mapped, Reading};
use crate::job::{BpmnError, Code, Configuration, ErrorHandling, Failure, Given, Job};
use crate::plan::{self, Asked, Limits, Masks, Plan, Secrets};
use crate::store;
use catalog::{Directory, Known};
use element_cache::{Element, Unready};

/// Everything an attempt needs.
#[derive(Debug)]
pub struct Ready {
    /// The element's configuration.
    pub element: Arc<Element>,
    /// Its connector.
    pub known: Arc<Known>,
    /// The request and its policy.
    pub plan: Plan,
    /// What the operator decided.
    pub limits: Limits,
}

impl Ready {
    /// The same under the key that the ledger has: the first attempt's, or that of the job that runs again.
    #[must_use]
    pub fn under(mut self, key: &str) -> Self {
        self.plan.request = self.plan.request.under(key);
        self
    }
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
    let element = match directory.element(&config).await {
        Ok(element) => element,
        Err(Unready { named, invalid }) => {
            let named = named.as_ref().map(|(connector, resource)| (connector.as_str(), resource.as_str()));
            return Ok(Err(misconfigured(job, named, &format!("config.{invalid}"))));
        }
    };
    let named = Some((element.connector.as_str(), element.resource.as_str()));
    let Some(known) = directory.connector(&element.connector).await? else {
        let problem = "there is no such connector; import it, or choose another one";
        return Ok(Err(misconfigured(job, named, problem)));
    };
    let secrets = directory.secrets(element.secrets.union(&known.secrets)).await?;
    let planned = plan_with(job, traceparent, &element, &handling, &known, &secrets, limits);
    Ok(match planned {
        Ok(plan) => Ok(Ready { element, known, plan, limits: limits.clone() }),
        Err(invalid) => {
            let problem = Masks::of(&secrets.values()).masked(&invalid.to_string());
            Err(misconfigured(job, named, &problem))
        }
    })
}

fn plan_with(
    job: &Job,
    traceparent: Option<&str>,
    element: &Element,
    handling: &Map<String, Value>,
    known: &Known,
    secrets: &Secrets,
    limits: &Limits,
) -> Result<Plan, Invalid> {
    let prepared = known.prepared.as_ref().map_err(Clone::clone)?;
    let credentials = known.credentials.as_ref().map_err(Clone::clone)?;
    known.rules.as_ref().map_err(Clone::clone)?.of(&element.resource).map(drop).or_else(unless_unknown)?;
    let asked = Asked {
        engine: &job.engine,
        job_id: &job.id,
        data: &job.scope,
        element: &element.outbound,
        handling,
        around: limits.around(clock::now_ms()),
        traceparent,
        secrets,
    };
    plan::plan(&asked, prepared, credentials, limits)
}

/// `config` and `errorHandling`, from the job or as deployed.
type Configured<'a> = (Arc<Given>, Cow<'a, Map<String, Value>>);

/// The inner error says what is wrong with them.
async fn configuration<'a>(
    job: &'a Job,
    directory: &Directory,
) -> Result<Result<Configured<'a>, String>, store::Error> {
    let handling = match &job.error_handling {
        ErrorHandling::Given(map) => map,
        ErrorHandling::Broken(why) => return Ok(Err(format!("errorHandling cannot be read: {why}"))),
    };
    match &job.config {
        Configuration::Given(given) => Ok(Ok((Arc::clone(given), Cow::Borrowed(handling)))),
        Configuration::Broken(why) => Ok(Err(format!("config cannot be read: {why}"))),
        Configuration::Deployed => deployed(job, handling, directory).await,
    }
}

async fn deployed<'a>(
    job: &'a Job,
    handling: &'a Map<String, Value>,
    directory: &Directory,
) -> Result<Result<Configured<'a>, String>, store::Error> {
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
        let handling = if handling.is_empty() { Cow::Owned(as_deployed) } else { Cow::Borrowed(handling) };
        Ok((Arc::new(Given::new(config)), handling))
    }))
}

/// A resource that is not there is told better by the plan, which knows the others.
fn unless_unknown(invalid: Invalid) -> Result<(), Invalid> {
    if invalid.place == "endpoint" { Ok(()) } else { Err(invalid) }
}

/// `named` are connector and resource, as far as they are known.
fn misconfigured(job: &Job, named: Option<(&str, &str)>, problem: &str) -> Failure {
    let call = named.map(|(connector, resource)| format!(", connector `{connector}`, resource `{resource}`"));
    let message = format!("element {}{}: {problem}", job.element_label(), call.unwrap_or_default());
    Failure::before_any_attempt(Code::Configuration, message)
}

/// The longest an attempt may take: its files, the call with its pages, and the questions that may follow.
pub fn longest(job: &Job, ready: &Ready) -> Duration {
    let timeout = ready.plan.request.timeout;
    let asks = reading(job, ready).is_some_and(|reading| interpret::polling::is_wanted(&reading));
    let asking = if asks { ready.limits.poll_time.saturating_add(timeout) } else { Duration::ZERO };
    // Fetching a token, then files, then the call with its pages: each has the call's time.
    timeout.saturating_mul(3).saturating_add(asking)
}

/// Makes one attempt: send, follow what the answer leads to, then interpret.
///
/// # Errors
/// The attempt's failure with its class.
pub async fn attempt(client: &Client, job: &Job, ready: &Ready) -> Result<Answer, Failure> {
    // Whatever comes back may hold what was sent: nothing leaves this function unmasked.
    let masks = &ready.plan.request.masks;
    match called(client, job, ready).await {
        Ok(mut answer) => {
            masks.mask_members(&mut answer.mapped.data);
            answer.mapped.warnings.iter_mut().for_each(|warning| masks.mask_text(warning));
            Ok(answer)
        }
        Err(mut failure) => {
            masks.mask_text(&mut failure.message);
            failure.body.iter_mut().for_each(|body| masks.mask_cut(body));
            if let Some(answer) = &mut failure.answer {
                masks.mask(Arc::make_mut(answer));
            }
            Err(failure)
        }
    }
}

async fn called(client: &Client, job: &Job, ready: &Ready) -> Result<Answer, Failure> {
    let begun = Instant::now();
    let broken = || Failure::before_any_attempt(Code::Internal, "the plan names no resource");
    let reading = reading(job, ready).ok_or_else(broken)?;
    let request = follow_ups::with_files(client, &ready.plan.request).await?;
    let response = client.send(&request).await?;
    let response = follow_ups::poll(client, job, ready, response, &reading).await?;
    let response = follow_ups::pages(client, ready, &request, response, begun, &reading).await?;
    let mapped = interpret::interpret(&response, &reading)?;
    Ok(Answer { status: response.status, mapped })
}

/// The BPMN error that a failure is mapped onto, where it is.
pub fn bpmn_error(job: &Job, ready: &Ready, failure: &Failure) -> Option<BpmnError> {
    interpret::bpmn_error(failure, &reading(job, ready)?)
}

/// A failure as people are told it: what was sent, what came back, what to change.
pub fn explained(ready: &Ready, failure: Failure) -> Failure {
    let mut explained = interpret::explained(failure, &ready.plan.request);
    ready.plan.request.masks.mask_text(&mut explained.message);
    explained
}

fn reading<'a>(job: &'a Job, ready: &'a Ready) -> Option<Reading<'a>> {
    let [resource, connector] = ready.known.rules.as_ref().ok()?.of(&ready.element.resource).ok()?;
    Some(Reading {
        data: &job.scope,
        mapping: &ready.element.mapping,
        rules: [&ready.element.rules, resource, connector],
        method: &ready.plan.request.method,
        around: ready.limits.around(clock::now_ms()),
        inline_bytes: ready.limits.inline_bytes,
    })
}

#[cfg(test)]
mod tests;
