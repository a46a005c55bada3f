//! `models list|show|remove`: what is deployed, by process and version.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::json;

use super::actor;
use super::output::{self, Format};
use super::settings::Settings;
use crate::admin::models::{self as admin, Version};
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

impl List {
    async fn run(&self, store: &Store) -> Result<ExitCode> {
        let found = admin::versions(store, self.process.as_deref()).await?;
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
        let Version { deployment, tasks } = admin::find(store, &self.process, self.version.as_deref()).await?;
        output::json(&json!({
            "process": deployment.process, "version": deployment.version, "file": deployment.file,
            "deployed_at": rfc3339(deployment.deployed_at), "elements": tasks,
        }));
        Ok(ExitCode::SUCCESS)
    }
}

impl Remove {
    async fn run(&self, store: &Store) -> Result<ExitCode> {
        for version in &self.versions {
            admin::remove(store, &self.process, version, &actor::by()).await?;
            output::line(&format!("removed version {version} of process `{}`", self.process));
        }
        Ok(ExitCode::SUCCESS)
    }
}
