//! From an invocation to a planned request: configuration, connector, secrets, plan.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::time::timeout;

use super::catalog::{Catalog, ResolvedConnector};
use super::element_cache::{Element, InvalidElement};
use super::{Invocation, PrepareError};
use crate::clock;
use crate::connector::Invalid;
use crate::interpret;
use crate::job::{BpmnError, Code, ConfigObject, Configuration, ErrorHandling, Failure};
use crate::memory::{self, Memory};
use crate::plan::{self, Limits, Plan, PlanInput, Repeat, RequestSpec, Secrets};

/// The longest configuration of an element, bytes; what a designer configures has a few KB.
const LONGEST_CONFIGURATION: usize = 256 * 1024;

/// A planned call; nothing of it has been sent.
#[derive(Debug)]
pub struct PreparedCall<'a> {
    pub(super) invocation: Invocation<'a>,
    pub(super) element: Arc<Element>,
    pub(super) connector: Arc<ResolvedConnector>,
    pub(super) plan: Plan,
    pub(super) limits: Limits,
    /// The version of the process whose deployed configuration it is.
    deployed_version: Option<String>,
}

impl PreparedCall<'_> {
    /// The connector as the element names it.
    pub fn connector(&self) -> &str {
        &self.element.connector
    }

    /// The resource's name.
    pub fn resource(&self) -> &str {
        &self.element.resource
    }

    /// The version of the process whose deployed configuration it is.
    pub fn deployed_version(&self) -> Option<&str> {
        self.deployed_version.as_deref()
    }

    /// Whether request and answer are kept for people, whatever becomes of the call.
    pub fn keeps_exchange(&self) -> bool {
        self.connector.keeps_exchanges
    }

    /// The request that would be sent.
    pub fn request(&self) -> &RequestSpec {
        &self.plan.request
    }

    /// What its designer should know of the request, also where it is not sent.
    pub fn warnings(&self) -> &[String] {
        &self.plan.warnings
    }

    /// Whether it may be sent again without knowing what became of it.
    pub fn is_repeatable(&self) -> bool {
        self.plan.request.repeat == Repeat::Safe
    }

    /// Makes it the call under the idempotency key of an earlier attempt, or of the job that runs again.
    pub fn set_idempotency_key(&mut self, key: &str) {
        self.plan.request.set_idempotency_key(key);
    }

    /// The longest an attempt may take: its token, its files, the call with its pages, and the polls that may follow.
    pub fn longest(&self) -> Duration {
        let timeout = self.plan.request.timeout;
        let polls = self.response_context().is_some_and(|context| interpret::polling::is_configured(&context));
        let polling = if polls { self.limits.poll_time.saturating_add(timeout) } else { Duration::ZERO };
        // Fetching a token, then files, then the call with its pages: each has the call's time.
        timeout.saturating_mul(3).saturating_add(polling)
    }

    /// The BPMN error that a failure is mapped onto, where it is.
    pub fn bpmn_error(&self, failure: &Failure) -> Option<BpmnError> {
        match &failure.caught {
            Some(caught) if caught.code == failure.code => caught.error.clone(),
            _ => interpret::bpmn_error(failure, &self.response_context()?),
        }
    }

    /// A failure as people read it: what was sent, what came back, what to change.
    pub fn explain(&self, failure: Failure) -> Failure {
        let mut explained = interpret::explained(failure, &self.plan.request);
        self.plan.request.redactor.redact_text(&mut explained.message);
        explained
    }
}

