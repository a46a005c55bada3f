//! `run MODEL --element ID`: one element's call in this process, so that a designer sees what it does before deploying.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use bpmn_ext::ConnectorTask;
use clap::Args;
use serde_json::{Map, Value, json};

use super::output::{self, Format};
use super::settings::Settings;
use super::{deploy, exit, input};
use crate::call::catalog::Directory;
use crate::call::{self, Ready};
use crate::config::Config;
use crate::http::Client;
use crate::job::{Decoder, Envelope, Failure, Job};
use crate::plan::{Multipart, RequestSpec, shown};
use crate::retry::{self, Next, Standing};
use crate::setup::{client, plan_limits};

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
        let data = self.data.as_deref().map(input::object).transpose()?.unwrap_or_default();
        let config = settings.load(Vec::new())?;
        let directory = self.directory(&settings, &config).await?;
        let job = job_of(&task, &data)?;
        let ready = match call::prepare(&job, None, &directory, &plan_limits(&config)).await? {
            Ok(ready) => ready,
            Err(failure) => return Ok(self.failed(&failure)),
        };
        let client = client(&config, directory.store()).await?;
        if let Err(denied) = client.judge(&ready.plan.request) {
            return Ok(self.failed(&denied));
        }
        if self.send_nothing {
            self.show_request(&ready.plan.request);
            return Ok(ExitCode::SUCCESS);
        }
        Ok(match attempts(&client, &job, &ready, &config).await {
            Ok(answer) => self.show_data(data, answer),
            Err(failure) => self.failed(&call::explained(&ready, failure)),
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

    async fn directory(&self, settings: &Settings, config: &Config) -> Result<Directory> {
        match &self.connectors {
            Some(file) => Ok(Directory::File(Arc::new(input::connectors(file)?))),
            None => Ok(Directory::of_store(settings.store(config).await?)),
        }
    }

    fn show_request(&self, request: &RequestSpec) {
        let (url, headers) = (shown::url(&request.url), shown::headers(request));
        let files = || {
            request.multipart.iter().flat_map(Multipart::urls).map(|url| format!("(a file from {})", shown::url(url)))
        };
        let body = match &request.multipart {
            None => String::from_utf8_lossy(&request.body),
            Some(multipart) => {
                let files: Vec<bytes::Bytes> = files().map(bytes::Bytes::from).collect();
                String::from_utf8_lossy(&multipart.assemble(files)).into_owned().into()
            }
        };
        if self.format == Format::Json {
            let headers: Vec<Value> = headers.into_iter().map(|(name, value)| json!([name, value])).collect();
            return output::json(&json!({
                "method": request.method.as_str(), "url": url, "headers": headers, "body": body,
                "timeout_ms": u64::try_from(request.timeout.as_millis()).unwrap_or(u64::MAX),
            }));
        }
        output::line(&format!("{} {url}", request.method));
        for (name, value) in headers {
            output::line(&format!("{name}: {value}"));
        }
        if !body.is_empty() {
            output::line(&format!("\n{body}"));
        }
    }

    fn show_data(&self, before: Map<String, Value>, answer: call::Answer) -> ExitCode {
        let mut after = before.clone();
        after.extend(answer.mapped.data);
        for warning in answer.mapped.warnings {
            output::note(&format!("warning: {warning}"));
        }
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

/// The job that an engine would have published, as if for a request of its own.
fn job_of(task: &ConnectorTask, data: &Map<String, Value>) -> Result<Job> {
    let id = uuid::Uuid::now_v7().to_string();
    let body = json!({
        "id": id, "engine": "run", "process": {"id": task.process}, "request": {"id": id},
        "element": {"id": task.element, "name": task.name},
        "config": task.config, "errorHandling": task.error_handling, "data": data,
    });
    let envelope = Envelope { attempt: 1, ..Envelope::default() };
    match Decoder::default()
        .decode(&serde_json::to_vec(&body).context("the data cannot be written as JSON")?, &envelope)
    {
        Ok(job) => Ok(job),
        Err(refusal) => bail!("the element cannot be run: {}", refusal.message),
    }
}

async fn attempts(client: &Client, job: &Job, ready: &Ready, config: &Config) -> Result<call::Answer, Failure> {
    let begun = tokio::time::Instant::now();
    let mut attempt = 1;
    loop {
        let failure = match call::attempt(client, job, ready).await {
            Ok(answer) => return Ok(answer),
            Err(failure) => failure,
        };
        let message = format!("attempt {attempt}: {}: {}", failure.code, failure.message);
        let standing = Standing {
            attempt,
            elapsed: begun.elapsed(),
            until_deadline: None,
            longest_wait: config.limits.retry_after,
            random: fastrand::f64(),
        };
        match retry::decide(failure, &ready.plan.policy, &standing) {
            Next::Fail(failure) => return Err(failure),
            Next::Retry { after } => {
                let wait = after.max(Duration::from_secs(1));
                output::note(&format!("{message}; again in {wait:.0?}"));
                tokio::time::sleep(wait).await;
            }
        }
        attempt += 1;
    }
}
