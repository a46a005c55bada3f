//! `connectors import|export|list|test`: records as JSON or YAML (COMPATIBILITY 4.1-4.3, CONTRACT 7).

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Map, Value, json};

use super::output::{self, Format};
use super::settings::Settings;
use super::{exit, input};
use crate::admin::connectors as admin;
use crate::admin::convert::{self, Kind};
use crate::call::{Catalog, Outcome};
use crate::config::Config;
use crate::connector::Connector;
use crate::plan::{Redacted, RequestSpec};
use crate::setup;
use crate::store::{Imported, Store};

/// Manages connectors.
#[derive(Debug, Subcommand)]
pub(super) enum Connectors {
    /// Add or update connectors: same uuid, id or name means the same one
    Import(Import),
    /// Print connectors without their credentials, as import reads them
    Export(Export),
    /// List connectors and their resources
    List(List),
    /// Call one resource of a connector
    Test(Test),
}

#[derive(Debug, Args)]
pub(super) struct Import {
    /// Connectors files, JSON or YAML, or with `--from` files of another tool; `-` is standard input
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// What the files are: connectors are made of what is in them
    #[arg(long, value_name = "KIND", value_enum)]
    from: Option<From>,
    /// What the connector, or the first one of a file, is called
    #[arg(long, requires = "from")]
    name: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum From {
    /// cURL commands
    Curl,
    /// An OpenAPI 3 or Swagger 2 document, JSON or YAML
    Openapi,
    /// A Postman collection 2.0 or 2.1
    Postman,
    /// An export of ProcessMaker
    Processmaker,
    /// Connectors files
    Records,
}

impl From {
    fn kind(self) -> Kind {
        match self {
            Self::Curl => Kind::Curl,
            Self::Openapi => Kind::OpenApi,
            Self::Postman => Kind::Postman,
            Self::Processmaker => Kind::ProcessMaker,
            Self::Records => Kind::Records,
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct Export {
    /// By uuid, id or name; all when none is named
    connectors: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// How to print
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

#[derive(Debug, Args)]
pub(super) struct Test {
    /// By uuid, id or name
    connector: String,
    /// The resource's name
    resource: String,
    /// Values for the resource's variables and parameters, a JSON object; `-` is standard input
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
}

impl Connectors {
    pub(super) async fn run(self, settings: Settings) -> Result<ExitCode> {
        // Files are read and checked before a database is opened.
        let records = match &self {
            Self::Import(import) => import.records()?,
            _ => Vec::new(),
        };
        let config = settings.load(Vec::new())?;
        let store = settings.store(&config).await?;
        match self {
            Self::Import(_) => import(&store, &config, records).await,
            Self::Export(export) => export.run(&store).await,
            Self::List(list) => list.run(&store).await,
            Self::Test(test) => test.run(store, &config).await,
        }
    }
}

impl Import {
    /// The records of a file; what changed on the way and what did not come over is told.
    fn read(&self, file: &Path) -> Result<Vec<Map<String, Value>>> {
        let Some(from) = self.from else { return input::connectors(file) };
        let converted = convert::convert(&input::text(file)?, Some(from.kind()), self.name.as_deref());
        let converted = converted.with_context(|| format!("{} was not converted", file.display()))?;
        for sentence in &converted.changed {
            output::note(&format!("changed: {sentence}"));
        }
        for left in &converted.left_out {
            output::note(&format!("left out: {}: {}", left.what, left.why));
        }
        Ok(converted.records)
    }

    fn records(&self) -> Result<Vec<(PathBuf, Map<String, Value>)>> {
        let mut all = Vec::new();
        for file in &self.files {
            for record in self.read(file)? {
                admin::check(&record).with_context(|| {
                    let name = record.get("name").and_then(Value::as_str).unwrap_or("without a name");
                    format!("{}: connector `{name}`", file.display())
                })?;
                all.push((file.clone(), record));
            }
        }
        Ok(all)
    }
}

async fn import(store: &Store, config: &Config, records: Vec<(PathBuf, Map<String, Value>)>) -> Result<ExitCode> {
    let client = setup::client(config, None).await?;
    for (file, record) in records {
        let import = admin::import(store, &client, record).await;
        let import = import.with_context(|| format!("{}: nothing of this record was stored", file.display()))?;
        for warning in import.warnings {
            output::note(&format!("warning: {warning}"));
        }
        let Imported { id, uuid, name, created } = import.imported;
        let done = if created { "added" } else { "updated" };
        output::line(&format!("{done} {name} (id {id}, uuid {uuid})"));
    }
    Ok(ExitCode::SUCCESS)
}

impl Export {
    async fn run(self, store: &Store) -> Result<ExitCode> {
        let records = admin::export(store, &self.connectors).await?;
        output::json(&Value::Array(records.into_iter().map(Value::Object).collect()));
        Ok(ExitCode::SUCCESS)
    }
}

impl List {
    async fn run(self, store: &Store) -> Result<ExitCode> {
        let stored = store.connectors().list().await?;
        if self.format == Format::Json {
            output::json(&Value::Array(stored.iter().map(|c| Value::Object(c.export())).collect()));
            return Ok(ExitCode::SUCCESS);
        }
        let mut rows = Vec::new();
        for connector in &stored {
            let Ok(read) = Connector::read(&connector.record) else { continue };
            for resource in &read.resources {
                let (id, name) = (connector.id.to_string(), connector.name.clone());
                rows.push(vec![id, name, resource.name.clone(), resource.method.to_string(), resource.url.clone()]);
            }
        }
        let header = ["id", "connector", "resource", "method", "url"];
        output::table(&header, &rows, "no connectors yet: add some with `data-connector connectors import FILE`");
        Ok(ExitCode::SUCCESS)
    }
}

impl Test {
    async fn run(self, store: Store, config: &Config) -> Result<ExitCode> {
        let data = self.data.as_deref().map(input::object).transpose()?.unwrap_or_default();
        // Refresh tokens go through the store: one that is used here is used up for the workers.
        let calls = setup::calls(config, Catalog::of_store(store.clone())).await?;
        let show = |request: &RequestSpec| {
            let Redacted { method, url, .. } = request.redacted();
            output::note(&format!("{method} {url}"));
        };
        match admin::test(&calls, &store, (&self.connector, &self.resource), &data, show).await? {
            Outcome::Completed(answer) => {
                let response = answer.mapped.data.get("response").cloned().unwrap_or(Value::Null);
                output::json(&json!({"status": answer.status, "response": response}));
                Ok(ExitCode::SUCCESS)
            }
            Outcome::Failed(failure) => Ok(exit::failed(&failure)),
        }
    }
}