pub(super) async fn prepare<'a>(
    catalog: &Catalog,
    (limits, memory): (&Limits, &Memory),
    invocation: Invocation<'a>,
    patience: Duration,
) -> Result<Option<PreparedCall<'a>>, PrepareError> {
    let Configured { config, handling, version: deployed_version } = configuration(&invocation, catalog).await?;
    if config.text.len() > LONGEST_CONFIGURATION {
        let size = config.text.len();
        let problem = format!("its configuration has {size} bytes; at most {LONGEST_CONFIGURATION} are read");
        return Err(misconfigured(&invocation, None, &problem));
    }
    let element = match catalog.element(&config).await {
        Ok(element) => element,
        Err(InvalidElement { named, invalid }) => {
            let named = named.as_ref().map(|(connector, resource)| (connector.as_str(), resource.as_str()));
            let failure = misconfigured(&invocation, named, &format!("config.{invalid}"));
            return Err(at(failure, &format!("config.{}", invalid.path)));
        }
    };
    let named = Some((element.connector.as_str(), element.resource.as_str()));
    let Some(connector) = catalog.connector(&element.connector).await? else {
        let problem = "there is no such connector; import it, or choose another one";
        return Err(misconfigured(&invocation, named, problem));
    };
    if let Some(lacking) = lacking(&connector) {
        return Err(failed(Code::Auth, &invocation, named, &lacking));
    }
    let secrets = catalog.secrets(element.secrets.union(&connector.secrets)).await?;
    let (planned, secrets) = if element.work.with(connector.work(&element.resource)).is_long(invocation.data) {
        let means = (limits, memory, patience);
        let planning = planned_in_a_thread(&invocation, &element, &handling, &connector, secrets, means);
        let Some(planned) = Box::pin(planning).await else { return Ok(None) };
        planned
    } else {
        (plan_with(&invocation, &element, &handling, &connector, &secrets, limits), secrets)
    };
    match planned {
        Ok(plan) => {
            let limits = limits.clone();
            Ok(Some(PreparedCall { invocation, element, connector, plan, limits, deployed_version }))
        }
        Err(invalid) => {
            let problem = secrets.redactor().redacted_text(&invalid.to_string());
            Err(at(misconfigured(&invocation, named, &problem), &invalid.path))
        }
    }
}

/// Plans once there is a turn, and room for the body; `None` where there was none in time.
async fn planned_in_a_thread(
    invocation: &Invocation<'_>,
    element: &Arc<Element>,
    handling: &Map<String, Value>,
    connector: &Arc<ResolvedConnector>,
    secrets: Secrets,
    (limits, memory, patience): (&Limits, &Memory, Duration),
) -> Option<(Result<Plan, Invalid>, Secrets)> {
    // Kept until the body has room, so that few bodies wait for it.
    let turn = timeout(patience, memory::turn_to_plan()).await.ok()?;
    let texts = [invocation.engine, invocation.id, invocation.element].map(ToOwned::to_owned);
    let (data, traceparent) = (Arc::clone(invocation.data), invocation.traceparent.map(ToOwned::to_owned));
    let (element, connector) = (Arc::clone(element), Arc::clone(connector));
    let (handling, limits) = (handling.clone(), limits.clone());
    let (planned, secrets) = memory::in_a_thread_of(&turn, move || {
        let [engine, id, of_element] = &texts;
        let invocation = Invocation {
            engine,
            id,
            process: None,
            version: None,
            element: of_element,
            element_name: None,
            config: &Configuration::Deployed,
            error_handling: &ErrorHandling::default(),
            data: &data,
            deadline_ms: None,
            traceparent: traceparent.as_deref(),
        };
        (plan_with(&invocation, &element, &handling, &connector, &secrets, &limits), secrets)
    })
    .await;
    let planned = match planned {
        Ok(plan) => {
            let body = plan.request.raw_body().clone();
            let room = timeout(patience, memory.bodies().request(body.len())).await.ok()?;
            Ok(Plan { request: plan.request.with_body(room.around(body)), ..plan })
        }
        Err(invalid) => Err(invalid),
    };
    Some((planned, secrets))
}

pub(super) fn plan_with(
    invocation: &Invocation<'_>,
    element: &Element,
    handling: &Map<String, Value>,
    connector: &ResolvedConnector,
    secrets: &Secrets,
    limits: &Limits,
) -> Result<Plan, Invalid> {
    let prepared = connector.prepared.as_ref().map_err(Clone::clone)?;
    let credentials = connector.credentials.as_ref().map_err(Clone::clone)?;
    connector.rules.as_ref().map_err(Clone::clone)?.of(&element.resource).map(drop).or_else(unless_unknown)?;
    let input = PlanInput {
        engine: invocation.engine,
        job_id: invocation.id,
        data: invocation.data,
        element: &element.outbound,
        handling,
        ctx: limits.eval_context(clock::now_ms()),
        traceparent: invocation.traceparent,
        secrets,
    };
    plan::plan(&input, prepared, credentials, limits)
}

