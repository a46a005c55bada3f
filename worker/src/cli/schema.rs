//! `schema job|result`: the wire contract for other programs.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, ValueEnum};

use super::output;
use crate::job::{JOB_SCHEMA, RESULT_SCHEMA};

/// Prints a JSON Schema (draft 2020-12).
#[derive(Debug, Args)]
pub(super) struct Schema {
    /// Which message
    message: Message,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Message {
    Job,
    Result,
}

impl Schema {
    #[expect(clippy::unnecessary_wraps, reason = "every verb has this shape")]
    pub(super) fn run(self) -> Result<ExitCode> {
        let schema = match self.message {
            Message::Job => JOB_SCHEMA,
            Message::Result => RESULT_SCHEMA,
        };
        output::raw(schema.as_bytes());
        Ok(ExitCode::SUCCESS)
    }
}
