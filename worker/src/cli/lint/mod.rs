//! `lint FILE…`: everything that is wrong in a model or works otherwise than it was meant, where it stands.
//!
//! Knows how findings are shown and what is at hand to judge by; the rules are bpmn-ext's.

mod sarif;
mod text;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, anyhow};
use bpmn_ext::lint::{LintContext, RULES};
use bpmn_ext::{Diagnostic, Severity};
use clap::{Args, ValueEnum};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::settings::Settings;
use super::{exit, input, output};
use crate::admin::lint::{self, Languages, Lookup};
use crate::config::Config;

/// Finds what is wrong in models; exit code 1 when something is an error.
#[derive(Debug, Args)]
pub(super) struct Lint {
    /// BPMN files; `-` is standard input
    #[arg(required_unless_present = "explain")]
    files: Vec<PathBuf>,
    /// A connectors file, JSON or YAML, instead of the store
    #[arg(long, value_name = "FILE")]
    connectors: Option<PathBuf>,
    /// Request data, a JSON object: the variables that a request begins with
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// A queue that workers take jobs from, in addition to those of the settings; repeatable
    #[arg(long, value_name = "QUEUE")]
    queue: Vec<String>,
    /// Exit code 1 for warnings too
    #[arg(long)]
    deny_warnings: bool,
    /// How to print
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Show the page of a rule, by its name or number, instead
    #[arg(long, value_name = "RULE", conflicts_with = "files")]
    explain: Option<String>,
}

/// How findings are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// With the source line, for people
    Text,
    /// A list, for programs
    Json,
    /// SARIF 2.1.0, for code review tools
    Sarif,
}

/// A file and what there is to say about it.
struct Checked<'f> {
    file: &'f Path,
    bytes: Vec<u8>,
    found: Vec<Diagnostic>,
}

impl Lint {
    pub(super) async fn run(self, settings: Settings) -> Result<ExitCode> {
        if let Some(rule) = &self.explain {
            return explain(rule);
        }
        let variables = self.data.as_deref().map(input::object).transpose()?;
        let variables: Option<HashSet<String>> = variables.map(|data| data.into_iter().map(|(name, _)| name).collect());
        let config = settings.load(Vec::new())?;
        let lookup = match &self.connectors {
            Some(file) => Some(Lookup::of_records(&input::connectors(file)?)),
            None => of_store(&settings, &config).await,
        };
        for warning in lookup.iter().flat_map(|lookup| &lookup.warnings) {
            output::note(&format!("warning: {warning}"));
        }
        let queues: Vec<String> = config.worker.queues.iter().chain(&self.queue).cloned().collect();
        let context = LintContext {
            connectors: lookup.as_ref().map(|lookup| lookup as _),
            queues: Some(&queues),
            variables: variables.as_ref(),
            language: Some(&Languages),
        };
        let checked = self.files.iter().map(|file| {
            let bytes = input::bytes(file)?;
            Ok(Checked { file, found: bpmn_ext::lint::lint(&bytes, &context), bytes })
        });
        let checked = checked.collect::<Result<Vec<_>>>()?;
        match self.format {
            Format::Text => text::print(&checked),
            Format::Json => output::json(&Value::Array(checked.iter().flat_map(listed).collect())),
            Format::Sarif => output::json(&sarif::log(&checked)),
        }
        Ok(self.verdict(&checked))
    }

    /// Counts for people, and the exit code that scripts read.
    fn verdict(&self, checked: &[Checked<'_>]) -> ExitCode {
        let count = |severity| checked.iter().flat_map(|file| &file.found).filter(|d| d.severity == severity).count();
        let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
        let plural = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        let (errors_said, warnings_said) = (plural(errors, "error"), plural(warnings, "warning"));
        output::note(&format!("{errors_said}, {warnings_said} in {}", plural(checked.len(), "file")));
        let failed = errors > 0 || (self.deny_warnings && warnings > 0);
        if failed { ExitCode::from(exit::FAILED) } else { ExitCode::SUCCESS }
    }
}

/// The connectors of the store, where there is one and it has any; nothing is made for this.
async fn of_store(settings: &Settings, config: &Config) -> Option<Lookup> {
    let url = config.database.url.expose_secret();
    if url.strip_prefix("sqlite:").is_some_and(|file| !Path::new(file).exists()) {
        return None;
    }
    let lookup = match settings.store(config).await {
        Ok(store) => lint::of_store(&store).await,
        Err(error) => Err(error.into()),
    };
    match lookup {
        Ok(lookup) => Some(lookup).filter(|lookup| !lookup.is_empty()),
        Err(error) => {
            output::note(&format!("warning: connectors are not checked: {error}"));
            None
        }
    }
}

/// The findings of a file, each with the file's name.
fn listed(checked: &Checked<'_>) -> Vec<Value> {
    let named = |diagnostic: &Diagnostic| {
        let mut value = json!({"file": checked.file.display().to_string()});
        if let (Value::Object(members), Ok(Value::Object(more))) = (&mut value, serde_json::to_value(diagnostic)) {
            members.extend(more);
        }
        value
    };
    checked.found.iter().map(named).collect()
}

fn explain(wanted: &str) -> Result<ExitCode> {
    let is_wanted = |rule: &bpmn_ext::lint::Rule| rule.name == wanted || wanted.parse() == Ok(rule.number);
    let Some(rule) = RULES.into_iter().find(|rule| is_wanted(rule)) else {
        let known: Vec<&str> = RULES.iter().map(|rule| rule.name).collect();
        return Err(anyhow!("there is no rule `{wanted}`; there are: {}", known.join(", ")));
    };
    output::raw(rule.page.as_bytes());
    Ok(ExitCode::SUCCESS)
}
