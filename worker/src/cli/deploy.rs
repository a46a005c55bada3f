//! `deploy FILE…`: stores connector tasks under their process, so that jobs need not carry their configuration.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, bail};
use bpmn_ext::{ConnectorTask, Diagnostic, Severity};
use clap::Args;
use serde_json::{Value, json};

use super::actor;
use super::input;
use super::output::{self, Format};
use super::settings::Settings;
use crate::admin::models::{self as admin, Deployed};

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
        for (file, (bytes, tasks)) in self.files.iter().zip(models) {
            let file_name = file.display().to_string();
            let label = self.version.as_deref();
            for deployed in admin::deploy(&store, (&file_name, &bytes), &tasks, label, &actor::by()).await? {
                let Deployed { process, version, elements } = deployed;
                rows.push(vec![process, version, elements.to_string(), file_name.clone()]);
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

fn read(file: &Path) -> Result<(Vec<u8>, Vec<ConnectorTask>)> {
    let bytes = input::bytes(file)?;
    let (model, diagnostics) = bpmn_ext::read(&bytes);
    if show_diagnostics(file, &diagnostics) {
        bail!("{} has errors: nothing was stored", file.display());
    }
    Ok((bytes, model.tasks))
}

/// Tells people what is wrong with a file, a line each; whether any of it is an error.
pub(super) fn show_diagnostics(file: &Path, diagnostics: &[Diagnostic]) -> bool {
    for diagnostic in diagnostics {
        output::note(&format!("{}:{diagnostic}", file.display()));
    }
    diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
}
