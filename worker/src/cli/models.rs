//! `models list|show|remove`: what is deployed, by process and version.

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::output::{self, Format};
use super::settings::Settings;
use crate::clock::rfc3339;
use crate::store::{Deployment, Store};

/// Looks at deployed models.
#[derive(Debug, Subcommand)]
pub(super) enum Models {
    /// List versions, the newest of a process first: jobs that name no version get that one
    List(List),
    /// Show the connector tasks of a version as JSON
    Show(Show),
    /// Remove versions: jobs that still name them fail, and their names are not given again
    Remove(Remove),
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// Of this process
    process: Option<String>,
    /// How to print
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

#[derive(Debug, Args)]
pub(super) struct Show {
    /// The BPMN id of the process
    process: String,
    /// A number or a label, instead of the newest
    #[arg(long, value_name = "VERSION")]
    version: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Remove {
    /// The BPMN id of the process
    process: String,
    /// Numbers or labels
    #[arg(required = true)]
    versions: Vec<String>,
}

impl Models {
    pub(super) async fn run(self, settings: Settings) -> Result<ExitCode> {
        let config = settings.load(Vec::new())?;
        let store = settings.store(&config).await?;
        match self {
            Self::List(list) => list.run(&store).await,
            Self::Show(show) => show.run(&store).await,
            Self::Remove(remove) => remove.run(&store).await,
        }
    }
}

/// The versions of a process, or of all, the newest first.
async fn deployments(store: &Store, process: Option<&str>) -> Result<Vec<Deployment>> {
    let all = store.models().list().await?;
    Ok(all.into_iter().filter(|found| process.is_none_or(|process| found.process == process)).collect())
}

impl List {
    async fn run(&self, store: &Store) -> Result<ExitCode> {
        let found = deployments(store, self.process.as_deref()).await?;
        if self.format == Format::Json {
            output::json(&serde_json::to_value(&found)?);
            return Ok(ExitCode::SUCCESS);
        }
        let row = |of: &Deployment| {
            let (process, version) = (of.process.clone(), of.version.clone());
            vec![process, version, of.elements.to_string(), rfc3339(of.deployed_at), of.file.clone()]
        };
        let rows: Vec<Vec<String>> = found.iter().map(row).collect();
        output::table(&["process", "version", "elements", "deployed", "file"], &rows, "nothing is deployed");
        Ok(ExitCode::SUCCESS)
    }
}

impl Show {
    async fn run(&self, store: &Store) -> Result<ExitCode> {
        let known = deployments(store, Some(&self.process)).await?;
        let wanted = |found: &&Deployment| self.version.as_ref().is_none_or(|version| found.version == *version);
        let Some(found) = known.iter().find(wanted) else {
            bail!("{}", not_deployed(&self.process, self.version.as_deref(), &known));
        };
        let tasks = store.models().tasks(&found.process, &found.version).await?;
        let tasks: serde_json::Map<String, Value> = tasks.into_iter().collect();
        output::json(&json!({
            "process": found.process, "version": found.version, "deployed_at": rfc3339(found.deployed_at),
            "file": found.file, "elements": tasks,
        }));
        Ok(ExitCode::SUCCESS)
    }
}

impl Remove {
    async fn run(&self, store: &Store) -> Result<ExitCode> {
        for version in &self.versions {
            if !store.models().remove(&self.process, version).await? {
                let known = deployments(store, Some(&self.process)).await?;
                bail!("{}", not_deployed(&self.process, Some(version), &known));
            }
            output::line(&format!("removed version {version} of process `{}`", self.process));
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn not_deployed(process: &str, version: Option<&str>, known: &[Deployment]) -> String {
    let versions: Vec<&str> = known.iter().map(|found| found.version.as_str()).collect();
    match version {
        Some(version) if !versions.is_empty() => {
            format!("version {version} of process `{process}` is not deployed; there are: {}", versions.join(", "))
        }
        _ => format!("nothing of process `{process}` is deployed"),
    }
}
