//! `deploy FILE…`: stores connector tasks under their process, so that jobs need not carry their configuration.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, bail};
use bpmn_ext::{ConnectorTask, Diagnostic, Severity};
use clap::Args;
use serde_json::{Value, json};

use super::input;
use super::output::{self, Format};
use super::settings::Settings;

/// Stores models' connector tasks (CONTRACT 5).
#[derive(Debug, Args)]
pub(super) struct Deploy {
    /// BPMN files
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// A label instead of the next number
    #[arg(long, value_name = "LABEL")]
    version: Option<String>,
    /// How to print what was stored
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

impl Deploy {
    pub(super) async fn run(self, settings: Settings) -> Result<ExitCode> {
        // All files are read before anything is stored: a mistake in the last one leaves nothing half deployed.
        let models = self.files.iter().map(|file| read(file)).collect::<Result<Vec<_>>>()?;
        let config = settings.load(Vec::new())?;
        let store = settings.store(&config).await?;
        let mut rows = Vec::new();
        for (file, tasks) in self.files.iter().zip(models) {
            for (process, tasks) in by_process(tasks) {
                let elements: Vec<(String, Value)> = tasks.iter().map(stored_task).collect();
                let file_name = file.display().to_string();
                let version = store.models().deploy(&process, self.version.as_deref(), &file_name, &elements).await?;
                rows.push(vec![process, version, elements.len().to_string(), file_name]);
            }
        }
        print(self.format, &rows);
        Ok(ExitCode::SUCCESS)
    }
}

fn print(format: Format, rows: &[Vec<String>]) {
    let names = ["process", "version", "elements", "file"];
    match format {
        Format::Table => output::table(&names, rows, "no connector tasks: nothing was stored"),
        Format::Json => output::json(&Value::Array(
            rows.iter().map(|row| names.iter().zip(row).map(|(n, v)| ((*n).to_owned(), json!(v))).collect()).collect(),
        )),
    }
}

fn read(file: &Path) -> Result<Vec<ConnectorTask>> {
    let (model, diagnostics) = bpmn_ext::read(&input::bytes(file)?);
    if show_diagnostics(file, &diagnostics) {
        bail!("{} has errors: nothing was stored", file.display());
    }
    Ok(model.tasks)
}

fn by_process(tasks: Vec<ConnectorTask>) -> Vec<(String, Vec<ConnectorTask>)> {
    let mut groups: Vec<(String, Vec<ConnectorTask>)> = Vec::new();
    for task in tasks {
        match groups.iter_mut().find(|(process, _)| *process == task.process) {
            Some((_, group)) => group.push(task),
            None => groups.push((task.process.clone(), vec![task])),
        }
    }
    groups
}

fn stored_task(task: &ConnectorTask) -> (String, Value) {
    (task.element.clone(), json!({"config": task.config, "errorHandling": task.error_handling}))
}

/// Tells people what is wrong with a file, a line each; whether any of it is an error.
pub(super) fn show_diagnostics(file: &Path, diagnostics: &[Diagnostic]) -> bool {
    for diagnostic in diagnostics {
        output::note(&format!("{}:{diagnostic}", file.display()));
    }
    diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
}
