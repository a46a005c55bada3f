//! `schema …`: messages and models as other programs read and write them.

use std::process::ExitCode;

use anyhow::Result;
use bpmn_ext::schema;
use clap::{Args, ValueEnum};

use super::output;
use crate::job::{JOB_SCHEMA, RESULT_SCHEMA};

/// Prints a schema: of messages JSON Schema (draft 2020-12), of models what their tools take.
#[derive(Debug, Args)]
pub(super) struct Schema {
    /// Of what
    of: Of,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Of {
    /// The message that asks for a call
    Job,
    /// The message that answers it
    Result,
    /// Connectors in models, as XML Schema
    Xsd,
    /// Connectors in models, as a descriptor for bpmn-moddle and bpmn-js
    Moddle,
    /// Element template for modelers of Camunda 7
    Camunda7,
    /// Element template for modelers of Camunda 8
    Camunda8,
}

impl Schema {
    #[expect(clippy::unnecessary_wraps, reason = "every verb has this shape")]
    pub(super) fn run(self) -> Result<ExitCode> {
        let schema = match self.of {
            Of::Job => JOB_SCHEMA,
            Of::Result => RESULT_SCHEMA,
            Of::Xsd => schema::XSD,
            Of::Moddle => schema::MODDLE,
            Of::Camunda7 => schema::CAMUNDA_7,
            Of::Camunda8 => schema::CAMUNDA_8,
        };
        output::raw(schema.as_bytes());
        Ok(ExitCode::SUCCESS)
    }
}
