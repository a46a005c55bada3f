//! `convert FILE --to pm|conn`: the connectors of a model in another dialect, and nothing else changed.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use bpmn_ext::write::{self, Target};
use clap::{Args, ValueEnum};

use super::{deploy, exit, input, output};

/// Converts the connectors of a model to another dialect; those that it cannot represent stay, and the exit code is 1.
#[derive(Debug, Args)]
pub(super) struct Convert {
    /// A BPMN file; `-` is standard input
    file: PathBuf,
    /// The dialect to convert to
    #[arg(long, value_enum)]
    to: Dialect,
    /// Where to write, instead of standard output; the file itself is allowed
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Dialect {
    /// ProcessMaker's attributes
    Pm,
    /// The element dataConnector
    Conn,
}

impl Convert {
    pub(super) fn run(self) -> Result<ExitCode> {
        let target = match self.to {
            Dialect::Pm => Target::ProcessMaker,
            Dialect::Conn => Target::Extension,
        };
        let written = write::convert(&input::bytes(&self.file)?, target);
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
    let mut partial = path.as_os_str().to_owned();
    partial.push(".part");
    let failed = || format!("{} cannot be written", path.display());
    std::fs::write(&partial, content).with_context(failed)?;
    std::fs::rename(&partial, path).with_context(failed)
}