/// `config` and `errorHandling`, from the job or as deployed.
struct Configured<'a> {
    config: Arc<ConfigObject>,
    handling: Cow<'a, Map<String, Value>>,
    /// The version that it was deployed with.
    version: Option<String>,
}

async fn configuration<'a>(invocation: &Invocation<'a>, catalog: &Catalog) -> Result<Configured<'a>, PrepareError> {
    let handling = match invocation.error_handling {
        ErrorHandling::Members(map) => map,
        ErrorHandling::Malformed(why) => {
            return Err(misconfigured(invocation, None, &format!("errorHandling cannot be read: {why}")));
        }
    };
    match invocation.config {
        Configuration::Inline(given) => {
            Ok(Configured { config: Arc::clone(given), handling: Cow::Borrowed(handling), version: None })
        }
        Configuration::Malformed(why) => Err(misconfigured(invocation, None, &format!("config cannot be read: {why}"))),
        Configuration::Deployed => deployed(invocation, handling, catalog).await,
    }
}

async fn deployed<'a>(
    invocation: &Invocation<'a>,
    handling: &'a Map<String, Value>,
    catalog: &Catalog,
) -> Result<Configured<'a>, PrepareError> {
    let Some(process) = invocation.process else {
        let problem = "the job carries no config and no process.id to look it up with";
        return Err(misconfigured(invocation, None, problem));
    };
    let Some((version, task)) = catalog.deployed(process, invocation.version, invocation.element).await? else {
        let version = invocation.version.map_or_else(|| "the newest version".to_owned(), |v| format!("version {v}"));
        let problem = format!("{version} of process `{process}` has no such element; deploy the model");
        return Err(misconfigured(invocation, None, &problem));
    };
    let object = |name: &str| match task.get(name) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(map)) => Ok(map.clone()),
        Some(_) => {
            let problem = format!("the deployed {name} is not JSON; correct it in the model and deploy again");
            Err(misconfigured(invocation, None, &problem))
        }
    };
    let (config, as_deployed) = (object("config")?, object("errorHandling")?);
    let handling = if handling.is_empty() { Cow::Owned(as_deployed) } else { Cow::Borrowed(handling) };
    Ok(Configured { config: Arc::new(ConfigObject::new(config)), handling, version: Some(version) })
}

/// A resource that does not exist is reported by the plan, which lists the others.
fn unless_unknown(invalid: Invalid) -> Result<(), Invalid> {
    if invalid.path == "endpoint" { Ok(()) } else { Err(invalid) }
}

/// What keeps a connector from being called that was stored without all of its credentials.
fn lacking(connector: &ResolvedConnector) -> Option<String> {
    let lacking = &connector.lacking;
    (!lacking.is_empty())
        .then(|| format!("its credentials lack {}; nothing was sent; set what is missing", lacking.join(", ")))
}

/// The same failure with the member at fault.
fn at(error: PrepareError, path: &str) -> PrepareError {
    match error {
        PrepareError::Failed(failure) => {
            PrepareError::Failed(Failure { at: Some(Box::new(path.to_owned())), ..failure })
        }
        other @ PrepareError::Unavailable(_) => other,
    }
}

/// `named` are connector and resource, as far as they are known.
fn misconfigured(invocation: &Invocation<'_>, named: Option<(&str, &str)>, problem: &str) -> PrepareError {
    failed(Code::Configuration, invocation, named, problem)
}

fn failed(code: Code, invocation: &Invocation<'_>, named: Option<(&str, &str)>, problem: &str) -> PrepareError {
    let call = named.map(|(connector, resource)| format!(", connector `{connector}`, resource `{resource}`"));
    let message = format!("element {}{}: {problem}", invocation.element_label(), call.unwrap_or_default());
    PrepareError::Failed(Failure::before_any_attempt(code, message))
}
