//! `convert FILE --to pm|conn`: the connectors of a model in another spelling, and nothing else changed.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use bpmn_ext::write::{self, Dialect};
use clap::{Args, ValueEnum};

use super::{deploy, exit, input, output};

/// Spells the connectors of a model in another way; those that cannot be said there stay, and the exit code is 1.
#[derive(Debug, Args)]
pub(super) struct Convert {
    /// A BPMN file; `-` is standard input
    file: PathBuf,
    /// Into what
    #[arg(long, value_enum)]
    to: Spelling,
    /// Where to write, instead of standard output; the file itself is allowed
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Spelling {
    /// ProcessMaker's attributes
    Pm,
    /// The element dataConnector
    Conn,
}

impl Convert {
    pub(super) fn run(self) -> Result<ExitCode> {
        let dialect = match self.to {
            Spelling::Pm => Dialect::ProcessMaker,
            Spelling::Conn => Dialect::Extension,
        };
        let written = write::convert(&input::bytes(&self.file)?, dialect);
        match &self.output {
            Some(path) => replace(path, &written.file)?,
            None => output::raw(&written.file),
        }
        let failed = deploy::show_diagnostics(&self.file, &written.diagnostics);
        Ok(if failed { ExitCode::from(exit::FAILED) } else { ExitCode::SUCCESS })
    }
}

/// Whole or not at all: a full disk must not cost the model.
fn replace(path: &Path, content: &[u8]) -> Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".part");
    let failed = || format!("{} cannot be written", path.display());
    std::fs::write(&beside, content).with_context(failed)?;
    std::fs::rename(&beside, path).with_context(failed)
}
