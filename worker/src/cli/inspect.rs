//! `inspect FILE…`: what a model asks for, as JSON.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};

use super::{input, output};

/// Shows the connector tasks of models.
#[derive(Debug, Args)]
pub(super) struct Inspect {
    /// BPMN files; `-` is standard input
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

impl Inspect {
    pub(super) fn run(self) -> Result<ExitCode> {
        let mut models = Vec::new();
        let mut broken = false;
        for file in &self.files {
            let (model, diagnostics) = bpmn_ext::read(&input::bytes(file)?);
            broken |= super::deploy::show_diagnostics(file, &diagnostics);
            let mut value = serde_json::to_value(&model)?;
            if let Value::Object(members) = &mut value {
                members.shift_insert(0, "file".to_owned(), json!(file.display().to_string()));
            }
            models.push(value);
        }
        match models.as_slice() {
            [one] => output::json(one),
            _ => output::json(&Value::Array(models)),
        }
        Ok(if broken { ExitCode::from(super::exit::FAILED) } else { ExitCode::SUCCESS })
    }
}
