//! `run MODEL --element ID`: one element's call in this process, so that a designer sees what it does before deploying.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use bpmn_ext::ConnectorTask;
use clap::Args;
use serde_json::{Map, Value, json};

use super::output::{self, Format};
use super::settings::Settings;
use super::{deploy, exit, input};
use crate::call::{Answer, Catalog, Invocation, Outcome, PrepareError, Retrying};
use crate::config::Config;
use crate::job::{Configuration, ErrorHandling, Failure};
use crate::plan::RequestSpec;
use crate::setup;

/// Makes one element's call, without broker or engine.
#[derive(Debug, Args)]
pub(super) struct Run {
    /// A BPMN file
    model: PathBuf,
    /// The element's id
    #[arg(long, value_name = "ID")]
    element: String,
    /// Request data, a JSON object; `-` is standard input
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// A connectors file, JSON or YAML, instead of the store
    #[arg(long, value_name = "FILE")]
    connectors: Option<PathBuf>,
    /// Show the request that would be sent, secrets masked, and send nothing
    #[arg(long = "dry-run")]
    send_nothing: bool,
    /// How to print
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

impl Run {
    pub(super) async fn run(self, settings: Settings) -> Result<ExitCode> {
        let task = self.task()?;
        let data = Arc::new(self.data.as_deref().map(input::object).transpose()?.unwrap_or_default());
        let config = settings.load(Vec::new())?;
        let calls = setup::calls(&config, self.catalog(&settings, &config).await?).await?;
        let (id, of_element) = (uuid::Uuid::now_v7().to_string(), Configured::of(&task)?);
        let call = match calls.prepare(of_element.invocation(&task, &id, &data)).await {
            Ok(call) => call,
            Err(PrepareError::Failed(failure)) => return Ok(self.failed(&failure)),
            Err(PrepareError::Unavailable(error)) => return Err(error.into()),
        };
        if let Err(denied) = calls.judge(&call) {
            return Ok(self.failed(&denied));
        }
        if self.send_nothing {
            self.show_request(call.request());
            tell_warnings(call.warnings());
            return Ok(ExitCode::SUCCESS);
        }
        let tell = |retrying: Retrying<'_>| {
            let Retrying { attempt, failure: Failure { code, message, .. }, wait } = retrying;
            output::note(&format!("attempt {attempt}: {code}: {message}; again in {wait:.0?}"));
        };
        Ok(match calls.run(&call, tell).await? {
            Outcome::Completed(answer) => self.show_data(Arc::unwrap_or_clone(data), answer),
            Outcome::Failed(failure) => {
                tell_warnings(call.warnings());
                self.failed(&call.explain(failure))
            }
        })
    }

    fn task(&self) -> Result<ConnectorTask> {
        let (model, diagnostics) = bpmn_ext::read(&input::bytes(&self.model)?);
        let broken = deploy::show_diagnostics(&self.model, &diagnostics);
        let known: Vec<String> = model.tasks.iter().map(|task| task.element.clone()).collect();
        model.tasks.into_iter().find(|task| task.element == self.element).ok_or_else(|| {
            let name = self.model.display();
            match known.as_slice() {
                [] if broken => anyhow!("{name} cannot be read"),
                [] => anyhow!("{name} has no connector element"),
                _ => anyhow!("{name} has no connector element `{}`; it has: {}", self.element, known.join(", ")),
            }
        })
    }

    async fn catalog(&self, settings: &Settings, config: &Config) -> Result<Catalog> {
        match &self.connectors {
            Some(file) => Ok(Catalog::of_records(input::connectors(file)?)),
            None => Ok(Catalog::of_store(settings.store(config).await?)),
        }
    }

    fn show_request(&self, request: &RequestSpec) {
        let request = request.redacted();
        if self.format == Format::Json {
            return output::json(&json!(request));
        }
        output::line(&format!("{} {}", request.method, request.url));
        for (name, value) in request.headers {
            output::line(&format!("{name}: {value}"));
        }
        if !request.body.is_empty() {
            output::line(&format!("\n{}", request.body));
        }
    }

    fn show_data(&self, before: Map<String, Value>, answer: Answer) -> ExitCode {
        let mut after = before.clone();
        after.extend(answer.mapped.data);
        tell_warnings(&answer.mapped.warnings);
        match self.format {
            Format::Json => output::json(&json!({"status": answer.status, "before": before, "after": after})),
            Format::Table => {
                output::line(&format!("before: {:#}", Value::Object(before)));
                output::line(&format!("after: {:#}", Value::Object(after)));
            }
        }
        ExitCode::SUCCESS
    }

    fn failed(&self, failure: &Failure) -> ExitCode {
        if self.format == Format::Json {
            output::json(&json!({"error": {
                "code": failure.code, "message": failure.message, "status": failure.status, "body": failure.body}}));
        }
        exit::failed(failure)
    }
}

fn tell_warnings(warnings: &[String]) {
    for warning in warnings {
        output::note(&format!("warning: {warning}"));
    }
}

/// What a model's element is configured with.
struct Configured {
    config: Configuration,
    error_handling: ErrorHandling,
}

impl Configured {
    fn of(task: &ConnectorTask) -> Result<Self> {
        let unusable = |problem| anyhow!("the element cannot be run: {problem}");
        let error_handling = task.error_handling.clone().unwrap_or_default();
        Ok(Self {
            config: Configuration::from_value(task.config.clone()).map_err(unusable)?,
            error_handling: ErrorHandling::from_value(error_handling).map_err(unusable)?,
        })
    }

    /// The call that an engine would have asked for, as if for a request of its own.
    fn invocation<'a>(
        &'a self,
        task: &'a ConnectorTask,
        id: &'a str,
        data: &'a Arc<Map<String, Value>>,
    ) -> Invocation<'a> {
        Invocation {
            engine: "run",
            id,
            process: Some(&task.process),
            version: None,
            element: &task.element,
            element_name: task.name.as_deref(),
            config: &self.config,
            error_handling: &self.error_handling,
            data,
            deadline_ms: None,
            traceparent: None,
        }
    }
}
